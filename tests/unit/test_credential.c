#include <openssl/evp.h>

#include "tests/unit/tpmmaker.h"

static struct tpm_key ek, ak;
static struct ek_pub ek_pub;
static struct err e;
static const uint8_t nonce[NONCE_LEN] = "a nonce that nobody else may see";

static int make(void **s)
{
	(void)s;
	tpmmaker_key(&ek, TPMMAKER_EK);
	tpmmaker_key(&ak, TPMMAKER_AK);
	return ekpub_parse(tpmmaker_view(&ek), &ek_pub, &e);
}

static int drop(void **s)
{
	(void)s;
	tpmmaker_drop(&ek);
	tpmmaker_drop(&ak);
	return 0;
}

static void shared_secret(const struct es256 *own, const uint8_t peer[ES256_PUB], uint8_t z[32])
{
	AUTO(es256_free) struct es256 *other = es256_from_pub(peer, &e);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own->pkey, NULL);
	size_t n = 32;

	assert_non_null(other);
	assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
	assert_int_equal(EVP_PKEY_derive_set_peer(ctx, other->pkey), 1);
	assert_int_equal(EVP_PKEY_derive(ctx, z, &n), 1);
	EVP_PKEY_CTX_free(ctx);
}

static void cfb_decrypt(const uint8_t key[16], uint8_t *p, size_t n)
{
	static const uint8_t zero[16];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int put;

	assert_int_equal(EVP_DecryptInit_ex(ctx, EVP_aes_128_cfb128(), NULL, key, zero), 1);
	assert_int_equal(EVP_DecryptUpdate(ctx, p, &put, p, (int)n), 1);
	EVP_CIPHER_CTX_free(ctx);
}

/* TPM2_ActivateCredential, written from the specification (Part 1 24) and not from credential.c: the KDFs are spelt out.
 * false where a TPM says TPM_RC_INTEGRITY. */
static bool activate(
        const struct credential *c, const struct es256 *own, const uint8_t name[TPM_NAME_LEN], uint8_t out[32])
{
	struct rd s = rd_of(VIEW(c->secret, c->nsecret)), b = rd_of(VIEW(c->blob, c->nblob));
	uint8_t eph[ES256_PUB], z[32], seed[32], key[32], mac[32], enc[34];

	assert_int_equal(rd_be16(&s), c->nsecret - 2);
	struct view x = rd_view16(&s), y = rd_view16(&s);
	assert_true(rd_end(&s));
	assert_int_equal(x.n + y.n, sizeof eph);
	memcpy(eph, x.p, 32);
	memcpy(eph + 32, y.p, 32);
	shared_secret(own, eph, z);
	struct view kdfe[] = {
	        VIEW("\0\0\0\1", 4), VIEW_OF(z), VIEW("IDENTITY\0", 9), VIEW(eph, 32), VIEW(own->pub, 32)};
	sha256_n(seed, kdfe, COUNT(kdfe));
	assert_int_equal(rd_be16(&b), c->nblob - 2);
	struct view got = rd_view16(&b);
	assert_int_equal(rd_left(&b), sizeof enc);
	rd_copy(&b, enc, sizeof enc);
	struct view integrity[] = {VIEW("\0\0\0\1", 4), VIEW("INTEGRITY\0", 10), VIEW("\0\0\1\0", 4)};
	hmac256(key, VIEW_OF(seed), integrity, COUNT(integrity));
	struct view covered[] = {VIEW_OF(enc), VIEW(name, TPM_NAME_LEN)};
	hmac256(mac, VIEW_OF(key), covered, COUNT(covered));
	if (!view_equal(got, VIEW_OF(mac)))
		return false;
	struct view storage[] = {
	        VIEW("\0\0\0\1", 4), VIEW("STORAGE\0", 8), VIEW(name, TPM_NAME_LEN), VIEW("\0\0\0\x80", 4)};
	hmac256(key, VIEW_OF(seed), storage, COUNT(storage));
	cfb_decrypt(key, enc, sizeof enc);
	assert_memory_equal(enc, "\x00\x20", 2);
	memcpy(out, enc + 2, 32);
	return true;
}

static void the_right_tpm_reads_the_nonce(void **s)
{
	struct credential c;
	uint8_t out[32];

	(void)s;
	assert_accepted(credential_make(&ek_pub, ak.pub.name, nonce, &c, &e), &e);
	assert_int_equal(c.nblob, 70);
	assert_int_equal(c.nsecret, 70);
	assert_true(activate(&c, ek.key, ak.pub.name, out));
	assert_memory_equal(out, nonce, sizeof nonce);
}

static void attack_A05b_another_attestation_key_does_not_read_it(void **s)
{
	struct tpm_key other = {0};
	struct credential c;
	uint8_t out[32];

	(void)s;
	tpmmaker_key(&other, TPMMAKER_AK);
	assert_accepted(credential_make(&ek_pub, ak.pub.name, nonce, &c, &e), &e);
	assert_false(activate(&c, ek.key, other.pub.name, out));
	tpmmaker_drop(&other);
}

static void another_tpm_does_not_read_it(void **s)
{
	struct tpm_key other = {0};
	struct credential c;
	uint8_t out[32];

	(void)s;
	tpmmaker_key(&other, TPMMAKER_EK);
	assert_accepted(credential_make(&ek_pub, ak.pub.name, nonce, &c, &e), &e);
	assert_false(activate(&c, other.key, ak.pub.name, out));
	tpmmaker_drop(&other);
}

static void two_credentials_for_one_nonce_differ(void **s)
{
	struct credential a, b;

	(void)s;
	assert_accepted(credential_make(&ek_pub, ak.pub.name, nonce, &a, &e), &e);
	assert_accepted(credential_make(&ek_pub, ak.pub.name, nonce, &b, &e), &e);
	assert_memory_not_equal(a.secret, b.secret, a.nsecret);
	assert_memory_not_equal(a.blob, b.blob, a.nblob);
}

static void a_point_off_the_curve_is_refused(void **s)
{
	struct ek_pub bad = ek_pub;
	struct credential c;

	(void)s;
	bad.key[63] ^= 1;
	e = (struct err){0};
	assert_int_equal(credential_make(&bad, ak.pub.name, nonce, &c, &e), -1);
	assert_true(e.why != WHY_NONE);
}

static void a_short_key_is_the_front_of_a_long_one(void **s)
{
	uint8_t whole[32], half[16];
	struct view none = {0};

	(void)s;
	tpm_kdfe(whole, 256, VIEW_OF(nonce), "DUPLICATE", none, none);
	tpm_kdfe(half, 128, VIEW_OF(nonce), "DUPLICATE", none, none);
	assert_memory_equal(whole, half, sizeof half);
	tpm_kdfa(whole, 256, VIEW_OF(nonce), "STORAGE", none, none);
	tpm_kdfa(half, 128, VIEW_OF(nonce), "STORAGE", none, none);
	assert_memory_not_equal(whole, half, sizeof half); /* KDFa counts the size in */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_right_tpm_reads_the_nonce),
	        cmocka_unit_test(attack_A05b_another_attestation_key_does_not_read_it),
	        cmocka_unit_test(another_tpm_does_not_read_it),
	        cmocka_unit_test(two_credentials_for_one_nonce_differ),
	        cmocka_unit_test(a_point_off_the_curve_is_refused),
	        cmocka_unit_test(a_short_key_is_the_front_of_a_long_one),
	};
	return cmocka_run_group_tests(tests, make, drop);
}
