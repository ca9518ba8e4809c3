#define OPENSSL_SUPPRESS_DEPRECATED /* these are what there is to be compared with */
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "tests/bench/attest/attestbench.h"

struct bare {
	EC_KEY *key;
	uint8_t digest[SHA_LEN], sig[80];
	unsigned nsig;
};

struct bare *bare_open(const struct es256 *k, struct err *e)
{
	AUTO(bare_free) struct bare *b = calloc(1, sizeof *b);

	if (!b || !(b->key = EVP_PKEY_get1_EC_KEY(k->pkey))) {
		err_set(e, WHY_SYSTEM, "OpenSSL gives no key of the old kind");
		return NULL;
	}
	sha256(b->digest, VIEW_OF(k->pub));
	bare_sign(b);
	return TAKE(b);
}

void bare_free(struct bare *b)
{
	if (!b)
		return;
	EC_KEY_free(b->key);
	free(b);
}

void bare_sign(struct bare *b)
{
	if (ECDSA_sign(0, b->digest, SHA_LEN, b->sig, &b->nsig, b->key) != 1)
		abort();
}

void bare_verify(struct bare *b)
{
	if (ECDSA_verify(0, b->digest, SHA_LEN, b->sig, (int)b->nsig, b->key) != 1)
		abort();
}

void bare_sha256(uint8_t out[SHA_LEN], struct view a, struct view b)
{
	SHA256_CTX c;

	if (SHA256_Init(&c) != 1 || SHA256_Update(&c, a.p, a.n) != 1 || SHA256_Update(&c, b.p, b.n) != 1 ||
	        SHA256_Final(out, &c) != 1)
		abort();
}
