/* Tests of the decider's look at landmarks' statements, from evidence to result. */
#include "tests/unit/onebox.h"

static struct made_tag tag;
static struct gnss gnss;
static struct es256 *landmark[4];
static uint8_t part[BOUNDS_PART_MAX];

static const struct {
	const char *name;
	double lat_deg, lon_deg;
} where[4] = {{"spree", 52.5, 13.4}, {"elbe", 53.5511, 9.9937}, {"isar", 48.1374, 11.5755}, {"main", 50.1109, 8.6821}};

#define AT_LEVEL(n, more)                                                                                              \
	"{\"fence\":\"berlin\",\"references\":[\"edge\"],\"lease_s\":60,\"location_level\":" n more "}"

static void publish(size_t i, uint32_t version, const struct es256 *key)
{
	char body[400], hex[2 * ES256_PUB + 1];

	snprintf(body, sizeof body,
	        "{\"key\":\"%s\",\"latitude_deg\":%f,\"longitude_deg\":%f,\"uncertainty_m\":50,\"address\":\"192.0.2.1:"
	        "5684\"}",
	        hex_put(hex, key->pub, ES256_PUB), where[i].lat_deg, where[i].lon_deg);
	rig_accept(r, DOC_LANDMARK, where[i].name, version, body);
}

static int before(void **s)
{
	struct tag t;

	onebox_domain(s);
	rig_accept(r, DOC_DOMAIN, "inner", 2, AT_LEVEL("4", ""));
	for (size_t i = 0; i < COUNT(landmark); i++) {
		landmark[i] = es256_generate(&r->e);
		assert_non_null(landmark[i]);
		publish(i, 1, landmark[i]);
	}
	box.has_fix = false;
	rig_join(r, &box);
	t = tagmaker_plain(box.name, &box.ek, 10, NOW);
	t.fix = (struct fix){52.52, 13.405, 100};
	tagmaker_sign(&tag, r->officer, &t);
	box.tag = &tag;
	gnss = (struct gnss){.time_ms = NOW * 1000, .lat_deg = 52.5203, .lon_deg = 13.4052, .eph_m = 5, .age_ms = 400};
	gnss.satellites = 9;
	gnss.has_fix = gnss.has_eph = true;
	box.gnss = &gnss;
	return 0;
}

static int after(void **s)
{
	for (size_t i = 0; i < COUNT(landmark); i++)
		es256_free(landmark[i]);
	return onebox_drop(s);
}

/* What a landmark says of this machine for its next evidence: a round trip in microseconds. */
static struct bound measured(size_t i, uint64_t rtt_us)
{
	struct bound b = {.rounds = 24, .rtt_ns = rtt_us * 1000, .time = r->d->now};
	uint8_t tls_key[SHA_LEN];

	snprintf(b.landmark, sizeof b.landmark, "%s", where[i].name);
	sha256(tls_key, VIEW_OF(box.id.pub.xy));
	bound_context(b.context, box.nonce, tls_key, box.name);
	memset(b.prover, 0x9b, sizeof b.prover);
	return b;
}

/* by NULL: each landmark itself. */
static void show(const struct bound *b, size_t n, const struct es256 *by)
{
	struct wr w = wr_to(part, sizeof part);
	uint8_t prover[ES256_PUB];

	memset(prover, 0x9b, sizeof prover);
	wr_bytes(&w, prover, sizeof prover);
	for (size_t i = 0; i < n; i++) {
		uint8_t one[BOUND_MAX];
		struct wr o = wr_to(one, sizeof one);
		assert_accepted(bound_sign(&o, by ? by : landmark[i], &b[i], &r->e), &r->e);
		wr_view16(&w, wr_done(&o));
	}
	box.bounds = wr_done(&w);
}

static void attest(void)
{
	gnss.time_ms = r->d->now * 1000;
	rig_attest(r, &box);
}

static void denied(enum why why, const char *words)
{
	assert_verdict(r, VERDICT_RESULT);
	assert_allows(r, false);
	AUTO(json_free) json_t *claims = rig_claims(r);
	const json_t *d = decision_of(claims, "inner");
	if (strcmp(json_text(d, "reason"), why_name(why)) != 0 || !strstr(json_text(d, "sentence"), words))
		fail_msg("%s: %s", json_text(d, "reason"), json_text(d, "sentence"));
}

/* From Berlin, with some milliseconds for the network: 255, 505 and 424 km */
static void honest(struct bound b[4])
{
	b[0] = measured(0, 300);
	b[1] = measured(1, 3000);
	b[2] = measured(2, 6000);
	b[3] = measured(3, 5000);
}

