#include "geofence/shape.h"

#include <math.h>
#include <string.h>

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

static struct lonlat of_fix(const struct fix *x)
{
	return (struct lonlat){no_tiny(x->lon_deg), no_tiny(x->lat_deg)};
}

static double needed(const struct fence *f, const struct fix *x)
{
	return x->uncertainty_m + f->map_accuracy_m + NUMERIC_M;
}

/* Inside where the line is nearer than half the width. The foot is on the line, so the way to it is an upper bound. */
static enum place in_corridor(const struct fence *f, struct lonlat p, struct place_result *out)
{
	struct nearest n = near_find(f, earth_at(p), INFINITY);
	double least = earth_shortest(n.straight_m), most = geodesic_between(p, n.foot).hi_m;

	out->distance_m = 0;
	out->nearest = n.foot;
	if (most < f->half_width_m) {
		out->distance_m = f->half_width_m - most;
		return PLACE_INSIDE;
	}
	if (least > f->half_width_m) {
		out->distance_m = least - f->half_width_m;
		return PLACE_OUTSIDE;
	}
	return PLACE_AMBIGUOUS;
}

static enum place in_polygons(const struct fence *f, struct lonlat p, struct place_result *out)
{
	struct nearest n = near_find(f, earth_at(p), INFINITY);

	out->distance_m = earth_shortest(n.straight_m);
	out->nearest = n.foot;
	return place_of(f, p);
}

/* The point of the circle on the way to p, as on a ball. */
static struct lonlat on_circle(const struct fence *f, struct lonlat p)
{
	struct vec c = earth_at(f->centre), q = earth_at(p);
	double way = geodesic_between(f->centre, p).hi_m, angle = way / EARTH_A;
	double to = f->radius_m / EARTH_A, k = sin(angle);

	if (!(k > 1e-9))
		return (struct lonlat){f->centre.lon, f->centre.lat};
	double u = sin(angle - to) / k, v = sin(to) / k;
	return earth_below((struct vec){u * c.x + v * q.x, u * c.y + v * q.y, u * c.z + v * q.z});
}

static void decide_one(const struct fence *f, const struct fix *x, struct place_result *out)
{
	struct lonlat p = of_fix(x);

	out->needed_m = needed(f, x);
	if (f->circle) {
		out->place = in_circle(f, p, &out->distance_m);
		out->nearest = on_circle(f, p);
	} else {
		out->place = f->half_width_m > 0 ? in_corridor(f, p, out) : in_polygons(f, p, out);
	}
	if (!(out->distance_m > out->needed_m))
		out->place = PLACE_AMBIGUOUS;
}

static enum place covers_one(const struct fence *f, struct lonlat p)
{
	struct place_result ignored = {0};

	if (f->circle)
		return in_circle(f, p, &ignored.distance_m);
	return f->half_width_m > 0 ? in_corridor(f, p, &ignored) : place_of(f, p);
}

enum place place_covers(const struct fence *f, struct lonlat at)
{
	struct lonlat p = {no_tiny(at.lon), no_tiny(at.lat)};
	enum place sum = PLACE_OUTSIDE;

	if (f->n_parts == 0)
		return covers_one(f, p);
	for (size_t i = 0; i < f->n_parts && sum != PLACE_INSIDE; i++)
		sum = place_or(sum, covers_one(f->parts[i], p));
	return sum;
}

enum place place_or(enum place a, enum place b)
{
	if (a == PLACE_INSIDE || b == PLACE_INSIDE)
		return PLACE_INSIDE;
	return a == PLACE_OUTSIDE ? b : a;
}

/* Inside any part is inside; the way out of all is no shorter than the way out of that one. Otherwise the border that
 * matters is the nearest. */
static void add_part(struct place_result *sum, const struct place_result *part)
{
	enum place both = place_or(sum->place, part->place);
	bool in = sum->place == PLACE_INSIDE, part_in = part->place == PLACE_INSIDE;
	bool better = in && part_in ? part->distance_m > sum->distance_m
	                            : part_in || (!in && part->distance_m < sum->distance_m);

	if (better)
		*sum = *part;
	sum->place = both;
}

void place_decide(const struct fence *f, const struct fix *x, struct place_result *out)
{
	struct place_result part;

	decide_one(f->n_parts > 0 ? f->parts[0] : f, x, out);
	for (size_t i = 1; i < f->n_parts; i++) {
		decide_one(f->parts[i], x, &part);
		add_part(out, &part);
	}
	memcpy(out->digest, f->digest, FENCE_DIGEST_LEN);
	out->match_rate = out->place == PLACE_AMBIGUOUS ? matchrate(f, of_fix(x), out->needed_m)
	                                                : out->place == PLACE_INSIDE;
}

static enum place quick_one(const struct fence *f, const struct fix *x)
{
	struct place_result r;

	if (f->circle || f->half_width_m > 0) {
		decide_one(f, x, &r);
		return r.place;
	}
	struct lonlat p = of_fix(x);
	enum place in = place_of(f, p);
	return in == PLACE_AMBIGUOUS || around_border(f, p, needed(f, x)) ? PLACE_AMBIGUOUS : in;
}

enum place place_quick(const struct fence *f, const struct fix *x)
{
	enum place sum = PLACE_OUTSIDE;

	if (f->n_parts == 0)
		return quick_one(f, x);
	for (size_t i = 0; i < f->n_parts && sum != PLACE_INSIDE; i++)
		sum = place_or(sum, quick_one(f->parts[i], x));
	return sum;
}
