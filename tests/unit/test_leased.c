/* Tests of leased: the revocation counter of a machine, and the receipt that its leases have ended. */
#include "tests/unit/onebox.h"

/* What TPM and quoter do when leases end. */
static void ends(void)
{
	box.counter++;
	box.pcrs.v[ENDED_PCR][0]++;
}

static void revoked(void)
{
	rig_accept(r, DOC_CLOUDLET, "cloudlet1", 2, "{\"state\":\"revoked\",\"reason\":\"sold\"}");
}

/* A member of the last case's record; the caller frees. */
static json_t *recorded(const char *member)
{
	uint8_t previous[SHA_LEN], hash[SHA_LEN];
	struct view record;
	struct err e;

	assert_int_equal(audit_get(&r->d->store, r->d->head.case_no, &record, previous, hash, &e), 1);
	json_t *j = json_read(record, RECORD_MAX, &e), *found = json_object_get(j, member);
	json_incref(found);
	json_decref(j);
	return found;
}

static void has_receipt(int64_t counter, int64_t previous, const char *sessions)
{
	AUTO(json_free) json_t *x = recorded("receipt");

	assert_int_equal(json_integer_value(json_object_get(x, "counter")), counter);
	assert_int_equal(json_integer_value(json_object_get(x, "previous")), previous);
	assert_string_equal(json_string_value(json_object_get(x, "sessions")), sessions);
}

static void has_no_receipt(void)
{
	assert_null(recorded("receipt"));
}

/* The member "leases" of the machine in the list. */
static json_int_t listed(const char *member)
{
	struct err e;

	rig_ask(r, "list/cloudlets");
	assert_verdict(r, VERDICT_SIGNED);
	AUTO(json_free) json_t *j = json_read(r->v.body, LISTING_MAX, &e);
	const json_t *item = json_array_get(json_object_get(j, "items"), 0);
	return json_integer_value(json_object_get(json_object_get(item, "leases"), member));
}

static void a_lease_is_for_the_value_that_the_counter_has(void **s)
{
	(void)s;
	box.counter = 7;
	rig_attest(r, &box);
	assert_allows(r, true);
	assert_int_equal(r->v.counter, 7);
}

static void evidence_without_the_counter_gets_leases_for_the_value_that_was_certified(void **s)
{
	(void)s;
	box.counter = 7;
	rig_attest(r, &box);
	box.counter = 0;
	rig_attest(r, &box);
	assert_allows(r, true);
	assert_int_equal(r->v.counter, 7);
}

/* The TPM honours none of them: test_quoterstream.c. */
static void attack_A108_evidence_that_hides_an_end_gets_no_lease_for_another_value(void **s)
{
	(void)s;
	rig_attest(r, &box);
	ends();
	box.counter = 0;
	rig_attest(r, &box);
	assert_allows(r, true);
	assert_int_equal(r->v.counter, 1);
	has_no_receipt();
}

static void attack_A108_a_revoked_machine_that_hides_its_counter_gives_no_receipt(void **s)
{
	(void)s;
	rig_attest(r, &box);
	revoked();
	rig_attest(r, &box);
	ends();
	box.counter = 0;
	rig_attest(r, &box);
	assert_denied(r, WHY_REFUSED, "cloudlet1 is revoked: sold");
	has_no_receipt();
	assert_int_equal(listed("ended_case"), 0);
	assert_int_equal(listed("until"), NOW + 60);
}

/* What moved the register was seen before, so it does not end sessions that were prepared since. */
static void attack_A108_a_register_that_moved_earlier_is_no_receipt(void **s)
{
	(void)s;
	rig_attest(r, &box);
	box.counter = 0;
	box.pcrs.v[ENDED_PCR][0]++;
	rig_attest(r, &box);
	revoked();
	rig_attest(r, &box);
	box.counter = 2;
	rig_attest(r, &box);
	has_receipt(2, 1, "not shown");
	assert_int_equal(listed("ended_case"), 0);
}

static void without_a_counter_there_is_no_lease(void **s)
{
	static struct box other;

	(void)s;
	box_make(&other, "cloudlet2");
	other.counter = 0;
	rig_join(r, &other);
	rig_attest(r, &other);
	assert_verdict(r, VERDICT_RESULT);
	assert_allows(r, false);
	assert_int_equal(r->v.ngrants, 0);
	other.counter = 1;
	rig_attest(r, &other);
	assert_allows(r, true);
	box_drop(&other);
}

static void attack_A108_a_counter_that_went_back_must_enrol_again(void **s)
{
	(void)s;
	box.counter = 5;
	rig_attest(r, &box);
	assert_allows(r, true);
	box.counter = 4;
	rig_attest(r, &box);
	assert_denied(r, WHY_STALE, "re-enrol: the TPM's revocation counter went back from 5 to 4");
}

static void attack_A108_another_index_in_the_counters_place_is_refused(void **s)
{
	static struct facts f;
	struct attest_shape shape;
	uint8_t extra[SHA_LEN], name[TPM_NAME_LEN], value[COUNTER_LEN], room[1024];
	struct wr w = wr_to(room, sizeof room);

	(void)s;
	box.clock.clock_ms += 1000;
	box_evidence(&box, &f, ASK_ATTEST);
	evidence_binding_of(extra, box.nonce, f.attest.digests, f.attest.ndigests);
	tpmmaker_shape(&shape, &box.ak, VIEW_OF(extra));
	tpmmaker_counter(&shape, 9, name, value);
	name[5] ^= 1; /* an ordinary index has other attributes, so another Name */
	f.attest.counter_certify = tpmmaker_attest(&w, &shape);
	f.attest.counter_certify_sig = tpmmaker_sign(&w, &box.ak, f.attest.counter_certify);
	rig_case(r, &f);
	assert_denied(r, WHY_FORGED, "the NV index is another one, or has other attributes");
}

