/* jws: RFC 7515 signatures by ES256 and nothing else. The algorithm comes from the key, never from the header;
 * the header must be exactly {"alg":"ES256","kid":...,"typ":...} in that order as our writer makes it, so there is
 * nothing to negotiate: none, crit, jwk, jku, x5c, b64 have no place to stand (A80-A83). */
#ifndef BASE_JWS_H
#define BASE_JWS_H

#include "base/es256.h"
#include "base/wr.h"

struct jws {
	char kid[44];
	char typ[48];
	uint8_t digest[SHA_LEN]; /* of protected '.' payload, as received: what is signed */
	struct view payload;     /* decoded, in the caller's scratch */
	uint8_t sig[ES256_SIG];
};

/* Compact form. */
int jws_sign(struct wr *w, const struct es256 *k, const char *typ, struct view payload, struct err *e);
/* Splits, and decodes the payload into scratch (text.n bytes are enough). Checks form and typ (any typ when NULL), not
 * the signature. WHY_MALFORMED. */
int jws_parse(struct view text, const char *typ, void *scratch, size_t cap, struct jws *out, struct err *e);
/* WHY_UNKNOWN when kid is not k's, WHY_FORGED when the signature does not hold. */
int jws_verify(const struct jws *j, const struct es256 *k, struct err *e);

/* Flattened JSON form for files and signed listings, one canonical byte form and a newline:
 * {"payload":"..","protected":"..","signature":".."}\n   Any other byte form of the same thing is refused. */
int jws_flat_sign(struct wr *w, const struct es256 *k, const char *typ, struct view payload, struct err *e);
int jws_flat_parse(struct view text, const char *typ, void *scratch, size_t cap, struct jws *out, struct err *e);

#endif
