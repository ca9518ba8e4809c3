#include <string.h>

#include <tss2/tss2_mu.h>

#include "attest/tpm.h"

static int public_bytes(const TPM2B_PUBLIC *pub, struct tpmblob *out, struct err *e)
{
	size_t n = 0;
	TSS2_RC rc = Tss2_MU_TPMT_PUBLIC_Marshal(&pub->publicArea, out->b, sizeof(out->b), &n);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(e, rc, WHY_SYSTEM, "cannot write a public area");
	out->n = n;
	return 0;
}

int tpmkeys_primary(struct tpm *t, ESYS_TR hierarchy, const TPM2B_PUBLIC *template, ESYS_TR *key, struct tpmblob *pub,
        struct err *e)
{
	const TPM2B_SENSITIVE_CREATE no_secret = {0};
	const TPM2B_DATA no_data = {0};
	const TPML_PCR_SELECTION no_pcrs = {0};
	ESYS_TR k = ESYS_TR_NONE;
	TPM2B_PUBLIC *p = NULL;
	TSS2_RC rc = Esys_CreatePrimary(t->esys, hierarchy, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &no_secret,
	        template, &no_data, &no_pcrs, &k, &p, NULL, NULL, NULL);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(e, rc, WHY_SYSTEM, "cannot make a primary key");
	int bad = public_bytes(p, pub, e);
	Esys_Free(p);
	if (bad)
		tpm_flush(t, &k);
	else
		*key = k;
	return bad;
}

/* 1: a key is there; 0: the place is free. */
static int persistent(struct tpm *t, uint32_t place, ESYS_TR *key, struct tpmblob *pub, struct err *e)
{
	ESYS_TR k = ESYS_TR_NONE;
	TSS2_RC rc = Esys_TR_FromTPMPublic(t->esys, place, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &k);
	if ((rc & 0xff) == (TPM2_RC_HANDLE & 0xff) && (rc & TSS2_RC_LAYER_MASK) == 0)
		return 0;
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(e, rc, WHY_SYSTEM, "cannot look for the key at 0x%08x", place);
	TPM2B_PUBLIC *p = NULL;
	rc = Esys_ReadPublic(t->esys, k, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &p, NULL, NULL);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(e, rc, WHY_SYSTEM, "cannot read the key at 0x%08x", place);
	int bad = public_bytes(p, pub, e);
	Esys_Free(p);
	*key = k;
	return bad ? -1 : 1;
}

/* A key we are to use must be the one this TPM makes from our template: another's key may have any attributes and any
 * owner, and what is read from the bus is not believed. */
static int establish(struct tpm *t, ESYS_TR hierarchy, const TPM2B_PUBLIC *template, uint32_t place, ESYS_TR *key,
        struct tpmblob *pub, struct err *e)
{
	ESYS_TR made = ESYS_TR_NONE;
	struct tpmblob there;
	if (tpmkeys_primary(t, hierarchy, template, &made, pub, e) != 0)
		return err_in(e, "key for 0x%08x", place);
	int found = persistent(t, place, key, &there, e);
	if (found == 1 && !view_equal(TPMBLOB(there), TPMBLOB(*pub))) {
		err_set(e, WHY_UNTRUSTED, "the TPM holds a key at 0x%08x that is not ours", place);
		err_hint(e, "free that place: tpm2_evictcontrol -c 0x%08x", place);
		found = -1;
	}
	if (found == 0) {
		TSS2_RC rc = Esys_EvictControl(
		        t->esys, ESYS_TR_RH_OWNER, made, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, place, key);
		found = rc == TSS2_RC_SUCCESS ? 1 : tpm_fail(e, rc, WHY_SYSTEM, "cannot keep a key at 0x%08x", place);
	}
	tpm_flush(t, &made);
	return found == 1 ? 0 : -1;
}

