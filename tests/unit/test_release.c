/* Tests of release and runningimage: what an update says, whose word it is, and whether this machine may take it. */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "tests/unit/mangle.h"
#include "tests/unit/releasemaker.h"

static struct es256 *key;

static int setup(void **s)
{
	struct err e;

	(void)s;
	key = es256_generate(&e);
	return key ? 0 : -1;
}

static int teardown(void **s)
{
	(void)s;
	es256_free(key);
	return 0;
}

static int parse(const char *text, struct release *out, struct err *e)
{
	return release_parse(VIEW(text, strlen(text)), out, e);
}

static void a_manifest_says_what_it_says(void **s)
{
	struct releasemaker m = releasemaker_of(7);
	char buf[MANIFEST_MAX];
	struct release r;
	struct err e;

	(void)s;
	m.floor = 5;
	assert_accepted(release_open(releasemaker_sign(&m, key, TYP_UPDATE, buf, sizeof buf), key, &r, &e), &e);
	assert_string_equal(r.product, "merestone");
	assert_string_equal(r.variant, "cloud");
	assert_int_equal(r.version, 7);
	assert_int_equal(r.requires_floor, 5);
	assert_int_equal(r.uki.size, 3);
	assert_int_equal(r.root.size, 4);
	assert_int_equal(r.pcr_mask, 1u << 11);
}

static void a_manifest_by_another_key_is_refused(void **s)
{
	struct releasemaker m = releasemaker_of(2);
	struct err e, why;
	char buf[MANIFEST_MAX];
	struct release r;
	AUTO(es256_free) struct es256 *other = es256_generate(&e);

	(void)s;
	assert_refused(release_open(releasemaker_sign(&m, other, TYP_UPDATE, buf, sizeof buf), key, &r, &why), &why,
	        WHY_UNKNOWN);
}

static void a_signature_of_something_else_is_no_manifest(void **s)
{
	struct releasemaker m = releasemaker_of(2);
	char buf[MANIFEST_MAX];
	struct release r;
	struct err e;

	(void)s;
	assert_refused(release_open(releasemaker_sign(&m, key, "merestone-document+jws", buf, sizeof buf), key, &r, &e),
	        &e, WHY_MALFORMED);
}

static void unchanged(struct view v, void *arg)
{
	struct release r;
	struct err e;

	if (release_open(v, key, &r, &e) == 0 && memcmp(&r, arg, sizeof r) != 0)
		fail_msg("a changed manifest means something else");
}

static void a_signed_manifest_that_was_changed_is_refused(void **s)
{
	struct releasemaker m = releasemaker_of(2);
	struct release r;
	char buf[MANIFEST_MAX];
	struct err e;
	struct view v = releasemaker_sign(&m, key, TYP_UPDATE, buf, sizeof buf);

	(void)s;
	assert_accepted(release_open(v, key, &r, &e), &e);
	mangle_each(v, unchanged, &r);
}

#define HASH "0000000000000000000000000000000000000000000000000000000000000000"
#define UKI  "\"uki\":{\"sha256\":\"" HASH "\",\"size\":1}"
#define ROOT "\"root\":{\"sha256\":\"" HASH "\",\"size\":1},\"root_hash\":\"" HASH "\""
#define PCRS "\"pcrs\":{\"11\":\"" HASH "\"}"
#define NAMED(product, variant)                                                                                        \
	"\"format\":\"merestone-update/1\",\"product\":\"" product "\",\"variant\":\"" variant "\",\"issued\":1"
#define WITH(version, uki, root, pcrs, floor)                                                                          \
	"{" NAMED("merestone", "cloud") ",\"version\":" version "," uki "," root "," pcrs ",\"requires_floor\":" floor \
	                                "}"

static void each_member_is_checked(void **s)
{
	static const char *const bad[] = {
	        WITH("0", UKI, ROOT, PCRS, "0"),
	        WITH("2147483648", UKI, ROOT, PCRS, "0"),
	        WITH("\"2\"", UKI, ROOT, PCRS, "0"),
	        WITH("2", UKI, ROOT, PCRS, "3"), /* a floor above it would shut the release itself out */
	        WITH("2", UKI, ROOT, PCRS, "-1"),
	        WITH("2", "\"uki\":{\"sha256\":\"" HASH "\",\"size\":0}", ROOT, PCRS, "0"),
	        WITH("2", "\"uki\":{\"sha256\":\"" HASH "\",\"size\":50331649}", ROOT, PCRS, "0"),
	        WITH("2", "\"uki\":{\"sha256\":\"00\",\"size\":1}", ROOT, PCRS, "0"),
	        WITH("2", "\"uki\":{\"sha256\":\"" HASH "\",\"size\":1,\"name\":\"x\"}", ROOT, PCRS, "0"),
	        WITH("2", "\"uki\":[]", ROOT, PCRS, "0"),
	        WITH("2", UKI, ROOT, "\"pcrs\":{}", "0"),
	        WITH("2", UKI, ROOT, "\"pcrs\":{\"4\":\"" HASH "\"}", "0"),
	        WITH("2", UKI, ROOT, "\"pcrs\":{\"11\":\"" HASH "\",\"10\":\"" HASH "\"}", "0"),
	        WITH("2", UKI, ROOT, "\"pcrs\":{\"011\":\"" HASH "\"}", "0"),
	        WITH("2", UKI, ROOT, "\"pcrs\":[]", "0"),
	        WITH("2", UKI, ROOT, PCRS ",\"extra\":1", "0"),
	        "{}",
	        "[]",
	};
	struct release r;
	struct err e;

	(void)s;
	assert_accepted(parse(WITH("2", UKI, ROOT, PCRS, "2"), &r, &e), &e);
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_refused(parse(bad[i], &r, &e), &e, WHY_MALFORMED);
}

