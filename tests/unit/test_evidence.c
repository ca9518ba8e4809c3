#include "tests/unit/mangle.h"
#include "tests/unit/tpmmaker.h"

static uint8_t buf[4096];
static struct err e;
static const uint8_t nonce[NONCE_LEN] = {1, 2, 3};

/* Parts of every kind, each with its own bytes. */
static struct evidence full(void)
{
	static uint8_t bytes[PART_COUNT][4];
	struct evidence ev = {0};

	for (size_t k = 1; k < PART_COUNT; k++) {
		memset(bytes[k], (int)k, sizeof bytes[k]);
		ev.part[k] = VIEW(bytes[k], 1 + k % 4);
	}
	return ev;
}

static struct wr written(const struct evidence *ev)
{
	struct wr w = wr_to(buf, sizeof buf);

	evidence_write(&w, ev);
	assert_true(wr_ok(&w));
	return w;
}

static int reading(struct view v)
{
	struct evidence ev;

	e = (struct err){0};
	return evidence_parse(v, &ev, &e);
}

static void part(struct wr *w, uint8_t kind, const char *text)
{
	wr_u8(w, kind);
	wr_view32(w, VIEW(text, strlen(text)));
}

static struct wr opened(void)
{
	struct wr w = wr_to(buf, sizeof buf);

	wr_str(&w, "MSE1");
	return w;
}

static void what_is_written_is_read(void **s)
{
	struct evidence in = full(), out;
	struct wr w = written(&in);

	(void)s;
	assert_accepted(evidence_parse(wr_done(&w), &out, &e), &e);
	for (size_t k = 1; k < PART_COUNT; k++)
		assert_true(view_equal(in.part[k], out.part[k]));
	assert_null(out.part[0].p);
}

static void parts_out_of_order_are_refused(void **s)
{
	struct wr w = opened();

	(void)s;
	part(&w, PART_CLAIMS, "{}");
	part(&w, PART_PCRS, "p");
	part(&w, PART_QUOTE, "q");
	assert_refused(reading(wr_done(&w)), &e, WHY_MALFORMED);
}

static void a_part_that_comes_twice_is_refused(void **s)
{
	struct wr w = opened();

	(void)s;
	part(&w, PART_CLAIMS, "{}");
	part(&w, PART_CLAIMS, "{}");
	assert_refused(reading(wr_done(&w)), &e, WHY_MALFORMED);
}

static void evidence_without_claims_in_front_is_refused(void **s)
{
	struct wr w = opened();

	(void)s;
	part(&w, PART_QUOTE, "q");
	assert_refused(reading(wr_done(&w)), &e, WHY_MALFORMED);
}

static void unknown_and_empty_parts_are_refused(void **s)
{
	static const uint8_t kinds[] = {0, PART_COUNT, 255};

	(void)s;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		struct wr w = opened();
		part(&w, PART_CLAIMS, "{}");
		part(&w, kinds[i], "x");
		assert_refused(reading(wr_done(&w)), &e, WHY_MALFORMED);
	}
	struct wr w = opened();
	part(&w, PART_CLAIMS, "");
	assert_refused(reading(wr_done(&w)), &e, WHY_MALFORMED);
	w = opened();
	assert_refused(reading(wr_done(&w)), &e, WHY_MALFORMED);
	assert_refused(reading(VIEW("MSE2", 4)), &e, WHY_MALFORMED);
	assert_refused(reading(VIEW("", 0)), &e, WHY_MALFORMED);
}

static void attack_A53_a_length_past_the_end_is_refused(void **s)
{
	struct wr w = opened();

	(void)s;
	wr_u8(&w, PART_CLAIMS);
	wr_be32(&w, 0xffffffff);
	wr_str(&w, "{}");
	assert_refused(reading(wr_done(&w)), &e, WHY_MALFORMED);
}

static void too_much_evidence_is_refused_before_it_is_read(void **s)
{
	static uint8_t big[EVIDENCE_MAX + 1] = "MSE1";

	(void)s;
	assert_refused(reading(VIEW_OF(big)), &e, WHY_MALFORMED);
}

