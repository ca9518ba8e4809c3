#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "geofence/geotext.h"
#include "tests/unit/unit.h"

static bool whole(const char *text)
{
	struct geotext t = geotext_of(VIEW(text, strlen(text)));
	struct err e = {0};

	(void)geotext_value(&t);
	return geotext_end(&t, &e) == 0;
}

static void values_of_every_kind_are_read(void **s)
{
	(void)s;
	static const char *const good[] = {"{}", "[]", " [ ] ", "0", "-0", "1.5e-7", "1E+9", "\"\"", "\"a\\u00e9\\\\\"",
	        "true", "false", "null", "[1,[2,{\"a\":[{}]}],{\"b\":{\"c\":[]}}]", "{\"a\":1,\"a\":2}",
	        "\n\t\r [1 , 2]"};

	for (size_t i = 0; i < COUNT(good); i++)
		if (!whole(good[i]))
			fail_msg("%s is refused", good[i]);
}

static void what_is_not_json_is_refused(void **s)
{
	(void)s;
	static const char *const bad[] = {"", " ", "[", "]", "[1,]", "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}", "{a:1}",
	        "{\"a\":1,}", "01", "-", "1.", ".5", "1e", "+1", "NaN", "Infinity", "nul", "\"", "\"\\x\"",
	        "\"\\u12g4\"", "\"a\nb\"", "[1]]", "[1}", "{\"a\":1]", "1 2", "--1", "0x10", "'a'"};

	for (size_t i = 0; i < COUNT(bad); i++)
		if (whole(bad[i]))
			fail_msg("%s is taken", bad[i]);
}

static void depth_has_a_limit(void **s)
{
	(void)s;
	char text[2 * GEOTEXT_DEPTH_MAX + 4] = {0};

	memset(text, '[', GEOTEXT_DEPTH_MAX);
	memset(text + GEOTEXT_DEPTH_MAX, ']', GEOTEXT_DEPTH_MAX);
	assert_true(whole(text));
	memset(text, '[', GEOTEXT_DEPTH_MAX + 1);
	memset(text + GEOTEXT_DEPTH_MAX + 1, ']', GEOTEXT_DEPTH_MAX + 1);
	assert_false(whole(text));
}

static void numbers_are_rounded_as_strtod_rounds_them(void **s)
{
	(void)s;
	static const char *const numbers[] = {"0", "-0", "1", "-180", "179.9999999", "0.1", "12.345678901234567",
	        "9007199254740993", "123456789012345", "999999999999999.9", "1e22", "1e23", "5e-324", "1e999",
	        "-8.5e-3", "0.000000000000001", "50.110900000000001", "3.14159265358979323846264338327950288"};

	for (size_t i = 0; i < COUNT(numbers); i++) {
		struct geotext t = geotext_of(VIEW(numbers[i], strlen(numbers[i])));
		double x = geotext_number(&t), y = strtod(numbers[i], NULL);
		assert_true(geotext_ok(&t));
		assert_memory_equal(&x, &y, sizeof x);
	}
}

static void a_number_of_endless_digits_is_refused(void **s)
{
	(void)s;
	char text[300];

	memset(text, '1', sizeof text);
	struct geotext t = geotext_of(VIEW(text, sizeof text));
	(void)geotext_number(&t);
	assert_false(geotext_ok(&t));
}

static void a_member_that_is_there_twice_is_refused(void **s)
{
	(void)s;
	struct geotext_slot slot = {.name = "a"};
	struct err e = {0};
	const char *once = "{\"b\":1,\"a\":[2],\"b\":3}", *twice = "{\"a\":1,\"a\":1}";

	assert_int_equal(geotext_members(VIEW(once, strlen(once)), &slot, 1, &e), 0);
	assert_true(view_is(slot.value, "[2]"));
	slot.value = VIEW(NULL, 0);
	assert_refused(geotext_members(VIEW(twice, strlen(twice)), &slot, 1, &e), &e, WHY_MALFORMED);
}

static void a_broken_member_is_kept_for_who_wants_to_find_the_place(void **s)
{
	(void)s;
	struct geotext_slot slot = {.name = "a"};
	struct err e = {0};
	const char *text = "{\"a\":[1,2,";

	assert_refused(geotext_members(VIEW(text, strlen(text)), &slot, 1, &e), &e, WHY_MALFORMED);
	assert_true(view_is(slot.value, "[1,2,"));
	assert_non_null(strstr(e.text, "ends in the middle, at byte 10"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(values_of_every_kind_are_read),
	        cmocka_unit_test(what_is_not_json_is_refused),
	        cmocka_unit_test(depth_has_a_limit),
	        cmocka_unit_test(numbers_are_rounded_as_strtod_rounds_them),
	        cmocka_unit_test(a_number_of_endless_digits_is_refused),
	        cmocka_unit_test(a_member_that_is_there_twice_is_refused),
	        cmocka_unit_test(a_broken_member_is_kept_for_who_wants_to_find_the_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
