#include "tests/unit/onebox.h"

static void an_honest_machine_inside_gets_a_lease_and_the_next_nonce(void **s)
{
	uint8_t first[NONCE_LEN];

	(void)s;
	memcpy(first, box.nonce, NONCE_LEN);
	rig_attest(r, &box);
	assert_verdict(r, VERDICT_RESULT);
	assert_allows(r, true);
	assert_true(r->v.has_nonce);
	assert_memory_not_equal(first, r->v.nonce, NONCE_LEN);
	assert_string_equal(r->v.grants[0].dataset, "maps");
	assert_string_equal(r->v.grants[0].domain, "inner");
	assert_true(r->v.grants[0].with_key);
	assert_int_equal(r->v.grants[0].deadline_ms, box.clock.clock_ms + 60 * 857);
	assert_int_equal(r->v.reset_count, 7);
}

static void a_key_that_the_machine_holds_is_not_sent_again(void **s)
{
	uint8_t ref[64];
	struct wr w = wr_to(ref, sizeof ref);

	(void)s;
	wr_text16(&w, "inner");
	wr_text16(&w, "maps");
	wr_be32(&w, 1);
	wr_be32(&w, 1);
	sha256(box.holds, wr_done(&w));
	box.holds_one = true;
	rig_attest(r, &box);
	assert_allows(r, true);
	assert_false(r->v.grants[0].with_key);
}

static void a_renewal_needs_no_log_while_the_boot_is_the_same(void **s)
{
	(void)s;
	box.sends_log = false;
	rig_attest(r, &box);
	assert_verdict(r, VERDICT_RESULT);
	assert_allows(r, true);
}

static void a_renewal_after_a_reboot_must_send_the_log_and_is_given_a_nonce(void **s)
{
	(void)s;
	box.sends_log = false;
	box.clock.reset_count++;
	rig_attest(r, &box);
	assert_denied(r, WHY_STALE, "send the event log of this boot");
	assert_true(r->v.has_nonce);
	box.sends_log = true;
	rig_attest(r, &box);
	assert_verdict(r, VERDICT_RESULT);
}

static void registers_that_moved_within_one_boot_need_their_log(void **s)
{
	(void)s;
	box.sends_log = false;
	box.pcrs.v[4][0] ^= 1;
	rig_attest(r, &box);
	assert_denied(r, WHY_STALE, "the registers have changed");
}

static void a_changed_boot_is_denied_and_the_event_is_named(void **s)
{
	(void)s;
	box_tamper(&box);
	box.clock.reset_count++;
	rig_attest(r, &box);
	assert_verdict(r, VERDICT_RESULT);
	assert_allows(r, false);
	AUTO(json_free) json_t *claims = rig_claims(r);
	const char *sentence = json_string_value(json_object_get(decision_of(claims, "inner"), "sentence"));
	assert_non_null(strstr(sentence, "PCR 4: event"));
	/* Renewed without a log, the event is still named. */
	box.sends_log = false;
	rig_attest(r, &box);
	assert_allows(r, false);
	AUTO(json_free) json_t *again = rig_claims(r);
	assert_string_equal(json_string_value(json_object_get(decision_of(again, "inner"), "sentence")), sentence);
}

static void a_machine_that_moved_away_gets_no_lease(void **s)
{
	(void)s;
	box.fix = (struct fix){51.5, -0.1, 1000};
	rig_attest(r, &box);
	assert_verdict(r, VERDICT_RESULT);
	assert_allows(r, false);
}

static void a_machine_without_a_position_gets_no_lease(void **s)
{
	(void)s;
	box.has_fix = false;
	rig_attest(r, &box);
	assert_allows(r, false);
}

