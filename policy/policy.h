/* policy: facts to verdict. Trust documents, the store, the decision, the record. The decider believes the judge only
 * where it must: signature, nonce and PCR digest are checked again with keys of its own store. */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <stddef.h>
#include <string.h>
#include <time.h>

#include "attest/attest.h"
#include "base/json.h"
#include "base/jws.h"
#include "firmware/update/update.h"

enum {
	DOMAINS_MAX = 64,         /* trust domains of one authority: each attestation is decided for each */
	REFERENCES_MAX = 8,       /* sets valid at once in one domain: old and new image of an update, per hardware */
	WAVES_MAX = 16,           /* of one update, before the last one of all who are not named */
	WAVE_MACHINES_MAX = 1024, /* named in them */
	VARIANTS_MAX = 16,        /* of the image: each has one approved update */
	MEMBERS_MAX = 256,        /* names in one domain document */
	LANDMARKS_MAX = 16,       /* that one domain may ask for: each is a round of measurement */
	RUNTIMES_MAX = 32,        /* runtime sets that add up in one domain: 4,000 files fit into each */
	DATASETS_MAX = 256,
	PENDING_MAX = 1024,  /* enrolments that wait for activation or approval (A47) */
	PENDING_S = 600,     /* and how long they wait */
	NONCE_S = 24 * 3600, /* a nonce waits this long for its quote; leases end much earlier */
	LEASE_S_MIN = 5,
	LEASE_S_MAX = 30 * 24 * 3600,
	DWELL_S_MAX = 366 * 24 * 3600,
	CERTIFICATE_S = 24 * 3600, /* life of a cloudlet's client certificate */
	CLOCK_SLOWEST_PM =
	        857,      /* an owner can slow a TPM's clock to 0.857 (facts: leases 3): deadlines are cut by it */
	VENDORS_MAX = 16, /* documents with roots of TPM vendors: one may hold those of all */
	LANDMARK_DOCUMENTS_MAX = 256, /* of one authority */
	DOCUMENTS_MAX = 128,          /* fences, and as many reference sets, held in memory */
	CLAIMS_JSON_MAX = 128 * 1024, /* 64 domains, each with a sentence and a hint at their longest */
	RECORD_MAX = 160 * 1024,      /* the claims and what stands around them */
	LISTING_MAX = 380 * 1024,     /* of one answer; signed it has a third more. What is longer comes in pages */
	ANSWER_BODY_MAX = 512 * 1024
};

/* ---- Trust documents, merestone-document(5) (document.c) ----
 * A compact JWS, typ "merestone-document+jws", by an officer's key over
 * {"kind":K,"name":N,"version":V,"issued":T,"body":{...}}  version 1.. and one more at each change. */

enum doc_kind {
	DOC_FENCE = 1,
	DOC_REFERENCE,
	DOC_DOMAIN,
	DOC_DATASET,
	DOC_CLOUDLET,
	DOC_EK,
	DOC_RUNTIME,
	DOC_VENDOR,
	DOC_UPDATE,
	DOC_LANDMARK,
	DOC_KINDS
};

/* How a machine's position is known; each level needs those below it. */
enum location_level {
	LOCATION_NONE,
	LOCATION_DECLARED, /* by the machine */
	LOCATION_TAG,      /* by an officer's tag that its TPM certifies */
	LOCATION_GNSS,     /* and a receiver's fix that is consistent with it */
	LOCATION_BOUNDS,   /* and landmarks that measured the machine near */
	LOCATION_LEVELS
};

