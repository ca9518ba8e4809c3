/* bench: a load generator. Its machines are software, so that ten thousand of them fit on a desk: the keys of their
 * TPMs are ours, everything else is what a cloudlet sends. The protocol is the real one, and so are the signatures. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <sys/types.h>

#include "attest/attest.h"

/* ---- softtpm.c: what a TPM would do, with keys in memory ---- */

enum softtpm_template { SOFTTPM_AK, SOFTTPM_EK, SOFTTPM_ID, SOFTTPM_SRK };

struct softtpm_key { /* a software key and the public area a TPM would show of it */
	struct es256 *key;
	uint8_t bytes[TPM_PUBLIC_MAX];
	size_t n;
	struct tpm_pub pub;
};

/* Takes key; NULL: makes one. */
int softtpm_key(struct softtpm_key *k, enum softtpm_template t, struct es256 *key, struct err *e);
void softtpm_drop(struct softtpm_key *k);
AUTO_DEFINE(struct softtpm_key *, softtpm_drop)
struct view softtpm_view(const struct softtpm_key *k);

struct softtpm_signed { /* TPMS_ATTEST and TPMT_SIGNATURE */
	uint8_t attest[TPM_ATTEST_MAX], sig[TPM_SIGNATURE_MAX];
	size_t nattest, nsig;
};

/* The TPM's clock is the wall clock: it moves on between two runs as a real one does. */
int softtpm_quote(const struct softtpm_key *ak, const uint8_t extra[SHA_LEN], const struct pcrs *pcrs, uint32_t mask,
        struct softtpm_signed *out, struct err *e);
int softtpm_certify(const struct softtpm_key *ak, const struct softtpm_key *subject, const uint8_t extra[SHA_LEN],
        struct softtpm_signed *out, struct err *e);
/* TPM2_NV_Certify of a revocation counter that stands at 1. */
int softtpm_counter(
        const struct softtpm_key *ak, const uint8_t extra[SHA_LEN], struct softtpm_signed *out, struct err *e);
/* TPM2_ActivateCredential: Part 1 24. */
int softtpm_activate(const struct softtpm_key *ek, const struct tpm_pub *ak, struct view blob, struct view secret,
        uint8_t nonce[NONCE_LEN], struct err *e);

/* ---- wire.c: one keep-alive TLS connection, requests one after the other ---- */

enum { WIRE_MAX = 256 * 1024 };

struct wire_to {
	const char *ca_file;
	unsigned port;          /* of 127.0.0.1 */
	uint32_t source;        /* address within 127.0.0.0/8 that we come from; 0: any */
	const char *cert, *key; /* PEM text; NULL: a stranger */
};
struct wire; /* one connection */

struct wire *wire_open(const struct wire_to *to, struct err *e);
void wire_close(struct wire *w);
AUTO_DEFINE(struct wire *, wire_close)
/* The answer's body, valid until the next call. -1 without an answer, or when it is a refusal, which is then in *e;
 * *status is 0 when there was none. */
int wire_post(struct wire *w, const char *path, struct view body, int *status, struct view *answer, struct err *e);

/* ---- fleet.c: machines that are enrolled, in a file that all workers share ---- */

enum { FLEET_KEY = 320, FLEET_CERTIFICATE = 1536 };

struct player { /* as it lies in the file; all zero: not enrolled yet */
	char name[NAME_CAP];
	uint8_t nonce[NONCE_LEN];
	uint32_t generation;
	char ak[FLEET_KEY], id[FLEET_KEY], certificate[FLEET_CERTIFICATE]; /* PEM */
};
struct fleet {
	struct player *player; /* mapped: what a worker writes is there for the next run */
	size_t n;
};
int fleet_open(const char *path, size_t n, struct fleet *out, struct err *e); /* n 0: as many as it has */
void fleet_close(struct fleet *f);

/* ---- scene.c: the authority and the boot that all machines share ---- */

struct scene {
	char ca_file[1024], kit[1024];
	unsigned port;
	struct es256 *authority; /* its result key */
	uint8_t *log;
	size_t nlog;
	struct boot boot;
};
int scene_open(struct scene *s, const char *authority, const char *log, struct err *e);
void scene_close(struct scene *s);

