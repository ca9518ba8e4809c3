/* Tests of where a machine is by tag and receiver, from evidence to result and record. */
#include "tests/unit/onebox.h"

static struct made_tag tag;
static struct gnss gnss;

#define AT_LEVEL(n) "{\"fence\":\"berlin\",\"references\":[\"edge\"],\"lease_s\":60,\"location_level\":" n "}"

static void give_tag(uint64_t serial, struct fix at)
{
	struct tag t = tagmaker_plain(box.name, &box.ek, serial, NOW);

	t.fix = at;
	tagmaker_sign(&tag, r->officer, &t);
	box.tag = &tag;
}

/* A machine with a tag of 100 m in the middle of Berlin and a receiver that agrees, in a domain that wants both. */
static int before(void **s)
{
	onebox_domain(s);
	rig_accept(r, DOC_DOMAIN, "inner", 2, AT_LEVEL("3"));
	box.has_fix = false;
	rig_join(r, &box);
	give_tag(10, (struct fix){52.52, 13.405, 100});
	gnss = (struct gnss){.time_ms = NOW * 1000,
	        .lat_deg = 52.5203,
	        .lon_deg = 13.4052,
	        .eph_m = 5,
	        .age_ms = 400,
	        .satellites = 9,
	        .has_fix = true,
	        .has_eph = true};
	box.gnss = &gnss;
	return 0;
}

static const json_t *submod_of(const json_t *claims)
{
	return json_object_get(json_object_get(claims, "submods"), "inner");
}

/* The receiver's fix of now. */
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

/* "gnss TRUE" */
static void says(const char *source, const char *verdict)
{
	AUTO(json_free) json_t *claims = rig_claims(r);
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(submod_of(claims), "merestone_sources"), i,
	        item) if (strcmp(json_text(item, "source"), source) == 0)
	{
		assert_string_equal(json_text(item, "verdict"), verdict);
		assert_true((json_object_get(item, "match_rate") != NULL) == (strcmp(verdict, "PARTIAL") == 0));
		return;
	}
	fail_msg("nothing of %s", source);
}

/* The events of the last case, as "stale exit ". */
static void told(const char *wanted)
{
	char text[128] = "";
	struct wr w = wr_to(text, sizeof text - 1);
	AUTO(json_free) json_t *record = NULL;
	struct view bytes;
	uint8_t previous[SHA_LEN], hash[SHA_LEN];
	json_t *item;
	size_t i;

	assert_int_equal(audit_get(&r->d->store, r->d->head.case_no, &bytes, previous, hash, &r->e), 1);
	record = json_read(bytes, RECORD_MAX, &r->e);
	assert_non_null(record);
	json_array_foreach(json_object_get(record, "events"), i, item)
	{
		assert_string_equal(json_text(item, "domain"), "inner");
		assert_string_equal(json_text(item, "fence"), "berlin");
		wr_fmt(&w, "%s ", json_text(item, "event"));
	}
	assert_string_equal(text, wanted);
}

static void a_receiver_that_agrees_with_the_tag_is_a_yes_at_level_3(void **s)
{
	(void)s;
	attest();
	assert_verdict(r, VERDICT_RESULT);
	assert_allows(r, true);
	says("tag", "TRUE");
	says("gnss", "TRUE");
	AUTO(json_free) json_t *claims = rig_claims(r);
	const json_t *place = json_object_get(submod_of(claims), "merestone_place");
	assert_int_equal(json_integer_value(json_object_get(place, "level")), 3);
	const json_t *location = json_object_get(claims, "merestone_location");
	assert_int_equal(json_integer_value(json_object_get(location, "level")), 3);
	assert_int_equal(json_integer_value(json_object_get(location, "tag_serial")), 10);
	const json_t *heard = json_object_get(location, "gnss");
	assert_int_equal(json_integer_value(json_object_get(heard, "time_ms")), NOW * 1000);
	assert_int_equal(json_array_size(json_object_get(heard, "doubts")), 0);
}

static void no_receiver_where_one_is_wanted_is_a_no(void **s)
{
	(void)s;
	box.gnss = NULL;
	rig_attest(r, &box);
	denied(WHY_OUTSIDE, "cloudlet1 shows no satellite fix, and domain inner needs one");
	told("");
}

