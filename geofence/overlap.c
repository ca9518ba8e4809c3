#include "geofence/overlap.h"

#include <math.h>

#include "geofence/shape.h"

#define SPECK_DEG 1e-5     /* a metre: the accuracy of the map is what makes it wide */
#define DEGREE_M  111200.0 /* of a meridian, about */
#define STEPS_MAX 65536    /* on one edge: half the earth at 600 m */

struct tally {
	uint32_t outside, within, deep; /* vertices */
	uint32_t deep_vertex;           /* the number of one */
	double depth_m;
};

static bool near_box(const struct overlap *o, const struct draft_box *box)
{
	for (size_t i = 0; i < o->n_boxes; i++)
		if (draft_meet(box, &o->boxes[i]))
			return true;
	return false;
}

static bool near_ring(const struct overlap *o, const struct draft_ring *g)
{
	struct draft_box box = draft_box(o->other, g);

	return near_box(o, &box);
}

/* One that goes around the earth in the map is not left out. */
static bool near_line(const struct overlap *o, struct lonlat a, struct lonlat b)
{
	struct draft_box box = {{fmin(a.lon, b.lon), fmin(a.lat, b.lat)}, {fmax(a.lon, b.lon), fmax(a.lat, b.lat)}};

	return near_box(o, &box);
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
	if (place != PLACE_INSIDE || fence_place(o->fence, &fix, &place, &ignored) != 0 || place != PLACE_INSIDE ||
	        fence_decide(o->fence, &fix, &r, &ignored) != 0)
		return;
	t->deep++;
	if (r.distance_m > t->depth_m) {
		t->depth_m = r.distance_m;
		t->deep_vertex = s->number;
	}
}

/* An edge may cross the fence and leave no vertex in it: places on it, half of the map's accuracy apart, count as well. The
 * other features are as they were read: one that jumps around the earth is followed the short way. */
static void count_edge(const struct overlap *o, const struct spot *a, const struct spot *b, struct tally *t)
{
	double lon = remainder(b->at.lon - a->at.lon, 360), lat = b->at.lat - a->at.lat;
	double steps = ceil(2 * DEGREE_M * hypot(lon, lat) / fmax(1, o->fence->map_accuracy_m));

	steps = near_line(o, a->at, b->at) ? fmin(steps, STEPS_MAX) : 0;
	for (double k = 1; k < steps; k++) {
		struct spot s = *a;

		s.at.lat += lat * k / steps;
		s.at.lon = remainder(a->at.lon + lon * k / steps, 360);
		count_vertex(o, &s, t);
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

/* A country that the grid of the map made a point is still there: a speck around the point keeps anything near it from being
 * inside. */
static int take_speck(struct overlap *o, const struct draft_ring *g, struct err *e)
{
	static const double lon[] = {1, 0, -1, 0, 1}, lat[] = {0, 1, 0, -1, 0};
	struct spot s = o->other->spots[g->first];
	struct lonlat at = s.at;

	if (fence_covers(o->fence, at.lat, at.lon) != PLACE_INSIDE || fabs(at.lat) > 89 || fabs(at.lon) > 179)
		return 0;
	if (draft_begin(o->holes, g->feature, g->polygon, 1, e) != 0)
		return -1;
	o->holes->rings[o->holes->n_rings - 1].taken_out = true;
	for (size_t i = 0; i < COUNT(lon); i++) {
		s.at = (struct lonlat){at.lon + SPECK_DEG * lon[i], at.lat + SPECK_DEG * lat[i]};
		if (draft_put(o->holes, s, e) != 0)
			return -1;
	}
	if (o->report != NULL)
		report_add(o->report, FINDING_REPAIRED, g, 1,
		        "has no area on this map and lies in what was chosen: a speck is cut out");
	return 0;
}

static int refuse(const struct draft_ring *g, const struct tally *t, struct err *e)
{
	err_set(e, WHY_MALFORMED,
	        "lies %.3g km inside the fence, and other places of the ring outside: two claim this place",
	        t->depth_m / 1000);
	err_in(e, "polygon %u: ring %u: vertex %u", g->polygon, g->ring,
	        t->deep_vertex); /* the reader says which feature */
	return err_hint(e, "choose both, or a map on which they do not overlap");
}

/* The outline decides for its polygon. *whole when all of it is in the fence. */
static int judge(struct overlap *o, const struct draft_ring *g, bool *whole, struct err *e)
{
	struct tally t = {0};

	*whole = false;
	if (g->count > 0 && g->count < 4)
		return take_speck(o, g, e);
	if (g->count == 0 || !near_ring(o, g))
		return 0;
	for (uint32_t i = 0; i < g->count; i++) {
		const struct spot *s = &o->other->spots[g->first + i];

		count_vertex(o, s, &t);
		if (i + 1 < g->count)
			count_edge(o, s, s + 1, &t);
	}
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
