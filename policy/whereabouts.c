/* Where a machine is, by the evidence that came, and whether that is inside: pure. What is missing at the level that a
 * domain demands denies, and so does a contradiction between what was shown, at any level. */
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

/* The best evidence there is, if it is as good as the domain demands. NULL: e says what is missing. */
static const struct fix *best_fix(const struct subject *s, const struct rules *r, struct decision *out, struct err *e)
{
	if (s->tag) {
		out->level = LOCATION_TAG;
		return &s->tag->fix;
	}
	if (r->domain && r->domain->location_level >= LOCATION_TAG) {
		if (s->tag_why)
			*e = *s->tag_why;
		else
			err_set(e, WHY_OUTSIDE, "%s shows no geo tag, and domain %s needs one", s->machine, r->name);
		if (!e->hint[0])
			err_hint(e, "merestone-agent tag request FILE, merestone tag issue, merestone-agent tag write");
		return NULL;
	}
	if (!s->has_fix) {
		err_set(e, WHY_OUTSIDE, "%s says no position, and fence %s needs one", s->machine,
		        r->domain ? r->domain->fence : "");
		err_hint(e, "give \"location\" in the agent's configuration");
		return NULL;
	}
	out->level = LOCATION_DECLARED;
	return &s->fix;
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

/* LOCATION_GNSS: a receiver that is consistent with the tag. */
static int by_receiver(const struct subject *s, const struct rules *r, struct decision *out, struct err *e)
{
	(void)out;
	if (r->domain->location_level < LOCATION_GNSS)
		return 0;
	err_set(e, WHY_OUTSIDE, "%s shows no satellite fix, and domain %s needs one", s->machine, r->name);
	return err_hint(e, "give \"gnss\" in the agent's configuration");
}

/* LOCATION_BOUNDS: landmarks that measured the machine near. */
static int by_landmarks(const struct subject *s, const struct rules *r, struct decision *out, struct err *e)
{
	(void)out;
	if (r->domain->location_level < LOCATION_BOUNDS)
		return 0;
	err_set(e, WHY_OUTSIDE, "%s shows no distance bounds, and domain %s needs those of %u landmarks", s->machine,
	        r->name, r->domain->landmarks);
	return err_hint(e, "give \"landmarks\" in the agent's configuration");
}

int whereabouts(const struct subject *s, const struct rules *r, struct decision *out, struct err *e)
{
	const char *fence = r->domain ? r->domain->fence : "";

	if (!r->fence) {
		err_set(e, WHY_UNKNOWN, "domain %s names fence %s, which nobody has published", r->name, fence);
		return err_hint(e, "merestone fence put %s FILE", fence);
	}
	const struct fix *fix = agree(s, e) == 0 ? best_fix(s, r, out, e) : NULL;
	if (!fix || fence_decide(r->fence, fix, &out->place, e))
		return -1;
	out->placed = true;
	if (word_place(&out->place, fix, fence, e))
		return -1;
	return r->domain ? by_receiver(s, r, out, e) || by_landmarks(s, r, out, e) ? -1 : 0 : 0;
}
