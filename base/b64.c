#include "base/b64.h"

enum { RUN = 48 }; /* groups */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* By ASCII: one more than the value of a character; 0 for what is no character of ours. */
static const uint8_t values[128] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 63, 0, 0, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 0, 0, 0, 0,
        0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 0, 0, 0,
        0, 64, 0, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51,
        52, 0, 0, 0, 0, 0};

/* 1 to 3 bytes to 2 to 4 characters; all four are written. */
static void put_group(uint8_t *c, const uint8_t *p, size_t n)
{
	uint32_t v = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0) | (n > 2 ? p[2] : 0);

	for (unsigned i = 0; i < 4; i++)
		c[i] = (uint8_t)alphabet[v >> (18 - 6 * i) & 63];
}

/* In runs: a writer is asked for room once for each. */
void b64_put(struct wr *w, struct view v)
{
	uint8_t run[4 * RUN];
	size_t n = 0;

	for (size_t at = 0; at < v.n; at += 3 * RUN, n = 0) {
		size_t end = v.n - at < 3 * RUN ? v.n : at + 3 * RUN;
		for (size_t i = at; i < end; i += 3, n += 4)
			put_group(run + n, v.p + i, end - i < 3 ? end - i : 3);
		wr_bytes(w, run, B64_LEN(end - at));
	}
}

/* 2 to 4 characters to 1 to 3 bytes; false for a bad character or spare bits that are not zero. */
static bool get_group(uint8_t *out, const uint8_t *c, size_t n)
{
	uint32_t v = 0;

	for (size_t i = 0; i < 4; i++) {
		uint8_t value = i >= n ? 1 : c[i] < sizeof values ? values[c[i]] : 0;
		if (value == 0)
			return false;
		v = v << 6 | (value - 1u);
	}
	for (size_t i = 0; i < n - 1; i++)
		out[i] = (uint8_t)(v >> (16 - 8 * i));
	return n == 4 || (v << (8 * (n - 1)) & 0xffffff) == 0;
}

long b64_get(void *out, size_t cap, struct view text)
{
	size_t n = text.n / 4 * 3 + (text.n % 4 > 0 ? text.n % 4 - 1 : 0);
	uint8_t *to = out;

	if (text.n % 4 == 1 || n > cap)
		return -1;
	for (size_t at = 0; at < text.n; at += 4, to += 3)
		if (!get_group(to, text.p + at, text.n - at < 4 ? text.n - at : 4))
			return -1;
	return (long)n;
}
