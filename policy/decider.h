/* decider: one case from facts to verdict. Private to policy/, and to its tests. */
#ifndef POLICY_DECIDER_H
#define POLICY_DECIDER_H

#include "policy/book.h"
#include "policy/store.h"

enum { OFFICERS_MAX = 32, BATCH_MAX = 64 };

struct appraisal { /* every domain of the book, in its order */
	uint32_t n;
	struct rules rules[DOMAINS_MAX];
	struct decision decision[DOMAINS_MAX];
};

struct located {  /* the geo tag of one case */
	bool has; /* certified, this machine's, signed by an officer and in force */
	struct tag tag;
	struct err why; /* the one that was shown does not count */
};

struct ended { /* the receipt of one case: leases of before are dead */
	bool has;
	uint64_t counter, previous;
	bool sessions; /* and so are sessions that had proved one: register or boot say so */
};

struct measured_by { /* the landmarks of one case */
	size_t n;
	struct disc disc[BOUNDS_MAX];
	struct err why; /* those that were shown do not count */
};

struct told { /* a fence event of one case */
	const struct rules *rules;
	struct fence_event event;
};

struct decider {
	const char *trust_domain;
	int64_t now; /* seconds since the epoch; set before each group of cases */
	struct store store;
	struct book book;
	struct audit_head head;
	struct es256 *officer[OFFICERS_MAX];
	size_t nofficers;
	struct ekroots *roots; /* of ek-roots.pem, NULL without; the book has those that officers signed */
	bool book_moved;       /* a document of this group is in the book, not yet on the disk */

	/* What one case needs; a verdict's views point here and into its facts. */
	struct machine machine;
	struct cloudlet cloudlet;
	struct appraisal appraisal;
	bool has_ima; /* ima is this case's */
	struct ima_state ima, ima_kept;
	struct ima_sets {
		const struct runtime *set[RUNTIMES_MAX];
		uint32_t n;
	} ima_sets[DOMAINS_MAX];
	struct located located;
	struct measured_by measured_by;
	struct err uncounted; /* why no lease can be given, or WHY_NONE */
	struct ended ended;
	uint32_t ntold;
	struct told told[FENCE_EVENTS_MAX * DOMAINS_MAX];
	struct document receipt;                /* head only; kind 0: this case has none */
	bool issuer_expired;                    /* since it issued the certificate of this enrolment */
	struct measured measured[MEASURED_MAX]; /* of a log that was sent before; their data point into bootlog */
	uint8_t bootlog[BOOTLOG_MAX];
	struct story story;
	uint8_t payload[DOCUMENT_MAX];
	uint8_t body[LISTING_MAX];
	uint8_t record[RECORD_MAX];
};

/* ---- decidercase.c ---- */

/* Opens trust.db, officers.pem and ek-roots.pem (which may be missing) in the current directory. */
struct decider *decider_open(const char *trust_domain, struct err *e);
void decider_close(struct decider *d);
AUTO_DEFINE(struct decider *, decider_close)
/* Within a transaction of the store. 0: *v is the verdict and its record is written. -1: the store failed, and no case of
 * this transaction may be answered. */
int decider_case(struct decider *d, const struct facts *f, struct verdict *v, struct err *e);
/* After a failed transaction: store, book and audit head are again as they were before it. */
int decider_recover(struct decider *d, struct err *e);

/* Each of these answers one kind of ask: 0 and *v, or -1 and the refusal (a nonce for the machine may be in *v). */
int enrol_ask(struct decider *d, const struct facts *f, struct verdict *v, struct err *e);      /* enrol.c */
int enrol_activate(struct decider *d, const struct facts *f, struct verdict *v, struct err *e); /* enrol.c */
int appraise_attest(struct decider *d, const struct facts *f, struct verdict *v, struct err *e);
int trust_document(struct decider *d, const struct facts *f, struct verdict *v, struct err *e);
int query_answer(struct decider *d, const struct facts *f, struct verdict *v, struct err *e);

