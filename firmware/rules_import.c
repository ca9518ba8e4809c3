/* The members of a reference document that approve by meaning. Nothing here is a default: a register is decided by rules only
 * when "by_meaning" names it, and then needs a rule. */
#include "firmware/reference.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/json.h"
#include "base/sha.h"

const char *const rules_members[] = {"by_meaning", "secure_boot_keys", "authority", "loaders", "uki", "command_line",
        "drivers", "firmware", "firmware_versions", "initrd", "allowed_events", "boot_variables", "sbat_level",
        "forbidden", "valid_from", "valid_until", NULL};

/* Members and the registers that they rule: all of a member's registers decided by value, and it could do nothing. */
static const struct {
	const char *member;
	uint32_t registers;
} ruled[] = {{"secure_boot_keys", 1u << 7}, {"authority", 1u << 7}, {"sbat_level", 1u << 7}, {"loaders", 1u << 4},
        {"uki", 1u << 11}, {"command_line", 1u << 9 | 1u << 11 | 1u << 12}, {"drivers", 1u << 2}, {"firmware", 1u << 0},
        {"firmware_versions", 1u << 0}, {"initrd", 1u << 9}, {"boot_variables", 1u << 1}};

/* A register needs one of these members. */
static const struct {
	uint8_t pcr;
	const char *members[3];
} needed[] = {{0, {"firmware", "firmware_versions"}}, {1, {"boot_variables"}}, {2, {"drivers"}}, {3, {NULL}},
        {4, {"loaders"}}, {7, {"secure_boot_keys"}}, {9, {"initrd", "command_line"}}, {11, {"uki"}},
        {12, {"command_line"}}};

static int rule_add(struct reference *r, enum rule_kind kind, uint8_t which, const uint8_t *digest, struct err *e)
{
	if (r->nrules == RULES_MAX)
		return err_set(e, WHY_MALFORMED, "the rules have more than %d digests", RULES_MAX);
	struct rule *rule = &r->rule[r->nrules++];
	rule->kind = (uint8_t)kind;
	rule->which = which;
	memcpy(rule->digest, digest, PCR_LEN);
	return 0;
}

/* An array of digests; empty only where none at all is a meaning. */
static int digests_import(
        struct reference *r, enum rule_kind kind, uint8_t which, const json_t *list, bool may_be_empty, struct err *e)
{
	uint8_t digest[PCR_LEN];

	if (!json_is_array(list) || (json_array_size(list) == 0 && !may_be_empty))
		return err_set(
		        e, WHY_MALFORMED, "expected an array of %ssha256 digests", may_be_empty ? "" : "one or more ");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *hex = json_string_value(json_array_get(list, i));
		if (!hex || hex_get(digest, PCR_LEN, hex))
			return err_set(e, WHY_MALFORMED, "entry %zu is not a sha256 in hexadecimal", i + 1);
		if (rule_add(r, kind, which, digest, e))
			return -1;
	}
	return 0;
}

static int member_import(
        struct reference *r, const json_t *body, const char *key, enum rule_kind kind, bool may_be_empty, struct err *e)
{
	const json_t *list = json_object_get(body, key);

	if (!list)
		return 0;
	return digests_import(r, kind, 0, list, may_be_empty, e) ? err_in(e, "%s", key) : 0;
}

/* ---- Texts ---- */

/* How loaders measure a command line: in two widths, with a NUL or without, and as a file with a line's end. */
static int line_digests(struct reference *r, uint8_t which, const char *text, struct err *e)
{
	uint8_t wide[2 * EVENT_TEXT_MAX + 2], digest[PCR_LEN];
	size_t n = strlen(text);
	int wide_n = text16_put(wide, sizeof wide - 2, text);

	if (wide_n < 0)
		return err_set(e, WHY_MALFORMED, "a command line is longer than %d", EVENT_TEXT_MAX / 2);
	memset(wide + wide_n, 0, 2);
	const struct view forms[] = {
	        VIEW(wide, (size_t)wide_n), VIEW(wide, (size_t)wide_n + 2), VIEW(text, n), VIEW(text, n + 1)};
	for (size_t i = 0; i < COUNT(forms); i++) {
		sha256(digest, forms[i]);
		if (rule_add(r, RULE_COMMAND_LINE, which, digest, e))
			return -1;
	}
	sha256_2(digest, VIEW(text, n), VIEW("\n", 1));
	return rule_add(r, RULE_COMMAND_LINE, which, digest, e);
}

