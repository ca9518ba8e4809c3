#include "tests/unit/leasebox.h"

static void a_lease_opens_the_key_again_and_again(void **s)
{
	struct bench *b = bench(s);
	for (int i = 0; i < 20; i++)
		opens(b);
}

static void a_changed_register_is_refused_until_a_new_lease(void **s)
{
	struct bench *b = bench(s);
	assert_int_equal(swtpm_extend(&b->tpm, 4), 0);
	refuses(b, WHY_UNTRUSTED, "the registers are not those of the lease", "0x1c4");
	lease(b);
	opens(b);
}

static void a_register_that_is_not_quoted_may_change(void **s)
{
	struct bench *b = bench(s);
	assert_int_equal(swtpm_extend(&b->tpm, 14), 0);
	opens(b);
}

static void a_passed_deadline_is_refused(void **s)
{
	struct bench *b = bench(s);
	assert_int_equal(swtpm_forward(&b->tpm, 3600 * 1000 + 5000), 0);
	refuses(b, WHY_STALE, "the lease ended 5.", "0x126");
}

static void a_restarted_machine_is_refused_until_a_new_lease(void **s)
{
	struct bench *b = bench(s);
	machine_off(b);
	assert_int_equal(swtpm_on(&b->machine), 0);
	machine_on(b);
	refuses(b, WHY_STALE, "the machine was restarted since the lease was signed", "0x126");
	lease(b);
	opens(b);
}

static void ten_power_cuts_lock_nobody_out(void **s)
{
	struct bench *b = bench(s);
	for (int i = 0; i < 10; i++) {
		machine_off(b);
		assert_int_equal(swtpm_on(&b->machine), 0);
		machine_on(b);
		lease(b);
		opens(b);
	}
}

static void a_lease_by_another_key_is_refused(void **s)
{
	struct bench *b = bench(s);
	struct err e = {0};
	AUTO(es256_free) struct es256 *other = es256_generate(&e);
	sign_lease(b, other);
	refuses(b, WHY_UNTRUSTED, "the lease is not signed by the lease key", "0x2db");
	/* The other key may also say that it is the lease key: then it is not the one the object wants. */
	memcpy(b->use.lease_key, other->pub, ES256_PUB);
	refuses(b, WHY_UNTRUSTED, "the lease is for another key", "0x99d");
}

static void a_lease_for_another_dataset_epoch_or_generation_is_refused(void **s)
{
	struct bench *b = bench(s);
	struct lease_use good = b->use;
	b->use.epoch = 4;
	sign_lease(b, b->authority);
	refuses(b, WHY_UNTRUSTED, "the lease is for another key", "0x99d");
	b->use = good;
	b->use.generation = 2;
	sign_lease(b, b->authority);
	refuses(b, WHY_UNTRUSTED, "the lease is for another key", "0x99d");
	b->use = good;
	strncpy(b->use.dataset, "traffic-2", NAME_CAP - 1);
	sign_lease(b, b->authority);
	refuses(b, WHY_UNTRUSTED, "the lease is for another key", "0x99d");
	b->use = good;
	opens(b);
}

static void a_deadline_moved_by_the_holder_is_refused(void **s)
{
	struct bench *b = bench(s);
	b->use.terms.deadline_ms += 1;
	refuses(b, WHY_UNTRUSTED, "the lease is not signed by the lease key", "0x2db");
}

static void attack_A104_a_key_sealed_for_another_tpm_is_refused(void **s)
{
	struct bench *b = bench(s);
	struct bench other = {.dirfd = -1};
	assert_int_equal(swtpm_new(&other.machine), 0);
	machine_on(&other);
	seal_under(b, &other.keys.srk);
	machine_off(&other);
	swtpm_free(&other.machine);
	refuses(b, WHY_UNTRUSTED, "this key was sealed for another TPM", "0x3df");
}

static void attack_A103_user_with_auth_added_to_the_blob_is_refused(void **s)
{
	struct bench *b = bench(s);
	b->use.sealed.public[7] |= 0x40;
	refuses(b, WHY_UNTRUSTED, "this key was sealed for another TPM", "0x3df");
}

