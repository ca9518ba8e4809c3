/* agent: the cloudlet's side of the protocol. It owns no TPM (the quoter does) and keeps only soft state: everything in
 * its directory can be lost and made again with the authority. Private to federation and cmd/merestone-agent. */
#ifndef FEDERATION_AGENT_H
#define FEDERATION_AGENT_H

#include "federation/federation.h"
#include "keystore/keystore.h"

/* ---- configuration (agentconfig.c), merestone-agent(8) ---- */

enum { AGENT_PATH_MAX = 1024, AGENT_DATA_MAX = 16 };

struct agent_config {
	char name[NAME_CAP];
	char authority[512];     /* URL */
	char ca[AGENT_PATH_MAX]; /* paths are absolute here; in the file they may start at its directory */
	char state[AGENT_PATH_MAX];
	char eventlog[AGENT_PATH_MAX];
	char ima[AGENT_PATH_MAX]; /* "": no runtime list */
	char tcti[AGENT_PATH_MAX];
	bool has_fix;
	struct fix fix;
	char gpsd[64]; /* IP:PORT; "": no receiver */
	bool fixed;    /* with a receiver: the machine is not meant to move */
	struct prover_landmark landmark[BOUNDS_MAX];
	size_t nlandmarks;
	char variant[NAME_CAP]; /* of the image that runs, "": it is not asked for updates */
	char spool[AGENT_PATH_MAX];
	char data_dir[AGENT_PATH_MAX]; /* `run` opens these datasets there after each attestation */
	char data[AGENT_DATA_MAX][NAME_CAP];
	size_t ndata;
};

int agentconfig_read(const char *path, struct agent_config *out, struct err *e);

/* ---- state directory (agentstate.c): all writes atomic, all files 0600 ---- */

int state_open(const char *path, int *dir, struct err *e);
/* A text file of the state, NULL when it is not there; the caller frees. */
char *state_text(int dir, const char *name);
int state_put(int dir, const char *name, struct view v, struct err *e);
int state_drop(int dir, const char *name, struct err *e); /* not there is fine */
/* The one-use nonce: taken before it is sent, so that it is never sent twice. False when there is none. */
bool state_take_nonce(int dir, uint8_t nonce[NONCE_LEN], struct err *e);
int state_put_nonce(int dir, const uint8_t nonce[NONCE_LEN], struct err *e);
/* Policy references of the sealed keys that are here. */
size_t state_holds(int dir, uint8_t refs[CLAIMS_HOLDS_MAX][SHA_LEN]);
/* What a result brought: keys are added, leases replace all earlier ones. */
int state_put_result(int dir, const json_t *answer, struct err *e);
/* The lease and key of a dataset. WHY_UNKNOWN when there is no lease. */
int state_lease(int dir, const char *dataset, struct lease_use *out, struct err *e);
/* For each dataset with a lease: its name and its deadline on the TPM's clock. */
size_t state_leases(int dir, char names[][NAME_CAP], uint64_t *deadlines_ms, size_t cap);
/* The domains of the leases that are here, each once. */
size_t state_lease_domains(int dir, char domains[][NAME_CAP], size_t cap);
void state_drop_leases(int dir);

/* ---- the agent ---- */

struct agent {
	struct agent_config config;
	int dir; /* state */
	struct quoter *quoter;
	struct client *client;
	struct locator *locator; /* NULL without a receiver */
	bool heard;              /* the receiver has had its time to find itself */
	struct prover *prover;   /* NULL without landmarks */
};

/* libexec: where the quoter and the locator are. quoter_fd: the socket of one that runs already, or -1. */
int agent_open(struct agent *a, const char *config, const char *libexec, int quoter_fd, struct err *e);
void agent_close(struct agent *a);
/* The connection, made when needed, with the client certificate when the state has one. */
int agent_connect(struct agent *a, struct err *e);

