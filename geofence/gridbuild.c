/* Builds the grid: which edges come into which cell, where each cell's reference point is, and which polygons hold it.
 * The last is found by walking from one reference point to the next, back and forth over the rows: each edge crossed on
 * the way changes whether its polygon holds the walker. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "geofence/gridput.h"
#include "geofence/orient.h"
#include "geofence/raster.h"

enum {
	ROOT_CELLS_MAX = 65536, /* 256 KB of cells: they stay in a second-level cache */
	LEAF_EDGES = 20,        /* more are cut into a block, */
	CUT_EDGES = 8,          /* so that about this many are in a cell */
	ENTRIES_PER_EDGE = 8,   /* edges that cross very many cells get larger cells */
	CUT_ENTRIES = 6,        /* or stay uncut */
	WORDS_PER_EDGE = 24,    /* and from here on no cell is cut again */
	REFERENCES = 16,
};
#define CELL_MIN_DEG 1e-5 /* 1 m: far more than GRID_SLACK_DEG */
#define OFF_LATTICE  0.61803398874989485

static void toggle(struct walker *w, uint32_t polygon)
{
	if (!w->in[polygon]) {
		w->holding[w->n_holding++] = polygon;
	} else {
		size_t i = w->n_holding - 1;
		while (w->holding[i] != polygon)
			i--;
		w->holding[i] = w->holding[--w->n_holding];
	}
	w->in[polygon] = !w->in[polygon];
}

/* Both ends of the edge are beyond both ends of the way, on one side: they do not meet. */
static bool apart(double a, double b, double from, double to)
{
	double lo = from < to ? from : to, hi = from < to ? to : from;

	return (a > hi && b > hi) || (a < lo && b < lo);
}

static void cross(struct walker *w, struct lonlat to, uint32_t edge)
{
	struct lonlat a = w->f->at[edge], b = w->f->at[edge + 1];

	if (apart(a.lat, b.lat, w->at.lat, to.lat) || apart(a.lon, b.lon, w->at.lon, to.lon))
		return;
	if ((orient_side(w->at, to, a) > 0) == (orient_side(w->at, to, b) > 0))
		return;
	if ((orient_side(a, b, w->at) > 0) != (orient_side(a, b, to) > 0))
		toggle(w, w->polygon_of[edge]);
}

/* Every edge that may be between here and there is in one of the lists. */
static void walk(struct walker *w, struct lonlat to, struct list here, struct list there)
{
	size_t i = 0, k = 0;

	while (i < here.n || k < there.n) {
		if (k == there.n || (i < here.n && here.e[i] < there.e[k])) {
			cross(w, to, here.e[i++]);
		} else {
			i += i < here.n && here.e[i] == there.e[k];
			cross(w, to, there.e[k++]);
		}
	}
	w->at = to;
}

static bool on_any(const struct fence *f, struct lonlat c, struct list l)
{
	for (size_t i = 0; i < l.n; i++) {
		struct lonlat a = f->at[l.e[i]], b = f->at[l.e[i] + 1];
		if (!apart(a.lat, b.lat, c.lat, c.lat) && !apart(a.lon, b.lon, c.lon, c.lon) &&
		        orient_side(a, b, c) == 0)
			return true;
	}
	return false;
}

static bool find_reference(
        const struct fence *f, const struct raster *r, uint32_t col, uint32_t row, struct list l, struct lonlat *out)
{
	for (int i = 0; i < REFERENCES; i++) {
		double x = 0.3 + 0.4 * fmod((i + 1) * OFF_LATTICE, 1.0),
		       y = 0.3 + 0.4 * fmod((i + 1) * 0.7548776662, 1.0);
		*out = (struct lonlat){r->west + (col + x) * r->cell_lon, r->south + (row + y) * r->cell_lat};
		if (!on_any(f, *out, l))
			return true;
	}
	return false;
}

/* ---- Cells and blocks ---- */

static int fill(struct walker *w, const struct raster *r, const struct raster_lists *t, struct list all,
        size_t cells_at, int depth, struct err *e);

