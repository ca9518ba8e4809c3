/* store: what the decider remembers, in one SQLite file. Private to policy/.
 * One writer, one transaction for a group of cases. Texts and blobs are bound, never pasted into SQL (A91).
 * Whatever goes wrong in SQLite is WHY_SYSTEM and leaves `failed` set: the group that was under way must not be
 * answered, and store_rollback() begins anew. */
#ifndef POLICY_STORE_H
#define POLICY_STORE_H

#include <sqlite3.h>

#include "policy/policy.h"

enum store_sql {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_MACHINE_GET,
	SQL_MACHINE_OF_EK,
	SQL_MACHINE_NEWEST,
	SQL_MACHINE_PUT,
	SQL_MACHINE_SEEN,
	SQL_MACHINE_ENDED,
	SQL_MACHINE_NONCE,
	SQL_MACHINE_OF_TAG,
	SQL_MACHINE_LIST,
	SQL_PENDING_GET,
	SQL_PENDING_PUT,
	SQL_PENDING_TAKE,
	SQL_PENDING_PRUNE,
	SQL_PENDING_COUNT,
	SQL_PENDING_CROWD,
	SQL_PENDING_FORGET,
	SQL_BOOTLOG_GET,
	SQL_BOOTLOG_PUT,
	SQL_BOOTLOG_COUNT,
	SQL_BOOTLOG_PRUNE,
	SQL_DOCUMENT_GET,
	SQL_DOCUMENT_PUT,
	SQL_DOCUMENT_OF_KIND,
	SQL_CLOUDLET_GET,
	SQL_CLOUDLET_PUT,
	SQL_EK_GET,
	SQL_EK_PUT,
	SQL_EK_LIST,
	SQL_RUNTIME_GET,
	SQL_RUNTIME_PUT,
	SQL_ROLLOUT_GET,
	SQL_ROLLOUT_PUT,
	SQL_ROLLOUT_FAILED,
	SQL_AUDIT_PUT,
	SQL_AUDIT_GET,
	SQL_AUDIT_LAST,
	SQL_COUNT
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *st[SQL_COUNT];
	bool failed;
};

/* ---- store.c ---- */

/* Opens or makes the file of that relative name. A file that is not ours, is damaged, is of a newer version or is in use
 * is refused with a sentence. */
int store_open(struct store *s, const char *name, struct err *e);
void store_close(struct store *s); /* a closed or zeroed store is fine */
int store_begin(struct store *s, struct err *e);
int store_commit(struct store *s, struct err *e); /* durable when 0 */
void store_rollback(struct store *s);

/* A statement, reset, without parameters. Parameters and columns count from 1 and from 0, as SQLite has it. */
sqlite3_stmt *store_use(struct store *s, enum store_sql id);
void store_int(struct store *s, sqlite3_stmt *st, int at, int64_t v);
void store_text(struct store *s, sqlite3_stmt *st, int at, const char *text);
void store_blob(struct store *s, sqlite3_stmt *st, int at, struct view v);
/* 1: a row, whose columns are valid until the statement is used again; 0: no row; -1: WHY_SYSTEM. */
int store_step(struct store *s, sqlite3_stmt *st, struct err *e);
/* Runs to the end and resets. *changed (may be NULL): rows that changed. */
int store_run(struct store *s, sqlite3_stmt *st, int *changed, struct err *e);
struct view store_view(sqlite3_stmt *st, int column);
/* False when the column does not have exactly that length, or does not fit. */
bool store_get(sqlite3_stmt *st, int column, void *to, size_t n);
bool store_get_text(sqlite3_stmt *st, int column, char *to, size_t cap);
/* The row is not one that we wrote. Always -1. */
int store_damaged(struct store *s, const char *what, struct err *e);

/* ---- storevfs.c ---- */

/* The name of a VFS that takes file names as they are: below the directory that the process stands in, which need not be
 * reachable from the root. NULL when SQLite has no VFS at all. */
const char *storevfs_name(void);

/* ---- machine.c ---- */

struct public
{ /* TPMT_PUBLIC */
	uint8_t b[TPM_PUBLIC_MAX];
	size_t n;
};
bool public_set(struct public *p, struct view v);
static inline struct view public_view(const struct public *p)
{
	return VIEW(p->b, p->n);
}

enum endorsed { ENDORSED_BY_CERTIFICATE = 1, ENDORSED_BY_HASH };

