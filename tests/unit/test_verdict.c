#include <string.h>

#include "policy/policy.h"
#include "tests/unit/mangle.h"
#include "tests/unit/unit.h"

static uint8_t buf[65536], again[65536];
static struct verdict v, back;

static struct verdict *verdict_of(enum verdict_kind kind)
{
	memset(&v, 0, sizeof v);
	v.ticket = 0x1122334455667788;
	v.case_no = 17;
	v.kind = kind;
	memcpy(v.machine, "cloudlet1", 10);
	return &v;
}

static struct view written(const struct verdict *x)
{
	struct wr w = wr_to(buf, sizeof buf);

	assert_int_equal(verdict_write(&w, x), 0);
	return wr_done(&w);
}

/* Means the same: written again it gives the same bytes as those that were read. */
static void refused_or_the_same(struct view mangled, void *arg)
{
	struct err e;
	struct wr w = wr_to(again, sizeof again);

	(void)arg;
	if (verdict_read(mangled, &back, &e) != 0)
		return;
	assert_int_equal(verdict_write(&w, &back), 0);
	assert_true(view_equal(wr_done(&w), mangled));
}

static void there_and_back(const struct verdict *x)
{
	struct err e;
	struct view good = written(x);
	static uint8_t copy[65536];

	memcpy(copy, good.p, good.n);
	assert_accepted(verdict_read(VIEW(copy, good.n), &back, &e), &e);
	refused_or_the_same(VIEW(copy, good.n), NULL);
	mangle_each(VIEW(copy, good.n), refused_or_the_same, NULL);
}

static void result(struct verdict *x)
{
	x->has_nonce = true;
	memset(x->nonce, 7, sizeof x->nonce);
	x->srk = VIEW("srk", 3);
	x->id = VIEW("id", 2);
	x->with_certificate = true;
	x->certificate_s = 3600;
	x->reset_count = 3;
	x->counter = 4;
	x->ngrants = 2;
	for (int i = 0; i < 2; i++) {
		struct grant *g = &x->grants[i];
		memcpy(g->domain, "inner", 6);
		memcpy(g->dataset, "maps", 5);
		g->epoch = 1;
		g->generation = 2;
		g->deadline_ms = 1234567;
		g->with_key = i == 1;
	}
	x->body = VIEW("{}", 2);
}

static void a_refusal_arrives_as_it_was(void **s)
{
	struct verdict *x = verdict_of(VERDICT_REFUSAL);

	(void)s;
	err_set(&x->refusal, WHY_STALE, "the nonce has expired");
	err_hint(&x->refusal, "ask again");
	x->has_nonce = true;
	there_and_back(x);
	verdict_read(written(x), &back, &x->refusal);
	assert_int_equal(back.refusal.why, WHY_STALE);
	assert_string_equal(back.refusal.text, "the nonce has expired");
	assert_string_equal(back.refusal.hint, "ask again");
}

static void a_credential_arrives_as_it_was(void **s)
{
	struct verdict *x = verdict_of(VERDICT_CREDENTIAL);

	(void)s;
	x->has_nonce = true;
	x->ek = VIEW("ek", 2);
	x->ak = VIEW("ak", 2);
	there_and_back(x);
}

static void a_result_arrives_as_it_was(void **s)
{
	struct verdict *x = verdict_of(VERDICT_RESULT);
	struct err e;

	(void)s;
	result(x);
	there_and_back(x);
	assert_accepted(verdict_read(written(x), &back, &e), &e);
	assert_int_equal(back.ngrants, 2);
	assert_false(back.grants[0].with_key);
	assert_true(back.grants[1].with_key);
	assert_int_equal(back.grants[1].deadline_ms, 1234567);
	assert_string_equal(back.grants[1].dataset, "maps");
}

static void a_result_with_a_tag_arrives_as_it_was(void **s)
{
	struct verdict *x = verdict_of(VERDICT_RESULT);
	struct err e;

	(void)s;
	result(x);
	x->has_tag = true;
	memset(x->tag, 3, sizeof x->tag);
	memset(x->tag_name, 4, sizeof x->tag_name);
	there_and_back(x);
	assert_accepted(verdict_read(written(x), &back, &e), &e);
	assert_true(back.has_tag);
	assert_memory_equal(back.tag_name, x->tag_name, sizeof x->tag_name);
}

static void a_receipt_and_a_listing_arrive_as_they_were(void **s)
{
	struct verdict *x = verdict_of(VERDICT_RECEIPT);

	(void)s;
	x->body = VIEW("{\"case\":1}", 10);
	there_and_back(x);
	x = verdict_of(VERDICT_SIGNED);
	x->body = VIEW("{}", 2);
	memcpy(x->typ, TYP_LISTING, sizeof TYP_LISTING);
	there_and_back(x);
}

static void nothing_is_signed_for_the_asking_that_could_pass_for_a_result(void **s)
{
	struct verdict *x = verdict_of(VERDICT_SIGNED);
	struct err e = {0};

	(void)s;
	x->body = VIEW("{}", 2);
	memcpy(x->typ, TYP_EAR, sizeof TYP_EAR);
	assert_refused(verdict_read(written(x), &back, &e), &e, WHY_MALFORMED);
	memcpy(x->typ, TYP_DOCUMENT, sizeof TYP_DOCUMENT);
	assert_refused(verdict_read(written(x), &back, &e), &e, WHY_MALFORMED);
}

static void more_grants_than_there_are_datasets_are_refused(void **s)
{
	struct verdict *x = verdict_of(VERDICT_RESULT);
	struct err e = {0};

	(void)s;
	result(x);
	struct view good = written(x);
	/* ngrants stands behind the two public areas. */
	uint8_t *at = memmem(buf, good.n, "\x00\x02id\x00\x02", 6);
	assert_non_null(at);
	at[4] = 0xff;
	assert_refused(verdict_read(good, &back, &e), &e, WHY_MALFORMED);
}

static void a_result_without_the_next_nonce_is_refused(void **s)
{
	struct verdict *x = verdict_of(VERDICT_RESULT);
	struct err e = {0};

	(void)s;
	result(x);
	x->has_nonce = false;
	assert_refused(verdict_read(written(x), &back, &e), &e, WHY_MALFORMED);
}

static void a_machine_that_has_no_name_is_refused(void **s)
{
	struct verdict *x = verdict_of(VERDICT_RESULT);
	struct err e = {0};

	(void)s;
	result(x);
	memcpy(x->machine, "../x", 5);
	assert_refused(verdict_read(written(x), &back, &e), &e, WHY_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_refusal_arrives_as_it_was),
	        cmocka_unit_test(a_credential_arrives_as_it_was),
	        cmocka_unit_test(a_result_arrives_as_it_was),
	        cmocka_unit_test(a_result_with_a_tag_arrives_as_it_was),
	        cmocka_unit_test(a_receipt_and_a_listing_arrive_as_they_were),
	        cmocka_unit_test(nothing_is_signed_for_the_asking_that_could_pass_for_a_result),
	        cmocka_unit_test(more_grants_than_there_are_datasets_are_refused),
	        cmocka_unit_test(a_result_without_the_next_nonce_is_refused),
	        cmocka_unit_test(a_machine_that_has_no_name_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
