#include "geofence/overlap.h"

#include <math.h>

struct tally {
	uint32_t outside, within, deep; /* vertices */
	uint32_t deep_vertex;           /* the number of one */
	double depth_m;
};

static bool near_box(const struct overlap *o, const struct draft_ring *g)
{
	struct lonlat lo = {180, 90}, hi = {-180, -90};

	for (uint32_t i = 0; i < g->count; i++) {
		struct lonlat p = o->other->spots[g->first + i].at;
		lo = (struct lonlat){fmin(lo.lon, p.lon), fmin(lo.lat, p.lat)};
		hi = (struct lonlat){fmax(hi.lon, p.lon), fmax(hi.lat, p.lat)};
	}
	for (size_t i = 0; i < o->drawn->n_spots; i++) {
		struct lonlat p = o->drawn->spots[i].at;
		if (p.lon >= lo.lon && p.lon <= hi.lon && p.lat >= lo.lat && p.lat <= hi.lat)
			return true;
	}
	return g->count > 0 && fence_covers(o->fence, lo.lat, lo.lon) != PLACE_OUTSIDE;
}

static void count_vertex(const struct overlap *o, const struct spot *s, struct tally *t)
{
	struct fix fix = {s->at.lat, s->at.lon, 0};
	struct place_result r;
	struct err ignored = {0};
	enum place place = fence_covers(o->fence, s->at.lat, s->at.lon);

	t->outside += place == PLACE_OUTSIDE;
	t->within += place == PLACE_INSIDE;
	/* a fence is never surer than its map, so inside is deeper than its accuracy */
	if (place != PLACE_INSIDE || fence_decide(o->fence, &fix, &r, &ignored) != 0 || r.place != PLACE_INSIDE)
		return;
	t->deep++;
	if (r.distance_m > t->depth_m) {
		t->depth_m = r.distance_m;
		t->deep_vertex = s->number;
	}
}

static bool core_within(const struct overlap *o, const struct draft_ring *g)
{
	struct lonlat p;

	return draft_inner(o->other, g, &p) && fence_covers(o->fence, p.lat, p.lon) == PLACE_INSIDE;
}

static int take_out(struct overlap *o, const struct draft_ring *g, struct err *e)
{
	if (draft_begin(o->holes, g->feature, g->polygon, g->ring, e) != 0)
		return -1;
	o->holes->rings[o->holes->n_rings - 1].taken_out = true;
	for (uint32_t i = 0; i < g->count; i++)
		if (draft_put(o->holes, o->other->spots[g->first + i], e) != 0)
			return -1;
	return 0;
}

static int refuse(const struct draft_ring *g, const struct tally *t, struct err *e)
{
	err_set(e, WHY_MALFORMED,
	        "lies %.3g km inside the fence, and other vertices of the ring outside: two claim this place",
	        t->depth_m / 1000);
	draft_in(g, t->deep_vertex, e);
	return err_hint(e, "choose both, or a map on which they do not overlap");
}

/* The outline decides for its polygon. *whole when all of it is in the fence. */
static int judge(struct overlap *o, const struct draft_ring *g, bool *whole, struct err *e)
{
	struct tally t = {0};

	*whole = false;
	if (g->count < 4 || !near_box(o, g))
		return 0;
	for (uint32_t i = 0; i < g->count; i++)
		count_vertex(o, &o->other->spots[g->first + i], &t);
	if (t.outside == 0)
		*whole = core_within(o, g);
	if (t.outside > 0 && t.deep > 0)
		return refuse(g, &t, e);
	if (o->report == NULL)
		return 0;
	if (*whole)
		report_add(o->report, FINDING_REPAIRED, g, 0,
		        "lies in what was chosen and was not cut out of it: cut out");
	else if (t.within > 0)
		report_add(o->report, FINDING_NOTED, g, 0, "overlaps the fence, by less than the map is accurate");
	return 0;
}

int overlap_check(void *ctx, struct err *e)
{
	struct overlap *o = ctx;
	bool whole = false;

	for (size_t i = 0; i < o->other->n_rings; i++) {
		const struct draft_ring *g = &o->other->rings[i];
		if (g->ring == 1 && judge(o, g, &whole, e) != 0)
			return -1;
		if (whole && g->count >= 4 && take_out(o, g, e) != 0)
			return -1;
	}
	draft_clear(o->other);
	return 0;
}
