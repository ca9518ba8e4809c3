/* Evidence of an enrolled machine: checked again with the keys of the store, then decided for every domain. */
#include <stdio.h>
#include <string.h>

#include "policy/decider.h"

#define CLOCK_MAX_MS (UINT64_C(1) << 62) /* so that a deadline cannot overflow; a TPM that old does not exist */

enum { EAR_S = 300 }; /* life of a result that allows nothing */

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
	if (nonce_new(m->nonce, e) || appraise_decide(d, f, m, e) || machine_seen(&d->store, m, used, &changed, e))
		return -1;
	if (changed != 1)
		return err_set(e, WHY_STALE, "the nonce was used a moment ago");
	if (imatrack_keep(d, e))
		return -1;
	v->with_certificate = a->claims.wants_certificate;
	return appraise_result(d, f, &q, used, v, e);
}

/* ---- Decision and result, also of an activation ---- */

static int events_of(struct decider *d, const struct facts_attest *a, struct subject *s, struct err *e)
{
	s->measured = a->measured;
	s->nmeasured = a->nmeasured;
	if (!a->has_log) {
		s->measured = d->measured;
		if (bootlog_get(&d->store, d->machine.eventlog, d->bootlog, d->measured, MEASURED_MAX, &s->nmeasured,
		            e) < 0)
			return -1;
	}
	if (book_by_meaning(&d->book)) {
		story_tell(&d->story, s->measured, s->nmeasured, s->pcrs);
		s->story = &d->story;
	}
	return 0;
}

static int badness(const char *status)
{
	return strcmp(status, "affirming") == 0 ? 0 : strcmp(status, "warning") == 0 ? 1 : 2;
}

/* What listings show: the status of the best domain (of the machine itself where there is none), and who allows it. */
static void note_standing(const struct appraisal *p, struct machine *m)
{
	const char *best = p->n > 0 ? "contraindicated" : ear_status(NULL, m->secure_boot, m->endorsed);
	struct wr w = wr_to(m->allowed, sizeof m->allowed - 1);

	for (uint32_t i = 0; i < p->n; i++) {
		const char *status = ear_status(&p->decision[i], m->secure_boot, m->endorsed);
		if (badness(status) < badness(best))
			best = status;
		if (p->decision[i].refusal.why == WHY_NONE)
			wr_fmt(&w, "%s ", p->rules[i].name);
	}
	m->allowed[w.n] = 0;
	snprintf(m->status, sizeof m->status, "%s", best);
}

static void forget_gone(struct placestate *s, const struct book *b)
{
	for (uint32_t i = 0; i < s->n;) {
		if (book_find(b, DOC_DOMAIN, s->presence[i].domain))
			i++;
		else
			s->presence[i] = s->presence[--s->n];
	}
}

/* The receiver's fix that a domain believed, and what happened at the fences. */
static void note_place(struct decider *d, const struct claims *c, struct machine *m)
{
	const struct appraisal *p = &d->appraisal;
	struct fence_event events[FENCE_EVENTS_MAX];

	forget_gone(&m->place, &d->book);
	for (uint32_t i = 0; i < p->n; i++) {
		const struct rules *r = &p->rules[i];
		const struct decision *is = &p->decision[i];
		struct presence *was = r->fence ? placestate_of(&m->place, r->name) : NULL;

		if (is->gnss_good && is->state_good) {
			m->place.has_fix = true;
			m->place.fix = (struct fix){c->gnss.lat_deg, c->gnss.lon_deg, c->gnss.eph_m};
			m->place.fix_ms = c->gnss.time_ms;
			m->place.fix_tag = m->tag_serial;
		}
		size_t n = was ? fenceevent_next(was, r, is, d->now, events) : 0;
		for (size_t k = 0; k < n; k++)
			d->told[d->ntold++] = (struct told){.rules = r, .event = events[k]};
	}
}

const struct decision *appraise_allowed(const struct appraisal *p, const char *domain)
{
	for (uint32_t i = 0; i < p->n; i++)
		if (p->decision[i].refusal.why == WHY_NONE && strcmp(p->rules[i].name, domain) == 0)
			return &p->decision[i];
	return NULL;
}

