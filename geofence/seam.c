/* Along the antimeridian and at the poles. There a line of a ring is a border only where the fence is on one side of it
 * and not on the other, so it is left out of the border and these pieces are put in. */
#include "geofence/shape.h"

#include <math.h>
#include <stdlib.h>

struct ends { /* where the fence begins and stops along a side, in any order */
	double *x;
	size_t n;
};

static void ends_free(struct ends t)
{
	free(t.x);
}
AUTO_DEFINE(struct ends, ends_free)

static double across(enum side s, struct lonlat p)
{
	return s == SIDE_WEST || s == SIDE_EAST ? p.lon : p.lat;
}

static double along(enum side s, struct lonlat p)
{
	return s == SIDE_WEST || s == SIDE_EAST ? p.lat : p.lon;
}

bool seam_runs_along(enum side s, struct lonlat a, struct lonlat b)
{
	static const double where[SIDE_COUNT] = {
	        [SIDE_WEST] = -180, [SIDE_EAST] = 180, [SIDE_SOUTH] = -90, [SIDE_NORTH] = 90};

	return across(s, a) == where[s] && across(s, b) == where[s];
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int by_lo(const void *a, const void *b)
{
	return ascending(&((const struct span *)a)->lo, &((const struct span *)b)->lo);
}

static void polygon_ends(const struct fence *f, const struct polygon *g, enum side s, struct ends *t)
{
	for (uint32_t l = g->first; l < g->first + g->count; l++) {
		const struct point *v = &f->points[f->loops[l].first];
		for (uint32_t i = 0; i + 1 < f->loops[l].count; i++) {
			if (!seam_runs_along(s, v[i].at, v[i + 1].at))
				continue;
			t->x[t->n++] = along(s, v[i].at);
			t->x[t->n++] = along(s, v[i + 1].at);
		}
	}
}

/* Each end changes in to out, so between the first and the second, the third and the fourth, ... the count is odd. */
static void spans_of_ends(struct ends *t, struct spans *out)
{
	qsort(t->x, t->n, sizeof(*t->x), ascending);
	for (size_t i = 0; i + 1 < t->n; i += 2)
		if (t->x[i] < t->x[i + 1])
			out->s[out->n++] = (struct span){t->x[i], t->x[i + 1]};
}

/* The union: polygons may overlap or touch. */
static void merge(struct spans *t)
{
	size_t n = 0;

	qsort(t->s, t->n, sizeof(*t->s), by_lo);
	for (size_t i = 0; i < t->n; i++) {
		if (n > 0 && t->s[i].lo <= t->s[n - 1].hi)
			t->s[n - 1].hi = fmax(t->s[n - 1].hi, t->s[i].hi);
		else
			t->s[n++] = t->s[i];
	}
	t->n = n;
}

static size_t count_along(const struct fence *f, enum side s)
{
	size_t n = 0;

	for (size_t l = 0; l < f->n_loops; l++) {
		const struct point *v = &f->points[f->loops[l].first];
		for (uint32_t i = 0; i + 1 < f->loops[l].count; i++)
			n += seam_runs_along(s, v[i].at, v[i + 1].at);
	}
	return n;
}

static int no_memory(struct err *e)
{
	return err_set(e, WHY_SYSTEM, "no memory for the fence");
}

static int find_side(struct fence *f, enum side s, struct err *e)
{
	struct spans *out = &f->inside[s];
	size_t n = count_along(f, s);

	if (n == 0)
		return 0;
	AUTO(ends_free) struct ends t = {calloc(2 * n, sizeof(double)), 0};
	out->s = calloc(n, sizeof(*out->s));
	if (t.x == NULL || out->s == NULL)
		return no_memory(e);
	for (size_t i = 0; i < f->n_polygons; i++) {
		t.n = 0;
		polygon_ends(f, &f->polygons[i], s, &t);
		spans_of_ends(&t, out);
	}
	merge(out);
	return 0;
}

static void put_point(struct fence *f, double lat)
{
	struct point *p = &f->points[f->n_points++];

	p->at = (struct lonlat){180, lat};
	p->xyz = earth_at(p->at);
}

static void add_ends(struct ends *t, const struct spans *from)
{
	for (size_t i = 0; i < from->n; i++) {
		t->x[t->n++] = from->s[i].lo;
		t->x[t->n++] = from->s[i].hi;
	}
}

/* The pieces where one side of the antimeridian is inside and the other is not. */
static int put_border(struct fence *f, struct err *e)
{
	size_t most = f->inside[SIDE_EAST].n + f->inside[SIDE_WEST].n;

	if (most == 0)
		return 0;
	AUTO(ends_free) struct ends t = {calloc(2 * most, sizeof(double)), 0};
	struct spans pieces = {calloc(most, sizeof(struct span)), 0};
	struct point *grown = realloc(f->points, (f->n_points + 2 * most) * sizeof(*grown));
	if (grown != NULL)
		f->points = grown;
	if (grown == NULL || t.x == NULL || pieces.s == NULL) {
		free(pieces.s);
		return no_memory(e);
	}
	add_ends(&t, &f->inside[SIDE_EAST]);
	add_ends(&t, &f->inside[SIDE_WEST]);
	spans_of_ends(&t, &pieces);
	for (size_t i = 0; i < pieces.n; i++) {
		put_point(f, pieces.s[i].lo);
		put_point(f, pieces.s[i].hi);
	}
	free(pieces.s);
	return 0;
}

int seam_find(struct fence *f, struct err *e)
{
	for (int s = 0; s < SIDE_COUNT; s++)
		if (find_side(f, (enum side)s, e) != 0)
			return -1;
	return put_border(f, e);
}
