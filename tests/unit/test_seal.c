/* Tests of seal: a software storage key opens what was sealed to it, as TPM2_Import would, and nothing else does. */
#include "tests/unit/unit.h"

#include <openssl/evp.h>
#include <string.h>

#include "keystore/keystore.h"
#include "tests/unit/publicmaker.h"

struct opened { /* what a TPM finds inside */
	uint8_t obfuscation[SHA_LEN], data[SECRET_LEN];
};

struct bench {
	struct es256 *srk;
	uint8_t area[MADE_PUBLIC_MAX];
	struct tpm_pub pub;
	struct secret *key;
	uint8_t policy[SHA_LEN];
};

static int setup(void **s)
{
	static struct bench b;
	struct err e = {0};
	b.srk = es256_generate(&e);
	b.key = secret_new();
	if (!b.srk || !b.key || tpmpub_parse(public_srk(b.area, b.srk), &b.pub, &e) != 0)
		return -1;
	memset(b.key->b, 0x77, SECRET_LEN);
	memset(b.policy, 0x42, SHA_LEN);
	*s = &b;
	return 0;
}

static int teardown(void **s)
{
	struct bench *b = *s;
	es256_free(b->srk);
	secret_free(b->key);
	return 0;
}

/* Z.x of the storage key's private half and the sender's point. */
static void agree(const struct es256 *srk, const uint8_t eph[ES256_PUB], uint8_t z[32])
{
	struct err e = {0};
	size_t n = 32;
	AUTO(es256_free) struct es256 *peer = es256_from_pub(eph, &e);
	assert_non_null(peer);
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(srk->pkey, NULL);
	assert_int_equal(EVP_PKEY_derive_init(c), 1);
	assert_int_equal(EVP_PKEY_derive_set_peer(c, peer->pkey), 1);
	assert_int_equal(EVP_PKEY_derive(c, z, &n), 1);
	EVP_PKEY_CTX_free(c);
}

static void uncipher(const uint8_t key[16], struct view in, uint8_t *out)
{
	static const uint8_t iv[16];
	int n = 0;
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	assert_int_equal(EVP_DecryptInit_ex(c, EVP_aes_128_cfb128(), NULL, key, iv), 1);
	assert_int_equal(EVP_DecryptUpdate(c, out, &n, in.p, (int)in.n), 1);
	EVP_CIPHER_CTX_free(c);
}

static void seed_of(const struct es256 *srk, const struct sealed *o, uint8_t seed[SHA_LEN])
{
	struct rd r = rd_of(VIEW(o->seed, o->nseed));
	struct view x = rd_view16(&r), y = rd_view16(&r);
	uint8_t eph[ES256_PUB], z[32];
	assert_true(rd_end(&r) && x.n == 32 && y.n == 32);
	memcpy(eph, x.p, 32);
	memcpy(eph + 32, y.p, 32);
	agree(srk, eph, z);
	tpm_kdfe(seed, 256, VIEW_OF(z), "DUPLICATE", x, VIEW(srk->pub, 32));
}

/* True when the integrity value holds; then out is what lay inside. */
static bool open_as_tpm(const struct es256 *srk, const struct sealed *o, struct opened *out)
{
	struct rd r = rd_of(VIEW(o->duplicate, o->nduplicate));
	struct view mac = rd_view16(&r), enc = rd_view(&r, rd_left(&r)), none = VIEW("", 0);
	uint8_t seed[SHA_LEN], name[TPM_NAME_LEN] = {0, 0x0b}, key[SHA_LEN], expected[SHA_LEN], plain[128];

	seed_of(srk, o, seed);
	sha256(name + 2, VIEW(o->public, o->npublic));
	tpm_kdfa(key, 256, VIEW_OF(seed), "INTEGRITY", none, none);
	hmac256(expected, VIEW_OF(key), (struct view[]){enc, VIEW_OF(name)}, 2);
	if (!view_equal(mac, VIEW_OF(expected)))
		return false;
	tpm_kdfa(key, 128, VIEW_OF(seed), "STORAGE", VIEW_OF(name), none);
	assert_true(enc.n <= sizeof plain);
	uncipher(key, enc, plain);
	struct rd p = rd_of(VIEW(plain, enc.n));
	assert_int_equal(rd_be16(&p), enc.n - 2);
	assert_int_equal(rd_be16(&p), 0x0008);
	assert_int_equal(rd_be16(&p), 0);
	assert_int_equal(rd_be16(&p), SHA_LEN);
	rd_copy(&p, out->obfuscation, SHA_LEN);
	assert_int_equal(rd_be16(&p), SECRET_LEN);
	rd_copy(&p, out->data, SECRET_LEN);
	assert_true(rd_end(&p));
	return true;
}

static void the_storage_keys_owner_finds_the_key(void **s)
{
	struct bench *b = *s;
	struct sealed o;
	struct opened in;
	struct err e = {0};
	assert_accepted(seal_to(&b->pub, b->policy, b->key, &o, &e), &e);
	assert_true(open_as_tpm(b->srk, &o, &in));
	assert_memory_equal(in.data, b->key->b, SECRET_LEN);
}