/* Into the open body of an answer: the list "fences", or with "fences/geoa" what comes after that name. WHY_UNKNOWN: no
 * list is called so. */
int listing_answer(struct decider *d, struct jw *j, const char *arg, struct err *e);

/* ---- rollout.c: an approved update on its way through the fleet ---- */

/* WHY_STALE when a later release of the variant was approved already. */
int rollout_allows(const struct decider *d, const struct document *doc, struct err *e);
/* m has just been decided: what became of what it was offered. */
int rollout_note(struct decider *d, const struct machine *m, struct err *e);
/* What `machine` may take now, into an open object; an offer is noted. Uses d->machine and d->cloudlet. */
int rollout_answer(struct decider *d, struct jw *j, const char *variant, const char *machine, struct err *e);
/* Items of the lists "updates" and "rollouts", and the end of their array. */
int rollout_updates(struct decider *d, struct jw *j, const char *after, struct err *e);
int rollout_machines(struct decider *d, struct jw *j, const char *after, struct err *e);

/* ---- appraise.c, shared with enrol.c ---- */

/* d->cloudlet, or WHY_UNKNOWN without a document, WHY_REFUSED when revoked. */
int appraise_admitted(struct decider *d, const char *machine, struct err *e);
/* d->cloudlet is not revoked, or WHY_REFUSED. */
int appraise_not_revoked(const struct decider *d, const char *machine, struct err *e);
/* The nonce that waits, or a new one, into *v. Always -1: the refusal in e stands, or WHY_SYSTEM. */
int appraise_offer_nonce(struct decider *d, const struct machine *m, struct verdict *v, struct err *e);
/* Clock and counters went on, or WHY_STALE. */
int appraise_clock(const struct tpm_clock *was, const struct tpm_clock *is, bool *rebooted, struct err *e);
/* Everything about the evidence that a key of ours can check: quote, AK, nonce, registers, TLS key. extra: the binding. */
int appraise_evidence(const struct facts_attest *a, struct view ak, struct view id, const uint8_t nonce[NONCE_LEN],
        struct quote *q, uint8_t extra[SHA_LEN], struct err *e);
/* Boot facts of a log that came along into m. */
int appraise_log(struct decider *d, const struct facts_attest *a, struct machine *m, struct err *e);
/* d->located, and m's serial. A tag that is another machine's, or not what the TPM holds, refuses the case; one that is
 * only not in force, or not of an officer of ours, does not count (located.c). */
int located_check(struct decider *d, const struct facts_attest *a, const uint8_t extra[SHA_LEN], struct machine *m,
        struct err *e);
/* d->measured_by: the landmarks' statements for the evidence that answers this nonce. Statements that are not those of the
 * quote refuse the case; one that is not a landmark's of ours, of another key, evidence or time, and none counts
 * (bounds.c). */
int bounds_check(struct decider *d, const struct facts_attest *a, const uint8_t nonce[NONCE_LEN], struct err *e);

/* ---- outcome.c: of an attestation, or of an activation ---- */

/* Decides every domain for m, whose standing is this evidence's; writes m's status and allowed, and where it is. */
int outcome_decide(struct decider *d, const struct facts *f, struct machine *m, struct err *e);
/* The result: claims, grants and the next nonce, which is m's. */
int outcome_result(struct decider *d, const struct facts *f, const struct quote *q, const uint8_t used[NONCE_LEN],
        struct verdict *v, struct err *e);
/* The decision for a domain that this machine is admitted to, or NULL. */
const struct decision *outcome_allowed(const struct appraisal *p, const char *domain);

/* ---- leased.c, shared with enrol.c ---- */

/* The counter that came into m, where one came; d->uncounted when none ever did, d->ended when it is a receipt. m->clock is still the one of
 * before. WHY_STALE when the counter went back, WHY_FORGED when it is no counter of ours. */
