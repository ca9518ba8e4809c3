#include "geofence/draft.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define DEGREE_M 111700.0 /* the longest on the ellipsoid, and a little */

void draft_free(struct draft d)
{
	free(d.spots);
	free(d.rings);
}

void draft_clear(struct draft *d)
{
	d->n_spots = 0;
	d->n_rings = 0;
}

static int grow(void **p, size_t *cap, size_t size, struct err *e)
{
	size_t more = *cap == 0 ? 256 : 2 * *cap;
	void *grown = realloc(*p, more * size);

	if (grown == NULL)
		return err_set(e, WHY_SYSTEM, "no memory for the map");
	*p = grown;
	*cap = more;
	return 0;
}

int draft_begin(struct draft *d, uint32_t feature, uint32_t polygon, uint32_t ring, struct err *e)
{
	if (d->n_rings == DRAFT_RINGS_MAX)
		return err_set(e, WHY_MALFORMED, "more than %d rings are asked for", DRAFT_RINGS_MAX);
	if (d->n_rings == d->cap_rings && grow((void **)&d->rings, &d->cap_rings, sizeof(*d->rings), e) != 0)
		return -1;
	d->rings[d->n_rings++] = (struct draft_ring){
	        .first = (uint32_t)d->n_spots, .feature = feature, .polygon = polygon, .ring = ring, .hole = ring > 1};
	return 0;
}

int draft_append(struct draft *d, struct spot s, struct err *e)
{
	if (d->n_spots == DRAFT_VERTICES_MAX) {
		err_set(e, WHY_MALFORMED, "more than %d vertices are asked for", DRAFT_VERTICES_MAX);
		return err_hint(e, "a fence has at most %d; choose a part with --where", FENCE_VERTICES_MAX);
	}
	if (d->n_spots == d->cap_spots && grow((void **)&d->spots, &d->cap_spots, sizeof(*d->spots), e) != 0)
		return -1;
	d->spots[d->n_spots++] = s;
	return 0;
}

int draft_put(struct draft *d, struct spot s, struct err *e)
{
	if (draft_append(d, s, e) != 0)
		return -1;
	d->rings[d->n_rings - 1].count++;
	return 0;
}

void draft_drop(struct draft *d)
{
	d->n_rings--;
	d->n_spots = d->rings[d->n_rings].first;
}

double draft_lon(const struct spot *s)
{
	return s->at.lon + 360.0 * s->turns;
}

bool lonlat_same(struct lonlat a, struct lonlat b)
{
	return a.lon == b.lon && a.lat == b.lat;
}

double draft_area(const struct draft *d, const struct draft_ring *r, double *size)
{
	const struct spot *v = &d->spots[r->first];
	double sum = 0;

	*size = 0;
	for (uint32_t i = 0; i + 1 < r->count; i++) {
		double ax = draft_lon(&v[i]) - draft_lon(v), ay = v[i].at.lat - v[0].at.lat;
		double bx = draft_lon(&v[i + 1]) - draft_lon(v), by = v[i + 1].at.lat - v[0].at.lat;
		sum += ax * by - ay * bx;
		*size += fabs(ax * by) + fabs(ay * bx);
	}
	return sum;
}

int draft_in(const struct draft_ring *r, uint32_t vertex, struct err *e)
{
	if (vertex > 0)
		err_in(e, "vertex %u", vertex);
	return err_in(e, "feature %u: polygon %u: ring %u", r->feature, r->polygon, r->ring);
}

static size_t put_place(char *to, size_t cap, const struct draft_ring *where, uint32_t vertex)
{
	int n = where->ring == 0 ? snprintf(to, cap, "feature %u: ", where->feature)
	        : vertex == 0 ? snprintf(to, cap, "feature %u: polygon %u: ring %u: ", where->feature, where->polygon,
	                                where->ring)
	                      : snprintf(to, cap, "feature %u: polygon %u: ring %u: vertex %u: ", where->feature,
	                                where->polygon, where->ring, vertex);

	return (size_t)n < cap ? (size_t)n : cap - 1;
}

