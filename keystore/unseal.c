/* One use of a leased key: what TPM 2.0 Part 3 23.x checks, in the order in which it never needs more than two of the
 * three object slots of a small TPM. */
#include <inttypes.h>
#include <string.h>

#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>

#include "keystore/keystore.h"

#define RC_PCR_CHANGED 0x128u

enum { AT_CLOCK = 8, AT_RESETS = 16 }; /* offsets in TPMS_TIME_INFO, Part 2 10.7.1 */

struct unsealing {
	struct tpm *t;
	const struct lease_use *u;
	ESYS_TR object, session;
	TPMT_TK_VERIFIED *ticket;
	uint8_t approved[SHA_LEN], ref[SHA_LEN];
};

static TPM2B_DIGEST digest_of(const uint8_t d[SHA_LEN])
{
	TPM2B_DIGEST out = {.size = SHA_LEN};
	memcpy(out.buffer, d, SHA_LEN);
	return out;
}

static int load_lease_key(struct unsealing *s, ESYS_TR *key, struct err *e)
{
	uint8_t bytes[EXTKEY_PUBLIC];
	TPM2B_PUBLIC pub = {0};
	size_t at = 0;
	extkey_public(bytes, s->u->lease_key);
	TSS2_RC rc = Tss2_MU_TPMT_PUBLIC_Unmarshal(bytes, sizeof(bytes), &at, &pub.publicArea);
	/* Under the owner: the null hierarchy would give an empty ticket. */
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_LoadExternal(
		        s->t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL, &pub, ESYS_TR_RH_OWNER, key);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm_fail(e, rc, WHY_UNTRUSTED, "the TPM does not take the lease key");
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

static int verify_lease(struct unsealing *s, struct err *e)
{
	uint8_t signed_digest[SHA_LEN];
	ESYS_TR key = ESYS_TR_NONE;
	lease_digest(signed_digest, s->approved, s->ref);
	if (load_lease_key(s, &key, e) != 0)
		return -1;
	const TPM2B_DIGEST d = digest_of(signed_digest);
	const TPMT_SIGNATURE sig = signature_of(s->u->signature);
	TSS2_RC rc = Esys_VerifySignature(
	        s->t->esys, key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &d, &sig, &s->ticket);
	tpm_flush(s->t, &key);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm_fail(e, rc, WHY_UNTRUSTED, "the lease is not signed by the lease key");
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

static int load_object(struct unsealing *s, struct err *e)
{
	const TPMT_SYM_DEF_OBJECT no_inner = {.algorithm = TPM2_ALG_NULL};
	const TPM2B_DATA no_key = {0};
	TPM2B_PUBLIC pub;
	TPM2B_PRIVATE dup, *wrapped = NULL;
	TPM2B_ENCRYPTED_SECRET seed;
	if (sealed_parts(&s->u->sealed, &pub, &dup, &seed, e) != 0)
		return -1;
	TSS2_RC rc = Esys_Import(s->t->esys, s->t->srk, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &no_key, &pub,
	        &dup, &seed, &no_inner, &wrapped);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Load(
		        s->t->esys, s->t->srk, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, wrapped, &pub, &s->object);
	Esys_Free(wrapped);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm_fail(e, rc, WHY_UNTRUSTED, "this key was sealed for another TPM");
}

static int prove_registers(struct unsealing *s, struct err *e)
{
	const TPM2B_DIGEST d = digest_of(s->u->terms.pcr_digest);
	TPML_PCR_SELECTION sel = {.count = 1, .pcrSelections[0] = {.hash = TPM2_ALG_SHA256, .sizeofSelect = 3}};
	for (size_t i = 0; i < 3; i++)
		sel.pcrSelections[0].pcrSelect[i] = (BYTE)(s->u->terms.pcr_mask >> (8 * i));
	TSS2_RC rc = Esys_PolicyPCR(s->t->esys, s->session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &d, &sel);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm_fail(e, rc, WHY_UNTRUSTED, "the registers are not those of the lease");
}

/* Index and password are the index's own: it can be read by anybody. */
static TSS2_RC compare_index(struct unsealing *s, uint32_t place, struct view held)
{
	TPM2B_OPERAND operand = {.size = (UINT16)held.n};
	ESYS_TR nv = ESYS_TR_NONE;
	memcpy(operand.buffer, held.p, held.n);
	TSS2_RC rc = Esys_TR_FromTPMPublic(s->t->esys, place, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &nv);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_PolicyNV(s->t->esys, nv, nv, s->session, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
		        &operand, 0, TPM2_EO_EQ);
	if (nv != ESYS_TR_NONE)
		(void)Esys_TR_Close(s->t->esys, &nv);
	return rc;
}

static int prove_tag(struct unsealing *s, struct err *e)
{
	if (!s->u->terms.has_tag)
		return 0;
	TSS2_RC rc = compare_index(s, TAGINDEX, VIEW_OF(s->u->terms.tag));
	if (rc == TSS2_RC_SUCCESS)
		return 0;
	tpm_fail(e, rc, WHY_STALE, "the geo tag in the TPM is not the one of the lease");
	return err_hint(e, "attest again: merestone-agent attest");
}

static int prove_counter(struct unsealing *s, struct err *e)
{
	uint8_t value[COUNTER_LEN];
	struct wr w = wr_to(value, sizeof(value));
	wr_be64(&w, s->u->terms.counter);
	TSS2_RC rc = compare_index(s, COUNTER, wr_done(&w));
	if (rc == TSS2_RC_SUCCESS)
		return 0;
	tpm_fail(e, rc, WHY_STALE, "the machine's leases were ended after this one was signed");
	return err_hint(e, "attest again: merestone-agent attest");
}

static TSS2_RC counter_timer(struct unsealing *s, uint64_t value, uint16_t offset, TPM2_EO op)
{
	TPM2B_OPERAND operand;
	struct wr w = wr_to(operand.buffer, sizeof(operand.buffer));
	wr_be64(&w, value);
	operand.size = (UINT16)w.n;
	return Esys_PolicyCounterTimer(
	        s->t->esys, s->session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &operand, offset, op);
}

static int prove_boot(struct unsealing *s, struct err *e)
{
	const struct lease_terms *l = &s->u->terms;
	TSS2_RC rc = counter_timer(s, (uint64_t)l->reset_count << 32 | l->restart_count, AT_RESETS, TPM2_EO_EQ);
	if (rc == TSS2_RC_SUCCESS)
		return 0;
	tpm_fail(e, rc, WHY_STALE, "the machine was restarted since the lease was signed");
	return err_hint(e, "attest again: merestone-agent attest");
}

static int prove_time(struct unsealing *s, struct err *e)
{
	struct tpm_clock now;
	struct err ignored;
	TSS2_RC rc = counter_timer(s, s->u->terms.deadline_ms, AT_CLOCK, TPM2_EO_UNSIGNED_LE);
	if (rc == TSS2_RC_SUCCESS)
		return 0;
	uint64_t late = 0, deadline = s->u->terms.deadline_ms;
	if (tpm_clock(s->t, &now, &ignored) == 0 && now.clock_ms > deadline)
		late = now.clock_ms - deadline;
	tpm_fail(e, rc, WHY_STALE, "the lease ended %" PRIu64 ".%03u s ago by the TPM's clock", late / 1000,
	        (unsigned)(late % 1000));
	return err_hint(e, "attest again: merestone-agent attest");
}

static int authorize(struct unsealing *s, struct err *e)
{
	const TPM2B_DIGEST approved = digest_of(s->approved), ref = digest_of(s->ref);
	TPM2B_NAME name = {.size = TPM_NAME_LEN};
	extkey_name(name.name, s->u->lease_key);
	TSS2_RC rc = Esys_PolicyAuthorize(
	        s->t->esys, s->session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &approved, &ref, &name, s->ticket);
	return rc == TSS2_RC_SUCCESS ? 0
	                             : tpm_fail(e, rc, WHY_UNTRUSTED, "what was proved is not what the lease approves");
}

/* Policy steps only; what fails here is what a lease is for. */
static int prove(struct unsealing *s, struct err *e)
{
	if (tpm_session(s->t, &s->session, e) != 0)
		return -1;
	if (prove_registers(s, e) != 0 || prove_tag(s, e) != 0 || prove_counter(s, e) != 0 || prove_boot(s, e) != 0 ||
	        prove_time(s, e) != 0)
		return -1;
	return authorize(s, e);
}

static TSS2_RC take_secret(struct unsealing *s, struct secret *to, bool *fits)
{
	TPM2B_SENSITIVE_DATA *data = NULL;
	TSS2_RC rc = Esys_Unseal(s->t->esys, s->object, s->session, ESYS_TR_NONE, ESYS_TR_NONE, &data);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	*fits = data->size == SECRET_LEN;
	if (*fits)
		memcpy(to->b, data->buffer, SECRET_LEN);
	mem_wipe(data, sizeof(*data));
	Esys_Free(data);
	tpm_scrub(s->t);
	return rc;
}

static int open_object(struct unsealing *s, struct secret *to, struct err *e)
{
	bool fits = false;
	TSS2_RC rc = RC_PCR_CHANGED;
	/* An extend of any register between PolicyPCR and Unseal ends a session, also when it is none of the lease's.
	 */
	for (int tries = 0; rc == RC_PCR_CHANGED && tries < 3; tries++) {
		tpm_flush(s->t, &s->session);
		if (prove(s, e) != 0)
			return -1;
		rc = take_secret(s, to, &fits);
	}
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(e, rc, WHY_UNTRUSTED, "the lease is for another key");
	return fits ? 0 : err_set(e, WHY_MALFORMED, "what was sealed is not a key");
}

int unseal(struct tpm *t, const struct lease_use *u, struct secret **out, struct err *e)
{
	struct unsealing s = {.t = t, .u = u, .object = ESYS_TR_NONE, .session = ESYS_TR_NONE};
	AUTO(secret_free) struct secret *key = secret_new();
	if (!key)
		return err_sys(e, "locked memory");
	lease_approved(s.approved, &u->terms);
	policyref(s.ref, u->domain, u->dataset, u->epoch, u->generation);
	int bad = verify_lease(&s, e) != 0 || load_object(&s, e) != 0 || open_object(&s, key, e) != 0;
	tpm_flush(t, &s.session);
	tpm_flush(t, &s.object);
	Esys_Free(s.ticket);
	if (bad)
		return err_in(e, "%s/%s", u->domain, u->dataset);
	*out = TAKE(key);
	return 0;
}
