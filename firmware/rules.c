#include "firmware/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha.h"

int rules_order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct rule));
}

const struct rule *rules_find(
        const struct reference *r, enum rule_kind kind, uint8_t which, const uint8_t digest[PCR_LEN])
{
	struct rule key = {.kind = (uint8_t)kind, .which = which};

	memcpy(key.digest, digest, PCR_LEN);
	return r->nrules > 0 ? bsearch(&key, r->rule, r->nrules, sizeof key, rules_order) : NULL;
}

/* The first rule of a kind, and how many there are: what a sentence says was expected. */
static const struct rule *first_of(const struct reference *r, enum rule_kind kind, uint8_t which, unsigned *n)
{
	const struct rule *first = NULL;

	*n = 0;
	for (size_t i = 0; i < r->nrules; i++) {
		if (r->rule[i].kind != kind || r->rule[i].which != which)
			continue;
		first = first ? first : &r->rule[i];
		++*n;
	}
	return first;
}

/* ---- Sentences ---- */

int rules_where(const struct measured *ev, struct err *e)
{
	return err_in(e, "PCR %u: event %u (%s)", ev->pcr, ev->number, event_type_name(ev->type));
}

int rules_no(const struct measured *ev, const char *sentence, struct err *e)
{
	err_set(e, WHY_UNTRUSTED, "%s", sentence);
	return rules_where(ev, e);
}

int rules_unlisted(const struct weighing *w, const struct measured *ev, const char *what, enum rule_kind kind,
        uint8_t which, const uint8_t found[PCR_LEN], struct err *e)
{
	unsigned n;
	const struct rule *first = first_of(w->r, kind, which, &n);

	if (first)
		err_set(e, WHY_UNTRUSTED, "%s %s.. is none of the %u of the reference, the first is %s..", what,
		        reference_brief(found).hex, n, reference_brief(first->digest).hex);
	else
		err_set(e, WHY_UNTRUSTED, "%s %s.., and the reference approves none", what, reference_brief(found).hex);
	return rules_where(ev, e);
}

/* ---- Firmware: registers 0 to 3 ---- */

static int version_holds(struct weighing *w, const struct measured *ev, const struct meaning *m, struct err *e)
{
	char text[EVENT_TEXT_MAX];

	if (!m->bound || meaning_text(m, text, sizeof text))
		return rules_no(ev, "the firmware version is not what was measured, or no text", e);
	for (size_t i = 0; i < w->r->ntexts; i++)
		if (w->r->text[i].kind == TEXT_VERSION && strcmp(w->r->pool + w->r->text[i].at, text) == 0)
			return 0;
	err_set(e, WHY_UNTRUSTED, "firmware version \"%s\" is none of those of the reference", text);
	return rules_where(ev, e);
}

static int firmware_holds(struct weighing *w, const struct measured *ev, const struct meaning *m, struct err *e)
{
	w->firmware++;
	if (rules_find(w->r, RULE_FIRMWARE, 0, ev->digest))
		return 0;
	if (m->kind == MEANS_FIRMWARE_VERSION)
		return version_holds(w, ev, m, e);
	return rules_unlisted(w, ev, "the firmware has code with digest", RULE_FIRMWARE, 0, ev->digest, e);
}

static int configuration_holds(struct weighing *w, const struct measured *ev, const struct meaning *m, struct err *e)
{
	if (ev->pcr == 1 && w->r->any_boot_variables && m->kind == MEANS_BOOT_VARIABLE && m->bound)
		return 0;
	return rules_unlisted(w, ev, "it has digest", RULE_EVENT, ev->pcr, ev->digest, e);
}

static int driver_holds(struct weighing *w, const struct measured *ev, struct err *e)
{
	if (rules_find(w->r, RULE_DRIVER, 0, ev->digest))
		return 0;
	return rules_unlisted(w, ev, "a driver or option ROM has digest", RULE_DRIVER, 0, ev->digest, e);
}

/* ---- Boot loaders: register 4 ---- */

static int action_holds(const struct measured *ev, const struct meaning *m, struct err *e)
{
	static const char known[2][48] = {
	        "Calling EFI Application from Boot Option", "Returning from EFI Application from Boot Option"};
	char text[EVENT_TEXT_MAX];

	for (size_t i = 0; i < COUNT(known); i++)
		if (m->bound && meaning_text(m, text, sizeof text) == 0 && strcmp(text, known[i]) == 0)
			return 0;
	return rules_no(ev, "this is no action that a boot is made of", e);
}

static int loader_holds(struct weighing *w, const struct measured *ev, const struct meaning *m, struct err *e)
{
	if (m->kind == MEANS_ACTION)
		return action_holds(ev, m, e);
	w->loaders++;
	if (rules_find(w->r, RULE_LOADER, 0, ev->digest) || (w->r->signed_loaders && m->kind == MEANS_LOADER))
		return 0;
	return rules_unlisted(w, ev, "a boot loader has digest", RULE_LOADER, 0, ev->digest, e);
}

