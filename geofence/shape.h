/* shape: an imported fence from the inside. fence.c, rings.c and seam.c build it; place.c and near.c read it. */
#ifndef GEOFENCE_SHAPE_H
#define GEOFENCE_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "geofence/earth.h"
#include "geofence/geofence.h"

struct point {
	struct lonlat at;
	struct vec xyz;
};

struct box { /* degrees; closed */
	double west, east, south, north;
};

struct loop { /* a ring: points[first .. first + count), the last equal to the first */
	uint32_t first, count;
	struct box box;
};

struct polygon { /* loops[first .. first + count): inside where an odd number of them is around */
	uint32_t first, count;
	struct box box;
};

struct edge { /* of the border: from points[at] to points[at + 1], straight in degrees */
	uint32_t at;
	float sag_m; /* see near_sag() */
};

enum { CLUSTER_EDGES = 16 };

struct cluster { /* edges[16 i .. 16 i + 16) lie in this ball */
	struct vec centre;
	double radius;
};

/* Four lines of the degree plane are no border by themselves: both sides of the antimeridian are one meridian, and
 * every longitude at a pole is one point. */
enum side { SIDE_WEST, SIDE_EAST, SIDE_SOUTH, SIDE_NORTH, SIDE_COUNT };

struct span {
	double lo, hi;
};

struct spans { /* ascending, apart */
	struct span *s;
	size_t n;
};

struct fence {
	double map_accuracy_m;

	bool circle;
	struct lonlat centre;
	double radius_m;

	struct polygon *polygons;
	struct loop *loops;
	struct point
	        *points; /* those of the loops, then two for each piece of border that runs along the antimeridian */
	struct edge *edges;
	struct cluster *clusters;
	size_t n_polygons, n_loops, n_points, n_edges, n_clusters;
	size_t n_positions;              /* points in loops */
	struct spans inside[SIDE_COUNT]; /* the latitudes (east, west) or longitudes (poles) just inside which the fence
	                                    is */
};

/* seam.c: fills f->inside and appends the pieces of border along the antimeridian to f->points. */
int seam_find(struct fence *f, struct err *e);
bool seam_runs_along(enum side s, struct lonlat a, struct lonlat b);

/* rings.c: fills polygons, loops and points from GeoJSON coordinates; every refusal names polygon, ring and vertex. */
int rings_read(struct fence *f, const json_t *coordinates, bool multi, struct err *e);

/* near.c: how far the points of an edge that is straight in degrees may be from the straight line in space, m. */
double near_sag(const struct point *a, const struct point *b);
/* A lower bound of the distance over the ground from xyz to the border; its shortfall is stated at struct place_result.
 */
double near_border(const struct fence *f, struct vec xyz);

/* place.c: the fix must be fix_ok(). */
void place_decide(const struct fence *f, const struct fix *x, struct place_result *out);
/* The point alone, for polygons: AMBIGUOUS exactly on a line of a ring (on the antimeridian and at a pole: where the
 * two sides, or the longitudes, differ). */
enum place place_of(const struct fence *f, struct lonlat p);

#endif
