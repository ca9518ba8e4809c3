/* TPM 2.0 Part 3: 12.1 Create, 20.1 VerifySignature, 23.16 PolicyAuthorize, 23.7 PolicyPCR, 12.7 Unseal. */
#include <string.h>

#include <tss2/tss2_mu.h>

#include "attest/tpm.h"
#include "firmware/state/statetpm.h"
#include "keystore/tpmpolicy.h"

enum { SEALED_UNDER = 1u << 7, SIGNED_FOR = 1u << 11 };

int statetpm_begin(struct tpm *t, struct err *e)
{
	const TPM2B_PUBLIC template = tpmtemplate_srk();
	struct tpmblob pub;

	return tpmkeys_primary(t, ESYS_TR_RH_OWNER, &template, &t->srk, &pub, e) ? err_in(e, "storage key") : 0;
}

void statetpm_end(struct tpm *t)
{
	tpm_flush(t, &t->srk);
}

int statetpm_registers(struct tpm *t, struct pcrs *out, struct err *e)
{
	return tpmquote_pcrs(t, SEALED_UNDER | SIGNED_FOR, out, e);
}

static TPM2B_DIGEST digest_of(const uint8_t d[SHA_LEN])
{
	TPM2B_DIGEST out = {.size = SHA_LEN};

	memcpy(out.buffer, d, SHA_LEN);
	return out;
}

/* ---- sealing ---- */

/* What goes to the TPM is encrypted on the way. */
static int session_in(struct tpm *t, ESYS_TR *session, struct err *e)
{
	const TPMT_SYM_DEF sym = {.algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB};
	const TPMA_SESSION in = TPMA_SESSION_DECRYPT | TPMA_SESSION_CONTINUESESSION;
	TSS2_RC rc = Esys_StartAuthSession(t->esys, t->srk, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
	        NULL, TPM2_SE_HMAC, &sym, TPM2_ALG_SHA256, session);

	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_TRSess_SetAttributes(t->esys, *session, in, in);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm_fail(e, rc, WHY_SYSTEM, "cannot start a session");
}

static int keep(const TPM2B_PUBLIC *pub, const TPM2B_PRIVATE *priv, struct sealedkey *out, struct err *e)
{
	size_t n = 0;

	if (priv->size > sizeof out->private ||
	        Tss2_MU_TPMT_PUBLIC_Marshal(&pub->publicArea, out->public, sizeof out->public, &n) != TSS2_RC_SUCCESS)
		return err_set(e, WHY_SYSTEM, "the TPM wraps keys in %u bytes", priv->size);
	out->npublic = n;
	out->nprivate = priv->size;
	memcpy(out->private, priv->buffer, priv->size);
	return 0;
}

static int create(struct tpm *t, ESYS_TR session, const struct secret *key, const uint8_t policy[SHA_LEN],
        struct sealedkey *out, struct err *e)
{
	const TPM2B_DATA no_data = {0};
	const TPML_PCR_SELECTION no_pcrs = {0};
	const TPM2B_PUBLIC template = {.publicArea = {.type = TPM2_ALG_KEYEDHASH,
	                                       .nameAlg = TPM2_ALG_SHA256,
	                                       .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
	                                                           TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_NODA,
	                                       .authPolicy = digest_of(policy),
	                                       .parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL}};
	TPM2B_SENSITIVE_CREATE sensitive = {.sensitive.data.size = SECRET_LEN};
	TPM2B_PRIVATE *priv = NULL;
	TPM2B_PUBLIC *pub = NULL;

	memcpy(sensitive.sensitive.data.buffer, key->b, SECRET_LEN);
	TSS2_RC rc = Esys_Create(t->esys, t->srk, session, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &template, &no_data,
	        &no_pcrs, &priv, &pub, NULL, NULL, NULL);
	mem_wipe(&sensitive, sizeof sensitive);
	int bad = rc == TSS2_RC_SUCCESS ? keep(pub, priv, out, e) : tpm_fail(e, rc, WHY_SYSTEM, "cannot seal the key");
	Esys_Free(priv);
	Esys_Free(pub);
	return bad;
}

int statetpm_seal(
        struct tpm *t, const struct es256 *pcr, const struct secret *key, struct sealedkey *out, struct err *e)
{
	ESYS_TR session = ESYS_TR_NONE;
	uint8_t policy[SHA_LEN];
	struct sealedkey k;
	struct pcrs now;

	if (statetpm_registers(t, &now, e))
		return -1;
	memcpy(k.pcr7, now.v[7], PCR_LEN);
	statepolicy_sealed(policy, pcr->pub, now.v[7]);
	int bad = session_in(t, &session, e) || create(t, session, key, policy, &k, e);
	tpm_flush(t, &session);
	tpm_scrub(t);
	if (bad)
		return -1;
	*out = k;
	return 0;
}

