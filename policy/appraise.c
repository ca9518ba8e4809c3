/* Evidence of an enrolled machine: checked again with the keys of the store, then decided for every domain. */
#include <string.h>

#include "policy/decider.h"

#define CLOCK_MAX_MS (UINT64_C(1) << 62) /* so that a deadline cannot overflow; a TPM that old does not exist */

static int known(struct decider *d, const char *machine, struct err *e)
{
	int got = shelf_cloudlet(&d->store, machine, &d->cloudlet, e);

	if (got < 0)
		return -1;
	if (got == 0) {
		err_set(e, WHY_UNKNOWN, "no security officer has admitted a cloudlet %s", machine);
		return err_hint(e, "merestone cloudlet add %s", machine);
	}
	return 0;
}

int appraise_not_revoked(const struct decider *d, const char *machine, struct err *e)
{
	const struct doc_cloudlet *c = &d->cloudlet.doc;

	if (!c->revoked)
		return 0;
	return err_set(e, WHY_REFUSED, "cloudlet %s is revoked%s%s", machine, c->reason[0] ? ": " : "", c->reason);
}

int appraise_admitted(struct decider *d, const char *machine, struct err *e)
{
	return known(d, machine, e) == 0 ? appraise_not_revoked(d, machine, e) : -1;
}

int appraise_evidence(const struct facts_attest *a, struct view ak, struct view id, const uint8_t nonce[NONCE_LEN],
        struct quote *q, uint8_t extra[SHA_LEN], struct err *e)
{
	struct tpm_pub ak_pub, id_pub;
	uint8_t tls_key[SHA_LEN];

	if (tpmpub_parse(ak, &ak_pub, e) || tpmpub_parse(id, &id_pub, e))
		return err_in(e, "stored keys");
	evidence_binding_of(extra, nonce, a->digests, a->ndigests);
	if (quote_parse(a->quote, claims_mask(&a->claims), q, e) ||
	        quote_check(q, a->quote_sig, &ak_pub, extra, &a->pcrs, e))
		return -1;
	if (q->clock.clock_ms > CLOCK_MAX_MS)
		return err_set(e, WHY_MALFORMED, "the TPM's clock is past any age a TPM can have");
	sha256(tls_key, VIEW_OF(id_pub.xy));
	if (!mem_equal(tls_key, a->claims.tls_key, SHA_LEN))
		return err_set(
		        e, WHY_FORGED, "the evidence names a TLS key that is not the one enrolled with this TPM");
	return 0;
}

/* The registers that reference sets and leases are about. */
static void boot_registers(const struct facts_attest *a, struct pcrs *out)
{
	for (uint32_t pcr = 0; pcr < PCR_COUNT; pcr++)
		memcpy(out->v[pcr], a->pcrs.v[pcr], PCR_LEN * (PCR_MASK >> pcr & 1));
}

int appraise_log(struct decider *d, const struct facts_attest *a, struct machine *m, struct err *e)
{
	if (boot_explains(&a->boot, &a->pcrs, PCR_MASK, e))
		return -1;
	if (!mem_equal(a->boot.digest, a->claims.eventlog, SHA_LEN))
		return err_set(e, WHY_FORGED, "the event log is not the one that the claims name");
	boot_registers(a, &m->pcrs);
	m->secure_boot = a->boot.secure_boot;
	memcpy(m->eventlog, a->boot.digest, SHA_LEN);
	return bootlog_put(&d->store, m->eventlog, a->measured, a->nmeasured, e);
}

/* ---- One attestation ---- */

/* Facts/attestation 3.5: within one reset nothing goes back; a smaller reset count is a cleared TPM, or another one. */
int appraise_clock(const struct tpm_clock *was, const struct tpm_clock *is, bool *rebooted, struct err *e)
{
	static const char hint[] = "merestone-agent enrol: a new enrolment starts from the TPM as it is";

	*rebooted = is->reset_count > was->reset_count;
	if (*rebooted)
		return 0;
	if (is->reset_count < was->reset_count)
		err_set(e, WHY_STALE, "re-enrol: the TPM's reset count went back from %u to %u, so it was cleared",
		        was->reset_count, is->reset_count);
	else if (is->restart_count < was->restart_count)
		err_set(e, WHY_STALE, "re-enrol: the TPM's restart count went back from %u to %u without a reset",
		        was->restart_count, is->restart_count);
	else if (was->safe && is->safe && is->clock_ms < was->clock_ms)
		err_set(e, WHY_STALE, "re-enrol: the TPM's clock went back by %llu ms",
		        (unsigned long long)(was->clock_ms - is->clock_ms));
	else
		return 0;
	return err_hint(e, hint);
}

/* Without a log: only the boot that we know, in the state that we know. */
static int boot_known(
        struct decider *d, const struct facts_attest *a, const struct machine *m, bool rebooted, struct err *e)
{
	const char *why = NULL;
	struct pcrs pcrs = {0};
	int kept = book_by_meaning(&d->book) ? bootlog_has(&d->store, m->eventlog, e) : 1;

