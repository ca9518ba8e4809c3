/* sha: SHA-256 and HMAC over it. Algorithms are fetched once per process (a fetch costs more than a small hash). */
#ifndef BASE_SHA_H
#define BASE_SHA_H

#include "base/mem.h"

enum { SHA_LEN = 32 };

/* Called by every other function when needed; call it before a sandbox that forbids opening files. Aborts when OpenSSL
 * has no SHA-256. */
void sha_init(void);
void sha256(uint8_t out[SHA_LEN], struct view v);
void sha256_2(uint8_t out[SHA_LEN], struct view a, struct view b); /* a || b */
void sha256_n(uint8_t out[SHA_LEN], const struct view *parts, size_t n);
/* Only to follow what others computed: SHA-1 protects nothing. */
enum { SHA1_LEN = 20 };
void sha1_n(uint8_t out[SHA1_LEN], const struct view *parts, size_t n);
void hmac256(uint8_t out[SHA_LEN], struct view key, const struct view *parts, size_t n);
/* HKDF-SHA256 (RFC 5869), one block: out = Expand(Extract(salt "", ikm), info, 32). */
void hkdf256(uint8_t out[SHA_LEN], struct view ikm, struct view info);

/* Incremental, for streams. */
struct sha {
	void *ctx;
};
void sha_start(struct sha *s);
void sha_add(struct sha *s, struct view v);
void sha_end(struct sha *s, uint8_t out[SHA_LEN]); /* also frees */

#endif