struct doc_domain {
	char fence[NAME_CAP];
	char references[REFERENCES_MAX][NAME_CAP];
	uint32_t nreferences;
	uint32_t lease_s;
	uint32_t location_level;    /* enum location_level: the least that counts */
	double gnss_k;              /* a receiver's fix is good to so many times its own estimate */
	uint32_t dwell_s;           /* who stays so long has dwelt; 0: nobody asks */
	uint32_t landmarks;         /* that must have measured the machine at LOCATION_BOUNDS */
	double bound_m;             /* and no farther than this */
	uint32_t nmembers;          /* 0: every admitted cloudlet */
	char (*members)[NAME_CAP];  /* owned */
	uint32_t nruntimes;         /* 0: what runs after the boot is not asked */
	char (*runtimes)[NAME_CAP]; /* owned */
};
struct doc_dataset {
	char domain[NAME_CAP];
	uint32_t epoch;
};
struct doc_cloudlet {
	bool revoked; /* "state": "admitted" | "revoked" */
	bool has_ek;
	uint8_t ek_sha256[SHA_LEN]; /* pins the endorsement key: SHA-256 of its TPMT_PUBLIC */
	char reason[128];           /* of a revocation */
};
struct doc_ek { /* approves an endorsement key without a certificate for one machine: its name is the machine's */
	uint8_t ek_sha256[SHA_LEN];
};

struct doc_landmark { /* who measures how far machines are, merestone-landmark(8) */
	uint8_t key[ES256_PUB];
	struct fix fix;
	char address[64]; /* "IP:PORT", for those who configure machines */
};

struct doc_update { /* approves one release of the variant that is the document's name */
	struct release release;
	char *manifest; /* owned: the compact JWS, for the machines to check */
	uint32_t nwaves, nmachines;
	uint32_t ends[WAVES_MAX];   /* wave k is the machines below ends[k] that no earlier one has */
	char (*machines)[NAME_CAP]; /* owned */
};
/* The body of such a document (docupdate.c). What *out has is to be freed, also after a refusal. */
int docupdate_parse(const json_t *body, const char *name, struct doc_update *out, struct err *e);
void docupdate_free(struct doc_update *u);

struct document {
	enum doc_kind kind;
	char name[NAME_CAP];
	uint32_t version;
	int64_t issued;
	uint8_t digest[SHA_LEN]; /* of the compact JWS */
	struct doc_domain domain;
	struct doc_dataset dataset;
	struct doc_cloudlet cloudlet;
	struct doc_ek ek;
	struct doc_landmark landmark;
	struct doc_update update;
	struct fence *fence;         /* owned, DOC_FENCE */
	struct reference *reference; /* owned, DOC_REFERENCE */
	struct runtime *runtime;     /* owned, DOC_RUNTIME */
	struct ekroots *vendor;      /* owned, DOC_VENDOR: whose endorsement certificates are believed */
};

const char *doc_kind_name(enum doc_kind k);  /* "fence", "reference", "domain", "dataset", ... */
enum doc_kind doc_kind_parse(const char *s); /* DOC_KINDS when unknown */
/* Parses the payload of a JWS whose signature the caller has checked. Unknown members are refused; digest is the caller's
 * to set. What *out owns is freed by document_free(). */
int document_parse(struct view payload, struct document *out, struct err *e);
void document_free(struct document *d); /* what it owns, not d */
/* The officer's side: payload and signature in one. body is the JSON text of the body; what document_parse() would refuse
 * is refused here. */
int document_sign(struct wr *w, const struct es256 *officer, enum doc_kind kind, const char *name, uint32_t version,
        int64_t issued, struct view body, struct err *e);

/* ---- The decision (decide.c): pure, default no, every rule must hold ---- */

struct subject { /* one machine at one moment, everything already verified */
	const char *machine;
	bool admitted, revoked;
	const struct pcrs *pcrs;
	enum secure_boot secure_boot;
	const struct measured *measured;
	size_t nmeasured;
	const struct story *story; /* what they mean; NULL when no reference set asks, or nobody knows */
	int64_t now;
	bool has_fix;
	struct fix fix;            /* declared */
	const struct tag *tag;     /* certified by its TPM, of this machine and in force; NULL without one */
	const struct err *tag_why; /* the tag that was shown does not count, or NULL */
	const struct gnss *gnss;   /* what its receiver says; NULL without one */
	/* Where its receiver had it when that was last believed, under the same tag; the radius is the receiver's own
	 * estimate. NULL: never. */
	const struct fix *before;
	int64_t before_ms;
	const struct disc *discs; /* of the landmarks that measured it for this evidence */
	size_t ndiscs;
	const struct err *discs_why; /* why those that were shown do not count, or NULL */
	bool clock_safe;
	const struct err *uncounted; /* its revocation counter is not there, or NULL */
};

