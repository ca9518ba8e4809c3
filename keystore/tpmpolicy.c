#include "keystore/tpmpolicy.h"

#include <string.h>

#include <tss2/tss2_mu.h>

static TPM2B_DIGEST digest_of(const uint8_t d[SHA_LEN])
{
	TPM2B_DIGEST out = {.size = SHA_LEN};
	memcpy(out.buffer, d, SHA_LEN);
	return out;
}

static int load_key(struct tpm *t, const uint8_t xy[ES256_PUB], ESYS_TR *key, struct err *e)
{
	uint8_t bytes[EXTKEY_PUBLIC];
	TPM2B_PUBLIC pub = {0};
	size_t at = 0;
	extkey_public(bytes, xy);
	TSS2_RC rc = Tss2_MU_TPMT_PUBLIC_Unmarshal(bytes, sizeof(bytes), &at, &pub.publicArea);
	/* Under the owner: the null hierarchy would give an empty ticket. */
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_LoadExternal(
		        t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL, &pub, ESYS_TR_RH_OWNER, key);
	return rc == TSS2_RC_SUCCESS ? 0
	                             : tpm_fail(e, rc, WHY_UNTRUSTED, "the TPM does not take the key that approves");
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

int tpmpolicy_verify(struct tpm *t, const uint8_t xy[ES256_PUB], const uint8_t digest[SHA_LEN],
        const uint8_t sig[ES256_SIG], TPMT_TK_VERIFIED **ticket, const char *refusal, struct err *e)
{
	const TPM2B_DIGEST d = digest_of(digest);
	const TPMT_SIGNATURE s = signature_of(sig);
	ESYS_TR key = ESYS_TR_NONE;
	if (load_key(t, xy, &key, e) != 0)
		return -1;
	TSS2_RC rc = Esys_VerifySignature(t->esys, key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &d, &s, ticket);
	tpm_flush(t, &key);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm_fail(e, rc, WHY_UNTRUSTED, "%s", refusal);
}

static int sealed_parts(
        const struct sealed *from, TPM2B_PUBLIC *pub, TPM2B_PRIVATE *dup, TPM2B_ENCRYPTED_SECRET *seed, struct err *e)
{
	size_t at = 0;
	*pub = (TPM2B_PUBLIC){0};
	if (Tss2_MU_TPMT_PUBLIC_Unmarshal(from->public, from->npublic, &at, &pub->publicArea) != TSS2_RC_SUCCESS ||
	        at != from->npublic)
		return err_set(e, WHY_MALFORMED, "the sealed key's public area is damaged");
	dup->size = (UINT16)from->nduplicate;
	memcpy(dup->buffer, from->duplicate, from->nduplicate);
	seed->size = (UINT16)from->nseed;
	memcpy(seed->secret, from->seed, from->nseed);
	return 0;
}

int tpmpolicy_load(struct tpm *t, const struct sealed *from, ESYS_TR *object, struct err *e)
{
	const TPMT_SYM_DEF_OBJECT no_inner = {.algorithm = TPM2_ALG_NULL};
	const TPM2B_DATA no_key = {0};
	TPM2B_PUBLIC pub;
	TPM2B_PRIVATE dup, *wrapped = NULL;
	TPM2B_ENCRYPTED_SECRET seed;
	if (sealed_parts(from, &pub, &dup, &seed, e) != 0)
		return -1;
	TSS2_RC rc = Esys_Import(t->esys, t->srk, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &no_key, &pub, &dup,
	        &seed, &no_inner, &wrapped);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Load(t->esys, t->srk, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, wrapped, &pub, object);
	Esys_Free(wrapped);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm_fail(e, rc, WHY_UNTRUSTED, "this key was sealed for another TPM");
}

TSS2_RC tpmpolicy_pcr(struct tpm *t, ESYS_TR session, uint32_t mask, const uint8_t *digest)
{
	const TPM2B_DIGEST d = digest ? digest_of(digest) : (TPM2B_DIGEST){0};
	TPML_PCR_SELECTION sel = {.count = 1, .pcrSelections[0] = {.hash = TPM2_ALG_SHA256, .sizeofSelect = 3}};
	for (size_t i = 0; i < 3; i++)
		sel.pcrSelections[0].pcrSelect[i] = (BYTE)(mask >> (8 * i));
	return Esys_PolicyPCR(t->esys, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &d, &sel);
}

TSS2_RC tpmpolicy_nv(struct tpm *t, ESYS_TR session, uint32_t place, struct view held, TPM2_EO op)
{
	TPM2B_OPERAND operand = {.size = (UINT16)held.n};
	ESYS_TR nv = ESYS_TR_NONE;
	memcpy(operand.buffer, held.p, held.n);
	TSS2_RC rc = Esys_TR_FromTPMPublic(t->esys, place, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &nv);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_PolicyNV(
		        t->esys, nv, nv, session, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &operand, 0, op);
	if (nv != ESYS_TR_NONE)
		(void)Esys_TR_Close(t->esys, &nv);
	return rc;
}

TSS2_RC tpmpolicy_authorize(struct tpm *t, ESYS_TR session, const uint8_t approved[SHA_LEN], struct view ref,
        const uint8_t key[ES256_PUB], const TPMT_TK_VERIFIED *ticket)
{
	const TPM2B_DIGEST policy = digest_of(approved), r = ref.n > 0 ? digest_of(ref.p) : (TPM2B_DIGEST){0};
	TPM2B_NAME name = {.size = TPM_NAME_LEN};
	extkey_name(name.name, key);
	return Esys_PolicyAuthorize(
	        t->esys, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &policy, &r, &name, ticket);
}

TSS2_RC tpmpolicy_unseal(struct tpm *t, ESYS_TR session, ESYS_TR object, struct secret *to, bool *fits)
{
	TPM2B_SENSITIVE_DATA *data = NULL;
	TSS2_RC rc = Esys_Unseal(t->esys, object, session, ESYS_TR_NONE, ESYS_TR_NONE, &data);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	*fits = data->size == SECRET_LEN;
	if (*fits)
		memcpy(to->b, data->buffer, SECRET_LEN);
	mem_wipe(data, sizeof(*data));
	Esys_Free(data);
	tpm_scrub(t);
	return rc;
}