static void three_landmarks_that_measured_it_near_are_a_yes_at_level_4(void **s)
{
	struct bound b[4];

	(void)s;
	honest(b);
	show(b, 3, NULL);
	attest();
	assert_verdict(r, VERDICT_RESULT);
	assert_allows(r, true);
	AUTO(json_free) json_t *claims = rig_claims(r);
	const json_t *inner = json_object_get(json_object_get(claims, "submods"), "inner");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(inner, "merestone_place"), "level")), 4);
	const json_t *by = json_object_get(json_object_get(claims, "merestone_location"), "landmarks");
	assert_int_equal(json_array_size(by), 3);
	assert_string_equal(json_text(json_array_get(by, 1), "name"), "elbe");
	assert_int_equal(json_integer_value(json_object_get(json_array_get(by, 1), "bound_m")), 449689);
}

static void two_landmarks_are_not_three(void **s)
{
	struct bound b[4];

	(void)s;
	box.bounds = VIEW(NULL, 0);
	attest();
	denied(WHY_OUTSIDE, "0 landmarks measured cloudlet1 within 1000 km, and domain inner needs 3");
	honest(b);
	show(b, 2, NULL);
	attest();
	denied(WHY_OUTSIDE, "2 landmarks measured cloudlet1 within 1000 km, and domain inner needs 3");
	rig_accept(r, DOC_DOMAIN, "inner", 3, AT_LEVEL("4", ",\"landmarks\":2"));
	honest(b);
	show(b, 2, NULL);
	attest();
	assert_allows(r, true);
}

/* A machine in Vladivostok that asks landmarks in Berlin is 100 ms away: that is no contradiction, and no evidence. */
static void a_measurement_that_is_too_wide_does_not_count(void **s)
{
	struct bound b[4];

	(void)s;
	honest(b);
	b[1] = measured(1, 100000);
	show(b, 3, NULL);
	attest();
	denied(WHY_OUTSIDE, "2 landmarks measured cloudlet1 within 1000 km");
	rig_accept(r, DOC_DOMAIN, "inner", 3, AT_LEVEL("4", ",\"bound_m\":800000"));
	honest(b);
	show(b, 3, NULL); /* the third is 899 km */
	attest();
	denied(WHY_OUTSIDE, "2 landmarks measured cloudlet1 within 800 km");
}

/* It is in Hamburg, and its tag in Berlin: the landmark there measures it nearer than it can be. */
static void attack_A113_a_machine_that_was_carried_away_is_found(void **s)
{
	struct bound b[4];

	(void)s;
	honest(b);
	b[0] = measured(0, 3000);
	b[1] = measured(1, 200);
	show(b, 3, NULL);
	attest();
	denied(WHY_OUTSIDE,
	        "landmark elbe measured the machine within 30 km, and where it is said to be is 256 km away");
	rig_accept(r, DOC_DOMAIN, "inner", 3, AT_LEVEL("2", "")); /* a contradiction is heard at every level */
	honest(b);
	b[0] = measured(0, 3000);
	b[1] = measured(1, 200);
	show(b, 3, NULL);
	attest();
	denied(WHY_OUTSIDE, "landmark elbe measured the machine within 30 km");
}

static void attack_A113_a_landmark_that_lies_is_found_by_the_others(void **s)
{
	struct bound b[4];

	(void)s;
	honest(b);
	b[0] = measured(0, 1000);
	b[1] = measured(1, 300); /* 150 km around Berlin and 45 km around Hamburg */
	show(b, 3, NULL);
	attest();
	denied(WHY_OUTSIDE, "no place is within 150 km of landmark spree and within 45 km of landmark elbe");
}

static void attack_A113_delay_never_helps_a_liar(void **s)
{
	struct bound b[4];

	(void)s;
	for (uint64_t delay_us = 0; delay_us < 20000; delay_us += 997) {
		honest(b);
		b[0] = measured(0, 300 + delay_us);
		b[1] = measured(1, 200); /* what is too near stays so, however long the others are held up */
		show(b, 3, NULL);
		attest();
		denied(WHY_OUTSIDE, "landmark");
	}
}

static void attack_A115_a_statement_for_another_evidence_is_stale(void **s)
{
	struct bound b[4];

	(void)s;
	honest(b);
	show(b, 3, NULL);
	attest();
	assert_allows(r, true);
	attest(); /* the same again: the nonce has moved on */
	denied(WHY_STALE, "landmark spree measured for another evidence, or another machine");
}

static void attack_A115_a_statement_about_another_machine_does_not_count(void **s)
{
	struct bound b[4];
	uint8_t tls_key[SHA_LEN];

	(void)s;
	honest(b);
	sha256(tls_key, VIEW_OF(box.id.pub.xy));
	bound_context(b[2].context, box.nonce, tls_key, "cloudlet2");
	show(b, 3, NULL);
	attest();
	denied(WHY_STALE, "landmark isar measured for another evidence, or another machine");
	honest(b);
	b[2].prover[0] ^= 1;
	show(b, 3, NULL);
	attest();
	denied(WHY_FORGED, "landmark isar measured another key than the machine's");
}