static int text_import(struct reference *r, enum rule_text_kind kind, const char *text, struct err *e)
{
	size_t n = text ? strlen(text) : 0;

	if (!text || n >= EVENT_TEXT_MAX / 2)
		return err_set(e, WHY_MALFORMED, "expected texts of fewer than %d bytes", EVENT_TEXT_MAX / 2);
	if (kind == TEXT_PATTERN && !glob_ok(text))
		return err_set(e, WHY_MALFORMED, "the pattern \"%.80s\" says nothing, or ends in a backslash", text);
	if (r->ntexts == RULE_TEXTS_MAX || n + 1 > RULE_TEXT_BYTES - r->npool)
		return err_set(e, WHY_MALFORMED, "there are more than %d texts", RULE_TEXTS_MAX);
	r->text[r->ntexts] = (struct rule_text){.kind = kind, .at = (uint32_t)r->npool};
	memcpy(r->pool + r->npool, text, n + 1);
	r->npool += n + 1;
	if (kind == TEXT_EXACT && line_digests(r, (uint8_t)r->ntexts, text, e))
		return -1;
	r->ntexts++;
	return 0;
}

static int texts_import(struct reference *r, const json_t *o, const char *key, enum rule_text_kind kind, struct err *e)
{
	const json_t *list = json_object_get(o, key);

	if (!list)
		return 0;
	if (!json_is_array(list) || json_array_size(list) == 0) {
		err_set(e, WHY_MALFORMED, "expected an array of one or more texts");
		return err_in(e, "%s", key);
	}
	for (size_t i = 0; i < json_array_size(list); i++)
		if (text_import(r, kind, json_string_value(json_array_get(list, i)), e))
			return err_in(e, "%s: entry %zu", key, i + 1);
	return 0;
}

static int command_line_import(struct reference *r, const json_t *body, struct err *e)
{
	static const char *const members[] = {"exact", "pattern", NULL};
	const json_t *o = json_object_get(body, "command_line");

	if (!o)
		return 0;
	if (!json_is_object(o) || json_object_size(o) == 0)
		return err_set(e, WHY_MALFORMED, "command_line: expected \"exact\", \"pattern\" or both");
	if (json_only(o, members, e) || texts_import(r, o, "exact", TEXT_EXACT, e) ||
	        texts_import(r, o, "pattern", TEXT_PATTERN, e))
		return err_in(e, "command_line");
	return 0;
}

/* ---- Members with a form of their own ---- */

static int keys_import(struct reference *r, const json_t *body, struct err *e)
{
	static const char *const members[] = {"pk", "kek", "db", "dbx_at_least", NULL};
	const json_t *o = json_object_get(body, "secure_boot_keys");
	/* With Secure Boot off these lists may be empty; on, an empty one would approve nothing that boots. */
	bool empty = r->secure_boot == SECURE_BOOT_OFF;

	if (!o)
		return 0;
	if (!json_is_object(o))
		return err_set(e, WHY_MALFORMED, "secure_boot_keys: expected an object");
	if (json_only(o, members, e))
		return err_in(e, "secure_boot_keys");
	for (uint8_t k = 0; k < KEYS_COUNT; k++)
		if (digests_import(r, (enum rule_kind)(RULE_PK + k), 0, json_object_get(o, members[k]),
		            empty || k == KEYS_DBX, e))
			return err_in(e, "secure_boot_keys: %s", members[k]);
	return 0;
}

static int loaders_import(struct reference *r, const json_t *body, struct err *e)
{
	const char *word = json_string_value(json_object_get(body, "loaders"));

	if (!word)
		return member_import(r, body, "loaders", RULE_LOADER, false, e);
	if (strcmp(word, "signed") != 0)
		return err_set(e, WHY_MALFORMED, "loaders: expected digests, or \"signed\"");
	if (!(r->by_meaning & 1u << 7) || r->secure_boot != SECURE_BOOT_ON)
		return err_set(e, WHY_MALFORMED,
		        "loaders: \"signed\" needs \"secure_boot\": true, and register 7 among \"by_meaning\"");
	r->signed_loaders = true;
	return 0;
}

static int uki_import(struct reference *r, const json_t *body, struct err *e)
{
	const json_t *o = json_object_get(body, "uki");
	const char *name;
	json_t *list;

	if (!o)
		return 0;
	if (!json_is_object(o) || json_object_size(o) == 0)
		return err_set(e, WHY_MALFORMED, "uki: expected an object with the digests of one or more sections");
	json_object_foreach((json_t *)o, name, list)
	{
		uint8_t which = meaning_section_of(name);
		if (which == SECTION_NONE)
			return err_set(e, WHY_MALFORMED, "uki: \"%s\" is not a section that is measured", name);
		if (digests_import(r, RULE_SECTION, which, list, false, e))
			return err_in(e, "uki: %s", name);
		r->sections |= 1u << which;
	}
	return 0;
}

