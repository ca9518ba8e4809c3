#include "base/hex.h"
#include "tests/unit/bootmaker.h"
#include "tests/unit/mangle.h"

static struct err err;
static struct bootmaker_booted x;
static const struct bootmaker usual;
static uint8_t text[128 * 1024];

/* "0x" and the SHA-256 of what is given. */
static json_t *hashed(struct view v)
{
	char hex[67] = "0x";
	uint8_t digest[32];

	sha256(digest, v);
	hex_put(hex + 2, digest, 32);
	return json_string(hex);
}

static json_t *hashed_text(const char *s)
{
	return hashed(bootmaker_text(s));
}

static json_t *key(const char *data)
{
	char hex[256] = "0x";

	hex_put(hex + 2, data, strlen(data));
	return json_pack("[{s:s,s:s}]", "SignatureOwner", "00000000-0000-0000-0000-000000000000", "SignatureData", hex);
}

/* What Keylime would write of the usual boot; its command line is of GRUB. */
static json_t *state(void)
{
	uint8_t wide[16], hash[32];
	char hex[67] = "0x";
	json_t *o = json_pack("{s:b,s:[{s:{s:o},s:[{s:o}]}],s:o,s:o,s:o,s:[],s:[]}", "has_secureboot", 1,
	        "scrtm_and_bios", "scrtm", "sha256", hashed(bootmaker_wide(wide, "1.0", true)), "platform_firmware",
	        "sha256", hashed_text("code"), "pk", key("platform key"), "kek", key("exchange key"), "db",
	        key("vendor"), "mokdig", "mokxdig");

	assert_non_null(o);
	sha256(hash, bootmaker_text("bad loader"));
	hex_put(hex + 2, hash, 32);
	json_object_set_new(o, "dbx", json_pack("[{s:s,s:s}]", "SignatureOwner", "x", "SignatureData", hex));
	json_object_set_new(o, "kernels",
	        json_pack("[{s:o,s:o,s:o,s:o,s:s}]", "shim_authcode_sha256", hashed_text("shim"),
	                "grub_authcode_sha256", hashed_text("grub"), "kernel_authcode_sha256", hashed_text("linux"),
	                "initrd_plain_sha256", hashed_text("initrd"), "kernel_cmdline", ".*"));
	return o;
}

/* The log that stands in for what Keylime does not say. */
static struct reference *imported(const json_t *s, const struct bootmaker *log)
{
	static uint8_t bytes[16384];
	struct view v = log ? bootmaker_log(bytes, sizeof bytes, log) : VIEW(NULL, 0);
	struct wr w = wr_to(text, sizeof text);

	if (refstate_import(s, v, &w, &err))
		return NULL;
	AUTO(json_free) json_t *body = json_read(wr_done(&w), sizeof text, &err);
	assert_non_null(body);
	return reference_import(body, &err);
}

static int against(const struct reference *r, const struct bootmaker *b)
{
	bootmaker_boot(&x, b);
	return reference_match(r, &x.state, &err);
}

static void a_state_with_the_log_of_the_rest_approves_the_boot(void **s)
{
	AUTO(json_free) json_t *theirs = state();
	AUTO(reference_free) struct reference *r = imported(theirs, &usual);

	(void)s;
	if (!r)
		fail_msg("%s", err.text);
	assert_accepted(against(r, &usual), &err);
	assert_accepted(against(r, &(struct bootmaker){.loader = "grub"}), &err);
	assert_refused(against(r, &(struct bootmaker){.loader = "evil"}), &err, WHY_UNTRUSTED);
	assert_refused(against(r, &(struct bootmaker){.initrd = "evil"}), &err, WHY_UNTRUSTED);
	assert_refused(against(r, &(struct bootmaker){.db = "evil"}), &err, WHY_UNTRUSTED);
	assert_refused(against(r, &(struct bootmaker){.dbx = "nothing"}), &err, WHY_UNTRUSTED);
	assert_refused(against(r, &(struct bootmaker){.driver = "implant"}), &err, WHY_UNTRUSTED);
	assert_refused(against(r, &(struct bootmaker){.version = "2.0"}), &err, WHY_UNTRUSTED);
}

