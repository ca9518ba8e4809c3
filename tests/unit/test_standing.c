/* What a machine's standing is worth when its TPM was reset, resumed or cleared, and when it falls silent: facts 3.5. */
#include "tests/unit/onebox.h"

static void a_resume_in_the_same_state_needs_no_log(void **s)
{
	(void)s;
	box.clock.restart_count++;
	box.sends_log = false;
	rig_attest(r, &box);
	assert_verdict(r, VERDICT_RESULT);
	assert_allows(r, true);
	assert_int_equal(r->v.restart_count, 1);
}

static void a_cleared_tpm_enrols_anew_and_its_old_keys_are_of_the_past(void **s)
{
	static struct facts f;

	(void)s;
	uint32_t old = r->v.grants[0].generation;
	box.clock = (struct tpm_clock){.clock_ms = 3, .safe = true};
	rig_attest(r, &box);
	assert_denied(r, WHY_STALE, "cleared");
	rig_enrol(r, &box);
	assert_verdict(r, VERDICT_CREDENTIAL);
	box_evidence(&box, &f, ASK_ACTIVATE);
	rig_case(r, &f);
	assert_verdict(r, VERDICT_RESULT);
	assert_int_equal(r->v.grants[0].generation, old + 1);
	assert_true(r->v.grants[0].with_key);
}

static void a_clock_that_is_not_safe_may_step_back_and_is_worth_nothing(void **s)
{
	(void)s;
	box.clock.reset_count++;
	box.clock.safe = false;
	box.clock.clock_ms -= 4000;
	rig_attest(r, &box);
	assert_verdict(r, VERDICT_RESULT);
	assert_allows(r, false);
	box.clock.safe = true; /* as soon as the TPM has written its clock down */
	rig_attest(r, &box);
	assert_verdict(r, VERDICT_RESULT);
	assert_allows(r, true);
}

/* Ten reboots and suspensions, each honest, each accepted. */
static void attack_A24_honest_reboots_are_accepted_for_ever(void **s)
{
	(void)s;
	for (int i = 0; i < 10; i++) {
		box.clock.restart_count = i % 3 == 0 ? box.clock.restart_count + 1 : 0;
		box.clock.reset_count += i % 3 == 0 ? 0 : 1;
		rig_attest(r, &box);
		assert_verdict(r, VERDICT_RESULT);
		assert_allows(r, true);
	}
}

/* CVE-2018-6622: a TPM that a suspension has reset, whose registers somebody fills again. Its counters tell. */
static void attack_A30_registers_that_a_suspension_reset_are_not_believed(void **s)
{
	(void)s;
	box.clock.restart_count++;
	memset(&box.pcrs, 0, sizeof box.pcrs);
	box.sends_log = false;
	rig_attest(r, &box);
	assert_denied(r, WHY_STALE, "the registers have changed");
	box.sends_log = true; /* the log of before does not explain them */
	rig_attest(r, &box);
	assert_denied(r, WHY_FORGED, "PCR 0");
}

/* A reset pin that was pulled behind the system's back. */
static void attack_A30_a_reset_without_a_boot_is_not_believed(void **s)
{
	(void)s;
	box.clock.reset_count++;
	box.sends_log = false;
	rig_attest(r, &box);
	assert_denied(r, WHY_STALE, "started anew");
}

static void attack_A28_what_a_silent_machine_has_ends_by_itself(void **s)
{
	(void)s;
	rig_attest(r, &box);
	AUTO(json_free) json_t *claims = rig_claims(r);
	assert_int_equal(json_integer_value(json_object_get(claims, "exp")), NOW + 60);
	assert_true(r->v.grants[0].deadline_ms <= box.clock.clock_ms + 60 * 1000);
	r->d->now += NONCE_S;
	rig_attest(r, &box);
	assert_denied(r, WHY_STALE, "nonce has expired");
	assert_int_equal(r->v.ngrants, 0);
	rig_attest(r, &box); /* and it comes back by the nonce that it was given */
	assert_verdict(r, VERDICT_RESULT);
}

static void attack_A27_each_failure_is_a_refusal_with_a_record(void **s)
{
	static struct facts f;

	(void)s;
	box_evidence(&box, &f, ASK_ATTEST);
	f.attest.quote_sig[5] ^= 1;
	uint64_t last = r->d->head.case_no;
	rig_case(r, &f);
	assert_denied(r, WHY_FORGED, "");
	assert_int_equal(r->v.ngrants, 0);
	assert_int_equal(r->d->head.case_no, last + 1);
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, NONCE_LEN);
}

static void attack_A11_ten_thousand_nonces_differ(void **s)
{
	enum { MANY = 10000 };
	uint8_t(*all)[NONCE_LEN] = calloc(MANY, NONCE_LEN);

	(void)s;
	assert_non_null(all);
	for (size_t i = 0; i < MANY; i++)
		assert_accepted(nonce_new(all[i], &r->e), &r->e);
	qsort(all, MANY, NONCE_LEN, by_bytes);
	for (size_t i = 1; i < MANY; i++)
		assert_memory_not_equal(all[i - 1], all[i], NONCE_LEN);
	free(all);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, onebox_joined, onebox_drop)
	const struct CMUnitTest tests[] = {
	        T(a_resume_in_the_same_state_needs_no_log),
	        T(a_cleared_tpm_enrols_anew_and_its_old_keys_are_of_the_past),
	        T(a_clock_that_is_not_safe_may_step_back_and_is_worth_nothing),
	        T(attack_A24_honest_reboots_are_accepted_for_ever),
	        T(attack_A30_registers_that_a_suspension_reset_are_not_believed),
	        T(attack_A30_a_reset_without_a_boot_is_not_believed),
	        T(attack_A28_what_a_silent_machine_has_ends_by_itself),
	        T(attack_A27_each_failure_is_a_refusal_with_a_record),
	        T(attack_A11_ten_thousand_nonces_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
