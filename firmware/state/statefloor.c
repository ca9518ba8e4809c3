#include <string.h>

#include "attest/tpm.h"
#include "firmware/state/statetpm.h"

/* 1: index k is there, as we make it, and written; 0: there is none. */
static int find(struct tpm *t, unsigned k, struct tpmnv_index *x, struct err *e)
{
	uint8_t name[TPM_NAME_LEN];
	int found = tpmnv_find(t, FLOOR_INDEX + k, x, e);

	floor_name(name, k);
	if (found == 1 && !view_equal(VIEW(x->name.name, x->name.size), VIEW_OF(name))) {
		err_set(e, WHY_UNTRUSTED, "NV index 0x%08x of this TPM is not the version floor", FLOOR_INDEX + k);
		return err_hint(e, "free that place: tpm2_nvundefine 0x%08x", FLOOR_INDEX + k);
	}
	return found;
}

static int set_bits(struct tpm *t, ESYS_TR nv, uint64_t bits, struct err *e)
{
	TSS2_RC rc = Esys_NV_SetBits(t->esys, nv, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, bits);

	return rc == TSS2_RC_SUCCESS ? 0 : tpm_fail(e, rc, WHY_SYSTEM, "cannot raise the version floor");
}

/* Setting no bit makes it a written index, whose Name no longer changes. */
static int define(struct tpm *t, unsigned k, struct tpmnv_index *x, struct err *e)
{
	const TPM2B_AUTH empty = {0};
	const TPM2B_NV_PUBLIC pub = {.nvPublic = {.nvIndex = FLOOR_INDEX + k,
	                                     .nameAlg = TPM2_ALG_SHA256,
	                                     .attributes = FLOOR_ATTRIBUTES,
	                                     .dataSize = FLOOR_BITS / 8}};
	TSS2_RC rc = Esys_NV_DefineSpace(
	        t->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &empty, &pub, &x->nv);

	return rc == TSS2_RC_SUCCESS ? set_bits(t, x->nv, 0, e)
	                             : tpm_fail(e, rc, WHY_SYSTEM, "cannot define the version floor");
}

/* A power cut between the two commands of define() leaves an index that was never written. */
static bool is_unwritten(const struct tpmnv_index *x)
{
	return x->size == 0;
}

static int make_one(struct tpm *t, unsigned k, struct err *e)
{
	struct tpmnv_index x;
	int found = tpmnv_find(t, FLOOR_INDEX + k, &x, e), bad = found < 0;

	if (found == 0)
		bad = define(t, k, &x, e);
	else if (found == 1 && is_unwritten(&x))
		bad = set_bits(t, x.nv, 0, e);
	tpmnv_forget(t, &x);
	if (bad)
		return -1;
	found = find(t, k, &x, e);
	tpmnv_forget(t, &x);
	return found == 1 ? 0 : found < 0 ? -1 : err_set(e, WHY_SYSTEM, "the version floor was not made");
}

int statefloor_make(struct tpm *t, struct err *e)
{
	for (unsigned k = 0; k < FLOOR_INDICES; k++)
		if (make_one(t, k, e))
			return -1;
	return 0;
}

static int gone(struct err *e)
{
	err_set(e, WHY_STALE, "the version floor of this machine is not in its TPM, which was cleared or changed");
	return err_hint(e, "the holder of the recovery key can open the state: merestone image recover");
}

int statefloor_read(struct tpm *t, uint32_t *version, struct err *e)
{
	uint8_t bytes[FLOOR_BITS / 8];
	uint32_t floor = 0;

	for (unsigned k = 0; k < FLOOR_INDICES; k++) {
		size_t n = 0;
		int found = tpmnv_read(t, FLOOR_INDEX + k, bytes, sizeof bytes, &n, e);

		if (found != 1)
			return found < 0 ? -1 : gone(e);
		struct rd r = rd_of(VIEW(bytes, n));
		uint64_t bits = rd_be64(&r);
		for (unsigned bit = 0; bit < FLOOR_BITS; bit++)
			if (bits >> bit & 1)
				floor = k * FLOOR_BITS + bit;
	}
	*version = floor;
	return 0;
}

int statefloor_raise(struct tpm *t, uint32_t version, struct err *e)
{
	struct tpmnv_index x;

	if (version > FLOOR_VERSION_MAX)
		return err_set(e, WHY_MALFORMED, "a floor of %u, but versions end at %d", version, FLOOR_VERSION_MAX);
	int found = find(t, version / FLOOR_BITS, &x, e);
	int bad = found != 1 ? (found < 0 ? -1 : gone(e)) : set_bits(t, x.nv, 1ull << version % FLOOR_BITS, e);
	tpmnv_forget(t, &x);
	return bad;
}

static int below(struct tpm *t, uint32_t version, TSS2_RC rc, struct err *e)
{
	uint32_t floor = 0;

	if (statefloor_read(t, &floor, e))
		return -1;
	tpm_fail(e, rc, WHY_STALE, "this image is version %u, and this machine takes none below %u any more", version,
	        floor);
	return err_hint(e, "start the newer image, or write it again: merestone image flash");
}

int statefloor_prove(struct tpm *t, uint32_t session, uint32_t version, struct err *e)
{
	TPM2B_OPERAND operand = {.size = FLOOR_BITS / 8};
	struct tpmnv_index x;

	for (unsigned k = 0; k < FLOOR_INDICES; k++) {
		if (!floor_operand(operand.buffer, k, version))
			continue;
		int found = find(t, k, &x, e);
		TSS2_RC rc = TSS2_RC_SUCCESS;
		if (found == 1)
			rc = Esys_PolicyNV(t->esys, x.nv, x.nv, session, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
			        &operand, 0, TPM2_EO_BITCLEAR);
		tpmnv_forget(t, &x);
		if (found != 1)
			return found < 0 ? -1 : gone(e);
		if (rc != TSS2_RC_SUCCESS)
			return below(t, version, rc, e);
	}
	return 0;
}
