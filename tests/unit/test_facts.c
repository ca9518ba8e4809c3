#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "tests/unit/machinemaker.h"
#include "tests/unit/mangle.h"

static struct machine m;
static struct facts in, out;
static uint8_t buf[128 * 1024], ask[64 * 1024];
static const uint8_t nonce[NONCE_LEN] = {5};
static struct err e;

static int make(void **s)
{
	(void)s;
	machinemaker_new(&m);
	return 0;
}

static int drop(void **s)
{
	(void)s;
	machinemaker_drop(&m);
	return 0;
}

static void judged(enum ask_kind kind)
{
	assert_accepted(judge_ask(machinemaker_ask(&m, kind, ask, sizeof ask), &in, &e), &e);
	if (in.refusal.why != WHY_NONE)
		fail_msg("%s", in.refusal.text);
}

static struct view round_trip(void)
{
	struct wr w = wr_to(buf, sizeof buf);

	assert_int_equal(facts_write(&w, &in), 0);
	assert_accepted(facts_read(wr_done(&w), &out, &e), &e);
	assert_true(out.ticket == in.ticket && out.kind == in.kind && out.role == in.role);
	assert_string_equal(out.peer, in.peer);
	assert_memory_equal(out.ask_digest, in.ask_digest, SHA_LEN);
	return wr_done(&w);
}

static void the_facts_of_an_attestation_arrive(void **s)
{
	(void)s;
	machinemaker_attest(&m, nonce, true);
	judged(ASK_ATTEST);
	round_trip();
	const struct facts_attest *a = &in.attest, *b = &out.attest;
	assert_memory_equal(&a->claims, &b->claims, sizeof a->claims);
	assert_true(view_equal(a->quote, b->quote) && view_equal(a->ak, b->ak));
	assert_memory_equal(a->quote_sig, b->quote_sig, ES256_SIG);
	assert_int_equal(a->ndigests, b->ndigests);
	assert_memory_equal(a->digests, b->digests, a->ndigests * SHA_LEN);
	assert_memory_equal(&a->pcrs, &b->pcrs, sizeof a->pcrs);
	assert_true(b->has_log);
	assert_memory_equal(&a->boot.pcrs, &b->boot.pcrs, sizeof a->boot.pcrs);
	assert_int_equal(a->boot.events, b->boot.events);
	assert_int_equal(b->boot.secure_boot, SECURE_BOOT_ON);
	assert_int_equal(a->nmeasured, b->nmeasured);
	for (size_t i = 0; i < a->nmeasured; i++) {
		assert_int_equal(a->measured[i].pcr, b->measured[i].pcr);
		assert_int_equal(a->measured[i].type, b->measured[i].type);
		assert_int_equal(a->measured[i].number, b->measured[i].number);
		assert_memory_equal(a->measured[i].digest, b->measured[i].digest, PCR_LEN);
	}
}

static void what_a_receiver_says_arrives(void **s)
{
	struct gnss *g = &in.attest.claims.gnss;

	(void)s;
	machinemaker_attest(&m, nonce, false);
	judged(ASK_ATTEST);
	in.attest.claims.has_gnss = true;
	*g = (struct gnss){.time_ms = 1800000000123, .lat_deg = -52.5, .lon_deg = 179.5, .eph_m = 2.5, .age_ms = 9};
	g->has_fix = g->has_eph = true;
	g->satellites = 7;
	g->doubts = GNSS_BIT(GNSS_FLAT);
	round_trip();
	assert_memory_equal(g, &out.attest.claims.gnss, sizeof *g);
	assert_true(out.attest.claims.has_gnss);
	*g = (struct gnss){.doubts = GNSS_BIT(GNSS_NO_FIX)};
	round_trip();
	assert_memory_equal(g, &out.attest.claims.gnss, sizeof *g);
}

static void a_lying_judge_cannot_pass_what_no_receiver_says(void **s)
{
	struct gnss *g = &in.attest.claims.gnss;
	struct wr w = wr_to(buf, sizeof buf);

	(void)s;
	machinemaker_attest(&m, nonce, false);
	judged(ASK_ATTEST);
	in.attest.claims.has_gnss = true;
	*g = (struct gnss){.has_fix = true, .lat_deg = NAN};
	assert_int_equal(facts_write(&w, &in), 0);
	assert_refused(facts_read(wr_done(&w), &out, &e), &e, WHY_MALFORMED);
	*g = (struct gnss){.doubts = UINT32_C(1) << 31};
	w = wr_to(buf, sizeof buf);
	assert_int_equal(facts_write(&w, &in), 0);
	assert_refused(facts_read(wr_done(&w), &out, &e), &e, WHY_MALFORMED);
}