static int allowed_import(struct reference *r, const json_t *body, struct err *e)
{
	const json_t *o = json_object_get(body, "allowed_events");
	const char *name;
	json_t *list;

	if (!o)
		return 0;
	if (!json_is_object(o))
		return err_set(e, WHY_MALFORMED, "allowed_events: expected an object with digests for registers");
	json_object_foreach((json_t *)o, name, list)
	{
		char *end;
		unsigned long pcr = strtoul(name, &end, 10);
		if (*name < '0' || *name > '9' || *end || pcr >= PCR_COUNT || !(r->by_meaning & 1u << pcr))
			return err_set(
			        e, WHY_MALFORMED, "allowed_events: \"%s\" is no register of \"by_meaning\"", name);
		if (digests_import(r, RULE_EVENT, (uint8_t)pcr, list, true, e))
			return err_in(e, "allowed_events: %s", name);
	}
	return 0;
}

static int forbidden_import(struct forbidden *f, const json_t *o, struct err *e)
{
	static const char *const members[] = {"pcr", "type", "digest", NULL};
	int64_t pcr, type = 0;

	if (!json_is_object(o))
		return err_set(e, WHY_MALFORMED, "expected an object");
	f->has_type = json_object_get(o, "type") != NULL;
	f->has_digest = json_object_get(o, "digest") != NULL;
	if (json_only(o, members, e) || json_get_int(o, "pcr", 0, PCR_COUNT - 1, &pcr, e) ||
	        (f->has_type && json_get_int(o, "type", 0, UINT32_MAX, &type, e)) ||
	        (f->has_digest && json_get_hex(o, "digest", f->digest, PCR_LEN, e)))
		return -1;
	if (!(PCR_MASK & 1u << pcr))
		return err_set(e, WHY_MALFORMED, "register %d is not quoted, so nothing can be said of it", (int)pcr);
	if (!f->has_type && !f->has_digest)
		return err_set(e, WHY_MALFORMED, "expected a type, a digest or both");
	f->pcr = (uint8_t)pcr;
	f->type = (uint32_t)type;
	return 0;
}

static int forbids_import(struct reference *r, const json_t *body, struct err *e)
{
	const json_t *list = json_object_get(body, "forbidden");

	if (!list)
		return 0;
	if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > FORBIDDEN_MAX)
		return err_set(e, WHY_MALFORMED, "forbidden: expected an array of 1 to %d entries", FORBIDDEN_MAX);
	for (size_t i = 0; i < json_array_size(list); i++)
		if (forbidden_import(&r->forbidden[i], json_array_get(list, i), e))
			return err_in(e, "forbidden: entry %zu", i + 1);
	r->nforbidden = json_array_size(list);
	return 0;
}

static int times_import(struct reference *r, const json_t *body, struct err *e)
{
	r->from = 0;
	r->until = INT64_MAX;
	if (json_object_get(body, "valid_from") && json_get_int(body, "valid_from", 0, INT64_MAX, &r->from, e))
		return -1;
	if (json_object_get(body, "valid_until") && json_get_int(body, "valid_until", 0, INT64_MAX, &r->until, e))
		return -1;
	if (r->from > r->until)
		return err_set(e, WHY_MALFORMED, "valid_until: the set ends before it begins");
	return 0;
}

static int boot_variables_import(struct reference *r, const json_t *body, struct err *e)
{
	const json_t *word = json_object_get(body, "boot_variables");

	if (!word)
		return 0;
	if (!json_is_string(word) || strcmp(json_string_value(word), "any") != 0)
		return err_set(e, WHY_MALFORMED, "boot_variables: expected \"any\"");
	r->any_boot_variables = true;
	return 0;
}

static int sbat_import(struct reference *r, const json_t *body, struct err *e)
{
	int64_t level = 0;

	if (json_object_get(body, "sbat_level") && json_get_int(body, "sbat_level", 1, UINT32_MAX, &level, e))
		return -1;
	r->sbat_level = (uint32_t)level;
	return 0;
}

/* ---- Which registers ---- */

