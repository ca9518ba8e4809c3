#include "firmware/firmware.h"

#include <string.h>

#include "base/hex.h"

enum { HASHED_MAX = 2 * 16 + IMA_DIGEST_MAX };

struct words { /* what is left of a line */
	struct view rest;
};

/* The next word; of the last field everything. */
static struct view word(struct words *w)
{
	const uint8_t *space = w->rest.n > 0 ? memchr(w->rest.p, ' ', w->rest.n) : NULL;
	struct view v = VIEW(w->rest.p, space ? (size_t)(space - w->rest.p) : w->rest.n);

	w->rest = space ? VIEW(space + 1, w->rest.n - v.n - 1) : VIEW(NULL, 0);
	return v;
}

/* Bytes of a hexadecimal word into out, or -1. */
static long unhex(struct view v, uint8_t *out, size_t cap)
{
	char two[3] = "";

	if (v.n % 2 != 0 || v.n / 2 > cap)
		return -1;
	for (size_t i = 0; i < v.n; i += 2) {
		two[0] = (char)v.p[i];
		two[1] = (char)v.p[i + 1];
		if (hex_get(out + i / 2, 1, two) != 0)
			return -1;
	}
	return (long)(v.n / 2);
}

static bool put_hex(struct wr *w, struct view hex)
{
	uint8_t bytes[IMA_ENTRY_MAX];
	long n = unhex(hex, bytes, sizeof bytes);

	if (n < 0)
		return false;
	wr_le32(w, (uint32_t)n);
	wr_bytes(w, bytes, (size_t)n);
	return true;
}

/* "sha256:HEX", perhaps with "ima:" or "verity:" in front: the characters, NUL, the digest. */
static bool put_digest(struct wr *w, struct view v)
{
	const uint8_t *colon = v.n > 0 ? memrchr(v.p, ':', v.n) : NULL;
	uint8_t digest[IMA_DIGEST_MAX];

	if (!colon)
		return false;
	struct view head = VIEW(v.p, (size_t)(colon - v.p) + 1);
	long n = unhex(VIEW(colon + 1, v.n - head.n), digest, sizeof digest);
	if (n < 0)
		return false;
	wr_le32(w, (uint32_t)(head.n + 1 + (size_t)n));
	wr_view(w, head);
	wr_u8(w, 0);
	wr_bytes(w, digest, (size_t)n);
	return true;
}

static void put_name(struct wr *w, struct view name)
{
	wr_le32(w, (uint32_t)name.n + 1);
	wr_view(w, name);
	wr_u8(w, 0);
}

/* The fields behind digest and name, each in hexadecimal, and as many as the template has. */
static bool put_fields(struct wr *w, struct view template, struct words *line)
{
	struct view digest = word(line), name = word(line);
	size_t more = view_is(template, "ima-modsig") ? 3 : view_is(template, "evm-sig") ? 7 : 1;

	if (view_is(template, "ima-ng") || view_is(template, "ima-ngv2"))
		more = 0;
	if (!put_digest(w, digest))
		return false;
	put_name(w, name);
	for (size_t i = 0; i < more; i++) {
		struct view v = word(line);
		/* The second digest of ima-modsig is written as the first is. */
		bool digest_again = view_is(template, "ima-modsig") && i == 1 && v.n > 0;
		if (!(digest_again ? put_digest(w, v) : put_hex(w, v)))
			return false;
	}
	return line->rest.n == 0;
}

static bool put_old(struct wr *w, struct words *line)
{
	uint8_t digest[IMA_SHA1];

	if (unhex(word(line), digest, sizeof digest) != IMA_SHA1)
		return false;
	wr_bytes(w, digest, sizeof digest);
	wr_le32(w, (uint32_t)line->rest.n);
	wr_view(w, line->rest);
	return true;
}

static bool put_line(struct wr *w, struct words *line, struct wr *body)
{
	uint8_t sha1[IMA_SHA1];
	struct view pcr = word(line);

	if (!view_is(pcr, "10") || unhex(word(line), sha1, sizeof sha1) != IMA_SHA1)
		return false;
	struct view template = word(line);
	wr_le32(w, IMA_PCR);
	wr_bytes(w, sha1, sizeof sha1);
	wr_le32(w, (uint32_t) template.n);
	wr_view(w, template);
	if (view_is(template, "ima"))
		return put_old(w, line) && wr_ok(w);
	if (!put_fields(body, template, line) || !wr_ok(body))
		return false;
	wr_le32(w, (uint32_t)wr_done(body).n);
	wr_view(w, wr_done(body));
	return wr_ok(w);
}

int imaascii_next(struct view *rest, uint64_t number, struct wr *out, struct err *e)
{
	uint8_t room[IMA_ENTRY_MAX];
	struct wr w = *out, body = wr_to(room, sizeof room);

	if (rest->n == 0)
		return 0;
	const uint8_t *end = memchr(rest->p, '\n', rest->n);
	size_t n = end ? (size_t)(end - rest->p) : rest->n;
	struct words line = {VIEW(rest->p, n)};
	if (!put_line(&w, &line, &body))
		return err_set(e, WHY_MALFORMED, "runtime list: line %llu is none of an ASCII list",
		        (unsigned long long)number);
	*rest = VIEW(rest->p + n + (end ? 1 : 0), rest->n - n - (end ? 1 : 0));
	*out = w;
	return 1;
}
