#include <string.h>

#include "attest/der.h"
#include "attest/tpm.h"

/* TCG EK Credential Profile 2.5, 2.2.1.5: the chain lies from 0x01c00100 on. */
enum { NV_CHAIN = 0x01c00100, NV_CHAIN_LAST = 0x01c001ff, NV_STEP = 512 };

int tpmnv_find(struct tpm *t, uint32_t place, struct tpmnv_index *out, struct err *e)
{
	TPM2B_NV_PUBLIC *pub = NULL;
	TPM2B_NAME *name = NULL;
	*out = (struct tpmnv_index){.nv = ESYS_TR_NONE};
	TSS2_RC rc = Esys_TR_FromTPMPublic(t->esys, place, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &out->nv);
	if ((rc & 0xff) == (TPM2_RC_HANDLE & 0xff) && (rc & TSS2_RC_LAYER_MASK) == 0)
		return 0;
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_NV_ReadPublic(t->esys, out->nv, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &pub, &name);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(e, rc, WHY_SYSTEM, "cannot look at NV index 0x%08x", place);
	out->name = *name;
	out->reader = pub->nvPublic.attributes & TPMA_NV_AUTHREAD ? out->nv : ESYS_TR_RH_OWNER;
	out->size = pub->nvPublic.attributes & TPMA_NV_WRITTEN ? pub->nvPublic.dataSize : 0;
	Esys_Free(pub);
	Esys_Free(name);
	return 1;
}

void tpmnv_forget(struct tpm *t, struct tpmnv_index *x)
{
	if (x->nv != ESYS_TR_NONE)
		(void)Esys_TR_Close(t->esys, &x->nv);
}

int tpmnv_certify(struct tpm *t, uint32_t place, uint16_t size, const uint8_t extra[SHA_LEN], struct tpmsigned *out,
        struct err *e)
{
	const TPMT_SIG_SCHEME keys_own = {.scheme = TPM2_ALG_NULL};
	TPM2B_DATA data = {.size = SHA_LEN};
	TPM2B_ATTEST *attest = NULL;
	TPMT_SIGNATURE *sig = NULL;
	struct tpmnv_index x;
	int found = tpmnv_find(t, place, &x, e);
	if (found != 1) {
		tpmnv_forget(t, &x);
		return found < 0 ? -1 : err_set(e, WHY_SYSTEM, "its NV index is gone");
	}
	memcpy(data.buffer, extra, SHA_LEN);
	TSS2_RC rc = Esys_NV_Certify(t->esys, t->ak, x.nv, x.nv, ESYS_TR_PASSWORD, ESYS_TR_PASSWORD, ESYS_TR_NONE,
	        &data, &keys_own, size, 0, &attest, &sig);
	tpmnv_forget(t, &x);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(e, rc, WHY_SYSTEM, "cannot certify its NV index");
	int bad = tpmquote_signed(attest, sig, out, e);
	Esys_Free(attest);
	Esys_Free(sig);
	return bad;
}

static int index_step(struct tpm *t, ESYS_TR nv, ESYS_TR reader, uint8_t *to, uint16_t n, uint16_t at, struct err *e)
{
	TPM2B_MAX_NV_BUFFER *data = NULL;
	TSS2_RC rc = Esys_NV_Read(t->esys, reader, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, n, at, &data);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(e, rc, WHY_SYSTEM, "cannot read NV memory");
	bool whole = data->size == n;
	if (whole)
		memcpy(to, data->buffer, n);
	Esys_Free(data);
	return whole ? 0 : err_set(e, WHY_SYSTEM, "the TPM gave less of an NV index than was asked for");
}

int tpmnv_read(struct tpm *t, uint32_t place, uint8_t *buf, size_t cap, size_t *n, struct err *e)
{
	struct tpmnv_index x;
	int found = tpmnv_find(t, place, &x, e);
	if (found == 1 && x.size > cap - *n)
		found = err_set(e, WHY_SYSTEM, "NV index 0x%08x holds %u bytes, more than are read", place, x.size);
	for (uint16_t at = 0; found == 1 && at < x.size;) {
		uint16_t step = (uint16_t)(x.size - at < NV_STEP ? x.size - at : NV_STEP);
		if (index_step(t, x.nv, x.reader, buf + *n, step, at, e) != 0)
			found = -1;
		at = (uint16_t)(at + step);
		*n += step;
	}
	tpmnv_forget(t, &x);
	return found == 1 && x.size == 0 ? 0 : found;
}

static void split(struct view all, struct tpmnv *out)
{
	struct wr w = wr_to(out->chain, sizeof(out->chain));
	for (size_t at = 0, i = 0; i < EK_CHAIN_MAX; i++) {
		size_t n = der_length(VIEW(all.p + at, all.n - at));
		if (n == 0 || n > EK_CERT_MAX)
			break;
		wr_view16(&w, VIEW(all.p + at, n));
		at += n;
	}
	out->nchain = wr_done(&w).n;
}

static int chain_read(struct tpm *t, struct tpmnv *out, struct err *e)
{
	uint8_t all[EK_CHAIN_MAX * EK_CERT_MAX];
	size_t n = 0;
	int found = 1;
	for (uint32_t place = NV_CHAIN; found == 1 && place <= NV_CHAIN_LAST; place++)
		found = tpmnv_read(t, place, all, sizeof(all), &n, e);
	if (found < 0)
		return -1;
	split(VIEW(all, n), out);
	return 0;
}

int tpmnv_certificates(struct tpm *t, uint32_t place, struct tpmnv *out, struct err *e)
{
	out->ncert = out->nchain = 0;
	int found = tpmnv_read(t, place, out->cert, sizeof(out->cert), &out->ncert, e);
	return found == 1 ? chain_read(t, out, e) : found;
}