/* ---- actor.c: one machine and its connection ---- */

enum { ACTOR_EVIDENCE_MAX = 128 * 1024 };
enum actor_log { ACTOR_WITHOUT_LOG, ACTOR_WITH_LOG };

struct actor {
	const struct scene *scene;
	struct player *player;
	struct softtpm_key ak, id;
	struct wire *wire;
	size_t sent, received; /* bytes of the last attestation: bodies alone */
};
int actor_open(struct actor *a, const struct scene *s, struct player *p, struct err *e);
void actor_close(struct actor *a);
AUTO_DEFINE(struct actor *, actor_close)
int actor_connect(struct actor *a, struct err *e); /* again when it is connected already */
/* One attestation. Refuses an answer that is not "allow": what is measured is the whole way. */
int actor_attest(struct actor *a, enum actor_log with, struct err *e);
/* The same with the log, and the signature of the result is checked. */
int actor_rehearse(struct actor *a, struct err *e);
/* What an enrolment shares with this. srk: of an activation, which shows the other keys and asks for a certificate. */
int actor_claims(const struct actor *a, bool certificate, uint8_t buf[CLAIMS_MAX], struct view *out, struct err *e);
int actor_evidence(
        const struct actor *a, enum actor_log with, const struct softtpm_key *srk, struct wr *w, struct err *e);
int actor_result(struct player *p, struct view answer, struct err *e);

/* ---- recruit.c: a machine before it is enrolled ---- */

struct kit;
struct recruit {
	struct actor actor;
	struct softtpm_key ek, srk;
};
int recruit_make(struct recruit *r, const struct scene *s, struct player *p, struct err *e);
void recruit_drop(struct recruit *r);
AUTO_DEFINE(struct recruit *, recruit_drop)
/* The officer's two documents: the cloudlet is admitted, its endorsement key approved. */
int recruit_admit(const struct recruit *r, struct kit *kit, const struct es256 *officer, struct err *e);
/* Over a stranger's connection: credential, activation, first attestation, certificate. The player is enrolled when
 * this gives 0, and only then has keys in the file. */
int recruit_enrol(const struct recruit *r, struct wire *stranger, struct err *e);

/* ---- crew.c: workers that start together ---- */

enum { CREW_MAX = 64, CREW_WAIT_S = 240 };

struct crew {
	unsigned n;
	pid_t pid[CREW_MAX];
	int fd[CREW_MAX]; /* a socket to each worker: one that dies is noticed */
	int own;          /* a worker's end */
};
/* work runs in a process of its own; it is given its number. */
int crew_start(struct crew *c, unsigned n, int (*work)(struct crew *c, unsigned number, void *arg, struct err *e),
        void *arg, struct err *e);
int crew_meet(struct crew *c, struct err *e);   /* a worker: waits until it is released */
int crew_gather(struct crew *c, struct err *e); /* the parent: until all wait; -1 when one has failed */
void crew_release(struct crew *c);
int crew_end(struct crew *c, struct err *e); /* until all have ended well */

/* ---- gauge.c: what the authority's processes use, by /proc ---- */

enum gauge_of { GAUGE_DOOR, GAUGE_JUDGE, GAUGE_WORKER, GAUGE_DECIDER, GAUGE_KEEPER, GAUGE_COUNT };

struct gauge {
	struct {
		double cpu_us;  /* user and system, since the start; workers together */
		double rss_mib; /* VmRSS; of workers the largest */
	} of[GAUGE_COUNT];
};
const char *gauge_name(enum gauge_of g);
/* pid: merestoned's. WHY_SYSTEM when a member is missing. */
int gauge_read(pid_t pid, struct gauge *out, struct err *e);

/* ---- floor.c, raw.c: what the same machine can do at best, in microseconds of CPU ---- */

/* Prints a row for each: ECDSA, SHA-256, SQLite's group commit of 16 rows in dir. */
int floor_print(const char *dir, size_t evidence, struct err *e);
/* Requests of n bytes over one TLS connection to a bare OpenSSL server that answers `answer` bytes: its CPU per
 * request. */
int raw_cpu(const struct scene *s, const char *authority, size_t n, size_t answer, double *us, struct err *e);
/* One row of the results; the format gives its name. */
void row_print(double value, const char *unit, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
