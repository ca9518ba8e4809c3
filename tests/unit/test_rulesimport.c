#include "tests/unit/bootmaker.h"
#include "tests/unit/mangle.h"

static struct err err;
static const struct bootmaker usual;

#define ONE "1111111111111111111111111111111111111111111111111111111111111111"

static json_t *learnt(void)
{
	return bootmaker_learn(&usual);
}

static void refused(json_t *body, const char *sentence)
{
	AUTO(json_free) json_t *mine = body;
	struct reference *r = reference_import(mine, &err);

	assert_null(r);
	assert_int_equal(err.why, WHY_MALFORMED);
	if (!strstr(err.text, sentence))
		fail_msg("\"%s\" does not say \"%s\"", err.text, sentence);
}

static json_t *json(const char *text)
{
	json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);

	assert_non_null(v);
	return v;
}

static json_t *with(const char *key, const char *value)
{
	json_t *body = learnt();

	json_object_set_new(body, key, json(value));
	return body;
}

static json_t *without(const char *key)
{
	json_t *body = learnt();

	assert_int_equal(json_object_del(body, key), 0);
	return body;
}

static void attack_A64_no_register_is_left_out(void **s)
{
	static const char *const rules[] = {"secure_boot_keys", "loaders", "uki"};

	(void)s;
	json_t *fewer = with("by_meaning", "[2,4,7,9,11]");
	json_object_del(json_object_get(fewer, "allowed_events"), "12");
	refused(fewer, "PCR 12 has no value");
	refused(with("pcrs", "{}"), "PCR 0 has no value");
	refused(without("pcrs"), "pcrs: expected an object");
	refused(with("pcrs", "{\"0\":[\"" ONE "\"],\"1\":[\"" ONE "\"],\"3\":[\"" ONE "\"],\"4\":[\"" ONE "\"]}"),
	        "PCR 4 is decided by meaning, and may not have values too");
	for (size_t i = 0; i < COUNT(rules); i++) {
		json_t *body = without(rules[i]);
		json_object_del(body, "allowed_events");
		refused(body, "no rule");
	}
	refused(without("secure_boot"), "PCR 7 needs \"secure_boot\"");
	refused(without("secure_boot_keys"), "PCR 7 needs \"secure_boot_keys\"");
}

static void attack_A64_empty_rules_never_mean_no_check(void **s)
{
	(void)s;
	refused(with("by_meaning", "[]"), "by_meaning: expected an array of one or more registers");
	refused(with("loaders", "[]"), "loaders: expected an array of one or more sha256 digests");
	refused(with("authority", "[]"), "authority: expected an array of one or more");
	refused(with("uki", "{}"), "uki: expected an object");
	refused(with("uki", "{\".linux\":[]}"), "uki: .linux: expected an array of one or more");
	refused(with("command_line", "{}"), "command_line: expected \"exact\", \"pattern\" or both");
	refused(with("command_line", "{\"exact\":[]}"), "command_line: exact: expected an array of one or more texts");
	refused(with("command_line", "{\"pattern\":[\"*\"]}"), "the pattern \"*\" says nothing");
	refused(with("initrd", "[]"), "initrd: expected an array of one or more");
	refused(with("forbidden", "[]"), "forbidden: expected an array of 1 to 256 entries");
	refused(with("secure_boot_keys", "{\"pk\":[],\"kek\":[\"" ONE "\"],\"db\":[\"" ONE "\"],\"dbx_at_least\":[]}"),
	        "secure_boot_keys: pk: expected an array of one or more");
	refused(with("secure_boot_keys", "{}"), "secure_boot_keys: pk: expected an array");
}

static void a_rule_for_a_register_that_is_decided_by_value_is_refused(void **s)
{
	(void)s;
	refused(with("firmware_versions", "[\"1.0\"]"), "firmware_versions: its register is not among \"by_meaning\"");
	refused(with("boot_variables", "\"any\""), "boot_variables: its register is not among");
	refused(with("allowed_events", "{\"12\":[],\"0\":[]}"),
	        "allowed_events: \"0\" is no register of \"by_meaning\"");
	refused(with("allowed_events", "{\"12\":[],\"4x\":[]}"), "is no register of");
}

