/* Rings that run counterclockwise are outlines; each other one is a hole of the smallest outline around it. */
#include <math.h>
#include <stdlib.h>

#include "geofence/orient.h"
#include "geofence/soup.h"

struct measured {
	double area;
	struct lonlat lo, hi;
};

static struct measured measure(const struct draft *d, const struct draft_ring *g)
{
	double size;
	struct measured m = {draft_area(d, g, &size), {180, 90}, {-180, -90}};

	for (uint32_t i = 0; i < g->count; i++) {
		struct lonlat p = d->spots[g->first + i].at;
		m.lo = (struct lonlat){fmin(m.lo.lon, p.lon), fmin(m.lo.lat, p.lat)};
		m.hi = (struct lonlat){fmax(m.hi.lon, p.lon), fmax(m.hi.lat, p.lat)};
	}
	return m;
}

static bool box_holds(const struct measured *outer, const struct measured *m)
{
	return outer->lo.lon <= m->lo.lon && outer->lo.lat <= m->lo.lat && outer->hi.lon >= m->hi.lon &&
	       outer->hi.lat >= m->hi.lat;
}

/* A ray to the east, as in place.c. */
int nest_side(const struct draft *d, const struct draft_ring *g, struct lonlat p)
{
	int odd = -1;

	for (uint32_t i = 0; i + 1 < g->count; i++) {
		struct lonlat a = d->spots[g->first + i].at, b = d->spots[g->first + i + 1].at;
		if ((p.lon < fmin(a.lon, b.lon) || p.lon > fmax(a.lon, b.lon) || p.lat < fmin(a.lat, b.lat) ||
		            p.lat > fmax(a.lat, b.lat)) &&
		        ((a.lat > p.lat) == (b.lat > p.lat) || p.lon > fmax(a.lon, b.lon)))
			continue;
		int side = orient_side(a, b, p);
		if (side == 0 && p.lon >= fmin(a.lon, b.lon) && p.lon <= fmax(a.lon, b.lon) &&
		        p.lat >= fmin(a.lat, b.lat) && p.lat <= fmax(a.lat, b.lat))
			return 0;
		if ((a.lat > p.lat) != (b.lat > p.lat) && (side > 0) == (b.lat > a.lat))
			odd = -odd;
	}
	return odd;
}

/* The first vertex or middle of an edge that is not on the outline tells. */
static bool holds(const struct draft *d, const struct draft_ring *outline, const struct draft_ring *hole)
{
	for (uint32_t i = 0; i + 1 < hole->count; i++) {
		struct lonlat a = d->spots[hole->first + i].at, b = d->spots[hole->first + i + 1].at;
		int side = nest_side(d, outline, a);
		if (side == 0)
			side = nest_side(d, outline, (struct lonlat){(a.lon + b.lon) / 2, (a.lat + b.lat) / 2});
		if (side != 0)
			return side > 0;
	}
	return false;
}

static bool find_outline(const struct draft *d, const struct measured *m, uint32_t hole, uint32_t *out)
{
	bool found = false;

	for (uint32_t i = 0; i < d->n_rings; i++) {
		if (m[i].area <= 0 || !box_holds(&m[i], &m[hole]) || m[i].area < -m[hole].area)
			continue;
		if ((found && m[i].area >= m[*out].area) || !holds(d, &d->rings[i], &d->rings[hole]))
			continue;
		*out = i;
		found = true;
	}
	return found;
}

static int judge_stray(struct draft *d, uint32_t hole, double accuracy_m, struct fence_report *r, struct err *e)
{
	struct draft_ring *g = &d->rings[hole];
	double depth = draft_depth(d, g);

	g->dropped = depth <= accuracy_m;
	if (g->dropped) {
		report_add(r, FINDING_REPAIRED, g, 0, "a hole up to %.0f m deep lies in no outline, dropped", depth);
		return 0;
	}
	err_set(e, WHY_MALFORMED,
	        "the ring is a hole that lies in no outline, or crosses itself in a vertex (%.3g km deep)",
	        depth / 1000);
	return draft_in(g, g->crossed, e);
}

static int by_outline(const void *x, const void *y)
{
	const struct nested *p = x, *q = y;

	if (p->outline != q->outline)
		return p->outline < q->outline ? -1 : 1;
	if ((p->ring == p->outline) != (q->ring == q->outline))
		return p->ring == p->outline ? -1 : 1;
	return (p->ring > q->ring) - (p->ring < q->ring);
}

static size_t without_dropped(const struct draft *d, struct nested *out)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->n_rings; i++)
		if (!d->rings[i].dropped)
			out[kept++] = out[i];
	return kept;
}

int nest_rings(struct draft *d, double accuracy_m, struct nested *out, size_t *n, struct fence_report *r, struct err *e)
{
	struct measured *m = calloc(d->n_rings + 1, sizeof(*m));
	int rc = 0;

	if (m == NULL)
		return err_set(e, WHY_SYSTEM, "no memory for the map");
	for (size_t i = 0; i < d->n_rings; i++)
		m[i] = measure(d, &d->rings[i]);
	for (uint32_t i = 0; i < d->n_rings && rc == 0; i++) {
		out[i] = (struct nested){i, i};
		if (m[i].area < 0 && !find_outline(d, m, i, &out[i].outline))
			rc = judge_stray(d, i, accuracy_m, r, e);
	}
	free(m);
	if (rc != 0)
		return -1;
	*n = without_dropped(d, out);
	qsort(out, *n, sizeof(*out), by_outline);
	return 0;
}