/* What a state leaves open is closed, not open: without a log no image may be there. */
static void attack_A64_what_keylime_does_not_say_is_denied(void **s)
{
	AUTO(json_free) json_t *theirs = state();
	AUTO(reference_free) struct reference *r = imported(theirs, NULL);

	(void)s;
	if (!r)
		fail_msg("%s", err.text);
	assert_refused(against(r, &usual), &err, WHY_UNTRUSTED);
	assert_non_null(strstr(err.text, "PCR 11: "));
}

static void refused(const char *at, json_t *value, const char *sentence)
{
	AUTO(json_free) json_t *theirs = state();

	if (value)
		json_object_set_new(theirs, at, value);
	else
		json_object_del(theirs, at);
	assert_null(imported(theirs, NULL));
	assert_int_equal(err.why, WHY_MALFORMED);
	if (!strstr(err.text, sentence))
		fail_msg("\"%s\" does not say \"%s\"", err.text, sentence);
}

static void each_malformed_member_is_named(void **s)
{
	(void)s;
	refused("pk", NULL, "pk: expected an array");
	refused("kernels", NULL, "kernels: expected an array");
	refused("scrtm_and_bios", NULL, "scrtm_and_bios: expected an array");
	refused("scrtm_and_bios", json_pack("[{}]"), "scrtm_and_bios: entry 1: scrtm: expected a sha256");
	refused("scrtm_and_bios", json_pack("[{s:{s:s}}]", "scrtm", "sha256", "00"), "begins with 0x");
	refused("db", json_pack("[{s:s}]", "SignatureData", "3082"),
	        "db: entry 1: SignatureData: expected hexadecimal");
	refused("db", json_pack("[{s:s}]", "SignatureData", "0x3"), "db: entry 1: SignatureData");
	refused("db", json_pack("[{s:s}]", "SignatureData", "0xzz"), "db: entry 1: SignatureData");
	refused("kernels", json_pack("[{s:s}]", "shim_authcode_sha256", "0x12"),
	        "kernels: entry 1: shim_authcode_sha256");
	refused("has_secureboot", json_string("yes"), "has_secureboot");
	refused("pk", json_array(), "secure_boot_keys: pk: expected an array of one or more");
	refused("kernels", json_array(), "loaders: expected an array of one or more");
}

static void approves_no_other(struct view mangled, void *arg)
{
	AUTO(json_free) json_t *theirs = json_read(mangled, 1 << 20, &err);
	struct wr w = wr_to(text, sizeof text);

	(void)arg;
	if (!theirs || refstate_import(theirs, VIEW(NULL, 0), &w, &err))
		return;
	AUTO(json_free) json_t *body = json_read(wr_done(&w), sizeof text, &err);
	AUTO(reference_free) struct reference *r = body ? reference_import(body, &err) : NULL;
	if (r)
		assert_int_equal(reference_match(r, &x.state, &err), -1);
}

static void a_mangled_state_is_refused_or_denies(void **s)
{
	AUTO(json_free) json_t *theirs = state();
	AUTO(mem_free) char *good = json_dumps(theirs, JSON_COMPACT);

	(void)s;
	bootmaker_boot(&x, &usual);
	mangle_each(VIEW(good, strlen(good)), approves_no_other, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_state_with_the_log_of_the_rest_approves_the_boot),
	        cmocka_unit_test(attack_A64_what_keylime_does_not_say_is_denied),
	        cmocka_unit_test(each_malformed_member_is_named),
	        cmocka_unit_test(a_mangled_state_is_refused_or_denies),
	};
	return cmocka_run_group_tests_name("refstate", tests, NULL, NULL);
}
