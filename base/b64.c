#include "base/b64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* One more than the value of a character; 0 for what is no character of ours. */
static const uint8_t values[256] = {
        ['A'] = 1,
        ['B'] = 2,
        ['C'] = 3,
        ['D'] = 4,
        ['E'] = 5,
        ['F'] = 6,
        ['G'] = 7,
        ['H'] = 8,
        ['I'] = 9,
        ['J'] = 10,
        ['K'] = 11,
        ['L'] = 12,
        ['M'] = 13,
        ['N'] = 14,
        ['O'] = 15,
        ['P'] = 16,
        ['Q'] = 17,
        ['R'] = 18,
        ['S'] = 19,
        ['T'] = 20,
        ['U'] = 21,
        ['V'] = 22,
        ['W'] = 23,
        ['X'] = 24,
        ['Y'] = 25,
        ['Z'] = 26,
        ['a'] = 27,
        ['b'] = 28,
        ['c'] = 29,
        ['d'] = 30,
        ['e'] = 31,
        ['f'] = 32,
        ['g'] = 33,
        ['h'] = 34,
        ['i'] = 35,
        ['j'] = 36,
        ['k'] = 37,
        ['l'] = 38,
        ['m'] = 39,
        ['n'] = 40,
        ['o'] = 41,
        ['p'] = 42,
        ['q'] = 43,
        ['r'] = 44,
        ['s'] = 45,
        ['t'] = 46,
        ['u'] = 47,
        ['v'] = 48,
        ['w'] = 49,
        ['x'] = 50,
        ['y'] = 51,
        ['z'] = 52,
        ['0'] = 53,
        ['1'] = 54,
        ['2'] = 55,
        ['3'] = 56,
        ['4'] = 57,
        ['5'] = 58,
        ['6'] = 59,
        ['7'] = 60,
        ['8'] = 61,
        ['9'] = 62,
        ['-'] = 63,
        ['_'] = 64,
};

/* 1 to 3 bytes to 2 to 4 characters. */
static void put_group(struct wr *w, const uint8_t *p, size_t n)
{
	uint32_t v = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0) | (n > 2 ? p[2] : 0);
	char c[4];

	for (unsigned i = 0; i < 4; i++)
		c[i] = alphabet[v >> (18 - 6 * i) & 63];
	wr_bytes(w, c, n + 1);
}

void b64_put(struct wr *w, struct view v)
{
	for (size_t at = 0; at < v.n; at += 3)
		put_group(w, v.p + at, v.n - at < 3 ? v.n - at : 3);
}

/* 2 to 4 characters to 1 to 3 bytes; false for a bad character or spare bits that are not zero. */
static bool get_group(uint8_t *out, const uint8_t *c, size_t n)
{
	uint32_t v = 0;

	for (size_t i = 0; i < 4; i++) {
		uint8_t value = i < n ? values[c[i]] : 1;
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
