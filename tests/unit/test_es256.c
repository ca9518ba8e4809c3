#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/es256.h"
#include "base/hex.h"

/* RFC 6979 A.2.5: P-256, SHA-256, message "sample". */
static const char x_y[] = "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
                          "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
static const char r_s[] = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                          "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";

static void vector(uint8_t pub[ES256_PUB], uint8_t sig[ES256_SIG])
{
	assert_int_equal(hex_get(pub, ES256_PUB, x_y), 0);
	assert_int_equal(hex_get(sig, ES256_SIG, r_s), 0);
}

static void the_vector_of_rfc_6979_holds(void **s)
{
	uint8_t pub[ES256_PUB], sig[ES256_SIG], digest[SHA_LEN];
	struct err e;

	(void)s;
	vector(pub, sig);
	AUTO(es256_free) struct es256 *k = es256_from_pub(pub, &e);
	assert_non_null(k);
	assert_accepted(es256_verify(k, VIEW("sample", 6), sig, &e), &e);
	assert_refused(es256_verify(k, VIEW("sampl", 5), sig, &e), &e, WHY_FORGED);
	sha256(digest, VIEW("sample", 6));
	assert_accepted(es256_verify_digest(k, digest, sig, &e), &e);
	assert_accepted(es256_verify_pub(pub, digest, sig, &e), &e);
}

/* The private key of the same example. */
static const char sample_key[] = "-----BEGIN PRIVATE KEY-----\n"
                                 "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgya+p2EW6dRZrXCFX\n"
                                 "Z7HWk05Qw9s26JsSe4piKxIPZyGhRANCAARg/tS6JVqdMclh63TGNW1owEm4kjth\n"
                                 "+mzmaWIuYPKftnkD/hAIuLyZpBrp6VYovGTy8bIMLX6fUXejwpTURiKZ\n"
                                 "-----END PRIVATE KEY-----\n";

static void a_signature_that_is_always_the_same_is_that_of_rfc_6979(void **s)
{
	uint8_t pub[ES256_PUB], want[ES256_SIG], sig[ES256_SIG], digest[SHA_LEN];
	struct err e;

	(void)s;
	vector(pub, want);
	AUTO(es256_free) struct es256 *k = es256_from_pem(VIEW(sample_key, strlen(sample_key)), VIEW(NULL, 0), &e);
	assert_non_null(k);
	assert_memory_equal(k->pub, pub, sizeof pub);
	sha256(digest, VIEW("sample", 6));
	assert_accepted(es256same_sign(k, digest, sig, &e), &e);
	assert_memory_equal(sig, want, sizeof sig);
	sha256(digest, VIEW("test", 4));
	assert_int_equal(hex_get(want, sizeof want,
	                         "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
	                         "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083"),
	        0);
	assert_accepted(es256same_sign(k, digest, sig, &e), &e);
	assert_memory_equal(sig, want, sizeof sig);
}

static void digests_at_the_edges_are_signed_so_that_they_verify(void **s)
{
	uint8_t sig[ES256_SIG], digest[SHA_LEN];
	struct err e;

	(void)s;
	AUTO(es256_free) struct es256 *k = es256_from_pem(VIEW(sample_key, strlen(sample_key)), VIEW(NULL, 0), &e);
	assert_non_null(k);
	for (int i = 0; i < 64; i++) {
		memset(digest, i == 0 ? 0 : 0xff, sizeof digest);
		digest[SHA_LEN - 1] = (uint8_t)(digest[SHA_LEN - 1] ^ i);
		assert_accepted(es256same_sign(k, digest, sig, &e), &e);
		assert_accepted(es256_verify_digest(k, digest, sig, &e), &e);
	}
}

static void a_public_key_alone_signs_nothing_twice(void **s)
{
	uint8_t pub[ES256_PUB], sig[ES256_SIG], digest[SHA_LEN] = {0};
	struct err e;

	(void)s;
	vector(pub, sig);
	AUTO(es256_free) struct es256 *k = es256_from_pub(pub, &e);
	assert_refused(es256same_sign(k, digest, sig, &e), &e, WHY_SYSTEM);
}

