#include "geofence/geotext.h"

#include <stdlib.h>
#include <string.h>

enum {
	NUMBER_MAX = 128, /* characters; a double needs 24 at most, and nobody writes more than 17 digits on purpose */
	DIGITS_EXACT = 15,
	POWER_EXACT = 22, /* 10^22 is the last power of ten that is a double */
};

struct geotext geotext_of(struct view v)
{
	return (struct geotext){.r = rd_of(v)};
}

bool geotext_ok(const struct geotext *t)
{
	return !t->r.bad;
}

static void wrong(struct geotext *t)
{
	rd_require(&t->r, false);
}

/* The next byte, not taken; 0, which is in no JSON, when there is none. */
static uint8_t peek(const struct geotext *t)
{
	return !t->r.bad && t->r.at < t->r.n ? t->r.p[t->r.at] : 0;
}

static bool take(struct geotext *t, char c)
{
	if (peek(t) != (uint8_t)c)
		return false;
	t->r.at++;
	return true;
}

static void blanks(struct geotext *t)
{
	size_t at = t->r.at;

	if (t->r.bad || at >= t->r.n || t->r.p[at] > ' ')
		return;
	while (at < t->r.n && (t->r.p[at] == ' ' || t->r.p[at] == '\n' || t->r.p[at] == '\r' || t->r.p[at] == '\t'))
		at++;
	t->r.at = at;
}

