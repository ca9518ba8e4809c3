#include "tests/unit/onebox.h"

static void admit(const char *name, uint32_t version, const struct box *pin)
{
	char hex[2 * SHA_LEN + 1], body[160];

	if (pin)
		box_ek(pin, hex);
	snprintf(body, sizeof body, "{\"state\":\"admitted\"%s%s%s}", pin ? ",\"ek_sha256\":\"" : "", pin ? hex : "",
	        pin ? "\"" : "");
	rig_accept(r, DOC_CLOUDLET, name, version, body);
}

static void approve(const struct box *b)
{
	char hex[2 * SHA_LEN + 1], body[128];

	box_ek(b, hex);
	snprintf(body, sizeof body, "{\"ek_sha256\":\"%s\"}", hex);
	rig_accept(r, DOC_EK, b->name, 1, body);
}

static void enrolled(struct box *b)
{
	rig_enrol(r, b);
	assert_verdict(r, VERDICT_CREDENTIAL);
	rig_evidence(r, b, ASK_ACTIVATE);
	assert_verdict(r, VERDICT_RESULT);
}

static void a_machine_that_nobody_admitted_is_refused_with_the_way_in(void **s)
{
	(void)s;
	rig_enrol(r, &box);
	assert_denied(r, WHY_UNKNOWN, "admitted");
	assert_string_equal(r->v.refusal.hint, "merestone cloudlet add cloudlet1");
}

static void a_key_without_certificate_or_approval_is_refused_with_its_hash(void **s)
{
	char hex[2 * SHA_LEN + 1];

	(void)s;
	admit("cloudlet1", 1, NULL);
	rig_enrol(r, &box);
	assert_denied(r, WHY_UNTRUSTED, "nobody has approved");
	box_ek(&box, hex);
	assert_non_null(strstr(r->v.refusal.hint, hex));
}

static void an_approved_key_is_given_a_credential(void **s)
{
	(void)s;
	admit("cloudlet1", 1, NULL);
	approve(&box);
	rig_enrol(r, &box);
	assert_verdict(r, VERDICT_CREDENTIAL);
	assert_true(r->v.has_nonce);
	assert_true(view_equal(r->v.ek, tpmmaker_view(&box.ek)));
	assert_true(view_equal(r->v.ak, tpmmaker_view(&box.ak)));
	assert_string_equal(r->v.machine, "cloudlet1");
}

static void an_activation_writes_the_machine_and_gives_a_certificate(void **s)
{
	static struct machine m;

	(void)s;
	rig_domain(r, &box);
	rig_join(r, &box);
	assert_true(r->v.with_certificate);
	assert_allows(r, true);
	assert_int_equal(r->v.grants[0].generation, 1);
	assert_int_equal(machine_get(&r->d->store, "cloudlet1", &m, &r->e), 1);
	assert_memory_equal(m.nonce, box.nonce, NONCE_LEN);
	assert_int_equal(m.endorsed, ENDORSED_BY_HASH);
	assert_string_equal(m.allowed, "inner ");
	assert_string_equal(m.status, "affirming");
}

static void a_credential_is_activated_once(void **s)
{
	static struct facts f;

	(void)s;
	admit("cloudlet1", 1, &box);
	rig_enrol(r, &box);
	box_evidence(&box, &f, ASK_ACTIVATE);
	rig_case(r, &f);
	assert_verdict(r, VERDICT_RESULT);
	rig_case(r, &f);
	assert_denied(r, WHY_STALE, "no enrolment of cloudlet1");
}

static void a_credential_waits_ten_minutes_and_no_longer(void **s)
{
	(void)s;
	admit("cloudlet1", 1, &box);
	rig_enrol(r, &box);
	r->d->now += PENDING_S;
	rig_evidence(r, &box, ASK_ACTIVATE);
	assert_denied(r, WHY_STALE, "no enrolment");
}

static void a_stranger_who_repeats_an_enrolment_does_not_spoil_it(void **s)
{
	uint8_t first[NONCE_LEN];

	(void)s;
	admit("cloudlet1", 1, &box);
	rig_enrol(r, &box);
	memcpy(first, box.nonce, NONCE_LEN);
	rig_enrol(r, &box);
	assert_memory_equal(first, box.nonce, NONCE_LEN);
	rig_evidence(r, &box, ASK_ACTIVATE);
	assert_verdict(r, VERDICT_RESULT);
}

static void an_activation_without_the_boot_log_is_refused(void **s)
{
	(void)s;
	admit("cloudlet1", 1, &box);
	rig_enrol(r, &box);
	box.sends_log = false;
	rig_evidence(r, &box, ASK_ACTIVATE);
	assert_denied(r, WHY_STALE, "event log");
	box.sends_log = true;
	rig_evidence(r, &box, ASK_ACTIVATE);
	assert_verdict(r, VERDICT_RESULT);
}