int appraise_decide(struct decider *d, const struct facts *f, struct machine *m, struct err *e)
{
	const struct facts_attest *a = &f->attest;
	struct appraisal *p = &d->appraisal;
	struct subject s = {.machine = m->name,
	        .admitted = true,
	        .pcrs = &m->pcrs,
	        .secure_boot = m->secure_boot,
	        .now = d->now,
	        .has_fix = a->claims.has_fix,
	        .fix = a->claims.fix,
	        .tag = d->located.has ? &d->located.tag : NULL,
	        .tag_why = d->located.why.why != WHY_NONE ? &d->located.why : NULL,
	        .gnss = a->claims.has_gnss ? &a->claims.gnss : NULL,
	        .before = m->place.has_fix && m->place.fix_tag == m->tag_serial ? &m->place.fix : NULL,
	        .before_ms = m->place.fix_ms,
	        .uncounted = d->uncounted.why != WHY_NONE ? &d->uncounted : NULL,
	        .discs = d->measured_by.disc,
	        .ndiscs = d->measured_by.n,
	        .discs_why = d->measured_by.why.why != WHY_NONE ? &d->measured_by.why : NULL,
	        .clock_safe = m->clock.safe};

	if (events_of(d, a, &s, e))
		return -1;
	p->n = d->book.n[DOC_DOMAIN];
	for (uint32_t i = 0; i < p->n; i++) {
		book_rules(&d->book, d->book.doc[DOC_DOMAIN][i], &p->rules[i]);
		imatrack_rules(d, &p->rules[i]);
		decide(&s, &p->rules[i], &p->decision[i]);
	}
	m->last_case = d->head.case_no + 1;
	m->last_time = d->now;
	note_standing(p, m);
	note_place(d, &a->claims, m);
	leased_note(d, m);
	return rollout_note(d, m, e);
}

static int64_t life(const struct appraisal *p)
{
	int64_t s = 0;

	for (uint32_t i = 0; i < p->n; i++)
		if (p->decision[i].refusal.why == WHY_NONE && (s == 0 || p->decision[i].lease_s < s))
			s = p->decision[i].lease_s;
	return s > 0 ? s : EAR_S;
}

static enum why first_denial(const struct appraisal *p)
{
	for (uint32_t i = 0; i < p->n; i++)
		if (p->decision[i].refusal.why != WHY_NONE)
			return p->decision[i].refusal.why;
	return WHY_NONE;
}

int appraise_result(struct decider *d, const struct facts *f, const struct quote *q, const uint8_t used[NONCE_LEN],
        struct verdict *v, struct err *e)
{
	const struct machine *m = &d->machine;
	struct wr w = wr_to(d->body, CLAIMS_JSON_MAX);
	struct ear x = {.trust_domain = d->trust_domain,
	        .case_no = v->case_no,
	        .now = d->now,
	        .expires = d->now + life(&d->appraisal),
	        .facts = f,
	        .quote = q,
	        .nonce = used,
	        .machine = m,
	        .book = &d->book,
	        .appraisal = &d->appraisal,
	        .tag = d->located.has ? &d->located.tag : NULL,
	        .measured_by = &d->measured_by,
	        .ima = d->has_ima ? &d->ima : NULL};

	if (ear_write(&w, &x, e))
		return -1;
	v->kind = VERDICT_RESULT;
	v->has_nonce = true;
	memcpy(v->nonce, m->nonce, NONCE_LEN);
	v->srk = public_view(&m->srk);
	v->id = public_view(&m->id);
	v->certificate_s = v->with_certificate ? CERTIFICATE_S : 0;
	quote_pcr_digest(v->pcr_digest, &f->attest.pcrs, PCR_MASK);
	v->reset_count = q->clock.reset_count;
	v->restart_count = q->clock.restart_count;
	v->counter = m->leased.counter;
	v->body = wr_done(&w);
	v->has_tag = d->located.has;
	if (v->has_tag) {
		memcpy(v->tag, d->located.tag.digest, SHA_LEN);
		tagindex_name(v->tag_name, d->located.tag.officer, true);
	}
	leased_grant(d, &f->attest, q, v);
	v->refusal.why = first_denial(&d->appraisal);
	return 0;
}
