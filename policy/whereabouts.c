/* Where a machine is, by the evidence that came, and whether that is inside: pure. What is missing at the level that a
 * domain demands denies, and so does a contradiction between what was shown, at any level. */
#include <math.h>
#include <stdio.h>

#include "policy/policy.h"

struct length { /* metres as people say them */
	char text[32];
};

static struct length length_of(double m)
{
	struct length l;

	if (m < 1000)
		snprintf(l.text, sizeof l.text, "%.0f m", m);
	else if (m < 10000)
		snprintf(l.text, sizeof l.text, "%.1f km", m / 1000);
	else
		snprintf(l.text, sizeof l.text, "%.0f km", m / 1000);
	return l;
}

/* ---- The receiver ---- */

struct receiver {
	bool good;      /* to be believed, and where the tag says */
	bool clean;     /* it has a fix without doubts, good or not */
	struct fix at;  /* when clean */
	struct err why; /* when not good */
};

/* Against the tag; without one, against what was declared; without both, against itself. */
static const struct fix *expected(const struct subject *s, const struct fix *self)
{
	return s->tag ? &s->tag->fix : s->has_fix ? &s->fix : self;
}

static int follows(const struct subject *s, const struct fix *at, double k, struct err *e)
{
	if (!s->before)
		return 0;
	struct fix was = *s->before;
	was.uncertainty_m = fmin(was.uncertainty_m * k, FIX_UNCERTAINTY_MAX_M);
	return gnss_follows(&was, s->before_ms, at, s->gnss->time_ms, e);
}

static void listen_to(const struct subject *s, const struct rules *r, struct receiver *out)
{
	const struct gnss *g = s->gnss;
	double k = r->domain->gnss_k;

	*out = (struct receiver){.good = false};
	if (!g)
		return;
	struct fix self = {g->lat_deg, g->lon_deg, 0};
	out->good = gnss_judge(g, expected(s, &self), k, s->now * 1000, &out->at, &out->why) == 0 &&
	            follows(s, &out->at, k, &out->why) == 0;
	out->clean = out->good || (out->why.why == WHY_OUTSIDE && g->has_fix && g->has_eph && g->doubts == 0);
	if (out->clean)
		out->at = (struct fix){g->lat_deg, g->lon_deg, fmin(k * g->eph_m, FIX_UNCERTAINTY_MAX_M)};
}

/* ---- What each source says of the fence ---- */

const char *source_name(enum source_kind k)
{
	static const char *const names[SOURCES] = {"declared", "tag", "gnss", "bounds"};

	return k < SOURCES ? names[k] : "unknown";
}

const char *source_says_name(enum source_says s)
{
	static const char *const names[] = {"", "TRUE", "FALSE", "PARTIAL", "UNKNOWN"};

	return s <= SAYS_UNKNOWN ? names[s] : "UNKNOWN";
}

struct looks { /* by source; valid where it says more than UNKNOWN */
	struct place_result place[SOURCES];
};

static void ask(const struct rules *r, enum source_kind k, const struct fix *x, struct decision *out, struct looks *l)
{
	static const enum source_says says[] = {
	        [PLACE_OUTSIDE] = SAYS_FALSE, [PLACE_INSIDE] = SAYS_TRUE, [PLACE_AMBIGUOUS] = SAYS_PARTIAL};
	struct place_result *place = &l->place[k];
	struct err e;

	out->source[k].says = SAYS_UNKNOWN;
	if (!x || fence_decide(r->fence, x, place, &e))
		return;
	out->source[k] = (struct source){.says = says[place->place], .match_rate = place->match_rate};
}

/* The narrowest: where it says yes, the others cannot say more. */
static void ask_landmarks(const struct subject *s, const struct rules *r, struct decision *out, struct looks *l)
{
	const struct disc *best = NULL;
	struct fix x;

	for (size_t i = 0; i < s->ndiscs; i++)
		if (!best || s->discs[i].radius_m < best->radius_m)
			best = &s->discs[i];
	if (best) {
		x = best->at;
		x.uncertainty_m = fmin(x.uncertainty_m + best->radius_m, FIX_UNCERTAINTY_MAX_M);
	}
	ask(r, SOURCE_BOUNDS, best ? &x : NULL, out, l);
}

static void ask_each(
        const struct subject *s, const struct rules *r, const struct receiver *g, struct decision *out, struct looks *l)
{
	if (s->has_fix)
		ask(r, SOURCE_DECLARED, &s->fix, out, l);
	if (s->tag || s->tag_why)
		ask(r, SOURCE_TAG, s->tag ? &s->tag->fix : NULL, out, l);
	if (s->gnss)
		ask(r, SOURCE_GNSS, g->clean ? &g->at : NULL, out, l);
	if (s->ndiscs > 0 || s->discs_why)
		ask_landmarks(s, r, out, l);
}

/* ---- The rules ---- */

/* A tag and a declaration whose circles hold no common place: one of them lies, and we do not choose. */
static int agree(const struct subject *s, struct err *e)
{
	if (!s->tag || !s->has_fix)
		return 0;
	double apart = apart_m(&s->fix, &s->tag->fix);
	if (apart <= s->fix.uncertainty_m + s->tag->fix.uncertainty_m)
		return 0;
	err_set(e, WHY_OUTSIDE, "%s says that it is %s from where its geo tag has it (site %s)", s->machine,
	        length_of(apart).text, s->tag->site);
	return err_hint(e, "correct \"location\" in the agent's configuration, or let an officer issue a new tag");
}