struct rules { /* one domain with what it refers to, resolved by the caller; NULL where the store has none.
                * references stand in the domain's own order. */
	const char *name;
	const struct doc_domain *domain;
	const struct fence *fence;
	const struct reference *references[REFERENCES_MAX];
	size_t nreferences;
	/* What the subject ran, as the domain's runtime sets have it: NULL without a list, WHY_NONE when all was approved. */
	const struct err *ran;
	uint64_t ran_entries;
	bool ran_complete; /* the list reaches the quoted register */
};

/* What says where a machine is, and what it says of a fence, in the words of CAMARA location verification: TRUE when its
 * whole circle is within, FALSE when none of it is, PARTIAL with a match rate, UNKNOWN when it cannot say. */
enum source_kind { SOURCE_DECLARED, SOURCE_TAG, SOURCE_GNSS, SOURCE_BOUNDS, SOURCES };
enum source_says { SAYS_NOTHING, SAYS_TRUE, SAYS_FALSE, SAYS_PARTIAL, SAYS_UNKNOWN }; /* NOTHING: it was not shown */
const char *source_name(enum source_kind k);      /* "declared", "tag", "gnss", "bounds" */
const char *source_says_name(enum source_says s); /* "TRUE", "FALSE", "PARTIAL", "UNKNOWN" */

struct source {
	enum source_says says;
	double match_rate; /* PARTIAL: how much of its circle is within */
};

struct decision {
	struct err refusal; /* why WHY_NONE: yes */
	bool state_good;    /* a reference set matched */
	bool compared;      /* there was a reference set to match */
	bool ran_good;      /* all that ran was approved */
	enum why ran_why;   /* why it was not */
	bool member;
	struct place_result place; /* valid when placed */
	bool placed;
	struct fix at;             /* what the place is of; valid when placed */
	enum location_level level; /* what the place was decided by */
	bool gnss_good;            /* the receiver's fix was believed */
	struct source source[SOURCES];
	int reference;    /* which set matched, or -1 */
	uint32_t lease_s; /* when yes: the domain's, or less where the set that matched, or the geo tag, ends before */
};

/* Rules in order: admitted, member, clock safe, a revocation counter, a reference set matches, what ran is approved, position inside. All are
 * evaluated; refusal is the first that fails. */
void decide(const struct subject *s, const struct rules *r, struct decision *out);

/* The last of them (whereabouts.c): position, sources and level into *out. */
int whereabouts(const struct subject *s, const struct rules *r, struct decision *out, struct err *e);

/* ---- Fence events (fenceevent.c): pure, from what was known of a machine to what a decision says ---- */

enum fence_event_kind {
	EVENT_ENTER, /* it is inside, and was not */
	EVENT_EXIT,  /* it is outside, and was inside */
	EVENT_CROSS, /* it is outside and was, and the straight way between leads through the fence */
	EVENT_DWELL, /* it has been inside for the domain's dwell_s; once in each stay */
	EVENT_STALE, /* its place was not known for longer than a lease; once in each silence */
	EVENT_KINDS
};
const char *fenceevent_name(enum fence_event_kind k); /* "enter", "exit", "cross", "dwell", "stale" */

struct presence { /* of one machine in one domain, when its place was last known */
	char domain[NAME_CAP], fence[NAME_CAP];
	bool inside;
	bool dwelt, stale; /* those events were told */
	int64_t since;     /* it came in */
	int64_t seen;
	struct fix at;
};

enum { FENCE_EVENTS_MAX = 2 }; /* of one decision: a silence, and what it ends with */
struct fence_event {
	enum fence_event_kind kind;
	int64_t since; /* ENTER: now; EXIT and DWELL: it came in; CROSS and STALE: it was last known */
};

/* *p is what was known (zero: nothing) and becomes what is known; the place of a machine in an unapproved state is not.
 * How many events there are. */
