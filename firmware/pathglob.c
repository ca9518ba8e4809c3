#include "firmware/firmware.h"

#include <string.h>

enum { ANY_CHAR = 0x100, STAR, STARS };

static bool is_wild(char c)
{
	return c == '*' || c == '?';
}

/* The first directory is written out: nothing leaves out everything (A73). */
static bool narrow(const char *text, size_t prefix)
{
	const char *second = text[0] == '/' && text[1] != 0 ? strchr(text + 2, '/') : NULL;
	bool all_literal = text[prefix] == 0;

	return text[0] == '/' && (all_literal || (second && (size_t)(second - text) < prefix));
}

static int parse_tokens(const char *s, struct pathglob *g, struct err *e)
{
	while (*s) {
		if (g->tokens == PATHGLOB_TOKENS_MAX)
			return err_set(e, WHY_MALFORMED, "more than %d characters from the first wildcard on",
			        PATHGLOB_TOKENS_MAX);
		bool two = s[0] == '*' && s[1] == '*';
		if (two && s[2] == '*')
			return err_set(e, WHY_MALFORMED, "three stars mean nothing");
		if (*s == '*')
			g->stars |= UINT64_C(1) << g->tokens;
		g->token[g->tokens++] = two ? STARS : *s == '*' ? STAR : *s == '?' ? ANY_CHAR : (uint8_t)*s;
		s += two ? 2 : 1;
	}
	return 0;
}

int pathglob_parse(const char *text, struct pathglob *out, struct err *e)
{
	struct pathglob g = {0};
	size_t prefix = 0;

	while (text[prefix] && !is_wild(text[prefix]))
		prefix++;
	if (prefix >= PATHGLOB_PREFIX_MAX)
		return err_set(
		        e, WHY_MALFORMED, "more than %d characters in front of a wildcard", PATHGLOB_PREFIX_MAX - 1);
	if (!narrow(text, prefix)) {
		err_set(e, WHY_MALFORMED, "\"%s\" is too wide: its first directory is not written out", text);
		return err_hint(e, "begin as in /tmp/**");
	}
	memcpy(g.literal, text, prefix);
	g.prefix = (uint32_t)prefix;
	if (parse_tokens(text + prefix, &g, e))
		return err_in(e, "\"%s\"", text);
	*out = g;
	return 0;
}

/* Bit i of a state: what was read may stand in front of token i. A star may stand for nothing. */
static uint64_t closed(const struct pathglob *g, uint64_t state)
{
	return state | (state & g->stars) << 1;
}

static uint64_t step(const struct pathglob *g, uint64_t state, uint8_t c)
{
	uint64_t next = 0;

	for (uint64_t left = state; left; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctzll(left);
		if (i >= g->tokens)
			continue;
		uint16_t t = g->token[i];
		if (t == STARS || (t == STAR && c != '/'))
			next |= UINT64_C(1) << i;
		else if (t == c || (t == ANY_CHAR && c != '/'))
			next |= UINT64_C(1) << (i + 1);
	}
	return closed(g, next);
}

bool pathglob_match(const struct pathglob *g, struct view name)
{
	uint64_t state = closed(g, 1);

	if (name.n < g->prefix || memcmp(name.p, g->literal, g->prefix) != 0)
		return false;
	for (size_t i = g->prefix; i < name.n && state; i++)
		state = step(g, state, name.p[i]);
	return state >> g->tokens & 1;
}