	boot_registers(a, &pcrs);
	if (kept < 0)
		return -1;
	if (rebooted)
		why = "the machine was started anew";
	else if (!mem_equal(a->claims.eventlog, m->eventlog, SHA_LEN))
		why = "it is not the one that was sent last";
	else if (memcmp(&pcrs, &m->pcrs, sizeof m->pcrs) != 0)
		why = "the registers have changed";
	else if (kept == 0)
		why = "its events are not kept here, and a reference set approves by their meaning";
	if (!why)
		return 0;
	return err_set(e, WHY_STALE, "send the event log of this boot: %s", why);
}

/* The nonce that still waits, else a new one. Never taken from a machine that waits: an old quote replayed by someone
 * else must not cost it its nonce. */
int appraise_offer_nonce(struct decider *d, const struct machine *m, struct verdict *v, struct err *e)
{
	struct err why;

	v->has_nonce = true;
	if (m->has_nonce && d->now < m->nonce_time + NONCE_S) {
		memcpy(v->nonce, m->nonce, NONCE_LEN);
		return -1;
	}
	if (nonce_new(v->nonce, &why) == 0 && machine_nonce(&d->store, m->name, v->nonce, d->now, &why) == 0)
		return -1;
	v->has_nonce = false;
	*e = why;
	return -1;
}

static int find(struct decider *d, const struct facts *f, struct err *e)
{
	const char *name = f->attest.claims.machine;

	if (strcmp(f->peer, name) != 0 || f->role != ROLE_CLOUDLET)
		return err_set(e, WHY_REFUSED, "evidence of %s came with the certificate of %s", name,
		        f->peer[0] ? f->peer : "nobody");
	if (known(d, name, e))
		return -1;
	int got = machine_get(&d->store, name, &d->machine, e);
	if (got < 0)
		return -1;
	if (got == 0) {
		if (appraise_not_revoked(d, name, e))
			return -1;
		err_set(e, WHY_UNKNOWN, "cloudlet %s is admitted, but not enrolled", name);
		return err_hint(e, "merestone-agent enrol");
	}
	const struct doc_cloudlet *c = &d->cloudlet.doc;
	if (c->has_ek && !mem_equal(c->ek_sha256, d->machine.ek, SHA_LEN)) {
		err_set(e, WHY_REFUSED, "cloudlet %s is now pinned to another endorsement key than it enrolled with",
		        name);
		return err_hint(e, "enrol the machine whose TPM is meant");
	}
	return 0;
}

/* Everything that can be refused after the signature holds, each with a nonce for the next try where that helps. */
static int fresh(
        struct decider *d, const struct facts_attest *a, const struct quote *q, struct verdict *v, struct err *e)
{
	struct machine *m = &d->machine;
	bool rebooted;

	if (!m->has_nonce || d->now >= m->nonce_time + NONCE_S) {
		err_set(e, WHY_STALE, "the nonce has expired");
		return appraise_offer_nonce(d, m, v, e);
	}
	if (appraise_clock(&m->clock, &q->clock, &rebooted, e))
		return -1;
	if (a->has_log) {
		if (appraise_log(d, a, m, e))
			return -1;
	} else if (boot_known(d, a, m, rebooted, e)) {
		return appraise_offer_nonce(d, m, v, e);
	}
	if (imatrack_take(d, a, q, e))
		return e->why == WHY_STALE ? appraise_offer_nonce(d, m, v, e) : -1;
	return 0;
}

int appraise_attest(struct decider *d, const struct facts *f, struct verdict *v, struct err *e)
{
	const struct facts_attest *a = &f->attest;
	struct machine *m = &d->machine;
	uint8_t used[NONCE_LEN], extra[SHA_LEN];
	struct quote q;
	int changed;

	if (find(d, f, e))
		return -1;
	if (d->cloudlet.doc.revoked)
		return leased_receipt(d, a, v, e);
	if (appraise_evidence(a, public_view(&m->ak), public_view(&m->id), m->nonce, &q, extra, e)) {
		/* Stale: the signature is the machine's own, so it may be told what to answer. */
		return e->why == WHY_STALE ? appraise_offer_nonce(d, m, v, e) : -1;
	}
	if (fresh(d, a, &q, v, e))
		return -1;
	memcpy(used, m->nonce, NONCE_LEN);
	if (located_check(d, a, extra, m, e) || bounds_check(d, a, used, e) || leased_check(d, a, &q, extra, m, e))
		return -1;
	m->clock = q.clock;
	m->nonce_time = d->now;
	if (nonce_new(m->nonce, e) || outcome_decide(d, f, m, e) || machine_seen(&d->store, m, used, &changed, e))
		return -1;
	if (changed != 1)
		return err_set(e, WHY_STALE, "the nonce was used a moment ago");
	if (imatrack_keep(d, e))
		return -1;
	v->with_certificate = a->claims.wants_certificate;
	return outcome_result(d, f, &q, used, v, e);
}
