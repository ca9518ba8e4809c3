/* Tests of cli: how the verbs take their arguments apart. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cli.h"

enum { WORDS_MAX = 8 };

struct line {
	char *words[WORDS_MAX];
	struct cli c;
};

/* Words are borrowed; NULL ends them. */
static void type(struct line *l, const char *const words[])
{
	int n = 0;

	for (; words[n]; n++)
		l->words[n] = (char *)(uintptr_t)words[n];
	l->c = (struct cli){.argc = n, .argv = l->words};
}

#define TYPE(l, ...) type((l), (const char *const[]){__VA_ARGS__, NULL})

static void an_option_is_taken_out_with_its_value_wherever_it_stands(void **s)
{
	const char *value = NULL;
	struct line l;
	(void)s;
	TYPE(&l, "a", "--key", "b", "c");
	assert_true(cli_option(&l.c, "--key", &value));
	assert_string_equal(value, "b");
	assert_int_equal(l.c.argc, 2);
	assert_string_equal(l.c.argv[0], "a");
	assert_string_equal(l.c.argv[1], "c");
}

static void an_equals_sign_joins_an_option_and_its_value(void **s)
{
	const char *value = NULL;
	struct line l;
	(void)s;
	TYPE(&l, "--key=", "--key=b=c");
	assert_true(cli_option(&l.c, "--key", &value));
	assert_string_equal(value, "");
	assert_true(cli_option(&l.c, "--key", &value));
	assert_string_equal(value, "b=c");
	assert_int_equal(l.c.argc, 0);
}

static void an_option_that_only_begins_alike_is_another(void **s)
{
	const char *value = "before";
	struct line l;
	(void)s;
	TYPE(&l, "--keys", "b", "--ke=c");
	assert_false(cli_option(&l.c, "--key", &value));
	assert_string_equal(value, "before");
	assert_int_equal(l.c.argc, 3);
}

static void an_option_without_its_value_stays_and_is_told(void **s)
{
	const char *value = NULL;
	struct err e = {0};
	struct line l;
	(void)s;
	TYPE(&l, "a", "--key");
	assert_false(cli_option(&l.c, "--key", &value));
	assert_false(cli_args(&l.c, 0, 9, &e));
	assert_non_null(strstr(e.text, "--key"));
}

static void an_option_given_twice_is_told(void **s)
{
	const char *value = NULL;
	struct err e = {0};
	struct line l;
	(void)s;
	TYPE(&l, "--key", "a", "--key", "b");
	assert_true(cli_option(&l.c, "--key", &value));
	assert_string_equal(value, "a");
	assert_false(cli_args(&l.c, 0, 9, &e));
}

static void a_flag_takes_no_value(void **s)
{
	struct line l;
	(void)s;
	TYPE(&l, "--json", "a");
	assert_true(cli_flag(&l.c, "--json"));
	assert_false(cli_flag(&l.c, "--json"));
	assert_int_equal(l.c.argc, 1);
	assert_string_equal(l.c.argv[0], "a");
}

static void too_few_and_too_many_arguments_are_told(void **s)
{
	struct err e = {0};
	struct line l;
	(void)s;
	TYPE(&l, "a", "b");
	assert_true(cli_args(&l.c, 2, 2, &e));
	assert_true(cli_args(&l.c, 1, 3, &e));
	assert_false(cli_args(&l.c, 3, 3, &e));
	assert_non_null(strstr(e.text, "2 arguments"));
	assert_false(cli_args(&l.c, 0, 1, &e));
}

static void a_negative_number_is_an_argument_and_not_an_option(void **s)
{
	struct err e = {0};
	struct line l;
	(void)s;
	TYPE(&l, "-0.1278", "-");
	assert_true(cli_args(&l.c, 2, 2, &e));
}

static void a_number_is_finite_in_range_and_nothing_else(void **s)
{
	static const char *const bad[] = {"", " ", "1x", "nan", "inf", "-91", "90.1", "1e999", "--"};
	double v = 7;
	struct err e = {0};
	(void)s;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_refused(cli_number(bad[i], -90, 90, "LAT", &v, &e), &e, WHY_MALFORMED);
		assert_non_null(strstr(e.text, "LAT"));
	}
	assert_true(v > 6.5 && v < 7.5);
	assert_accepted(cli_number("-0.5", -90, 90, "LAT", &v, &e), &e);
	assert_true(v > -0.51 && v < -0.49);
}

static void a_whole_number_is_digits_from_one_on(void **s)
{
	static const char *const bad[] = {
	        "", "0", "-1", "+1", " 1", "1 ", "1.5", "0x10", "1e3", "4294967296", "18446744073709551617"};
	uint64_t v = 7;
	struct err e = {0};
	(void)s;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_refused(cli_whole(bad[i], UINT32_MAX, "--version", &v, &e), &e, WHY_MALFORMED);
	assert_int_equal(v, 7);
	assert_accepted(cli_whole("4294967295", UINT32_MAX, "--version", &v, &e), &e);
	assert_int_equal(v, UINT32_MAX);
}

static json_t *read_text(const char *text, struct err *e)
{
	char path[] = "/tmp/test_cli.XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	json_t *j = cli_read_json(path, e);
	unlink(path);
	return j;
}

static void a_file_of_one_object_is_read_and_any_other_is_named(void **s)
{
	struct err e = {0};
	json_t *j = read_text("{\"a\": 1}\n", &e);
	(void)s;
	assert_non_null(j);
	json_decref(j);
	assert_null(read_text("[1]", &e));
	assert_null(read_text("{\"a\":1,\"a\":2}", &e));
	assert_null(read_text("", &e));
	assert_non_null(strstr(e.text, "/tmp/test_cli."));
	assert_null(cli_read_json("/tmp/there/is/no/such/file", &e));
	assert_string_equal(why_name(e.why), "system");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_option_is_taken_out_with_its_value_wherever_it_stands),
	        cmocka_unit_test(an_equals_sign_joins_an_option_and_its_value),
	        cmocka_unit_test(an_option_that_only_begins_alike_is_another),
	        cmocka_unit_test(an_option_without_its_value_stays_and_is_told),
	        cmocka_unit_test(an_option_given_twice_is_told),
	        cmocka_unit_test(a_flag_takes_no_value),
	        cmocka_unit_test(too_few_and_too_many_arguments_are_told),
	        cmocka_unit_test(a_negative_number_is_an_argument_and_not_an_option),
	        cmocka_unit_test(a_number_is_finite_in_range_and_nothing_else),
	        cmocka_unit_test(a_whole_number_is_digits_from_one_on),
	        cmocka_unit_test(a_file_of_one_object_is_read_and_any_other_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
