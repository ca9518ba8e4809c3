/* keystore: verdict to key. Sealing to a machine's TPM, leases, signatures, certificates, dataset encryption; the
 * keeper. Leases: facts and a known-answer vector are cited in lease.c; formulas are those of TPM 2.0 Part 3 23.x. */
#ifndef KEYSTORE_KEYSTORE_H
#define KEYSTORE_KEYSTORE_H

#include "attest/attest.h"
#include "policy/policy.h"

/* ---- Policy digests in software (lease.c), pure ---- */

struct lease_terms {
	uint8_t pcr_digest[SHA_LEN];
	uint32_t pcr_mask;
	uint32_t reset_count, restart_count; /* both must be equal */
	uint64_t counter;                    /* the machine's revocation counter must still stand at this */
	uint64_t deadline_ms;                /* TPM clock at most this */
	bool has_tag;                        /* the NV index of that Name must still hold the tag's digest */
	uint8_t tag[SHA_LEN], tag_name[TPM_NAME_LEN];
};

/* Each step replaces the running digest d, which starts as 32 zero bytes. */
void lease_policy_pcr(uint8_t d[SHA_LEN], uint32_t mask, const uint8_t pcr_digest[SHA_LEN]);
void lease_policy_nv(uint8_t d[SHA_LEN], struct view operand, uint16_t offset, uint16_t op, struct view nv_name);
void lease_policy_counter_timer(uint8_t d[SHA_LEN], struct view operand, uint16_t offset, uint16_t op);
/* ref: of SHA_LEN bytes, or empty. */
void lease_policy_authorize(uint8_t d[SHA_LEN], const uint8_t key_name[TPM_NAME_LEN], struct view ref);
/* approvedPolicy = PolicyPCR, NV(tag ==) if there is one, NV(counter ==), CounterTimer(reset||restart ==), CounterTimer(clock <=). */
void lease_approved(uint8_t out[SHA_LEN], const struct lease_terms *t);
/* What the lease key signs, and what TPM2_VerifySignature is given: H(approvedPolicy || policyRef). */
void lease_digest(uint8_t out[SHA_LEN], const uint8_t approved[SHA_LEN], const uint8_t ref[SHA_LEN]);

/* ---- Sealing to a remote SRK (seal.c) ---- */

struct sealed { /* TPM2_Import arguments: TPM2B_PUBLIC contents, duplicate contents, inSymSeed contents */
	uint8_t public[96], duplicate[160], seed[72];
	size_t npublic, nduplicate, nseed;
};
/* attributes adminWithPolicy|noDA, authPolicy as given: userWithAuth can not be set here (A103). */
int seal_to(const struct tpm_pub *srk, const uint8_t auth_policy[SHA_LEN], const struct secret *key, struct sealed *out,
        struct err *e);

/* ---- A lease in use on the cloudlet (leaseuse.c, unseal.c) ---- */

struct lease_use {
	char domain[NAME_CAP], dataset[NAME_CAP];
	uint32_t epoch, generation;
	struct lease_terms terms;
	uint8_t signature[ES256_SIG]; /* by the lease key over lease_digest() */
	uint8_t lease_key[ES256_PUB];
	struct sealed sealed;
};
int lease_use_write(struct wr *w, const struct lease_use *u);
int lease_use_read(struct view v, struct lease_use *out, struct err *e);
/* Imports, proves the lease to the TPM and unseals; nothing stays behind in it. The caller frees *out. Refusals are the
 * TPM's own, in words: WHY_STALE (deadline, boot counters), WHY_UNTRUSTED (registers, signature, another machine's). */
int unseal(struct tpm *t, const struct lease_use *u, struct secret **out, struct err *e);

/* ---- The keys of an authority (keyring.c): keeper/{ca,lease,result,dataset}.key, PEM ---- */

struct keyring {
	struct es256 *ca, *lease, *result;
	struct secret *dataset; /* dataset keys are HKDF(this, domain, dataset, epoch) */
};
/* Creates all four with O_EXCL, 0600, encrypted when pass is not empty. dirfd: the keeper's directory. */
int keyring_create(int dirfd, struct view pass, struct err *e);
int keyring_open(int dirfd, struct view pass, struct keyring *out, struct err *e);
void keyring_close(struct keyring *k);
int keyring_dataset_key(const struct keyring *k, const char *domain, const char *dataset, uint32_t epoch,
        struct secret *out, struct err *e);

/* ---- Certificates (ca.c) ---- */

/* Self-signed CA for a trust domain, e.g. "edge.example". PEM out, caller frees. */
int ca_self(const struct es256 *ca, const char *trust_domain, time_t now, char **pem, struct err *e);
struct ca_request {
	const char *trust_domain;
	const char *path;         /* SPIFFE path: "cloudlet/berlin-1", "role/security-officer/NAME", "authority" */
	const uint8_t *pub;       /* x || y */
	const char *const *hosts; /* server certificate: DNS names and IP addresses; NULL for clients */
	time_t not_before, not_after;
};
int ca_issue(const struct es256 *ca, struct view ca_pem, const struct ca_request *q, char **pem, struct err *e);

/* ---- Dataset format, merestone-dataset(5) (dataset.c) ----
 * header 64 bytes: "MSTNDATA" u8 version=1, 3 zero bytes, be32 chunk size, be32 epoch, be32 0, 32-byte salt, 8 zero
 * bytes; then chunks: AES-256-GCM ciphertext || 16-byte tag, 64 KiB of plaintext each, the last one perhaps shorter
 * (and empty when the whole is); file key = HKDF(dataset key, "merestone dataset" || header || be16-prefixed domain ||
 * be16-prefixed dataset); nonce = be64 index || be32 last; so truncation, reordering, extension and a chunk of another
 * file are refused. Pipes will do for in and out. */
enum { DATASET_CHUNK = 64 * 1024, DATASET_HEADER = 64, DATASET_TAG = 16 };
int dataset_encrypt(int in, int out, const struct secret *key, const char *domain, const char *dataset, uint32_t epoch,
        struct err *e);
/* Writes only authenticated plaintext to out; on -1 what was written so far must be thrown away by the caller. */
int dataset_decrypt(int in, int out, const struct secret *key, const char *domain, const char *dataset, uint32_t *epoch,
        struct err *e);

/* ---- answer: keeper to door ---- */

struct answer {
	uint64_t ticket;
	enum why why;     /* HTTP status */
	struct view body; /* JSON; merestone-api(5) */
};
int answer_write(struct wr *w, const struct answer *a);
int answer_read(struct view in, struct answer *out, struct err *e);

/* One verdict to its answer: all of the keeper's work, without its loop. The body is written to w; ca_pem as in
 * ca_issue. A verdict is believed on its decision, not on its form: names, keys and attributes are checked again. On -1
 * w is as it was, and keeper_refuse() makes the answer. */
int keeper_answer(const struct keyring *k, struct view ca_pem, const char *trust_domain, const struct verdict *v,
        time_t now, struct wr *w, enum why *why, struct err *e);
/* The body of a refusal. nonce: the one for the next attempt, or NULL; never the hidden one of a credential. */
void keeper_refuse(struct wr *w, uint64_t case_no, const struct err *refusal, const uint8_t *nonce);

#endif
