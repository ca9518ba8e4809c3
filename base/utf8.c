#include "base/utf8.h"

size_t utf8_length(const uint8_t *p, size_t left)
{
	uint8_t c = left > 0 ? p[0] : 0xff;
	size_t n = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;

	if (n == 0 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* overlong forms, surrogates, past U+10FFFF */
	if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f) || (c == 0xf0 && p[1] < 0x90) ||
	        (c == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

bool utf8_ok(struct view v)
{
	for (size_t at = 0, n; at < v.n; at += n) {
		n = utf8_length(v.p + at, v.n - at);
		if (n == 0)
			return false;
	}
	return true;
}
