/* Where the border was cut at the antimeridian, the fence ends along it: on the eastern side from each edge that arrives
 * there northwards to the next that departs, on the western side southwards, since the inside is on the left. What has no
 * partner reaches to the pole, and then around it. */
#include <math.h>
#include <stdlib.h>

#include "geofence/soup.h"

struct end {
	struct lonlat at;
	uint32_t ring;
	int arrives; /* 1, or -1 when it departs */
};

struct side_state {
	bool south, north; /* the fence reaches the pole on this side */
};

static int by_place(const void *x, const void *y)
{
	const struct end *p = x, *q = y;
	int c;

	if ((c = soup_order(p->at, q->at)) != 0)
		return c;
	return p->arrives - q->arrives;
}

static struct end *ends_of(const struct soup *s)
{
	struct end *t = calloc(2 * s->n + 1, sizeof(*t));

	for (size_t i = 0; t != NULL && i < s->n; i++) {
		const struct piece *p = &s->pieces[i];
		t[2 * i] = (struct end){p->a, p->ring, -1};
		t[2 * i + 1] = (struct end){p->b, p->ring, 1};
	}
	return t;
}

/* Leaves only places where more edges arrive than depart, or fewer. */
static size_t keep_open(struct end *t, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0, j; i < n; i = j) {
		int sum = 0;
		for (j = i; j < n && lonlat_same(t[j].at, t[i].at); j++)
			sum += t[j].arrives;
		if (sum == 0)
			continue;
		t[kept] = t[i];
		t[kept++].arrives = sum;
	}
	return kept;
}

static int inconsistent(const struct draft *d, const struct end *t, struct err *e)
{
	const struct draft_ring *g = &d->rings[t->ring];

	err_set(e, WHY_MALFORMED, "at longitude %.9g, latitude %.9g the border cannot be closed: which side is inside?",
	        t->at.lon, t->at.lat);
	draft_in(g, 0, e);
	return err_hint(e, "rings overlap there, or the seam is not the one that was declared");
}

static int put_along(struct soup *s, const struct end *t, double from, double to, struct err *e)
{
	return soup_put(s, (struct piece){.a = {t->at.lon, from}, .b = {t->at.lon, to}, .ring = t->ring}, e);
}

/* t[0 .. n): the open ends of one side. step is 1 to walk north (the eastern side), -1 to walk south. */
static int close_side(struct soup *s, const struct draft *d, const struct end *t, size_t n, int step,
        struct side_state *out, struct err *e)
{
	const struct end *open = NULL;
	double start = step > 0 ? -90 : 90;

	for (size_t i = 0; i < n; i++) {
		const struct end *x = step > 0 ? &t[i] : &t[n - 1 - i];
		bool fits = x->arrives > 0 ? open == NULL : open != NULL || i == 0;
		if (abs(x->arrives) != 1 || !fits)
			return inconsistent(d, x, e);
		if (x->arrives > 0) {
			open = x;
			continue;
		}
		if (put_along(s, x, open != NULL ? open->at.lat : start, x->at.lat, e) != 0)
			return -1;
		*(step > 0 ? &out->south : &out->north) |= open == NULL;
		open = NULL;
	}
	if (open == NULL)
		return 0;
	*(step > 0 ? &out->north : &out->south) = true;
	return put_along(s, open, open->at.lat, -start, e);
}

static int put_pole(struct soup *s, const struct end *like, double lat, double from, struct err *e)
{
	struct piece p = {.a = {from, lat}, .b = {0, lat}, .ring = like->ring};
	struct piece q = {.a = {0, lat}, .b = {-from, lat}, .ring = like->ring};

	return soup_put(s, p, e) != 0 ? -1 : soup_put(s, q, e);
}

static int close_sides(struct soup *s, const struct draft *d, const struct end *t, size_t n, struct err *e)
{
	struct side_state east = {0}, west = {0};
	size_t split = 0;

	for (size_t i = 0; i < n; i++) {
		if (fabs(t[i].at.lon) != 180)
			return inconsistent(d, &t[i], e);
		split += t[i].at.lon < 0;
	}
	if (close_side(s, d, t, split, -1, &west, e) != 0 || close_side(s, d, t + split, n - split, 1, &east, e) != 0)
		return -1;
	if (east.south != west.south || east.north != west.north)
		return inconsistent(d, t, e);
	if (east.south && put_pole(s, t, -90, -180, e) != 0)
		return -1;
	return east.north ? put_pole(s, t, 90, 180, e) : 0;
}

int seam_close(struct soup *s, const struct draft *d, struct err *e)
{
	struct end *t = ends_of(s);

	if (t == NULL)
		return err_set(e, WHY_SYSTEM, "no memory for the map");
	qsort(t, 2 * s->n, sizeof(*t), by_place);
	size_t n = keep_open(t, 2 * s->n);
	int rc = n > 0 ? close_sides(s, d, t, n, e) : 0;
	free(t);
	return rc;
}
