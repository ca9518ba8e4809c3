/* Tests of the end of leases on a real software TPM: the counter, the register, and sessions that were prepared. */
#include "tests/unit/leasebox.h"

static void ends(struct bench *b)
{
	struct err e = {0};
	assert_accepted(tpmcounter_end_leases(&b->tpm, &e), &e);
}

static ESYS_TR index_of(struct bench *b)
{
	ESYS_TR nv = ESYS_TR_NONE;
	assert_int_equal(Esys_TR_FromTPMPublic(b->tpm.esys, COUNTER, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &nv), 0);
	return nv;
}

static void undefine(struct bench *b)
{
	assert_int_equal(Esys_NV_UndefineSpace(b->tpm.esys, ESYS_TR_RH_OWNER, index_of(b), ESYS_TR_PASSWORD,
	                         ESYS_TR_NONE, ESYS_TR_NONE),
	        0);
}

static ESYS_TR define(struct bench *b, uint32_t attributes)
{
	const TPM2B_AUTH empty = {0};
	const TPM2B_NV_PUBLIC pub = {.nvPublic = {.nvIndex = COUNTER,
	                                     .nameAlg = TPM2_ALG_SHA256,
	                                     .attributes = attributes,
	                                     .dataSize = COUNTER_LEN}};
	ESYS_TR nv = ESYS_TR_NONE;
	assert_int_equal(Esys_NV_DefineSpace(b->tpm.esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
	                         ESYS_TR_NONE, &empty, &pub, &nv),
	        0);
	return nv;
}

static void leases_that_were_ended_are_refused_until_a_new_one(void **s)
{
	struct bench *b = bench(s);
	opens(b);
	ends(b);
	refuses(b, WHY_STALE, "the machine's leases were ended after this one was signed", "0x126");
	lease(b);
	opens(b);
}

static void an_end_outlives_a_power_cut(void **s)
{
	struct bench *b = bench(s);
	uint64_t old = b->use.terms.counter;
	ends(b);
	machine_off(b);
	assert_int_equal(swtpm_on(&b->machine), 0);
	machine_on(b);
	lease(b);
	assert_int_equal(b->use.terms.counter, old + 1);
	b->use.terms.counter = old;
	sign_lease(b, b->authority);
	refuses(b, WHY_STALE, "the machine's leases were ended", "0x126");
}

static void a_counter_value_changed_by_the_holder_is_refused(void **s)
{
	struct bench *b = bench(s);
	ends(b);
	b->use.terms.counter++;
	refuses(b, WHY_UNTRUSTED, "the lease is not signed by the lease key", "0x2db");
}

static void attack_A108_a_counter_that_is_gone_ends_the_lease(void **s)
{
	struct bench *b = bench(s);
	undefine(b);
	refuses(b, WHY_STALE, "the machine's leases were ended", "0x18b");
	(void)define(b, COUNTER_ATTRIBUTES);
	refuses(b, WHY_STALE, "the machine's leases were ended", "0x14a");
}

/* Deleted and made again it goes on above every value that was. */
static void attack_A108_a_counter_that_is_made_again_has_no_old_value(void **s)
{
	struct bench *b = bench(s);
	struct err e = {0};
	uint64_t old = b->use.terms.counter;
	ends(b);
	undefine(b);
	assert_accepted(tpmcounter_make(&b->tpm, &e), &e);
	refuses(b, WHY_STALE, "the machine's leases were ended", "0x126");
	lease(b);
	assert_true(b->use.terms.counter > old + 1);
	opens(b);
}

/* An ordinary index with the old value in it: PolicyNV is content, PolicyAuthorize is not. */
static void attack_A108_an_ordinary_index_in_the_counters_place_is_refused(void **s)
{
	struct bench *b = bench(s);
	struct err e = {0};
	TPM2B_MAX_NV_BUFFER data = {.size = COUNTER_LEN};
	struct wr w = wr_to(data.buffer, COUNTER_LEN);
	undefine(b);
	ESYS_TR nv = define(b, COUNTER_ATTRIBUTES & ~0x10u);
	wr_be64(&w, b->use.terms.counter);
	assert_int_equal(Esys_NV_Write(b->tpm.esys, nv, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data, 0), 0);
	refuses(b, WHY_UNTRUSTED, "what was proved is not what the lease approves", "0x1c4");
	assert_int_equal(tpmcounter_there(&b->tpm, &e), 0); /* and evidence does not show it */
	assert_accepted(tpmcounter_make(&b->tpm, &e), &e);
	assert_int_equal(tpmcounter_there(&b->tpm, &e), 1);
}

static void a_counter_cannot_be_written(void **s)
{
	struct bench *b = bench(s);
	const TPM2B_MAX_NV_BUFFER data = {.size = COUNTER_LEN};
	ESYS_TR nv = index_of(b);
	assert_int_equal(
	        Esys_NV_Write(b->tpm.esys, nv, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data, 0), 0x082);
}

