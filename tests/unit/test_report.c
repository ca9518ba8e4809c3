#include "tests/unit/mangle.h"
#include "tests/unit/onebox.h"

static struct es256 *authority;
static uint8_t file[RING_MAX], text[RECORD_MAX];

static int before(void **s)
{
	onebox_joined(s);
	authority = es256_generate(&r->e);
	return 0;
}

static int after(void **s)
{
	es256_free(authority);
	return onebox_drop(s);
}

/* What the keeper would have signed. */
static struct view signed_report(struct view payload)
{
	struct wr w = wr_to(file, sizeof file);

	assert_accepted(jws_flat_sign(&w, authority, TYP_REPORT, payload, &r->e), &r->e);
	return wr_done(&w);
}

static struct view pull(const char *question)
{
	rig_ask(r, question);
	assert_verdict(r, VERDICT_SIGNED);
	assert_string_equal(r->v.typ, TYP_REPORT);
	return signed_report(r->v.body);
}

static int verify(struct view report, struct wr *w)
{
	*w = wr_to(text, sizeof text - 1);
	memset(&r->e, 0, sizeof r->e);
	int rc = report_verify(report, authority, w, &r->e);
	text[rc == 0 ? w->n : 0] = 0;
	return rc;
}

static void a_report_of_any_case_verifies_and_reads_well(void **s)
{
	struct wr w;
	char question[32];

	(void)s;
	for (uint64_t n = 1; n <= r->d->head.case_no; n++) {
		snprintf(question, sizeof question, "report/%d", (int)n);
		assert_accepted(verify(pull(question), &w), &r->e);
	}
	assert_non_null(strstr((char *)text, "cloudlet1"));
	assert_non_null(strstr((char *)text, "inner  affirming"));
	assert_non_null(strstr((char *)text, "allowed"));
	assert_non_null(strstr((char *)text, "event     enter  fence berlin, domain inner"));
}

static void a_report_by_another_key_is_forged(void **s)
{
	struct wr w = wr_to(text, sizeof text);

	(void)s;
	struct view report = pull("report/1");
	assert_refused(report_verify(report, r->officer, &w, &r->e), &r->e, WHY_FORGED);
}

static void refused(struct view mangled, void *arg)
{
	struct wr w;

	(void)arg;
	assert_int_equal(verify(mangled, &w), -1);
	assert_true(r->e.why == WHY_FORGED || r->e.why == WHY_MALFORMED);
	assert_int_equal(w.n, 0);
}

static void every_truncation_and_bit_flip_of_a_report_is_refused(void **s)
{
	(void)s;
	mangle_each(pull("report/4"), refused, NULL);
}

/* A liar with the right key: payloads whose parts do not agree. */
static void inconsistent(const char *from, const char *to, enum why why, const char *says)
{
	static char payload[RECORD_MAX];
	struct wr w;

	rig_ask(r, "report/4");
	memcpy(payload, r->v.body.p, r->v.body.n);
	payload[r->v.body.n] = 0;
	char *at = strstr(payload, from);
	assert_non_null(at);
	memcpy(at, to, strlen(to));
	assert_refused(verify(signed_report(VIEW(payload, strlen(payload))), &w), &r->e, why);
	if (!strstr(r->e.text, says))
		fail_msg("%s", r->e.text);
}

static void attack_A96_parts_of_a_report_that_disagree(void **s)
{
	(void)s;
	inconsistent("\"case\":4", "\"case\":5", WHY_FORGED, "the record is of case 4");
	inconsistent("\"head\":{\"case\":7", "\"head\":{\"case\":3", WHY_FORGED, "head of the log");
	inconsistent("\"head\":{\"case\":7", "\"head\":{\"case\":4", WHY_FORGED, "head of the log");
	inconsistent("\"previous\":\"", "\"previous\":\"ffff", WHY_FORGED, "does not hash");
	inconsistent("\"leaf\":\"", "\"leaf\":\"ffff", WHY_FORGED, "does not hash");
	inconsistent("merestone-report/1", "merestone-report/2", WHY_MALFORMED, "format");
	inconsistent("\"issued\"", "\"issuer\"", WHY_MALFORMED, "issuer");
}

static void a_hostile_text_in_a_record_moves_no_terminal(void **s)
{
	struct facts f = {.ticket = 9, .kind = ASK_ATTEST};
	struct wr w;
	char question[32];

	(void)s;
	err_set(&f.refusal, WHY_MALFORMED, "x");
	memcpy(f.refusal.text, "\033[2Jgone", 9);
	rig_case(r, &f);
	snprintf(question, sizeof question, "report/%d", (int)r->v.case_no);
	assert_accepted(verify(pull(question), &w), &r->e);
	assert_null(memchr(text, 033, w.n));
	assert_non_null(strstr((char *)text, "[2Jgone"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, before, after)
	const struct CMUnitTest tests[] = {
	        T(a_report_of_any_case_verifies_and_reads_well),
	        T(a_report_by_another_key_is_forged),
	        T(every_truncation_and_bit_flip_of_a_report_is_refused),
	        T(attack_A96_parts_of_a_report_that_disagree),
	        T(a_hostile_text_in_a_record_moves_no_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
