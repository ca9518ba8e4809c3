#include <math.h>
#include <stdlib.h>

#include "geofence/soup.h"

static int by_start(const void *x, const void *y)
{
	const struct piece *p = x, *q = y;

	return soup_order(p->a, q->a);
}

static double angle(struct lonlat from, struct lonlat to)
{
	return atan2(to.lat - from.lat, to.lon - from.lon);
}

/* How far to turn clockwise from the way back to the way on; the sharpest turn to the left is the least. */
static double turn_of(const struct piece *in, const struct piece *out)
{
	double turn = angle(in->b, in->a) - angle(out->a, out->b);

	while (turn <= 0)
		turn += 2 * M_PI;
	return turn;
}

struct walk { /* where we went and have not closed yet */
	struct soup *s;
	const struct draft *from;
	struct draft *to;
	struct lonlat *path;
	size_t n;
	size_t *nodes; /* of the path: the first of the pieces that start there */
	size_t *place; /* for each node: where it is in the path, from 1; 0 when it is not */
};

static void walk_free(struct walk *w)
{
	free(w->path);
	free(w->nodes);
	free(w->place);
}
AUTO_DEFINE(struct walk *, walk_free)

static size_t node_at(const struct soup *s, struct lonlat at)
{
	struct piece key = {.a = at};
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (by_start(&s->pieces[mid], &key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The piece that goes on where p ends. Where rings touch there are several: the sharpest left keeps them apart. NULL: none. */
static struct piece *next_of(const struct soup *s, const struct piece *p, size_t node)
{
	struct piece *best = NULL;

	for (size_t i = node; i < s->n && lonlat_same(s->pieces[i].a, p->b); i++) {
		struct piece *q = &s->pieces[i];
		if (!q->used && (best == NULL || turn_of(p, q) < turn_of(p, best)))
			best = q;
	}
	return best;
}

static void step(struct walk *w, struct lonlat at, size_t node)
{
	w->path[w->n] = at;
	w->nodes[w->n] = node;
	w->place[node] = ++w->n;
}

/* The path has come back to its point number `back`: what is behind it is a ring, and the path ends there again. */
static int close_ring(struct walk *w, size_t back, const struct draft_ring *like, struct err *e)
{
	if (draft_begin(w->to, like->feature, like->polygon, like->ring, e) != 0)
		return -1;
	w->to->rings[w->to->n_rings - 1].crossed = like->crossed;
	for (size_t i = back; i < w->n; i++)
		if (draft_put(w->to, (struct spot){.at = w->path[i]}, e) != 0)
			return -1;
	if (draft_put(w->to, (struct spot){.at = w->path[back]}, e) != 0)
		return -1;
	if (draft_flat(w->to, &w->to->rings[w->to->n_rings - 1]))
		draft_drop(w->to); /* there and back */
	while (w->n > back + 1)
		w->place[w->nodes[--w->n]] = 0;
	return 0;
}

static int walk_from(struct walk *w, struct piece *first, struct err *e)
{
	const struct draft_ring *like = &w->from->rings[first->ring];
	size_t node = node_at(w->s, first->a);

	step(w, first->a, node);
	for (struct piece *p = first; p != NULL; p = next_of(w->s, p, node)) {
		p->used = true;
		node = node_at(w->s, p->b);
		if (node == w->s->n || !lonlat_same(w->s->pieces[node].a, p->b))
			break;
		if (w->place[node] != 0) {
			if (close_ring(w, w->place[node] - 1, like, e) != 0)
				return -1;
			if (w->n == 1)
				break;
		} else {
			step(w, p->b, node);
		}
	}
	w->place[w->nodes[0]] = 0;
	if (w->n > 1)
		return err_set(e, WHY_MALFORMED, "the borders do not close");
	w->n = 0;
	return 0;
}

int stitch_rings(struct soup *s, const struct draft *from, struct draft *to, struct err *e)
{
	struct walk w = {.s = s, .from = from, .to = to};
	AUTO(walk_free) struct walk *owned = &w;

	if (s->n > 0)
		qsort(s->pieces, s->n, sizeof(*s->pieces), by_start);
	owned->path = calloc(s->n + 1, sizeof(*w.path));
	w.nodes = calloc(s->n + 1, sizeof(*w.nodes));
	w.place = calloc(s->n + 1, sizeof(*w.place));
	if (w.path == NULL || w.nodes == NULL || w.place == NULL)
		return err_set(e, WHY_SYSTEM, "no memory for the map");
	for (size_t i = 0; i < s->n; i++)
		if (!s->pieces[i].used && walk_from(&w, &s->pieces[i], e) != 0)
			return draft_in(&from->rings[s->pieces[i].ring], 0, e);
	return 0;
}
