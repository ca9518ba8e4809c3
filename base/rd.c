#include "base/rd.h"

#include <endian.h>
#include <string.h>

struct rd rd_of(struct view v)
{
	return (struct rd){.p = v.p, .n = v.n};
}

/* The one place that moves forward. */
static const uint8_t *take(struct rd *r, uint64_t n)
{
	if (r->bad || n > r->n - r->at) {
		r->bad = true;
		return NULL;
	}
	const uint8_t *p = r->p + r->at;
	r->at += (size_t)n;
	return p;
}

/* n is known to the compiler: one load. */
static inline void fetch(struct rd *r, void *to, size_t n)
{
	const uint8_t *p = take(r, n);

	if (p)
		memcpy(to, p, n);
}

uint8_t rd_u8(struct rd *r)
{
	const uint8_t *p = take(r, 1);

	return p ? *p : 0;
}

uint16_t rd_be16(struct rd *r)
{
	uint16_t v = 0;

	fetch(r, &v, sizeof v);
	return be16toh(v);
}

uint32_t rd_be32(struct rd *r)
{
	uint32_t v = 0;

	fetch(r, &v, sizeof v);
	return be32toh(v);
}

uint64_t rd_be64(struct rd *r)
{
	uint64_t v = 0;

	fetch(r, &v, sizeof v);
	return be64toh(v);
}

double rd_double(struct rd *r)
{
	uint64_t bits = rd_be64(r);
	double v;

	memcpy(&v, &bits, sizeof v);
	return v;
}

uint16_t rd_le16(struct rd *r)
{
	uint16_t v = 0;

	fetch(r, &v, sizeof v);
	return le16toh(v);
}

uint32_t rd_le32(struct rd *r)
{
	uint32_t v = 0;

	fetch(r, &v, sizeof v);
	return le32toh(v);
}

uint64_t rd_le64(struct rd *r)
{
	uint64_t v = 0;

	fetch(r, &v, sizeof v);
	return le64toh(v);
}

struct view rd_view(struct rd *r, uint64_t n)
{
	if (n == 0)
		return VIEW(NULL, 0);
	const uint8_t *p = take(r, n);
	return VIEW(p, p ? (size_t)n : 0);
}

struct view rd_view16(struct rd *r)
{
	return rd_view(r, rd_be16(r));
}

struct view rd_view32(struct rd *r)
{
	return rd_view(r, rd_be32(r));
}

void rd_copy(struct rd *r, void *to, size_t n)
{
	struct view v = rd_view(r, n);

	if (n == 0)
		return;
	if (v.n == n)
		memcpy(to, v.p, n);
	else
		memset(to, 0, n);
}

uint64_t rd_upto(struct rd *r, uint64_t v, uint64_t max)
{
	rd_require(r, v <= max);
	return r->bad ? 0 : v;
}

void rd_require(struct rd *r, bool condition)
{
	if (!condition)
		r->bad = true;
}

void rd_text16(struct rd *r, char *to, size_t cap)
{
	struct view v = rd_view16(r);

	rd_require(r, v.n < cap && (v.n == 0 || !memchr(v.p, 0, v.n)));
	if (r->bad)
		v.n = 0;
	if (v.n > 0)
		memcpy(to, v.p, v.n);
	if (cap > 0)
		to[v.n] = 0;
}

size_t rd_left(const struct rd *r)
{
	return r->bad ? 0 : r->n - r->at;
}

bool rd_ok(const struct rd *r)
{
	return !r->bad;
}

bool rd_end(const struct rd *r)
{
	return !r->bad && r->at == r->n;
}
