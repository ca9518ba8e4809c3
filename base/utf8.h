/* utf8: which bytes are characters (RFC 3629). */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/mem.h"

/* The length of the well-formed character at p, of which left bytes are there; 0 when there is none. */
size_t utf8_length(const uint8_t *p, size_t left);
bool utf8_ok(struct view v); /* characters and nothing else */

#endif