static void a_signature_with_any_bit_flipped_is_forged(void **s)
{
	uint8_t pub[ES256_PUB], sig[ES256_SIG];
	struct err e;

	(void)s;
	vector(pub, sig);
	AUTO(es256_free) struct es256 *k = es256_from_pub(pub, &e);
	for (size_t bit = 0; bit < ES256_SIG * 8; bit++) {
		sig[bit / 8] = (uint8_t)(sig[bit / 8] ^ 1u << bit % 8);
		assert_refused(es256_verify(k, VIEW("sample", 6), sig, &e), &e, WHY_FORGED);
		sig[bit / 8] = (uint8_t)(sig[bit / 8] ^ 1u << bit % 8);
	}
	assert_accepted(es256_verify(k, VIEW("sample", 6), sig, &e), &e);
}

static void a_number_of_zero_or_of_the_order_is_refused(void **s)
{
	static const char n[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
	uint8_t pub[ES256_PUB], sig[ES256_SIG], digest[SHA_LEN] = {0};
	struct err e;

	(void)s;
	for (size_t half = 0; half < ES256_SIG; half += 32) {
		vector(pub, sig);
		memset(sig + half, 0, 32);
		assert_refused(es256_verify_pub(pub, digest, sig, &e), &e, WHY_FORGED);
		assert_string_equal(e.text, "the signature's numbers are out of range");
		assert_int_equal(hex_get(sig + half, 32, n), 0);
		assert_refused(es256_verify_pub(pub, digest, sig, &e), &e, WHY_FORGED);
		memset(sig + half, 0xff, 32);
		assert_refused(es256_verify_pub(pub, digest, sig, &e), &e, WHY_FORGED);
	}
	memset(sig, 0, sizeof sig);
	assert_refused(es256_verify_pub(pub, digest, sig, &e), &e, WHY_FORGED);
}

static void a_point_off_the_curve_is_no_key(void **s)
{
	uint8_t pub[ES256_PUB], sig[ES256_SIG], digest[SHA_LEN] = {0};
	struct err e;

	(void)s;
	vector(pub, sig);
	for (size_t bit = 0; bit < ES256_PUB * 8; bit++) {
		pub[bit / 8] = (uint8_t)(pub[bit / 8] ^ 1u << bit % 8);
		assert_null(es256_from_pub(pub, &e));
		assert_refused(es256_verify_pub(pub, digest, sig, &e), &e, WHY_FORGED);
		pub[bit / 8] = (uint8_t)(pub[bit / 8] ^ 1u << bit % 8);
	}
	memset(pub, 0, sizeof pub);
	assert_null(es256_from_pub(pub, &e));
	memset(pub, 0xff, sizeof pub); /* past the field's prime */
	assert_null(es256_from_pub(pub, &e));
}

/* Many, so that r and s with leading zeros and leading one bits both occur. */
static void what_a_key_signs_its_public_half_verifies(void **s)
{
	struct err e;
	AUTO(es256_free) struct es256 *k = es256_generate(&e), *public = NULL, *other = es256_generate(&e);
	uint8_t sig[ES256_SIG];

	(void)s;
	assert_non_null(k);
	public = es256_from_pub(k->pub, &e);
	assert_string_equal(public->kid, k->kid);
	assert_string_not_equal(other->kid, k->kid);
	for (uint32_t i = 0; i < 600; i++) {
		assert_accepted(es256_sign(k, VIEW(&i, sizeof i), sig, &e), &e);
		assert_accepted(es256_verify(public, VIEW(&i, sizeof i), sig, &e), &e);
	}
	assert_refused(es256_verify(other, VIEW("", 0), sig, &e), &e, WHY_FORGED);
	assert_refused(es256_sign(public, VIEW("", 0), sig, &e), &e, WHY_SYSTEM);
}

/* Computed apart, with other software. */
static void a_key_is_named_by_its_thumbprint(void **s)
{
	uint8_t pub[ES256_PUB], sig[ES256_SIG];
	struct err e;

	(void)s;
	vector(pub, sig);
	AUTO(es256_free) struct es256 *k = es256_from_pub(pub, &e);
	assert_string_equal(k->kid, "DOvxvJiAdIqVWIkFt5hDtCunXLF0BV4-JGv4f-ALSm0");
}

static void keys_read_back_from_pem(void **s)
{
	struct err e;
	AUTO(es256_free) struct es256 *k = es256_generate(&e);
	static const char *const passes[] = {"", "a passphrase"};

	(void)s;
	for (size_t i = 0; i < COUNT(passes); i++) {
		struct view pass = VIEW(passes[i], strlen(passes[i]));
		uint8_t sig[ES256_SIG];
		char *pem;
		size_t n;
		assert_accepted(es256_private_pem(k, pass, &pem, &n, &e), &e);
		AUTO(es256_free) struct es256 *again = es256_from_pem(VIEW(pem, n), pass, &e);
		assert_non_null(again);
		assert_string_equal(again->kid, k->kid);
		assert_accepted(es256_sign(again, VIEW("x", 1), sig, &e), &e);
		assert_accepted(es256_verify(k, VIEW("x", 1), sig, &e), &e);
		assert_int_equal(strncmp(pem, "-----BEGIN ENCRYPTED", 20) == 0, pass.n > 0);
		free(pem);
	}
}

static void a_public_pem_holds_no_private_half(void **s)
{
	struct err e;
	AUTO(es256_free) struct es256 *k = es256_generate(&e);
	uint8_t sig[ES256_SIG];
	char *pem;
	size_t n;

	(void)s;
	assert_accepted(es256_public_pem(k, &pem, &n, &e), &e);
	AUTO(es256_free) struct es256 *public = es256_from_pem(VIEW(pem, n), VIEW(NULL, 0), &e);
	free(pem);
	assert_non_null(public);
	assert_string_equal(public->kid, k->kid);
	assert_refused(es256_sign(public, VIEW("x", 1), sig, &e), &e, WHY_SYSTEM);
}

static void a_key_without_its_passphrase_stays_closed(void **s)
{
	struct err e;
	AUTO(es256_free) struct es256 *k = es256_generate(&e);
	char *pem;
	size_t n;

	(void)s;
	assert_accepted(es256_private_pem(k, VIEW("right", 5), &pem, &n, &e), &e);
	assert_null(es256_from_pem(VIEW(pem, n), VIEW("wrong", 5), &e));
	assert_null(es256_from_pem(VIEW(pem, n), VIEW(NULL, 0), &e));
	assert_int_equal(e.why, WHY_MALFORMED);
	free(pem);
}

static void pem_that_is_no_p256_key_is_refused(void **s)
{
	static const char *const bad[] = {"", "-----BEGIN PUBLIC KEY-----\n",
	        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
	        /* P-384 */
	        "-----BEGIN PUBLIC "
	        "KEY-----\nMHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEdsh5yJ52Nh/"
	        "dMi9Ejojzv9Chd+zkRMyw\nz0gQyWDIldjV3zsjdRL2ljhzj+1nVsXTQ8n1iXxVTQLLe0KBOyfe/"
	        "NHFpYbfPGYj\nnWB5BZnNJqW6+nARgtpiJVWLa7OmZMtS\n-----END PUBLIC KEY-----\n",
	        /* secp256k1 */
	        "-----BEGIN PUBLIC "
	        "KEY-----\nMFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEaiyoIZW1FgMrLmFamrS9dMlaK1g/"
	        "AzKk\n6+cucq+JSmmOvkR+tPCDBVWPMv/9RhfIc85qs1mEe+EgLY1nKpfd9A==\n-----END PUBLIC KEY-----\n"};
	struct err e;

	(void)s;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_null(es256_from_pem(VIEW(bad[i], strlen(bad[i])), VIEW(NULL, 0), &e));
		assert_int_equal(e.why, WHY_MALFORMED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_vector_of_rfc_6979_holds),
	        cmocka_unit_test(a_signature_that_is_always_the_same_is_that_of_rfc_6979),
	        cmocka_unit_test(digests_at_the_edges_are_signed_so_that_they_verify),
	        cmocka_unit_test(a_public_key_alone_signs_nothing_twice),
	        cmocka_unit_test(a_signature_with_any_bit_flipped_is_forged),
	        cmocka_unit_test(a_number_of_zero_or_of_the_order_is_refused),
	        cmocka_unit_test(a_point_off_the_curve_is_no_key),
	        cmocka_unit_test(what_a_key_signs_its_public_half_verifies),
	        cmocka_unit_test(a_key_is_named_by_its_thumbprint),
	        cmocka_unit_test(keys_read_back_from_pem),
	        cmocka_unit_test(a_public_pem_holds_no_private_half),
	        cmocka_unit_test(a_key_without_its_passphrase_stays_closed),
	        cmocka_unit_test(pem_that_is_no_p256_key_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