/* Into how many parts a side of a cell with these edges is cut; 1: it becomes a leaf. */
static uint32_t parts(const struct walker *w, const struct raster *r, struct list l, int depth)
{
	if (l.n <= LEAF_EDGES || depth == GRID_DEPTH_MAX || w->g->n_leaves > w->most_leaves)
		return 1;
	size_t k = l.n / CUT_EDGES < GRID_CUT_MAX ? l.n / CUT_EDGES : GRID_CUT_MAX;
	while (k > 1 && fmin(r->cell_lon, r->cell_lat) / (double)k < CELL_MIN_DEG)
		k--;
	return (uint32_t)k;
}

static int put_block(struct walker *w, const struct raster *r, struct list l, const struct raster_lists *t, int depth,
        uint32_t *cell, struct err *e)
{
	struct grid *g = w->g;
	struct lonlat start = w->at;
	size_t at = g->n_cells, n = (size_t)r->cols * r->rows;

	if (gridput_room(w, 1 + n, e) != 0)
		return -1;
	g->cells[at] = r->cols;
	g->n_cells += 1 + n;
	*cell = (uint32_t)CELL_BLOCK << CELL_SHIFT | (uint32_t)at;
	int rc = fill(w, r, t, l, at + 1, depth + 1, e);
	walk(w, start, l, (struct list){NULL, 0});
	return rc;
}

static int put_cell(struct walker *w, const struct raster *r, uint32_t col, uint32_t row, struct list l, int depth,
        uint32_t *cell, struct err *e)
{
	AUTO(raster_lists_free) struct raster_lists t = {0};
	uint32_t k;

	if (l.n == 0) {
		*cell = w->n_holding > 0 ? (uint32_t)CELL_IN << CELL_SHIFT | w->holding[0] : CELL_OUT;
		return 0;
	}
	k = parts(w, r, l, depth);
	if (k <= 1)
		return gridput_leaf(w, l, cell, e);
	struct raster inner = raster_inside(r, col, row, k);
	int rc = raster_lists_make(&inner, w->f->at, l.e, l.n, CUT_ENTRIES * l.n, &t, e);
	if (rc != 0)
		return rc < 0 ? -1 : gridput_leaf(w, l, cell, e);
	return put_block(w, &inner, l, &t, depth, cell, e);
}

static struct list list_of(const struct raster_lists *t, size_t cell)
{
	return (struct list){t->edges + t->first[cell], t->first[cell + 1] - t->first[cell]};
}

/* Fills the cells of a raster, there and back over its rows, and ends at the last. 1: no reference point. */
static int fill(struct walker *w, const struct raster *r, const struct raster_lists *t, struct list all,
        size_t cells_at, int depth, struct err *e)
{
	struct list here = all; /* where we come from is anywhere */
	size_t n = (size_t)r->cols * r->rows;

	for (size_t i = 0; i < n; i++) {
		uint32_t row = (uint32_t)(i / r->cols), col = (uint32_t)(i % r->cols), cell = 0;
		if (row % 2 == 1)
			col = r->cols - 1 - col;
		size_t at = (size_t)row * r->cols + col;
		struct list there = list_of(t, at);
		struct lonlat to;
		if (!find_reference(w->f, r, col, row, there, &to))
			return 1;
		walk(w, to, here, there);
		int rc = put_cell(w, r, col, row, there, depth, &cell, e);
		if (rc != 0)
			return rc;
		w->g->cells[cells_at + at] = cell;
		here = there;
	}
	return 0;
}

/* ---- The root ---- */

static struct box box_of_fence(const struct fence *f)
{
	struct box b = f->polygons[0].box;

	for (size_t i = 1; i < f->n_polygons; i++) {
		b.west = fmin(b.west, f->polygons[i].box.west);
		b.east = fmax(b.east, f->polygons[i].box.east);
		b.south = fmin(b.south, f->polygons[i].box.south);
		b.north = fmax(b.north, f->polygons[i].box.north);
	}
	return b;
}