static void what_the_tpm_says_of_its_counter_arrives(void **s)
{
	(void)s;
	machinemaker_attest(&m, nonce, false);
	judged(ASK_ATTEST);
	round_trip();
	assert_true(out.attest.counter_certify.n > 0);
	assert_true(view_equal(in.attest.counter_certify, out.attest.counter_certify));
	assert_true(view_equal(in.attest.counter_certify_sig, out.attest.counter_certify_sig));
	assert_memory_equal(in.attest.pcrs.v[ENDED_PCR], out.attest.pcrs.v[ENDED_PCR], PCR_LEN);
}

static void a_tag_arrives_with_its_certification(void **s)
{
	AUTO(es256_free) struct es256 *officer = es256_generate(&e);
	struct tag t = tagmaker_plain("cloudlet1", &m.ek, 3, 1800000000);
	struct made_tag tag;

	(void)s;
	tagmaker_sign(&tag, officer, &t);
	m.tag = &tag;
	machinemaker_attest(&m, nonce, false);
	m.tag = NULL;
	judged(ASK_ATTEST);
	round_trip();
	assert_true(view_equal(in.attest.tag, out.attest.tag) && out.attest.tag.n == tag.n);
	assert_true(view_equal(in.attest.tag_certify, out.attest.tag_certify));
	assert_true(view_equal(in.attest.tag_certify_sig, out.attest.tag_certify_sig));
}

static void landmarks_statements_arrive(void **s)
{
	AUTO(es256_free) struct es256 *landmark = es256_generate(&e);
	struct bound b = {.landmark = "tower", .rounds = 24, .rtt_ns = 1000000, .time = 1800000000};
	uint8_t part[BOUNDS_PART_MAX] = {0}, one[BOUND_MAX];
	struct wr w = wr_to(part + ES256_PUB, sizeof part - ES256_PUB), o = wr_to(one, sizeof one);

	(void)s;
	assert_accepted(bound_sign(&o, landmark, &b, &e), &e);
	wr_view16(&w, wr_done(&o));
	m.bounds = VIEW(part, ES256_PUB + w.n);
	machinemaker_attest(&m, nonce, false);
	m.bounds = VIEW(NULL, 0);
	judged(ASK_ATTEST);
	round_trip();
	assert_true(view_equal(out.attest.bounds, VIEW(part, ES256_PUB + w.n)));
}

static void the_facts_of_an_activation_arrive(void **s)
{
	(void)s;
	machinemaker_activate(&m, nonce);
	judged(ASK_ACTIVATE);
	round_trip();
	assert_true(view_equal(in.attest.id, out.attest.id) && view_equal(in.attest.srk, out.attest.srk));
	assert_true(view_equal(in.attest.id_certify, out.attest.id_certify));
	assert_true(view_equal(in.attest.srk_certify_sig, out.attest.srk_certify_sig));
}

static void the_facts_of_an_enrolment_arrive(void **s)
{
	(void)s;
	machinemaker_enrol(&m);
	judged(ASK_ENROL);
	round_trip();
	assert_string_equal(out.enrol.machine, "cloudlet1");
	assert_true(view_equal(in.enrol.ek, out.enrol.ek) && view_equal(in.enrol.ak, out.enrol.ak));
	assert_true(view_equal(in.enrol.id, out.enrol.id) && view_equal(in.enrol.srk, out.enrol.srk));
	assert_int_equal(out.enrol.ek_cert.n, 0);
}

static void a_refusal_arrives_with_its_sentence(void **s)
{
	(void)s;
	memset(&in, 0, sizeof in);
	in.ticket = 3;
	in.kind = ASK_ATTEST;
	err_set(&in.refusal, WHY_FORGED, "the signature does not hold");
	err_hint(&in.refusal, "look at it");
	memcpy(in.attest.claims.machine, "cloudlet1", 10);
	round_trip();
	assert_int_equal(out.refusal.why, WHY_FORGED);
	assert_string_equal(out.refusal.text, "the signature does not hold");
	assert_string_equal(out.refusal.hint, "look at it");
	assert_string_equal(out.attest.claims.machine, "cloudlet1");
	assert_string_equal(out.enrol.machine, "cloudlet1");
}

static void a_query_arrives(void **s)
{
	(void)s;
	memset(&in, 0, sizeof in);
	in.kind = ASK_QUERY;
	in.text = VIEW("list/fences", 11);
	round_trip();
	assert_true(view_is(out.text, "list/fences"));
}

