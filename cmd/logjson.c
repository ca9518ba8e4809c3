/* logjson: a boot log for programs. */
#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "base/json.h"
#include "cmd/cli.h"
#include "cmd/logread.h"

enum { HEX_MAX = 2 * LOGREAD_DIGEST_MAX + 1, WORDS_MAX = 2 * EVENT_TEXT_MAX };

static json_t *hex(struct view v)
{
	char text[HEX_MAX];

	return json_string(hex_put(text, v.p, v.n <= LOGREAD_DIGEST_MAX ? v.n : 0));
}

/* What is no UTF-8 is left out. */
static void set_text(json_t *o, const char *key, const char *text)
{
	json_t *s = json_string(text);

	if (s)
		json_object_set_new(o, key, s);
}

static const char *kind_name(enum meaning_kind k)
{
	static const char *const names[] = {"unknown", "separator", "firmware-version", "firmware", "boot-variable",
	        "driver", "loader", "action", "debug-mode", "secure-boot", "keys", "variable", "authority",
	        "sbat-level", "mok", "section-name", "section", "command-line", "load-options", "initrd",
	        "grub-command", "grub-file"};

	return (size_t)k < COUNT(names) ? names[k] : names[0];
}

static json_t *digests(const struct logread *l, const struct event *ev)
{
	json_t *o = json_object();

	for (uint32_t i = 0; i < l->head.algs; i++)
		json_object_set_new(o, logread_bank_name(l->head.alg[i].id), hex(eventlog_digest(&l->head, ev, i)));
	return o;
}

static json_t *keys(const struct meaning *m)
{
	static const char *const kinds[] = {"other", "x509", "sha256"};
	struct siglist list = siglist_of(m->said);
	struct signature key;
	struct err e;
	json_t *a = json_array();

	while (siglist_next(&list, &key, &e) > 0)
		json_array_append_new(a, json_pack("{s:s, s:o, s:o}", "kind", kinds[key.kind], "owner", hex(key.owner),
		                                 "name", hex(VIEW_OF(key.name))));
	return a;
}

static void set_meaning(json_t *o, const struct logread *l, const struct logread_line *line)
{
	const struct meaning *m = &line->means;
	char words[WORDS_MAX];
	struct signature key;

	set_text(o, "meaning", kind_name(m->kind));
	logread_meaning(line, words, sizeof words);
	set_text(o, "words", words);
	if (logread_binds(line) && !l->head.old)
		json_object_set_new(o, "bound", json_boolean(m->bound));
	if (m->kind == MEANS_SECTION || m->kind == MEANS_SECTION_NAME)
		set_text(o, "section", meaning_section(m->which));
	if (m->kind == MEANS_KEYS) {
		set_text(o, "list", meaning_keys((enum key_list)m->which));
		json_object_set_new(o, "entries", keys(m));
	}
	if (m->kind == MEANS_AUTHORITY) {
		siglist_authority(m->said, &key);
		json_object_set_new(o, "authority", hex(VIEW_OF(key.name)));
	}
	if (logread_binds(line) && meaning_text(m, words, sizeof words) == 0)
		set_text(o, "text", words);
}

static json_t *events(const struct logread *l)
{
	json_t *a = json_array();

	for (size_t i = 0; i < l->n; i++) {
		const struct event *ev = &l->line[i].ev;
		json_t *o = json_pack("{s:I, s:I, s:I, s:s, s:o}", "event", (json_int_t)ev->number, "pcr",
		        (json_int_t)ev->pcr, "type", (json_int_t)ev->type, "type_name", event_type_name(ev->type),
		        "digests", digests(l, ev));
		set_meaning(o, l, &l->line[i]);
		json_array_append_new(a, o);
	}
	return a;
}

static json_t *banks(const struct logread *l)
{
	json_t *o = json_object();
	char key[4];

	for (uint32_t i = 0; i < l->head.algs; i++) {
		const struct logread_bank *b = &l->bank[i];
		json_t *registers = json_object();
		for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
			snprintf(key, sizeof key, "%u", pcr);
			if (b->extended & 1u << pcr)
				json_object_set_new(registers, key, hex(VIEW(b->value[pcr], b->size)));
		}
		json_object_set_new(o, logread_bank_name(b->alg), registers);
	}
	return o;
}

static json_t *warnings(const struct logread *l)
{
	json_t *a = json_array();

	for (size_t i = 0; i < l->nwarnings; i++)
		json_array_append_new(a, json_string(l->warning[i]));
	return a;
}

void logjson_print(const struct logread *l, const char *name)
{
	AUTO(json_free) json_t *o = json_object();

	set_text(o, "log", name);
	set_text(o, "form", l->head.old ? "sha1" : "crypto-agile");
	json_object_set_new(o, "bytes", json_integer((json_int_t)l->log.n));
	set_text(o, "secure_boot", l->head.old ? "unknown" : secure_boot_name(l->boot.secure_boot));
	json_object_set_new(o, "pcrs", banks(l));
	json_object_set_new(o, "events", events(l));
	json_object_set_new(o, "warnings", warnings(l));
	cli_print_json(o);
}
