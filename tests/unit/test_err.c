#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

static void a_refusal_carries_its_reason_and_sentence(void **s)
{
	struct err e = {.hint = "old"};

	(void)s;
	assert_int_equal(err_set(&e, WHY_STALE, "nonce is %d", 7), -1);
	assert_int_equal(e.why, WHY_STALE);
	assert_string_equal(e.text, "nonce is 7");
	assert_string_equal(e.hint, "");
	assert_int_equal(err_hint(&e, "ask again"), -1);
	assert_string_equal(e.hint, "ask again");
}

static void a_sentence_grows_outwards(void **s)
{
	struct err e;

	(void)s;
	err_set(&e, WHY_FORGED, "the signature does not hold");
	err_in(&e, "quote");
	err_in(&e, "case %d", 3);
	assert_string_equal(e.text, "case 3: quote: the signature does not hold");
	assert_int_equal(e.why, WHY_FORGED);
}

static void a_system_error_says_what_the_system_said(void **s)
{
	struct err e;

	(void)s;
	errno = ENOENT;
	err_sys(&e, "cannot open x");
	assert_string_equal(e.text, "cannot open x: No such file or directory");
	assert_int_equal(e.why, WHY_SYSTEM);
	assert_int_equal(errno, ENOENT);
}

static void a_hostile_name_cannot_move_the_terminal(void **s)
{
	struct err e;

	(void)s;
	err_set(&e, WHY_MALFORMED, "%s", "a\n\x1b[2Jb\x7f\xc3\xa9");
	assert_string_equal(e.text, "a??[2Jb?\xc3\xa9");
}

static void a_long_sentence_is_cut_between_characters(void **s)
{
	char text[1000];
	struct err e;

	(void)s;
	memset(text, 'x', sizeof text);
	text[ERR_TEXT_MAX - 3] = (char)0xe2; /* three bytes, of which two fit */
	text[ERR_TEXT_MAX - 2] = (char)0x82;
	text[ERR_TEXT_MAX - 1] = (char)0xac;
	text[sizeof text - 1] = 0;
	err_set(&e, WHY_MALFORMED, "%s", text);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 3);
	err_in(&e, "place");
	assert_memory_equal(e.text, "place: xxx", 10);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
}

static void every_reason_has_a_name_that_reads_back(void **s)
{
	(void)s;
	for (int why = WHY_NONE; why < WHY_COUNT; why++)
		assert_int_equal(why_parse(why_name((enum why)why)), why);
	assert_int_equal(why_parse("whatever"), WHY_COUNT);
	assert_string_equal(why_name(WHY_COUNT), "none");
}

static void every_refusal_has_an_error_status(void **s)
{
	(void)s;
	assert_int_equal(why_http(WHY_NONE), 200);
	for (int why = WHY_MALFORMED; why <= WHY_COUNT; why++)
		assert_true(why_http((enum why)why) >= 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_refusal_carries_its_reason_and_sentence),
	        cmocka_unit_test(a_sentence_grows_outwards),
	        cmocka_unit_test(a_system_error_says_what_the_system_said),
	        cmocka_unit_test(a_hostile_name_cannot_move_the_terminal),
	        cmocka_unit_test(a_long_sentence_is_cut_between_characters),
	        cmocka_unit_test(every_reason_has_a_name_that_reads_back),
	        cmocka_unit_test(every_refusal_has_an_error_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