enum { ALLOWED_MAX = DOMAINS_MAX * NAME_CAP };

struct placestate {     /* where a machine was (placestate.c) */
	bool has_fix;   /* a receiver's fix that was believed, while the machine showed the tag of this serial */
	struct fix fix; /* its radius is the receiver's own estimate */
	int64_t fix_ms;
	uint64_t fix_tag;
	uint32_t n;
	struct presence presence[DOMAINS_MAX]; /* last: what is past n is never cleared, nor read */
};
enum { PRESENCE_BYTES_MAX = 2 * (2 + NAME_CAP) + 1 + 5 * 8, PLACESTATE_MAX = 64 + DOMAINS_MAX * PRESENCE_BYTES_MAX };
void placestate_write(struct wr *w, const struct placestate *p);
/* Empty: nothing is known. False when those are not bytes that placestate_write() wrote. */
bool placestate_read(struct view v, struct placestate *out);
static inline void placestate_clear(struct placestate *p)
{
	p->has_fix = false;
	p->n = 0;
}
/* What is known of that domain; NULL when there is no room for another. A new one is zero but for its name. */
struct presence *placestate_of(struct placestate *p, const char *domain);

struct leased {                          /* what leases of a machine may still be in use (leased.c) */
	uint64_t counter;                /* its revocation counter, as last certified; 0: never */
	uint8_t ended_register[PCR_LEN]; /* ENDED_PCR as last quoted */
	int64_t until;       /* the latest of their deadlines, in seconds since the epoch; 0: there are none */
	uint64_t ended_case; /* the receipt that all had ended; 0 once another was given */
};

struct machine { /* an enrolled machine, as it last proved itself to be */
	char name[NAME_CAP];
	uint8_t ek[SHA_LEN]; /* of its TPMT_PUBLIC */
	enum endorsed endorsed;
	struct public ak, id, srk;
	uint32_t generation; /* of its last enrolment: machine_next() */
	bool has_nonce;
	uint8_t nonce[NONCE_LEN];
	int64_t nonce_time;
	struct tpm_clock clock; /* safe: whether clock_ms means anything */
	struct pcrs pcrs;
	enum secure_boot secure_boot;
	uint8_t eventlog[SHA_LEN];
	uint64_t last_case;
	int64_t last_time;
	char status[16];           /* ear_status of the best domain */
	char allowed[ALLOWED_MAX]; /* domains, each followed by a space */
	uint64_t tag_serial;       /* of the last geo tag that counted; 0: it never showed one */
	uint8_t tag[SHA_LEN];      /* and its digest: the officer's signature over it was checked */
	struct leased leased;      /* a new enrolment of the same TPM keeps this and what follows */
	struct placestate place;   /* last */
};

/* 1: found, 0: no such machine, -1: WHY_SYSTEM. So do all that look for one row. */
int machine_get(struct store *s, const char *name, struct machine *out, struct err *e);
int machine_of_ek(struct store *s, const uint8_t ek[SHA_LEN], char name[NAME_CAP], struct err *e);
/* Another machine that showed the tag of this serial last. */
int machine_of_tag(struct store *s, uint64_t serial, const char *but, char name[NAME_CAP], struct err *e);
/* The number of the next enrolment, of whatever machine: no two have the same one, ever. A lease names it, so that a
 * lease of one machine opens nothing on another in the same state. */
int machine_next(struct store *s, uint32_t *generation, struct err *e);
/* Writes the whole row of a machine that has just activated. */
int machine_put(struct store *s, const struct machine *m, struct err *e);
/* One conditional update: m's new nonce, clock, registers and standing, if its nonce is still `used` and it is not
 * revoked. *changed is 0 otherwise. */
int machine_seen(struct store *s, const struct machine *m, const uint8_t used[NONCE_LEN], int *changed, struct err *e);
/* The same of a revoked machine: clock, nonce and leases alone. */
int machine_ended(struct store *s, const struct machine *m, const uint8_t used[NONCE_LEN], int *changed, struct err *e);
/* A new nonce alone; NULL takes it away. */
int machine_nonce(struct store *s, const char *name, const uint8_t *nonce, int64_t now, struct err *e);

/* ---- pending.c ---- */

enum { PENDING_PER_NAME_MAX = 4 }; /* a newcomer takes the place of the oldest of its name */