static void expect(struct geotext *t, char c)
{
	blanks(t);
	if (!take(t, c))
		wrong(t);
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

char geotext_kind(struct geotext *t)
{
	blanks(t);
	uint8_t c = peek(t);
	if (c == '-' || is_digit(c))
		return '0';
	return c == '{' || c == '[' || c == '"' || c == 't' || c == 'f' || c == 'n' ? (char)c : 0;
}

void geotext_enter(struct geotext *t, char open)
{
	expect(t, open);
	if (t->depth == GEOTEXT_DEPTH_MAX) {
		wrong(t);
		return;
	}
	t->depth++;
	t->fresh |= UINT64_C(1) << t->depth;
}

bool geotext_more(struct geotext *t, char close)
{
	uint64_t level = UINT64_C(1) << t->depth;

	blanks(t);
	if (take(t, close)) {
		t->depth--;
		return false;
	}
	if (t->fresh & level)
		t->fresh &= ~level;
	else
		expect(t, ',');
	return geotext_ok(t);
}

static void escape(struct geotext *t)
{
	uint8_t c = rd_u8(&t->r);

	if (c == 'u') {
		for (int i = 0; i < 4; i++) {
			c = rd_u8(&t->r);
			rd_require(&t->r, is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'));
		}
		return;
	}
	rd_require(&t->r, c != 0 && strchr("\"\\/bfnrt", c) != NULL);
}

struct view geotext_string(struct geotext *t)
{
	expect(t, '"');
	size_t from = t->r.at;
	for (;;) {
		uint8_t c = peek(t);
		if (c < 0x20) {
			wrong(t);
			return VIEW(NULL, 0);
		}
		t->r.at++;
		if (c == '"')
			return VIEW(t->r.p + from, t->r.at - 1 - from);
		if (c == '\\')
			escape(t);
	}
}

struct view geotext_key(struct geotext *t)
{
	struct view key = geotext_string(t);

	expect(t, ':');
	return key;
}

static const uint8_t *digits(const uint8_t *p, const uint8_t *end)
{
	while (p < end && is_digit(*p))
		p++;
	return p;
}

/* RFC 8259 6: where the number at p ends; NULL when it is none. */
static const uint8_t *number_end(const uint8_t *p, const uint8_t *end)
{
	p += p < end && *p == '-';
	const uint8_t *whole = p;
	p = digits(p, end);
	if (p == whole || (*whole == '0' && p > whole + 1))
		return NULL;
	if (p < end && *p == '.') {
		const uint8_t *part = ++p;
		if ((p = digits(p, end)) == part)
			return NULL;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		p += p < end && (*p == '+' || *p == '-');
		const uint8_t *power = p;
		if ((p = digits(p, end)) == power)
			return NULL;
	}
	return p;
}

static struct view number_text(struct geotext *t)
{
	blanks(t);
	if (t->r.bad)
		return VIEW(NULL, 0);
	const uint8_t *from = t->r.p + t->r.at, *end = t->r.p + t->r.n, *to = number_end(from, end);
	if (to == NULL) {
		t->r.at = (size_t)(digits(from + (from < end), end) - t->r.p);
		wrong(t);
		return VIEW(NULL, 0);
	}
	t->r.at += (size_t)(to - from);
	return VIEW(from, (size_t)(to - from));
}

/* A few digits over a small power of ten: both are doubles, so one division rounds once. */
static bool short_number(struct view v, double *out)
{
	static const double tens[POWER_EXACT + 1] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12,
	        1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	bool minus = v.p[0] == '-', point = false;
	uint64_t whole = 0;
	unsigned digits = 0, after = 0;

	for (size_t i = minus; i < v.n; i++) {
		if (v.p[i] == '.') {
			point = true;
			continue;
		}
		if (!is_digit(v.p[i]) || ++digits > DIGITS_EXACT)
			return false;
		whole = 10 * whole + (uint64_t)(v.p[i] - '0');
		after += point;
	}
	*out = (minus ? -1.0 : 1.0) * ((double)whole / tens[after]);
	return true;
}

double geotext_number(struct geotext *t)
{
	struct view v = number_text(t);
	char text[NUMBER_MAX + 1];
	double x;

	if (v.n == 0 || v.n > NUMBER_MAX) {
		wrong(t);
		return 0;
	}
	if (short_number(v, &x))
		return x;
	memcpy(text, v.p, v.n);
	text[v.n] = 0;
	return strtod(text, NULL); /* in the C locale, which no program of ours leaves */
}

static void word(struct geotext *t)
{
	static const char *const words[] = {"true", "false", "null"};

	for (size_t i = 0; i < COUNT(words); i++) {
		size_t n = strlen(words[i]);
		if (rd_left(&t->r) >= n && memcmp(t->r.p + t->r.at, words[i], n) == 0) {
			t->r.at += n;
			return;
		}
	}
	wrong(t);
}

/* One value, or the opening of one that holds others. */
static void step_in(struct geotext *t)
{
	char kind = geotext_kind(t);

	if (kind == '{' || kind == '[')
		geotext_enter(t, kind);
	else if (kind == '"')
		(void)geotext_string(t);
	else if (kind == '0')
		(void)number_text(t);
	else
		word(t);
}

/* Without recursion: which bracket each open level has is a bit. */
struct view geotext_value(struct geotext *t)
{
	unsigned outer = t->depth;
	uint64_t objects = 0;

	blanks(t);
	size_t from = t->r.at;
	do {
		bool object = peek(t) == '{';
		unsigned before = t->depth;
		step_in(t);
		if (t->depth > before)
			objects = object ? objects | UINT64_C(1) << t->depth : objects & ~(UINT64_C(1) << t->depth);
		while (t->depth > outer && geotext_ok(t)) {
			bool keyed = objects >> t->depth & 1;
			if (!geotext_more(t, keyed ? '}' : ']'))
				continue;
			if (keyed)
				(void)geotext_key(t);
			blanks(t);
			break;
		}
	} while (t->depth > outer && geotext_ok(t));
	return geotext_ok(t) ? VIEW(t->r.p + from, t->r.at - from) : VIEW(NULL, 0);
}

int geotext_broken(const struct geotext *t, struct err *e)
{
	if (t->r.at >= t->r.n)
		return err_set(e, WHY_MALFORMED, "the text ends in the middle, at byte %zu", t->r.n);
	return err_set(e, WHY_MALFORMED, "not JSON at byte %zu", t->r.at + 1);
}

int geotext_end(struct geotext *t, struct err *e)
{
	blanks(t);
	return rd_end(&t->r) && t->depth == 0 ? 0 : geotext_broken(t, e);
}

static struct geotext_slot *slot_of(struct geotext_slot *slots, size_t n, struct view key)
{
	for (size_t i = 0; i < n; i++)
		if (view_is(key, slots[i].name))
			return &slots[i];
	return NULL;
}

int geotext_fields(struct geotext *t, struct geotext_slot *slots, size_t n, struct err *e)
{
	if (geotext_kind(t) != '{')
		return t->r.bad || t->r.at >= t->r.n ? geotext_broken(t, e)
		                                     : err_set(e, WHY_MALFORMED, "expected an object");
	geotext_enter(t, '{');
	while (geotext_more(t, '}')) {
		struct geotext_slot *slot = slot_of(slots, n, geotext_key(t));
		size_t from = t->r.at;
		struct view value = geotext_value(t);
		if (slot != NULL && slot->value.n > 0)
			return err_set(e, WHY_MALFORMED, "%s: there twice", slot->name);
		if (slot != NULL)
			slot->value = geotext_ok(t) ? value : VIEW(t->r.p + from, t->r.n - from);
	}
	return geotext_ok(t) ? 0 : geotext_broken(t, e);
}

int geotext_members(struct view object, struct geotext_slot *slots, size_t n, struct err *e)
{
	struct geotext t = geotext_of(object);

	return geotext_fields(&t, slots, n, e) != 0 ? -1 : geotext_end(&t, e);
}