static void a_certificate_is_issued_only_when_asked_for(void **s)
{
	static struct facts f;

	(void)s;
	box_evidence(&box, &f, ASK_ATTEST);
	rig_case(r, &f);
	assert_false(r->v.with_certificate);
	take_nonce(r, &box);
	box_evidence(&box, &f, ASK_ATTEST);
	f.attest.claims.wants_certificate = true;
	rig_case(r, &f);
	assert_true(r->v.with_certificate);
	assert_int_equal(r->v.certificate_s, CERTIFICATE_S);
	assert_true(view_equal(r->v.id, tpmmaker_view(&box.id)));
}

static void an_unknown_machine_is_refused(void **s)
{
	struct box other;

	(void)s;
	box_make(&other, "stranger");
	rig_attest(r, &other);
	assert_denied(r, WHY_UNKNOWN, "no security officer has admitted");
	rig_accept(r, DOC_CLOUDLET, "stranger", 1, "{\"state\":\"admitted\"}");
	rig_attest(r, &other);
	assert_denied(r, WHY_UNKNOWN, "not enrolled");
	assert_false(r->v.has_nonce);
	box_drop(&other);
}

static void evidence_with_the_certificate_of_another_is_refused(void **s)
{
	static struct facts f;

	(void)s;
	box_evidence(&box, &f, ASK_ATTEST);
	memcpy(f.peer, "cloudlet2", 10);
	rig_case(r, &f);
	assert_denied(r, WHY_REFUSED, "certificate of cloudlet2");
}

static void a_tls_key_that_was_not_enrolled_is_refused(void **s)
{
	static struct facts f;

	(void)s;
	box_evidence(&box, &f, ASK_ATTEST);
	f.attest.claims.tls_key[0] ^= 1;
	rig_case(r, &f);
	assert_denied(r, WHY_FORGED, "TLS key");
}

static void a_refusal_of_the_judge_is_recorded(void **s)
{
	struct facts f = {.ticket = 9, .kind = ASK_ATTEST};

	(void)s;
	err_set(&f.refusal, WHY_MALFORMED, "evidence killed its judge");
	uint64_t was = r->d->head.case_no;
	rig_case(r, &f);
	assert_denied(r, WHY_MALFORMED, "killed its judge");
	assert_int_equal(r->d->head.case_no, was + 1);
	assert_int_equal(r->v.case_no, was + 1);
}

static void attack_A12_nonce_replay(void **s)
{
	static struct facts f;

	(void)s;
	box_evidence(&box, &f, ASK_ATTEST);
	rig_case(r, &f);
	assert_verdict(r, VERDICT_RESULT);
	take_nonce(r, &box);
	rig_case(r, &f);
	assert_denied(r, WHY_STALE, "does not answer this nonce");
	/* The machine's own nonce is offered, not replaced: a replay cannot take it away. */
	assert_memory_equal(r->v.nonce, box.nonce, NONCE_LEN);
	rig_attest(r, &box);
	assert_verdict(r, VERDICT_RESULT);
}

static void attack_A12_nonce_of_another_machine(void **s)
{
	struct box other;

	(void)s;
	box_make(&other, "cloudlet2");
	rig_join(r, &other);
	memcpy(box.nonce, other.nonce, NONCE_LEN);
	rig_attest(r, &box);
	assert_denied(r, WHY_STALE, "does not answer this nonce");
	box_drop(&other);
}

static void attack_A12_expired_nonce(void **s)
{
	(void)s;
	r->d->now += NONCE_S;
	rig_attest(r, &box);
	assert_denied(r, WHY_STALE, "expired");
	assert_true(r->v.has_nonce);
	rig_attest(r, &box);
	assert_verdict(r, VERDICT_RESULT);
}

static void attack_A13_nonce_with_one_bit_changed(void **s)
{
	(void)s;
	box.nonce[31] ^= 0x20;
	rig_attest(r, &box);
	assert_denied(r, WHY_STALE, "does not answer this nonce");
}

static void attack_A21_reset_count_rollback(void **s)
{
	(void)s;
	box.clock = (struct tpm_clock){.clock_ms = 5, .safe = true};
	rig_attest(r, &box);
	assert_denied(r, WHY_STALE, "re-enrol");
	assert_false(r->v.has_nonce);
}