/* TPMT_PUBLIC: 0008 000B 00000480 policy 0010 H(obfuscation || key) */
static void the_object_has_a_policy_and_no_password(void **s)
{
	struct bench *b = *s;
	struct sealed o;
	struct opened in;
	struct err e = {0};
	uint8_t expected[96], unique[SHA_LEN];
	struct wr w = wr_to(expected, sizeof expected);
	assert_accepted(seal_to(&b->pub, b->policy, b->key, &o, &e), &e);
	assert_true(open_as_tpm(b->srk, &o, &in));
	sha256_2(unique, VIEW_OF(in.obfuscation), VIEW_OF(in.data));
	wr_be32(&w, 0x0008000b);
	wr_be32(&w, 0x00000480);
	wr_view16(&w, VIEW_OF(b->policy));
	wr_be16(&w, 0x0010);
	wr_view16(&w, VIEW_OF(unique));
	assert_int_equal(o.npublic, wr_done(&w).n);
	assert_memory_equal(o.public, expected, o.npublic);
}

static void attack_A103_a_key_without_a_policy_is_not_sealed(void **s)
{
	struct bench *b = *s;
	struct sealed o;
	struct err e = {0};
	uint8_t none[SHA_LEN] = {0};
	assert_refused(seal_to(&b->pub, none, b->key, &o, &e), &e, WHY_REFUSED);
}

static void attack_A103_a_password_bit_added_on_the_way_breaks_the_blob(void **s)
{
	struct bench *b = *s;
	struct sealed o;
	struct opened in;
	struct err e = {0};
	assert_accepted(seal_to(&b->pub, b->policy, b->key, &o, &e), &e);
	o.public[7] |= 0x40;
	assert_false(open_as_tpm(b->srk, &o, &in));
}

static void attack_A104_another_machine_can_not_open_it(void **s)
{
	struct bench *b = *s;
	struct sealed o;
	struct opened in;
	struct err e = {0};
	AUTO(es256_free) struct es256 *other = es256_generate(&e);
	assert_accepted(seal_to(&b->pub, b->policy, b->key, &o, &e), &e);
	assert_false(open_as_tpm(other, &o, &in));
}

static void attack_A105_two_seals_of_one_key_share_nothing(void **s)
{
	struct bench *b = *s;
	struct sealed x, y;
	struct opened in_x, in_y;
	struct err e = {0};
	assert_accepted(seal_to(&b->pub, b->policy, b->key, &x, &e), &e);
	assert_accepted(seal_to(&b->pub, b->policy, b->key, &y, &e), &e);
	assert_memory_not_equal(x.seed, y.seed, x.nseed);
	assert_memory_not_equal(x.duplicate, y.duplicate, 34);
	assert_memory_not_equal(x.duplicate + 34, y.duplicate + 34, 74);
	assert_true(open_as_tpm(b->srk, &x, &in_x) && open_as_tpm(b->srk, &y, &in_y));
	assert_memory_not_equal(in_x.obfuscation, in_y.obfuscation, SHA_LEN);
}

static void a_key_that_is_no_storage_key_is_refused(void **s)
{
	static const uint32_t wrong[] = {MADE_AK, MADE_ID, MADE_SRK & ~2u, MADE_SRK & ~0x20u, MADE_SRK & ~0x10000u};
	struct bench *b = *s;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		uint8_t area[MADE_PUBLIC_MAX];
		struct tpm_pub pub;
		struct sealed o;
		struct err e = {0};
		bool storage = (wrong[i] & 0x20000) != 0;
		struct view v = public_make(area, wrong[i], VIEW("", 0), storage, b->srk->pub);
		assert_accepted(tpmpub_parse(v, &pub, &e), &e);
		assert_refused(seal_to(&pub, b->policy, b->key, &o, &e), &e, WHY_UNTRUSTED);
	}
}

static void a_refusal_leaves_the_output_alone(void **s)
{
	struct bench *b = *s;
	struct sealed o, before;
	struct err e = {0};
	uint8_t none[SHA_LEN] = {0};
	memset(&o, 0x5a, sizeof o);
	memset(&before, 0x5a, sizeof before);
	assert_int_equal(seal_to(&b->pub, none, b->key, &o, &e), -1);
	assert_memory_equal(&o, &before, sizeof o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_storage_keys_owner_finds_the_key),
	        cmocka_unit_test(the_object_has_a_policy_and_no_password),
	        cmocka_unit_test(attack_A103_a_key_without_a_policy_is_not_sealed),
	        cmocka_unit_test(attack_A103_a_password_bit_added_on_the_way_breaks_the_blob),
	        cmocka_unit_test(attack_A104_another_machine_can_not_open_it),
	        cmocka_unit_test(attack_A105_two_seals_of_one_key_share_nothing),
	        cmocka_unit_test(a_key_that_is_no_storage_key_is_refused),
	        cmocka_unit_test(a_refusal_leaves_the_output_alone),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
