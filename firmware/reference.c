#include "firmware/reference.h"

#include <string.h>

#include "base/hex.h"

struct brief reference_brief(const uint8_t digest[PCR_LEN])
{
	struct brief b = {""};

	hex_put(b.hex, digest, sizeof b.hex / 2); /* eight bytes name a digest */
	return b;
}

void reference_free(struct reference *r)
{
	if (!r)
		return;
	mem_free(r->rule);
	mem_free(r->pool);
	mem_free(r);
}

int64_t reference_until(const struct reference *r)
{
	return r->until;
}

uint32_t reference_by_meaning(const struct reference *r)
{
	uint32_t mask = r->by_meaning;

	for (size_t i = 0; i < r->nforbidden; i++)
		mask |= 1u << r->forbidden[i].pcr;
	return mask;
}

static bool approved(const struct reference *r, const struct pcrs *pcrs, uint32_t pcr)
{
	for (uint32_t i = 0; i < r->values[pcr]; i++)
		if (memcmp(r->value[pcr][i], pcrs->v[pcr], PCR_LEN) == 0)
			return true;
	return false;
}

/* The next event of a register at or behind ev[at], or n. */
static size_t next_of(const struct measured *ev, size_t n, size_t at, uint32_t pcr)
{
	while (at < n && ev[at].pcr != pcr)
		at++;
	return at;
}

static int differs(uint32_t pcr, const struct measured *want, const struct measured *got, struct err *e)
{
	bool same_type = got->type == want->type;

	return err_set(e, WHY_UNTRUSTED, "PCR %u: event %u (%s) has digest %s.., the reference has %s%s%s..", pcr,
	        got->number, event_type_name(got->type), reference_brief(got->digest).hex,
	        same_type ? "" : event_type_name(want->type), same_type ? "" : " ", reference_brief(want->digest).hex);
}

static int missing(uint32_t pcr, const struct measured *want, struct err *e)
{
	return err_set(e, WHY_UNTRUSTED, "PCR %u: %s %s.. is missing at the end", pcr, event_type_name(want->type),
	        reference_brief(want->digest).hex);
}

static int added(uint32_t pcr, const struct measured *got, struct err *e)
{
	return err_set(e, WHY_UNTRUSTED, "PCR %u: event %u (%s) has digest %s.., the reference has no such event", pcr,
	        got->number, event_type_name(got->type), reference_brief(got->digest).hex);
}

/* Words the first difference between the events of a register; 0 when there is none to name. */
static int name_event(const struct reference *r, uint32_t pcr, const struct measured *ev, size_t nev, struct err *e)
{
	size_t i = 0, j = 0;

	if (r->events == 0 || nev == 0)
		return 0;
	for (;; i++, j++) {
		i = next_of(r->event, r->events, i, pcr);
		j = next_of(ev, nev, j, pcr);
		if (i >= r->events)
			return j >= nev ? 0 : added(pcr, &ev[j], e);
		if (j >= nev)
			return missing(pcr, &r->event[i], e);
		if (r->event[i].type != ev[j].type || memcmp(r->event[i].digest, ev[j].digest, PCR_LEN) != 0)
			return differs(pcr, &r->event[i], &ev[j], e);
	}
}

static int values_match(const struct reference *r, const struct state *s, struct err *e)
{
	for (uint32_t pcr = 0; pcr < PCR_COUNT; pcr++) {
		if (!(PCR_MASK & ~r->by_meaning & 1u << pcr) || approved(r, s->pcrs, pcr))
			continue;
		if (name_event(r, pcr, s->ev, s->nev, e))
			return -1;
		return err_set(e, WHY_UNTRUSTED,
		        "PCR %u: %s.. is none of the %u values of the reference, the first is %s..", pcr,
		        reference_brief(s->pcrs->v[pcr]).hex, r->values[pcr], reference_brief(r->value[pcr][0]).hex);
	}
	return 0;
}

static int in_time(const struct reference *r, int64_t now, struct err *e)
{
	if (now < r->from)
		err_set(e, WHY_STALE, "the reference set is valid in %lld s and not yet", (long long)(r->from - now));
	else if (now > r->until)
		err_set(e, WHY_STALE, "the reference set has not been valid for %lld s", (long long)(now - r->until));
	else
		return 0;
	return err_hint(e, "put a version with another \"valid_from\" or \"valid_until\"");
}

/* The first thing that the set does not approve. */
static int differing(const struct reference *r, const struct state *s, struct err *e)
{
	if (r->secure_boot != SECURE_BOOT_UNKNOWN && s->secure_boot != r->secure_boot)
		return err_set(e, WHY_UNTRUSTED, "Secure Boot is %s, the reference has it %s",
		        secure_boot_name(s->secure_boot), secure_boot_name(r->secure_boot));
	if (rules_forbid(r, s, e) || values_match(r, s, e))
		return -1;
	return rules_hold(r, s, e);
}

int reference_match(const struct reference *r, const struct state *s, struct err *e)
{
	if (in_time(r, s->now, e))
		return -1;
	if (differing(r, s, e) == 0)
		return 0;
	if (e->hint[0])
		return -1;
	return err_hint(e, "if this change is meant, sign a reference set that was learnt from the new state");
}
