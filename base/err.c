#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static const struct {
	const char *name;
	int http;
} reasons[WHY_COUNT] = {
        [WHY_NONE] = {"none", 200},
        [WHY_MALFORMED] = {"malformed", 400},
        [WHY_FORGED] = {"forged", 403},
        [WHY_STALE] = {"stale", 409},
        [WHY_UNKNOWN] = {"unknown", 404},
        [WHY_UNTRUSTED] = {"untrusted", 403},
        [WHY_OUTSIDE] = {"outside", 403},
        [WHY_REFUSED] = {"refused", 403},
        [WHY_SYSTEM] = {"system", 503},
};

/* A sentence may quote hostile names: it must not move a terminal or break a line, nor end in half a character. */
static void clean(char *s)
{
	size_t n = strlen(s), start = n;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		if (c < 0x20 || c == 0x7f)
			s[i] = '?';
	}
	while (start > 0 && ((unsigned char)s[start - 1] & 0xc0) == 0x80)
		start--;
	if (start == 0)
		return;
	unsigned char lead = (unsigned char)s[start - 1];
	size_t wants = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
	if (n - start < wants)
		s[start - 1] = 0;
}

static void fill(char *out, size_t cap, const char *fmt, va_list ap)
{
	if (vsnprintf(out, cap, fmt, ap) < 0)
		out[0] = 0;
	clean(out);
}

int err_set(struct err *e, enum why why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
	e->why = why;
	e->hint[0] = 0;
	return -1;
}

int err_in(struct err *e, const char *fmt, ...)
{
	char old[ERR_TEXT_MAX];
	va_list ap;

	memcpy(old, e->text, sizeof old);
	va_start(ap, fmt);
	fill(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
	size_t n = strlen(e->text);
	snprintf(e->text + n, sizeof e->text - n, ": %s", old);
	clean(e->text);
	return -1;
}

int err_hint(struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(e->hint, sizeof e->hint, fmt, ap);
	va_end(ap);
	return -1;
}

int err_sys(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	fill(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
	size_t n = strlen(e->text);
	snprintf(e->text + n, sizeof e->text - n, ": %s", strerror(saved));
	e->why = WHY_SYSTEM;
	e->hint[0] = 0;
	errno = saved;
	return -1;
}

const char *why_name(enum why why)
{
	return (unsigned)why < WHY_COUNT ? reasons[why].name : "none";
}

enum why why_parse(const char *name)
{
	for (unsigned i = 0; i < COUNT(reasons); i++)
		if (strcmp(reasons[i].name, name) == 0)
			return (enum why)i;
	return WHY_COUNT;
}

int why_http(enum why why)
{
	return (unsigned)why < WHY_COUNT ? reasons[why].http : 503;
}
