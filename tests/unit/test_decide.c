#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "policy/policy.h"
#include "tests/unit/logmaker.h"
#include "tests/unit/unit.h"

static struct boot boot;
static struct measured measured[64];
static struct doc_domain domain;
static struct fence *fence;
static struct reference *reference;
static struct subject subject;
static struct rules rules;
static struct decision out;
static char members[2][NAME_CAP] = {"cloudlet1", "cloudlet2"};

static struct reference *learn(struct view log)
{
	static uint8_t body[16384];
	struct wr w = wr_to(body, sizeof body);
	struct err e;

	assert_accepted(reference_learn(log, &w, &e), &e);
	AUTO(json_free) json_t *j = json_read(wr_done(&w), sizeof body, &e);
	struct reference *r = reference_import(j, &e);
	assert_non_null(r);
	return r;
}

static int before(void **s)
{
	static const char circle[] = "{\"geometry\":{\"type\":\"Circle\",\"center\":[13.4,52.5],\"radius_m\":100000},"
	                             "\"map_accuracy_m\":100}";
	uint8_t log[4096];
	struct wr w = wr_to(log, sizeof log);
	struct err e;
	size_t n;

	(void)s;
	logmaker_boot(&w);
	assert_accepted(boot_walk(wr_done(&w), &boot, measured, COUNT(measured), &n, &e), &e);
	reference = learn(wr_done(&w));
	AUTO(json_free) json_t *j = json_read(VIEW(circle, sizeof circle - 1), sizeof circle, &e);
	fence = fence_import(j, &e);
	assert_non_null(fence);
	memset(&domain, 0, sizeof domain);
	memcpy(domain.fence, "berlin", 7);
	memcpy(domain.references[0], "edge", 5);
	domain.nreferences = 1;
	domain.lease_s = 60;
	subject = (struct subject){.machine = "cloudlet1",
	        .admitted = true,
	        .pcrs = &boot.pcrs,
	        .secure_boot = boot.secure_boot,
	        .measured = measured,
	        .nmeasured = n,
	        .has_fix = true,
	        .fix = {52.52, 13.405, 1000},
	        .clock_safe = true};
	rules = (struct rules){.name = "inner", .domain = &domain, .fence = fence, .nreferences = 1};
	rules.references[0] = reference;
	return 0;
}

static int after(void **s)
{
	(void)s;
	fence_free(fence);
	reference_free(reference);
	return 0;
}

static void refused(enum why why, const char *says, const char *hint)
{
	decide(&subject, &rules, &out);
	if (out.refusal.why != why || !strstr(out.refusal.text, says) || !strstr(out.refusal.hint, hint))
		fail_msg("%s: %s (%s)", why_name(out.refusal.why), out.refusal.text, out.refusal.hint);
}

static void all_rules_together_give_a_yes(void **s)
{
	(void)s;
	decide(&subject, &rules, &out);
	assert_int_equal(out.refusal.why, WHY_NONE);
	assert_true(out.state_good && out.member && out.placed);
	assert_int_equal(out.place.place, PLACE_INSIDE);
	assert_int_equal(out.reference, 0);
}

static void a_revoked_or_unknown_machine_is_refused_first(void **s)
{
	(void)s;
	subject.clock_safe = false;
	subject.revoked = true;
	refused(WHY_REFUSED, "cloudlet1 is revoked", "");
	subject.revoked = subject.admitted = false;
	refused(WHY_REFUSED, "not admitted", "merestone cloudlet add cloudlet1");
}

static void members_and_nobody_else(void **s)
{
	(void)s;
	domain.members = members;
	domain.nmembers = 2;
	decide(&subject, &rules, &out);
	assert_int_equal(out.refusal.why, WHY_NONE);
	subject.machine = "cloudlet3";
	refused(WHY_REFUSED, "cloudlet3 is not a member of domain inner", "");
	subject.machine = "cloudlet";
	refused(WHY_REFUSED, "not a member", "");
}

static void an_unsafe_clock_times_no_lease_but_the_rest_is_decided(void **s)
{
	(void)s;
	subject.clock_safe = false;
	refused(WHY_STALE, "clock is not safe", "cloudlet1");
	assert_true(out.state_good && out.placed);
}

