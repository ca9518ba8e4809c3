#include <stdlib.h>

#include "tests/unit/bootmaker.h"
#include "tests/unit/mangle.h"

static void matches(const char *pattern, const char *text)
{
	if (!glob_match(pattern, text))
		fail_msg("\"%s\" does not match \"%s\"", pattern, text);
}

static void differs(const char *pattern, const char *text)
{
	if (glob_match(pattern, text))
		fail_msg("\"%s\" matches \"%s\"", pattern, text);
}

static void a_pattern_is_the_whole_text(void **s)
{
	(void)s;
	matches("quiet", "quiet");
	matches("", "");
	differs("quiet", "quiet ");
	differs("quiet", " quiet");
	differs("quiet", "quie");
	differs("", "x");
}

static void a_star_is_any_run_of_characters(void **s)
{
	(void)s;
	matches("root=*", "root=/dev/sda");
	matches("root=*", "root=");
	matches("*a*b*c", "xxaybzc");
	matches("*abc", "ababc");
	matches("a**", "a");
	differs("*abc", "abcd");
	differs("a*b", "a");
}

static void a_star_ends_at_a_blank(void **s)
{
	(void)s;
	matches("quiet root=* ro", "quiet root=/dev/sda ro");
	differs("quiet root=*", "quiet root=/dev/sda init=/bin/sh");
	differs("*", "a b");
	differs("root=* ro", "root=a\nro ro");
	differs("root=?", "root= ");
	matches("a* b* c", "a1 b2 c");
	differs("a* b* c", "a1 x b2 c");
}

static void a_backslash_takes_the_next_character_as_it_is(void **s)
{
	(void)s;
	matches("a\\*", "a*");
	differs("a\\*", "ab");
	matches("a\\?\\\\", "a?\\");
}

static void a_pattern_must_say_something(void **s)
{
	(void)s;
	assert_false(glob_ok(""));
	assert_false(glob_ok("*"));
	assert_false(glob_ok("**?"));
	assert_false(glob_ok("a\\"));
	assert_true(glob_ok("\\*"));
	assert_true(glob_ok("root=*"));
}

/* A73: what makes other matchers take for ever. */
static void attack_A73_a_pattern_of_many_stars(void **s)
{
	char pattern[2001], text[4001];

	(void)s;
	for (size_t i = 0; i < 2000; i += 2)
		memcpy(pattern + i, "a*", 2);
	pattern[1999] = 'b';
	pattern[2000] = 0;
	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = 0;
	differs(pattern, text);
}

/* ---- text16.c ---- */

static void both_ways(const char *text, size_t bytes)
{
	uint8_t wide[64];
	char back[64];
	int n = text16_put(wide, sizeof wide, text);

	assert_int_equal(n, bytes);
	assert_int_equal(text16_get(back, sizeof back, VIEW(wide, (size_t)n)), 0);
	assert_string_equal(back, text);
}

static void text_of_two_bytes_a_character_and_back(void **s)
{
	(void)s;
	both_ways("", 0);
	both_ways("quiet", 10);
	both_ways("\xc3\xa4\xe2\x82\xac", 4);
	both_ways("\xf0\x9f\x9a\x80", 4); /* two surrogates */
}

static void what_is_no_text_is_refused(void **s)
{
	char out[8];
	uint8_t wide[4];

	(void)s;
	assert_int_equal(text16_get(out, sizeof out, VIEW("a", 1)), -1);
	assert_int_equal(text16_get(out, sizeof out, VIEW("a\0\0\0b\0", 6)), -1);
	assert_int_equal(text16_get(out, sizeof out, VIEW("a\0\0\0", 4)), 0);
	assert_string_equal(out, "a");
	assert_int_equal(text16_get(out, sizeof out, VIEW("\x00\xd8", 2)), -1);
	assert_int_equal(text16_get(out, sizeof out, VIEW("\x00\xdc\x00\xd8", 4)), -1);
	assert_int_equal(text16_get(out, sizeof out, VIEW("a\0b\0c\0d\0e\0f\0", 12)), -1); /* too long */
	assert_int_equal(text16_get(out, 0, VIEW(NULL, 0)), -1);
	assert_int_equal(text16_put(wide, sizeof wide, "abc"), -1);
}

static void ends(struct view mangled, void *arg)
{
	char out[128];

	(void)arg;
	if (text16_get(out, sizeof out, mangled) == 0)
		assert_true(strlen(out) <= 2 * mangled.n);
}

static void mangled_text_is_refused_or_short(void **s)
{
	uint8_t wide[64];

	(void)s;
	mangle_each(bootmaker_wide(wide, "quiet root=/dev/a", true), ends, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_pattern_is_the_whole_text),
	        cmocka_unit_test(a_star_is_any_run_of_characters),
	        cmocka_unit_test(a_star_ends_at_a_blank),
	        cmocka_unit_test(a_backslash_takes_the_next_character_as_it_is),
	        cmocka_unit_test(a_pattern_must_say_something),
	        cmocka_unit_test(attack_A73_a_pattern_of_many_stars),
	        cmocka_unit_test(text_of_two_bytes_a_character_and_back),
	        cmocka_unit_test(what_is_no_text_is_refused),
	        cmocka_unit_test(mangled_text_is_refused_or_short),
	};
	return cmocka_run_group_tests_name("glob", tests, NULL, NULL);
}
