#include "firmware/cbor.h"

#include <string.h>

#include "base/utf8.h"

static void item(struct cbor *c, unsigned depth);

static void wrong(struct cbor *c, const char *what)
{
	if (!c->wrong)
		c->wrong = what;
	rd_require(&c->rd, false);
}

/* ---- Heads: RFC 8949 3 ---- */

struct head {
	enum cbor_type type;
	uint64_t n;
};

/* The number behind a head's first byte, which must need all its bytes. */
static uint64_t argument(struct cbor *c, uint8_t size)
{
	static const uint64_t least[] = {24, 1u << 8, 1u << 16, 1ull << 32};
	uint64_t n = size == 24   ? rd_u8(&c->rd)
	             : size == 25 ? rd_be16(&c->rd)
	             : size == 26 ? rd_be32(&c->rd)
	                          : rd_be64(&c->rd);

	if (rd_ok(&c->rd) && n < least[size - 24])
		wrong(c, "a number is written longer than it is");
	return n;
}

static struct head head(struct cbor *c)
{
	uint8_t first = rd_u8(&c->rd), low = first & 31;
	struct head h = {(enum cbor_type)(first >> 5), low};

	if (!rd_ok(&c->rd))
		wrong(c, "it is cut short");
	else if (h.type == CBOR_SIMPLE && (low < 20 || low > 22))
		wrong(c, "neither false nor true nor null, which are the simple values that we read");
	else if (low == 31)
		wrong(c, "a length is left open");
	else if (low > 27)
		wrong(c, "a head of a reserved form");
	else if (low > 23)
		h.n = argument(c, low);
	if (!rd_ok(&c->rd)) {
		wrong(c, "it is cut short");
		h.n = 0;
	}
	return h;
}

static struct view string(struct cbor *c, uint64_t n)
{
	struct view v = rd_view(&c->rd, n);

	if (!rd_ok(&c->rd))
		wrong(c, "a string is longer than what is left");
	return v;
}

/* ---- The whole of an item ---- */

static struct view whole(struct cbor *c, unsigned depth)
{
	size_t from = c->rd.at;

	item(c, depth);
	return rd_ok(&c->rd) ? VIEW(c->rd.p + from, c->rd.at - from) : VIEW(NULL, 0);
}

/* Encoded keys: neither is the beginning of the other. */
static bool ascends(struct view a, struct view b)
{
	return memcmp(a.p, b.p, a.n < b.n ? a.n : b.n) < 0;
}

static void pairs(struct cbor *c, uint64_t n, unsigned depth)
{
	struct view last = {NULL, 0};

	if (n > rd_left(&c->rd) / 2)
		wrong(c, "a map claims more than there is");
	for (uint64_t i = 0; i < n && rd_ok(&c->rd); i++) {
		struct view key = whole(c, depth);
		if (!rd_ok(&c->rd))
			return;
		if (i > 0 && !ascends(last, key))
			wrong(c, "the keys of a map do not ascend, or one comes twice");
		last = key;
		item(c, depth);
	}
}

static void entries(struct cbor *c, uint64_t n, unsigned depth)
{
	if (n > rd_left(&c->rd))
		wrong(c, "an array claims more than there is");
	for (uint64_t i = 0; i < n && rd_ok(&c->rd); i++)
		item(c, depth);
}

static void item(struct cbor *c, unsigned depth)
{
	struct head h = head(c);

	if (depth > CBOR_DEPTH_MAX)
		wrong(c, "it is nested deeper than 16 levels");
	if (!rd_ok(&c->rd))
		return;
	if (h.type == CBOR_BYTES)
		(void)string(c, h.n);
	else if (h.type == CBOR_TEXT && !utf8_ok(string(c, h.n)))
		wrong(c, "text is not UTF-8");
	else if (h.type == CBOR_ARRAY)
		entries(c, h.n, depth + 1);
	else if (h.type == CBOR_MAP)
		pairs(c, h.n, depth + 1);
	else if (h.type == CBOR_TAG)
		item(c, depth + 1);
}

int cbor_open(struct cbor *c, struct view v, struct err *e)
{
	*c = (struct cbor){.rd = rd_of(v)};
	item(c, 1);
	if (rd_ok(&c->rd) && !rd_end(&c->rd))
		wrong(c, "something follows behind the end");
	if (cbor_ok(c, e))
		return -1;
	c->rd = rd_of(v);
	return 0;
}

int cbor_ok(const struct cbor *c, struct err *e)
{
	return c->wrong ? err_set(e, WHY_MALFORMED, "CBOR: %s, at byte %zu", c->wrong, c->rd.at) : 0;
}

/* ---- One after the other ---- */

bool cbor_is(const struct cbor *c, enum cbor_type type)
{
	struct rd r = c->rd;
	uint8_t first = rd_u8(&r);

	return rd_ok(&r) && first >> 5 == (int)type;
}

static uint64_t expect(struct cbor *c, enum cbor_type type, const char *what)
{
	if (!cbor_is(c, type)) {
		wrong(c, what);
		return 0;
	}
	return head(c).n;
}

uint64_t cbor_uint(struct cbor *c)
{
	return expect(c, CBOR_UINT, "expected a number");
}

struct view cbor_bytes(struct cbor *c)
{
	return string(c, expect(c, CBOR_BYTES, "expected bytes"));
}

struct view cbor_text(struct cbor *c)
{
	return string(c, expect(c, CBOR_TEXT, "expected text"));
}

uint64_t cbor_array(struct cbor *c)
{
	return expect(c, CBOR_ARRAY, "expected an array");
}

uint64_t cbor_map(struct cbor *c)
{
	return expect(c, CBOR_MAP, "expected a map");
}

uint64_t cbor_tag(struct cbor *c)
{
	return expect(c, CBOR_TAG, "expected a tag");
}

struct view cbor_any(struct cbor *c)
{
	return whole(c, 1);
}