/* ---- Command lines and images: registers 9, 11 and 12 ---- */

static size_t common(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

/* Shows both from a little before the place, against the text that agrees longest. */
static int line_differs(const struct weighing *w, const struct measured *ev, const char *line, struct err *e)
{
	const char *nearest = NULL;
	size_t best = 0;

	for (size_t i = 0; i < w->r->ntexts; i++) {
		const char *text = w->r->pool + w->r->text[i].at;
		if (w->r->text[i].kind != TEXT_EXACT || (nearest && common(text, line) <= best))
			continue;
		nearest = text;
		best = common(text, line);
	}
	if (nearest)
		err_set(e, WHY_UNTRUSTED,
		        "the kernel command line differs at character %zu: it has \"%.80s\", the reference has "
		        "\"%.80s\"",
		        best + 1, line + best, nearest + best);
	else
		err_set(e, WHY_UNTRUSTED, "the kernel command line \"%.120s\" fits no pattern of the reference", line);
	rules_where(ev, e);
	return err_hint(e,
	        "if it is meant, add it to \"exact\" of \"command_line\" and approve it with merestone reference put");
}

/* The kernel's own measurement of the same text follows on register 9, where only its digest is. */
static void remember_line(struct weighing *w, const char *line)
{
	uint8_t wide[2 * EVENT_TEXT_MAX + 2];
	int n = text16_put(wide, sizeof wide - 2, line);

	if (n < 0 || w->nlines == LINES_MAX)
		return;
	memset(wide + n, 0, 2);
	sha256(w->line[w->nlines++], VIEW(wide, (size_t)n + 2));
}

static int line_holds(struct weighing *w, const struct measured *ev, const struct meaning *m, struct err *e)
{
	char line[EVENT_TEXT_MAX];

	if (m->kind != MEANS_COMMAND_LINE)
		return rules_unlisted(w, ev, "something was loaded from outside the image, with digest", RULE_EVENT,
		        ev->pcr, ev->digest, e);
	if (!m->bound || meaning_text(m, line, sizeof line))
		return rules_no(ev, "the kernel command line is not what was measured, or no text", e);
	for (size_t i = 0; i < w->r->ntexts; i++) {
		const struct rule_text *t = &w->r->text[i];
		if ((t->kind == TEXT_EXACT && strcmp(w->r->pool + t->at, line) == 0) ||
		        (t->kind == TEXT_PATTERN && glob_match(w->r->pool + t->at, line))) {
			w->lines++;
			remember_line(w, line);
			return 0;
		}
	}
	return line_differs(w, ev, line, e);
}

/* A digest that is that of an approved command line, in whatever form it was measured. */
static bool is_line(struct weighing *w, const struct measured *ev)
{
	bool yes = false;

	for (size_t i = 0; i < w->r->ntexts && !yes; i++)
		yes = rules_find(w->r, RULE_COMMAND_LINE, (uint8_t)i, ev->digest) != NULL;
	for (size_t i = 0; i < w->nlines && !yes; i++)
		yes = memcmp(w->line[i], ev->digest, PCR_LEN) == 0;
	w->lines += yes;
	return yes;
}

static int file_holds(struct weighing *w, const struct measured *ev, const struct meaning *m, struct err *e)
{
	if (rules_find(w->r, RULE_INITRD, 0, ev->digest) || is_line(w, ev))
		return 0;
	if (m->kind == MEANS_LOAD_OPTIONS) {
		err_set(e, WHY_UNTRUSTED,
		        "the kernel command line, of which only the digest %s.. is logged, is not one of the reference",
		        reference_brief(ev->digest).hex);
		return rules_where(ev, e);
	}
	return rules_unlisted(w, ev, "an initial RAM disk or file has digest", RULE_INITRD, 0, ev->digest, e);
}

static int section_holds(struct weighing *w, const struct measured *ev, const struct meaning *m, struct err *e)
{
	char what[40];
	uint32_t bit = 1u << m->which;

	if (m->kind == MEANS_SECTION_NAME) {
		if (w->sections & bit)
			return rules_no(ev, "a section of the kernel image is measured twice", e);
		w->sections |= bit;
		if (w->r->sections & bit || m->which == meaning_section_of(".cmdline"))
			return 0;
		return rules_no(ev, "the kernel image has a section that the reference does not name", e);
	}
	if (rules_find(w->r, RULE_SECTION, m->which, ev->digest))
		return 0;
	if (!(w->r->sections & bit) && is_line(w, ev))
		return 0;
	snprintf(what, sizeof what, "section %s has digest", meaning_section(m->which));
	return rules_unlisted(w, ev, what, RULE_SECTION, m->which, ev->digest, e);
}

/* ---- All of it ---- */

static int separator_holds(struct weighing *w, const struct measured *ev, struct err *e)
{
	if (w->separated & 1u << ev->pcr)
		return rules_no(ev, "the register has a second separator", e);
	w->separated |= 1u << ev->pcr;
	return 0;
}

static int event_holds(struct weighing *w, const struct measured *ev, const struct meaning *m, struct err *e)
{
	if (ev->pcr < 8 && boot_separates(ev->digest))
		return separator_holds(w, ev, e);
	if (ev->pcr == 7)
		return rulespolicy_holds(w, ev, m, e);
	if (ev->pcr == 11 && (m->kind == MEANS_SECTION || m->kind == MEANS_SECTION_NAME))
		return section_holds(w, ev, m, e);
	if (rules_find(w->r, RULE_EVENT, ev->pcr, ev->digest))
		return 0;
	switch (ev->pcr) {
	case 0:
		return firmware_holds(w, ev, m, e);
	case 2:
		return driver_holds(w, ev, e);
	case 4:
		return loader_holds(w, ev, m, e);
	case 9:
		return file_holds(w, ev, m, e);
	case 12:
		return line_holds(w, ev, m, e);
	default:
		return configuration_holds(w, ev, m, e);
	}
}

int rules_absent(unsigned pcr, const char *what, struct err *e)
{
	return err_set(e, WHY_UNTRUSTED, "PCR %u: %s", pcr, what);
}

/* Nothing was wrong with what is there; is everything there? */
static int whole(const struct weighing *w, struct err *e)
{
	const struct reference *r = w->r;
	uint8_t cmdline = meaning_section_of(".cmdline");
	bool lines_needed = (r->by_meaning & 1u << 9) || (r->by_meaning & 1u << 11 && !(r->sections & 1u << cmdline));
	bool lines_ruled = false;

	for (uint32_t pcr = 0; pcr < 8; pcr++)
		if (r->by_meaning & ~w->separated & 1u << pcr)
			return rules_absent(pcr, "the register has no separator", e);
	if (r->by_meaning & 1u << 0 && w->firmware == 0)
		return rules_absent(0, "no firmware was measured", e);
	if (r->by_meaning & 1u << 4 && w->loaders == 0)
		return rules_absent(4, "no boot loader was measured", e);
	if (r->by_meaning & 1u << 4 && r->signed_loaders && w->authorities == 0)
		return rules_absent(7, "no authority of a boot loader was measured", e);
	if (r->by_meaning & 1u << 7 && rulespolicy_whole(w, e))
		return -1;
	for (uint8_t i = 0; i < SECTIONS; i++)
		if (r->sections & ~w->sections & 1u << i)
			return err_set(e, WHY_UNTRUSTED, "PCR 11: the kernel image's section %s was not measured",
			        meaning_section(i));
	for (size_t i = 0; i < r->ntexts; i++)
		lines_ruled = lines_ruled || r->text[i].kind != TEXT_VERSION;
	if (lines_ruled && lines_needed && w->lines == 0)
		return rules_absent(9, "no kernel command line was measured", e);
	return 0;
}

static int explained(const struct reference *r, const struct state *s, struct err *e)
{
	for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
		if (r->by_meaning & 1u << pcr && !(s->story && s->story->explained & 1u << pcr))
			return rules_absent(pcr,
			        "we have no events that give the quoted value, and the set approves it by meaning", e);
	return 0;
}

int rules_hold(const struct reference *r, const struct state *s, struct err *e)
{
	struct weighing w = {.r = r, .s = s};

	if (r->by_meaning == 0)
		return 0;
	if (explained(r, s, e))
		return -1;
	for (size_t i = 0; i < s->story->n; i++) {
		const struct measured *ev = &s->story->ev[i];
		if (r->by_meaning & 1u << ev->pcr && event_holds(&w, ev, &s->story->meaning[i], e))
			return -1;
	}
	return whole(&w, e);
}

int rules_forbid(const struct reference *r, const struct state *s, struct err *e)
{
	for (size_t i = 0; i < r->nforbidden; i++) {
		const struct forbidden *f = &r->forbidden[i];
		if (!(s->story && s->story->explained & 1u << f->pcr))
			return rules_absent(
			        f->pcr, "we have no events that give the quoted value, and the set forbids some", e);
		for (size_t k = 0; k < s->story->n; k++) {
			const struct measured *ev = &s->story->ev[k];
			if (ev->pcr == f->pcr && (!f->has_type || ev->type == f->type) &&
			        (!f->has_digest || memcmp(ev->digest, f->digest, PCR_LEN) == 0)) {
				err_set(e, WHY_UNTRUSTED, "the reference forbids this event, with digest %s..",
				        reference_brief(ev->digest).hex);
				return rules_where(ev, e);
			}
		}
	}
	return 0;
}