static void members_of_another_form_are_refused(void **s)
{
	(void)s;
	refused(with("by_meaning", "[2,4,7,9,11,12,5]"), "entry 7 is not a quoted register");
	refused(with("by_meaning", "[2,4,7,9,11,12,2]"), "entry 7 is not a quoted register, or there twice");
	refused(with("by_meaning", "[true]"), "entry 1");
	refused(with("loaders", "\"any\""), "loaders: expected digests, or \"signed\"");
	refused(with("loaders", "[\"11\"]"), "loaders: entry 1 is not a sha256");
	refused(with("uki", "{\".text\":[\"" ONE "\"]}"), "\".text\" is not a section that is measured");
	refused(with("command_line", "{\"exact\":[\"a\"],\"regex\":[\"a\"]}"), "regex");
	refused(with("command_line", "{\"exact\":[1]}"), "command_line: exact: entry 1");
	refused(with("sbat_level", "0"), "sbat_level");
	refused(with("valid_from", "-1"), "valid_from");
	refused(with("forbidden", "[{\"pcr\":5,\"type\":1}]"), "register 5 is not quoted");
	refused(with("forbidden", "[{\"pcr\":4}]"), "expected a type, a digest or both");
	refused(with("forbidden", "[{\"pcr\":4,\"typ\":1}]"), "typ");
	refused(with("by_mening", "[]"), "by_mening");
}

static void a_set_that_ends_before_it_begins_is_refused(void **s)
{
	json_t *body = with("valid_from", "5");

	(void)s;
	json_object_set_new(body, "valid_until", json_integer(4));
	refused(body, "the set ends before it begins");
}

static void signed_loaders_need_a_secure_boot_that_is_read(void **s)
{
	json_t *body = with("loaders", "\"signed\"");

	(void)s;
	json_object_set_new(body, "secure_boot", json_false());
	refused(body, "\"signed\" needs \"secure_boot\": true");
}

static void too_much_is_refused(void **s)
{
	json_t *many = json_array(), *body = learnt();
	static char text[3000];

	(void)s;
	for (int i = 0; i < 5000; i++)
		json_array_append_new(many, json_string(ONE));
	json_object_set_new(body, "drivers", many);
	refused(body, "more than 4096 digests");
	body = learnt();
	many = json_array();
	for (int i = 0; i < 100; i++)
		json_array_append_new(many, json_string("quiet"));
	json_object_set_new(body, "command_line", json_pack("{s:o}", "exact", many));
	refused(body, "more than 64 texts");
	memset(text, 'a', sizeof text - 1);
	body = learnt();
	json_object_set_new(body, "command_line", json_pack("{s:[s]}", "exact", text));
	refused(body, "expected texts of fewer than 2048 bytes");
}

/* Whatever mangling leaves of a set, a boot that it was not learnt from is not approved by it. */
static void denies(struct view mangled, void *booted)
{
	struct bootmaker_booted *x = booted;
	AUTO(json_free) json_t *body = json_read(mangled, 1 << 20, &err);
	AUTO(reference_free) struct reference *r = body ? reference_import(body, &err) : NULL;

	if (r && reference_match(r, &x->state, &err) == 0)
		fail_msg("approved: %.*s", (int)mangled.n, (const char *)mangled.p);
}

static void a_mangled_set_is_refused_or_denies_another_boot(void **s)
{
	static struct bootmaker_booted x;
	const struct bootmaker other = {
	        .db = "another", .authority = "another", .loader = "another", .driver = "another", .line = "another"};
	AUTO(json_free) json_t *body = learnt();
	json_object_del(body, "events");
	AUTO(mem_free) char *text = json_dumps(body, JSON_COMPACT);

	(void)s;
	bootmaker_boot(&x, &other);
	mangle_each(VIEW(text, strlen(text)), denies, &x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(attack_A64_no_register_is_left_out),
	        cmocka_unit_test(attack_A64_empty_rules_never_mean_no_check),
	        cmocka_unit_test(a_rule_for_a_register_that_is_decided_by_value_is_refused),
	        cmocka_unit_test(members_of_another_form_are_refused),
	        cmocka_unit_test(a_set_that_ends_before_it_begins_is_refused),
	        cmocka_unit_test(signed_loaders_need_a_secure_boot_that_is_read),
	        cmocka_unit_test(too_much_is_refused),
	        cmocka_unit_test(a_mangled_set_is_refused_or_denies_another_boot),
	};
	return cmocka_run_group_tests_name("rulesimport", tests, NULL, NULL);
}