/* What a judge that was taken over might write. */
static void values_out_of_range_are_refused(void **s)
{
	machinemaker_attest(&m, nonce, true);
	judged(ASK_ATTEST);
	struct facts good = in;

	(void)s;
#define REFUSED_WITH(change)                                                                                           \
	do {                                                                                                           \
		struct wr w = wr_to(buf, sizeof buf);                                                                  \
		in = good;                                                                                             \
		change;                                                                                                \
		assert_int_equal(facts_write(&w, &in), 0);                                                             \
		assert_refused(facts_read(wr_done(&w), &out, &e), &e, WHY_MALFORMED);                                  \
		assert_int_equal(out.ticket, 0);                                                                       \
	} while (0)
	REFUSED_WITH(in.kind = ASK_KINDS);
	REFUSED_WITH(in.role = ROLE_COUNT);
	REFUSED_WITH(in.peer[0] = '/');
	REFUSED_WITH(in.refusal.why = WHY_COUNT);
	REFUSED_WITH(in.attest.claims.machine[0] = '\0');
	REFUSED_WITH(in.attest.claims.machine[0] = '.');
	REFUSED_WITH(in.attest.claims.fix.lat_deg = 91);
	REFUSED_WITH(in.attest.claims.fix.uncertainty_m = -1);
	REFUSED_WITH(in.attest.claims.fix.lon_deg = 0.0 / 0.0);
	REFUSED_WITH(in.attest.boot.secure_boot = (enum secure_boot)3);
	REFUSED_WITH(in.attest.boot.events = EVENT_MAX + 1);
	REFUSED_WITH(in.attest.measured[0].pcr = 5);
	REFUSED_WITH(in.attest.measured[0].pcr = PCR_COUNT);
	REFUSED_WITH(in.attest.ak = VIEW(ask, TPM_PUBLIC_MAX + 1));
	REFUSED_WITH(in.attest.quote = VIEW(ask, TPM_ATTEST_MAX + 1));
#undef REFUSED_WITH
}

static void changed(struct view v, void *arg)
{
	static uint8_t again[128 * 1024];
	struct wr w = wr_to(again, sizeof again);

	if (facts_read(v, &out, &e) != 0)
		return;
	assert_int_equal(facts_write(&w, &out), 0);
	if (!view_equal(wr_done(&w), v) || view_equal(v, *(struct view *)arg))
		fail_msg("mangled facts were read as something else");
}

static void mangled_facts_are_refused_or_are_what_they_say(void **s)
{
	static uint8_t copy[16 * 1024];

	(void)s;
	machinemaker_activate(&m, nonce);
	judged(ASK_ACTIVATE);
	struct view v = round_trip();
	assert_true(v.n <= sizeof copy);
	memcpy(copy, v.p, v.n);
	struct view good = VIEW(copy, v.n);
	mangle_each(good, changed, &good);
}

/* tests/vectors: a fuzzer that starts from an older format learns little. */
static uint8_t *vector(const char *folder, const char *name, size_t *n)
{
	uint8_t *bytes = NULL;
	char path[64];

	snprintf(path, sizeof path, "tests/vectors/%s/%s.%s", folder, name, *folder == 'j' ? "ask" : "facts");
	assert_accepted(file_read(AT_FDCWD, path, sizeof buf, &bytes, n, &e), &e);
	return bytes;
}

static void the_fuzzers_first_inputs_are_whole(void **s)
{
	static const char *const names[] = {
	        "enrol", "activate", "attest", "located", "runtime", "document", "query", "refusal"};
	size_t n;

	(void)s;
	for (size_t i = 0; i < COUNT(names); i++) {
		uint8_t *facts = vector("facts", names[i], &n);
		assert_accepted(facts_read(VIEW(facts, n), &out, &e), &e);
		assert_int_equal(out.refusal.why != WHY_NONE, i == COUNT(names) - 1);
		free(facts);
	}
	for (size_t i = 0; i < COUNT(names) - 1; i++) {
		uint8_t *bytes = vector("judge", names[i], &n);
		assert_accepted(judge_ask(VIEW(bytes, n), &out, &e), &e);
		assert_string_equal(out.refusal.text, "");
		free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_facts_of_an_attestation_arrive),
	        cmocka_unit_test(what_a_receiver_says_arrives),
	        cmocka_unit_test(a_lying_judge_cannot_pass_what_no_receiver_says),
	        cmocka_unit_test(what_the_tpm_says_of_its_counter_arrives),
	        cmocka_unit_test(a_tag_arrives_with_its_certification),
	        cmocka_unit_test(landmarks_statements_arrive),
	        cmocka_unit_test(the_facts_of_an_activation_arrive),
	        cmocka_unit_test(the_facts_of_an_enrolment_arrive),
	        cmocka_unit_test(a_refusal_arrives_with_its_sentence),
	        cmocka_unit_test(a_query_arrives),
	        cmocka_unit_test(values_out_of_range_are_refused),
	        cmocka_unit_test(mangled_facts_are_refused_or_are_what_they_say),
	        cmocka_unit_test(the_fuzzers_first_inputs_are_whole),
	};
	return cmocka_run_group_tests(tests, make, drop);
}
