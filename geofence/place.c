#include "geofence/shape.h"

#include <math.h>

#include "geofence/geodesic.h"
#include "geofence/orient.h"

#define NUMERIC_M                                                                                                      \
	1e-3 /* rounding in earth.c and near.c is below 1e-6 m; a coordinate below ORIENT_TINY counts as zero */

const char *place_name(enum place p)
{
	switch (p) {
	case PLACE_OUTSIDE:
		return "outside";
	case PLACE_INSIDE:
		return "inside";
	case PLACE_AMBIGUOUS:
		break;
	}
	return "ambiguous";
}

static bool box_holds(const struct box *b, struct lonlat p)
{
	return b->west <= p.lon && p.lon <= b->east && b->south <= p.lat && p.lat <= b->north;
}

/* Where a ray from p to the east meets the edge: 1 crosses, 0 misses, -1 when p lies on the edge. An edge holds its
 * lower end and not its upper, so a ray through a vertex counts once. */
static int crosses(struct lonlat a, struct lonlat b, struct lonlat p)
{
	double west = a.lon < b.lon ? a.lon : b.lon;
	double east = a.lon < b.lon ? b.lon : a.lon;

	if (p.lon > east)
		return 0;
	if ((a.lat > p.lat) == (b.lat > p.lat)) {
		bool at_end = (a.lat == p.lat && a.lon == p.lon) || (b.lat == p.lat && b.lon == p.lon);
		bool level = a.lat == p.lat && b.lat == p.lat;
		return at_end || (level && p.lon >= west) ? -1 : 0;
	}
	if (p.lon < west)
		return 1;
	int side = orient_side(a, b, p);
	if (side == 0)
		return -1;
	return (side > 0) == (b.lat > a.lat);
}

static enum place in_loop(const struct fence *f, const struct loop *l, struct lonlat p)
{
	const struct point *v = &f->points[l->first];
	bool odd = false;

	if (!box_holds(&l->box, p))
		return PLACE_OUTSIDE;
	for (uint32_t i = 0; i + 1 < l->count; i++) {
		int c = crosses(v[i].at, v[i + 1].at, p);
		if (c < 0)
			return PLACE_AMBIGUOUS;
		odd ^= c == 1;
	}
	return odd ? PLACE_INSIDE : PLACE_OUTSIDE;
}

static enum place in_polygon(const struct fence *f, const struct polygon *g, struct lonlat p)
{
	bool odd = false;

	if (!box_holds(&g->box, p))
		return PLACE_OUTSIDE;
	for (uint32_t i = 0; i < g->count; i++) {
		enum place in = in_loop(f, &f->loops[g->first + i], p);
		if (in == PLACE_AMBIGUOUS)
			return in;
		odd ^= in == PLACE_INSIDE;
	}
	return odd ? PLACE_INSIDE : PLACE_OUTSIDE;
}

static enum place in_spans(const struct spans *s, double x)
{
	for (size_t i = 0; i < s->n; i++) {
		if (x == s->s[i].lo || x == s->s[i].hi)
			return PLACE_AMBIGUOUS;
		if (s->s[i].lo < x && x < s->s[i].hi)
			return PLACE_INSIDE;
	}
	return PLACE_OUTSIDE;
}

/* A pole is inside when the fence reaches it from every longitude. */
static enum place at_pole(const struct spans *s)
{
	if (s->n == 0)
		return PLACE_OUTSIDE;
	return s->n == 1 && s->s[0].lo == -180 && s->s[0].hi == 180 ? PLACE_INSIDE : PLACE_AMBIGUOUS;
}

/* Both sides of the antimeridian must agree. */
static enum place at_seam(const struct fence *f, double lat)
{
	enum place east = in_spans(&f->inside[SIDE_EAST], lat);
	enum place west = in_spans(&f->inside[SIDE_WEST], lat);

	return east == west ? east : PLACE_AMBIGUOUS;
}

enum place place_of(const struct fence *f, struct lonlat p)
{
	enum place sum = PLACE_OUTSIDE;

	if (fabs(p.lat) == 90)
		return at_pole(&f->inside[p.lat < 0 ? SIDE_SOUTH : SIDE_NORTH]);
	if (fabs(p.lon) == 180)
		return at_seam(f, p.lat);
	for (size_t i = 0; i < f->n_polygons; i++) {
		enum place in = in_polygon(f, &f->polygons[i], p);
		if (in == PLACE_AMBIGUOUS)
			return in;
		if (in == PLACE_INSIDE)
			sum = in;
	}
	return sum;
}

/* By the triangle inequality the circle's edge is at least |radius - distance to the centre| away. */
static enum place in_circle(const struct fence *f, struct lonlat p, double *distance)
{
	struct geodesic g = geodesic_between(f->centre, p);

	*distance = 0;
	if (g.hi_m < f->radius_m) {
		*distance = f->radius_m - g.hi_m;
		return PLACE_INSIDE;
	}
	if (g.lo_m > f->radius_m) {
		*distance = g.lo_m - f->radius_m;
		return PLACE_OUTSIDE;
	}
	return PLACE_AMBIGUOUS;
}

static double no_tiny(double x)
{
	return fabs(x) < ORIENT_TINY ? 0 : x;
}

void place_decide(const struct fence *f, const struct fix *x, struct place_result *out)
{
	struct lonlat p = {no_tiny(x->lon_deg), no_tiny(x->lat_deg)};

	out->needed_m = x->uncertainty_m + f->map_accuracy_m + NUMERIC_M;
	if (f->circle) {
		out->place = in_circle(f, p, &out->distance_m);
	} else {
		out->place = place_of(f, p);
		out->distance_m = near_border(f, earth_at(p));
	}
	if (!(out->distance_m > out->needed_m))
		out->place = PLACE_AMBIGUOUS;
}
