#include "tests/unit/onebox.h"

static struct decision decision_with(bool state_good, enum place place, enum why why)
{
	struct decision d = {.state_good = state_good, .compared = true, .member = true, .placed = true};

	d.place.place = place;
	d.refusal.why = why;
	return d;
}

static const char *status(bool state_good, enum place place, enum why why, enum secure_boot sb)
{
	struct decision d = decision_with(state_good, place, why);

	return ear_status(&d, sb, ENDORSED_BY_CERTIFICATE);
}

static void only_an_allowed_machine_with_secure_boot_is_affirming(void **s)
{
	(void)s;
	assert_string_equal(status(true, PLACE_INSIDE, WHY_NONE, SECURE_BOOT_ON), "affirming");
	assert_string_equal(status(true, PLACE_INSIDE, WHY_NONE, SECURE_BOOT_OFF), "warning");
	assert_string_equal(status(true, PLACE_INSIDE, WHY_NONE, SECURE_BOOT_UNKNOWN), "warning");
}

static void whatever_is_denied_is_contraindicated(void **s)
{
	(void)s;
	for (int why = WHY_MALFORMED; why < WHY_COUNT; why++)
		assert_string_equal(status(true, PLACE_INSIDE, (enum why)why, SECURE_BOOT_ON), "contraindicated");
}

static void a_status_is_never_better_than_its_worst_claim(void **s)
{
	(void)s;
	assert_string_equal(status(false, PLACE_INSIDE, WHY_NONE, SECURE_BOOT_ON), "contraindicated");
	assert_string_equal(status(true, PLACE_OUTSIDE, WHY_NONE, SECURE_BOOT_ON), "contraindicated");
	assert_string_equal(status(true, PLACE_AMBIGUOUS, WHY_NONE, SECURE_BOOT_ON), "warning");
}

static int64_t claim(const json_t *claims, const char *submod, const char *name)
{
	const json_t *v = json_object_get(json_object_get(json_object_get(json_object_get(claims, "submods"), submod),
	                                          "ear_trustworthiness_vector"),
	        name);

	assert_true(json_is_integer(v));
	return json_integer_value(v);
}

static void a_result_carries_the_vector_the_policies_and_the_decision(void **s)
{
	(void)s;
	rig_domain(r, &box);
	rig_join(r, &box);
	AUTO(json_free) json_t *j = rig_claims(r);
	const json_t *inner = json_object_get(json_object_get(j, "submods"), "inner");
	assert_string_equal(json_string_value(json_object_get(j, "eat_profile")), "tag:ietf.org,2026:rats/ear#03");
	assert_string_equal(json_string_value(json_object_get(j, "sub")), "spiffe://edge.example/cloudlet/cloudlet1");
	assert_int_equal(json_integer_value(json_object_get(j, "iat")), NOW);
	assert_int_equal(json_integer_value(json_object_get(j, "exp")), NOW + 60);
	assert_int_equal(json_integer_value(json_object_get(j, "merestone_case")), r->v.case_no);
	assert_string_equal(json_string_value(json_object_get(inner, "ear_status")), "affirming");
	assert_int_equal(claim(j, "inner", "instance-identity"), 2);
	assert_int_equal(claim(j, "inner", "configuration"), 2);
	assert_int_equal(claim(j, "inner", "executables"), 3);
	assert_int_equal(claim(j, "inner", "hardware"), 0); /* approved by hash: nothing is said of the hardware */
	assert_int_equal(claim(j, "inner", "sourced-data"), 2);
	const json_t *ids = json_object_get(inner, "ear_appraisal_policy_ids");
	assert_int_equal(json_array_size(ids), 3);
	assert_string_equal(json_string_value(json_array_get(ids, 0)), "domain:inner@1");
	assert_string_equal(json_string_value(json_array_get(ids, 2)), "reference:edge@1");
	assert_string_equal(
	        json_string_value(json_object_get(json_object_get(inner, "merestone_place"), "place")), "inside");
	const json_t *place = json_object_get(inner, "merestone_place");
	assert_true(json_number_value(json_object_get(place, "match_rate")) == 1);
	assert_int_equal(json_string_length(json_object_get(place, "fence_digest")), 2 * FENCE_DIGEST_LEN);
	const json_t *evidence = json_object_get(j, "merestone_evidence");
	assert_int_equal(json_object_size(json_object_get(evidence, "pcrs")), PCR_QUOTED);
	assert_int_equal(json_integer_value(json_object_get(evidence, "reset_count")), 7);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(j, "merestone_location"), "level")), 1);
}

static void the_nonce_shown_is_the_one_that_was_answered(void **s)
{
	char text[B64_LEN(NONCE_LEN) + 1];
	struct wr w = wr_to(text, sizeof text);

	(void)s;
	rig_join(r, &box);
	b64_put(&w, VIEW_OF(box.nonce));
	wr_u8(&w, 0);
	rig_attest(r, &box);
	AUTO(json_free) json_t *j = rig_claims(r);
	assert_string_equal(json_string_value(json_object_get(j, "eat_nonce")), text);
}

static void without_a_domain_the_machine_itself_is_appraised(void **s)
{
	(void)s;
	rig_join(r, &box);
	AUTO(json_free) json_t *j = rig_claims(r);
	const json_t *submods = json_object_get(j, "submods");
	assert_int_equal(json_object_size(submods), 1);
	assert_string_equal(
	        json_string_value(json_object_get(json_object_get(submods, "machine"), "ear_status")), "warning");
	assert_int_equal(claim(j, "machine", "executables"), 33);
	assert_null(decision_of(j, "machine"));
}

static void the_most_domains_with_the_longest_words_fit(void **s)
{
	char name[NAME_CAP], body[512];

	(void)s;
	rig_domain(r, &box);
	for (int i = 1; i < DOMAINS_MAX; i++) {
		memset(name, 'a', sizeof name);
		snprintf(name + 60, 4, "%03u", (unsigned)i % 1000);
		snprintf(body, sizeof body,
		        "{\"fence\":\"%s\",\"references\":[\"%s\"],\"lease_s\":60,\"location_level\":1}", name, name);
		rig_accept(r, DOC_DOMAIN, name, 1, body);
	}
	rig_join(r, &box);
	assert_int_equal(r->v.ngrants, 1);
	AUTO(json_free) json_t *j = rig_claims(r);
	assert_int_equal(json_object_size(json_object_get(j, "submods")), DOMAINS_MAX);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, onebox_new, onebox_drop)
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(only_an_allowed_machine_with_secure_boot_is_affirming),
	        cmocka_unit_test(whatever_is_denied_is_contraindicated),
	        cmocka_unit_test(a_status_is_never_better_than_its_worst_claim),
	        T(a_result_carries_the_vector_the_policies_and_the_decision),
	        T(the_nonce_shown_is_the_one_that_was_answered),
	        T(without_a_domain_the_machine_itself_is_appraised),
	        T(the_most_domains_with_the_longest_words_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
