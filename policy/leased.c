/* What leases a machine may still use: its revocation counter as its TPM certifies it, and the receipt that ends them. */
#include <string.h>

#include "policy/decider.h"

static void note_uncounted(struct decider *d, const struct machine *m)
{
	err_set(&d->uncounted, WHY_UNTRUSTED,
	        "the TPM of %s shows no revocation counter: no lease of it could be ended", m->name);
	err_hint(&d->uncounted, "merestone-agent enrol makes one");
}

/* *value is 0 when the evidence does not show it. */
static int certified(const struct facts_attest *a, const uint8_t extra[SHA_LEN], const struct machine *m,
        uint64_t *value, struct err *e)
{
	struct tpm_pub ak;

	*value = 0;
	if (a->counter_certify.n == 0)
		return 0;
	if (tpmpub_parse(public_view(&m->ak), &ak, e))
		return err_in(e, "stored keys");
	return certify_counter(a->counter_certify, a->counter_certify_sig, &ak, extra, value, e);
}

/* The counter ends leases; the register, or another boot, ends sessions that had proved one before (facts: leases 2). */
static void note_receipt(
        struct decider *d, const struct facts_attest *a, const struct quote *q, struct machine *m, uint64_t value)
{
	struct leased *l = &m->leased;
	struct ended *x = &d->ended;

	if (l->counter == 0 || value <= l->counter)
		return;
	*x = (struct ended){.has = true, .counter = value, .previous = l->counter};
	x->sessions = q->clock.reset_count > m->clock.reset_count ||
	              memcmp(l->ended_register, a->pcrs.v[ENDED_PCR], PCR_LEN) != 0;
	if (!x->sessions)
		return;
	l->until = 0;
	l->ended_case = d->head.case_no + 1;
}

/* The register also of evidence that leaves the counter out: what moved before cannot be the receipt of what rises later.
 * Leases stay signed for the value that was certified: when the TPM's is above it, it refuses them. */
static void note_counter(const struct facts_attest *a, struct leased *l, uint64_t value)
{
	if (value > 0)
		l->counter = value;
	memcpy(l->ended_register, a->pcrs.v[ENDED_PCR], PCR_LEN);
}

int leased_check(struct decider *d, const struct facts_attest *a, const struct quote *q, const uint8_t extra[SHA_LEN],
        struct machine *m, struct err *e)
{
	uint64_t value, was = m->leased.counter;

	if (certified(a, extra, m, &value, e))
		return -1;
	if (value == 0 && was == 0)
		note_uncounted(d, m);
	if (value > 0 && value < was) {
		err_set(e, WHY_STALE, "re-enrol: the TPM's revocation counter went back from %llu to %llu",
		        (unsigned long long)was, (unsigned long long)value);
		return err_hint(e, "merestone-agent enrol: a new enrolment starts from the TPM as it is");
	}
	note_receipt(d, a, q, m, value);
	note_counter(a, &m->leased, value);
	return 0;
}

int leased_begin(
        struct decider *d, const struct facts_attest *a, const uint8_t extra[SHA_LEN], struct machine *m, struct err *e)
{
	uint64_t value;

	if (certified(a, extra, m, &value, e))
		return -1;
	if (value == 0)
		note_uncounted(d, m);
	note_counter(a, &m->leased, value);
	return 0;
}

void leased_note(const struct decider *d, struct machine *m)
{
	for (uint32_t i = 0; i < d->book.n[DOC_DATASET]; i++) {
		const char *domain = d->book.doc[DOC_DATASET][i]->dataset.domain;
		const struct decision *yes = outcome_allowed(&d->appraisal, domain);

		if (!yes)
			continue;
		m->leased.ended_case = 0;
		if (m->leased.until < d->now + yes->lease_s)
			m->leased.until = d->now + yes->lease_s;
	}
}

static bool holds(const struct claims *c, const struct grant *g)
{
	uint8_t ref[SHA_LEN];

	policyref(ref, g->domain, g->dataset, g->epoch, g->generation);
	for (size_t i = 0; i < c->nholds && i < CLAIMS_HOLDS_MAX; i++)
		if (memcmp(c->holds[i], ref, SHA_LEN) == 0)
			return true;
	return false;
}

/* The deadline is cut by what an owner can slow the clock. */
void leased_grant(struct decider *d, const struct facts_attest *a, const struct quote *q, struct verdict *v)
{
	for (uint32_t i = 0; i < d->book.n[DOC_DATASET]; i++) {
		const struct document *doc = d->book.doc[DOC_DATASET][i];
		const struct decision *yes = outcome_allowed(&d->appraisal, doc->dataset.domain);
		if (!yes)
			continue;
		struct grant *g = &v->grants[v->ngrants++];
		*g = (struct grant){.epoch = doc->dataset.epoch, .generation = d->machine.generation};
		memcpy(g->domain, doc->dataset.domain, sizeof g->domain);
		memcpy(g->dataset, doc->name, sizeof g->dataset);
		g->deadline_ms = q->clock.clock_ms + (uint64_t)yes->lease_s * CLOCK_SLOWEST_PM;
		g->with_key = !holds(&a->claims, g);
	}
}

/* ---- A revoked machine ---- */

/* A revoked machine gets a nonce as long as leases of it may live: for the receipt that they have ended. */
static int ask_receipt(struct decider *d, struct verdict *v, struct err *e)
{
	(void)appraise_not_revoked(d, d->machine.name, e);
	return d->machine.leased.until > d->now ? appraise_offer_nonce(d, &d->machine, v, e) : -1;
}

int leased_receipt(struct decider *d, const struct facts_attest *a, struct verdict *v, struct err *e)
{
	struct machine *m = &d->machine;
	uint8_t used[NONCE_LEN], extra[SHA_LEN];
	struct quote q;
	bool rebooted;
	int changed;

	if (appraise_evidence(a, public_view(&m->ak), public_view(&m->id), m->nonce, &q, extra, e))
		return e->why == WHY_STALE ? ask_receipt(d, v, e) : -1;
	if (!m->has_nonce || d->now >= m->nonce_time + NONCE_S)
		return ask_receipt(d, v, e);
	if (appraise_clock(&m->clock, &q.clock, &rebooted, e) || leased_check(d, a, &q, extra, m, e))
		return appraise_not_revoked(d, m->name, e);
	memcpy(used, m->nonce, NONCE_LEN);
	m->clock = q.clock;
	m->has_nonce = false;
	if (machine_ended(&d->store, m, used, &changed, e))
		return -1;
	return ask_receipt(d, v, e);
}
