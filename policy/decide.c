/* The decision: pure. Every rule is asked; the first that says no words the refusal. */
#include <string.h>

#include "policy/policy.h"

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

/* A lease that cannot be ended is not given. */
static int rule_counter(const struct subject *s, struct err *e)
{
	if (!s->uncounted)
		return 0;
	*e = *s->uncounted;
	return -1;
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
	struct err why[7];

	memset(out, 0, sizeof *out);
	memset(why, 0, sizeof why);
	int no[COUNT(why)] = {
	        rule_admitted(s, &why[0]),
	        rule_member(s, r, out, &why[1]),
	        rule_clock(s, &why[2]),
	        rule_counter(s, &why[3]),
	        rule_state(s, r, out, &why[4]),
	        rule_runtime(s, r, out, &why[5]),
	        whereabouts(s, r, out, &why[6]),
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
