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

/* ---- appraise.c, shared with enrol.c ---- */

/* d->cloudlet, or WHY_UNKNOWN without a document, WHY_REFUSED when revoked. */
int appraise_admitted(struct decider *d, const char *machine, struct err *e);
/* Everything about the evidence that a key of ours can check: quote, AK, nonce, registers, TLS key. extra: the binding. */
int appraise_evidence(const struct facts_attest *a, struct view ak, struct view id, const uint8_t nonce[NONCE_LEN],
        struct quote *q, uint8_t extra[SHA_LEN], struct err *e);
/* Boot facts of a log that came along into m. */
int appraise_log(struct decider *d, const struct facts_attest *a, struct machine *m, struct err *e);
/* d->located, and m's serial. A tag that is another machine's, or not what the TPM holds, refuses the case; one that is
 * only not in force, or not of an officer of ours, does not count (located.c). */
int located_check(struct decider *d, const struct facts_attest *a, const uint8_t extra[SHA_LEN], struct machine *m,
        struct err *e);
/* Decides every domain for m, whose standing is this evidence's; writes m's status and allowed, and where it is. */
int appraise_decide(struct decider *d, const struct facts *f, struct machine *m, struct err *e);
/* The result: claims, grants and the next nonce, which is m's. */
int appraise_result(struct decider *d, const struct facts *f, const struct quote *q, const uint8_t used[NONCE_LEN],
        struct verdict *v, struct err *e);

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