size_t fenceevent_next(struct presence *p, const struct rules *r, const struct decision *d, int64_t now,
        struct fence_event out[FENCE_EVENTS_MAX]);

/* ---- Who takes an update now (waves.c): pure ---- */

enum wave_machine {
	WAVE_PENDING, /* has not shown it yet */
	WAVE_DONE,    /* attested with it */
	WAVE_FAILED,  /* was offered it, and then refused, or went back */
	WAVE_GONE     /* revoked, or nobody: not waited for */
};
struct waves {
	uint32_t open; /* the first wave that is not done; nwaves: those who are not named */
	bool halted;   /* nobody takes it any more */
};
/* state: of each named machine. failed: one that is not named has. */
void waves_look(const struct doc_update *u, const enum wave_machine *state, bool failed, struct waves *out);
uint32_t waves_of(const struct doc_update *u, const char *machine); /* nwaves when it is not named */
bool waves_may(const struct doc_update *u, const struct waves *w, const char *machine);

/* ---- verdict: decider to keeper ---- */

enum verdict_kind {
	VERDICT_REFUSAL = 1, /* why, sentence, hint; perhaps a nonce */
	VERDICT_CREDENTIAL,  /* enrolment: make a credential that hides nonce */
	VERDICT_RESULT,      /* attestation: sign claims, leases and perhaps keys and a certificate */
	VERDICT_RECEIPT,     /* a document took effect: body */
	VERDICT_SIGNED,      /* a listing or report: body, to be signed with typ */
	VERDICT_KINDS
};

struct grant { /* one dataset that this machine may open now */
	char domain[NAME_CAP], dataset[NAME_CAP];
	uint32_t epoch, generation;
	uint64_t deadline_ms; /* TPM clock */
	bool with_key;        /* the machine does not hold the sealed key yet */
};

struct verdict {
	uint64_t ticket, case_no;
	enum verdict_kind kind;
	struct err refusal; /* RESULT: its reason alone, when a domain denied; the answer's "decision" */
	char machine[NAME_CAP];
	bool has_nonce;
	uint8_t nonce[NONCE_LEN]; /* CREDENTIAL: the hidden one; RESULT and REFUSAL: the next one */
	struct view ek, ak;       /* CREDENTIAL: TPMT_PUBLIC */
	struct view srk;          /* RESULT with keys */
	struct view id;           /* RESULT with certificate */
	bool with_certificate;
	uint32_t certificate_s;
	uint8_t pcr_digest[SHA_LEN]; /* RESULT: what a lease demands */
	uint32_t reset_count, restart_count;
	uint64_t counter; /* at this value */
	bool has_tag;     /* RESULT: leases also demand that this NV index holds this digest */
	uint8_t tag[SHA_LEN], tag_name[TPM_NAME_LEN];
	struct view body; /* RESULT: EAR claims as JSON; RECEIPT, SIGNED: JSON */
	char typ[48];     /* SIGNED */
	uint32_t ngrants;
	struct grant grants[DATASETS_MAX]; /* last: what is past ngrants is never cleared, nor read */
};

static inline void verdict_clear(struct verdict *v)
{
	_Static_assert(offsetof(struct verdict, grants) + sizeof v->grants == sizeof *v, "they are last");
	memset(v, 0, offsetof(struct verdict, grants));
}
int verdict_write(struct wr *w, const struct verdict *v);
int verdict_read(struct view in, struct verdict *out, struct err *e);

/* ---- Typ of what the keeper signs with the result key, verified with authority.pub ---- */
#define TYP_DOCUMENT "merestone-document+jws"
#define TYP_EAR      "ear+jwt"
#define TYP_LISTING  "merestone-listing+jws"
#define TYP_REPORT   "merestone-report+jws"

/* Verifies a report offline: flattened JWS by the authority's result key, its record hashes to the leaf it shows and the
 * chain links. out gets a readable text for people. -1: WHY_FORGED or WHY_MALFORMED. Format: merestone-report(5). */
int report_verify(struct view file, const struct es256 *authority, struct wr *out, struct err *e);

#endif