static void a_machine_that_ends_its_leases_gives_a_receipt_and_gets_new_ones(void **s)
{
	(void)s;
	rig_attest(r, &box);
	has_no_receipt();
	ends();
	rig_attest(r, &box);
	assert_allows(r, true);
	assert_int_equal(r->v.counter, 2);
	has_receipt(2, 1, "ended");
	rig_attest(r, &box);
	has_no_receipt();
}

static void a_revoked_machine_is_asked_for_its_receipt_once(void **s)
{
	(void)s;
	rig_attest(r, &box);
	revoked();
	rig_attest(r, &box);
	assert_denied(r, WHY_REFUSED, "cloudlet1 is revoked: sold");
	assert_true(r->v.has_nonce);
	assert_int_equal(listed("until"), NOW + 60);
	ends();
	rig_attest(r, &box);
	assert_denied(r, WHY_REFUSED, "cloudlet1 is revoked: sold");
	assert_false(r->v.has_nonce);
	has_receipt(2, 1, "ended");
	assert_int_equal(listed("ended_case"), r->d->head.case_no);
	assert_int_equal(listed("until"), 0);
}

static void a_receipt_that_is_lost_leaves_the_deadline(void **s)
{
	(void)s;
	rig_attest(r, &box);
	revoked();
	rig_attest(r, &box);
	ends(); /* and nothing more is heard */
	assert_int_equal(listed("ended_case"), 0);
	assert_int_equal(listed("until"), NOW + 60);
}

static void a_counter_without_the_register_ends_no_sessions(void **s)
{
	(void)s;
	rig_attest(r, &box);
	revoked();
	rig_attest(r, &box);
	box.counter++;
	rig_attest(r, &box);
	has_receipt(2, 1, "not shown");
	assert_int_equal(listed("ended_case"), 0);
	assert_int_equal(listed("until"), NOW + 60);
}

static void another_boot_ends_sessions_too(void **s)
{
	(void)s;
	rig_attest(r, &box);
	revoked();
	rig_attest(r, &box);
	box.counter++;
	box.clock.reset_count++;
	rig_attest(r, &box);
	has_receipt(2, 1, "ended");
}

/* The evidence that ended the leases, shown again, and one that answers another nonce. */
static void attack_A12_a_receipt_counts_once_and_for_its_nonce(void **s)
{
	static struct facts f;

	(void)s;
	rig_attest(r, &box);
	revoked();
	ends();
	box_evidence(&box, &f, ASK_ATTEST); /* the nonce of before died with the revocation */
	rig_case(r, &f);
	assert_denied(r, WHY_REFUSED, "revoked");
	has_no_receipt();
	take_nonce(r, &box);
	rig_attest(r, &box);
	has_receipt(2, 1, "ended");
	rig_case(r, &f);
	has_no_receipt();
}

static void a_machine_that_is_admitted_again_starts_without_an_end(void **s)
{
	(void)s;
	revoked();
	rig_attest(r, &box);
	ends();
	rig_attest(r, &box);
	rig_accept(r, DOC_CLOUDLET, "cloudlet1", 3, "{\"state\":\"admitted\"}");
	rig_attest(r, &box); /* its nonce is offered first */
	rig_attest(r, &box);
	assert_allows(r, true);
	assert_int_equal(r->v.counter, 2);
	rig_accept(r, DOC_CLOUDLET, "cloudlet1", 4, "{\"state\":\"revoked\"}");
	assert_int_equal(listed("ended_case"), 0);
	assert_int_equal(listed("until"), NOW + 60);
}

static void an_enrolment_keeps_what_leases_there_may_be(void **s)
{
	(void)s;
	rig_attest(r, &box);
	r->d->now += 10;
	box.counter = 0; /* its TPM shows none now: no new lease, the old one lives */
	rig_enrol(r, &box);
	rig_evidence(r, &box, ASK_ACTIVATE);
	assert_verdict(r, VERDICT_RESULT);
	assert_allows(r, false);
	revoked();
	assert_int_equal(listed("until"), NOW + 60);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, onebox_joined, onebox_drop)
	const struct CMUnitTest tests[] = {
	        T(a_lease_is_for_the_value_that_the_counter_has),
	        T(evidence_without_the_counter_gets_leases_for_the_value_that_was_certified),
	        T(attack_A108_evidence_that_hides_an_end_gets_no_lease_for_another_value),
	        T(attack_A108_a_revoked_machine_that_hides_its_counter_gives_no_receipt),
	        T(attack_A108_a_register_that_moved_earlier_is_no_receipt),
	        T(without_a_counter_there_is_no_lease),
	        T(attack_A108_a_counter_that_went_back_must_enrol_again),
	        T(attack_A108_another_index_in_the_counters_place_is_refused),
	        T(a_machine_that_ends_its_leases_gives_a_receipt_and_gets_new_ones),
	        T(a_revoked_machine_is_asked_for_its_receipt_once),
	        T(a_receipt_that_is_lost_leaves_the_deadline),
	        T(a_counter_without_the_register_ends_no_sessions),
	        T(another_boot_ends_sessions_too),
	        T(attack_A12_a_receipt_counts_once_and_for_its_nonce),
	        T(a_machine_that_is_admitted_again_starts_without_an_end),
	        T(an_enrolment_keeps_what_leases_there_may_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