static void without_a_counter_no_lease_is_given_but_the_rest_is_decided(void **s)
{
	const struct err why = {.why = WHY_UNTRUSTED, .text = "the TPM shows no revocation counter", .hint = "enrol"};

	(void)s;
	subject.uncounted = &why;
	refused(WHY_UNTRUSTED, "no revocation counter", "enrol");
	assert_true(out.state_good && out.placed);
}

static void a_changed_register_is_refused_with_the_set_and_the_register(void **s)
{
	struct pcrs other = boot.pcrs;

	(void)s;
	other.v[4][0] ^= 1;
	subject.pcrs = &other;
	refused(WHY_UNTRUSTED, "reference edge: PCR 4", "");
	assert_false(out.state_good);
	assert_true(out.compared);
	assert_int_equal(out.reference, -1);
}

static void any_one_of_the_sets_may_match(void **s)
{
	uint8_t log[4096];
	struct wr w = wr_to(log, sizeof log);

	(void)s;
	logmaker_open(&w);
	logmaker_version(&w);
	logmaker_separators(&w, 0xff);
	struct reference *old = learn(wr_done(&w));
	memcpy(domain.references[0], "old", 4);
	memcpy(domain.references[1], "new", 4);
	domain.nreferences = 2;
	rules.nreferences = 2;
	rules.references[0] = old;
	rules.references[1] = reference;
	decide(&subject, &rules, &out);
	assert_int_equal(out.refusal.why, WHY_NONE);
	assert_int_equal(out.reference, 1);
	rules.references[1] = NULL;
	refused(WHY_UNTRUSTED, "reference old", "");
	reference_free(old);
}

static void attack_A64_no_reference_set_means_no(void **s)
{
	(void)s;
	rules.references[0] = NULL;
	refused(WHY_UNKNOWN, "names no reference set", "merestone reference put edge");
	assert_false(out.compared);
	rules.nreferences = 0;
	refused(WHY_UNKNOWN, "names no reference set", "");
}

static void a_fence_that_nobody_published_means_no(void **s)
{
	(void)s;
	rules.fence = NULL;
	refused(WHY_UNKNOWN, "names fence berlin, which nobody has published", "merestone fence put berlin");
}

static void a_domain_that_does_not_exist_means_no(void **s)
{
	(void)s;
	rules.domain = NULL;
	refused(WHY_UNKNOWN, "there is no domain inner", "");
}

static void outside_says_how_far(void **s)
{
	(void)s;
	subject.fix = (struct fix){48.8566, 2.3522, 1000};
	refused(WHY_OUTSIDE, "km outside fence berlin", "within the edge");
	assert_int_equal(out.place.place, PLACE_OUTSIDE);
}

static void a_circle_that_crosses_the_edge_is_not_inside(void **s)
{
	(void)s;
	subject.fix.uncertainty_m = 150000;
	refused(WHY_OUTSIDE, "crosses fence berlin", "a fix better than 150 km");
	assert_int_equal(out.place.place, PLACE_AMBIGUOUS);
}

static void no_position_is_not_inside(void **s)
{
	(void)s;
	subject.has_fix = false;
	refused(WHY_OUTSIDE, "says no position", "location");
	assert_false(out.placed);
}

static void a_position_that_is_none_is_refused(void **s)
{
	(void)s;
	subject.fix.lat_deg = 91;
	decide(&subject, &rules, &out);
	assert_int_not_equal(out.refusal.why, WHY_NONE);
}

/* ---- Geo tags ---- */

static struct tag berlin(void)
{
	return (struct tag){
	        .machine = "cloudlet1", .site = "hall-7", .fix = {52.52, 13.405, 50}, .not_after = INT64_MAX};
}

static void level_2_is_decided_by_the_tag(void **s)
{
	struct tag t = berlin();

	(void)s;
	domain.location_level = LOCATION_TAG;
	subject.tag = &t;
	decide(&subject, &rules, &out);
	assert_int_equal(out.refusal.why, WHY_NONE);
	assert_int_equal(out.level, LOCATION_TAG);
	subject.has_fix = false;
	decide(&subject, &rules, &out);
	assert_int_equal(out.refusal.why, WHY_NONE);
	t.fix = (struct fix){48.8566, 2.3522, 50};
	refused(WHY_OUTSIDE, "outside fence berlin", "");
}

