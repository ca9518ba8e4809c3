/* GeoJSON coordinates (RFC 7946 3.1) to loops, with the checks that the decision relies on. */
#include "geofence/shape.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "geofence/orient.h"

struct sizes {
	size_t polygons, loops, points;
};

static int malformed_array(const char *what, struct err *e)
{
	return err_set(e, WHY_MALFORMED, "expected an array of %s that is not empty", what);
}

static int measure_polygon(const json_t *rings, struct sizes *n, struct err *e)
{
	size_t i;
	json_t *ring;

	if (json_array_size(rings) == 0)
		return malformed_array("rings", e);
	json_array_foreach(rings, i, ring)
	{
		if (json_array_size(ring) < 4) {
			err_set(e, WHY_MALFORMED,
			        "expected an array of at least 4 positions, the last equal to the first");
			return err_in(e, "ring %zu", i + 1);
		}
		n->points += json_array_size(ring);
	}
	n->loops += json_array_size(rings);
	if (n->loops > FENCE_RINGS_MAX)
		return err_set(e, WHY_MALFORMED, "the fence has more than %d rings", FENCE_RINGS_MAX);
	if (n->points > FENCE_VERTICES_MAX)
		return err_set(e, WHY_MALFORMED, "the fence has more than %d vertices", FENCE_VERTICES_MAX);
	return 0;
}

static const json_t *polygon_at(const json_t *coordinates, bool multi, size_t i)
{
	return multi ? json_array_get(coordinates, i) : coordinates;
}

static int measure(const json_t *coordinates, bool multi, struct sizes *n, struct err *e)
{
	n->polygons = multi ? json_array_size(coordinates) : 1;
	if (n->polygons == 0)
		return malformed_array("polygons", e);
	for (size_t i = 0; i < n->polygons; i++)
		if (measure_polygon(polygon_at(coordinates, multi, i), n, e) != 0)
			return err_in(e, "polygon %zu", i + 1);
	return 0;
}

static int read_degrees(const json_t *j, const char *name, double max, double *out, struct err *e)
{
	double x = json_number_value(j);

	if (!json_is_number(j))
		return err_set(e, WHY_MALFORMED, "%s is not a number", name);
	if (!(fabs(x) <= max)) {
		err_set(e, WHY_MALFORMED, "%s %.17g is beyond %g", name, x, max);
		return err_hint(e, "a position is [longitude, latitude] in degrees");
	}
	*out = fabs(x) < ORIENT_TINY ? 0 : x;
	return 0;
}

static int read_position(const json_t *j, struct point *out, struct err *e)
{
	struct lonlat p;

	if (json_array_size(j) != 2) {
		err_set(e, WHY_MALFORMED, "expected [longitude, latitude]");
		return json_array_size(j) > 2 ? err_hint(e, "leave the altitude out") : -1;
	}
	if (read_degrees(json_array_get(j, 0), "longitude", 180, &p.lon, e) != 0 ||
	        read_degrees(json_array_get(j, 1), "latitude", 90, &p.lat, e) != 0)
		return -1;
	*out = (struct point){p, earth_at(p)};
	return 0;
}

/* RFC 7946 3.1.9: what crosses the antimeridian is cut there. Along a pole every edge has length zero. */
static int check_width(struct lonlat a, struct lonlat b, struct err *e)
{
	if (fabs(a.lon - b.lon) <= 180 || seam_runs_along(SIDE_NORTH, a, b) || seam_runs_along(SIDE_SOUTH, a, b))
		return 0;
	err_set(e, WHY_MALFORMED, "the edge from longitude %.17g to %.17g spans more than 180 degrees", a.lon, b.lon);
	return err_hint(
	        e, "cut the polygon in two at longitude 180, or put a vertex into the edge if it does go the long way");
}

/* Twice the signed area by the shoelace rule, relative to the first vertex; no more than its own rounding is none. */
static bool has_area(const struct point *v, uint32_t count)
{
	double sum = 0, size = 0;

	for (uint32_t i = 0; i + 1 < count; i++) {
		double ax = v[i].at.lon - v[0].at.lon, ay = v[i].at.lat - v[0].at.lat;
		double bx = v[i + 1].at.lon - v[0].at.lon, by = v[i + 1].at.lat - v[0].at.lat;
		sum += ax * by - ay * bx;
		size += fabs(ax * by) + fabs(ay * bx);
	}
	return fabs(sum) > size * (count + 4.0) * DBL_EPSILON;
}

static struct box box_of(const struct point *v, uint32_t count)
{
	struct box b = {v[0].at.lon, v[0].at.lon, v[0].at.lat, v[0].at.lat};

