#include "tests/unit/mangle.h"
#include "tests/unit/unit.h"

#include "attest/attest.h"
#include "policy/policy.h"

static uint8_t buf[1024 * 1024];
static struct err e;

static struct ask example(void)
{
	return (struct ask){.ticket = 0x1122334455667788,
	        .kind = ASK_QUERY,
	        .role = ROLE_AUDITOR,
	        .peer = "auditor",
	        .body = VIEW("report/17", 9)};
}

static int reading(struct view v)
{
	struct ask a;

	e = (struct err){0};
	return ask_read(v, &a, &e);
}

static void what_is_written_is_read(void **s)
{
	struct wr w = wr_to(buf, sizeof buf);
	struct ask in = example(), out;

	(void)s;
	assert_int_equal(ask_write(&w, &in), 0);
	assert_accepted(ask_read(wr_done(&w), &out, &e), &e);
	assert_true(out.ticket == in.ticket && out.kind == in.kind && out.role == in.role);
	assert_string_equal(out.peer, in.peer);
	assert_true(view_equal(out.body, in.body));
}

static void a_peer_is_a_name_or_nobody(void **s)
{
	struct ask a = example();
	struct wr w = wr_to(buf, sizeof buf);

	(void)s;
	a.peer[0] = '\0';
	assert_int_equal(ask_write(&w, &a), 0);
	assert_accepted(reading(wr_done(&w)), &e);
	a = example();
	a.peer[0] = '/';
	w = wr_to(buf, sizeof buf);
	assert_int_equal(ask_write(&w, &a), 0);
	assert_refused(reading(wr_done(&w)), &e, WHY_MALFORMED);
}

static void a_body_past_its_limit_is_neither_written_nor_read(void **s)
{
	static uint8_t body[DOCUMENT_MAX + 1];
	static const struct {
		enum ask_kind kind;
		size_t max;
	} limits[] = {{ASK_ENROL, EVIDENCE_MAX}, {ASK_ACTIVATE, EVIDENCE_MAX}, {ASK_ATTEST, EVIDENCE_MAX},
	        {ASK_DOCUMENT, DOCUMENT_MAX}, {ASK_QUERY, QUERY_MAX}};

	(void)s;
	for (size_t i = 0; i < COUNT(limits); i++) {
		struct ask a = example();
		struct wr w = wr_to(buf, sizeof buf);
		a.kind = limits[i].kind;
		a.body = VIEW(body, limits[i].max);
		assert_int_equal(ask_write(&w, &a), 0);
		assert_accepted(reading(wr_done(&w)), &e);
		w = wr_to(buf, sizeof buf);
		a.body = VIEW(body, limits[i].max + 1);
		assert_int_equal(ask_write(&w, &a), -1);
		assert_refused(reading(wr_done(&w)), &e, WHY_MALFORMED);
	}
}

static void unknown_kinds_and_roles_are_refused(void **s)
{
	struct wr w = wr_to(buf, sizeof buf);
	struct ask a = example();

	(void)s;
	assert_int_equal(ask_write(&w, &a), 0);
	buf[8] = 0;
	assert_refused(reading(wr_done(&w)), &e, WHY_MALFORMED);
	buf[8] = ASK_KINDS;
	assert_refused(reading(wr_done(&w)), &e, WHY_MALFORMED);
	buf[8] = ASK_QUERY;
	buf[9] = ROLE_COUNT;
	assert_refused(reading(wr_done(&w)), &e, WHY_MALFORMED);
}

static void kinds_and_roles_have_names(void **s)
{
	(void)s;
	assert_string_equal(ask_kind_name(ASK_ENROL), "enrol");
	assert_string_equal(ask_kind_name(ASK_QUERY), "query");
	assert_string_equal(ask_kind_name(ASK_KINDS), "none");
	assert_string_equal(role_name(ROLE_OFFICER), "security-officer");
	assert_string_equal(role_name(ROLE_COUNT), "none");
}

static void the_judge_and_the_decider_mean_the_same_documents(void **s)
{
	(void)s;
	assert_string_equal(ASK_DOCUMENT_TYP, TYP_DOCUMENT);
}

static void changed(struct view v, void *arg)
{
	static uint8_t again[4096];
	struct wr w = wr_to(again, sizeof again);
	struct ask a;

	if (ask_read(v, &a, &e) != 0)
		return;
	if (ask_write(&w, &a) != 0 || !view_equal(wr_done(&w), v) || view_equal(v, *(struct view *)arg))
		fail_msg("a mangled ask was read as something else");
}

static void a_mangled_ask_is_refused_or_is_what_it_says(void **s)
{
	struct wr w = wr_to(buf, sizeof buf);
	struct ask a = example();

	(void)s;
	assert_int_equal(ask_write(&w, &a), 0);
	struct view good = wr_done(&w);
	mangle_each(good, changed, &good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_written_is_read),
	        cmocka_unit_test(a_peer_is_a_name_or_nobody),
	        cmocka_unit_test(a_body_past_its_limit_is_neither_written_nor_read),
	        cmocka_unit_test(unknown_kinds_and_roles_are_refused),
	        cmocka_unit_test(kinds_and_roles_have_names),
	        cmocka_unit_test(the_judge_and_the_decider_mean_the_same_documents),
	        cmocka_unit_test(a_mangled_ask_is_refused_or_is_what_it_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