static void level_2_without_a_tag_is_a_no_that_says_why(void **s)
{
	struct err why;

	(void)s;
	domain.location_level = LOCATION_TAG;
	refused(WHY_OUTSIDE, "shows no geo tag, and domain inner needs one", "merestone tag issue");
	assert_false(out.placed);
	err_set(&why, WHY_STALE, "the geo tag of site hall-7 ended 5 s ago");
	subject.tag_why = &why;
	refused(WHY_STALE, "ended 5 s ago", "merestone tag issue");
	domain.location_level = LOCATION_DECLARED;
	decide(&subject, &rules, &out);
	assert_int_equal(out.refusal.why, WHY_NONE);
	assert_int_equal(out.level, LOCATION_DECLARED);
}

/* The circles must have a common place; which of the two is right is not ours to choose. */
static void a_declaration_that_contradicts_the_tag_is_a_no_at_each_level(void **s)
{
	struct tag t = berlin();

	(void)s;
	subject.tag = &t;
	subject.fix = (struct fix){52.52, 13.50, 6000}; /* 6.4 km to the east */
	decide(&subject, &rules, &out);
	assert_int_equal(out.refusal.why, WHY_OUTSIDE);
	subject.fix.uncertainty_m = 6500;
	decide(&subject, &rules, &out);
	assert_int_equal(out.refusal.why, WHY_NONE);
	subject.fix = (struct fix){52.2297, 21.0122, 1000};
	for (uint32_t level = LOCATION_DECLARED; level < LOCATION_LEVELS; level++) {
		domain.location_level = level;
		refused(WHY_OUTSIDE, "cloudlet1 says that it is 519 km from where its geo tag has it (site hall-7)",
		        "");
	}
}

static void a_lease_ends_with_its_tag(void **s)
{
	struct tag t = berlin();

	(void)s;
	subject.tag = &t;
	decide(&subject, &rules, &out);
	assert_int_equal(out.lease_s, 60);
	t.not_after = subject.now + 5;
	decide(&subject, &rules, &out);
	assert_int_equal(out.lease_s, 5);
}

/* Property: of all combinations of broken rules exactly one is a yes. */
static void every_rule_must_hold(void **s)
{
	const struct err uncounted = {.why = WHY_UNTRUSTED};
	struct pcrs other = boot.pcrs;
	int yes = 0;

	(void)s;
	other.v[0][0] ^= 1;
	for (unsigned broken = 0; broken < 256; broken++) {
		struct subject x = subject;
		struct rules r = rules;
		domain.members = members;
		domain.nmembers = 2;
		x.admitted = !(broken & 1);
		x.revoked = broken & 2;
		x.machine = broken & 4 ? "stranger" : "cloudlet1";
		x.clock_safe = !(broken & 8);
		x.pcrs = broken & 16 ? &other : &boot.pcrs;
		x.has_fix = !(broken & 32);
		r.fence = broken & 64 ? NULL : fence;
		x.uncounted = broken & 128 ? &uncounted : NULL;
		decide(&x, &r, &out);
		assert_int_equal(out.refusal.why == WHY_NONE, broken == 0);
		yes += out.refusal.why == WHY_NONE;
	}
	assert_int_equal(yes, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, before, after)
	const struct CMUnitTest tests[] = {
	        T(all_rules_together_give_a_yes),
	        T(a_revoked_or_unknown_machine_is_refused_first),
	        T(members_and_nobody_else),
	        T(an_unsafe_clock_times_no_lease_but_the_rest_is_decided),
	        T(without_a_counter_no_lease_is_given_but_the_rest_is_decided),
	        T(a_changed_register_is_refused_with_the_set_and_the_register),
	        T(any_one_of_the_sets_may_match),
	        T(attack_A64_no_reference_set_means_no),
	        T(a_fence_that_nobody_published_means_no),
	        T(a_domain_that_does_not_exist_means_no),
	        T(outside_says_how_far),
	        T(a_circle_that_crosses_the_edge_is_not_inside),
	        T(no_position_is_not_inside),
	        T(a_position_that_is_none_is_refused),
	        T(level_2_is_decided_by_the_tag),
	        T(level_2_without_a_tag_is_a_no_that_says_why),
	        T(a_declaration_that_contradicts_the_tag_is_a_no_at_each_level),
	        T(a_lease_ends_with_its_tag),
	        T(every_rule_must_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
