/* What fence_open() must know before any decision: every index is in its array, every walk ends, every coordinate is one.
 * That the grid fits the rings is not checked: the hash says that nothing was changed since it was made. */
#include <math.h>
#include <stdlib.h>

#include "geofence/orient.h"
#include "geofence/shape.h"

static int malformed(const char *what, struct err *e)
{
	return err_set(e, WHY_MALFORMED, "compiled fence: %s", what);
}

static bool in_range(double x, double lo, double hi)
{
	return x >= lo && x <= hi; /* not NaN */
}

static bool is_coordinate(double x, double max)
{
	return in_range(x, -max, max) && (x == 0 || fabs(x) >= ORIENT_TINY);
}

static bool is_place(struct lonlat p)
{
	return is_coordinate(p.lon, 180) && is_coordinate(p.lat, 90);
}

static bool is_box(const struct box *b)
{
	return in_range(b->west, -180, 180) && in_range(b->east, -180, 180) && in_range(b->south, -90, 90) &&
	       in_range(b->north, -90, 90);
}

static bool rings_ok(const struct fence *f)
{
	uint64_t loop = 0, point = 0; /* one behind the other, as the import lays them */

	for (size_t i = 0; i < f->n_polygons; i++) {
		const struct polygon *g = &f->polygons[i];
		if (g->first != loop || g->count == 0 || (loop += g->count) > f->n_loops || !is_box(&g->box))
			return false;
	}
	if (f->n_polygons > 0 && loop != f->n_loops)
		return false;
	for (size_t i = 0; i < f->n_loops; i++) {
		const struct loop *l = &f->loops[i];
		if (l->first != point || l->count < 2 || (point += l->count) > f->n_positions || !is_box(&l->box))
			return false;
	}
	return point == f->n_positions && f->n_positions <= f->n_points && f->n_points <= UINT32_MAX;
}

static bool points_ok(const struct fence *f)
{
	for (size_t i = 0; i < f->n_points; i++)
		if (!is_place(f->at[i]))
			return false;
	return true;
}

static bool ball_ok(const struct fence *f, const struct ball *b)
{
	return in_range(b->radius, 0, 1e9) && in_range(b->centre.x, -1e9, 1e9) && in_range(b->centre.y, -1e9, 1e9) &&
	       in_range(b->centre.z, -1e9, 1e9) && b->count <= BALL_MEMBERS &&
	       (uint64_t)b->from + b->count < f->n_points;
}

static bool border_ok(const struct fence *f)
{
	const struct balls *t = &f->balls;

	if (t->n == 0 || t->first[1] == 0 || t->n != t->first[t->levels] ||
	        t->first[t->levels] != t->first[t->levels - 1] + 1)
		return false;
	for (size_t i = 0; i < t->n; i++)
		if (!ball_ok(f, &t->b[i]))
			return false;
	return true;
}

static bool spans_ok(const struct fence *f)
{
	for (int s = 0; s < SIDE_COUNT; s++)
		for (size_t i = 0; i < f->inside[s].n; i++)
			if (!in_range(f->inside[s].s[i].lo, -180, 180) || !in_range(f->inside[s].s[i].hi, -180, 180))
				return false;
	return true;
}

/* ---- The grid: blocks and leaves lie one behind the other, and a cell points to the beginning of one ---- */

struct starts { /* a bit for each place where something begins */
	uint8_t *block, *leaf;
};

static void starts_free(struct starts s)
{
	free(s.block);
	free(s.leaf);
}
AUTO_DEFINE(struct starts, starts_free)

/* Each is pointed to once, or a few bytes could keep a decision busy for ever. */
static bool take(uint8_t *bits, uint32_t i)
{
	bool there = bits[i / 8] >> i % 8 & 1;

	bits[i / 8] &= (uint8_t) ~(1U << i % 8);
	return there;
}

static void set(uint8_t *bits, size_t i)
{
	bits[i / 8] |= (uint8_t)(1U << i % 8);
}

static bool chain_ok(const struct fence *f, const union word *vertex, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!is_place((struct lonlat){vertex[2 * i].d, vertex[2 * i + 1].d}))
			return false;
	return f->n_polygons > 0;
}

static bool is_reference(const union word *leaf)
{
	return in_range(leaf[0].d, -400, 400) && in_range(leaf[1].d, -400, 400) &&
	       (leaf[0].d == 0 || fabs(leaf[0].d) >= ORIENT_TINY) && (leaf[1].d == 0 || fabs(leaf[1].d) >= ORIENT_TINY);
}

