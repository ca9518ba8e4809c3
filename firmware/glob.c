#include "firmware/firmware.h"

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* What stands at *pattern, but for '*', against c; moves behind it. */
static bool one(const char **pattern, char c)
{
	if (**pattern == '\\') {
		++*pattern;
	} else if (**pattern == '?') {
		++*pattern;
		return !blank(c);
	}
	if (**pattern != c || c == 0)
		return false;
	++*pattern;
	return true;
}

bool glob_match(const char *pattern, const char *text)
{
	const char *star = NULL, *from = NULL; /* behind the last '*', and the end of what it has taken so far */

	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			from = text;
		} else if (one(&pattern, *text)) {
			text++;
		} else if (!star || blank(*from)) {
			return false;
		} else {
			text = ++from;
			pattern = star;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == 0;
}

bool glob_ok(const char *pattern)
{
	bool says = false;

	for (; *pattern; pattern++) {
		if (*pattern == '*' || *pattern == '?')
			continue;
		says = true;
		if (*pattern == '\\' && *++pattern == 0)
			return false;
	}
	return says;
}
