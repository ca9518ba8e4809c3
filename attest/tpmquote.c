#include <string.h>

#include <tss2/tss2_mu.h>

#include "attest/tpm.h"

static const TPMT_SIG_SCHEME keys_own = {.scheme = TPM2_ALG_NULL};

TPML_PCR_SELECTION tpmquote_selection(uint32_t mask)
{
	TPML_PCR_SELECTION s = {.count = 1, .pcrSelections[0] = {.hash = TPM2_ALG_SHA256, .sizeofSelect = 3}};
	for (size_t i = 0; i < 3; i++)
		s.pcrSelections[0].pcrSelect[i] = (BYTE)(mask >> (8 * i));
	return s;
}

static uint32_t mask_of(const TPML_PCR_SELECTION *s)
{
	uint32_t mask = 0;
	if (s->count != 1 || s->pcrSelections[0].hash != TPM2_ALG_SHA256)
		return 0;
	for (size_t i = 0; i < 3 && i < s->pcrSelections[0].sizeofSelect; i++)
		mask |= (uint32_t)s->pcrSelections[0].pcrSelect[i] << (8 * i);
	return mask;
}

/* Copies the registers that came, and says which: a TPM gives at most eight at a time. */
static uint32_t take(const TPML_PCR_SELECTION *sel, const TPML_DIGEST *values, struct pcrs *out)
{
	uint32_t mask = mask_of(sel);
	size_t at = 0;
	for (uint32_t i = 0; i < PCR_COUNT; i++) {
		if (!(mask >> i & 1))
			continue;
		if (at >= values->count || values->digests[at].size != PCR_LEN)
			return 0;
		memcpy(out->v[i], values->digests[at++].buffer, PCR_LEN);
	}
	return mask;
}

int tpmquote_pcrs(struct tpm *t, uint32_t mask, struct pcrs *out, struct err *e)
{
	*out = (struct pcrs){0};
	while (mask) {
		const TPML_PCR_SELECTION want = tpmquote_selection(mask);
		TPML_PCR_SELECTION *sel = NULL;
		TPML_DIGEST *values = NULL;
		TSS2_RC rc = Esys_PCR_Read(
		        t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &want, NULL, &sel, &values);
		if (rc != TSS2_RC_SUCCESS)
			return tpm_fail(e, rc, WHY_SYSTEM, "cannot read the registers");
		uint32_t got = take(sel, values, out) & mask;
		Esys_Free(sel);
		Esys_Free(values);
		if (!got)
			return err_set(e, WHY_SYSTEM, "the TPM keeps no sha256 registers");
		mask &= ~got;
	}
	return 0;
}

int tpmquote_signed(const TPM2B_ATTEST *attest, const TPMT_SIGNATURE *sig, struct tpmsigned *out, struct err *e)
{
	size_t n = 0;
	if (attest->size > sizeof(out->attest) ||
	        Tss2_MU_TPMT_SIGNATURE_Marshal(sig, out->sig, sizeof(out->sig), &n) != TSS2_RC_SUCCESS)
		return err_set(e, WHY_SYSTEM, "the TPM signed something unexpectedly large");
	out->nsig = n;
	out->nattest = attest->size;
	memcpy(out->attest, attest->attestationData, attest->size);
	return 0;
}

static TPM2B_DATA qualifying(const uint8_t extra[SHA_LEN])
{
	TPM2B_DATA d = {.size = SHA_LEN};
	memcpy(d.buffer, extra, SHA_LEN);
	return d;
}

int tpmquote_quote(struct tpm *t, uint32_t mask, const uint8_t extra[SHA_LEN], const struct pcrs *pcrs,
        struct tpmsigned *out, struct err *e)
{
	const TPM2B_DATA data = qualifying(extra);
	const TPML_PCR_SELECTION sel = tpmquote_selection(mask);
	TPM2B_ATTEST *attest = NULL;
	TPMT_SIGNATURE *sig = NULL;
	struct quote q;
	uint8_t digest[SHA_LEN];
	TSS2_RC rc = Esys_Quote(
	        t->esys, t->ak, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data, &keys_own, &sel, &attest, &sig);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(e, rc, WHY_SYSTEM, "cannot quote");
	int bad = tpmquote_signed(attest, sig, out, e);
	Esys_Free(attest);
	Esys_Free(sig);
	if (bad || quote_parse(VIEW(out->attest, out->nattest), mask, &q, e) != 0)
		return -1;
	quote_pcr_digest(digest, pcrs, mask);
	return memcmp(digest, q.pcr_digest, SHA_LEN) != 0;
}

