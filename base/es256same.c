#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <string.h>

#include "base/es256.h"

enum { SCALAR = 32 };

/* RFC 6979 3.2: a number that only the key and the digest decide; drawn again while it is not in 1..n-1. */
struct draw {
	uint8_t k[SHA_LEN], v[SHA_LEN];
};

static void draw_mix(struct draw *d, uint8_t step, struct view x, struct view h)
{
	struct view parts[] = {VIEW_OF(d->v), VIEW(&step, 1), x, h};
	uint8_t k[SHA_LEN], v[SHA_LEN];

	hmac256(k, VIEW_OF(d->k), parts, COUNT(parts));
	memcpy(d->k, k, SHA_LEN);
	hmac256(v, VIEW_OF(d->k), parts, 1);
	memcpy(d->v, v, SHA_LEN);
	mem_wipe(k, sizeof k);
	mem_wipe(v, sizeof v);
}

static void draw_start(struct draw *d, const uint8_t x[SCALAR], const uint8_t h[SCALAR])
{
	memset(d->k, 0, SHA_LEN);
	memset(d->v, 1, SHA_LEN);
	draw_mix(d, 0, VIEW(x, SCALAR), VIEW(h, SCALAR));
	draw_mix(d, 1, VIEW(x, SCALAR), VIEW(h, SCALAR));
}

static bool draw_next(struct draw *d, BIGNUM *out, const BIGNUM *n)
{
	struct view v = VIEW_OF(d->v);
	uint8_t next[SHA_LEN];

	for (;;) {
		hmac256(next, VIEW_OF(d->k), &v, 1);
		memcpy(d->v, next, SHA_LEN);
		mem_wipe(next, sizeof next);
		if (!BN_bin2bn(d->v, SHA_LEN, out))
			return false;
		if (!BN_is_zero(out) && BN_cmp(out, n) < 0)
			return true;
		draw_mix(d, 0, VIEW(NULL, 0), VIEW(NULL, 0));
	}
}

/* SEC 1 4.1.3. x: the private key, h: the digest as a number; r or s of zero has no digest that anybody knows. */
static bool sign(BN_CTX *c, const EC_GROUP *g, const BIGNUM *x, BIGNUM *h, uint8_t sig[ES256_SIG])
{
	const BIGNUM *n = EC_GROUP_get0_order(g);
	BIGNUM *k = BN_CTX_get(c), *r = BN_CTX_get(c), *s = BN_CTX_get(c);
	EC_POINT *point = EC_POINT_new(g);
	uint8_t px[SCALAR], ph[SCALAR];
	struct draw d;

	bool ok = s && point && BN_nnmod(h, h, n, c) && BN_bn2binpad(x, px, SCALAR) == SCALAR &&
	          BN_bn2binpad(h, ph, SCALAR) == SCALAR;
	if (ok) {
		draw_start(&d, px, ph);
		BN_set_flags(k, BN_FLG_CONSTTIME);
		ok = draw_next(&d, k, n) && EC_POINT_mul(g, point, k, NULL, NULL, c) == 1 &&
		     EC_POINT_get_affine_coordinates(g, point, r, NULL, c) == 1 && BN_nnmod(r, r, n, c) &&
		     BN_mod_mul(s, r, x, n, c) && BN_mod_add(s, s, h, n, c) && BN_mod_inverse(k, k, n, c) &&
		     BN_mod_mul(s, s, k, n, c) && !BN_is_zero(r) && !BN_is_zero(s) &&
		     BN_bn2binpad(r, sig, SCALAR) == SCALAR && BN_bn2binpad(s, sig + SCALAR, SCALAR) == SCALAR;
		BN_clear(k);
		mem_wipe(&d, sizeof d);
	}
	mem_wipe(px, sizeof px);
	EC_POINT_clear_free(point);
	return ok;
}

int es256same_sign(const struct es256 *k, const uint8_t digest[SHA_LEN], uint8_t sig[ES256_SIG], struct err *e)
{
	EC_GROUP *g = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	BN_CTX *c = BN_CTX_secure_new();
	BIGNUM *x = NULL, *h = BN_bin2bn(digest, SHA_LEN, NULL);
	uint8_t made[ES256_SIG];
	bool ok = false;

	if (g && c && h && EVP_PKEY_get_bn_param(k->pkey, OSSL_PKEY_PARAM_PRIV_KEY, &x) == 1) {
		BN_CTX_start(c);
		ok = sign(c, g, x, h, made);
		BN_CTX_end(c);
	}
	BN_clear_free(x);
	BN_free(h);
	BN_CTX_free(c);
	EC_GROUP_free(g);
	if (!ok)
		return err_set(e, WHY_SYSTEM, "cannot sign with key %s", k->kid);
	memcpy(sig, made, ES256_SIG);
	return 0;
}
