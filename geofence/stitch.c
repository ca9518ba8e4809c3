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

/* The piece that goes on where p ends. Where rings touch there are several: the sharpest left keeps them apart. NULL: none. */
static struct piece *next_of(const struct soup *s, const struct piece *p)
{
	struct piece key = {.a = p->b}, *best = NULL;
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (by_start(&s->pieces[mid], &key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < s->n && by_start(&s->pieces[lo], &key) == 0; lo++) {
		struct piece *q = &s->pieces[lo];
		if (!q->used && (best == NULL || turn_of(p, q) < turn_of(p, best)))
			best = q;
	}
	return best;
}

static int walk(const struct soup *s, struct piece *first, const struct draft *from, struct draft *to, struct err *e)
{
	const struct draft_ring *like = &from->rings[first->ring];
	struct piece *p = first;
	double size;

	if (draft_begin(to, like->feature, like->polygon, like->ring, e) != 0 ||
	        draft_put(to, (struct spot){.at = first->a}, e) != 0)
		return -1;
	to->rings[to->n_rings - 1].crossed = like->crossed;
	for (;;) {
		p->used = true;
		if (draft_put(to, (struct spot){.at = p->b}, e) != 0)
			return -1;
		if (lonlat_same(p->b, first->a))
			break;
		if ((p = next_of(s, p)) == NULL)
			return err_set(e, WHY_MALFORMED, "the borders do not close");
	}
	if (draft_area(to, &to->rings[to->n_rings - 1], &size) == 0)
		draft_drop(to); /* there and back */
	return 0;
}

int stitch_rings(struct soup *s, const struct draft *from, struct draft *to, struct err *e)
{
	if (s->n > 0)
		qsort(s->pieces, s->n, sizeof(*s->pieces), by_start);
	for (size_t i = 0; i < s->n; i++)
		if (!s->pieces[i].used && walk(s, &s->pieces[i], from, to, e) != 0)
			return draft_in(&from->rings[s->pieces[i].ring], 0, e);
	return 0;
}