/* ---- Sessions that proved a lease and wait (facts: leases 2) ---- */

struct stock {
	ESYS_TR object, session;
};

/* The steps of unseal(), by hand, up to the Unseal itself. */
static void proves(struct bench *b, struct stock *k)
{
	const struct lease_terms *t = &b->use.terms;
	struct err e = {0};
	TPM2B_DIGEST pcrs = {.size = SHA_LEN};
	TPM2B_OPERAND counter = {.size = COUNTER_LEN};
	struct wr w = wr_to(counter.buffer, COUNTER_LEN);
	const TPML_PCR_SELECTION sel = tpmquote_selection(t->pcr_mask);
	ESYS_TR nv = index_of(b);
	memcpy(pcrs.buffer, t->pcr_digest, SHA_LEN);
	wr_be64(&w, t->counter);
	k->session = ESYS_TR_NONE;
	assert_accepted(tpm_session(&b->tpm, &k->session, &e), &e);
	assert_int_equal(
	        Esys_PolicyPCR(b->tpm.esys, k->session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &pcrs, &sel), 0);
	assert_int_equal(Esys_PolicyNV(b->tpm.esys, nv, nv, k->session, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
	                         &counter, 0, TPM2_EO_EQ),
	        0);
}

/* A key of our own under just these two steps, so that the gap is seen and not argued. */
static void stocks(struct bench *b, struct stock *k)
{
	uint8_t value[COUNTER_LEN], name[TPM_NAME_LEN], policy[SHA_LEN] = {0};
	struct wr w = wr_to(value, sizeof value);
	const TPM2B_SENSITIVE_CREATE secret = {.sensitive.data = {.size = 3, .buffer = "key"}};
	TPM2B_PUBLIC pub = {.publicArea = {.type = TPM2_ALG_KEYEDHASH,
	                            .nameAlg = TPM2_ALG_SHA256,
	                            .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
	                                                TPMA_OBJECT_ADMINWITHPOLICY,
	                            .authPolicy.size = SHA_LEN,
	                            .parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL}};
	const TPM2B_DATA outside = {0};
	const TPML_PCR_SELECTION none = {0};
	TPM2B_PRIVATE *private = NULL;
	TPM2B_PUBLIC *made = NULL;
	wr_be64(&w, b->use.terms.counter);
	counter_name(name);
	lease_policy_pcr(policy, b->use.terms.pcr_mask, b->use.terms.pcr_digest);
	lease_policy_nv(policy, VIEW_OF(value), 0, 0, VIEW_OF(name));
	memcpy(pub.publicArea.authPolicy.buffer, policy, SHA_LEN);
	assert_int_equal(Esys_Create(b->tpm.esys, b->tpm.srk, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &secret,
	                         &pub, &outside, &none, &private, &made, NULL, NULL, NULL),
	        0);
	assert_int_equal(Esys_Load(b->tpm.esys, b->tpm.srk, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, private, made,
	                         &k->object),
	        0);
	Esys_Free(private);
	Esys_Free(made);
	proves(b, k);
}

static unsigned unseals(struct bench *b, struct stock *k)
{
	TPM2B_SENSITIVE_DATA *data = NULL;
	unsigned rc = Esys_Unseal(b->tpm.esys, k->object, k->session, ESYS_TR_NONE, ESYS_TR_NONE, &data);
	Esys_Free(data);
	return rc;
}

static void drops(struct bench *b, struct stock *k)
{
	tpm_flush(&b->tpm, &k->session);
	tpm_flush(&b->tpm, &k->object);
}

static void a_session_prepared_before_the_end_opens_nothing(void **s)
{
	struct bench *b = bench(s);
	struct stock k;
	stocks(b, &k);
	ends(b);
	assert_int_equal(unseals(b, &k), 0x128);
	drops(b, &k);
}

/* Why the register is extended: the counter alone leaves such a session alive. */
static void the_counter_alone_would_not_end_a_prepared_session(void **s)
{
	struct bench *b = bench(s);
	struct stock k;
	ESYS_TR nv = index_of(b);
	stocks(b, &k);
	assert_int_equal(Esys_NV_Increment(b->tpm.esys, nv, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE), 0);
	assert_int_equal(unseals(b, &k), 0);
	drops(b, &k);
}

int main(void)
{
#define IT(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	        IT(leases_that_were_ended_are_refused_until_a_new_one),
	        IT(an_end_outlives_a_power_cut),
	        IT(a_counter_value_changed_by_the_holder_is_refused),
	        IT(attack_A108_a_counter_that_is_gone_ends_the_lease),
	        IT(attack_A108_a_counter_that_is_made_again_has_no_old_value),
	        IT(attack_A108_an_ordinary_index_in_the_counters_place_is_refused),
	        IT(a_counter_cannot_be_written),
	        IT(a_session_prepared_before_the_end_opens_nothing),
	        IT(the_counter_alone_would_not_end_a_prepared_session),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
