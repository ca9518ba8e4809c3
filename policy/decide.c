/* The decision: pure. Every rule is asked; the first that says no words the refusal. */
#include <stdio.h>
#include <string.h>

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

static int rule_admitted(const struct subject *s, struct err *e)
{
	if (s->revoked)
		return err_set(e, WHY_REFUSED, "%s is revoked", s->machine);
	if (!s->admitted) {
		err_set(e, WHY_REFUSED, "%s is not admitted", s->machine);
		return err_hint(e, "merestone cloudlet add %s", s->machine);
	}
	return 0;
}

static int rule_member(const struct subject *s, const struct rules *r, struct decision *out, struct err *e)
{
	if (!r->domain)
		return err_set(e, WHY_UNKNOWN, "there is no domain %s", r->name);
	out->member = r->domain->nmembers == 0;
	for (uint32_t i = 0; i < r->domain->nmembers && !out->member; i++)
		out->member = strcmp(r->domain->members[i], s->machine) == 0;
	if (out->member)
		return 0;
	err_set(e, WHY_REFUSED, "%s is not a member of domain %s", s->machine, r->name);
	return err_hint(e, "a new version of domain %s can name it", r->name);
}

static int rule_clock(const struct subject *s, struct err *e)
{
	if (s->clock_safe)
		return 0;
	err_set(e, WHY_STALE,
	        "the TPM's clock is not safe after a stop without notice, so no lease can be timed by it");
	return err_hint(e, "ask again in some minutes, or restart %s in order", s->machine);
}

/* The first set that matches approves; else the first that was compared words the refusal. */
static int rule_state(const struct subject *s, const struct rules *r, struct decision *out, struct err *e)
{
	const struct state state = {.pcrs = s->pcrs,
	        .secure_boot = s->secure_boot,
	        .ev = s->measured,
	        .nev = s->nmeasured,
	        .story = s->story,
	        .now = s->now};
	struct err first = {0}, why;

	out->reference = -1;
	for (size_t i = 0; i < r->nreferences && i < REFERENCES_MAX; i++) {
		if (!r->references[i])
			continue;
		memset(&why, 0, sizeof why);
		out->compared = true;
		if (reference_match(r->references[i], &state, &why) == 0) {
			out->reference = (int)i;
			out->state_good = true;
			return 0;
		}
		/* A set that is out of time has less to say than one that was compared. */
		if (first.why == WHY_NONE || (first.why == WHY_STALE && why.why != WHY_STALE)) {
			first = why;
			err_in(&first, "reference %s", r->domain ? r->domain->references[i] : r->name);
		}
	}
	if (first.why != WHY_NONE) {
		*e = first;
		return -1;
	}
	err_set(e, WHY_UNKNOWN, "domain %s names no reference set that has been published", r->name);
	return err_hint(e, "merestone reference put %s FILE",
	        r->domain && r->domain->nreferences > 0 ? r->domain->references[0] : "NAME");
}

/* Every entry of the list, or nothing: a list that is not yet whole, or none, approves nobody. */
static int rule_ran(const struct subject *s, const struct rules *r, struct decision *out, struct err *e)
{
	if (!r->domain || r->domain->nruntimes == 0)
		return 0;
	if (!r->ran) {
		err_set(e, WHY_STALE, "%s sends no list of what it ran, and domain %s demands one", s->machine,
		        r->name);
		return err_hint(e, "boot with ima_policy=tcb, and give \"ima\" in the agent's configuration");
	}
	if (r->ran->why != WHY_NONE) {
		*e = *r->ran;
		return -1;
	}
	if (!r->ran_complete) {
		err_set(e, WHY_STALE, "the list of what %s ran is known up to entry %llu, and goes on", s->machine,
		        (unsigned long long)r->ran_entries);
		return err_hint(e, "the agent sends the rest by itself");
	}
	out->ran_good = true;
	return 0;
}

static int rule_runtime(const struct subject *s, const struct rules *r, struct decision *out, struct err *e)
{
	int no = rule_ran(s, r, out, e);

	out->ran_why = no ? e->why : WHY_NONE;
	return no;
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

static int rule_place(const struct subject *s, const struct rules *r, struct decision *out, struct err *e)
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
	return word_place(&out->place, fix, fence, e);
}

/* No lease outlives the set that it is given by, whose last second is included, nor the geo tag. */
static uint32_t lease_of(const struct subject *s, const struct rules *r, const struct decision *d)
{
	int64_t left = reference_until(r->references[d->reference]) - s->now;
	int64_t most = left < r->domain->lease_s ? left + 1 : r->domain->lease_s;

	if (s->tag && s->tag->not_after - s->now < most)
		most = s->tag->not_after - s->now;
	return (uint32_t)most;
}

void decide(const struct subject *s, const struct rules *r, struct decision *out)
{
	struct err why[6];

	memset(out, 0, sizeof *out);
	memset(why, 0, sizeof why);
	int no[COUNT(why)] = {
	        rule_admitted(s, &why[0]),
	        rule_member(s, r, out, &why[1]),
	        rule_clock(s, &why[2]),
	        rule_state(s, r, out, &why[3]),
	        rule_runtime(s, r, out, &why[4]),
	        rule_place(s, r, out, &why[5]),
	};

	for (size_t i = 0; i < COUNT(why); i++) {
		if (no[i] == 0)
			continue;
		out->refusal = why[i];
		if (out->refusal.why == WHY_NONE) /* a rule that says no without a reason is still a no */
			err_set(&out->refusal, WHY_REFUSED, "domain %s refuses", r->name);
		return;
	}
	out->lease_s = lease_of(s, r, out);
}
