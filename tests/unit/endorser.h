/* endorser: endorsement keys of every template, as software keys and the public areas a TPM would show of them. */
#ifndef UNIT_ENDORSER_H
#define UNIT_ENDORSER_H

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "attest/ekpolicy.h"
#include "attest/tpmpub.h"
#include "tests/unit/unit.h"

struct endorser_shape { /* what a public area says in front of its key */
	const char *name;
	uint16_t alg, name_alg;
	uint32_t attributes;
	struct view policy;
	uint16_t sym, aes_bits, mode, scheme, size, kdf;
	uint32_t exponent;
};

enum { ENDORSER_LOW = 0x000300b2, ENDORSER_HIGH = 0x000300f2, ENDORSER_COUNT = 6 };

/* L-1, L-2, H-1, H-2, H-3, H-6 */
static inline struct endorser_shape endorser_shape(size_t i)
{
	static const struct {
		const char *name;
		bool rsa, high, sha384;
		uint16_t size;
	} rows[ENDORSER_COUNT] = {{"L-1", true, false, false, 2048}, {"L-2", false, false, false, CURVE_P256},
	        {"H-1", true, true, false, 2048}, {"H-2", false, true, false, CURVE_P256},
	        {"H-3", false, true, true, CURVE_P384}, {"H-6", true, true, true, 3072}};
	const struct ekpolicy *p = rows[i].sha384 ? &ekpolicy_sha384 : &ekpolicy_sha256;

	return (struct endorser_shape){.name = rows[i].name,
	        .alg = rows[i].rsa ? ALG_RSA : ALG_ECC,
	        .name_alg = rows[i].sha384 ? ALG_SHA384 : ALG_SHA256,
	        .attributes = rows[i].high ? ENDORSER_HIGH : ENDORSER_LOW,
	        .policy = rows[i].high ? p->b : p->a,
	        .sym = ALG_AES,
	        .aes_bits = rows[i].sha384 ? 256 : 128,
	        .mode = ALG_CFB,
	        .scheme = ALG_NULL,
	        .size = rows[i].size,
	        .kdf = ALG_NULL};
}

static inline EVP_PKEY *endorser_key(const struct endorser_shape *s)
{
	EVP_PKEY *k = s->alg == ALG_RSA ? EVP_RSA_gen(s->size) : EVP_EC_gen(s->size == CURVE_P384 ? "P-384" : "P-256");

	assert_non_null(k);
	return k;
}

/* The modulus, or x || y. */
static inline size_t endorser_bytes(EVP_PKEY *k, uint8_t out[EK_KEY_MAX])
{
	uint8_t point[1 + EK_KEY_MAX];
	BIGNUM *n = NULL;
	size_t len = 0;

	if (EVP_PKEY_get_base_id(k) == EVP_PKEY_RSA) {
		assert_int_equal(EVP_PKEY_get_bn_param(k, "n", &n), 1);
		len = (size_t)BN_bn2bin(n, out);
		BN_free(n);
		return len;
	}
	assert_int_equal(EVP_PKEY_get_octet_string_param(k, "pub", point, sizeof point, &len), 1);
	memcpy(out, point + 1, len - 1);
	return len - 1;
}

static inline struct view endorser_area(
        uint8_t buf[TPM_PUBLIC_MAX], const struct endorser_shape *s, const uint8_t *key, size_t n)
{
	struct wr w = wr_to(buf, TPM_PUBLIC_MAX);

	wr_be16(&w, s->alg);
	wr_be16(&w, s->name_alg);
	wr_be32(&w, s->attributes);
	wr_view16(&w, s->policy);
	wr_be16(&w, s->sym);
	if (s->sym != ALG_NULL) {
		wr_be16(&w, s->aes_bits);
		wr_be16(&w, s->mode);
	}
	wr_be16(&w, s->scheme);
	wr_be16(&w, s->size);
	if (s->alg == ALG_RSA) {
		wr_be32(&w, s->exponent);
		wr_view16(&w, VIEW(key, n));
	} else {
		wr_be16(&w, s->kdf);
		wr_view16(&w, VIEW(key, n / 2));
		wr_view16(&w, VIEW(key + n / 2, n / 2));
	}
	assert_true(wr_ok(&w));
	return wr_done(&w);
}

struct endorser { /* a key and its public area, parsed */
	EVP_PKEY *key;
	uint8_t area[TPM_PUBLIC_MAX];
	struct ek_pub pub;
};

static inline void endorser_make(struct endorser *d, size_t i)
{
	const struct endorser_shape s = endorser_shape(i);
	uint8_t bytes[EK_KEY_MAX];
	struct err e = {0};

	d->key = endorser_key(&s);
	size_t n = endorser_bytes(d->key, bytes);
	assert_accepted(ekpub_parse(endorser_area(d->area, &s, bytes, n), &d->pub, &e), &e);
}

static inline void endorser_drop(struct endorser *d)
{
	EVP_PKEY_free(d->key);
	d->key = NULL;
}

#endif
