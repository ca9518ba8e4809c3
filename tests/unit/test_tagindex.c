/* Tests of tagindex against a TPM's own digests. */
#include "tests/unit/unit.h"

#include <string.h>

#include "attest/attest.h"
#include "base/hex.h"

/* x || y of the key whose private number is 32 times 0x22. */
#define OFFICER_XY                                                                                                     \
	"d65a93977caa3d1b081852ff57a79e465f1660577304baead505dd3a48589cf3"                                             \
	"50185e895372df6221ea3a137557e473fddb6755f05bd507c3c533fce9c91285"

static uint8_t officer[ES256_PUB];

static int make(void **s)
{
	(void)s;
	return hex_get(officer, sizeof officer, OFFICER_XY);
}

static void is(const uint8_t *found, size_t n, const char *expected)
{
	char text[2 * 64 + 1];

	assert_string_equal(hex_put(text, found, n), expected);
}

static void the_index_has_the_vectors_policy_and_names(void **s)
{
	uint8_t key[TPM_NAME_LEN], policy[SHA_LEN], name[TPM_NAME_LEN], other[TPM_NAME_LEN];

	(void)s;
	extkey_name(key, officer);
	is(key, sizeof key, "000b09d96aab3416ecd4a20f83f65126d9f1c1595e321e5f29e7c4e0d6ad36ab1d13");
	tagindex_policy(policy, officer);
	is(policy, sizeof policy, "7bc4931212e395c2e0a2097eee2191709355dddfee1642ae61c6858b91100c11");
	tagindex_name(name, officer, true);
	is(name, sizeof name, "000b1da498038dbf3cf883d0c230ace3cd79ae2959f0e3aca0918b4454dc38740a8e");
	tagindex_name(other, officer, false);
	assert_memory_not_equal(name, other, sizeof name);
}

static void the_name_of_another_officers_index_is_another(void **s)
{
	uint8_t name[TPM_NAME_LEN], other[TPM_NAME_LEN], key[ES256_PUB];

	(void)s;
	memcpy(key, officer, sizeof key);
	key[63] ^= 1;
	tagindex_name(name, officer, true);
	tagindex_name(other, key, true);
	assert_memory_not_equal(name, other, sizeof name);
}

/* Whatever is there and is not this officer's written index is defined anew. */
static void the_next_name_is_the_present_one_only_when_it_is_the_officers_own(void **s)
{
	uint8_t written[TPM_NAME_LEN], empty[TPM_NAME_LEN], next[TPM_NAME_LEN], odd[TPM_NAME_LEN] = {0, 11, 5};

	(void)s;
	tagindex_name(written, officer, true);
	tagindex_name(empty, officer, false);
	tagindex_next_name(next, officer, VIEW_OF(written));
	assert_memory_equal(next, written, sizeof next);
	tagindex_next_name(next, officer, VIEW_OF(empty));
	assert_memory_equal(next, empty, sizeof next);
	tagindex_next_name(next, officer, VIEW_OF(odd));
	assert_memory_equal(next, empty, sizeof next);
	tagindex_next_name(next, officer, VIEW(NULL, 0));
	assert_memory_equal(next, empty, sizeof next);
}

static void a_permission_is_for_one_nonce_one_index_and_one_tag(void **s)
{
	uint8_t nonce[NONCE_LEN] = {1}, digest[SHA_LEN] = {2}, name[TPM_NAME_LEN], command[SHA_LEN];
	uint8_t first[SHA_LEN], then[SHA_LEN];

	(void)s;
	tagindex_name(name, officer, false);
	tagindex_command(command, name, digest);
	tagindex_permission(first, nonce, command);
	nonce[0]++;
	tagindex_permission(then, nonce, command);
	assert_memory_not_equal(first, then, SHA_LEN);
	nonce[0]--;
	digest[0]++;
	tagindex_command(command, name, digest);
	tagindex_permission(then, nonce, command);
	assert_memory_not_equal(first, then, SHA_LEN);
	digest[0]--;
	tagindex_name(name, officer, true);
	tagindex_command(command, name, digest);
	tagindex_permission(then, nonce, command);
	assert_memory_not_equal(first, then, SHA_LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_index_has_the_vectors_policy_and_names),
	        cmocka_unit_test(the_name_of_another_officers_index_is_another),
	        cmocka_unit_test(the_next_name_is_the_present_one_only_when_it_is_the_officers_own),
	        cmocka_unit_test(a_permission_is_for_one_nonce_one_index_and_one_tag),
	};
	return cmocka_run_group_tests(tests, make, NULL);
}