static void attack_A22_unsafe_clock_extends_no_lease(void **s)
{
	(void)s;
	box.clock.safe = false;
	rig_attest(r, &box);
	assert_verdict(r, VERDICT_RESULT);
	assert_allows(r, false);
	AUTO(json_free) json_t *claims = rig_claims(r);
	assert_string_equal(json_string_value(json_object_get(decision_of(claims, "inner"), "reason")), "stale");
}

static void attack_A23_clock_going_back_within_one_reset(void **s)
{
	(void)s;
	box.clock.clock_ms -= 10000;
	rig_evidence(r, &box, ASK_ATTEST);
	assert_denied(r, WHY_STALE, "clock went back");
	box.clock.clock_ms += 20000;
	box.clock.restart_count = 3;
	rig_evidence(r, &box, ASK_ATTEST);
	assert_verdict(r, VERDICT_RESULT);
	box.clock.restart_count = 2;
	rig_attest(r, &box);
	assert_denied(r, WHY_STALE, "restart count went back");
}

static void attack_A24_an_honest_reboot_after_suspend_is_accepted(void **s)
{
	(void)s;
	box.clock.restart_count = 3;
	rig_attest(r, &box);
	assert_verdict(r, VERDICT_RESULT);
	box.clock.restart_count = 0;
	box.clock.reset_count++;
	box.clock.clock_ms -= 5000;
	rig_attest(r, &box);
	assert_verdict(r, VERDICT_RESULT);
	assert_allows(r, true);
}

static void attack_A26_signature_of_another_ak(void **s)
{
	static struct facts f;
	struct tpm_key own = box.ak;

	(void)s;
	memset(&box.ak, 0, sizeof box.ak);
	tpmmaker_key(&box.ak, TPMMAKER_AK);
	box_evidence(&box, &f, ASK_ATTEST);
	rig_case(r, &f);
	assert_denied(r, WHY_FORGED, "quote");
	assert_false(r->v.has_nonce);
	tpmmaker_drop(&box.ak);
	box.ak = own;
}

static void attack_A27_a_lying_judge_cannot_change_registers(void **s)
{
	static struct facts f;

	(void)s;
	box_evidence(&box, &f, ASK_ATTEST);
	f.attest.pcrs.v[4][0] ^= 1;
	f.attest.boot.pcrs.v[4][0] ^= 1;
	rig_case(r, &f);
	assert_denied(r, WHY_FORGED, "register values");
}

static void attack_A52_a_lying_judge_cannot_pass_a_log_that_does_not_explain(void **s)
{
	static struct facts f;

	(void)s;
	box_evidence(&box, &f, ASK_ATTEST);
	f.attest.boot.pcrs.v[7][0] ^= 1;
	rig_case(r, &f);
	assert_denied(r, WHY_FORGED, "PCR 7");
}

static void attack_A62_a_log_left_out_of_another_boot(void **s)
{
	static struct facts f;

	(void)s;
	box.sends_log = false;
	box_evidence(&box, &f, ASK_ATTEST);
	f.attest.claims.eventlog[0] ^= 1;
	rig_case(r, &f);
	assert_denied(r, WHY_STALE, "send the event log");
}

static void attack_A98_nothing_is_released_after_a_revocation(void **s)
{
	(void)s;
	rig_accept(r, DOC_CLOUDLET, "cloudlet1", 2, "{\"state\":\"revoked\",\"reason\":\"stolen\"}");
	rig_attest(r, &box);
	assert_denied(r, WHY_REFUSED, "revoked: stolen");
	assert_true(r->v.has_nonce); /* for the receipt */
	assert_int_equal(r->v.ngrants, 0);
}