void report_add(struct fence_report *r, enum fence_finding_kind kind, const struct draft_ring *where, uint32_t vertex,
        const char *fmt, ...)
{
	va_list args;

	r->count[kind]++;
	if (r->n == FENCE_FINDINGS_MAX)
		return;
	struct fence_finding *f = &r->findings[r->n++];
	f->kind = kind;
	size_t at = where != NULL ? put_place(f->text, sizeof f->text, where, vertex) : 0;
	va_start(args, fmt);
	vsnprintf(f->text + at, sizeof f->text - at, fmt, args);
	va_end(args);
}

static int ascending(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return (a > b) - (a < b);
}

bool draft_flat(const struct draft *d, const struct draft_ring *r)
{
	double size, area = draft_area(d, r, &size);

	return fabs(area) <= size * (r->count + 4.0) * DBL_EPSILON;
}

struct draft_box draft_box(const struct draft *d, const struct draft_ring *r)
{
	struct draft_box x = {{INFINITY, INFINITY}, {-INFINITY, -INFINITY}};

	for (uint32_t i = 0; i < r->count; i++) {
		const struct spot *s = &d->spots[r->first + i];
		x.lo = (struct lonlat){fmin(x.lo.lon, s->at.lon), fmin(x.lo.lat, s->at.lat)};
		x.hi = (struct lonlat){fmax(x.hi.lon, s->at.lon), fmax(x.hi.lat, s->at.lat)};
	}
	return x;
}

bool draft_meet(const struct draft_box *a, const struct draft_box *b)
{
	return a->lo.lon <= b->hi.lon && b->lo.lon <= a->hi.lon && a->lo.lat <= b->hi.lat && b->lo.lat <= a->hi.lat;
}

double draft_depth(const struct draft *d, const struct draft_ring *r)
{
	struct draft_box x = draft_box(d, r);
	double size, area = fabs(draft_area(d, r, &size)) / 2;
	/* of the latitude in the box that is nearest to the equator, where a degree is widest */
	double lat = x.lo.lat > 0 ? x.lo.lat : x.hi.lat < 0 ? x.hi.lat : 0;

	return DEGREE_M * sqrt(area * cos(earth_radians(lat)) / M_PI);
}

/* Where a ring meets a parallel, west to east. */
static size_t cuts_of(const struct draft *d, const struct draft_ring *r, double lat, double *cuts)
{
	size_t n = 0;

	for (uint32_t i = 0; i + 1 < r->count; i++) {
		struct lonlat a = d->spots[r->first + i].at, b = d->spots[r->first + i + 1].at;
		if ((a.lat > lat) == (b.lat > lat))
			continue;
		if (fabs(a.lon - b.lon) > 180)
			return 0;
		cuts[n++] = a.lon + (lat - a.lat) / (b.lat - a.lat) * (b.lon - a.lon);
	}
	qsort(cuts, n, sizeof(*cuts), ascending);
	return n;
}

/* The middle of the widest piece that the ring cuts from a parallel. */
bool draft_inner(const struct draft *d, const struct draft_ring *r, struct lonlat *out)
{
	struct draft_box x = draft_box(d, r);
	/* not the very middle, where grids and symmetric shapes have vertices */
	double lat = x.lo.lat + 0.4871 * (x.hi.lat - x.lo.lat), widest = 0;
	double *cuts = calloc(r->count + 1U, sizeof(*cuts));
	size_t n = cuts != NULL ? cuts_of(d, r, lat, cuts) : 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		if (cuts[i + 1] - cuts[i] > widest) {
			widest = cuts[i + 1] - cuts[i];
			*out = (struct lonlat){(cuts[i] + cuts[i + 1]) / 2, lat};
		}
	free(cuts);
	return widest > 0;
}
