#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <tss2/tss2_mu.h>

#include "attest/tpm.h"
#include "keystore/keystore.h"
#include "tests/unit/nvtag.h"
#include "tests/unit/swtpm.h"

/* One machine with a sealed key and a lease for it, as an authority would have made them. */
struct bench {
	struct swtpm machine;
	struct tpm tpm;
	struct tpmkeys keys;
	int dirfd;
	struct es256 *authority;
	struct secret *key;
	struct lease_use use;
	struct made_tag tag;
};

static void machine_on(struct bench *b)
{
	struct err e = {0};
	b->dirfd = open(b->machine.dir, O_RDONLY | O_DIRECTORY);
	assert_int_equal(tpm_open(&b->tpm, b->machine.tcti, &e), 0);
	if (tpmkeys_open(&b->tpm, b->dirfd, &b->keys, &e) != 0)
		fail_msg("%s", e.text);
}

static void machine_off(struct bench *b)
{
	tpm_close(&b->tpm);
	close(b->dirfd);
	swtpm_off(&b->machine);
}

static void sign_lease(struct bench *b, const struct es256 *by)
{
	struct err e = {0};
	uint8_t approved[SHA_LEN], ref[SHA_LEN], digest[SHA_LEN];
	lease_approved(approved, &b->use.terms);
	policyref(ref, b->use.domain, b->use.dataset, b->use.epoch, b->use.generation);
	lease_digest(digest, approved, ref);
	assert_int_equal(es256_sign_digest(by, digest, b->use.signature, &e), 0);
}

/* The state as it is now, for the next hour. */
static void lease(struct bench *b)
{
	struct err e = {0};
	struct pcrs pcrs;
	struct tpm_clock c;
	assert_int_equal(tpmquote_pcrs(&b->tpm, PCR_MASK, &pcrs, &e), 0);
	assert_int_equal(tpm_clock(&b->tpm, &c, &e), 0);
	uint8_t counter[COUNTER_LEN];
	size_t n = 0;
	assert_int_equal(tpmnv_read(&b->tpm, COUNTER, counter, sizeof counter, &n, &e), 1);
	struct rd r = rd_of(VIEW(counter, n));
	b->use.terms = (struct lease_terms){.pcr_mask = PCR_MASK,
	        .reset_count = c.reset_count,
	        .restart_count = c.restart_count,
	        .counter = rd_be64(&r),
	        .deadline_ms = c.clock_ms + 3600 * 1000};
	quote_pcr_digest(b->use.terms.pcr_digest, &pcrs, PCR_MASK);
	sign_lease(b, b->authority);
}

static void seal_under(struct bench *b, const struct tpmblob *srk_public)
{
	struct err e = {0};
	struct tpm_pub srk;
	uint8_t ref[SHA_LEN], name[TPM_NAME_LEN], policy[SHA_LEN] = {0};
	assert_int_equal(tpmpub_parse(TPMBLOB(*srk_public), &srk, &e), 0);
	policyref(ref, b->use.domain, b->use.dataset, b->use.epoch, b->use.generation);
	extkey_name(name, b->use.lease_key);
	lease_policy_authorize(policy, name, ref);
	if (seal_to(&srk, policy, b->key, &b->use.sealed, &e) != 0)
		fail_msg("%s", e.text);
}

static int setup(void **s)
{
	struct err e = {0};
	struct bench *b = calloc(1, sizeof(*b));
	*s = b;
	if (!b || !swtpm_installed())
		return 0;
	assert_int_equal(swtpm_new(&b->machine), 0);
	machine_on(b);
	assert_accepted(tpmcounter_make(&b->tpm, &e), &e);
	b->authority = es256_generate(&e);
	b->key = secret_new();
	memset(b->key->b, 0x42, SECRET_LEN);
	strncpy(b->use.domain, "geo-b", NAME_CAP - 1);
	strncpy(b->use.dataset, "traffic", NAME_CAP - 1);
	b->use.epoch = 3;
	b->use.generation = 1;
	memcpy(b->use.lease_key, b->authority->pub, ES256_PUB);
	seal_under(b, &b->keys.srk);
	lease(b);
	return 0;
}

static int teardown(void **s)
{
	struct bench *b = *s;
	if (b->machine.dir[0]) {
		machine_off(b);
		swtpm_free(&b->machine);
	}
	es256_free(b->authority);
	secret_free(b->key);
	free(b);
	return 0;
}

static struct bench *bench(void **s)
{
	if (!swtpm_installed())
		skip();
	return *s;
}

static void opens(struct bench *b)
{
	struct err e = {0};
	AUTO(secret_free) struct secret *got = NULL;
	if (unseal(&b->tpm, &b->use, &got, &e) != 0)
		fail_msg("%s", e.text);
	assert_memory_equal(got->b, b->key->b, SECRET_LEN);
	assert_int_equal(swtpm_left(&b->tpm), 0);
}

static void refuses(struct bench *b, enum why why, const char *sentence, const char *code)
{
	struct err e = {0};
	struct secret *got = NULL;
	assert_int_equal(unseal(&b->tpm, &b->use, &got, &e), -1);
	assert_null(got);
	if (e.why != why || !strstr(e.text, sentence) || !strstr(e.text, code))
		fail_msg("%s: %s", why_name(e.why), e.text);
	assert_int_equal(swtpm_left(&b->tpm), 0);
}

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