static bool leaves_ok(const struct fence *f, uint8_t *starts)
{
	const struct grid *g = &f->grid;
	size_t at = 0;

	while (at < g->n_leaves) {
		uint64_t chain = 0;
		if (g->n_leaves - at < 3 || !is_reference(&g->leaves[at]))
			return false;
		set(starts, at);
		for (at += 2; !(chain & CHAIN_LEAF_ENDS);) {
			if (at == g->n_leaves)
				return false;
			chain = g->leaves[at++].u;
			size_t count = chain >> CHAIN_COUNT_SHIFT & CHAIN_COUNT_MAX;
			if ((g->n_leaves - at) / 2 < count || (uint32_t)chain >= f->n_polygons ||
			        !chain_ok(f, &g->leaves[at], count))
				return false;
			at += 2 * count;
		}
	}
	return true;
}

static bool blocks_ok(const struct grid *g, uint8_t *starts)
{
	size_t at = (size_t)g->cols * g->rows;

	while (at < g->n_cells) {
		uint32_t k = g->cells[at];
		if (k < 2 || k > GRID_CUT_MAX || g->n_cells - at - 1 < (size_t)k * k)
			return false;
		set(starts, at);
		at += 1 + (size_t)k * k;
	}
	return true;
}

static bool cell_ok(const struct fence *f, const struct starts *s, uint32_t cell)
{
	uint32_t value = cell & CELL_VALUE;

	switch (cell >> CELL_SHIFT) {
	case CELL_IN:
		return value < f->n_polygons;
	case CELL_LEAF:
		return value < f->grid.n_leaves && take(s->leaf, value);
	case CELL_BLOCK:
		return value < f->grid.n_cells && take(s->block, value);
	default:
		return cell == CELL_OUT;
	}
}

static bool run_ok(const struct fence *f, const struct starts *s, size_t at, size_t n)
{
	for (size_t i = at; i < at + n; i++)
		if (!cell_ok(f, s, f->grid.cells[i]))
			return false;
	return true;
}

static bool cells_ok(const struct fence *f, const struct starts *s)
{
	const struct grid *g = &f->grid;
	size_t root = (size_t)g->cols * g->rows;

	if (!run_ok(f, s, 0, root))
		return false;
	for (size_t at = root; at < g->n_cells;) {
		size_t n = (size_t)g->cells[at] * g->cells[at];
		if (!run_ok(f, s, at + 1, n))
			return false;
		at += 1 + n;
	}
	return true;
}

static int grid_ok(const struct fence *f, struct err *e)
{
	const struct grid *g = &f->grid;

	if (g->cols == 0 && g->rows == 0 && g->n_cells == 0 && g->n_leaves == 0)
		return 0;
	if (g->cols == 0 || g->rows == 0 || g->n_cells > CELL_VALUE || g->n_leaves > CELL_VALUE ||
	        (uint64_t)g->cols * g->rows > g->n_cells || !in_range(g->west, -1e3, 1e3) ||
	        !in_range(g->south, -1e3, 1e3) || !in_range(g->cell_lon, 1e-7, 1e3) ||
	        !in_range(g->cell_lat, 1e-7, 1e3))
		return malformed("its grid is none", e);
	AUTO(starts_free) struct starts s = {calloc(g->n_cells / 8 + 1, 1), calloc(g->n_leaves / 8 + 1, 1)};
	if (s.block == NULL || s.leaf == NULL)
		return err_set(e, WHY_SYSTEM, "no memory for the fence");
	if (!blocks_ok(g, s.block) || !leaves_ok(f, s.leaf) || !cells_ok(f, &s))
		return malformed("its grid points to where nothing is", e);
	return 0;
}

int flatcheck(const struct fence *f, struct err *e)
{
	bool area = f->n_polygons > 0, line = f->half_width_m > 0;

	if (area + line + f->circle != 1 || !in_range(f->map_accuracy_m, 0, FENCE_ACCURACY_MAX_M))
		return malformed("it is neither an area, nor a circle, nor a corridor", e);
	if (f->circle)
		return is_place(f->centre) && in_range(f->radius_m, 0, FENCE_RADIUS_MAX_M)
		               ? 0
		               : malformed("its circle is none", e);
	if (!in_range(f->half_width_m, 0, FENCE_RADIUS_MAX_M) || !rings_ok(f) || !points_ok(f))
		return malformed("its rings are none", e);
	if (!border_ok(f) || !spans_ok(f))
		return malformed("its border is none", e);
	return grid_ok(f, e);
}
