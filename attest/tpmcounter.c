/* The revocation counter in the TPM. Anybody on the machine may raise it: that can only end leases, never make one. */
#include <string.h>

#include "attest/tpm.h"

static int define(struct tpm *t, struct tpmnv_index *x, struct err *e)
{
	const TPM2B_AUTH empty = {0};
	const TPM2B_NV_PUBLIC pub = {.nvPublic = {.nvIndex = COUNTER,
	                                     .nameAlg = TPM2_ALG_SHA256,
	                                     .attributes = COUNTER_ATTRIBUTES,
	                                     .dataSize = COUNTER_LEN}};
	TSS2_RC rc = Esys_NV_DefineSpace(
	        t->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &empty, &pub, &x->nv);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm_fail(e, rc, WHY_SYSTEM, "cannot define the revocation counter");
}

static int undefine(struct tpm *t, struct tpmnv_index *x, struct err *e)
{
	TSS2_RC rc = Esys_NV_UndefineSpace(
	        t->esys, ESYS_TR_RH_OWNER, x->nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(e, rc, WHY_SYSTEM, "cannot free the NV index of the revocation counter");
	x->nv = ESYS_TR_NONE;
	return 0;
}

static int increment(struct tpm *t, ESYS_TR nv, struct err *e)
{
	TSS2_RC rc = Esys_NV_Increment(t->esys, nv, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm_fail(e, rc, WHY_SYSTEM, "cannot raise the revocation counter");
}

static bool is_counter(const struct tpmnv_index *x)
{
	uint8_t name[TPM_NAME_LEN];
	counter_name(name);
	return view_equal(VIEW(x->name.name, x->name.size), VIEW_OF(name));
}

/* What else stands there makes room: a counter that is defined again goes on above every deleted one. */
static int make(struct tpm *t, struct tpmnv_index *x, int found, struct err *e)
{
	if (found == 1 && undefine(t, x, e) != 0)
		return -1;
	return define(t, x, e) == 0 ? increment(t, x->nv, e) : -1;
}

int tpmcounter_make(struct tpm *t, struct err *e)
{
	struct tpmnv_index x;
	int found = tpmnv_find(t, COUNTER, &x, e);
	int bad = found < 0 || (!(found == 1 && is_counter(&x)) && make(t, &x, found, e) != 0);
	tpmnv_forget(t, &x);
	return bad ? -1 : 0;
}

int tpmcounter_there(struct tpm *t, struct err *e)
{
	struct tpmnv_index x;
	int found = tpmnv_find(t, COUNTER, &x, e);
	tpmnv_forget(t, &x);
	return found == 1 ? is_counter(&x) : found;
}

int tpmcounter_certify(struct tpm *t, const uint8_t extra[SHA_LEN], struct tpmsigned *out, struct err *e)
{
	return tpmnv_certify(t, COUNTER, COUNTER_LEN, extra, out, e) == 0 ? 0 : err_in(e, "revocation counter");
}

static int value_of(struct tpm *t, uint64_t *out, struct err *e)
{
	uint8_t bytes[COUNTER_LEN];
	size_t n = 0;
	if (tpmnv_read(t, COUNTER, bytes, sizeof(bytes), &n, e) < 0)
		return -1;
	struct rd r = rd_of(VIEW(bytes, n));
	*out = rd_be64(&r);
	return rd_end(&r) ? 0 : err_set(e, WHY_SYSTEM, "the revocation counter cannot be read");
}

int tpmcounter_value(struct tpm *t, uint64_t *out, struct err *e)
{
	uint64_t value = 0;
	int there = tpmcounter_there(t, e);
	if (there < 0 || (there == 1 && value_of(t, &value, e) != 0))
		return -1;
	*out = value;
	return 0;
}

int tpmcounter_bump(struct tpm *t, const uint8_t digest[SHA_LEN], struct err *e)
{
	TPML_DIGEST_VALUES v = {.count = 1, .digests[0].hashAlg = TPM2_ALG_SHA256};
	memcpy(v.digests[0].digest.sha256, digest, SHA_LEN);
	TSS2_RC rc = Esys_PCR_Extend(
	        t->esys, ESYS_TR_PCR0 + ENDED_PCR, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &v);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm_fail(e, rc, WHY_SYSTEM, "cannot extend register %d", ENDED_PCR);
}

int tpmcounter_end_leases(struct tpm *t, struct err *e)
{
	struct tpmnv_index x;
	uint8_t mark[SHA_LEN];
	uint64_t value = 0;
	int found = tpmnv_find(t, COUNTER, &x, e);
	int bad = found < 0 ? -1 : 0;
	if (found == 1 && is_counter(&x))
		bad = increment(t, x.nv, e) != 0 || value_of(t, &value, e) != 0;
	tpmnv_forget(t, &x);
	/* Without a counter no lease was signed for it; sessions that wait end all the same. */
	counter_mark(mark, value);
	return bad || tpmcounter_bump(t, mark, e) != 0 ? -1 : 0;
}
