#include "geofence/gridput.h"

#include <stdlib.h>

int gridput_room(struct walker *w, size_t n, struct err *e)
{
	struct grid *g = w->g;
	size_t cap = w->cap_cells;

	if (g->n_cells + n > CELL_VALUE)
		return err_set(e, WHY_MALFORMED, "the fence is too large");
	while (cap < g->n_cells + n)
		cap = 2 * cap + n;
	if (cap == w->cap_cells)
		return 0;
	uint32_t *grown = realloc(g->cells, cap * sizeof(*grown));
	if (grown == NULL)
		return err_set(e, WHY_SYSTEM, "no memory for the fence");
	g->cells = grown;
	w->cap_cells = cap;
	return 0;
}

static int room_for_leaf(struct walker *w, size_t words, struct err *e)
{
	struct grid *g = w->g;
	size_t cap = w->cap_leaves;

	if (g->n_leaves + words > CELL_VALUE)
		return err_set(e, WHY_MALFORMED, "the fence is too large");
	while (cap < g->n_leaves + words)
		cap = cap + cap / 2 + words;
	if (cap == w->cap_leaves)
		return 0;
	union word *grown = realloc(g->leaves, cap * sizeof(*grown));
	if (grown == NULL)
		return err_set(e, WHY_SYSTEM, "no memory for the fence");
	g->leaves = grown;
	w->cap_leaves = cap;
	return 0;
}

static void put_point(struct grid *g, struct lonlat p)
{
	g->leaves[g->n_leaves++].d = p.lon;
	g->leaves[g->n_leaves++].d = p.lat;
}

/* The edges from l.e[i] on that follow each other; gives their number. */
static size_t put_chain(struct walker *w, struct list l, size_t i, uint64_t flags)
{
	struct grid *g = w->g;
	size_t n = 1;

	while (i + n < l.n && l.e[i + n] == l.e[i] + n)
		n++;
	uint32_t polygon = w->polygon_of[l.e[i]];
	if (i + n == l.n || w->polygon_of[l.e[i + n]] != polygon)
		flags |= CHAIN_POLYGON_ENDS;
	g->leaves[g->n_leaves++].u = flags | (uint64_t)(n + 1) << CHAIN_COUNT_SHIFT | polygon;
	for (size_t k = 0; k <= n; k++)
		put_point(g, w->f->at[l.e[i] + k]);
	return n;
}

static bool has_edge_of(const struct walker *w, struct list l, uint32_t polygon)
{
	for (size_t i = 0; i < l.n; i++)
		if (w->polygon_of[l.e[i]] == polygon)
			return true;
	return false;
}

/* A polygon that holds the whole cell, as a chain without vertices: one is enough. */
static bool put_cover(struct walker *w, struct list l)
{
	struct grid *g = w->g;

	for (size_t i = 0; i < w->n_holding; i++) {
		if (has_edge_of(w, l, w->holding[i]))
			continue;
		g->leaves[g->n_leaves++].u = CHAIN_ODD | CHAIN_POLYGON_ENDS | w->holding[i];
		return true;
	}
	return false;
}

int gridput_leaf(struct walker *w, struct list l, uint32_t *cell, struct err *e)
{
	struct grid *g = w->g;
	size_t last = 0;

	if (room_for_leaf(w, 3 + 5 * l.n, e) != 0)
		return -1;
	*cell = (uint32_t)CELL_LEAF << CELL_SHIFT | (uint32_t)g->n_leaves;
	put_point(g, w->at);
	put_cover(w, l);
	for (size_t i = 0; i < l.n;) {
		uint32_t polygon = w->polygon_of[l.e[i]];
		bool first = i == 0 || w->polygon_of[l.e[i - 1]] != polygon;
		last = g->n_leaves;
		i += put_chain(w, l, i, first && w->in[polygon] ? CHAIN_ODD : 0);
	}
	g->leaves[last].u |= CHAIN_LEAF_ENDS;
	return 0;
}

void gridput_trim(struct grid *g)
{
	uint32_t *cells = realloc(g->cells, g->n_cells * sizeof(*cells));
	union word *leaves = realloc(g->leaves, (g->n_leaves + 1) * sizeof(*leaves));

	g->cells = cells != NULL ? cells : g->cells;
	g->leaves = leaves != NULL ? leaves : g->leaves;
}

void gridput_drop(struct grid *g)
{
	free(g->cells);
	free(g->leaves);
	*g = (struct grid){0};
}
