/* The secret that a credential begins with: TPM 2.0 Part 1 B.10.4 (RSA) and C.6.4 (ECC). */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>

#include "attest/ekpub.h"
#include "attest/tpmpub.h"

static const char LABEL[] = "IDENTITY"; /* with its NUL */

static const EVP_MD *hash_of(const struct ek_pub *ek)
{
	return ek->name_alg == ALG_SHA384 ? EVP_sha384() : EVP_sha256();
}

static EVP_PKEY *key_from(const char *type, OSSL_PARAM *params)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (ctx && params && EVP_PKEY_fromdata_init(ctx) == 1)
		(void)EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* ---- RSA ---- */

static EVP_PKEY *rsa_key(const struct ek_pub *ek)
{
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_bin2bn(ek->key, (int)ek->nkey, NULL);
	OSSL_PARAM *params = NULL;

	if (b && n && OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	        OSSL_PARAM_BLD_push_uint(b, OSSL_PKEY_PARAM_RSA_E, 65537) == 1)
		params = OSSL_PARAM_BLD_to_param(b);
	EVP_PKEY *key = key_from("RSA", params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(b);
	BN_free(n);
	return key;
}

/* OAEP by the EK's own hash, its label with the NUL. */
static bool set_oaep(EVP_PKEY_CTX *ctx, const EVP_MD *md)
{
	if (!ctx || EVP_PKEY_encrypt_init(ctx) != 1 || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) != 1 ||
	        EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) != 1 || EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) != 1)
		return false;
	void *label = OPENSSL_memdup(LABEL, sizeof LABEL);
	if (label && EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, label, sizeof LABEL) == 1)
		return true;
	OPENSSL_free(label);
	return false;
}

static int rsa_seed(const struct ek_pub *ek, uint8_t *seed, size_t n, struct wr *secret, struct err *e)
{
	uint8_t hidden[EK_KEY_MAX];
	size_t nhidden = sizeof hidden;
	EVP_PKEY *key = rsa_key(ek);
	EVP_PKEY_CTX *ctx = key ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;

	bool good = set_oaep(ctx, hash_of(ek)) && RAND_bytes(seed, (int)n) == 1 &&
	            EVP_PKEY_encrypt(ctx, hidden, &nhidden, seed, n) == 1;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	if (!good)
		return err_set(e, WHY_SYSTEM, "RSA-OAEP with an endorsement key failed");
	wr_view16(secret, VIEW(hidden, nhidden));
	return 0;
}

/* ---- ECC ---- */

enum { HALF_MAX = 48 };

static EVP_PKEY *p384_key(const uint8_t xy[2 * HALF_MAX])
{
	uint8_t point[1 + 2 * HALF_MAX] = {4};
	char group[] = "P-384";

	memcpy(point + 1, xy, 2 * HALF_MAX);
	OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
	        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point), OSSL_PARAM_END};
	return key_from("EC", params);
}

static bool p384_point(EVP_PKEY *key, uint8_t xy[2 * HALF_MAX])
{
	uint8_t point[1 + 2 * HALF_MAX];
	size_t n = 0;

	if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &n) != 1 ||
	        n != sizeof point || point[0] != 4)
		return false;
	memcpy(xy, point + 1, 2 * HALF_MAX);
	return true;
}

static int p384_ecdh(const uint8_t pub[2 * HALF_MAX], uint8_t z[HALF_MAX], uint8_t eph[2 * HALF_MAX], struct err *e)
{
	size_t n = HALF_MAX;
	EVP_PKEY *peer = p384_key(pub), *own = EVP_EC_gen("P-384");
	EVP_PKEY_CTX *ctx = own ? EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL) : NULL;

	bool good = peer && ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
	            EVP_PKEY_derive(ctx, z, &n) == 1 && n == HALF_MAX && p384_point(own, eph);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(peer);
	EVP_PKEY_free(own);
	return good ? 0 : err_set(e, WHY_UNTRUSTED, "the endorsement key is no point of P-384");
}

/* KDFe (Part 1 11.4.10.3) with either hash: one block is the whole seed. */
static bool kdfe(const EVP_MD *md, uint8_t *out, struct view z, struct view u, struct view v)
{
	uint8_t in[4 + 3 * HALF_MAX + sizeof LABEL];
	struct wr w = wr_to(in, sizeof in);

	wr_be32(&w, 1);
	wr_view(&w, z);
	wr_bytes(&w, LABEL, sizeof LABEL);
	wr_view(&w, u);
	wr_view(&w, v);
	bool good = wr_ok(&w) && EVP_Digest(in, w.n, out, NULL, md, NULL) == 1;
	mem_wipe(in, sizeof in);
	return good;
}

static int ecc_seed(const struct ek_pub *ek, uint8_t *seed, struct wr *secret, struct err *e)
{
	uint8_t z[HALF_MAX], eph[2 * HALF_MAX];
	size_t half = ek->nkey / 2;

	int bad = ek->type == EK_P384 ? p384_ecdh(ek->key, z, eph, e) : tpm_ecdh(ek->key, z, eph, e);
	if (!bad && !kdfe(hash_of(ek), seed, VIEW(z, half), VIEW(eph, half), VIEW(ek->key, half)))
		bad = err_set(e, WHY_SYSTEM, "no seed could be derived");
	mem_wipe(z, sizeof z);
	if (bad)
		return -1;
	wr_be16(secret, (uint16_t)(2 * (2 + half)));
	wr_view16(secret, VIEW(eph, half));
	wr_view16(secret, VIEW(eph + half, half));
	return 0;
}

int ekseed_make(const struct ek_pub *ek, uint8_t seed[EK_HASH_MAX], struct wr *secret, struct err *e)
{
	if (ek->type == EK_RSA2048 || ek->type == EK_RSA3072)
		return rsa_seed(ek, seed, ek->name_alg == ALG_SHA384 ? 48 : SHA_LEN, secret, e);
	return ecc_seed(ek, seed, secret, e);
}