/* What unseal() loads, loaded by hand. */
static ESYS_TR imported(struct bench *b)
{
	const TPMT_SYM_DEF_OBJECT no_inner = {.algorithm = TPM2_ALG_NULL};
	const struct sealed *from = &b->use.sealed;
	TPM2B_PUBLIC pub = {0};
	TPM2B_PRIVATE dup = {.size = (UINT16)from->nduplicate}, *wrapped = NULL;
	TPM2B_ENCRYPTED_SECRET seed = {.size = (UINT16)from->nseed};
	ESYS_TR object = ESYS_TR_NONE;
	size_t at = 0;
	memcpy(dup.buffer, from->duplicate, from->nduplicate);
	memcpy(seed.secret, from->seed, from->nseed);
	assert_int_equal(Tss2_MU_TPMT_PUBLIC_Unmarshal(from->public, from->npublic, &at, &pub.publicArea), 0);
	assert_int_equal(Esys_Import(b->tpm.esys, b->tpm.srk, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, NULL, &pub,
	                         &dup, &seed, &no_inner, &wrapped),
	        0);
	assert_int_equal(Esys_Load(b->tpm.esys, b->tpm.srk, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, wrapped, &pub,
	                         &object),
	        0);
	Esys_Free(wrapped);
	return object;
}

static void attack_A103_an_empty_password_opens_nothing(void **s)
{
	struct bench *b = bench(s);
	TPM2B_SENSITIVE_DATA *data = NULL;
	ESYS_TR object = imported(b);
	assert_int_equal(Esys_Unseal(b->tpm.esys, object, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data), 0x12f);
	tpm_flush(&b->tpm, &object);
}

static void a_session_that_proved_nothing_opens_nothing(void **s)
{
	struct bench *b = bench(s);
	struct err e = {0};
	TPM2B_SENSITIVE_DATA *data = NULL;
	ESYS_TR object = imported(b);
	uint32_t session = ESYS_TR_NONE;
	assert_int_equal(tpm_session(&b->tpm, &session, &e), 0);
	assert_int_equal(Esys_Unseal(b->tpm.esys, object, session, ESYS_TR_NONE, ESYS_TR_NONE, &data), 0x99d);
	tpm_flush(&b->tpm, &session);
	tpm_flush(&b->tpm, &object);
}

/* The authority signs all three steps; a machine that leaves out the registers has another digest to authorize. */
static void a_skipped_step_is_refused(void **s)
{
	struct bench *b = bench(s);
	uint8_t approved[SHA_LEN], ref[SHA_LEN], name[TPM_NAME_LEN];
	struct err e = {0};
	uint32_t session = ESYS_TR_NONE;
	lease_approved(approved, &b->use.terms);
	policyref(ref, b->use.domain, b->use.dataset, b->use.epoch, b->use.generation);
	extkey_name(name, b->use.lease_key);
	TPM2B_DIGEST a = {.size = SHA_LEN}, r = {.size = SHA_LEN};
	TPM2B_NAME n = {.size = TPM_NAME_LEN};
	TPMT_TK_VERIFIED ticket = {.tag = TPM2_ST_VERIFIED, .hierarchy = TPM2_RH_OWNER};
	memcpy(a.buffer, approved, SHA_LEN);
	memcpy(r.buffer, ref, SHA_LEN);
	memcpy(n.name, name, TPM_NAME_LEN);
	assert_int_equal(tpm_session(&b->tpm, &session, &e), 0);
	assert_int_equal(Esys_PolicyAuthorize(
	                         b->tpm.esys, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &a, &r, &n, &ticket),
	        0x1c4);
	tpm_flush(&b->tpm, &session);
}

/* ---- Leases that name a geo tag; the authority's key is the officer's too ---- */

static void lease_with_tag(struct bench *b, uint64_t serial)
{
	nvtag_write(&b->tpm, b->authority, &b->tag, serial);
	lease(b);
	b->use.terms.has_tag = true;
	memcpy(b->use.terms.tag, b->tag.t.digest, SHA_LEN);
	tagindex_name(b->use.terms.tag_name, b->authority->pub, true);
	sign_lease(b, b->authority);
}

static void a_lease_with_a_tag_opens_the_key_while_the_tag_is_there(void **s)
{
	struct bench *b = bench(s);
	lease_with_tag(b, 1);
	for (int i = 0; i < 5; i++)
		opens(b);
}

static void a_tag_written_anew_ends_the_lease(void **s)
{
	struct bench *b = bench(s);
	struct made_tag next;
	lease_with_tag(b, 1);
	opens(b);
	nvtag_write(&b->tpm, b->authority, &next, 2);
	refuses(b, WHY_STALE, "the geo tag in the TPM is not the one of the lease", "0x126");
	lease_with_tag(b, 3);
	opens(b);
}

