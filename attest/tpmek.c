/* Which endorsement key a TPM has, and how it is used: TCG EK Credential Profile 2.5, 2.2.1 (NV indices), B.3 and B.4
 * (templates). */
#include <string.h>

#include <tss2/tss2_mu.h>

#include "attest/ekpolicy.h"
#include "attest/tpm.h"

/* 0: the profile has no such index. Small and fast keys come first. */
static const struct nvplace {
	uint32_t certificate, nonce, template;
	bool rsa, high, sha384;
	uint16_t size; /* bits, or the curve */
} places[TPMEK_TEMPLATES] = {
        [TPMEK_L2] = {0x01c0000a, 0x01c0000b, 0x01c0000c, false, false, false, TPM2_ECC_NIST_P256},
        [TPMEK_H2] = {0x01c00014, 0, 0x01c00015, false, true, false, TPM2_ECC_NIST_P256},
        [TPMEK_H3] = {0x01c00016, 0, 0x01c00017, false, true, true, TPM2_ECC_NIST_P384},
        [TPMEK_L1] = {0x01c00002, 0x01c00003, 0x01c00004, true, false, false, 2048},
        [TPMEK_H1] = {0x01c00012, 0, 0x01c00013, true, true, false, 2048},
        [TPMEK_H6] = {0x01c0001c, 0, 0x01c0001d, true, true, true, 3072},
};

static const struct ekpolicy *policy_of(bool sha384)
{
	return sha384 ? &ekpolicy_sha384 : &ekpolicy_sha256;
}

static TPM2B_DIGEST digest_of(struct view v)
{
	TPM2B_DIGEST d = {.size = (UINT16)v.n};
	memcpy(d.buffer, v.p, v.n);
	return d;
}

/* The low range hashes zeros of the key's size into its seed, the high range nothing. */
static void set_parameters(const struct nvplace *p, TPMT_PUBLIC *k)
{
	const TPMT_SYM_DEF_OBJECT sym = {
	        .algorithm = TPM2_ALG_AES, .keyBits.aes = p->sha384 ? 256 : 128, .mode.aes = TPM2_ALG_CFB};
	if (p->rsa) {
		k->parameters.rsaDetail = (TPMS_RSA_PARMS){
		        .symmetric = sym, .scheme.scheme = TPM2_ALG_NULL, .keyBits = p->size};
		k->unique.rsa.size = p->high ? 0 : 256;
		return;
	}
	k->parameters.eccDetail = (TPMS_ECC_PARMS){
	        .symmetric = sym, .scheme.scheme = TPM2_ALG_NULL, .curveID = p->size, .kdf.scheme = TPM2_ALG_NULL};
	k->unique.ecc.x.size = k->unique.ecc.y.size = p->high ? 0 : 32;
}

static TPM2B_PUBLIC template_of(const struct nvplace *p)
{
	const struct ekpolicy *policy = policy_of(p->sha384);
	TPM2B_PUBLIC k = {.publicArea = {.type = p->rsa ? TPM2_ALG_RSA : TPM2_ALG_ECC,
	                          .nameAlg = p->sha384 ? TPM2_ALG_SHA384 : TPM2_ALG_SHA256,
	                          .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
	                                              TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_ADMINWITHPOLICY |
	                                              TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT}};
	if (p->high)
		k.publicArea.objectAttributes |= TPMA_OBJECT_USERWITHAUTH;
	k.publicArea.authPolicy = digest_of(p->high ? policy->b : policy->a);
	set_parameters(p, &k.publicArea);
	return k;
}

static int vendors_template(struct tpm *t, const struct nvplace *p, TPM2B_PUBLIC *k, struct err *e)
{
	uint8_t bytes[TPM_PUBLIC_MAX];
	size_t n = 0, at = 0;
	int found = tpmnv_read(t, p->template, bytes, sizeof(bytes), &n, e);
	if (found != 1)
		return found;
	TPM2B_PUBLIC theirs = {0};
	if (Tss2_MU_TPMT_PUBLIC_Unmarshal(bytes, n, &at, &theirs.publicArea) != TSS2_RC_SUCCESS)
		return err_set(e, WHY_MALFORMED, "NV index 0x%08x holds no template of a key", p->template);
	*k = theirs;
	return 0;
}

/* It stands in front of the zeros that the template has there. */
static int vendors_nonce(struct tpm *t, const struct nvplace *p, TPM2B_PUBLIC *k, struct err *e)
{
	size_t n = 0;
	uint8_t *to = p->rsa ? k->publicArea.unique.rsa.buffer : k->publicArea.unique.ecc.x.buffer;
	return p->nonce && tpmnv_read(t, p->nonce, to, p->rsa ? 256 : 32, &n, e) < 0 ? -1 : 0;
}

int tpmek_make(struct tpm *t, enum tpmek_template which, struct tpmek *out, struct err *e)
{
	const struct nvplace *p = &places[which];
	TPM2B_PUBLIC template = template_of(p);
	if (vendors_template(t, p, &template, e) != 0 || vendors_nonce(t, p, &template, e) != 0 ||
	        tpmkeys_primary(t, ESYS_TR_RH_ENDORSEMENT, &template, &out->key, &out->pub, e) != 0)
		return err_in(e, "endorsement key");
	out->name_alg = template.publicArea.nameAlg;
	out->high = (template.publicArea.objectAttributes & TPMA_OBJECT_USERWITHAUTH) != 0;
	out->certificate = 0;
	return 0;
}

int tpmek_open(struct tpm *t, struct tpmek *out, struct err *e)
{
	uint8_t certificate[EK_CERT_MAX];
	for (unsigned i = 0; i < TPMEK_TEMPLATES; i++) {
		size_t n = 0;
		int found = tpmnv_read(t, places[i].certificate, certificate, sizeof(certificate), &n, e);
		if (found == 0)
			continue;
		if (found < 0 || tpmek_make(t, (enum tpmek_template)i, out, e) != 0)
			return -1;
		out->certificate = places[i].certificate;
		return 0;
	}
	return tpmek_make(t, TPMEK_L2, out, e);
}

/* PolicyA, and for the high range PolicyOR(PolicyA, PolicyC) behind it. */
int tpmek_session(struct tpm *t, const struct tpmek *ek, ESYS_TR *session, struct err *e)
{
	const struct ekpolicy *policy = policy_of(ek->name_alg == TPM2_ALG_SHA384);
	const TPML_DIGEST branches = {.count = 2, .digests = {digest_of(policy->a), digest_of(policy->c)}};
	if (tpm_session_by(t, ek->name_alg, session, e) != 0)
		return -1;
	TSS2_RC rc = Esys_PolicySecret(t->esys, ESYS_TR_RH_ENDORSEMENT, *session, ESYS_TR_PASSWORD, ESYS_TR_NONE,
	        ESYS_TR_NONE, NULL, NULL, NULL, 0, NULL, NULL);
	if (rc == TSS2_RC_SUCCESS && ek->high)
		rc = Esys_PolicyOR(t->esys, *session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &branches);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm_fail(e, rc, WHY_SYSTEM, "cannot use the endorsement hierarchy");
}
