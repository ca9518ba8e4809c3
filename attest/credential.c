/* TPM2_MakeCredential without a TPM, for either name hash: TPM 2.0 Part 1 24. */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "attest/ekpub.h"
#include "attest/tpmpub.h"

enum { ENC_LEN = 2 + NONCE_LEN, LABEL_MAX = 10 };

struct suite { /* what an EK's name hash brings with it */
	const EVP_MD *md;
	const EVP_CIPHER *cipher;
	size_t hash, key;
};

static struct suite suite_of(const struct ek_pub *ek)
{
	if (ek->name_alg == ALG_SHA384)
		return (struct suite){EVP_sha384(), EVP_aes_256_cfb128(), 48, 32};
	return (struct suite){EVP_sha256(), EVP_aes_128_cfb128(), SHA_LEN, 16};
}

/* KDFa (Part 1 11.4.10.2), whose every key fits one block here. */
static bool kdfa(
        const struct suite *s, uint8_t *out, size_t n, const uint8_t *seed, const char *label, struct view context)
{
	uint8_t in[4 + LABEL_MAX + TPM_NAME_LEN + 4], block[EK_HASH_MAX];
	struct wr w = wr_to(in, sizeof in);

	wr_be32(&w, 1);
	wr_bytes(&w, label, strlen(label) + 1);
	wr_view(&w, context);
	wr_be32(&w, (uint32_t)n * 8);
	bool good = wr_ok(&w) && HMAC(s->md, seed, (int)s->hash, in, w.n, block, NULL);
	if (good)
		memcpy(out, block, n);
	mem_wipe(block, sizeof block);
	return good;
}

static bool encrypt(const struct suite *s, const uint8_t *key, uint8_t enc[ENC_LEN])
{
	static const uint8_t zero[16];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int put = 0;

	bool good = ctx && EVP_EncryptInit_ex(ctx, s->cipher, NULL, key, zero) == 1 &&
	            EVP_EncryptUpdate(ctx, enc, &put, enc, ENC_LEN) == 1 && put == ENC_LEN;
	EVP_CIPHER_CTX_free(ctx);
	return good;
}

/* HMAC over the encrypted secret and the Name it is for. */
static bool protect(const struct suite *s, const uint8_t *key, const uint8_t enc[ENC_LEN],
        const uint8_t name[TPM_NAME_LEN], uint8_t mac[EK_HASH_MAX])
{
	uint8_t covered[ENC_LEN + TPM_NAME_LEN];

	memcpy(covered, enc, ENC_LEN);
	memcpy(covered + ENC_LEN, name, TPM_NAME_LEN);
	return HMAC(s->md, key, (int)s->hash, covered, sizeof covered, mac, NULL) != NULL;
}

/* TPM2B_ID_OBJECT: Part 1 24.4. */
static int write_blob(struct wr *w, const struct suite *s, const uint8_t *seed, const uint8_t name[TPM_NAME_LEN],
        const uint8_t nonce[NONCE_LEN], struct err *e)
{
	uint8_t key[EK_HASH_MAX], enc[ENC_LEN], mac[EK_HASH_MAX];
	struct wr inner = wr_to(enc, sizeof enc);

	wr_view16(&inner, VIEW(nonce, NONCE_LEN));
	bool good = kdfa(s, key, s->key, seed, "STORAGE", VIEW(name, TPM_NAME_LEN)) && encrypt(s, key, enc) &&
	            kdfa(s, key, s->hash, seed, "INTEGRITY", (struct view){0}) && protect(s, key, enc, name, mac);
	mem_wipe(key, sizeof key);
	if (!good) {
		mem_wipe(enc, sizeof enc);
		return err_set(e, WHY_SYSTEM, "the secret could not be encrypted");
	}
	wr_be16(w, (uint16_t)(2 + s->hash + sizeof enc));
	wr_view16(w, VIEW(mac, s->hash));
	wr_view(w, VIEW_OF(enc));
	return 0;
}

int credential_make(const struct ek_pub *ek, const uint8_t name[TPM_NAME_LEN], const uint8_t nonce[NONCE_LEN],
        struct credential *out, struct err *e)
{
	const struct suite s = suite_of(ek);
	uint8_t seed[EK_HASH_MAX];
	struct credential c;
	struct wr blob = wr_to(c.blob, sizeof c.blob), secret = wr_to(c.secret, sizeof c.secret);

	int bad = ekseed_make(ek, seed, &secret, e) || write_blob(&blob, &s, seed, name, nonce, e);
	mem_wipe(seed, sizeof seed);
	if (bad)
		return err_in(e, "credential");
	c.nblob = wr_done(&blob).n;
	c.nsecret = wr_done(&secret).n;
	*out = c;
	return 0;
}