static void an_old_statement_does_not_count(void **s)
{
	struct bound b[4];

	(void)s;
	honest(b);
	b[1].time -= BOUND_AGE_MAX_S + 1;
	show(b, 3, NULL);
	attest();
	denied(WHY_STALE, "landmark elbe measured 61 s ago");
	honest(b);
	b[1].time += BOUND_AGE_MAX_S + 1;
	show(b, 3, NULL);
	attest();
	denied(WHY_STALE, "landmark elbe measured 61 s from now");
}

static void attack_A115_a_landmark_that_nobody_named_does_not_count(void **s)
{
	struct bound b[4];

	(void)s;
	honest(b);
	snprintf(b[1].landmark, sizeof b[1].landmark, "havel");
	show(b, 3, NULL);
	attest();
	denied(WHY_UNKNOWN, "no officer has named a landmark havel");
	honest(b);
	show(b, 3, landmark[3]);
	attest();
	denied(WHY_FORGED, "landmark spree");
	honest(b); /* a new version of the document takes the old key's word away */
	publish(1, 2, landmark[3]);
	show(b, 3, NULL);
	attest();
	denied(WHY_FORGED, "landmark elbe");
}

/* Where nobody asks for landmarks, statements that do not count are not heard. */
static void what_does_not_count_is_no_harm_below_level_4(void **s)
{
	struct bound b[4];

	(void)s;
	rig_accept(r, DOC_DOMAIN, "inner", 3, AT_LEVEL("3", ""));
	honest(b);
	b[1].time -= 1000;
	show(b, 3, NULL);
	attest();
	assert_allows(r, true);
}

static void attack_A112_statements_outside_the_signed_evidence_are_forged(void **s)
{
	static struct facts f;
	struct bound b[4];

	(void)s;
	honest(b);
	show(b, 3, NULL);
	gnss.time_ms = r->d->now * 1000;
	box.clock.clock_ms += 1000;
	box_evidence(&box, &f, ASK_ATTEST);
	memset(f.attest.digests[1], 0x5a, SHA_LEN);
	rig_case(r, &f);
	assert_denied(r, WHY_STALE, ""); /* the quote is over other digests */
	take_nonce(r, &box);
	struct view shown = box.bounds;
	box.bounds = VIEW(NULL, 0); /* the TPM signs without them, and they are put beside */
	box_evidence(&box, &f, ASK_ATTEST);
	f.attest.bounds = shown;
	rig_case(r, &f);
	assert_denied(r, WHY_FORGED, "not those that the TPM signed for");
}

static void a_landmark_document_has_a_key_that_is_one_and_a_place(void **s)
{
	static const char *const bad[] = {
	        "{}", "{\"key\":\"00\",\"latitude_deg\":1,\"longitude_deg\":1,\"uncertainty_m\":1,\"address\":\"a\"}"};
	struct wr w = wr_to(r->text, sizeof r->text);
	char body[400], zeros[2 * ES256_PUB + 1];

	(void)s;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_refused(
		        document_sign(&w, r->officer, DOC_LANDMARK, "x", 1, NOW, VIEW(bad[i], strlen(bad[i])), &r->e),
		        &r->e, WHY_MALFORMED);
	memset(zeros, '1', sizeof zeros - 1);
	zeros[sizeof zeros - 1] = '\0';
	snprintf(body, sizeof body,
	        "{\"key\":\"%s\",\"latitude_deg\":1,\"longitude_deg\":1,\"uncertainty_m\":1,\"address\":\"a\"}", zeros);
	assert_int_equal(document_sign(&w, r->officer, DOC_LANDMARK, "x", 1, NOW, VIEW(body, strlen(body)), &r->e), -1);
	rig_ask(r, "list/landmarks");
	assert_verdict(r, VERDICT_SIGNED);
	assert_non_null(memmem(r->v.body.p, r->v.body.n, "\"spree\"", 7));
}

int main(void)
{
#define EACH(f) cmocka_unit_test_setup_teardown(f, before, after)
	const struct CMUnitTest tests[] = {
	        EACH(three_landmarks_that_measured_it_near_are_a_yes_at_level_4),
	        EACH(two_landmarks_are_not_three),
	        EACH(a_measurement_that_is_too_wide_does_not_count),
	        EACH(attack_A113_a_machine_that_was_carried_away_is_found),
	        EACH(attack_A113_a_landmark_that_lies_is_found_by_the_others),
	        EACH(attack_A113_delay_never_helps_a_liar),
	        EACH(attack_A115_a_statement_for_another_evidence_is_stale),
	        EACH(attack_A115_a_statement_about_another_machine_does_not_count),
	        EACH(an_old_statement_does_not_count),
	        EACH(attack_A115_a_landmark_that_nobody_named_does_not_count),
	        EACH(what_does_not_count_is_no_harm_below_level_4),
	        EACH(attack_A112_statements_outside_the_signed_evidence_are_forged),
	        EACH(a_landmark_document_has_a_key_that_is_one_and_a_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