/* About two cells an edge, about square, a part of a cell beyond the fence on each side. */
static struct raster root_of(const struct box *b, double cells)
{
	double width = b->east - b->west + CELL_MIN_DEG, height = b->north - b->south + CELL_MIN_DEG;
	double size = fmax(sqrt(width * height / cells), CELL_MIN_DEG);
	struct raster r = {
	        .cols = (uint32_t)fmin(ceil(width / size), cells), .rows = (uint32_t)fmin(ceil(height / size), cells)};

	r.cell_lon = width / (r.cols - 1 + OFF_LATTICE);
	r.cell_lat = height / (r.rows - 1 + OFF_LATTICE);
	r.cols++;
	r.rows++;
	r.west = b->west - r.cell_lon * (1 - OFF_LATTICE) * OFF_LATTICE;
	r.south = b->south - r.cell_lat * (1 - OFF_LATTICE) * OFF_LATTICE;
	return r;
}

/* With larger cells until the lists are not too long. */
static int make_root(const struct fence *f, struct list all, struct raster *r, struct raster_lists *t, struct err *e)
{
	struct box b = box_of_fence(f);
	double cells = fmin(2.0 * (double)all.n, ROOT_CELLS_MAX);
	int rc;

	do {
		*r = root_of(&b, cells);
		rc = raster_lists_make(r, f->at, all.e, all.n, ENTRIES_PER_EDGE * all.n + ROOT_CELLS_MAX, t, e);
		cells /= 4;
	} while (rc == 1);
	return rc;
}

static size_t list_edges(const struct fence *f, uint32_t *polygon_of, uint32_t *edges)
{
	size_t n = 0;

	for (size_t g = 0; g < f->n_polygons; g++) {
		for (uint32_t l = f->polygons[g].first; l < f->polygons[g].first + f->polygons[g].count; l++) {
			for (uint32_t i = f->loops[l].first; i + 1 < f->loops[l].first + f->loops[l].count; i++) {
				polygon_of[i] = (uint32_t)g;
				if (f->at[i].lon != f->at[i + 1].lon || f->at[i].lat != f->at[i + 1].lat)
					edges[n++] = i;
			}
		}
	}
	return n;
}

static int build(struct walker *w, uint32_t *edges, struct err *e)
{
	AUTO(raster_lists_free) struct raster_lists t = {0};
	struct list all = {edges, list_edges(w->f, w->polygon_of, edges)};
	struct grid *g = w->g;
	struct raster r;

	if (make_root(w->f, all, &r, &t, e) != 0)
		return -1;
	*g = (struct grid){r.west, r.south, r.cell_lon, r.cell_lat, r.cols, r.rows, NULL, NULL, 0, 0};
	if (gridput_room(w, (size_t)r.cols * r.rows, e) != 0)
		return -1;
	g->n_cells = (size_t)r.cols * r.rows;
	w->at = (struct lonlat){r.west - 1, r.south - 1}; /* outside of everything */
	w->most_leaves = WORDS_PER_EDGE * all.n + 64;
	return fill(w, &r, &t, all, 0, 0, e);
}

int grid_build(struct fence *f, struct err *e)
{
	struct walker w = {.f = f, .g = &f->grid};
	uint32_t *edges = calloc(f->n_positions, sizeof(*edges));
	int rc = -1;

	w.polygon_of = calloc(f->n_positions, sizeof(*w.polygon_of));
	w.in = calloc(f->n_polygons, sizeof(*w.in));
	w.holding = calloc(f->n_polygons, sizeof(*w.holding));
	if (edges == NULL || w.polygon_of == NULL || w.in == NULL || w.holding == NULL)
		err_set(e, WHY_SYSTEM, "no memory for the fence");
	else
		rc = build(&w, edges, e);
	if (rc == 0)
		gridput_trim(&f->grid);
	else
		gridput_drop(&f->grid);
	free(edges);
	free(w.polygon_of);
	free(w.in);
	free(w.holding);
	return rc < 0 ? -1 : 0;
}
