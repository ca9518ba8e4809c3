#include "firmware/reference.h"

#include <string.h>

#include "base/hex.h"
#include "base/json.h"

enum { SHORT = 8 }; /* bytes of a digest that name it in a sentence */

struct brief { /* a digest as sentences show it */
	char hex[2 * SHORT + 1];
};

static struct brief brief_of(const uint8_t digest[PCR_LEN])
{
	struct brief b = {""};

	hex_put(b.hex, digest, SHORT);
	return b;
}

void reference_free(struct reference *r)
{
	mem_free(r);
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
	        got->number, event_type_name(got->type), brief_of(got->digest).hex,
	        same_type ? "" : event_type_name(want->type), same_type ? "" : " ", brief_of(want->digest).hex);
}

static int missing(uint32_t pcr, const struct measured *want, struct err *e)
{
	return err_set(e, WHY_UNTRUSTED, "PCR %u: %s %s.. is missing at the end", pcr, event_type_name(want->type),
	        brief_of(want->digest).hex);
}

static int added(uint32_t pcr, const struct measured *got, struct err *e)
{
	return err_set(e, WHY_UNTRUSTED, "PCR %u: event %u (%s) has digest %s.., the reference has no such event", pcr,
	        got->number, event_type_name(got->type), brief_of(got->digest).hex);
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

/* The first thing that the set does not approve. */
static int differing(const struct reference *r, const struct pcrs *pcrs, enum secure_boot sb, const struct measured *ev,
        size_t nev, struct err *e)
{
	if (r->secure_boot != SECURE_BOOT_UNKNOWN && sb != r->secure_boot)
		return err_set(e, WHY_UNTRUSTED, "Secure Boot is %s, the reference has it %s", secure_boot_name(sb),
		        secure_boot_name(r->secure_boot));
	for (uint32_t pcr = 0; pcr < PCR_COUNT; pcr++) {
		if (!(PCR_MASK & 1u << pcr) || approved(r, pcrs, pcr))
			continue;
		if (name_event(r, pcr, ev, nev, e))
			return -1;
		return err_set(e, WHY_UNTRUSTED,
		        "PCR %u: %s.. is none of the %u values of the reference, the first is %s..", pcr,
		        brief_of(pcrs->v[pcr]).hex, r->values[pcr], brief_of(r->value[pcr][0]).hex);
	}
	return 0;
}

int reference_match(const struct reference *r, const struct pcrs *pcrs, enum secure_boot sb, const struct measured *ev,
        size_t nev, struct err *e)
{
	if (differing(r, pcrs, sb, ev, nev, e) == 0)
		return 0;
	return err_hint(e, "if this change is meant, sign a reference set that was learnt from the new state");
}

static void learn_pcrs(struct jw *j, const struct boot *b)
{
	char key[4];
	struct wr w;

	jw_obj(j, "pcrs");
	for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
		if (!(PCR_MASK & 1u << pcr))
			continue;
		w = wr_to(key, sizeof key);
		wr_fmt(&w, "%u", pcr);
		wr_u8(&w, 0);
		jw_arr(j, key);
		jw_hex(j, NULL, VIEW_OF(b->pcrs.v[pcr]));
		jw_end_arr(j);
	}
	jw_end_obj(j);
}

static int learn_events(struct jw *j, struct view log, struct err *e)
{
	struct eventlog l;
	struct event ev;
	int got;

	if (eventlog_open(&l, log, e))
		return -1;
	jw_arr(j, "events");
	while ((got = eventlog_next(&l, &ev, e)) > 0) {
		if (!(PCR_MASK & 1u << ev.pcr) || ev.type == EV_NO_ACTION)
			continue;
		jw_obj(j, NULL);
		jw_int(j, "pcr", ev.pcr);
		jw_int(j, "type", ev.type);
		jw_hex(j, "digest", VIEW_OF(ev.digest));
		jw_end_obj(j);
	}
	jw_end_arr(j);
	return got;
}

int reference_learn(struct view log, struct wr *out, struct err *e)
{
	struct wr w = *out; /* the caller's is moved on only when all was written */
	struct jw j = jw_to(&w);
	struct boot b;

	if (boot_read(log, &b, e))
		return -1;
	jw_obj(&j, NULL);
	learn_pcrs(&j, &b);
	if (b.secure_boot != SECURE_BOOT_UNKNOWN)
		jw_bool(&j, "secure_boot", b.secure_boot == SECURE_BOOT_ON);
	if (learn_events(&j, log, e))
		return -1;
	jw_end_obj(&j);
	if (!wr_ok(&w))
		return err_set(e, WHY_SYSTEM, "the reference set does not fit in %zu bytes", out->cap);
	*out = w;
	return 0;
}