static int make_id(struct tpm *t, struct tpmkeys *k, struct err *e)
{
	const TPM2B_SENSITIVE_CREATE no_secret = {0};
	const TPM2B_DATA no_data = {0};
	const TPML_PCR_SELECTION no_pcrs = {0};
	const TPM2B_PUBLIC template = tpmtemplate_id();
	TPM2B_PRIVATE *priv = NULL;
	TPM2B_PUBLIC *pub = NULL;
	struct tpm_pub parsed;
	TSS2_RC rc = Esys_Create(t->esys, t->srk, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &no_secret, &template,
	        &no_data, &no_pcrs, &priv, &pub, NULL, NULL, NULL);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(e, rc, WHY_SYSTEM, "cannot make the machine's TLS key");
	int bad = public_bytes(pub, &k->id, e);
	if (!bad && priv->size > sizeof(k->id_private.b))
		bad = err_set(e, WHY_SYSTEM, "the TPM wraps keys in %u bytes", priv->size);
	if (!bad) {
		k->id_private.n = priv->size;
		memcpy(k->id_private.b, priv->buffer, priv->size);
		bad = tpmpub_parse(TPMBLOB(k->id), &parsed, e);
	}
	if (!bad)
		memcpy(k->id_xy, parsed.xy, ES256_PUB);
	Esys_Free(priv);
	Esys_Free(pub);
	return bad;
}

static int make_all(struct tpm *t, int dirfd, struct tpmkeys *k, struct err *e)
{
	const TPM2B_PUBLIC srk = tpmtemplate_srk(), ak = tpmtemplate_ak();
	if (establish(t, ESYS_TR_RH_OWNER, &srk, TPMKEYS_SRK, &t->srk, &k->srk, e) != 0)
		return err_in(e, "storage key");
	if (establish(t, ESYS_TR_RH_ENDORSEMENT, &ak, TPMKEYS_AK, &t->ak, &k->ak, e) != 0)
		return err_in(e, "attestation key");
	return make_id(t, k, e) == 0 ? tpmstate_write(dirfd, k, e) : -1;
}

static int expect(struct tpm *t, uint32_t place, const struct tpmblob *pub, ESYS_TR *key, struct err *e)
{
	struct tpmblob there;
	int found = persistent(t, place, key, &there, e);
	if (found < 0)
		return -1;
	if (found == 1 && view_equal(TPMBLOB(there), TPMBLOB(*pub)))
		return 0;
	err_set(e, WHY_UNTRUSTED, "this state belongs to another TPM: the key at 0x%08x is %s", place,
	        found ? "a different one" : "not there");
	return err_hint(e, "a TPM that was cleared must enrol again, with an empty state directory");
}

int tpmkeys_again(struct tpm *t, const struct tpmkeys *k, struct err *e)
{
	if (tpm_again(t, e) != 0 || expect(t, TPMKEYS_SRK, &k->srk, &t->srk, e) != 0)
		return -1;
	return expect(t, TPMKEYS_AK, &k->ak, &t->ak, e);
}

int tpmkeys_open(struct tpm *t, int dirfd, struct tpmkeys *out, struct err *e)
{
	struct tpm_pub ak, srk;
	int known = tpmstate_read(dirfd, out, e);
	if (known < 0)
		return -1;
	if (!known && make_all(t, dirfd, out, e) != 0)
		return -1;
	if (known && tpmkeys_again(t, out, e) != 0)
		return -1;
	if (tpmpub_parse(TPMBLOB(out->ak), &ak, e) != 0 || tpmpub_is_ak(&ak, e) != 0)
		return err_in(e, "attestation key");
	if (tpmpub_parse(TPMBLOB(out->srk), &srk, e) != 0 || tpmpub_is_srk(&srk, e) != 0)
		return err_in(e, "storage key");
	return 0;
}

int tpmkeys_id(struct tpm *t, const struct tpmkeys *k, ESYS_TR *id, struct err *e)
{
	TPM2B_PUBLIC pub = {0};
	TPM2B_PRIVATE priv = {.size = (UINT16)k->id_private.n};
	size_t at = 0;
	memcpy(priv.buffer, k->id_private.b, k->id_private.n);
	TSS2_RC rc = Tss2_MU_TPMT_PUBLIC_Unmarshal(k->id.b, k->id.n, &at, &pub.publicArea);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Load(t->esys, t->srk, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &priv, &pub, id);
	if (rc == TSS2_RC_SUCCESS)
		return 0;
	*id = ESYS_TR_NONE;
	return tpm_fail(e, rc, WHY_UNTRUSTED, "this state belongs to another TPM: the TLS key does not load");
}
