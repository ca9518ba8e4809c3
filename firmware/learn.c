/* learn: a reference set from what one machine booted. */
#include "firmware/reference.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

enum { BY_MEANING = 1u << 2 | 1u << 4 | 1u << 7 | 1u << 9 | 1u << 11 | 1u << 12 };

static void learn_pcrs(struct jw *j, const struct boot *b, uint32_t mask)
{
	char key[4];

	jw_obj(j, "pcrs");
	for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
		if (!(mask & 1u << pcr))
			continue;
		snprintf(key, sizeof key, "%u", pcr);
		jw_arr(j, key);
		jw_hex(j, NULL, VIEW_OF(b->pcrs.v[pcr]));
		jw_end_arr(j);
	}
	jw_end_obj(j);
}

static int learn_events(struct jw *j, struct view log, uint32_t mask, struct err *e)
{
	struct eventlog l;
	struct event ev;
	int got;

	if (eventlog_open(&l, log, e))
		return -1;
	jw_arr(j, "events");
	while ((got = eventlog_next(&l, &ev, e)) > 0) {
		if (!(mask & 1u << ev.pcr) || ev.type == EV_NO_ACTION)
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

static int whole(const struct wr *w, struct wr *out, struct err *e)
{
	if (!wr_ok(w))
		return err_set(e, WHY_SYSTEM, "the reference set does not fit in %zu bytes", out->cap);
	*out = *w;
	return 0;
}

int reference_learn(struct view log, struct wr *out, struct err *e)
{
	struct wr w = *out; /* the caller's is moved on only when all was written */
	struct jw j = jw_to(&w);
	struct boot b;

	if (boot_read(log, &b, e))
		return -1;
	jw_obj(&j, NULL);
	learn_pcrs(&j, &b, PCR_MASK);
	if (b.secure_boot != SECURE_BOOT_UNKNOWN)
		jw_bool(&j, "secure_boot", b.secure_boot == SECURE_BOOT_ON);
	if (learn_events(&j, log, PCR_MASK, e))
		return -1;
	jw_end_obj(&j);
	return whole(&w, out, e);
}

/* ---- By meaning ---- */

struct lesson {
	struct jw j;
	struct view log;
	struct err *e;
	uint32_t lines, sections, initrds, authorities, sbat_level; /* what there is to learn */
};

typedef int lesson_fn(struct lesson *l, const struct measured *ev, const struct meaning *m, unsigned arg);

/* Calls fn for each measured event. */
static int each(struct lesson *l, lesson_fn *fn, unsigned arg)
{
	uint8_t section = SECTION_NONE;
	struct eventlog log;
	struct event ev;
	int got;

	if (eventlog_open(&log, l->log, l->e))
		return -1;
	while ((got = eventlog_next(&log, &ev, l->e)) > 0) {
		struct measured m = boot_event(&ev);
		struct meaning means;
		if (ev.type == EV_NO_ACTION)
			continue;
		meaning_of(&m, &section, &means);
		if (fn(l, &m, &means, arg))
			return -1;
	}
	return got;
}

static int array(struct lesson *l, const char *key, lesson_fn *fn, unsigned arg)
{
	jw_arr(&l->j, key);
	if (each(l, fn, arg))
		return -1;
	jw_end_arr(&l->j);
	return 0;
}

/* What a rule would read must be what was measured: nothing is learnt from a mere claim. */
static int survey(struct lesson *l, const struct measured *ev, const struct meaning *m, unsigned arg)
{
	bool line = m->kind == MEANS_COMMAND_LINE && ev->pcr == 12;
	bool read = m->kind == MEANS_SECURE_BOOT || m->kind == MEANS_KEYS || m->kind == MEANS_AUTHORITY ||
	            m->kind == MEANS_SBAT_LEVEL || line || (m->kind == MEANS_ACTION && ev->pcr == 4);

	(void)arg;
	l->lines += line;
	l->sections += m->kind == MEANS_SECTION;
	l->initrds += m->kind == MEANS_INITRD;
	l->authorities += m->kind == MEANS_AUTHORITY;
	if (m->kind == MEANS_SBAT_LEVEL)
		l->sbat_level = meaning_sbat(m->said);
	if (m->kind == MEANS_DEBUGGER)
		return err_set(l->e, WHY_UNTRUSTED,
		        "event %u: the firmware says that it can be debugged, which no set approves by meaning",
		        ev->number);
	if (!read || m->bound)
		return 0;
	err_set(l->e, WHY_FORGED, "event %u (%s on PCR %u): its payload is not what was measured", ev->number,
	        event_type_name(ev->type), ev->pcr);
	return err_hint(l->e, "learn this machine by value: without --semantic");
}

static int learn_list(struct lesson *l, const struct measured *ev, const struct meaning *m, unsigned which)
{
	struct siglist list = siglist_of(m->said);
	struct signature key;
	int got;

	if (m->kind != MEANS_KEYS || m->which != which)
		return 0;
	while ((got = siglist_next(&list, &key, l->e)) > 0)
		jw_hex(&l->j, NULL, VIEW_OF(key.name));
	return got < 0 ? err_in(l->e, "event %u", ev->number) : 0;
}

static int learn_kind(struct lesson *l, const struct measured *ev, const struct meaning *m, unsigned kind)
{
	if (m->kind == kind)
		jw_hex(&l->j, NULL, VIEW_OF(ev->digest));
	return 0;
}

static int learn_authority(struct lesson *l, const struct measured *ev, const struct meaning *m, unsigned arg)
{
	struct signature key;

	(void)ev;
	(void)arg;
	if (m->kind != MEANS_AUTHORITY)
		return 0;
	siglist_authority(m->said, &key);
	jw_hex(&l->j, NULL, VIEW_OF(key.name));
	return 0;
}

static int learn_line(struct lesson *l, const struct measured *ev, const struct meaning *m, unsigned arg)
{
	char line[EVENT_TEXT_MAX];

	(void)arg;
	if (m->kind != MEANS_COMMAND_LINE || ev->pcr != 12)
		return 0;
	if (meaning_text(m, line, sizeof line))
		return err_set(l->e, WHY_MALFORMED, "event %u: the command line is no text", ev->number);
	jw_str(&l->j, NULL, line);
	return 0;
}

static int learn_section(struct lesson *l, const struct measured *ev, const struct meaning *m, unsigned arg)
{
	(void)arg;
	if (m->kind != MEANS_SECTION)
		return 0;
	jw_arr(&l->j, meaning_section(m->which));
	jw_hex(&l->j, NULL, VIEW_OF(ev->digest));
	jw_end_arr(&l->j);
	return 0;
}

/* What no other member of the set speaks for. */
static int learn_rest(struct lesson *l, const struct measured *ev, const struct meaning *m, unsigned pcr)
{
	static const enum meaning_kind ruled[] = {MEANS_SECURE_BOOT, MEANS_KEYS, MEANS_AUTHORITY, MEANS_SECTION,
	        MEANS_SECTION_NAME, MEANS_DRIVER, MEANS_LOADER, MEANS_INITRD};
	bool known = ev->pcr < 8 && boot_separates(ev->digest);

	for (size_t i = 0; i < COUNT(ruled); i++)
		known = known || m->kind == ruled[i];
	known = known || (m->kind == MEANS_COMMAND_LINE && ev->pcr == 12);
	known = known || (m->kind == MEANS_SBAT_LEVEL && l->sbat_level > 0);
	if (!known && ev->pcr == pcr)
		jw_hex(&l->j, NULL, VIEW_OF(ev->digest));
	return 0;
}

static int learn_keys(struct lesson *l)
{
	static const char *const names[KEYS_COUNT] = {"pk", "kek", "db", "dbx_at_least"};

	jw_obj(&l->j, "secure_boot_keys");
	for (unsigned k = 0; k < KEYS_COUNT; k++)
		if (array(l, names[k], learn_list, k))
			return -1;
	jw_end_obj(&l->j);
	return 0;
}

static int learn_allowed(struct lesson *l)
{
	char key[4];

	jw_obj(&l->j, "allowed_events");
	for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
		snprintf(key, sizeof key, "%u", pcr);
		if (BY_MEANING & 1u << pcr && array(l, key, learn_rest, pcr))
			return -1;
	}
	jw_end_obj(&l->j);
	return 0;
}

static int learn_optional(struct lesson *l)
{
	if (l->authorities > 0 && array(l, "authority", learn_authority, 0))
		return -1;
	if (l->sbat_level > 0)
		jw_int(&l->j, "sbat_level", l->sbat_level);
	if (l->sections > 0) {
		jw_obj(&l->j, "uki");
		if (each(l, learn_section, 0))
			return -1;
		jw_end_obj(&l->j);
	}
	if (l->initrds > 0 && array(l, "initrd", learn_kind, MEANS_INITRD))
		return -1;
	if (l->lines > 0) {
		jw_obj(&l->j, "command_line");
		if (array(l, "exact", learn_line, 0))
			return -1;
		jw_end_obj(&l->j);
	}
	return 0;
}

static int learn_rules(struct lesson *l, const struct boot *b)
{
	jw_arr(&l->j, "by_meaning");
	for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
		if (BY_MEANING & 1u << pcr)
			jw_int(&l->j, NULL, pcr);
	jw_end_arr(&l->j);
	learn_pcrs(&l->j, b, PCR_MASK & ~(uint32_t)BY_MEANING);
	jw_bool(&l->j, "secure_boot", b->secure_boot == SECURE_BOOT_ON);
	if (learn_keys(l) || array(l, "drivers", learn_kind, MEANS_DRIVER) ||
	        array(l, "loaders", learn_kind, MEANS_LOADER) || learn_optional(l))
		return -1;
	return learn_allowed(l);
}

int reference_learn_meaning(struct view log, struct wr *out, struct err *e)
{
	struct wr w = *out;
	struct lesson l = {.j = jw_to(&w), .log = log, .e = e};
	struct boot b;

	if (boot_read(log, &b, e) || each(&l, survey, 0))
		return -1;
	if (b.secure_boot == SECURE_BOOT_UNKNOWN)
		return err_set(
		        e, WHY_UNTRUSTED, "the log does not say whether Secure Boot is on, so PCR 7 means nothing");
	jw_obj(&l.j, NULL);
	if (learn_rules(&l, &b) || learn_events(&l.j, log, PCR_MASK & ~(uint32_t)BY_MEANING, e))
		return -1;
	jw_end_obj(&l.j);
	return whole(&w, out, e);
}
