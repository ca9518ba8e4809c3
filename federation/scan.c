#include <string.h>

#include "federation/doorway.h"

void scan_start(struct scan *s)
{
	s->nline = s->column = 0;
	s->first = true;
	s->cr = s->odd = s->ended = false;
}

/* The end of a line; an empty one ends the header. */
static void line_ends(struct scan *s)
{
	if (!s->cr)
		s->odd = true;
	s->ended = s->column == 0;
	s->first = false;
	s->column = 0;
	s->cr = false;
}

static void inside(struct scan *s, uint8_t b)
{
	if (s->cr || b == 0 || (!s->first && s->column == 0 && (b == ' ' || b == '\t')))
		s->odd = true;
	s->cr = b == '\r';
	if (s->cr)
		return;
	if (s->first && s->nline < sizeof s->line)
		s->line[s->nline++] = (char)b;
	s->column++;
}

size_t scan_feed(struct scan *s, struct view v)
{
	size_t i = 0;

	while (i < v.n && !s->ended) {
		uint8_t b = v.p[i++];
		if (b == '\n')
			line_ends(s);
		else
			inside(s, b);
	}
	return i;
}

bool scan_request(const struct scan *s, enum method *m, struct view *target)
{
	if (s->first || s->nline == 0 || s->nline == sizeof s->line)
		return false;
	const char *end = s->line + s->nline, *a = memchr(s->line, ' ', s->nline);
	const char *b = a ? memchr(a + 1, ' ', (size_t)(end - a - 1)) : NULL;
	if (!b)
		return false;
	*m = route_method(VIEW(s->line, (size_t)(a - s->line)));
	*target = VIEW(a + 1, (size_t)(b - a - 1));
	return true;
}