static void attack_A99_only_an_officer_ends_a_revocation(void **s)
{
	static struct facts f;

	(void)s;
	box_evidence(&box, &f, ASK_ATTEST);
	rig_accept(r, DOC_CLOUDLET, "cloudlet1", 2, "{\"state\":\"revoked\"}");
	for (int i = 0; i < 3; i++) {
		rig_case(r, &f);
		assert_denied(r, WHY_REFUSED, "revoked");
	}
	rig_enrol(r, &box);
	assert_denied(r, WHY_REFUSED, "revoked");
	rig_accept(r, DOC_CLOUDLET, "cloudlet1", 3, "{\"state\":\"admitted\"}");
	/* What was signed before the revocation stays dead: its nonce died with it. */
	rig_case(r, &f);
	assert_denied(r, WHY_STALE, "");
	take_nonce(r, &box);
	rig_attest(r, &box);
	assert_verdict(r, VERDICT_RESULT);
}

static void attack_A100_a_renewal_is_decided_by_the_policy_of_now(void **s)
{
	(void)s;
	rig_attest(r, &box);
	assert_allows(r, true);
	rig_accept(r, DOC_FENCE, "berlin", 2,
	        "{\"geometry\":{\"type\":\"Circle\",\"center\":[2.35,48.85],\"radius_m\":100000},\"map_accuracy_m\":"
	        "100}");
	box.sends_log = false;
	rig_attest(r, &box);
	assert_allows(r, false);
	AUTO(json_free) json_t *claims = rig_claims(r);
	const json_t *inner = json_object_get(json_object_get(claims, "submods"), "inner");
	assert_string_equal(json_string_value(json_array_get(json_object_get(inner, "ear_appraisal_policy_ids"), 1)),
	        "fence:berlin@2");
}

static void attack_A112_a_position_outside_the_signed_claims_changes_nothing(void **s)
{
	static struct facts f;

	(void)s;
	box_evidence(&box, &f, ASK_ATTEST);
	f.attest.digests[0][0] ^= 1; /* other claims than those the TPM bound */
	rig_case(r, &f);
	assert_denied(r, WHY_STALE, "these claims");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, onebox_joined, onebox_drop)
	const struct CMUnitTest tests[] = {
	        T(an_honest_machine_inside_gets_a_lease_and_the_next_nonce),
	        T(a_key_that_the_machine_holds_is_not_sent_again),
	        T(a_renewal_needs_no_log_while_the_boot_is_the_same),
	        T(a_renewal_after_a_reboot_must_send_the_log_and_is_given_a_nonce),
	        T(registers_that_moved_within_one_boot_need_their_log),
	        T(a_changed_boot_is_denied_and_the_event_is_named),
	        T(a_machine_that_moved_away_gets_no_lease),
	        T(a_machine_without_a_position_gets_no_lease),
	        T(a_certificate_is_issued_only_when_asked_for),
	        T(an_unknown_machine_is_refused),
	        T(evidence_with_the_certificate_of_another_is_refused),
	        T(a_tls_key_that_was_not_enrolled_is_refused),
	        T(a_refusal_of_the_judge_is_recorded),
	        T(attack_A12_nonce_replay),
	        T(attack_A12_nonce_of_another_machine),
	        T(attack_A12_expired_nonce),
	        T(attack_A13_nonce_with_one_bit_changed),
	        T(attack_A21_reset_count_rollback),
	        T(attack_A22_unsafe_clock_extends_no_lease),
	        T(attack_A23_clock_going_back_within_one_reset),
	        T(attack_A24_an_honest_reboot_after_suspend_is_accepted),
	        T(attack_A26_signature_of_another_ak),
	        T(attack_A27_a_lying_judge_cannot_change_registers),
	        T(attack_A52_a_lying_judge_cannot_pass_a_log_that_does_not_explain),
	        T(attack_A62_a_log_left_out_of_another_boot),
	        T(attack_A98_nothing_is_released_after_a_revocation),
	        T(attack_A99_only_an_officer_ends_a_revocation),
	        T(attack_A100_a_renewal_is_decided_by_the_policy_of_now),
	        T(attack_A112_a_position_outside_the_signed_claims_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
