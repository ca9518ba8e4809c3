#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/wr.h"

enum { LINE_MAX_LOG = 2048 };

static const char *name = "merestone";

void log_name(const char *program)
{
	name = program;
}

static void escaped(struct wr *w, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		if (c < 0x20 || c == 0x7f)
			wr_fmt(w, "\\x%02x", c);
		else
			wr_u8(w, c);
	}
}

/* One write per line, so that lines of several processes do not mix. A line that is too long loses its end. */
static void line(const char *kind, const char *text)
{
	uint8_t buf[LINE_MAX_LOG];
	struct wr w = wr_to(buf, sizeof buf - 1);

	wr_fmt(&w, "%s: %s", name, kind);
	escaped(&w, text);
	buf[w.n] = '\n';
	ssize_t written = write(STDERR_FILENO, buf, w.n + 1);
	(void)written; /* there is nowhere left to complain */
}

static void formatted(const char *kind, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
static void formatted(const char *kind, const char *fmt, va_list ap)
{
	char text[LINE_MAX_LOG];

	if (vsnprintf(text, sizeof text, fmt, ap) >= 0)
		line(kind, text);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	formatted("", fmt, ap);
	va_end(ap);
}

void log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	formatted("warning: ", fmt, ap);
	va_end(ap);
}

void log_err(const struct err *e)
{
	line("error: ", e->text);
	if (e->hint[0])
		line("hint: ", e->hint);
}
