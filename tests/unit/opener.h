/* opener: what a TPM does with a credential and with a sealed key, by the software keys of tpmmaker. */
#ifndef UNIT_OPENER_H
#define UNIT_OPENER_H

#include <openssl/evp.h>

#include "keystore/keystore.h"
#include "tests/unit/tpmmaker.h"

/* The seed that own and the sender's point (two TPM2B of 32 bytes) agree on: Part 1 C.6.1. */
static inline void opener_seed(const struct es256 *own, struct view point, const char *label, uint8_t seed[SHA_LEN])
{
	struct rd r = rd_of(point);
	struct view x = rd_view16(&r), y = rd_view16(&r);
	uint8_t eph[ES256_PUB], z[32];
	size_t n = sizeof z;
	struct err e = {0};

	assert_true(rd_end(&r) && x.n == 32 && y.n == 32);
	memcpy(eph, x.p, 32);
	memcpy(eph + 32, y.p, 32);
	AUTO(es256_free) struct es256 *peer = es256_from_pub(eph, &e);
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(own->pkey, NULL);
	assert_non_null(peer);
	assert_int_equal(EVP_PKEY_derive_init(c), 1);
	assert_int_equal(EVP_PKEY_derive_set_peer(c, peer->pkey), 1);
	assert_int_equal(EVP_PKEY_derive(c, z, &n), 1);
	EVP_PKEY_CTX_free(c);
	tpm_kdfe(seed, 256, VIEW_OF(z), label, x, VIEW(own->pub, 32));
}

/* Part 1 24.4 and 23.3.2.4: encrypted bytes whose HMAC also covers a name. plain gets enc.n bytes; false: the HMAC does
 * not hold. */
static inline bool opener_uncover(
        const uint8_t seed[SHA_LEN], struct view mac, struct view enc, const uint8_t name[TPM_NAME_LEN], uint8_t *plain)
{
	static const uint8_t iv[16];
	struct view none = {0}, covered[] = {enc, VIEW(name, TPM_NAME_LEN)};
	uint8_t key[SHA_LEN], expected[SHA_LEN];
	int n = 0;

	tpm_kdfa(key, 256, VIEW(seed, SHA_LEN), "INTEGRITY", none, none);
	hmac256(expected, VIEW_OF(key), covered, COUNT(covered));
	if (!view_equal(mac, VIEW_OF(expected)))
		return false;
	tpm_kdfa(key, 128, VIEW(seed, SHA_LEN), "STORAGE", VIEW(name, TPM_NAME_LEN), none);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	assert_int_equal(EVP_DecryptInit_ex(c, EVP_aes_128_cfb128(), NULL, key, iv), 1);
	assert_int_equal(EVP_DecryptUpdate(c, plain, &n, enc.p, (int)enc.n), 1);
	EVP_CIPHER_CTX_free(c);
	return true;
}

/* TPM2_ActivateCredential. */
static inline bool opener_credential(const struct credential *c, const struct es256 *ek,
        const uint8_t ak_name[TPM_NAME_LEN], uint8_t nonce[NONCE_LEN])
{
	struct rd secret = rd_of(VIEW(c->secret, c->nsecret)), blob = rd_of(VIEW(c->blob, c->nblob));
	struct rd r = rd_of(rd_view16(&blob));
	struct view mac = rd_view16(&r), enc = rd_view(&r, rd_left(&r));
	uint8_t seed[SHA_LEN], plain[2 + NONCE_LEN];

	assert_int_equal(enc.n, sizeof plain);
	opener_seed(ek, rd_view16(&secret), "IDENTITY", seed);
	if (!opener_uncover(seed, mac, enc, ak_name, plain))
		return false;
	memcpy(nonce, plain + 2, NONCE_LEN);
	return true;
}

/* TPM2_Import and a look inside, which a TPM would not allow: TPMT_SENSITIVE behind its size. */
static inline bool opener_sealed(const struct es256 *srk, const struct sealed *s, uint8_t key[SECRET_LEN])
{
	struct rd r = rd_of(VIEW(s->duplicate, s->nduplicate));
	struct view mac = rd_view16(&r), enc = rd_view(&r, rd_left(&r));
	uint8_t seed[SHA_LEN], name[TPM_NAME_LEN] = {0, 0x0b}, plain[160];

	assert_true(enc.n <= sizeof plain);
	opener_seed(srk, VIEW(s->seed, s->nseed), "DUPLICATE", seed);
	sha256(name + 2, VIEW(s->public, s->npublic));
	if (!opener_uncover(seed, mac, enc, name, plain))
		return false;
	struct rd p = rd_of(VIEW(plain, enc.n));
	(void)rd_be32(&p);   /* size, type */
	(void)rd_view16(&p); /* no password */
	(void)rd_view16(&p); /* obfuscation */
	struct view data = rd_view16(&p);
	assert_true(rd_end(&p) && data.n == SECRET_LEN);
	memcpy(key, data.p, SECRET_LEN);
	return true;
}

#endif