	for (uint32_t i = 1; i < count; i++) {
		b.west = fmin(b.west, v[i].at.lon);
		b.east = fmax(b.east, v[i].at.lon);
		b.south = fmin(b.south, v[i].at.lat);
		b.north = fmax(b.north, v[i].at.lat);
	}
	return b;
}

static int check_loop(const struct point *v, uint32_t count, struct err *e)
{
	if (v[0].at.lon != v[count - 1].at.lon || v[0].at.lat != v[count - 1].at.lat)
		return err_set(e, WHY_MALFORMED, "the ring is not closed: its last position is not its first");
	for (uint32_t i = 0; i + 1 < count; i++)
		if (check_width(v[i].at, v[i + 1].at, e) != 0)
			return err_in(e, "vertex %u", (unsigned)i + 1);
	if (!has_area(v, count))
		return err_set(e, WHY_MALFORMED, "the ring has no area");
	return 0;
}

static int read_positions(struct point *v, const json_t *positions, struct err *e)
{
	size_t i;
	json_t *position;

	json_array_foreach(positions, i, position)
	{
		if (read_position(position, &v[i], e) != 0)
			return err_in(e, "vertex %zu", i + 1);
	}
	return 0;
}

static int read_loop(struct fence *f, const json_t *ring, struct err *e)
{
	struct loop *l = &f->loops[f->n_loops];
	struct point *v = &f->points[f->n_points];

	if (read_positions(v, ring, e) != 0)
		return -1;
	*l = (struct loop){.first = (uint32_t)f->n_points, .count = (uint32_t)json_array_size(ring)};
	if (check_loop(v, l->count, e) != 0)
		return -1;
	l->box = box_of(v, l->count);
	f->n_points += l->count;
	f->n_loops++;
	return 0;
}

static void widen(struct box *b, const struct box *more)
{
	b->west = fmin(b->west, more->west);
	b->east = fmax(b->east, more->east);
	b->south = fmin(b->south, more->south);
	b->north = fmax(b->north, more->north);
}

static int read_polygon(struct fence *f, const json_t *rings, struct err *e)
{
	struct polygon *g = &f->polygons[f->n_polygons];
	size_t i;
	json_t *ring;

	g->first = (uint32_t)f->n_loops;
	json_array_foreach(rings, i, ring)
	{
		if (read_loop(f, ring, e) != 0)
			return err_in(e, "ring %zu", i + 1);
	}
	g->count = (uint32_t)f->n_loops - g->first;
	g->box = f->loops[g->first].box;
	for (uint32_t l = g->first; l < g->first + g->count; l++)
		widen(&g->box, &f->loops[l].box);
	f->n_polygons++;
	return 0;
}

int rings_read(struct fence *f, const json_t *coordinates, bool multi, struct err *e)
{
	struct sizes n = {0};

	if (measure(coordinates, multi, &n, e) != 0)
		return -1;
	f->polygons = calloc(n.polygons, sizeof(*f->polygons));
	f->loops = calloc(n.loops, sizeof(*f->loops));
	f->points = calloc(n.points, sizeof(*f->points));
	if (f->polygons == NULL || f->loops == NULL || f->points == NULL)
		return err_set(e, WHY_SYSTEM, "no memory for the fence");
	for (size_t i = 0; i < n.polygons; i++)
		if (read_polygon(f, polygon_at(coordinates, multi, i), e) != 0)
			return err_in(e, "polygon %zu", i + 1);
	f->n_positions = f->n_points;
	return 0;
}

int rings_line(struct fence *f, const json_t *coordinates, struct err *e)
{
	size_t n = json_array_size(coordinates);
	bool goes = false;

	if (n < 2 || n > FENCE_VERTICES_MAX)
		return err_set(e, WHY_MALFORMED, "expected an array of 2 to %d positions", FENCE_VERTICES_MAX);
	f->loops = calloc(1, sizeof(*f->loops));
	f->points = calloc(n, sizeof(*f->points));
	if (f->loops == NULL || f->points == NULL)
		return err_set(e, WHY_SYSTEM, "no memory for the fence");
	if (read_positions(f->points, coordinates, e) != 0)
		return -1;
	for (size_t i = 0; i + 1 < n; i++) {
		struct lonlat a = f->points[i].at, b = f->points[i + 1].at;
		if (check_width(a, b, e) != 0)
			return err_in(e, "vertex %zu", i + 1);
		goes |= a.lon != b.lon || a.lat != b.lat;
	}
	if (!goes)
		return err_set(e, WHY_MALFORMED, "the line has no length");
	f->loops[0] = (struct loop){0, (uint32_t)n, box_of(f->points, (uint32_t)n)};
	f->n_loops = 1;
	f->n_points = f->n_positions = n;
	return 0;
}
