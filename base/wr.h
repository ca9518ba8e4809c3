/* wr: the writer beside rd. Fixed buffer, sticky: once full, nothing more is written and wr_ok() says no. */
#ifndef BASE_WR_H
#define BASE_WR_H

#include "base/mem.h"

struct wr {
	uint8_t *p;
	size_t cap;
	size_t n; /* bytes written */
	bool full;
};

struct wr wr_to(void *buf, size_t cap);
void wr_u8(struct wr *w, uint8_t v);
void wr_be16(struct wr *w, uint16_t v);
void wr_be32(struct wr *w, uint32_t v);
void wr_be64(struct wr *w, uint64_t v);
void wr_le16(struct wr *w, uint16_t v);
void wr_le32(struct wr *w, uint32_t v);
void wr_double(struct wr *w, double v); /* IEEE 754 binary64, big-endian */
void wr_bytes(struct wr *w, const void *p, size_t n);
void wr_view(struct wr *w, struct view v);   /* the bytes alone */
void wr_view16(struct wr *w, struct view v); /* be16 length, then the bytes: a TPM2B */
void wr_view32(struct wr *w, struct view v);
void wr_text16(struct wr *w, const char *s); /* be16 length, then the characters without NUL */
void wr_str(struct wr *w, const char *s);    /* the characters alone */
/* Needs a byte to spare behind the text. */
void wr_fmt(struct wr *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool wr_ok(const struct wr *w);
struct view wr_done(const struct wr *w); /* what was written; empty when full */

#endif