static void a_second_enrolment_of_the_same_keys_counts_a_generation(void **s)
{
	(void)s;
	rig_domain(r, &box);
	rig_join(r, &box);
	box.clock = (struct tpm_clock){.clock_ms = 10, .safe = true}; /* the TPM was cleared */
	enrolled(&box);
	assert_int_equal(r->v.grants[0].generation, 2);
	assert_true(r->v.grants[0].with_key);
}

/* Two machines of one image have the same registers and may have the same counters: only the reference keeps their leases
 * apart. */
static void attack_a_neighbours_lease_names_another_enrolment(void **s)
{
	static struct box neighbour;

	(void)s;
	rig_domain(r, &box);
	rig_join(r, &box);
	box_make(&neighbour, "cloudlet2");
	rig_join(r, &neighbour);
	assert_int_equal(r->v.grants[0].generation, 2);
	enrolled(&box);
	assert_int_equal(r->v.grants[0].generation, 3);
	box_drop(&neighbour);
}

static void a_certification_of_another_key_is_refused(void **s)
{
	static struct facts f;

	(void)s;
	admit("cloudlet1", 1, &box);
	rig_enrol(r, &box);
	box_evidence(&box, &f, ASK_ACTIVATE);
	f.attest.srk_certify = f.attest.id_certify;
	f.attest.srk_certify_sig = f.attest.id_certify_sig;
	rig_case(r, &f);
	assert_denied(r, WHY_FORGED, "certification of the storage root key");
}

static void keys_that_are_swapped_after_the_credential_are_refused(void **s)
{
	struct box other;

	(void)s;
	box_make(&other, "cloudlet1");
	admit("cloudlet1", 1, &box);
	rig_enrol(r, &box);
	struct tpm_key own = box.srk;
	box.srk = other.srk;
	rig_evidence(r, &box, ASK_ACTIVATE);
	assert_denied(r, WHY_FORGED, "not those that cloudlet1 enrolled with");
	box.srk = own;
	box_drop(&other);
}

static void an_activation_with_a_guessed_nonce_is_refused_and_told_nothing(void **s)
{
	(void)s;
	admit("cloudlet1", 1, &box);
	rig_enrol(r, &box);
	memset(box.nonce, 0, NONCE_LEN);
	rig_evidence(r, &box, ASK_ACTIVATE);
	assert_int_equal(r->v.kind, VERDICT_REFUSAL);
	assert_false(r->v.has_nonce);
}

static void attack_A04_a_lying_judge_cannot_pass_an_unrestricted_ak(void **s)
{
	(void)s;
	admit("cloudlet1", 1, &box);
	tpmmaker_key(&box.ak, TPMMAKER_AK & ~0x10000u);
	rig_enrol(r, &box);
	assert_denied(r, WHY_UNTRUSTED, "restricted");
}

static void attack_A05_a_lying_judge_cannot_pass_a_software_ak(void **s)
{
	(void)s;
	admit("cloudlet1", 1, &box);
	tpmmaker_key(&box.ak, TPMMAKER_AK & ~0x2u);
	rig_enrol(r, &box);
	assert_denied(r, WHY_UNTRUSTED, "fixedTPM");
}

static void attack_A39_a_name_with_another_tpm_is_refused_and_the_old_row_stays(void **s)
{
	struct box thief;

	(void)s;
	admit("cloudlet1", 1, NULL);
	approve(&box);
	enrolled(&box);
	box_make(&thief, "cloudlet1");
	char hex[2 * SHA_LEN + 1], body[128];
	box_ek(&thief, hex);
	snprintf(body, sizeof body, "{\"ek_sha256\":\"%s\"}", hex);
	rig_accept(r, DOC_EK, "cloudlet1", 2, body);
	rig_enrol(r, &thief);
	assert_denied(r, WHY_REFUSED, "stay in force");
	rig_attest(r, &box);
	assert_verdict(r, VERDICT_RESULT);
	box_drop(&thief);
}

static void an_officer_may_pin_the_tpm_that_a_name_changes_to(void **s)
{
	struct box fresh;

	(void)s;
	rig_join(r, &box);
	box_make(&fresh, "cloudlet1");
	rig_enrol(r, &fresh);
	assert_denied(r, WHY_REFUSED, "pinned to another");
	admit("cloudlet1", 2, &fresh);
	rig_attest(r, &box);
	assert_denied(r, WHY_REFUSED, "pinned to another");
	enrolled(&fresh);
	rig_attest(r, &fresh);
	assert_verdict(r, VERDICT_RESULT);
	box_drop(&fresh);
}

