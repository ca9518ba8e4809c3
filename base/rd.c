#include "base/rd.h"

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

static uint64_t big(struct rd *r, size_t n)
{
	const uint8_t *p = take(r, n);
	uint64_t v = 0;

	for (size_t i = 0; p && i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static uint64_t little(struct rd *r, size_t n)
{
	const uint8_t *p = take(r, n);
	uint64_t v = 0;

	for (size_t i = n; p && i > 0; i--)
		v = v << 8 | p[i - 1];
	return v;
}

uint8_t rd_u8(struct rd *r)
{
	return (uint8_t)big(r, 1);
}

uint16_t rd_be16(struct rd *r)
{
	return (uint16_t)big(r, 2);
}

uint32_t rd_be32(struct rd *r)
{
	return (uint32_t)big(r, 4);
}

uint64_t rd_be64(struct rd *r)
{
	return big(r, 8);
}

uint16_t rd_le16(struct rd *r)
{
	return (uint16_t)little(r, 2);
}

uint32_t rd_le32(struct rd *r)
{
	return (uint32_t)little(r, 4);
}

uint64_t rd_le64(struct rd *r)
{
	return little(r, 8);
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
