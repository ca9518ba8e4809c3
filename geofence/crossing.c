/* Which edges cross: boxes around runs of edges, boxes around runs of boxes, and a descent into pairs that meet. Edges of a
 * border follow each other, so few pairs do; what would need more work than WORK_MAX is no map. */
#include <math.h>
#include <stdlib.h>

#include "geofence/lint.h"
#include "geofence/orient.h"

enum { FAN = 8, LEVELS_MAX = 9 }; /* 8^9 edges are more than DRAFT_VERTICES_MAX */
#define WORK_MAX 2000000000U

struct box4 {
	double west, east, south, north;
};

struct edge2 {
	struct lonlat a, b;
	uint32_t ring, edge;
};

struct search {
	struct edge2 *edges;
	struct box4 *boxes[LEVELS_MAX];
	size_t n_edges, n[LEVELS_MAX], levels;
	unsigned long work;
	int (*found)(void *ctx, const struct crossing *c, struct err *e);
	void *ctx;
};

static void search_free(struct search *s)
{
	free(s->edges);
	for (size_t i = 0; i < LEVELS_MAX; i++)
		free(s->boxes[i]);
}
AUTO_DEFINE(struct search *, search_free)

static bool meet(const struct box4 *a, const struct box4 *b)
{
	return a->west <= b->east && b->west <= a->east && a->south <= b->north && b->south <= a->north;
}

static struct box4 box_of_edge(const struct edge2 *g)
{
	return (struct box4){
	        fmin(g->a.lon, g->b.lon), fmax(g->a.lon, g->b.lon), fmin(g->a.lat, g->b.lat), fmax(g->a.lat, g->b.lat)};
}

static void widen(struct box4 *b, const struct box4 *more)
{
	b->west = fmin(b->west, more->west);
	b->east = fmax(b->east, more->east);
	b->south = fmin(b->south, more->south);
	b->north = fmax(b->north, more->north);
}

static void fill_edges(struct search *s, const struct draft *d)
{
	for (size_t r = 0; r < d->n_rings; r++) {
		const struct spot *v = &d->spots[d->rings[r].first];
		for (uint32_t i = 0; i + 1 < d->rings[r].count; i++)
			s->edges[s->n_edges++] = (struct edge2){.a = {draft_lon(&v[i]), v[i].at.lat},
			        .b = {draft_lon(&v[i + 1]), v[i + 1].at.lat},
			        .ring = (uint32_t)r,
			        .edge = i};
	}
}

static struct box4 box_below(const struct search *s, size_t level, size_t i)
{
	return level == 0 ? box_of_edge(&s->edges[i]) : s->boxes[level - 1][i];
}

static size_t count_below(const struct search *s, size_t level)
{
	return level == 0 ? s->n_edges : s->n[level - 1];
}

static int fill_level(struct search *s, size_t level, struct err *e)
{
	size_t below = count_below(s, level);

	s->n[level] = (below + FAN - 1) / FAN;
	s->boxes[level] = calloc(s->n[level] + 1, sizeof(struct box4));
	if (s->boxes[level] == NULL)
		return err_set(e, WHY_SYSTEM, "no memory for the map");
	for (size_t i = 0; i < below; i++) {
		struct box4 b = box_below(s, level, i);
		if (i % FAN == 0)
			s->boxes[level][i / FAN] = b;
		else
			widen(&s->boxes[level][i / FAN], &b);
	}
	s->levels = level + 1;
	return 0;
}

/* In a point that is inside both: touching is no crossing. */
static bool cross(const struct edge2 *g, const struct edge2 *h)
{
	return orient_side(g->a, g->b, h->a) * orient_side(g->a, g->b, h->b) < 0 &&
	       orient_side(h->a, h->b, g->a) * orient_side(h->a, h->b, g->b) < 0;
}

static int test_edges(struct search *s, size_t i, size_t j, struct err *e)
{
	const struct edge2 *g = &s->edges[i], *h = &s->edges[j];

	if (i == j || !cross(g, h))
		return 0;
	return s->found(s->ctx, &(struct crossing){g->ring, g->edge, h->ring, h->edge}, e);
}

/* Everything below node i of a level against everything below node j, each pair once. */
static int join(struct search *s, size_t level, size_t i, size_t j, struct err *e)
{
	size_t n = count_below(s, level);

	for (size_t a = i * FAN; a < (i + 1) * FAN && a < n; a++) {
		struct box4 box = box_below(s, level, a);
		for (size_t b = i == j ? a : j * FAN; b < (j + 1) * FAN && b < n; b++) {
			struct box4 other = box_below(s, level, b);
			if (s->work++ > WORK_MAX)
				return err_set(e, WHY_MALFORMED, "the rings are too tangled to be checked");
			if (!meet(&box, &other))
				continue;
			int rc = level == 0 ? test_edges(s, a, b, e) : join(s, level - 1, a, b, e);
			if (rc != 0)
				return -1;
		}
	}
	return 0;
}

int crossing_find(const struct draft *d, int (*found)(void *ctx, const struct crossing *c, struct err *e), void *ctx,
        struct err *e)
{
	struct search s = {.found = found, .ctx = ctx};
	AUTO(search_free) struct search *owned = &s;

	owned->edges = calloc(d->n_spots + 1, sizeof(*s.edges));
	if (s.edges == NULL)
		return err_set(e, WHY_SYSTEM, "no memory for the map");
	fill_edges(&s, d);
	size_t level = 0;
	do {
		if (fill_level(&s, level, e) != 0)
			return -1;
	} while (s.n[level++] > 1);
	return join(&s, level - 1, 0, 0, e);
}