/* Enrols when there is no certificate (or it has ended), otherwise renews. *answer is the authority's JSON, also when
 * it refuses (then -1 and the refusal in e); NULL when none came. The caller frees. save: where the evidence is kept,
 * or NULL. */
int agent_attest(struct agent *a, const char *save, json_t **answer, struct err *e);
int agent_enrol(struct agent *a, const char *save, json_t **answer, struct err *e);

/* agent_attest(), and when a domain that has leases here is denied, they end at once: agent_end_leases(), and then the
 * evidence for those that remain (agentrenew.c). */
int agent_renew(struct agent *a, const char *save, json_t **answer, struct err *e);

/* The TPM honours no lease of before any more, whoever kept a copy; the next evidence is the receipt of that. */
int agent_end_leases(struct agent *a, struct err *e);

/* ---- the runtime list (agentima.c) ---- */

struct ima_mark { /* what the authority has seen of it in this boot */
	uint64_t entries, bytes;
};
struct ima_mark agentima_mark(const struct agent *a, const struct quoter_status *s);
/* After a result for this container: keeps the new mark. *more: entries are still to be sent. */
int agentima_advance(struct agent *a, const struct quoter_status *s, const struct ima_mark *was, struct view container,
        bool *more, struct err *e);

/* Claims of the last accepted result (the payload of result.jwt); NULL and WHY_UNKNOWN without one. The caller frees. */
json_t *agent_result(const struct agent *a, struct err *e);

/* ---- the geo tag (agenttag.c) ---- */

/* Asks the TPM for a session and writes the request for an officer, merestone-tag(5); "-" is standard output. */
int agent_tag_request(struct agent *a, const char *file, struct err *e);
/* Takes the officer's answer: the TPM gets its digest, the state keeps it for the next attestation. */
int agent_tag_write(struct agent *a, const char *file, struct err *e);
/* The bytes of the tag that is here; empty without one. */
struct view agent_tag(const struct agent *a, uint8_t buf[TAG_MAX]);

/* ---- the receiver (agentgnss.c) ---- */

/* What it says now, where there is one: into c. Just started, it is given some seconds. WHY_SYSTEM: the locator has
 * ended. */
int agent_gnss(struct agent *a, struct claims *c, struct err *e);

/* ---- landmarks (agentbounds.c) ---- */

/* What PART_BOUNDS of the evidence with this nonce holds: the statements of the landmarks that measured in time. Empty
 * without any. WHY_SYSTEM: the prover has ended. */
int agent_bounds(struct agent *a, const uint8_t nonce[NONCE_LEN], const struct quoter_status *s,
        uint8_t buf[BOUNDS_PART_MAX], struct view *out, struct err *e);

/* ---- updates (agentupdate.c) ---- */

/* Brings what the authority offers to the spool. 1: more is to come, 0: nothing is, or it is there. */
int agent_update(struct agent *a, struct err *e);
/* Notes for the updater that the authority admits this machine in this boot. */
int agent_update_attested(const struct agent *a, struct err *e);

/* ---- data (agentdata.c) ---- */

/* From its beginning; the position is there again afterwards. */
int agentdata_hash(int fd, uint8_t out[SHA_LEN], uint64_t *size, struct err *e);

int agent_put(struct agent *a, const char *dataset, const char *file, struct err *e);
int agent_get(struct agent *a, const char *dataset, const char *file, struct err *e);
/* agent_get into the directory of the configuration; what it is. A refusal, of the TPM too, takes away what was opened
 * before; a fault of the system does not. */
bool agent_data_is_open(const struct agent *a, const char *dataset);
int agent_open_data(struct agent *a, const char *dataset, uint64_t *size, uint8_t digest[SHA_LEN], struct err *e);
/* Why the last result gave no lease for the dataset's domain, in e; WHY_UNKNOWN when it says nothing. */
int agent_why_not(const struct agent *a, const char *dataset, struct err *e);

#endif
