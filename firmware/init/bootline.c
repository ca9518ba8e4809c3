#include <string.h>

#include "base/hex.h"
#include "firmware/init/init.h"

enum { SEEN_ROOT = 1, SEEN_SALT = 2, SEEN_BLOCKS = 4, SEEN_ALL = 7, SEEN_DEBUG = 8 };

static bool hex_take(void *out, size_t cap, struct view v, size_t *n)
{
	char text[2 * SALT_MAX + 1];

	if (v.n == 0 || v.n % 2 != 0 || v.n / 2 > cap || v.n >= sizeof text)
		return false;
	memcpy(text, v.p, v.n);
	text[v.n] = 0;
	*n = v.n / 2;
	return hex_get(out, *n, text) == 0;
}

static bool number_take(struct view v, uint64_t *out)
{
	uint64_t n = 0;

	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(v.p[i] - '0');
	}
	*out = n;
	return v.n > 0 && v.n < 16 && n > 0;
}

static bool begins(struct view *v, const char *with)
{
	size_t n = strlen(with);

	if (v->n < n || memcmp(v->p, with, n) != 0)
		return false;
	*v = VIEW(v->p + n, v->n - n);
	return true;
}

/* One word of ours: which it is, or 0. */
static unsigned word_take(struct view v, struct bootline *b)
{
	size_t n = 0;

	if (begins(&v, "root="))
		return hex_take(b->root, sizeof b->root, v, &n) && n == SHA_LEN ? SEEN_ROOT : 0;
	if (begins(&v, "salt="))
		return hex_take(b->salt, sizeof b->salt, v, &b->nsalt) ? SEEN_SALT : 0;
	if (begins(&v, "blocks="))
		return number_take(v, &b->blocks) ? SEEN_BLOCKS : 0;
	b->debug = view_is(v, "debug");
	return b->debug ? SEEN_DEBUG : 0;
}

static struct view word_next(struct view *rest)
{
	size_t from = 0, to;

	while (from < rest->n && strchr(" \t\n", rest->p[from]))
		from++;
	for (to = from; to < rest->n && !strchr(" \t\n", rest->p[to]);)
		to++;
	struct view word = VIEW(rest->p + from, to - from);
	*rest = VIEW(rest->p + to, rest->n - to);
	return word;
}

int bootline_parse(struct view line, struct bootline *out, struct err *e)
{
	struct bootline b = {0};
	unsigned seen = 0;

	if (line.n > BOOTLINE_MAX || memchr(line.p, 0, line.n))
		return err_set(e, WHY_MALFORMED, "the command line of the kernel is not one of ours");
	for (struct view w = word_next(&line), v = w; w.n > 0; w = word_next(&line), v = w) {
		unsigned which;

		if (!begins(&v, "merestone."))
			continue;
		which = word_take(v, &b);
		if (which == 0 || (seen & which) != 0)
			return err_set(e, WHY_MALFORMED, "the command line has %.*s%.80s", (int)(w.n < 100 ? w.n : 100),
			        (const char *)w.p, which ? " for a second time" : ", which is unknown");
		seen |= which;
	}
	if ((seen & SEEN_ALL) != SEEN_ALL)
		return err_set(e, WHY_MALFORMED, "the command line names no root: merestone.root, .salt and .blocks");
	*out = b;
	return 0;
}
