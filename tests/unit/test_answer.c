/* Tests of answer: keeper to door. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "keystore/keystore.h"
#include "tests/unit/mangle.h"

static struct view written(uint8_t *buf, size_t cap, const struct answer *a)
{
	struct wr w = wr_to(buf, cap);
	assert_int_equal(answer_write(&w, a), 0);
	return wr_done(&w);
}

static void what_was_written_is_read(void **s)
{
	struct answer a = {.ticket = 0x1122334455667788, .why = WHY_OUTSIDE, .body = VIEW("{\"case\":1}", 10)}, back;
	struct err e = {0};
	uint8_t buf[64];
	(void)s;
	assert_accepted(answer_read(written(buf, sizeof buf, &a), &back, &e), &e);
	assert_true(back.ticket == a.ticket);
	assert_int_equal(back.why, WHY_OUTSIDE);
	assert_true(view_is(back.body, "{\"case\":1}"));
}

static void same_or_refused(struct view v, void *arg)
{
	struct answer a;
	struct err e = {0};
	uint8_t buf[64];
	(void)arg;
	if (answer_read(v, &a, &e) == 0)
		assert_true(view_equal(written(buf, sizeof buf, &a), v));
	else
		assert_refused(-1, &e, WHY_MALFORMED);
}

static void every_mangled_answer_is_refused_or_means_what_it_says(void **s)
{
	struct answer a = {.ticket = 7, .why = WHY_NONE, .body = VIEW("{}", 2)};
	uint8_t buf[64];
	(void)s;
	mangle_each(written(buf, sizeof buf, &a), same_or_refused, NULL);
}

static void a_reason_that_is_none_of_ours_is_refused(void **s)
{
	struct answer a = {.ticket = 7, .why = WHY_COUNT, .body = VIEW("{}", 2)}, back;
	struct err e = {0};
	uint8_t buf[64];
	(void)s;
	assert_refused(answer_read(written(buf, sizeof buf, &a), &back, &e), &e, WHY_MALFORMED);
}

static void an_answer_without_a_body_is_refused(void **s)
{
	struct answer a = {.ticket = 7, .body = VIEW("", 0)}, back;
	struct err e = {0};
	uint8_t buf[64];
	(void)s;
	assert_refused(answer_read(written(buf, sizeof buf, &a), &back, &e), &e, WHY_MALFORMED);
}

static void a_body_past_the_limit_is_refused(void **s)
{
	size_t n = ANSWER_BODY_MAX + 1;
	AUTO(mem_free) char *body = calloc(1, n), *buf = malloc(n + 64);
	struct answer a = {.ticket = 7, .body = VIEW(body, n)}, back;
	struct err e = {0};
	(void)s;
	struct view v = written((uint8_t *)buf, n + 64, &a);
	assert_refused(answer_read(v, &back, &e), &e, WHY_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_was_written_is_read),
	        cmocka_unit_test(every_mangled_answer_is_refused_or_means_what_it_says),
	        cmocka_unit_test(a_reason_that_is_none_of_ours_is_refused),
	        cmocka_unit_test(an_answer_without_a_body_is_refused),
	        cmocka_unit_test(a_body_past_the_limit_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