static void a_tag_left_out_by_the_holder_is_refused(void **s)
{
	struct bench *b = bench(s);
	lease_with_tag(b, 1);
	b->use.terms.has_tag = false;
	refuses(b, WHY_UNTRUSTED, "the lease is not signed by the lease key", "0x2db");
}

static void a_lease_without_a_tag_does_not_ask_for_one(void **s)
{
	struct bench *b = bench(s);
	opens(b);
	nvtag_write(&b->tpm, b->authority, &b->tag, 1);
	opens(b);
}

static void attack_A108_an_index_that_is_gone_or_empty_ends_the_lease(void **s)
{
	struct bench *b = bench(s);
	uint8_t policy[SHA_LEN];
	lease_with_tag(b, 1);
	nvtag_undefine(&b->tpm);
	refuses(b, WHY_STALE, "the geo tag in the TPM is not the one of the lease", "0x18b");
	tagindex_policy(policy, b->authority->pub);
	(void)nvtag_define(&b->tpm, TAGINDEX_ATTRIBUTES, SHA_LEN, VIEW_OF(policy));
	refuses(b, WHY_STALE, "the geo tag in the TPM is not the one of the lease", "0x14a");
}

/* The same contents under other attributes: PolicyNV is content, PolicyAuthorize is not. */
static void attack_A111_the_same_digest_in_an_index_that_anybody_writes_is_refused(void **s)
{
	struct bench *b = bench(s);
	lease_with_tag(b, 1);
	nvtag_undefine(&b->tpm);
	ESYS_TR nv = nvtag_define(&b->tpm, 0x02040004, SHA_LEN, VIEW(NULL, 0));
	assert_int_equal(nvtag_put(&b->tpm, nv, b->tag.t.digest), 0);
	refuses(b, WHY_UNTRUSTED, "what was proved is not what the lease approves", "0x1c4");
}

static void attack_A108_a_counter_in_place_of_the_tag_is_refused(void **s)
{
	struct bench *b = bench(s);
	lease_with_tag(b, 1);
	nvtag_undefine(&b->tpm);
	ESYS_TR nv = nvtag_define(&b->tpm, 0x02040014, 8, VIEW(NULL, 0));
	assert_int_equal(Esys_NV_Increment(b->tpm.esys, nv, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE), 0);
	refuses(b, WHY_STALE, "the geo tag in the TPM is not the one of the lease", "TPM 0x");
}

static void a_lost_tpm_is_a_system_error(void **s)
{
	struct bench *b = bench(s);
	struct err e = {0};
	struct secret *got = NULL;
	swtpm_off(&b->machine);
	assert_int_equal(unseal(&b->tpm, &b->use, &got, &e), -1);
	assert_int_equal(e.why, WHY_SYSTEM);
}

int main(void)
{
#define IT(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	        IT(a_lease_opens_the_key_again_and_again),
	        IT(a_changed_register_is_refused_until_a_new_lease),
	        IT(a_register_that_is_not_quoted_may_change),
	        IT(a_passed_deadline_is_refused),
	        IT(a_restarted_machine_is_refused_until_a_new_lease),
	        IT(ten_power_cuts_lock_nobody_out),
	        IT(a_lease_by_another_key_is_refused),
	        IT(a_lease_for_another_dataset_epoch_or_generation_is_refused),
	        IT(a_deadline_moved_by_the_holder_is_refused),
	        IT(attack_A104_a_key_sealed_for_another_tpm_is_refused),
	        IT(attack_A103_user_with_auth_added_to_the_blob_is_refused),
	        IT(attack_A103_an_empty_password_opens_nothing),
	        IT(a_session_that_proved_nothing_opens_nothing),
	        IT(a_skipped_step_is_refused),
	        IT(a_lease_with_a_tag_opens_the_key_while_the_tag_is_there),
	        IT(a_tag_written_anew_ends_the_lease),
	        IT(a_tag_left_out_by_the_holder_is_refused),
	        IT(a_lease_without_a_tag_does_not_ask_for_one),
	        IT(attack_A108_an_index_that_is_gone_or_empty_ends_the_lease),
	        IT(attack_A111_the_same_digest_in_an_index_that_anybody_writes_is_refused),
	        IT(attack_A108_a_counter_in_place_of_the_tag_is_refused),
	        IT(a_lost_tpm_is_a_system_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
