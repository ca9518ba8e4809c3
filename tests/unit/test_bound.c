#include "attest/attest.h"
#include "tests/unit/mangle.h"
#include "tests/unit/unit.h"

static struct es256 *key;
static struct err e;
static uint8_t buf[BOUND_MAX];
static struct view good;

static struct bound plain(void)
{
	struct bound b = {.landmark = "tower", .rounds = 24, .rtt_ns = 1000000, .time = 1800000000};

	memset(b.context, 0xc0, sizeof b.context);
	memset(b.prover, 0x9b, sizeof b.prover);
	memset(b.transcript, 0x11, sizeof b.transcript);
	return b;
}

static int make(void **s)
{
	struct bound b = plain();
	struct wr w = wr_to(buf, sizeof buf);

	(void)s;
	key = es256_generate(&e);
	if (!key || bound_sign(&w, key, &b, &e))
		return -1;
	good = wr_done(&w);
	return 0;
}

static int drop(void **s)
{
	(void)s;
	es256_free(key);
	return 0;
}

static void a_statement_says_what_the_landmark_measured(void **s)
{
	struct bound b, was = plain();

	(void)s;
	assert_accepted(bound_parse(good, &b, &e), &e);
	assert_accepted(bound_signed(&b, key->pub, &e), &e);
	assert_string_equal(b.landmark, "tower");
	assert_memory_equal(b.context, was.context, SHA_LEN);
	assert_memory_equal(b.prover, was.prover, ES256_PUB);
	assert_memory_equal(b.transcript, was.transcript, SHA_LEN);
	assert_true(b.rounds == 24 && b.rtt_ns == 1000000 && b.time == 1800000000);
	assert_true(bound_m(&b) > 149896.2 && bound_m(&b) < 149896.3); /* half of what light runs in a millisecond */
}

static void what_no_measurement_gives_is_refused(void **s)
{
	uint8_t out[BOUND_MAX];
	struct wr w;
	struct bound b;

	(void)s;
#define REFUSED(member, value)                                                                                         \
	b = plain();                                                                                                   \
	b.member = (value);                                                                                            \
	w = wr_to(out, sizeof out);                                                                                    \
	assert_refused(bound_sign(&w, key, &b, &e), &e, WHY_MALFORMED)
	REFUSED(rounds, BOUND_ROUNDS_MIN - 1);
	REFUSED(rtt_ns, 0);
	REFUSED(rtt_ns, BOUND_RTT_MAX_NS + 1);
	REFUSED(time, -1);
	REFUSED(landmark[0], '-');
	REFUSED(landmark[0], '\0');
}

static void another_landmarks_signature_is_forged(void **s)
{
	AUTO(es256_free) struct es256 *other = es256_generate(&e);
	struct bound b;

	(void)s;
	assert_accepted(bound_parse(good, &b, &e), &e);
	assert_refused(bound_signed(&b, other->pub, &e), &e, WHY_FORGED);
}

static void hurt_statement(struct view v, void *arg)
{
	struct bound b;

	(void)arg;
	if (bound_parse(v, &b, &e) == 0)
		assert_refused(bound_signed(&b, key->pub, &e), &e, WHY_FORGED);
	else
		assert_int_equal(e.why, WHY_MALFORMED);
}

static void a_hurt_statement_is_malformed_or_forged(void **s)
{
	(void)s;
	mangle_each(good, hurt_statement, NULL);
}

static void a_context_is_of_one_nonce_one_key_and_one_machine(void **s)
{
	uint8_t nonce[NONCE_LEN] = {1}, tls[SHA_LEN] = {2}, a[SHA_LEN], b[SHA_LEN];

	(void)s;
	bound_context(a, nonce, tls, "cloudlet1");
	bound_context(b, nonce, tls, "cloudlet2");
	assert_memory_not_equal(a, b, SHA_LEN);
	nonce[0] = 2;
	bound_context(b, nonce, tls, "cloudlet1");
	assert_memory_not_equal(a, b, SHA_LEN);
	nonce[0] = 1;
	tls[0] = 3;
	bound_context(b, nonce, tls, "cloudlet1");
	assert_memory_not_equal(a, b, SHA_LEN);
}

/* ---- The part of evidence ---- */

static struct view part_of(uint8_t *out, size_t cap, size_t n, bool same)
{
	struct wr w = wr_to(out, cap);
	uint8_t prover[ES256_PUB] = {0x9b};

	wr_bytes(&w, prover, sizeof prover);
	for (size_t i = 0; i < n; i++) {
		uint8_t one[BOUND_MAX];
		struct wr o = wr_to(one, sizeof one);
		struct bound b = plain();
		b.landmark[0] = same ? 'x' : (char)('a' + i);
		assert_accepted(bound_sign(&o, key, &b, &e), &e);
		wr_view16(&w, wr_done(&o));
	}
	assert_true(wr_ok(&w));
	return wr_done(&w);
}

static void a_part_holds_up_to_sixteen_statements(void **s)
{
	static uint8_t out[BOUNDS_PART_MAX + 1000];
	static struct bounds b;

	(void)s;
	assert_accepted(bounds_parse(part_of(out, sizeof out, BOUNDS_MAX, false), &b, &e), &e);
	assert_int_equal(b.n, BOUNDS_MAX);
	assert_int_equal(b.prover[0], 0x9b);
	assert_string_equal(b.bound[15].landmark, "power");
	assert_refused(bounds_parse(part_of(out, sizeof out, BOUNDS_MAX + 1, false), &b, &e), &e, WHY_MALFORMED);
}

static void a_landmark_counts_once(void **s)
{
	static uint8_t out[BOUNDS_PART_MAX];
	static struct bounds b;

	(void)s;
	assert_refused(bounds_parse(part_of(out, sizeof out, 2, true), &b, &e), &e, WHY_MALFORMED);
	assert_non_null(strstr(e.text, "xower"));
}

static void a_part_without_a_statement_is_refused(void **s)
{
	static uint8_t out[BOUNDS_PART_MAX];
	static struct bounds b;

	(void)s;
	assert_refused(bounds_parse(part_of(out, sizeof out, 0, false), &b, &e), &e, WHY_MALFORMED);
	struct view two = part_of(out, sizeof out, 2, false);
	assert_refused(bounds_parse(VIEW(two.p, two.n - 1), &b, &e), &e, WHY_MALFORMED);
	assert_refused(bounds_parse(VIEW(two.p, two.n + 1), &b, &e), &e, WHY_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_statement_says_what_the_landmark_measured),
	        cmocka_unit_test(what_no_measurement_gives_is_refused),
	        cmocka_unit_test(another_landmarks_signature_is_forged),
	        cmocka_unit_test(a_hurt_statement_is_malformed_or_forged),
	        cmocka_unit_test(a_context_is_of_one_nonce_one_key_and_one_machine),
	        cmocka_unit_test(a_part_holds_up_to_sixteen_statements),
	        cmocka_unit_test(a_landmark_counts_once),
	        cmocka_unit_test(a_part_without_a_statement_is_refused),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
