/* Membership by the grid. The straight line from the fix to its cell's reference point stays in the cell, so it meets
 * no edge but those of the leaf, and each edge it crosses changes inside to outside. */
#include "geofence/orient.h"
#include "geofence/shape.h"

#include <math.h>

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

struct leaf_walk {
	struct lonlat p, c; /* the fix and the reference point */
	bool on;            /* the fix is on a line */
};

/* On which side of the line through p and c a vertex lies; on it counts as right, for each edge of the vertex alike, as
 * if the line went by it a little to the left. */
static inline bool left_of(struct leaf_walk *w, struct lonlat v)
{
	int side = orient_side(w->p, w->c, v);

	if (side == 0 && v.lon == w->p.lon && v.lat == w->p.lat)
		w->on = true;
	return side > 0;
}

/* The edges of a chain that the line from p to c crosses, modulo 2. Only an edge whose ends lie on both sides of the
 * line can be one; p on it is seen here unless p is its end. */
static bool chain_crosses(struct leaf_walk *w, const union word *vertex, size_t count)
{
	struct lonlat a = {vertex[0].d, vertex[1].d};
	bool was_left = left_of(w, a), odd = false;

	for (size_t i = 1; i < count; i++) {
		struct lonlat b = {vertex[2 * i].d, vertex[2 * i + 1].d};
		bool left = left_of(w, b);
		if (left != was_left) {
			int p_side = orient_side(a, b, w->p);
			w->on |= p_side == 0;
			odd ^= (p_side > 0) != (orient_side(a, b, w->c) > 0);
		}
		was_left = left;
		a = b;
	}
	return odd;
}

static enum place in_leaf(const union word *leaf, struct lonlat p, uint32_t *polygon)
{
	__builtin_prefetch(leaf + 8);
	__builtin_prefetch(leaf + 16);
	__builtin_prefetch(leaf + 24);
	struct leaf_walk w = {p, {leaf[0].d, leaf[1].d}, false};
	enum place sum = PLACE_OUTSIDE;
	const union word *at = leaf + 2;
	uint64_t chain;
	bool odd = false;

	do {
		chain = at->u;
		size_t count = chain >> CHAIN_COUNT_SHIFT & CHAIN_COUNT_MAX;
		odd ^= (chain & CHAIN_ODD) != 0;
		if (count > 0)
			odd ^= chain_crosses(&w, at + 1, count);
		at += 1 + 2 * count;
		if (!(chain & CHAIN_POLYGON_ENDS))
			continue;
		if (odd && sum == PLACE_OUTSIDE) {
			sum = PLACE_INSIDE;
			*polygon = (uint32_t)chain;
		}
		odd = false;
	} while (!(chain & CHAIN_LEAF_ENDS));
	return w.on ? PLACE_AMBIGUOUS : sum;
}

/* The column or row of x, 0 <= x <= n but for rounding; x becomes the rest, from 0 to 1. */
static inline uint32_t split(double *x, uint32_t n)
{
	uint32_t i = *x > 0 ? (uint32_t)*x : 0;

	i = i < n ? i : n - 1;
	*x -= i;
	return i;
}

static enum place in_grid(const struct grid *g, struct lonlat p, uint32_t *polygon)
{
	double x = (p.lon - g->west) / g->cell_lon, y = (p.lat - g->south) / g->cell_lat;

	if (!(x >= 0 && x <= g->cols && y >= 0 && y <= g->rows))
		return PLACE_OUTSIDE;
	uint32_t col = split(&x, g->cols), row = split(&y, g->rows);
	uint32_t cell = g->cells[(size_t)row * g->cols + col];
	for (int depth = 0; cell >> CELL_SHIFT == CELL_BLOCK; depth++) {
		const uint32_t *block = &g->cells[cell & CELL_VALUE];
		uint32_t k = block[0];
		if (depth == GRID_DEPTH_MAX)
			return PLACE_AMBIGUOUS; /* never in a grid of gridbuild.c */
		x *= k;
		y *= k;
		col = split(&x, k);
		row = split(&y, k);
		cell = block[1 + row * k + col];
	}
	if (cell >> CELL_SHIFT == CELL_LEAF)
		return in_leaf(&g->leaves[cell & CELL_VALUE], p, polygon);
	*polygon = cell & CELL_VALUE;
	return cell >> CELL_SHIFT == CELL_IN ? PLACE_INSIDE : PLACE_OUTSIDE;
}

enum place locate(const struct fence *f, struct lonlat p, uint32_t *polygon)
{
	if (fabs(p.lat) == 90)
		return at_pole(&f->inside[p.lat < 0 ? SIDE_SOUTH : SIDE_NORTH]);
	if (fabs(p.lon) == 180)
		return at_seam(f, p.lat);
	return f->grid.cols > 0 ? in_grid(&f->grid, p, polygon) : ringwalk(f, p, polygon);
}