/* The best evidence there is, if it is as good as the domain demands. SOURCES: e says what is missing. */
static enum source_kind best_source(const struct subject *s, const struct rules *r, struct err *e)
{
	if (s->tag)
		return SOURCE_TAG;
	if (r->domain->location_level >= LOCATION_TAG) {
		if (s->tag_why)
			*e = *s->tag_why;
		else
			err_set(e, WHY_OUTSIDE, "%s shows no geo tag, and domain %s needs one", s->machine, r->name);
		if (!e->hint[0])
			err_hint(e, "merestone-agent tag request FILE, merestone tag issue, merestone-agent tag write");
		return SOURCES;
	}
	if (s->has_fix)
		return SOURCE_DECLARED;
	err_set(e, WHY_OUTSIDE, "%s says no position, and fence %s needs one", s->machine, r->domain->fence);
	err_hint(e, "give \"location\" in the agent's configuration");
	return SOURCES;
}

static int word_place(const struct place_result *p, const struct fix *x, const char *fence, struct err *e)
{
	struct length away = length_of(p->distance_m), needed = length_of(p->needed_m),
	              fix = length_of(x->uncertainty_m);

	switch (p->place) {
	case PLACE_INSIDE:
		return 0;
	case PLACE_OUTSIDE:
		err_set(e, WHY_OUTSIDE, "the position is %s outside fence %s", away.text, fence);
		return err_hint(e, "inside means at least %s within the edge (the fix alone is good to %s)",
		        needed.text, fix.text);
	case PLACE_AMBIGUOUS:
		break;
	}
	err_set(e, WHY_OUTSIDE, "the uncertainty circle of %s crosses fence %s: the edge is %s away", needed.text,
	        fence, away.text);
	return err_hint(e, "a fix better than %s, or a place farther inside, decides it", fix.text);
}

static void settle(struct decision *out, const struct looks *l, enum source_kind by, const struct fix *at)
{
	out->placed = true;
	out->place = l->place[by];
	out->at = *at;
}

/* LOCATION_GNSS: a receiver that is consistent with the tag. Where none is asked for, one that cannot say is not heard,
 * but one that says something else is. */
static int by_receiver(const struct subject *s, const struct rules *r, const struct receiver *g, const struct looks *l,
        struct decision *out, struct err *e)
{
	bool needed = r->domain->location_level >= LOCATION_GNSS;

	out->gnss_good = g->good;
	if (!s->gnss && needed) {
		out->placed = false; /* the tag alone says too little here */
		err_set(e, WHY_OUTSIDE, "%s shows no satellite fix, and domain %s needs one", s->machine, r->name);
		return err_hint(e, "give \"gnss\" in the agent's configuration");
	}
	if (g->good && needed) {
		out->level = LOCATION_GNSS;
		settle(out, l, SOURCE_GNSS, &g->at);
		return word_place(&out->place, &g->at, r->domain->fence, e);
	}
	if (g->good || !s->gnss || (!needed && !g->clean))
		return 0;
	out->placed = false;
	if (g->clean && l->place[SOURCE_GNSS].place != PLACE_INSIDE)
		settle(out, l, SOURCE_GNSS, &g->at);
	*e = g->why;
	return -1;
}

/* What is too wide says nothing: light is at the other side of the earth and back in 134 ms. */
static uint32_t near(const struct subject *s, const struct rules *r)
{
	uint32_t n = 0;

	for (size_t i = 0; i < s->ndiscs; i++)
		n += s->discs[i].radius_m <= r->domain->bound_m;
	return n;
}

/* LOCATION_BOUNDS: landmarks that measured the machine near. One that contradicts is heard at every level. */
static int by_landmarks(const struct subject *s, const struct rules *r, struct decision *out, struct err *e)
{
	const struct fix *place = s->tag ? &s->tag->fix : &s->fix;

	if (discs_meet(s->discs, s->ndiscs, e) || discs_hold(s->discs, s->ndiscs, place, e))
		return -1;
	if (r->domain->location_level < LOCATION_BOUNDS)
		return 0;
	if (s->discs_why) {
		*e = *s->discs_why;
		return -1;
	}
	uint32_t n = near(s, r);
	if (n >= r->domain->landmarks) {
		out->level = LOCATION_BOUNDS;
		return 0;
	}
	err_set(e, WHY_OUTSIDE, "%u landmarks measured %s within %.0f km, and domain %s needs %u", n, s->machine,
	        r->domain->bound_m / 1e3, r->name, r->domain->landmarks);
	return err_hint(e, "give \"landmarks\" in the agent's configuration, of those that are near");
}

int whereabouts(const struct subject *s, const struct rules *r, struct decision *out, struct err *e)
{
	struct receiver g;
	struct looks l;

	if (!r->domain)
		return err_set(e, WHY_UNKNOWN, "there is no domain %s", r->name);
	if (!r->fence) {
		err_set(e, WHY_UNKNOWN, "domain %s names fence %s, which nobody has published", r->name,
		        r->domain->fence);
		return err_hint(e, "merestone fence put %s FILE", r->domain->fence);
	}
	listen_to(s, r, &g);
	ask_each(s, r, &g, out, &l);
	enum source_kind by = agree(s, e) == 0 ? best_source(s, r, e) : SOURCES;
	if (by == SOURCES)
		return -1;
	const struct fix *fix = by == SOURCE_TAG ? &s->tag->fix : &s->fix;
	if (out->source[by].says == SAYS_UNKNOWN)
		return fix_ok(fix, e) == 0 ? err_set(e, WHY_SYSTEM, "nobody can say where that is") : -1;
	out->level = by == SOURCE_TAG ? LOCATION_TAG : LOCATION_DECLARED;
	settle(out, &l, by, fix);
	if (word_place(&out->place, fix, r->domain->fence, e) || by_receiver(s, r, &g, &l, out, e))
		return -1;
	return by_landmarks(s, r, out, e);
}