static void a_receiver_without_a_tag_is_not_level_3(void **s)
{
	(void)s;
	box.tag = NULL;
	attest();
	denied(WHY_OUTSIDE, "shows no geo tag, and domain inner needs one");
}

static void landmarks_are_missed_at_level_4(void **s)
{
	(void)s;
	rig_accept(r, DOC_DOMAIN, "inner", 3, AT_LEVEL("4,\"landmarks\":5"));
	attest();
	denied(WHY_OUTSIDE, "domain inner needs ");
}

static void attack_A109_each_doubt_denies_by_its_name(void **s)
{
	(void)s;
	for (unsigned i = 0; i < GNSS_DOUBTS; i++) {
		gnss.doubts = GNSS_BIT(i);
		attest();
		denied(WHY_OUTSIDE, gnss_doubt_name((enum gnss_doubt)i));
		says("gnss", "UNKNOWN");
	}
	gnss.doubts = 0;
	attest();
	assert_allows(r, true);
}

static void attack_A109_a_fix_of_another_time_than_the_quote_is_a_no(void **s)
{
	(void)s;
	gnss.time_ms = (NOW - 120) * 1000;
	rig_attest(r, &box);
	denied(WHY_STALE, "120 s before now");
	says("gnss", "UNKNOWN");
	gnss.age_ms = GNSS_AGE_MAX_MS + 1;
	attest();
	denied(WHY_STALE, "ms old");
}

static void attack_A109_an_absent_error_estimate_is_a_no(void **s)
{
	(void)s;
	gnss.has_eph = false;
	gnss.eph_m = 0;
	attest();
	denied(WHY_OUTSIDE, "no-estimate");
}

/* 500 km in 10 s, while the tag stays: Hamburg by the receiver. */
static void attack_A109_a_jump_away_from_the_tag_is_a_no_and_an_exit(void **s)
{
	(void)s;
	attest();
	told("enter ");
	r->d->now += 10;
	gnss.lat_deg = 53.55;
	gnss.lon_deg = 9.99;
	attest();
	denied(WHY_OUTSIDE, "from where the geo tag says");
	says("tag", "TRUE");
	says("gnss", "FALSE");
	told("exit ");
}

/* The tag's circle is wide, so only the fix before tells; a new tag forgets it. */
static void attack_A109_a_jump_within_the_circle_of_the_tag_is_a_no(void **s)
{
	(void)s;
	give_tag(11, (struct fix){52.5, 13.4, 40000});
	attest();
	assert_allows(r, true);
	r->d->now += 10;
	gnss.lat_deg = 52.7;
	attest();
	denied(WHY_OUTSIDE, "jump: the GNSS fix is");
	/* What was refused is not what the next is compared with. */
	r->d->now += 10;
	gnss.lat_deg = 52.5203;
	attest();
	assert_allows(r, true);
	give_tag(12, (struct fix){52.7, 13.4, 10000});
	r->d->now += 10;
	gnss.lat_deg = 52.7;
	attest();
	assert_allows(r, true);
}

static void a_fix_whose_circle_crosses_the_fence_is_a_no(void **s)
{
	(void)s;
	give_tag(11, (struct fix){52.5, 14.8, 3000}); /* 94 km from the middle of 100 km */
	gnss.lat_deg = 52.5;
	gnss.lon_deg = 14.83;
	gnss.eph_m = 2500;
	attest();
	denied(WHY_OUTSIDE, "the uncertainty circle of 5.1 km crosses fence berlin");
	says("tag", "TRUE");
	says("gnss", "PARTIAL");
}

static void the_factor_is_the_domains(void **s)
{
	(void)s;
	give_tag(11, (struct fix){52.52, 13.405, 10});
	gnss.lat_deg = 52.5205; /* 56 m */
	attest();
	denied(WHY_OUTSIDE, "from where the geo tag says");
	rig_accept(r, DOC_DOMAIN, "inner", 3, AT_LEVEL("3,\"gnss_k\":10"));
	attest();
	assert_allows(r, true);
}

/* ---- Where the level does not ask for a receiver ---- */

