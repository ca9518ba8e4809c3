/* b64: base64url without padding (RFC 7515 2). Strict: other characters, padding and non-zero spare bits are refused.
 */
#ifndef BASE_B64_H
#define BASE_B64_H

#include "base/mem.h"
#include "base/wr.h"

#define B64_LEN(n) (((n)*4 + 2) / 3) /* characters for n bytes */

void b64_put(struct wr *w, struct view v);
/* Decodes into out[cap]; returns the number of bytes, or -1 when it is not exactly base64url or does not fit. */
long b64_get(void *out, size_t cap, struct view text);

#endif
