/* The NV index of the geo tag, and the session in which an officer permits one write of it. The session is saved out of
 * the TPM between the two commands that ask and write: they are other processes, and an officer takes his time. */
#include <string.h>
#include <unistd.h>

#include <tss2/tss2_mu.h>

#include "attest/tpm.h"

enum { CONTEXT_MAX = 4096 };

int tpmtag_written(struct tpm *t, struct err *e)
{
	struct tpmnv_index x;
	int got = tpmnv_find(t, TAGINDEX, &x, e);
	tpmnv_forget(t, &x);
	return got == 1 ? x.size > 0 : got;
}

int tpmtag_certify(struct tpm *t, const uint8_t extra[SHA_LEN], struct tpmsigned *out, struct err *e)
{
	return tpmnv_certify(t, TAGINDEX, SHA_LEN, extra, out, e) == 0 ? 0 : err_in(e, "geo tag");
}

/* ---- The session that waits ---- */

static int session_save(struct tpm *t, int fd, ESYS_TR session, struct err *e)
{
	uint8_t buf[CONTEXT_MAX];
	TPMS_CONTEXT *c = NULL;
	size_t n = 0;
	TSS2_RC rc = Esys_ContextSave(t->esys, session, &c);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_MU_TPMS_CONTEXT_Marshal(c, buf, sizeof(buf), &n);
	Esys_Free(c);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(e, rc, WHY_SYSTEM, "cannot keep the session for the officer's permission");
	if (ftruncate(fd, 0) != 0 || pwrite(fd, buf, n, 0) != (ssize_t)n)
		return err_sys(e, "cannot keep the session for the officer's permission");
	return 0;
}

/* 1: it is in the TPM again; 0: there is none, or a restart ended it. What is in the file is used up. */
static int session_load(struct tpm *t, int fd, ESYS_TR *session)
{
	uint8_t buf[CONTEXT_MAX];
	TPMS_CONTEXT c = {0};
	size_t at = 0;
	ssize_t n = pread(fd, buf, sizeof(buf), 0);
	if (n <= 0 || ftruncate(fd, 0) != 0 ||
	        Tss2_MU_TPMS_CONTEXT_Unmarshal(buf, (size_t)n, &at, &c) != TSS2_RC_SUCCESS)
		return 0;
	if (Esys_ContextLoad(t->esys, &c, session) == TSS2_RC_SUCCESS)
		return 1;
	*session = ESYS_TR_NONE;
	return 0;
}

static int session_start(struct tpm *t, ESYS_TR *session, uint8_t nonce[NONCE_LEN], struct err *e)
{
	const TPMT_SYM_DEF plain = {.algorithm = TPM2_ALG_NULL}; /* nothing in it is secret */
	TPM2B_NONCE *n = NULL;
	TSS2_RC rc = Esys_StartAuthSession(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
	        ESYS_TR_NONE, NULL, TPM2_SE_POLICY, &plain, TPM2_ALG_SHA256, session);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_TRSess_GetNonceTPM(t->esys, *session, &n);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(e, rc, WHY_SYSTEM, "cannot start a session for the officer's permission");
	bool whole = n->size == NONCE_LEN;
	if (whole)
		memcpy(nonce, n->buffer, NONCE_LEN);
	Esys_Free(n);
	return whole ? 0 : err_set(e, WHY_SYSTEM, "the TPM's nonces are not %d bytes", NONCE_LEN);
}

int tpmtag_request(struct tpm *t, int fd, struct quoter_tag *out, struct err *e)
{
	ESYS_TR session = ESYS_TR_NONE;
	struct tpmnv_index f;
	int found = tpmnv_find(t, TAGINDEX, &f, e);
	tpmnv_forget(t, &f);
	if (found < 0)
		return -1;
	if (session_load(t, fd, &session) == 1)
		tpm_flush(t, &session); /* one request waits at a time: a TPM has 64 places for sessions */
	int bad = session_start(t, &session, out->nonce, e);
	if (!bad)
		bad = session_save(t, fd, session, e);
	if (bad)
		tpm_flush(t, &session);
	out->nindex = f.name.size == TPM_NAME_LEN ? TPM_NAME_LEN : 0; /* another hash's Name is nobody's of ours */
	memcpy(out->index, f.name.name, out->nindex);
	return bad;
}

/* ---- The write ---- */

static int define(struct tpm *t, const uint8_t officer[ES256_PUB], ESYS_TR *nv, struct err *e)
{
	const TPM2B_AUTH empty = {0};
	TPM2B_NV_PUBLIC pub = {.nvPublic = {.nvIndex = TAGINDEX,
	                               .nameAlg = TPM2_ALG_SHA256,
	                               .attributes = TAGINDEX_ATTRIBUTES,
	                               .authPolicy.size = SHA_LEN,
	                               .dataSize = SHA_LEN}};
	tagindex_policy(pub.nvPublic.authPolicy.buffer, officer);
	TSS2_RC rc = Esys_NV_DefineSpace(
	        t->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &empty, &pub, nv);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm_fail(e, rc, WHY_SYSTEM, "cannot define the NV index of the geo tag");
}

