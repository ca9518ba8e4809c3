/* One use of a leased key: what TPM 2.0 Part 3 23.x checks, in the order in which it never needs more than two of the
 * three object slots of a small TPM. */
#include <inttypes.h>
#include <string.h>

#include "keystore/tpmpolicy.h"

#define RC_PCR_CHANGED 0x128u

enum { AT_CLOCK = 8, AT_RESETS = 16 }; /* offsets in TPMS_TIME_INFO, Part 2 10.7.1 */

struct unsealing {
	struct tpm *t;
	const struct lease_use *u;
	ESYS_TR object, session;
	TPMT_TK_VERIFIED *ticket;
	uint8_t approved[SHA_LEN], ref[SHA_LEN];
};

static int verify_lease(struct unsealing *s, struct err *e)
{
	uint8_t signed_digest[SHA_LEN];
	lease_digest(signed_digest, s->approved, s->ref);
	return tpmpolicy_verify(s->t, s->u->lease_key, signed_digest, s->u->signature, &s->ticket,
	        "the lease is not signed by the lease key", e);
}

static int prove_registers(struct unsealing *s, struct err *e)
{
	TSS2_RC rc = tpmpolicy_pcr(s->t, s->session, s->u->terms.pcr_mask, s->u->terms.pcr_digest);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm_fail(e, rc, WHY_UNTRUSTED, "the registers are not those of the lease");
}

static int prove_tag(struct unsealing *s, struct err *e)
{
	if (!s->u->terms.has_tag)
		return 0;
	TSS2_RC rc = tpmpolicy_nv(s->t, s->session, TAGINDEX, VIEW_OF(s->u->terms.tag), TPM2_EO_EQ);
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
	TSS2_RC rc = tpmpolicy_nv(s->t, s->session, COUNTER, wr_done(&w), TPM2_EO_EQ);
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
	TSS2_RC rc = tpmpolicy_authorize(s->t, s->session, s->approved, VIEW_OF(s->ref), s->u->lease_key, s->ticket);
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
		rc = tpmpolicy_unseal(s->t, s->session, s->object, to, &fits);
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
	int bad = verify_lease(&s, e) != 0 || tpmpolicy_load(t, &u->sealed, &s.object, e) != 0 ||
	          open_object(&s, key, e) != 0;
	tpm_flush(t, &s.session);
	tpm_flush(t, &s.object);
	Esys_Free(s.ticket);
	if (bad)
		return err_in(e, "%s/%s", u->domain, u->dataset);
	*out = TAKE(key);
	return 0;
}
