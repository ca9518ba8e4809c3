#include "geofence/soup.h"

#include <math.h>
#include <stdlib.h>

void soup_free(struct soup s)
{
	free(s.pieces);
}

int soup_put(struct soup *s, struct piece p, struct err *e)
{
	if (p.a.lon == p.b.lon && p.a.lat == p.b.lat)
		return 0;
	if (s->n == s->cap) {
		size_t cap = s->cap == 0 ? 1024 : 2 * s->cap;
		struct piece *grown = realloc(s->pieces, cap * sizeof(*grown));
		if (grown == NULL)
			return err_set(e, WHY_SYSTEM, "no memory for the map");
		s->pieces = grown;
		s->cap = cap;
	}
	s->pieces[s->n++] = p;
	return 0;
}

int soup_order(struct lonlat a, struct lonlat b)
{
	if (a.lon != b.lon)
		return a.lon < b.lon ? -1 : 1;
	return (a.lat > b.lat) - (a.lat < b.lat);
}

/* A spot as it is seen in the strip of 360 degrees `strip` turns to the east; without rounding, since one of the two
 * longitudes of the antimeridian is all that ever changes. */
static struct lonlat in_strip(const struct spot *s, int strip)
{
	return (struct lonlat){s->at.lon + 360.0 * (s->turns - strip), s->at.lat};
}

/* Which strip an edge is in that does not cross a border between two. */
static int strip_of(const struct spot *a, const struct spot *b)
{
	double middle = (draft_lon(a) + draft_lon(b)) / 2;

	return (int)floor((middle + 180) / 360);
}

/* An edge along the antimeridian tells nothing that its ends do not: seam_close() puts in what is needed. */
static bool along_seam(const struct spot *a, const struct spot *b)
{
	return draft_lon(a) == draft_lon(b) && fabs(a->at.lon) == 180;
}

/* The latitude at which an edge meets the antimeridian: the same for both directions of it. */
static double cut_latitude(const struct spot *a, const struct spot *b, double line)
{
	const struct spot *west = draft_lon(a) < draft_lon(b) ? a : b, *east = west == a ? b : a;
	double part = (line - draft_lon(west)) / (draft_lon(east) - draft_lon(west));

	return west->at.lat + part * (east->at.lat - west->at.lat);
}

static int put_edge(struct soup *s, const struct spot *a, const struct spot *b, struct piece like, struct err *e)
{
	double west = fmin(draft_lon(a), draft_lon(b)), east = fmax(draft_lon(a), draft_lon(b));
	double line = 360 * ceil((west + 180) / 360) - 180; /* the first at west or beyond */
	struct piece p = like, q = like;

	if (line == west)
		line += 360;
	if (along_seam(a, b))
		return 0;
	if (line >= east) {
		int strip = strip_of(a, b);
		p.a = in_strip(a, strip);
		p.b = in_strip(b, strip);
		return soup_put(s, p, e);
	}
	bool eastward = draft_lon(a) < draft_lon(b);
	int right = (int)lrint((line + 180) / 360), left = right - 1;
	double lat = cut_latitude(a, b, line);
	p.a = in_strip(a, eastward ? left : right);
	p.b = (struct lonlat){eastward ? 180 : -180, lat};
	q.a = (struct lonlat){eastward ? -180 : 180, lat};
	q.b = in_strip(b, eastward ? right : left);
	return soup_put(s, p, e) != 0 ? -1 : soup_put(s, q, e);
}

/* A ring around a pole has no area in degrees; it is taken to hold the pole that it is nearer to. */
static bool runs_left(const struct draft *d, const struct draft_ring *g)
{
	const struct spot *v = &d->spots[g->first];
	int turns = v[g->count - 1].turns - v[0].turns;
	double size, sum = 0;

	if (turns == 0)
		return draft_area(d, g, &size) > 0;
	for (uint32_t i = 0; i < g->count; i++)
		sum += v[i].at.lat;
	return (turns > 0) == (sum > 0);
}

static int put_ring(struct soup *s, const struct draft *d, uint32_t ring, struct err *e)
{
	const struct draft_ring *g = &d->rings[ring];
	const struct spot *v = &d->spots[g->first];
	bool forwards = (runs_left(d, g) != g->hole) != g->taken_out;
	struct piece like = {.ring = ring};

	for (uint32_t i = 0; i + 1 < g->count; i++) {
		const struct spot *a = &v[i], *b = &v[i + 1];
		if (put_edge(s, forwards ? a : b, forwards ? b : a, like, e) != 0)
			return -1;
	}
	return 0;
}

static int by_edge(const void *x, const void *y)
{
	const struct piece *p = x, *q = y;
	bool p_up = soup_order(p->a, p->b) < 0, q_up = soup_order(q->a, q->b) < 0;
	int c;

	if ((c = soup_order(p_up ? p->a : p->b, q_up ? q->a : q->b)) != 0 ||
	        (c = soup_order(p_up ? p->b : p->a, q_up ? q->b : q->a)) != 0)
		return c;
	return p_up - q_up;
}

/* Equal edges stand together, one direction before the other; each pair of opposite ones goes. */
static void cancel(struct soup *s)
{
	size_t kept = 0;

	qsort(s->pieces, s->n, sizeof(*s->pieces), by_edge);
	for (size_t i = 0; i < s->n; i++) {
		struct piece *p = &s->pieces[i];
		const struct piece *last = kept > 0 ? &s->pieces[kept - 1] : NULL;
		if (last != NULL && lonlat_same(last->a, p->b) && lonlat_same(last->b, p->a))
			kept--;
		else
			s->pieces[kept++] = *p;
	}
	s->n = kept;
}

int soup_of(const struct draft *d, struct soup *s, struct err *e)
{
	for (uint32_t i = 0; i < d->n_rings; i++)
		if (put_ring(s, d, i, e) != 0)
			return -1;
	if (s->n > 0)
		cancel(s);
	return 0;
}