int leased_check(struct decider *d, const struct facts_attest *a, const struct quote *q, const uint8_t extra[SHA_LEN],
        struct machine *m, struct err *e);
/* The same of an enrolment, which takes the counter as it is; without it d->uncounted. */
int leased_begin(struct decider *d, const struct facts_attest *a, const uint8_t extra[SHA_LEN], struct machine *m,
        struct err *e);
/* Every dataset of an allowed domain. */
void leased_grant(struct decider *d, const struct facts_attest *a, const struct quote *q, struct verdict *v);
/* Evidence of a revoked machine, d->machine: it is good for a receipt and nothing else. Always -1. */
int leased_receipt(struct decider *d, const struct facts_attest *a, struct verdict *v, struct err *e);
/* Until when the leases of this decision may be in use. */
void leased_note(const struct decider *d, struct machine *m);

/* ---- imatrack.c, shared with enrol.c ---- */

/* The runtime list of this evidence into d->ima; nothing is kept yet. WHY_STALE: it must be sent from its beginning;
 * WHY_FORGED: it does not give the register. What was run and is not approved is the domains' refusal, not this one. */
int imatrack_take(struct decider *d, const struct facts_attest *a, const struct quote *q, struct err *e);
int imatrack_keep(struct decider *d, struct err *e); /* once the nonce is used up */
void imatrack_rules(struct decider *d, struct rules *r);

/* ---- nonce.c ---- */

int nonce_new(uint8_t out[NONCE_LEN], struct err *e);

/* ---- ear.c: the claims of a result ---- */

struct ear {
	const char *trust_domain;
	uint64_t case_no;
	int64_t now, expires;
	const struct facts *facts;
	const struct quote *quote;
	const uint8_t *nonce; /* the one that the quote answered */
	const struct machine *machine;
	const struct book *book;
	const struct appraisal *appraisal;
	const struct ima_state *ima; /* NULL: no runtime list came */
	const struct tag *tag;       /* NULL: none that counts */
	const struct measured_by *measured_by;
};
/* -1: WHY_SYSTEM, it does not fit. */
int ear_write(struct wr *w, const struct ear *x, struct err *e);
/* "affirming", "warning" or "contraindicated": never better than the worst claim, and no "yes" without an allow. */
const char *ear_status(const struct decision *d, enum secure_boot sb, enum endorsed by);

/* ---- record.c: what the audit log keeps of a case, as JSON ---- */

int record_write(struct wr *w, const struct decider *d, const struct facts *f, const struct verdict *v, struct err *e);

/* ---- batch.c: many cases, one commit; nothing leaves before its record is durable ---- */

struct batch {
	struct decider *d;
	struct verdict *verdict; /* scratch */
	struct facts *facts;     /* scratch */
	uint8_t *out;            /* the verdicts, each with a be32 length in front */
	size_t cap, used;
	uint64_t ticket[BATCH_MAX];
	uint32_t n;
	int anchor; /* -1: none */
	bool failed;
	struct err why;
};
int batch_open(struct batch *b, struct decider *d, int anchor, struct err *e);
void batch_close(struct batch *b);
/* Begins a group at the first message. A message that is not facts is dropped: it names no connection to answer. */
void batch_add(struct batch *b, struct view message);
bool batch_full(const struct batch *b);
/* Commits, then writes the verdicts to fd; without a commit each case is refused as WHY_SYSTEM instead. -1: fd is
 * gone, or the store cannot be read any more. */
int batch_end(struct batch *b, int fd, struct err *e);

/* ---- anchor.c: the last record that left, in a file beside the store: a store put back in time is noticed (A102) ---- */

/* Opens trust.head and gives its descriptor, or -1: WHY_SYSTEM when the store does not hold the record that it names. */
int anchor_open(struct store *s, const struct audit_head *head, struct err *e);
void anchor_move(int fd, const struct audit_head *head);

#endif
