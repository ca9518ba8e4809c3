#include <openssl/evp.h>
#include <string.h>

#include "attest/attest.h"

enum { COORDINATE = ES256_PUB / 2 };

/* label with its NUL, as TPM 2.0 Part 1 11.4.10 counts it */
static struct view label_of(const char *label)
{
	return VIEW(label, strlen(label) + 1);
}

void tpm_kdfa(uint8_t *out, size_t bits, struct view key, const char *label, struct view u, struct view v)
{
	uint8_t counter[4] = {0, 0, 0, 1}, size[4], block[SHA_LEN];
	struct wr w = wr_to(size, sizeof size);

	wr_be32(&w, (uint32_t)bits);
	struct view parts[] = {VIEW_OF(counter), label_of(label), u, v, VIEW_OF(size)};
	hmac256(block, key, parts, COUNT(parts));
	memcpy(out, block, bits / 8 <= SHA_LEN ? bits / 8 : SHA_LEN);
	mem_wipe(block, sizeof block);
}

void tpm_kdfe(uint8_t *out, size_t bits, struct view z, const char *label, struct view u, struct view v)
{
	uint8_t counter[4] = {0, 0, 0, 1}, block[SHA_LEN];
	struct view parts[] = {VIEW_OF(counter), z, label_of(label), u, v};

	sha256_n(block, parts, COUNT(parts));
	memcpy(out, block, bits / 8 <= SHA_LEN ? bits / 8 : SHA_LEN);
	mem_wipe(block, sizeof block);
}

static bool derive(EVP_PKEY_CTX *ctx, EVP_PKEY *peer, uint8_t z[COORDINATE])
{
	size_t n = COORDINATE;

	return ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
	       EVP_PKEY_derive(ctx, z, &n) == 1 && n == COORDINATE;
}

int tpm_ecdh(const uint8_t pub[ES256_PUB], uint8_t z[32], uint8_t eph[ES256_PUB], struct err *e)
{
	AUTO(es256_free) struct es256 *peer = es256_from_pub(pub, e);
	AUTO(es256_free) struct es256 *own = peer ? es256_generate(e) : NULL;

	if (!own)
		return -1;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own->pkey, NULL);
	bool good = derive(ctx, peer->pkey, z);
	EVP_PKEY_CTX_free(ctx);
	if (!good)
		return err_set(e, WHY_SYSTEM, "ECDH with a TPM key failed");
	memcpy(eph, own->pub, ES256_PUB);
	return 0;
}

int tpm_cfb(const uint8_t key[16], uint8_t *p, size_t n, struct err *e)
{
	static const uint8_t zero[16];
	EVP_CIPHER_CTX *ctx = n <= INT32_MAX ? EVP_CIPHER_CTX_new() : NULL;
	int put = 0;

	bool good = ctx && EVP_EncryptInit_ex(ctx, EVP_aes_128_cfb128(), NULL, key, zero) == 1 &&
	            EVP_EncryptUpdate(ctx, p, &put, p, (int)n) == 1 && (size_t)put == n;
	EVP_CIPHER_CTX_free(ctx);
	return good ? 0 : err_set(e, WHY_SYSTEM, "AES-128-CFB failed");
}