static void the_binding_covers_each_part_that_is_not_signed_by_itself(void **s)
{
	static const bool bound[PART_COUNT] = {[PART_CLAIMS] = true,
	        [PART_EVENTLOG] = true,
	        [PART_AK] = true,
	        [PART_EK] = true,
	        [PART_ID] = true,
	        [PART_SRK] = true,
	        [PART_EK_CERT] = true,
	        [PART_EK_CHAIN] = true,
	        [PART_TAG] = true,
	        [PART_BOUNDS] = true};
	struct evidence ev = full();
	uint8_t before[SHA_LEN], after[SHA_LEN];

	(void)s;
	evidence_binding(before, nonce, &ev);
	for (size_t k = 1; k < PART_COUNT; k++) {
		struct evidence other = ev;
		other.part[k] = VIEW("other", 5);
		evidence_binding(after, nonce, &other);
		assert_int_equal(memcmp(before, after, SHA_LEN) != 0, bound[k]);
		other.part[k] = VIEW(NULL, 0);
		evidence_binding(after, nonce, &other);
		assert_int_equal(memcmp(before, after, SHA_LEN) != 0, bound[k]);
	}
}

static void the_binding_is_the_same_from_digests(void **s)
{
	struct evidence ev = full();
	uint8_t a[SHA_LEN], b[SHA_LEN], digests[PART_COUNT][SHA_LEN], claims[SHA_LEN];

	(void)s;
	evidence_binding(a, nonce, &ev);
	size_t n = evidence_digests(&ev, NULL, digests);
	assert_int_equal(n, 10);
	sha256(claims, ev.part[PART_CLAIMS]);
	assert_memory_equal(digests[0], claims, SHA_LEN);
	evidence_binding_of(b, nonce, (const uint8_t(*)[SHA_LEN])digests, n);
	assert_memory_equal(a, b, SHA_LEN);
}

static void a_known_digest_of_the_log_is_taken(void **s)
{
	static const uint8_t known[SHA_LEN] = {7};
	struct evidence ev = full();
	uint8_t plain[PART_COUNT][SHA_LEN], digests[PART_COUNT][SHA_LEN];

	(void)s;
	size_t n = evidence_digests(&ev, NULL, plain);
	assert_int_equal(evidence_digests(&ev, known, digests), n);
	for (size_t i = 0; i < n; i++)
		assert_memory_equal(digests[i], i == 1 ? known : plain[i], SHA_LEN);
}

static void attack_A12_another_nonce_gives_another_binding(void **s)
{
	struct evidence ev = full();
	uint8_t a[SHA_LEN], b[SHA_LEN], other[NONCE_LEN] = {1, 2, 4};

	(void)s;
	evidence_binding(a, nonce, &ev);
	evidence_binding(b, other, &ev);
	assert_memory_not_equal(a, b, SHA_LEN);
}

static void changed(struct view v, void *arg)
{
	struct evidence ev;

	if (evidence_parse(v, &ev, &e) != 0)
		return;
	struct wr w = wr_to(buf, sizeof buf);
	evidence_write(&w, &ev);
	if (!view_equal(wr_done(&w), v) || view_equal(v, *(struct view *)arg))
		fail_msg("mangled evidence was read as something else");
}

static void mangled_evidence_is_refused_or_is_what_it_says(void **s)
{
	static uint8_t copy[1024];
	struct evidence ev = full();
	struct wr w = written(&ev);
	struct view good = VIEW(copy, w.n);

	(void)s;
	memcpy(copy, buf, w.n);
	mangle_each(good, changed, &good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_written_is_read),
	        cmocka_unit_test(parts_out_of_order_are_refused),
	        cmocka_unit_test(a_part_that_comes_twice_is_refused),
	        cmocka_unit_test(evidence_without_claims_in_front_is_refused),
	        cmocka_unit_test(unknown_and_empty_parts_are_refused),
	        cmocka_unit_test(attack_A53_a_length_past_the_end_is_refused),
	        cmocka_unit_test(too_much_evidence_is_refused_before_it_is_read),
	        cmocka_unit_test(the_binding_covers_each_part_that_is_not_signed_by_itself),
	        cmocka_unit_test(the_binding_is_the_same_from_digests),
	        cmocka_unit_test(a_known_digest_of_the_log_is_taken),
	        cmocka_unit_test(attack_A12_another_nonce_gives_another_binding),
	        cmocka_unit_test(mangled_evidence_is_refused_or_is_what_it_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
