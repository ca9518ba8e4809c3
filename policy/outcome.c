/* What comes of evidence that holds, in an attestation or an activation: every domain's decision, what is remembered of
 * the machine, and the result. */
#include <stdio.h>
#include <string.h>

#include "policy/decider.h"

enum { EAR_S = 300 }; /* life of a result that allows nothing */

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

const struct decision *outcome_allowed(const struct appraisal *p, const char *domain)
{
	for (uint32_t i = 0; i < p->n; i++)
		if (p->decision[i].refusal.why == WHY_NONE && strcmp(p->rules[i].name, domain) == 0)
			return &p->decision[i];
	return NULL;
}

int outcome_decide(struct decider *d, const struct facts *f, struct machine *m, struct err *e)
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

int outcome_result(struct decider *d, const struct facts *f, const struct quote *q, const uint8_t used[NONCE_LEN],
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