/* ---- unsealing ---- */

struct opening {
	struct tpm *t;
	const struct stateboot *boot;
	const struct sealedkey *key;
	uint8_t approved[SHA_LEN];
	ESYS_TR object, session;
	TPMT_TK_VERIFIED *ticket;
};

static int verify(struct opening *o, const uint8_t sig[ES256_SIG], struct err *e)
{
	uint8_t digest[SHA_LEN];

	sha256(digest, VIEW_OF(o->approved));
	return tpmpolicy_verify(
	        o->t, o->boot->pcr->pub, digest, sig, &o->ticket, "the image's signature of register 11 is wrong", e);
}

static int load(struct opening *o, struct err *e)
{
	TPM2B_PUBLIC pub = {0};
	TPM2B_PRIVATE priv = {.size = (UINT16)o->key->nprivate};
	size_t at = 0;

	memcpy(priv.buffer, o->key->private, o->key->nprivate);
	if (Tss2_MU_TPMT_PUBLIC_Unmarshal(o->key->public, o->key->npublic, &at, &pub.publicArea) != TSS2_RC_SUCCESS ||
	        at != o->key->npublic)
		return err_set(e, WHY_MALFORMED, "the sealed key's public area is damaged");
	TSS2_RC rc = Esys_Load(
	        o->t->esys, o->t->srk, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &priv, &pub, &o->object);
	if (rc == TSS2_RC_SUCCESS)
		return 0;
	tpm_fail(e, rc, WHY_UNTRUSTED, "another TPM sealed this state, or this one was cleared");
	return err_hint(e, "the holder of the recovery key can open it: merestone image recover");
}

static int prove(struct opening *o, struct err *e)
{
	if (tpm_session(o->t, &o->session, e))
		return -1;
	TSS2_RC rc = tpmpolicy_pcr(o->t, o->session, SIGNED_FOR, NULL);
	if (rc == TSS2_RC_SUCCESS && statefloor_prove(o->t, o->session, o->boot->version, e))
		return -1;
	if (rc == TSS2_RC_SUCCESS)
		rc = tpmpolicy_authorize(o->t, o->session, o->approved, VIEW(NULL, 0), o->boot->pcr->pub, o->ticket);
	if (rc == TSS2_RC_SUCCESS)
		rc = tpmpolicy_pcr(o->t, o->session, SEALED_UNDER, NULL);
	return rc == TSS2_RC_SUCCESS ? 0
	                             : tpm_fail(e, rc, WHY_UNTRUSTED, "this boot is not what its image is signed for");
}

static int take(struct opening *o, struct secret *to, struct err *e)
{
	bool fits = false;
	TSS2_RC rc = tpmpolicy_unseal(o->t, o->session, o->object, to, &fits);

	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(e, rc, WHY_UNTRUSTED,
		        "the state was sealed for images of another key, or under another register 7");
	return fits ? 0 : err_set(e, WHY_MALFORMED, "what was sealed is not a key");
}

/* Said before the TPM is asked, which gives one code for every difference. */
static int same_registers(struct opening *o, const struct pcrs *now, uint8_t sig[ES256_SIG], struct err *e)
{
	if (memcmp(now->v[7], o->key->pcr7, PCR_LEN) != 0) {
		err_set(e, WHY_UNTRUSTED,
		        "register 7 is not what the state was sealed under: Secure Boot or its keys changed");
		return err_hint(e, "put the firmware's Secure Boot settings back, or use the recovery key");
	}
	statepolicy_approved(o->approved, now->v[11], o->boot->version);
	return pcrsig_find(o->boot->pcrsig, o->boot->pcr, o->approved, sig, e);
}

int statetpm_unseal(
        struct tpm *t, const struct stateboot *b, const struct sealedkey *k, struct secret **out, struct err *e)
{
	struct opening o = {.t = t, .boot = b, .key = k, .object = ESYS_TR_NONE, .session = ESYS_TR_NONE};
	AUTO(secret_free) struct secret *key = secret_new();
	uint8_t sig[ES256_SIG];
	struct pcrs now;

	if (!key)
		return err_sys(e, "locked memory");
	int bad = statetpm_registers(t, &now, e) || same_registers(&o, &now, sig, e) || verify(&o, sig, e) ||
	          load(&o, e) || prove(&o, e) || take(&o, key, e);
	tpm_flush(t, &o.session);
	tpm_flush(t, &o.object);
	Esys_Free(o.ticket);
	if (bad)
		return -1;
	*out = TAKE(key);
	return 0;
}
