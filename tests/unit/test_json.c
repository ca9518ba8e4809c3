#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "tests/unit/mangle.h"

static json_t *read_text(const char *text, struct err *e)
{
	return json_read(VIEW(text, strlen(text)), 4096, e);
}

static void refused(const char *text)
{
	struct err e = {0};

	assert_null(read_text(text, &e));
	assert_string_equal(why_name(e.why), "malformed");
	assert_true(e.text[0] != 0);
}

static void attack_A87_a_duplicate_name_is_refused(void **s)
{
	(void)s;
	refused("{\"a\":1,\"a\":2}");
	refused("{\"a\":1,\"\\u0061\":2}");
	refused("{\"o\":{\"x\":1,\"x\":1}}");
}

static void what_is_not_exactly_one_object_is_refused(void **s)
{
	static const char *const bad[] = {"", " ", "[]", "1", "\"a\"", "null", "{} {}", "{}x", "{\"a\":1,}", "{'a':1}",
	        "{a:1}", "{\"a\":01}", "{\"a\":NaN}", "{\"a\":\"\\u0000\"}", "{\"a\":\"\xff\"}",
	        "{\"a\":99999999999999999999}", "\xef\xbb\xbf{}"};
	struct err e;

	(void)s;
	for (size_t i = 0; i < COUNT(bad); i++)
		refused(bad[i]);
	assert_null(json_read(VIEW("{}\0", 3), 64, &e));
}

static void json_past_its_size_is_refused_unread(void **s)
{
	struct err e;

	(void)s;
	AUTO(json_free) json_t *fits = json_read(VIEW("{\"a\":1}", 7), 7, &e);
	assert_non_null(fits);
	assert_null(json_read(VIEW("{\"a\":1}", 7), 6, &e));
	assert_string_equal(e.text, "the JSON has 7 bytes where 6 are allowed");
}

static void json_nested_past_its_depth_is_refused(void **s)
{
	char text[256] = "{\"a\":";
	struct err e;
	size_t n = strlen(text);

	(void)s;
	for (size_t i = 1; i < JSON_DEPTH_MAX; i++) {
		text[n + i - 1] = '[';
		text[n + JSON_DEPTH_MAX - 2 + i] = ']';
	}
	text[n + 2 * (JSON_DEPTH_MAX - 1)] = 0x7d;
	AUTO(json_free) json_t *j = read_text(text, &e);
	assert_non_null(j);
	memmove(text + n + 1, text + n, strlen(text + n) + 1);
	refused(text);
	AUTO(json_free) json_t *quoted = read_text("{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[\"}", &e);
	assert_non_null(quoted);
}

static void attack_A88_a_bomb_is_refused_in_bounded_memory(void **s)
{
	static char deep[100000], wide[1 << 20];
	struct err e;

	(void)s;
	memset(deep, '[', sizeof deep);
	assert_null(json_read(VIEW_OF(deep), sizeof deep, &e));
	assert_string_equal(e.text, "the JSON is nested deeper than 32 levels");
	memset(wide, '"', sizeof wide);
	assert_null(json_read(VIEW_OF(wide), 4096, &e));
	refused("{\"a\":18446744073709551616}");
	refused("{\"a\":1e309}");
	refused("{\"a\":\"\\ud800\"}");
	refused("{\"a\":\"\\u0000\"}");
}

static void members_of_the_right_type_are_given(void **s)
{
	struct err e;
	AUTO(json_free)
	json_t *j = read_text(
	        "{\"s\":\"x\",\"n\":\"geo-a\",\"i\":-3,\"d\":2.5,\"b\":true,\"h\":\"00ff\",\"c\":\"AAEC\"}", &e);
	const char *text;
	char name[64];
	int64_t i;
	double d;
	bool b;
	uint8_t bytes[3];
	size_t n;

	(void)s;
	assert_accepted(json_get_str(j, "s", &text, &e), &e);
	assert_string_equal(text, "x");
	assert_accepted(json_get_name(j, "n", name, &e), &e);
	assert_string_equal(name, "geo-a");
	assert_accepted(json_get_int(j, "i", -3, 3, &i, &e), &e);
	assert_int_equal(i, -3);
	assert_accepted(json_get_num(j, "d", 0, 3, &d, &e), &e);
	assert_true(d == 2.5);
	assert_accepted(json_get_num(j, "i", -4, 3, &d, &e), &e);
	assert_accepted(json_get_bool(j, "b", &b, &e), &e);
	assert_true(b);
	assert_accepted(json_get_hex(j, "h", bytes, 2, &e), &e);
	assert_memory_equal(bytes, "\x00\xff", 2);
	assert_accepted(json_get_b64(j, "c", bytes, 3, &n, &e), &e);
	assert_int_equal(n, 3);
	assert_memory_equal(bytes, "\0\1\2", 3);
}

