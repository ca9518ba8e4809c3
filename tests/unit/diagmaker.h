/* diagmaker: CBOR from diagnostic notation (RFC 8949 8), so that a test shows what it is about. Map keys stay in the
 * order in which they are written. Besides the standard: #word is the SHA-256 of the word, ~9 are nine zero bytes. */
#ifndef UNIT_DIAGMAKER_H
#define UNIT_DIAGMAKER_H

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/sha.h"
#include "base/wr.h"

enum { DIAG_MAX = 8192 };

static inline void diag_head(struct wr *w, unsigned type, uint64_t n)
{
	uint8_t major = (uint8_t)(type << 5);

	if (n < 24) {
		wr_u8(w, (uint8_t)(major | n));
	} else if (n < 256) {
		wr_u8(w, major | 24);
		wr_u8(w, (uint8_t)n);
	} else if (n < 65536) {
		wr_u8(w, major | 25);
		wr_be16(w, (uint16_t)n);
	} else if (n <= UINT32_MAX) {
		wr_u8(w, major | 26);
		wr_be32(w, (uint32_t)n);
	} else {
		wr_u8(w, major | 27);
		wr_be64(w, n);
	}
}

static inline const char *diag_space(const char *s)
{
	return s + strspn(s, " \t\n,:");
}

static inline const char *diag_item(const char *s, struct wr *w);

/* Items up to what closes them; count: how many, or their bytes. */
static inline const char *diag_many(const char *s, struct wr *w, unsigned type, const char *close)
{
	uint8_t buf[DIAG_MAX];
	struct wr in = wr_to(buf, sizeof buf);
	uint64_t n = 0;

	for (s = diag_space(s); strncmp(s, close, strlen(close)) != 0; s = diag_space(s), n++) {
		if (!*s)
			abort();
		s = diag_item(s, &in);
	}
	diag_head(w, type, type == 2 ? in.n : type == 5 ? n / 2 : n);
	wr_view(w, wr_done(&in));
	return s + strlen(close);
}

static inline const char *diag_text(const char *s, struct wr *w)
{
	size_t n = strcspn(s, "\"");

	diag_head(w, 3, n);
	wr_bytes(w, s, n);
	return s + n + 1;
}

static inline const char *diag_hex(const char *s, struct wr *w)
{
	size_t n = strcspn(s, "'");
	char one[3] = {0};
	uint8_t byte;

	diag_head(w, 2, n / 2);
	for (size_t i = 0; i < n; i += 2) {
		memcpy(one, s + i, 2);
		if (hex_get(&byte, 1, one))
			abort();
		wr_u8(w, byte);
	}
	return s + n + 1;
}

static inline const char *diag_hash(const char *s, struct wr *w)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789");
	uint8_t digest[SHA_LEN];

	sha256(digest, VIEW(s, n));
	diag_head(w, 2, sizeof digest);
	wr_view(w, VIEW_OF(digest));
	return s + n;
}

static inline const char *diag_zeros(const char *s, struct wr *w)
{
	char *end;
	unsigned long n = strtoul(s, &end, 10);

	diag_head(w, 2, n);
	for (; n > 0; n--)
		wr_u8(w, 0);
	return end;
}

static inline const char *diag_number(const char *s, struct wr *w)
{
	char *end;
	uint64_t n = strtoull(*s == '-' ? s + 1 : s, &end, 10);

	if (end == s)
		abort();
	if (*s == '-') {
		diag_head(w, 1, n - 1);
	} else if (*end != '(') {
		diag_head(w, 0, n);
	} else {
		diag_head(w, 6, n);
		s = diag_space(diag_item(end + 1, w));
		return *s == ')' ? s + 1 : (abort(), s);
	}
	return end;
}

static inline const char *diag_item(const char *s, struct wr *w)
{
	static const char *const simple[] = {"false", "true", "null"};

	s = diag_space(s);
	for (unsigned i = 0; i < COUNT(simple); i++)
		if (strncmp(s, simple[i], strlen(simple[i])) == 0) {
			diag_head(w, 7, 20 + i);
			return s + strlen(simple[i]);
		}
	switch (*s) {
	case '[':
		return diag_many(s + 1, w, 4, "]");
	case '{':
		return diag_many(s + 1, w, 5, "}");
	case '<':
		return diag_many(s + 2, w, 2, ">>");
	case '"':
		return diag_text(s + 1, w);
	case 'h':
		return diag_hex(s + 2, w);
	case '#':
		return diag_hash(s + 1, w);
	case '~':
		return diag_zeros(s + 1, w);
	default:
		return diag_number(s, w);
	}
}

/* Into static memory: the view holds until the next call. */
static inline struct view diag(const char *s)
{
	static uint8_t out[DIAG_MAX];
	struct wr w = wr_to(out, sizeof out);

	if (*diag_space(diag_item(s, &w)) || !wr_ok(&w))
		abort();
	return wr_done(&w);
}

#endif
