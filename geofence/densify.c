/* Geodesic edges as many edges that are straight in degrees, none of them GEODESIC_GAP_M from its geodesic. */
#include <math.h>
#include <stdlib.h>

#include "geofence/geodesic.h"
#include "geofence/orient.h"
#include "geofence/shape.h"

enum { HALVINGS_MAX = 14 };             /* a quarter of the meridian, near a pole, needs 12 */
#define GAP_SEEN_M (GEODESIC_GAP_M / 2) /* at three points of a piece; between them it grows like a parabola */

struct dense { /* grows */
	struct point *p;
	size_t n, cap;
};

static int put(struct dense *d, struct point p, struct err *e)
{
	if (d->n == FENCE_VERTICES_MAX)
		return err_set(e, WHY_MALFORMED, "the fence has more than %d vertices with those of its geodesics",
		        FENCE_VERTICES_MAX);
	if (d->n == d->cap) {
		size_t cap = 2 * d->cap + 64;
		struct point *grown = realloc(d->p, cap * sizeof(*grown));
		if (grown == NULL)
			return err_set(e, WHY_SYSTEM, "no memory for the fence");
		d->p = grown;
		d->cap = cap;
	}
	d->p[d->n++] = p;
	return 0;
}

static double no_tiny(double x)
{
	return fabs(x) < ORIENT_TINY ? 0 : x;
}

/* On the side of the antimeridian where the edge is: it is no longer than half of a parallel. */
static struct point at(const struct geodesic_line *g, struct lonlat end, double s)
{
	struct lonlat p = geodesic_at(g, s);
	double middle = (g->from.lon + end.lon) / 2;

	p.lon -= 360.0 * round((p.lon - middle) / 360.0);
	p.lon = no_tiny(fmin(180, fmax(-180, p.lon)));
	p.lat = no_tiny(fmin(90, fmax(-90, p.lat)));
	return (struct point){p, earth_at(p)};
}

static double gap(const struct geodesic_line *g, struct lonlat end, double from, double to, struct lonlat a,
        struct lonlat b, double t)
{
	struct point on = at(g, end, from + t * (to - from));
	struct lonlat straight = {a.lon + t * (b.lon - a.lon), a.lat + t * (b.lat - a.lat)};

	return earth_distance(on.xyz, earth_at(straight));
}

/* The piece from a to b, without a. */
static int put_piece(struct dense *d, const struct geodesic_line *g, struct lonlat end, double from, double to,
        struct point a, struct point b, int halvings, struct err *e)
{
	double worst = fmax(gap(g, end, from, to, a.at, b.at, 0.25),
	        fmax(gap(g, end, from, to, a.at, b.at, 0.5), gap(g, end, from, to, a.at, b.at, 0.75)));

	if (worst <= GAP_SEEN_M)
		return put(d, b, e);
	if (halvings == HALVINGS_MAX) {
		err_set(e, WHY_MALFORMED, "the geodesic goes over a pole");
		return err_hint(e, "put a vertex at the pole");
	}
	double half = (from + to) / 2;
	struct point middle = at(g, end, half);
	if (put_piece(d, g, end, from, half, a, middle, halvings + 1, e) != 0)
		return -1;
	return put_piece(d, g, end, half, to, middle, b, halvings + 1, e);
}

/* A meridian is a geodesic, and all of a pole is one point. */
static bool is_straight(struct lonlat a, struct lonlat b)
{
	return a.lon == b.lon || (fabs(a.lat) == 90 && a.lat == b.lat);
}

static int put_edge(struct dense *d, struct point a, struct point b, struct err *e)
{
	struct geodesic_line g;

	if (is_straight(a.at, b.at))
		return put(d, b, e);
	if (!geodesic_line(a.at, b.at, &g))
		return err_set(e, WHY_MALFORMED, "the edge goes nearly to the antipode: which way is not certain");
	return put_piece(d, &g, b.at, 0, g.length_m, a, b, 0, e);
}

static struct box widened(struct box b, const struct point *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		b.south = fmin(b.south, v[i].at.lat);
		b.north = fmax(b.north, v[i].at.lat);
		b.west = fmin(b.west, v[i].at.lon);
		b.east = fmax(b.east, v[i].at.lon);
	}
	return b;
}

static int put_loop(struct dense *d, const struct fence *f, struct loop *l, struct err *e)
{
	const struct point *v = &f->points[l->first];
	size_t first = d->n;

	if (put(d, v[0], e) != 0)
		return -1;
	for (uint32_t i = 0; i + 1 < l->count; i++)
		if (put_edge(d, v[i], v[i + 1], e) != 0)
			return err_in(e, "vertex %u", (unsigned)i + 1);
	l->first = (uint32_t)first;
	l->count = (uint32_t)(d->n - first);
	l->box = widened(l->box, d->p + first, l->count);
	return 0;
}

int densify(struct fence *f, struct err *e)
{
	struct dense d = {0};

	for (size_t i = 0; i < f->n_loops; i++) {
		if (put_loop(&d, f, &f->loops[i], e) != 0) {
			free(d.p);
			return err_in(e, "ring %zu of all", i + 1);
		}
	}
	for (size_t i = 0; i < f->n_polygons; i++) {
		struct polygon *g = &f->polygons[i];
		for (uint32_t k = g->first; k < g->first + g->count; k++) {
			const struct box *b = &f->loops[k].box;
			g->box = (struct box){fmin(g->box.west, b->west), fmax(g->box.east, b->east),
			        fmin(g->box.south, b->south), fmax(g->box.north, b->north)};
		}
	}
	free(f->points);
	f->points = d.p;
	f->n_points = f->n_positions = d.n;
	return 0;
}
