#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/b64.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/utf8.h"

enum { JW_DEPTH_MAX = 63 }; /* a bit of `more` for each */

struct jw jw_to(struct wr *w)
{
	return (struct jw){.w = w};
}

/* How many bytes from `at` on stand for themselves: whole characters with nothing to escape. */
static size_t plain(struct view v, size_t at)
{
	size_t from = at, n = 1;

	while (at < v.n && n > 0) {
		uint8_t c = v.p[at];
		if (c >= 0x80)
			n = utf8_length(v.p + at, v.n - at);
		else
			n = c >= 0x20 && c != 0x7f && c != '"' && c != '\\';
		at += n;
	}
	return at - from;
}

static void quoted(struct wr *w, struct view v)
{
	wr_u8(w, '"');
	for (size_t i = 0; i < v.n; i++) {
		size_t n = plain(v, i);
		wr_bytes(w, v.p + i, n);
		i += n;
		if (i == v.n)
			break;
		uint8_t c = v.p[i];
		if (c == '"' || c == '\\')
			wr_fmt(w, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			wr_fmt(w, "\\u%04x", c);
		else
			wr_u8(w, '?');
	}
	wr_u8(w, '"');
}

/* What comes before any value: a comma when one is due, and the name. */
static void begin(struct jw *j, const char *key)
{
	uint64_t level = UINT64_C(1) << j->depth;

	if (j->more & level)
		wr_u8(j->w, ',');
	j->more |= level;
	if (!key)
		return;
	quoted(j->w, VIEW(key, strlen(key)));
	wr_u8(j->w, ':');
}

static void enter(struct jw *j, const char *key, uint8_t bracket)
{
	begin(j, key);
	wr_u8(j->w, bracket);
	if (j->depth == JW_DEPTH_MAX) {
		j->w->full = true;
		return;
	}
	j->depth++;
	j->more &= ~(UINT64_C(1) << j->depth);
}

static void leave(struct jw *j, uint8_t bracket)
{
	if (j->depth > 0)
		j->depth--;
	wr_u8(j->w, bracket);
}

void jw_obj(struct jw *j, const char *key)
{
	enter(j, key, '{');
}

void jw_arr(struct jw *j, const char *key)
{
	enter(j, key, '[');
}

void jw_end_obj(struct jw *j)
{
	leave(j, '}');
}

void jw_end_arr(struct jw *j)
{
	leave(j, ']');
}

void jw_str(struct jw *j, const char *key, const char *s)
{
	jw_text(j, key, VIEW(s, strlen(s)));
}

void jw_text(struct jw *j, const char *key, struct view v)
{
	begin(j, key);
	quoted(j->w, v);
}

void jw_hex(struct jw *j, const char *key, struct view v)
{
	char text[2 * 32 + 1];

	begin(j, key);
	wr_u8(j->w, '"');
	for (size_t i = 0; i < v.n; i += 32) { /* not by printf: a result holds a dozen digests */
		size_t n = v.n - i < 32 ? v.n - i : 32;
		wr_bytes(j->w, hex_put(text, v.p + i, n), 2 * n);
	}
	wr_u8(j->w, '"');
}

void jw_b64(struct jw *j, const char *key, struct view v)
{
	begin(j, key);
	wr_u8(j->w, '"');
	b64_put(j->w, v);
	wr_u8(j->w, '"');
}

/* Not by printf: a result holds two dozen. */
void jw_int(struct jw *j, const char *key, int64_t v)
{
	uint64_t left = v < 0 ? -(uint64_t)v : (uint64_t)v;
	char text[20];
	size_t at = sizeof text;

	begin(j, key);
	do
		text[--at] = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	if (v < 0)
		text[--at] = '-';
	wr_bytes(j->w, text + at, sizeof text - at);
}

void jw_num(struct jw *j, const char *key, double v)
{
	char text[32];

	begin(j, key);
	if (!isfinite(v)) {
		wr_str(j->w, "null");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	wr_str(j->w, text);
}

void jw_bool(struct jw *j, const char *key, bool v)
{
	begin(j, key);
	wr_str(j->w, v ? "true" : "false");
}

void jw_raw(struct jw *j, const char *key, struct view json)
{
	begin(j, key);
	wr_view(j->w, json);
}