static struct release release_of(const struct releasemaker *m)
{
	char buf[MANIFEST_MAX];
	struct release r;
	struct err e;

	assert_accepted(release_parse(releasemaker_text(m, buf, sizeof buf), &r, &e), &e);
	return r;
}

static void a_machine_takes_its_own_product_and_variant_and_what_is_newer(void **s)
{
	struct releasemaker m = releasemaker_of(3), other = m, debug = m;
	struct release r = release_of(&m);
	struct err e;

	(void)s;
	other.product = "milestone";
	debug.variant = "cloud-debug";
	assert_accepted(release_fits(&r, "cloud", 2, &e), &e);
	assert_refused(release_fits(&r, "cloud", 3, &e), &e, WHY_STALE);
	assert_refused(release_fits(&r, "cloud", 4, &e), &e, WHY_STALE);
	assert_refused(release_fits(&r, "generic", 2, &e), &e, WHY_REFUSED);
	r = release_of(&other);
	assert_refused(release_fits(&r, "cloud", 2, &e), &e, WHY_REFUSED);
	r = release_of(&debug);
	assert_refused(release_fits(&r, "cloud", 2, &e), &e, WHY_REFUSED);
}

static void a_release_is_known_by_its_registers(void **s)
{
	struct releasemaker m = releasemaker_of(3);
	struct release r = release_of(&m);
	struct pcrs pcrs = {0};

	(void)s;
	assert_false(release_runs(&r, &pcrs));
	memcpy(pcrs.v[11], m.pcr11, PCR_LEN);
	assert_true(release_runs(&r, &pcrs));
	pcrs.v[4][0] = 1; /* which the manifest does not predict */
	assert_true(release_runs(&r, &pcrs));
	pcrs.v[11][31] ^= 1;
	assert_false(release_runs(&r, &pcrs));
}

static int image(const char *text, struct runningimage *out, struct err *e)
{
	return runningimage_parse(VIEW(text, strlen(text)), out, e);
}

static void an_image_says_what_it_is(void **s)
{
	static const char *const bad[] = {"", "IMAGE_ID=merestone\n", "IMAGE_ID=merestone\nIMAGE_VERSION=2\n",
	        "IMAGE_ID=debian\nIMAGE_VERSION=2\nVARIANT_ID=cloud\n",
	        "IMAGE_ID=merestone\nIMAGE_VERSION=02\nVARIANT_ID=cloud\n",
	        "IMAGE_ID=merestone\nIMAGE_VERSION=2x\nVARIANT_ID=cloud\n",
	        "IMAGE_ID=merestone\nIMAGE_VERSION=1234567890\nVARIANT_ID=cloud\n",
	        "IMAGE_ID=merestone\nIMAGE_VERSION=2\nIMAGE_VERSION=3\nVARIANT_ID=cloud\n",
	        "IMAGE_ID=merestone\nIMAGE_VERSION=2\nVARIANT_ID=a b\n"};
	struct runningimage r;
	struct err e;

	(void)s;
	assert_accepted(image("NAME=Merestone\nIMAGE_ID=merestone\nIMAGE_VERSION=12\nVARIANT_ID=cloud", &r, &e), &e);
	assert_int_equal(r.version, 12);
	assert_string_equal(r.variant, "cloud");
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_refused(image(bad[i], &r, &e), &e, WHY_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_manifest_says_what_it_says),
	        cmocka_unit_test(a_manifest_by_another_key_is_refused),
	        cmocka_unit_test(a_signature_of_something_else_is_no_manifest),
	        cmocka_unit_test(a_signed_manifest_that_was_changed_is_refused),
	        cmocka_unit_test(each_member_is_checked),
	        cmocka_unit_test(a_machine_takes_its_own_product_and_variant_and_what_is_newer),
	        cmocka_unit_test(a_release_is_known_by_its_registers),
	        cmocka_unit_test(an_image_says_what_it_is),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