/* The index of this officer, under the Name that he signed for: any other one makes room. */
static int establish(struct tpm *t, const uint8_t officer[ES256_PUB], struct tpmnv_index *f, uint8_t name[TPM_NAME_LEN],
        struct err *e)
{
	int found = tpmnv_find(t, TAGINDEX, f, e);
	if (found < 0)
		return -1;
	tagindex_next_name(name, officer, VIEW(f->name.name, f->name.size));
	if (view_equal(VIEW(f->name.name, f->name.size), VIEW(name, TPM_NAME_LEN)))
		return 0;
	if (found == 1) {
		TSS2_RC rc = Esys_NV_UndefineSpace(
		        t->esys, ESYS_TR_RH_OWNER, f->nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE);
		if (rc != TSS2_RC_SUCCESS)
			return tpm_fail(e, rc, WHY_SYSTEM, "cannot free the NV index of the geo tag");
		f->nv = ESYS_TR_NONE;
	}
	return define(t, officer, &f->nv, e);
}

static TPMT_SIGNATURE signature_of(const uint8_t sig[ES256_SIG])
{
	TPMT_SIGNATURE s = {.sigAlg = TPM2_ALG_ECDSA};
	s.signature.ecdsa.hash = TPM2_ALG_SHA256;
	s.signature.ecdsa.signatureR.size = s.signature.ecdsa.signatureS.size = 32;
	memcpy(s.signature.ecdsa.signatureR.buffer, sig, 32);
	memcpy(s.signature.ecdsa.signatureS.buffer, sig + 32, 32);
	return s;
}

/* What the officer signed, shown to the TPM: it makes the session good for this command and no other. */
static int permit(struct tpm *t, ESYS_TR session, const struct tag *tag, const uint8_t name[TPM_NAME_LEN],
        const uint8_t permission[ES256_SIG], struct err *e)
{
	uint8_t area[EXTKEY_PUBLIC];
	const TPMT_SIGNATURE sig = signature_of(permission);
	TPM2B_DIGEST command = {.size = SHA_LEN};
	TPM2B_NONCE ref = {.size = SHA_LEN}, *nonce = NULL;
	TPM2B_PUBLIC pub = {0};
	ESYS_TR key = ESYS_TR_NONE;
	size_t at = 0;
	extkey_public(area, tag->officer);
	tagindex_command(command.buffer, name, tag->digest);
	tagindex_ref(ref.buffer);
	TSS2_RC rc = Tss2_MU_TPMT_PUBLIC_Unmarshal(area, sizeof(area), &at, &pub.publicArea);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_TRSess_GetNonceTPM(t->esys, session, &nonce);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_LoadExternal(
		        t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL, &pub, ESYS_TR_RH_OWNER, &key);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_PolicySigned(t->esys, key, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, nonce, &command,
		        &ref, 0, &sig, NULL, NULL);
	Esys_Free(nonce);
	tpm_flush(t, &key);
	if (rc == TSS2_RC_SUCCESS)
		return 0;
	tpm_fail(e, rc, WHY_STALE, "the officer's permission is for another request, another tag or another index");
	return err_hint(e, "merestone-agent tag request, and let the officer sign that");
}

static int put(
        struct tpm *t, ESYS_TR session, const struct tag *tag, const uint8_t permission[ES256_SIG], struct err *e)
{
	uint8_t name[TPM_NAME_LEN];
	TPM2B_MAX_NV_BUFFER data = {.size = SHA_LEN};
	struct tpmnv_index f;
	memcpy(data.buffer, tag->digest, SHA_LEN);
	int bad = establish(t, tag->officer, &f, name, e) != 0 || permit(t, session, tag, name, permission, e) != 0;
	if (!bad) {
		TSS2_RC rc = Esys_NV_Write(t->esys, f.nv, f.nv, session, ESYS_TR_NONE, ESYS_TR_NONE, &data, 0);
		if (rc != TSS2_RC_SUCCESS)
			bad = tpm_fail(e, rc, WHY_REFUSED, "the TPM does not take the geo tag");
	}
	tpmnv_forget(t, &f);
	return bad ? -1 : 0;
}

/* 1: the digest of this very tag is there, where only its officer can have put it. */
static int holds(struct tpm *t, const struct tag *tag, struct err *e)
{
	uint8_t name[TPM_NAME_LEN];
	TPM2B_MAX_NV_BUFFER *data = NULL;
	struct tpmnv_index f;
	int found = tpmnv_find(t, TAGINDEX, &f, e);
	tagindex_name(name, tag->officer, true);
	if (found != 1 || !view_equal(VIEW(f.name.name, f.name.size), VIEW_OF(name))) {
		tpmnv_forget(t, &f);
		return found < 0 ? -1 : 0;
	}
	TSS2_RC rc = Esys_NV_Read(t->esys, f.nv, f.nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, SHA_LEN, 0, &data);
	tpmnv_forget(t, &f);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(e, rc, WHY_SYSTEM, "cannot read the NV index of the geo tag");
	bool same = view_equal(VIEW(data->buffer, data->size), VIEW_OF(tag->digest));
	Esys_Free(data);
	return same;
}

int tpmtag_write(struct tpm *t, int fd, const struct tag *tag, const uint8_t permission[ES256_SIG], struct err *e)
{
	ESYS_TR session = ESYS_TR_NONE;
	int there = holds(t, tag, e); /* a state that was lost gets its tag back without an officer */
	if (there != 0)
		return there == 1 ? 0 : -1;
	if (session_load(t, fd, &session) != 1) {
		err_set(e, WHY_STALE, "no request for a geo tag waits in this TPM: a restart or a newer one ended it");
		return err_hint(e, "merestone-agent tag request, and let the officer sign that");
	}
	int bad = put(t, session, tag, permission, e);
	tpm_flush(t, &session);
	return bad;
}
