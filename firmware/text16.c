#include "firmware/firmware.h"

#include "base/rd.h"

enum { BYTES_MAX = 4 }; /* of one character in UTF-8 */

static size_t put8(char out[BYTES_MAX], uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
	for (size_t i = n - 1; i > 0; i--) {
		out[i] = (char)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	out[0] = (char)(lead[n] | c);
	return n;
}

/* A character of one unit or two; 0 is a NUL, a lone surrogate or half of a unit, none of which is text. */
static uint32_t get16(struct rd *r)
{
	uint32_t c = rd_le16(r);

	if (c < 0xd800 || c > 0xdfff)
		return c;
	uint32_t low = rd_le16(r);
	rd_require(r, c < 0xdc00 && low >= 0xdc00 && low <= 0xdfff);
	return rd_ok(r) ? 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00) : 0;
}

int text16_get(char *out, size_t cap, struct view wide)
{
	struct rd r = rd_of(wide);
	size_t n = 0;

	while (rd_left(&r) > 0) {
		char utf8[BYTES_MAX];
		uint32_t c = get16(&r);
		if (c == 0 && rd_end(&r))
			break;
		rd_require(&r, c != 0 && n + BYTES_MAX < cap);
		if (!rd_ok(&r))
			return -1;
		size_t k = put8(utf8, c);
		for (size_t i = 0; i < k; i++)
			out[n++] = utf8[i];
	}
	if (cap == 0 || !rd_ok(&r))
		return -1;
	out[n] = 0;
	return 0;
}

/* The next character of UTF-8 that was checked when its document was read; 0 at the end. */
static uint32_t get8(const char **p)
{
	const uint8_t *s = (const uint8_t *)*p;
	size_t n = *s < 0x80 ? 1 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : 4;
	uint32_t c = n == 1 ? *s : *s & (0xffu >> (n + 1));

	for (size_t i = 1; i < n; i++) {
		if (s[i] == 0)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	*p += *s ? n : 0;
	return c;
}

static void put16(uint8_t *out, uint32_t unit)
{
	out[0] = (uint8_t)unit;
	out[1] = (uint8_t)(unit >> 8);
}

int text16_put(uint8_t *out, size_t cap, const char *text)
{
	size_t n = 0;
	uint32_t c;

	while ((c = get8(&text)) != 0) {
		if (n + 4 > cap)
			return -1;
		if (c >= 0x10000) {
			put16(out + n, 0xd800 + ((c - 0x10000) >> 10));
			n += 2;
			c = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		put16(out + n, c);
		n += 2;
	}
	return (int)n;
}