int tpmquote_certify(struct tpm *t, ESYS_TR object, const uint8_t extra[SHA_LEN], struct tpmsigned *out, struct err *e)
{
	const TPM2B_DATA data = qualifying(extra);
	TPM2B_ATTEST *attest = NULL;
	TPMT_SIGNATURE *sig = NULL;
	TSS2_RC rc = Esys_Certify(t->esys, object, t->ak, ESYS_TR_PASSWORD, ESYS_TR_PASSWORD, ESYS_TR_NONE, &data,
	        &keys_own, &attest, &sig);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(e, rc, WHY_SYSTEM, "cannot certify a key");
	int bad = tpmquote_signed(attest, sig, out, e);
	Esys_Free(attest);
	Esys_Free(sig);
	return bad;
}

static int credential_parts(
        struct view blob, struct view secret, TPM2B_ID_OBJECT *id, TPM2B_ENCRYPTED_SECRET *seed, struct err *e)
{
	/* Both come with their own size in front, as MakeCredential gives them. */
	struct rd b = rd_of(blob), s = rd_of(secret);
	struct view in = rd_view16(&b), enc = rd_view16(&s);
	if (!rd_end(&b) || !rd_end(&s) || in.n > sizeof(id->credential) || enc.n > sizeof(seed->secret))
		return err_set(e, WHY_MALFORMED, "the credential is not one of MakeCredential");
	id->size = (UINT16)in.n;
	memcpy(id->credential, in.p, in.n);
	seed->size = (UINT16)enc.n;
	memcpy(seed->secret, enc.p, enc.n);
	return 0;
}

int tpmquote_activate(struct tpm *t, struct view blob, struct view secret, uint8_t nonce[NONCE_LEN], struct err *e)
{
	TPM2B_ID_OBJECT id;
	TPM2B_ENCRYPTED_SECRET seed;
	TPM2B_DIGEST *hidden = NULL;
	struct tpmek ek = {.key = ESYS_TR_NONE};
	ESYS_TR session = ESYS_TR_NONE;
	if (credential_parts(blob, secret, &id, &seed, e) != 0)
		return -1;
	int bad = tpmek_open(t, &ek, e);
	if (!bad)
		bad = tpmek_session(t, &ek, &session, e);
	TSS2_RC rc = bad ? 0
	                 : Esys_ActivateCredential(t->esys, t->ak, ek.key, ESYS_TR_PASSWORD, session, ESYS_TR_NONE, &id,
	                           &seed, &hidden);
	if (rc != TSS2_RC_SUCCESS)
		bad = tpm_fail(e, rc, WHY_UNTRUSTED, "the credential was made for another TPM or another key");
	else if (!bad && hidden->size != NONCE_LEN)
		bad = err_set(e, WHY_MALFORMED, "the credential hides %u bytes", hidden->size);
	if (!bad)
		memcpy(nonce, hidden->buffer, NONCE_LEN);
	Esys_Free(hidden);
	tpm_flush(t, &session);
	tpm_flush(t, &ek.key);
	return bad;
}

static bool coordinate(uint8_t out[32], const TPM2B_ECC_PARAMETER *p)
{
	if (p->size > 32)
		return false;
	memset(out, 0, 32);
	memcpy(out + 32 - p->size, p->buffer, p->size);
	return true;
}

int tpmquote_sign(struct tpm *t, ESYS_TR key, const uint8_t digest[SHA_LEN], uint8_t sig[ES256_SIG], struct err *e)
{
	const TPMT_SIG_SCHEME ecdsa = {.scheme = TPM2_ALG_ECDSA, .details.ecdsa.hashAlg = TPM2_ALG_SHA256};
	/* The key is not restricted, so the digest needs no proof of where it comes from. */
	const TPMT_TK_HASHCHECK no_ticket = {.tag = TPM2_ST_HASHCHECK, .hierarchy = TPM2_RH_NULL};
	TPM2B_DIGEST d = {.size = SHA_LEN};
	TPMT_SIGNATURE *s = NULL;
	memcpy(d.buffer, digest, SHA_LEN);
	TSS2_RC rc = Esys_Sign(t->esys, key, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &d, &ecdsa, &no_ticket, &s);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(e, rc, WHY_SYSTEM, "cannot sign");
	bool good = s->sigAlg == TPM2_ALG_ECDSA && coordinate(sig, &s->signature.ecdsa.signatureR) &&
	            coordinate(sig + 32, &s->signature.ecdsa.signatureS);
	Esys_Free(s);
	return good ? 0 : err_set(e, WHY_SYSTEM, "the TPM signed in a way that was not asked for");
}