static void a_member_of_another_type_is_named_in_the_refusal(void **s)
{
	struct err e;
	AUTO(json_free)
	json_t *j = read_text("{\"s\":\"Not A Name\",\"i\":7,\"d\":1e300,\"h\":\"0g\",\"c\":\"A\"}", &e);
	const char *text;
	char name[64];
	int64_t i;
	double d;
	bool b;
	uint8_t bytes[3];
	size_t n;

	(void)s;
	assert_refused(json_get_str(j, "i", &text, &e), &e, WHY_MALFORMED);
	assert_string_equal(e.text, "i: expected a string");
	assert_refused(json_get_str(j, "x", &text, &e), &e, WHY_MALFORMED);
	assert_string_equal(e.text, "x: missing");
	assert_refused(json_get_name(j, "s", name, &e), &e, WHY_MALFORMED);
	assert_refused(json_get_int(j, "i", 0, 6, &i, &e), &e, WHY_MALFORMED);
	assert_string_equal(e.text, "i: 7 is not between 0 and 6");
	assert_refused(json_get_int(j, "d", 0, 6, &i, &e), &e, WHY_MALFORMED);
	assert_refused(json_get_num(j, "d", 0, 6, &d, &e), &e, WHY_MALFORMED);
	assert_refused(json_get_bool(j, "i", &b, &e), &e, WHY_MALFORMED);
	assert_refused(json_get_hex(j, "h", bytes, 1, &e), &e, WHY_MALFORMED);
	assert_refused(json_get_hex(j, "i", bytes, 1, &e), &e, WHY_MALFORMED);
	assert_refused(json_get_b64(j, "c", bytes, 3, &n, &e), &e, WHY_MALFORMED);
	assert_refused(json_get_b64(j, "s", bytes, 3, &n, &e), &e, WHY_MALFORMED);
}

static void a_member_that_nobody_knows_is_refused(void **s)
{
	static const char *const both[] = {"a", "b", NULL}, *const one[] = {"a", NULL};
	struct err e;
	AUTO(json_free) json_t *j = read_text("{\"a\":1,\"b\":2}", &e);

	(void)s;
	assert_accepted(json_only(j, both, &e), &e);
	assert_refused(json_only(j, one, &e), &e, WHY_MALFORMED);
	assert_string_equal(e.text, "b: unknown member");
}

static void the_writer_puts_its_own_commas(void **s)
{
	char buf[512];
	struct wr w = wr_to(buf, sizeof buf);
	struct jw j = jw_to(&w);

	(void)s;
	jw_obj(&j, NULL);
	jw_str(&j, "s", "a\"\\\n\xc3\xa9\xff\xed\xa0\x80");
	jw_arr(&j, "list");
	jw_int(&j, NULL, INT64_MIN);
	jw_obj(&j, NULL);
	jw_end_obj(&j);
	jw_bool(&j, NULL, false);
	jw_end_arr(&j);
	jw_hex(&j, "h", VIEW("\x0f\xf0", 2));
	jw_b64(&j, "c", VIEW("foob", 4));
	jw_raw(&j, "r", VIEW("[1]", 3));
	jw_num(&j, "n", (double)NAN);
	jw_end_obj(&j);
	wr_u8(&w, 0);
	assert_true(wr_ok(&w));
	assert_string_equal(buf, "{\"s\":\"a\\\"\\\\\\u000a\xc3\xa9????\",\"list\":[-9223372036854775808,{},false],"
	                         "\"h\":\"0ff0\",\"c\":\"Zm9vYg\",\"r\":[1],\"n\":null}");
}

static void a_number_is_written_shortest_and_reads_back(void **s)
{
	static const double values[] = {
	        0.1, 1.0 / 3, 50.1109, 1e300, -2.2250738585072014e-308, 5e-324, 100, 1e15 + 0.3};

	(void)s;
	for (size_t i = 0; i < COUNT(values); i++) {
		char buf[64];
		struct wr w = wr_to(buf, sizeof buf);
		struct jw j = jw_to(&w);
		jw_num(&j, NULL, values[i]);
		wr_u8(&w, 0);
		assert_true(strtod(buf, NULL) == values[i]);
		assert_true(i != 0 || strcmp(buf, "0.1") == 0);
		assert_true(i != 2 || strcmp(buf, "50.1109") == 0);
	}
}

static void nesting_past_the_writer_is_not_written(void **s)
{
	char buf[512];
	struct wr w = wr_to(buf, sizeof buf);
	struct jw j = jw_to(&w);

	(void)s;
	for (int i = 0; i < 63; i++)
		jw_arr(&j, NULL);
	assert_true(wr_ok(&w));
	jw_arr(&j, NULL);
	assert_false(wr_ok(&w));
}

static void parse(struct view v, void *arg)
{
	struct err e;
	AUTO(json_free) json_t *j = json_read(v, 4096, &e);

	(void)arg;
	(void)j;
}

static void mangled_json_is_refused_or_read_within_its_bounds(void **s)
{
	static const char good[] = "{\"a\":[1,-2.5e3,\"\\u00e9\\\\\"],\"b\":{\"c\":null,\"d\":true}}";

	(void)s;
	mangle_each(VIEW(good, sizeof good - 1), parse, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(attack_A87_a_duplicate_name_is_refused),
	        cmocka_unit_test(what_is_not_exactly_one_object_is_refused),
	        cmocka_unit_test(json_past_its_size_is_refused_unread),
	        cmocka_unit_test(json_nested_past_its_depth_is_refused),
	        cmocka_unit_test(attack_A88_a_bomb_is_refused_in_bounded_memory),
	        cmocka_unit_test(members_of_the_right_type_are_given),
	        cmocka_unit_test(a_member_of_another_type_is_named_in_the_refusal),
	        cmocka_unit_test(a_member_that_nobody_knows_is_refused),
	        cmocka_unit_test(the_writer_puts_its_own_commas),
	        cmocka_unit_test(a_number_is_written_shortest_and_reads_back),
	        cmocka_unit_test(nesting_past_the_writer_is_not_written),
	        cmocka_unit_test(mangled_json_is_refused_or_read_within_its_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
