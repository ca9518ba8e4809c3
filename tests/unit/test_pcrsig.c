/* What is signed for an image's register 11. */
#include "tests/unit/unit.h"

#include <string.h>

#include "base/es256.h"
#include "firmware/state/state.h"
#include "tests/unit/mangle.h"

static struct es256 *key;
static uint8_t policy[SHA_LEN], pcr11[PCR_LEN];
static char text[2048];
static struct view json;
static struct err err;

static int setup(void **s)
{
	struct wr w = wr_to(text, sizeof text);

	(void)s;
	key = es256_generate(&err);
	memset(pcr11, 0xb1, sizeof pcr11);
	statepolicy_approved(policy, pcr11, 7);
	assert_accepted(pcrsig_write(&w, key, policy, &err), &err);
	json = wr_done(&w);
	return 0;
}

static int teardown(void **s)
{
	(void)s;
	es256_free(key);
	return 0;
}

static int answer(const uint8_t want[SHA_LEN], const struct es256 *by)
{
	uint8_t sig[ES256_SIG], digest[SHA_LEN];
	int rc = pcrsig_find(json, by, want, sig, &err);

	sha256(digest, VIEW(want, SHA_LEN));
	if (rc == 0)
		assert_int_equal(es256_verify_digest(by, digest, sig, &err), 0);
	return rc;
}

static void the_signature_of_a_policy_is_found(void **s)
{
	(void)s;
	assert_accepted(answer(policy, key), &err);
}

static void signing_twice_gives_the_same_bytes(void **s)
{
	char again[sizeof text];
	struct wr w = wr_to(again, sizeof again);

	(void)s;
	assert_accepted(pcrsig_write(&w, key, policy, &err), &err);
	assert_true(view_equal(wr_done(&w), json));
}

static void another_version_of_the_same_image_is_another_policy(void **s)
{
	uint8_t other[SHA_LEN];

	(void)s;
	statepolicy_approved(other, pcr11, 8);
	assert_memory_not_equal(other, policy, SHA_LEN);
	assert_refused(answer(other, key), &err, WHY_UNTRUSTED);
}

static void another_register_11_is_another_policy(void **s)
{
	uint8_t other[SHA_LEN];

	(void)s;
	pcr11[0] ^= 1;
	statepolicy_approved(other, pcr11, 7);
	assert_refused(answer(other, key), &err, WHY_UNTRUSTED);
}

static void a_signature_by_another_key_is_forged(void **s)
{
	AUTO(es256_free) struct es256 *other = es256_generate(&err);

	(void)s;
	assert_refused(answer(policy, other), &err, WHY_FORGED);
}

/* An index is asked for each later version that it has a bit for, and for no other. */
static void a_version_names_the_bits_of_all_later_ones(void **s)
{
	static const uint8_t none_but_63[] = {0x80, 0, 0, 0, 0, 0, 0, 0},
	                     all[] = {255, 255, 255, 255, 255, 255, 255, 255},
	                     from_1[] = {255, 255, 255, 255, 255, 255, 255, 0xfe};
	uint8_t out[8];

	(void)s;
	assert_true(floor_operand(out, 0, 62));
	assert_memory_equal(out, none_but_63, 8);
	assert_false(floor_operand(out, 0, 63));
	assert_true(floor_operand(out, 1, 63));
	assert_memory_equal(out, all, 8);
	assert_true(floor_operand(out, 1, 64));
	assert_memory_equal(out, from_1, 8);
	assert_false(floor_operand(out, FLOOR_INDICES - 1, FLOOR_VERSION_MAX));
}

static void try_mangled(struct view mangled, void *arg)
{
	uint8_t sig[ES256_SIG], before[ES256_SIG];

	(void)arg;
	if (pcrsig_find(mangled, key, policy, sig, &err) != 0)
		return;
	assert_int_equal(pcrsig_find(json, key, policy, before, &err), 0);
	assert_memory_equal(sig, before, sizeof sig);
}

static void no_cut_and_no_flipped_bit_gives_another_signature(void **s)
{
	(void)s;
	mangle_each(json, try_mangled, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(the_signature_of_a_policy_is_found, setup, teardown),
	        cmocka_unit_test_setup_teardown(signing_twice_gives_the_same_bytes, setup, teardown),
	        cmocka_unit_test_setup_teardown(another_version_of_the_same_image_is_another_policy, setup, teardown),
	        cmocka_unit_test_setup_teardown(another_register_11_is_another_policy, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_signature_by_another_key_is_forged, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_version_names_the_bits_of_all_later_ones, setup, teardown),
	        cmocka_unit_test_setup_teardown(no_cut_and_no_flipped_bit_gives_another_signature, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
