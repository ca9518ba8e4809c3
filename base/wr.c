#include "base/wr.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct wr wr_to(void *buf, size_t cap)
{
	return (struct wr){.p = buf, .cap = cap};
}

void wr_bytes(struct wr *w, const void *p, size_t n)
{
	if (w->full || n > w->cap - w->n) {
		w->full = true;
		return;
	}
	if (n > 0)
		memcpy(w->p + w->n, p, n);
	w->n += n;
}

static void big(struct wr *w, uint64_t v, size_t n)
{
	uint8_t b[8];

	for (size_t i = n; i > 0; i--, v >>= 8)
		b[i - 1] = (uint8_t)v;
	wr_bytes(w, b, n);
}

void wr_u8(struct wr *w, uint8_t v)
{
	big(w, v, 1);
}

void wr_double(struct wr *w, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof bits);
	wr_be64(w, bits);
}

void wr_le16(struct wr *w, uint16_t v)
{
	const uint8_t b[2] = {(uint8_t)v, (uint8_t)(v >> 8)};

	wr_bytes(w, b, sizeof b);
}

void wr_le32(struct wr *w, uint32_t v)
{
	const uint8_t b[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};

	wr_bytes(w, b, sizeof b);
}

void wr_be16(struct wr *w, uint16_t v)
{
	big(w, v, 2);
}

void wr_be32(struct wr *w, uint32_t v)
{
	big(w, v, 4);
}

void wr_be64(struct wr *w, uint64_t v)
{
	big(w, v, 8);
}

void wr_view(struct wr *w, struct view v)
{
	wr_bytes(w, v.p, v.n);
}

/* A length that its prefix cannot say does not fit either. */
static void prefixed(struct wr *w, struct view v, size_t prefix, uint64_t max)
{
	if (v.n > max) {
		w->full = true;
		return;
	}
	big(w, v.n, prefix);
	wr_view(w, v);
}

void wr_view16(struct wr *w, struct view v)
{
	prefixed(w, v, 2, UINT16_MAX);
}

void wr_view32(struct wr *w, struct view v)
{
	prefixed(w, v, 4, UINT32_MAX);
}

void wr_text16(struct wr *w, const char *s)
{
	wr_view16(w, VIEW(s, strlen(s)));
}

void wr_str(struct wr *w, const char *s)
{
	wr_bytes(w, s, strlen(s));
}

void wr_fmt(struct wr *w, const char *fmt, ...)
{
	size_t room = w->full ? 0 : w->cap - w->n;
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(room > 0 ? (char *)w->p + w->n : NULL, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room)
		w->full = true;
	else
		w->n += (size_t)n;
}

bool wr_ok(const struct wr *w)
{
	return !w->full;
}

struct view wr_done(const struct wr *w)
{
	return w->full ? VIEW(NULL, 0) : VIEW(w->p, w->n);
}