static void attack_A40_one_tpm_has_one_name(void **s)
{
	(void)s;
	rig_join(r, &box);
	memcpy(box.name, "cloudlet2", 10);
	admit("cloudlet2", 1, &box);
	rig_enrol(r, &box);
	assert_denied(r, WHY_REFUSED, "enrolled as cloudlet1");
}

static void attack_A40_two_names_that_race_give_one_winner(void **s)
{
	struct box twin = box;

	(void)s;
	memcpy(twin.name, "cloudlet2", 10);
	admit("cloudlet1", 1, &box);
	admit("cloudlet2", 1, &box);
	rig_enrol(r, &box);
	rig_enrol(r, &twin);
	assert_verdict(r, VERDICT_CREDENTIAL);
	rig_evidence(r, &box, ASK_ACTIVATE);
	assert_verdict(r, VERDICT_RESULT);
	rig_evidence(r, &twin, ASK_ACTIVATE);
	assert_denied(r, WHY_REFUSED, "enrolled as cloudlet1");
}

static int waiting(void)
{
	sqlite3_stmt *st = store_use(&r->d->store, SQL_PENDING_COUNT);

	assert_int_equal(store_step(&r->d->store, st, &r->e), 1);
	int n = sqlite3_column_int(st, 0);
	sqlite3_reset(st);
	return n;
}

static void attack_A47_of_one_name_few_enrolments_wait(void **s)
{
	(void)s;
	admit("cloudlet1", 1, &box);
	for (int i = 0; i < 2 * PENDING_PER_NAME_MAX; i++) {
		tpmmaker_drop(&box.ak);
		tpmmaker_key(&box.ak, TPMMAKER_AK);
		rig_enrol(r, &box);
		assert_verdict(r, VERDICT_CREDENTIAL);
	}
	assert_int_equal(waiting(), PENDING_PER_NAME_MAX);
	rig_evidence(r, &box, ASK_ACTIVATE);
	assert_verdict(r, VERDICT_RESULT);
}

static void attack_A47_a_full_table_refuses_and_empties_itself(void **s)
{
	static struct pending p;

	(void)s;
	admit("cloudlet1", 1, &box);
	public_set(&p.ak, tpmmaker_view(&box.ak));
	p.id = p.srk = p.ak;
	p.endorsed = ENDORSED_BY_HASH;
	p.time = NOW;
	assert_accepted(store_begin(&r->d->store, &r->e), &r->e);
	for (int i = 0; i < PENDING_MAX; i++) {
		snprintf(p.name, sizeof p.name, "flood-%d", i);
		assert_accepted(pending_put(&r->d->store, &p, &r->e), &r->e);
	}
	assert_accepted(store_commit(&r->d->store, &r->e), &r->e);
	rig_enrol(r, &box);
	assert_denied(r, WHY_REFUSED, "enrolments wait");
	r->d->now += PENDING_S;
	rig_enrol(r, &box);
	assert_verdict(r, VERDICT_CREDENTIAL);
	assert_int_equal(waiting(), 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, onebox_new, onebox_drop)
	const struct CMUnitTest tests[] = {
	        T(a_machine_that_nobody_admitted_is_refused_with_the_way_in),
	        T(a_key_without_certificate_or_approval_is_refused_with_its_hash),
	        T(an_approved_key_is_given_a_credential),
	        T(an_activation_writes_the_machine_and_gives_a_certificate),
	        T(a_credential_is_activated_once),
	        T(a_credential_waits_ten_minutes_and_no_longer),
	        T(a_stranger_who_repeats_an_enrolment_does_not_spoil_it),
	        T(an_activation_without_the_boot_log_is_refused),
	        T(a_second_enrolment_of_the_same_keys_counts_a_generation),
	        T(attack_a_neighbours_lease_names_another_enrolment),
	        T(a_certification_of_another_key_is_refused),
	        T(keys_that_are_swapped_after_the_credential_are_refused),
	        T(an_activation_with_a_guessed_nonce_is_refused_and_told_nothing),
	        T(attack_A04_a_lying_judge_cannot_pass_an_unrestricted_ak),
	        T(attack_A05_a_lying_judge_cannot_pass_a_software_ak),
	        T(attack_A39_a_name_with_another_tpm_is_refused_and_the_old_row_stays),
	        T(an_officer_may_pin_the_tpm_that_a_name_changes_to),
	        T(attack_A40_one_tpm_has_one_name),
	        T(attack_A40_two_names_that_race_give_one_winner),
	        T(attack_A47_of_one_name_few_enrolments_wait),
	        T(attack_A47_a_full_table_refuses_and_empties_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