struct pending { /* an enrolment that waits for its activation */
	char name[NAME_CAP];
	uint8_t ak_name[TPM_NAME_LEN];
	uint8_t ek[SHA_LEN];
	enum endorsed endorsed;
	struct public ak, id, srk;
	uint8_t nonce[NONCE_LEN];
	int64_t time;
};
int pending_get(struct store *s, const char *name, const uint8_t ak_name[TPM_NAME_LEN], int64_t now,
        struct pending *out, struct err *e);
/* WHY_REFUSED when PENDING_MAX others wait (A47). Forgets what has waited too long. */
int pending_put(struct store *s, const struct pending *p, struct err *e);
int pending_take(struct store *s, const struct pending *p, int *changed, struct err *e); /* once */
int pending_forget(struct store *s, const char *name, struct err *e);                    /* all of a name */

/* ---- bootlog.c: the measured events of boot logs, shared by the machines that booted alike ---- */

enum {
	BOOTLOGS_MAX =
	        1024, /* past it no new one is kept: sentences name no event, and nothing is approved by meaning */
	BOOTLOG_ENTRY = 1 + 4 + 4 + PCR_LEN + 4, /* register, type, number, digest, length of the payload */
	BOOTLOG_MAX = MEASURED_MAX * BOOTLOG_ENTRY + SAID_MAX, /* bytes of one; a usual one has 12,000 */
};

/* The events are copied to room, where their data point. */
int bootlog_get(struct store *s, const uint8_t digest[SHA_LEN], uint8_t room[BOOTLOG_MAX], struct measured *out,
        size_t cap, size_t *n, struct err *e);
/* 1, 0 or -1 as above: no event is read. */
int bootlog_has(struct store *s, const uint8_t digest[SHA_LEN], struct err *e);
int bootlog_put(struct store *s, const uint8_t digest[SHA_LEN], const struct measured *m, size_t n, struct err *e);

/* ---- imastate.c: how far a machine's runtime list is known ---- */

struct ima_standing { /* in one domain that demands a list */
	char domain[NAME_CAP];
	uint8_t policy[SHA_LEN]; /* what the entries so far were compared with */
	struct err refusal;      /* of the first that was refused */
};
enum { IMA_STANDINGS_MAX = DOMAINS_MAX * (NAME_CAP + SHA_LEN + ERR_TEXT_MAX + ERR_HINT_MAX + 8) };
struct ima_state {
	uint32_t reset_count, restart_count; /* of which boot */
	struct ima_run run;
	bool complete; /* the register was reached: until then the entries are only said */
	uint32_t n;
	struct ima_standing standing[DOMAINS_MAX];
};
int imastate_get(struct store *s, const char *machine, struct ima_state *out, struct err *e);
int imastate_put(struct store *s, const char *machine, const struct ima_state *x, struct err *e);

/* ---- shelf.c: trust documents as they came ---- */

struct shelved {
	uint32_t version;
	int64_t issued;
	uint8_t digest[SHA_LEN];
	struct view jws; /* until the statement is used again */
};
int shelf_get(struct store *s, enum doc_kind kind, const char *name, struct shelved *out, struct err *e);
/* Also writes the cloudlet or ek row. */
int shelf_put(struct store *s, const struct document *d, struct view jws, struct err *e);

struct cloudlet {
	uint32_t version;
	struct doc_cloudlet doc;
};
int shelf_cloudlet(struct store *s, const char *name, struct cloudlet *out, struct err *e);
int shelf_ek(struct store *s, const char *name, uint8_t ek[SHA_LEN], struct err *e);

/* ---- audit.c: the hash chain. h_n = H(h_{n-1} || H(record_n)), h_0 is zero, n counts from 1 without a gap ---- */

struct audit_head {
	uint64_t case_no;
	uint8_t hash[SHA_LEN];
};
/* The last link, checked against its record; zero for an empty log. */
int audit_last(struct store *s, struct audit_head *out, struct err *e);
/* Moves *head on. record is the exact bytes that reports will show. */
int audit_append(struct store *s, struct audit_head *head, int64_t now, struct view record, struct err *e);
/* The record (until the next use) and the hash before and behind it. */
int audit_get(struct store *s, uint64_t case_no, struct view *record, uint8_t previous[SHA_LEN], uint8_t hash[SHA_LEN],
        struct err *e);

#endif
