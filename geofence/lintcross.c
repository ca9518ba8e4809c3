/* Rings that cross: a vertex in both edges, so that they can be taken apart where they do. */
#include <math.h>
#include <stdlib.h>

#include "geofence/lint.h"

enum { CROSSINGS_MAX = 100000 };

struct knot { /* a vertex to be put into an edge */
	uint32_t ring, edge;
	double part; /* of the edge, from its beginning */
	struct spot spot;
};

struct knots {
	const struct draft *d;
	struct knot *k;
	size_t n, cap;
	struct draft *to;
	struct fence_report *r;
};

static void knots_free(struct knots *t)
{
	free(t->k);
}
AUTO_DEFINE(struct knots *, knots_free)

static int put_knot(struct knots *t, struct knot k, struct err *e)
{
	if (t->n == t->cap) {
		size_t cap = t->cap == 0 ? 64 : 2 * t->cap;
		struct knot *grown = realloc(t->k, cap * sizeof(*grown));
		if (grown == NULL)
			return err_set(e, WHY_SYSTEM, "no memory for the map");
		t->k = grown;
		t->cap = cap;
	}
	t->k[t->n++] = k;
	return 0;
}

static struct lonlat flat(const struct spot *s)
{
	return (struct lonlat){draft_lon(s), s->at.lat};
}

static bool before(struct lonlat a, struct lonlat b)
{
	return a.lon < b.lon || (a.lon == b.lon && a.lat < b.lat);
}

/* The same to the last bit whichever way the edges run and whichever comes first: a neighbour has the same crossing. */
static struct lonlat meeting(struct lonlat a, struct lonlat b, struct lonlat c, struct lonlat d)
{
	if (before(b, a))
		return meeting(b, a, c, d);
	if (before(d, c))
		return meeting(a, b, d, c);
	if (before(c, a) || (lonlat_same(a, c) && before(d, b)))
		return meeting(c, d, a, b);
	double rx = b.lon - a.lon, ry = b.lat - a.lat, sx = d.lon - c.lon, sy = d.lat - c.lat;
	double part = ((c.lon - a.lon) * sy - (c.lat - a.lat) * sx) / (rx * sy - ry * sx);
	part = fmax(0, fmin(1, part));
	return (struct lonlat){a.lon + part * rx, a.lat + part * ry};
}

static int put_side(struct knots *t, uint32_t ring, uint32_t edge, struct lonlat at, struct err *e)
{
	const struct spot *v = &t->d->spots[t->d->rings[ring].first + edge];
	double turns = floor((at.lon + 180) / 360);
	struct lonlat from = flat(v);
	struct spot spot = {.at = {at.lon - 360 * turns, at.lat}, .turns = (int32_t)turns, .number = v->number};

	return put_knot(t, (struct knot){ring, edge, hypot(at.lon - from.lon, at.lat - from.lat), spot}, e);
}

static int found(void *ctx, const struct crossing *c, struct err *e)
{
	struct knots *t = ctx;
	const struct draft_ring *a = &t->d->rings[c->ring_a], *b = &t->d->rings[c->ring_b];
	const struct spot *v = &t->d->spots[a->first + c->edge_a], *w = &t->d->spots[b->first + c->edge_b];
	struct lonlat at = meeting(flat(v), flat(v + 1), flat(w), flat(w + 1));

	if (t->n >= CROSSINGS_MAX) {
		err_set(e, WHY_MALFORMED, "the rings cross more than %d times", CROSSINGS_MAX / 2);
		return draft_in(a, v->number, e);
	}
	if (a->feature == b->feature && a->polygon == b->polygon && t->to->rings[c->ring_a].crossed == 0) {
		t->to->rings[c->ring_b].crossed = w->number;
		t->to->rings[c->ring_a].crossed = v->number;
		report_add(t->r, FINDING_NOTED, a, v->number,
		        "the edge from here crosses the one from vertex %u of ring %u", w->number, b->ring);
	} else if (a->feature != b->feature || a->polygon != b->polygon) {
		report_add(t->r, FINDING_NOTED, a, v->number, "overlaps polygon %u of feature %u, both chosen",
		        b->polygon, b->feature);
	}
	return put_side(t, c->ring_a, c->edge_a, at, e) != 0 ? -1 : put_side(t, c->ring_b, c->edge_b, at, e);
}

static int by_position(const void *x, const void *y)
{
	const struct knot *p = x, *q = y;

	if (p->ring != q->ring)
		return p->ring < q->ring ? -1 : 1;
	if (p->edge != q->edge)
		return p->edge < q->edge ? -1 : 1;
	return (p->part > q->part) - (p->part < q->part);
}

static int copy_ring(const struct draft *from, uint32_t ring, struct knots *t, size_t *next, struct err *e)
{
	const struct draft_ring *g = &from->rings[ring];

	t->to->rings[ring].first = (uint32_t)t->to->n_spots;
	for (uint32_t i = 0; i < g->count; i++) {
		if (draft_append(t->to, from->spots[g->first + i], e) != 0)
			return -1;
		for (; *next < t->n && t->k[*next].ring == ring && t->k[*next].edge == i; ++*next)
			if (draft_append(t->to, t->k[*next].spot, e) != 0)
				return -1;
	}
	t->to->rings[ring].count = (uint32_t)t->to->n_spots - t->to->rings[ring].first;
	return 0;
}

int lint_crossings(const struct draft *from, struct draft *to, struct fence_report *r, struct err *e)
{
	struct knots t = {.d = from, .to = to, .r = r};
	AUTO(knots_free) struct knots *owned = &t;
	size_t next = 0;

	for (size_t i = 0; i < from->n_rings; i++)
		if (draft_begin(to, 0, 0, 0, e) != 0)
			return -1;
	for (size_t i = 0; i < from->n_rings; i++)
		to->rings[i] = from->rings[i];
	if (crossing_find(from, found, owned, e) != 0)
		return -1;
	if (t.n > 0)
		qsort(t.k, t.n, sizeof(*t.k), by_position);
	for (uint32_t i = 0; i < from->n_rings; i++)
		if (copy_ring(from, i, &t, &next, e) != 0)
			return -1;
	return 0;
}
