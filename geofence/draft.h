/* draft: rings on their way from a map to a fence, and what was found about them. Internal to the import. */
#ifndef GEOFENCE_DRAFT_H
#define GEOFENCE_DRAFT_H

#include "geofence/earth.h"
#include "geofence/geofence.h"

/* Before inner borders vanish; a fence itself has FENCE_VERTICES_MAX. 24 bytes each. */
enum { DRAFT_VERTICES_MAX = 8000000, DRAFT_RINGS_MAX = 1000000 };

struct spot {
	struct lonlat at; /* in [-180, 180] */
	int32_t turns;    /* around the earth since the ring began, to the east */
	uint32_t number;  /* of the vertex in its ring in the map, from 1 */
};

struct draft_ring { /* spots[first .. first + count), the last where the first is */
	uint32_t first, count;
	uint32_t feature, polygon, ring; /* numbers in the map, from 1 */
	bool hole;                       /* what it encloses is not part of its polygon */
	bool taken_out;                  /* of another feature, to be cut out of the fence */
	bool dropped;                    /* is noise */
	uint32_t crossed;                /* the number of a vertex from which it crosses itself; 0 when it does not */
};

struct draft {
	struct spot *spots;
	struct draft_ring *rings;
	size_t n_spots, n_rings, cap_spots, cap_rings;
};

void draft_free(struct draft d);
AUTO_DEFINE(struct draft, draft_free)

/* A ring is begun, gets its points, and is the last one until the next. */
int draft_begin(struct draft *d, uint32_t feature, uint32_t polygon, uint32_t ring, struct err *e);
int draft_put(struct draft *d, struct spot s, struct err *e);
int draft_append(struct draft *d, struct spot s, struct err *e); /* the same, and no ring counts it */
/* Takes the last ring back. */
void draft_drop(struct draft *d);
/* Longitude without jumps: a turn is 360 degrees. */
double draft_lon(const struct spot *s);
bool lonlat_same(struct lonlat a, struct lonlat b);
/* No area but what rounding makes. */
bool draft_flat(const struct draft *d, const struct draft_ring *r);
/* A point inside a ring that has an area and does not cross the antimeridian; false when there is none to be found. */
bool draft_inner(const struct draft *d, const struct draft_ring *r, struct lonlat *out);
/* The box around a ring, as it is written. */
struct draft_box {
	struct lonlat lo, hi;
};
struct draft_box draft_box(const struct draft *d, const struct draft_ring *r);
bool draft_meet(const struct draft_box *a, const struct draft_box *b);
/* No point inside the ring is further than this from it, in metres: the radius of a circle with its area. */
double draft_depth(const struct draft *d, const struct draft_ring *r);
/* Twice the signed area in degrees, counterclockwise positive; *size is what its rounding is relative to. */
double draft_area(const struct draft *d, const struct draft_ring *r, double *size);
void draft_clear(struct draft *d);
/* Puts "feature 3: polygon 1: ring 2: vertex 7: " before the sentence; no vertex when it is 0. Always -1. */
int draft_in(const struct draft_ring *r, uint32_t vertex, struct err *e);

/* A line of the report. Formats like printf behind the place. */
void report_add(struct fence_report *r, enum fence_finding_kind kind, const struct draft_ring *where, uint32_t vertex,
        const char *fmt, ...) __attribute__((format(printf, 5, 6)));

#endif