static void a_receiver_that_cannot_say_is_not_heard_below_level_3(void **s)
{
	(void)s;
	rig_accept(r, DOC_DOMAIN, "inner", 3, AT_LEVEL("2"));
	gnss = (struct gnss){.doubts = GNSS_BIT(GNSS_NO_FIX)};
	rig_attest(r, &box);
	assert_allows(r, true);
	says("gnss", "UNKNOWN");
	gnss = (struct gnss){.has_fix = true, .has_eph = true, .lat_deg = 10, .doubts = GNSS_BIT(GNSS_SPOOFED)};
	attest();
	assert_allows(r, true);
}

static void a_receiver_that_says_something_else_is_a_no_at_each_level(void **s)
{
	(void)s;
	rig_accept(r, DOC_DOMAIN, "inner", 3, AT_LEVEL("1"));
	gnss.lat_deg = 53.55;
	attest();
	denied(WHY_OUTSIDE, "from where the geo tag says");
	box.tag = NULL;
	box.has_fix = true;
	attest();
	denied(WHY_OUTSIDE, "from where");
	says("declared", "TRUE");
}

/* ---- Events ---- */

static void the_record_tells_who_comes_stays_and_falls_silent(void **s)
{
	(void)s;
	rig_accept(r, DOC_DOMAIN, "inner", 3, AT_LEVEL("3,\"dwell_s\":60"));
	attest();
	told("enter ");
	r->d->now += 30;
	attest();
	told("");
	r->d->now += 30;
	attest();
	told("dwell ");
	gnss.doubts = GNSS_BIT(GNSS_JAMMED);
	r->d->now += 50;
	attest();
	told("");
	r->d->now += 50;
	attest();
	told("stale ");
	gnss.doubts = 0;
	attest();
	told("enter ");
}

static void what_was_known_survives_the_authority_and_a_new_enrolment(void **s)
{
	(void)s;
	attest();
	told("enter ");
	rig_stop(r);
	rig_start(r);
	r->d->now = NOW + 5;
	attest();
	told("");
	rig_enrol(r, &box);
	assert_verdict(r, VERDICT_CREDENTIAL);
	rig_evidence(r, &box, ASK_ACTIVATE);
	assert_verdict(r, VERDICT_RESULT);
	told("");
}

static void a_domain_that_is_no_more_is_forgotten(void **s)
{
	struct machine *m = calloc(1, sizeof *m);

	(void)s;
	assert_non_null(m);
	attest();
	assert_int_equal(machine_get(&r->d->store, box.name, m, &r->e), 1);
	assert_int_equal(m->place.n, 1);
	memcpy(m->place.presence[0].domain, "gone", 5);
	assert_accepted(store_begin(&r->d->store, &r->e), &r->e);
	assert_accepted(machine_put(&r->d->store, m, &r->e), &r->e);
	assert_accepted(store_commit(&r->d->store, &r->e), &r->e);
	attest();
	assert_int_equal(machine_get(&r->d->store, box.name, m, &r->e), 1);
	assert_int_equal(m->place.n, 1);
	assert_string_equal(m->place.presence[0].domain, "inner");
	free(m);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, before, onebox_drop)
	const struct CMUnitTest tests[] = {
	        T(a_receiver_that_agrees_with_the_tag_is_a_yes_at_level_3),
	        T(no_receiver_where_one_is_wanted_is_a_no),
	        T(a_receiver_without_a_tag_is_not_level_3),
	        T(landmarks_are_missed_at_level_4),
	        T(attack_A109_each_doubt_denies_by_its_name),
	        T(attack_A109_a_fix_of_another_time_than_the_quote_is_a_no),
	        T(attack_A109_an_absent_error_estimate_is_a_no),
	        T(attack_A109_a_jump_away_from_the_tag_is_a_no_and_an_exit),
	        T(attack_A109_a_jump_within_the_circle_of_the_tag_is_a_no),
	        T(a_fix_whose_circle_crosses_the_fence_is_a_no),
	        T(the_factor_is_the_domains),
	        T(a_receiver_that_cannot_say_is_not_heard_below_level_3),
	        T(a_receiver_that_says_something_else_is_a_no_at_each_level),
	        T(the_record_tells_who_comes_stays_and_falls_silent),
	        T(what_was_known_survives_the_authority_and_a_new_enrolment),
	        T(a_domain_that_is_no_more_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
