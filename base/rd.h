/* rd: the one way hostile bytes are read. Sticky: after the first bad read every read gives zero or an empty view,
 * and rd_end() says no. Nothing is allocated; views point into the input. */
#ifndef BASE_RD_H
#define BASE_RD_H

#include "base/mem.h"

struct rd {
	const uint8_t *p;
	size_t n;  /* length of the whole input */
	size_t at; /* next byte */
	bool bad;
};

struct rd rd_of(struct view v);
uint8_t rd_u8(struct rd *r);
uint16_t rd_be16(struct rd *r);
uint32_t rd_be32(struct rd *r);
uint64_t rd_be64(struct rd *r);
double rd_double(struct rd *r); /* IEEE 754 binary64, big-endian; any, also NaN */
uint16_t rd_le16(struct rd *r);
uint32_t rd_le32(struct rd *r);
uint64_t rd_le64(struct rd *r);
struct view rd_view(struct rd *r, uint64_t n);  /* the next n bytes */
struct view rd_view16(struct rd *r);            /* be16 length, then that many: a TPM2B */
struct view rd_view32(struct rd *r);            /* be32 length, then that many */
void rd_copy(struct rd *r, void *to, size_t n); /* n bytes; zeroes them when bad */
/* For each number that bounds a loop or a size: gives v, or marks the reader bad and gives 0 when v > max. */
uint64_t rd_upto(struct rd *r, uint64_t v, uint64_t max);
void rd_require(struct rd *r, bool condition); /* marks the reader bad when the condition is false */
/* A NUL-free be16-prefixed text into to[cap], always terminated. */
void rd_text16(struct rd *r, char *to, size_t cap);
size_t rd_left(const struct rd *r); /* 0 when bad */
bool rd_ok(const struct rd *r);
bool rd_end(const struct rd *r); /* nothing went wrong and nothing is left: ask once */

#endif
