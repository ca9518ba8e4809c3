/* es256: ECDSA over P-256 with SHA-256. Signatures are r || s, 64 bytes big-endian (RFC 7518 3.4), never DER.
 * Public keys travel as x || y, 64 bytes; a point that is not on the curve is refused. */
#ifndef BASE_ES256_H
#define BASE_ES256_H

#include <openssl/evp.h>

#include "base/err.h"
#include "base/sha.h"

enum { ES256_SIG = 64, ES256_PUB = 64 };

struct es256 { /* a P-256 key, perhaps with its private half */
	EVP_PKEY *pkey;
	uint8_t pub[ES256_PUB];
	char kid[44];                    /* RFC 7638 JWK thumbprint, base64url */
	EVP_PKEY_CTX *signer, *verifier; /* made at first use, and why one key must not be used by two threads */
};

void es256_free(struct es256 *k);
AUTO_DEFINE(struct es256 *, es256_free)

struct es256 *es256_generate(struct err *e);
struct es256 *es256_from_pub(const uint8_t pub[ES256_PUB], struct err *e);
/* PEM: PKCS#8, encrypted (scrypt, AES-256-CBC) when pass is not empty; or SubjectPublicKeyInfo. The caller frees. */
struct es256 *es256_from_pem(struct view pem, struct view pass, struct err *e);
int es256_private_pem(const struct es256 *k, struct view pass, char **out, size_t *n, struct err *e);
int es256_public_pem(const struct es256 *k, char **out, size_t *n, struct err *e);

int es256_sign(const struct es256 *k, struct view msg, uint8_t sig[ES256_SIG], struct err *e);
int es256_sign_digest(const struct es256 *k, const uint8_t digest[SHA_LEN], uint8_t sig[ES256_SIG], struct err *e);
/* The same signature every time (es256same.c, RFC 6979), for what is built twice and compared. Slower, and not hardened
 * against somebody who measures the signer: for keys of the build, not of a server. */
int es256same_sign(const struct es256 *k, const uint8_t digest[SHA_LEN], uint8_t sig[ES256_SIG], struct err *e);
/* 0: good. -1: WHY_FORGED. r or s of zero or past the order is refused. */
int es256_verify(const struct es256 *k, struct view msg, const uint8_t sig[ES256_SIG], struct err *e);
int es256_verify_digest(
        const struct es256 *k, const uint8_t digest[SHA_LEN], const uint8_t sig[ES256_SIG], struct err *e);
/* The same for keys that come and go: one object serves them all, so not from two threads. */
int es256_verify_pub(
        const uint8_t pub[ES256_PUB], const uint8_t digest[SHA_LEN], const uint8_t sig[ES256_SIG], struct err *e);

#endif
