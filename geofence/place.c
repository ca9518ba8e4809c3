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

enum place place_of(const struct fence *f, struct lonlat p)
{
	uint32_t polygon;

	return locate(f, p, &polygon);
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
