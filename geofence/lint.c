#include "geofence/lint.h"

#include <math.h>

static int check_closed(const struct draft *d, const struct draft_ring *g, struct err *e)
{
	const struct spot *v = &d->spots[g->first];

	if (g->count > 0 && lonlat_same(v[0].at, v[g->count - 1].at))
		return 0;
	err_set(e, WHY_MALFORMED, "the ring is not closed: its last position is not its first");
	return draft_in(g, g->count, e);
}

/* An edge that goes the long way, as drawn, gets a vertex in its middle, so that nobody can take it for the short one. */
static int put_next(const struct fence_wish *w, struct draft *to, struct spot s, struct err *e)
{
	struct draft_ring *g = &to->rings[to->n_rings - 1];
	struct spot last = to->spots[to->n_spots - 1];
	int turn;

	if (lint_edge(w, &last, &s, &turn, e) != 0)
		return draft_in(g, last.number, e);
	s.turns = last.turns + turn;
	struct spot middle = last;
	middle.at.lon = (last.at.lon + s.at.lon) / 2;
	middle.at.lat = (last.at.lat + s.at.lat) / 2;
	if (turn == 0 && fabs(s.at.lon - last.at.lon) > 180 && draft_put(to, middle, e) != 0)
		return -1;
	return draft_put(to, s, e);
}

static int copy_ring(const struct fence_wish *w, const struct draft *from, const struct draft_ring *g, struct draft *to,
        uint32_t *again, struct err *e)
{
	const struct spot *v = &from->spots[g->first];

	if (draft_begin(to, g->feature, g->polygon, g->ring, e) != 0)
		return -1;
	to->rings[to->n_rings - 1].taken_out = g->taken_out;
	if (draft_put(to, v[0], e) != 0)
		return -1;
	for (uint32_t i = 1; i < g->count; i++) {
		if (lonlat_same(v[i].at, v[i - 1].at))
			++*again;
		else if (put_next(w, to, v[i], e) != 0)
			return -1;
	}
	return 0;
}

/* Fewer than three places, or all on one line: the grid of a coarse map does that to whole countries. */
static bool is_flat(const struct draft *d, const struct draft_ring *g)
{
	if (g->count > 0 && d->spots[g->first].turns != d->spots[g->first + g->count - 1].turns)
		return false; /* around a pole */
	return g->count < 4 || draft_flat(d, g);
}

static int lint_ring(const struct fence_wish *w, const struct draft *from, const struct draft_ring *g, struct draft *to,
        struct fence_report *r, struct err *e)
{
	uint32_t again = 0;

	if (g->count < 2) {
		report_add(r, FINDING_REPAIRED, g, 0, "has no area, dropped");
		return 0;
	}
	if (check_closed(from, g, e) != 0 || copy_ring(w, from, g, to, &again, e) != 0)
		return -1;
	if (is_flat(to, &to->rings[to->n_rings - 1])) {
		draft_drop(to);
		report_add(r, FINDING_REPAIRED, g, 0, "has %u positions and no area, dropped", g->count);
	} else if (again > 0) {
		report_add(r, FINDING_REPAIRED, g, 0, "%u vertices repeat the one before, left out", again);
	}
	return 0;
}

int lint_rings(
        const struct fence_wish *w, const struct draft *from, struct draft *to, struct fence_report *r, struct err *e)
{
	for (size_t i = 0; i < from->n_rings; i++)
		if (lint_ring(w, from, &from->rings[i], to, r, e) != 0)
			return -1;
	if (to->n_rings > 0)
		return 0;
	err_set(e, WHY_MALFORMED, "what was chosen has no area on this map");
	return err_hint(e, "the map is too coarse for it, or the features are points and lines");
}