static int by_meaning_import(struct reference *r, const json_t *body, struct err *e)
{
	const json_t *list = json_object_get(body, "by_meaning");

	if (!list)
		return 0;
	if (!json_is_array(list) || json_array_size(list) == 0)
		return err_set(e, WHY_MALFORMED, "by_meaning: expected an array of one or more registers");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *v = json_array_get(list, i);
		json_int_t pcr = json_is_integer(v) ? json_integer_value(v) : -1;
		if (pcr < 0 || pcr >= PCR_COUNT || !(PCR_MASK & 1u << pcr) || r->by_meaning & 1u << pcr)
			return err_set(e, WHY_MALFORMED,
			        "by_meaning: entry %zu is not a quoted register, or there twice", i + 1);
		r->by_meaning |= 1u << pcr;
	}
	return 0;
}

static bool has_rule(const json_t *body, size_t at)
{
	char name[4];
	struct wr w = wr_to(name, sizeof name);

	for (size_t i = 0; i < COUNT(needed[at].members) && needed[at].members[i]; i++)
		if (json_object_get(body, needed[at].members[i]))
			return true;
	wr_fmt(&w, "%u", needed[at].pcr);
	wr_u8(&w, 0);
	return json_object_get(json_object_get(body, "allowed_events"), name) != NULL;
}

static int matched(const struct reference *r, const json_t *body, struct err *e)
{
	for (size_t i = 0; i < COUNT(ruled); i++)
		if (json_object_get(body, ruled[i].member) && !(r->by_meaning & ruled[i].registers))
			return err_set(e, WHY_MALFORMED,
			        "%s: its register is not among \"by_meaning\", so it would rule nothing",
			        ruled[i].member);
	for (size_t i = 0; i < COUNT(needed); i++)
		if (r->by_meaning & 1u << needed[i].pcr && !has_rule(body, i))
			return err_set(e, WHY_MALFORMED,
			        "by_meaning: PCR %u has no rule, and no rule never means any value", needed[i].pcr);
	if (r->by_meaning & 1u << 7 && r->secure_boot == SECURE_BOOT_UNKNOWN)
		return err_set(e, WHY_MALFORMED, "by_meaning: PCR 7 needs \"secure_boot\"");
	if (r->by_meaning & 1u << 7 && !json_object_get(body, "secure_boot_keys"))
		return err_set(e, WHY_MALFORMED, "by_meaning: PCR 7 needs \"secure_boot_keys\"");
	return 0;
}

static int room(struct reference *r, struct err *e)
{
	r->rule = calloc(RULES_MAX, sizeof r->rule[0]);
	r->pool = calloc(1, RULE_TEXT_BYTES);
	return r->rule && r->pool ? 0 : err_sys(e, "no memory for a reference set");
}

/* In order and each once: vendors' own dbx name some hashes twice. */
static void sort(struct reference *r)
{
	size_t n = 0;

	qsort(r->rule, r->nrules, sizeof r->rule[0], rules_order);
	for (size_t i = 0; i < r->nrules; i++)
		if (n == 0 || rules_order(&r->rule[n - 1], &r->rule[i]) != 0)
			r->rule[n++] = r->rule[i];
	r->nrules = n;
}

/* What was not needed is given back; smaller never fails, and if it did the old one stays. */
static void trim(struct reference *r)
{
	struct rule *rule = realloc(r->rule, (r->nrules + 1) * sizeof r->rule[0]);
	char *pool = realloc(r->pool, r->npool + 1);

	r->rule = rule ? rule : r->rule;
	r->pool = pool ? pool : r->pool;
}

int rules_import(struct reference *r, const json_t *body, struct err *e)
{
	r->has_authority = json_object_get(body, "authority") != NULL;
	if (room(r, e) || by_meaning_import(r, body, e) || matched(r, body, e) || keys_import(r, body, e) ||
	        member_import(r, body, "authority", RULE_AUTHORITY, false, e) || loaders_import(r, body, e) ||
	        uki_import(r, body, e) || member_import(r, body, "drivers", RULE_DRIVER, true, e) ||
	        member_import(r, body, "firmware", RULE_FIRMWARE, false, e) ||
	        member_import(r, body, "initrd", RULE_INITRD, false, e) ||
	        texts_import(r, body, "firmware_versions", TEXT_VERSION, e) || command_line_import(r, body, e) ||
	        allowed_import(r, body, e) || forbids_import(r, body, e) || times_import(r, body, e) ||
	        boot_variables_import(r, body, e) || sbat_import(r, body, e))
		return -1;
	sort(r);
	trim(r);
	return 0;
}
