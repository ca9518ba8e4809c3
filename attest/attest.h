/* attest: bytes to facts. What a TPM signed, what a machine claims, and how both are checked; the judge turns a
 * hostile request (an ask) into facts, the quoter on the cloudlet makes the evidence.
 * Sources: TPM 2.0 Library Part 1-3 (1.59), TCG EK Credential Profile 2.5, RFC 9334 for the words. */
#ifndef ATTEST_ATTEST_H
#define ATTEST_ATTEST_H

#include <stddef.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/es256.h"
#include "base/mem.h"
#include "base/name.h"
#include "base/rd.h"
#include "base/wr.h"
#include "firmware/firmware.h"
#include "geofence/geofence.h"

/* Limits on hostile input. */
enum {
	EVIDENCE_MAX = 384 * 1024, /* event log of at most 256 KiB, certificates, the header, some air */
	CLAIMS_MAX = 16 * 1024,    /* the JSON header: jansson is slow on large documents */
	CLAIMS_HOLDS_MAX = 64,     /* datasets one machine holds keys for */
	TPM_PUBLIC_MAX = 512,      /* RSA-4096 EK with policy and exponent is 338 bytes */
	TPM_ATTEST_MAX = 512,      /* a quote of ours is 145 bytes, a certification 161 */
	TPM_SIGNATURE_MAX = 600,
	EK_CERT_MAX = 4096,        /* largest vendor certificate seen: 1.6 KiB */
	EK_CHAIN_MAX = 4,          /* intermediates sent along */
	DOCUMENT_MAX = 512 * 1024, /* a fence of 20,000 vertices */
	QUERY_MAX = 192,           /* "document/reference/" and two names of 63 would be 146 */
	NONCE_LEN = 32,
	TPM_NAME_LEN = 34, /* 000B || SHA-256 */
};

/* ---- TPM structures (tpmpub.c, quote.c, certify.c) ---- */

struct tpm_pub { /* TPMT_PUBLIC of a P-256 key, nameAlg SHA-256 */
	uint32_t attributes;
	struct view policy;
	uint16_t sym;    /* 0x0010 NULL, 0x0006 AES */
	uint16_t scheme; /* 0x0010 NULL, 0x0018 ECDSA */
	uint8_t xy[ES256_PUB];
	uint8_t name[TPM_NAME_LEN]; /* computed here, never taken from the sender (A05b) */
	struct view bytes;
};

/* Exact consumption. Anything but ECC P-256 with SHA-256 is WHY_UNTRUSTED with a sentence that names what it is. */
int tpmpub_parse(struct view v, struct tpm_pub *out, struct err *e);
/* Refusals name the attribute (A04, A05): WHY_UNTRUSTED. */
int tpmpub_is_ak(const struct tpm_pub *k, struct err *e);  /* restricted sign, ECDSA-SHA256, fixedTPM.. noDA */
int tpmpub_is_srk(const struct tpm_pub *k, struct err *e); /* restricted decrypt, fixedTPM, AES-128-CFB, noDA */
int tpmpub_is_id(const struct tpm_pub *k, struct err *e);  /* unrestricted sign, fixedTPM, not decrypt */
/* Qualified name of a primary key in the endorsement hierarchy: 000B || H(4000000B || Name). */
void tpmpub_qualified(uint8_t out[TPM_NAME_LEN], uint32_t hierarchy, const uint8_t name[TPM_NAME_LEN]);

struct tpm_clock {
	uint64_t clock_ms;
	uint32_t reset_count, restart_count;
	bool safe;
};

struct quote {                        /* TPMS_ATTEST of type TPM_ST_ATTEST_QUOTE, sha256 bank */
	uint32_t mask;                /* exactly these registers */
	uint8_t signer[TPM_NAME_LEN]; /* qualifiedSigner */
	uint8_t extra[SHA_LEN];
	struct tpm_clock clock;
	uint64_t firmware;
	uint8_t pcr_digest[SHA_LEN];
	uint8_t hash[SHA_LEN]; /* of the attest bytes: what the signature is over */
};

/* Order of facts/attestation 3.5: form, magic, type, lengths, selection exactly mask, no trailing byte. WHY_MALFORMED
 * or WHY_FORGED. */
int quote_parse(struct view attest, uint32_t mask, struct quote *out, struct err *e);
/* TPMT_SIGNATURE: ECDSA with SHA-256 and nothing else (A20); r and s left-padded to 32 bytes. */
int quote_signature(struct view sig, uint8_t out[ES256_SIG], struct err *e);
/* Digest of the selected registers in ascending order. */
void quote_pcr_digest(uint8_t out[SHA_LEN], const struct pcrs *p, uint32_t mask);
/* The three checks that the decider repeats: signature by ak, signer, extra and PCR digest. WHY_FORGED, WHY_STALE for
 * extra. */
/* Two of them for one who does not know the nonce: signature and signer; register values. */
int quote_signed(const struct quote *q, const uint8_t sig[ES256_SIG], const struct tpm_pub *ak, struct err *e);
int quote_registers(const struct quote *q, const struct pcrs *pcrs, struct err *e);
int quote_check(const struct quote *q, const uint8_t sig[ES256_SIG], const struct tpm_pub *ak,
        const uint8_t extra[SHA_LEN], const struct pcrs *pcrs, struct err *e);

/* TPM2_Certify output: type 0x8017, signed by ak, about the key of that Name, extraData == extra. */
int certify_check(struct view attest, struct view sig, const struct tpm_pub *ak, const struct tpm_pub *subject,
        const uint8_t extra[SHA_LEN], struct err *e);

/* TPM2_NV_Certify output: type 0x8014, signed by ak, about the index of that Name, whose whole contents these are. */
int certify_nv(struct view attest, struct view sig, const struct tpm_pub *ak, const uint8_t extra[SHA_LEN],
        const uint8_t name[TPM_NAME_LEN], const uint8_t contents[SHA_LEN], struct err *e);

/* The same about the revocation counter (counter.c): *value is what it stands at, at least 1. */
int certify_counter(struct view attest, struct view sig, const struct tpm_pub *ak, const uint8_t extra[SHA_LEN],
        uint64_t *value, struct err *e);

/* ---- A public key from outside that a TPM verifies with: TPM2_LoadExternal (extkey.c), pure ---- */

enum { EXTKEY_PUBLIC = 88 };
/* TPMT_PUBLIC and Name as the TPM computes them. */
void extkey_public(uint8_t out[EXTKEY_PUBLIC], const uint8_t xy[ES256_PUB]);
void extkey_name(uint8_t out[TPM_NAME_LEN], const uint8_t xy[ES256_PUB]);

/* ---- The Name of an NV index as a TPM computes it: TPM 2.0 Part 1 16 (nvname.c), pure ---- */

#define NV_WRITTEN 0x20000000u /* among the attributes from the first write on, and so in the Name */
/* policy: of SHA_LEN bytes, or empty. */
void nvname(uint8_t out[TPM_NAME_LEN], uint32_t place, uint32_t attributes, struct view policy, uint16_t size);

/* ---- The geo tag, merestone-tag(5): where one machine stands, by an officer's word (tag.c, tagindex.c) ---- */

enum { TAG_MAX = 362 }; /* both names at their longest */
#define TAG_TIME_MAX (INT64_C(1) << 53)

struct tag {
	uint64_t serial;               /* from 1; greater for each new tag */
	int64_t not_before, not_after; /* seconds since the epoch */
	uint8_t ek[SHA_LEN];           /* of the machine's TPMT_PUBLIC */
	struct fix fix;                /* whole 1e-7 degrees and millimetres */
	uint8_t map[SHA_LEN];          /* digest of the map it was measured on; zero when none is named */
	char machine[NAME_CAP], site[NAME_CAP];
	uint8_t officer[ES256_PUB]; /* whose word it is; whether that is an officer is for the decider to say */
	uint8_t signature[ES256_SIG];
	uint8_t content[SHA_LEN]; /* what the signature is over */
	uint8_t digest[SHA_LEN];  /* of the whole tag: what the TPM holds */
};

/* The JSON files between machine and officer, merestone-tag(5). */
#define TAG_REQUEST_FORMAT "merestone-tag-request/1"
#define TAG_ANSWER_FORMAT  "merestone-tag-answer/1"

/* Exact form; the signature is not looked at. WHY_MALFORMED. */
int tag_parse(struct view v, struct tag *out, struct err *e);
/* Whether its officer signed it: WHY_FORGED. */
int tag_signed(const struct tag *t, struct err *e);
/* Signs; t's position is rounded as the form has it, the radius upwards. officer, signature and digests of *t are set.
 * WHY_MALFORMED when tag_parse() would refuse it. */
int tag_sign(struct wr *w, const struct es256 *officer, struct tag *t, struct err *e);

/* The NV index: read by anybody, written with the officer's signature over the TPM's nonce and the command. */
#define TAGINDEX            0x01800100u
#define TAGINDEX_ATTRIBUTES 0x02040008u /* AUTHREAD, POLICYWRITE, NO_DA */
void tagindex_ref(uint8_t out[SHA_LEN]);
void tagindex_policy(uint8_t out[SHA_LEN], const uint8_t officer[ES256_PUB]);
void tagindex_name(uint8_t out[TPM_NAME_LEN], const uint8_t officer[ES256_PUB], bool written);
/* The Name that the index will have when it is next written: its present one, if this officer's tag was in it. */
void tagindex_next_name(uint8_t out[TPM_NAME_LEN], const uint8_t officer[ES256_PUB], struct view present);
/* cpHashA of TPM2_NV_Write of the digest to the index of that Name. */
void tagindex_command(uint8_t out[SHA_LEN], const uint8_t name[TPM_NAME_LEN], const uint8_t digest[SHA_LEN]);
/* What the officer signs for TPM2_PolicySigned: this command, in the session of this nonce. */
void tagindex_permission(uint8_t out[SHA_LEN], const uint8_t nonce[NONCE_LEN], const uint8_t command[SHA_LEN]);

/* ---- Distance bounds, merestone-bound(5): what landmarks measured (bound.c) ---- */

enum {
	BOUND_MAX = 279,       /* a statement with its name at its longest */
	BOUNDS_MAX = 16,       /* landmarks in one evidence: each is a round of measurement */
	BOUND_ROUNDS_MIN = 20, /* of which the fastest counts: fewer say more of the network than of the distance */
	BOUNDS_PART_MAX = ES256_PUB + BOUNDS_MAX * (2 + BOUND_MAX),
	BOUND_AGE_MAX_S = 60, /* between the measurement and the decision; clocks may differ by as much */
};
#define BOUND_RTT_MAX_NS UINT64_C(1000000000) /* light goes around the earth seven times */

struct bound {
	char landmark[NAME_CAP];
	uint8_t context[SHA_LEN];    /* bound_context(): for which evidence it was measured */
	uint8_t prover[ES256_PUB];   /* who answered */
	uint8_t transcript[SHA_LEN]; /* of the rounds */
	uint32_t rounds;
	uint64_t rtt_ns; /* of the fastest round; nothing is taken off */
	int64_t time;    /* by the landmark's clock, in seconds since the epoch */
	uint8_t signature[ES256_SIG];
	uint8_t content[SHA_LEN]; /* what the signature is over */
};

/* Exact form; the signature is not looked at. WHY_MALFORMED. */
int bound_parse(struct view v, struct bound *out, struct err *e);
/* Whether the landmark of that key signed it: WHY_FORGED. */
int bound_signed(const struct bound *b, const uint8_t key[ES256_PUB], struct err *e);
/* Signature and content of b are not read. WHY_MALFORMED when bound_parse() would refuse it. */
int bound_sign(struct wr *w, const struct es256 *key, const struct bound *b, struct err *e);
/* Metres that the prover is away at the most: no signal is faster than light. It may be nearer. */
double bound_m(const struct bound *b);
/* tls_key: digest as in the claims. The nonce makes it of one evidence, the key and the name of one machine. */
void bound_context(
        uint8_t out[SHA_LEN], const uint8_t nonce[NONCE_LEN], const uint8_t tls_key[SHA_LEN], const char *machine);

struct bounds { /* PART_BOUNDS: the prover's key in this boot, then the statements about it */
	uint8_t prover[ES256_PUB];
	size_t n; /* from 1; no landmark twice */
	struct bound bound[BOUNDS_MAX];
};
/* WHY_MALFORMED; *out is then not to be used. */
int bounds_parse(struct view part, struct bounds *out, struct err *e);

/* ---- The revocation counter (counter.c): leases are signed for one value of it, merestone-lease(5) ---- */

#define COUNTER            0x01800101u
#define COUNTER_ATTRIBUTES 0x02040014u /* AUTHREAD, AUTHWRITE, COUNTER, NO_DA: whoever raises it can only end leases */
enum {
	COUNTER_LEN = 8,
	/* Extended when leases end: PolicyNV is checked when it runs, not at Unseal, but an extend ends every session that
	 * waits. The quote shows it; it decides nothing. */
	ENDED_PCR = 14,
};
void counter_name(uint8_t out[TPM_NAME_LEN]); /* once written */
/* What ENDED_PCR is extended by when the counter reaches that value: H("merestone lease end" || be64). */
void counter_mark(uint8_t out[SHA_LEN], uint64_t value);

/* ---- Endorsement (ekpub.c, ekroots.c, ekcert.c, credential.c) ---- */

enum { EK_KEY_MAX = 384 }; /* RSA-3072 */
enum ek_type { EK_RSA2048, EK_RSA3072, EK_P256, EK_P384 };

struct ek_pub { /* TPMT_PUBLIC that a template of the TCG EK Credential Profile 2.5, B.3 and B.4, gives */
	enum ek_type type;
	bool high;               /* of the high range: its policy is PolicyB, not PolicyA */
	uint16_t name_alg;       /* 0x000b SHA-256, 0x000c SHA-384 */
	uint8_t key[EK_KEY_MAX]; /* modulus (the exponent is 65537), or x || y */
	size_t nkey;
	struct view bytes;
};

/* Templates L-1, L-2, H-1, H-2, H-3 and H-6, each checked to the last bit. WHY_MALFORMED; WHY_UNTRUSTED when it is
 * another key, or an RSA key whose primes can be found (A29). */
int ekpub_parse(struct view v, struct ek_pub *out, struct err *e);

struct ekroots; /* pinned vendor roots and known intermediates */
/* Each must be a certification authority with a key of ordinary size. Empty PEM pins nothing. */
struct ekroots *ekroots_read(struct view pem, struct err *e);
size_t ekroots_count(const struct ekroots *r);
void ekroots_free(struct ekroots *r);
AUTO_DEFINE(struct ekroots *, ekroots_free)

/* The certificate alone: size, form, usage, the TPM's maker in it, and the key is ek's. WHY_MALFORMED, WHY_UNTRUSTED, or
 * WHY_FORGED when it is another key's. Wrappers and padding of NV memory are cut off. */
int ekcert_form(struct view cert, const struct view *chain, size_t nchain, const struct ek_pub *ek, struct err *e);
/* The same, and its chain ends at a pinned root: signatures, CA flags, path lengths, validity at `now`, and that vendor
 * may speak for that maker (A38). An issuer that has expired since it issued is taken; *expired says so, for the log.
 * Nothing is fetched from a URL in a certificate (A45). WHY_UNTRUSTED when no pinned vendor stands behind it. */
int ekcert_check(const struct ekroots *r, struct view cert, const struct view *chain, size_t nchain,
        const struct ek_pub *ek, time_t now, bool *expired, struct err *e);
/* Cuts PART_EK_CHAIN into its certificates: how many, or -1 WHY_MALFORMED. */
int ekcert_chain(struct view part, struct view chain[EK_CHAIN_MAX], size_t *n, struct err *e);

enum { CREDENTIAL_SECRET_MAX = 2 + EK_KEY_MAX };

struct credential { /* TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET for TPM2_ActivateCredential, with their sizes in front
	             */
	uint8_t blob[96], secret[CREDENTIAL_SECRET_MAX];
	size_t nblob, nsecret;
};
/* TPM2_MakeCredential in software, by the algorithms of ek: hides `nonce` for the TPM that holds ek and the key of that
 * Name. */
int credential_make(const struct ek_pub *ek, const uint8_t name[TPM_NAME_LEN], const uint8_t nonce[NONCE_LEN],
        struct credential *out, struct err *e);

/* ---- What TPMs derive and encrypt with (tpmkdf.c), also used to seal (keystore) ---- */

/* TPM 2.0 Part 1 11.4.10: KDFa and KDFe with SHA-256; bits up to 256. */
void tpm_kdfa(uint8_t *out, size_t bits, struct view key, const char *label, struct view u, struct view v);
void tpm_kdfe(uint8_t *out, size_t bits, struct view z, const char *label, struct view u, struct view v);
/* Ephemeral P-256 key against pub: z.x and the ephemeral point; the seed is the caller's KDFe. */
int tpm_ecdh(const uint8_t pub[ES256_PUB], uint8_t z[32], uint8_t eph[ES256_PUB], struct err *e);
/* AES-128-CFB, iv zero, in place. */
int tpm_cfb(const uint8_t key[16], uint8_t *p, size_t n, struct err *e);

/* ---- Evidence: the parts container, merestone-evidence(5) (evidence.c, claims.c) ---- */

enum part {
	PART_CLAIMS = 1, /* JSON header */
	PART_QUOTE,      /* TPMS_ATTEST */
	PART_QUOTE_SIG,  /* TPMT_SIGNATURE */
	PART_PCRS,       /* the registers of claims_mask(), ascending, 32 bytes each */
	PART_EVENTLOG,
	PART_AK, /* TPMT_PUBLIC */
	PART_EK,
	PART_ID,
	PART_SRK,
	PART_ID_CERTIFY,
	PART_ID_CERTIFY_SIG,
	PART_SRK_CERTIFY,
	PART_SRK_CERTIFY_SIG,
	PART_EK_CERT,  /* DER */
	PART_EK_CHAIN, /* DER certificates one after the other, be16 length each */
	PART_IMA,      /* u8: 1 when more entries follow in the next evidence, then new entries of the runtime list */
	PART_TAG,      /* the signed geo tag */
	PART_TAG_CERTIFY, /* TPMS_ATTEST of the NV index that holds its digest */
	PART_TAG_CERTIFY_SIG,
	PART_BOUNDS,          /* struct bounds: what landmarks measured */
	PART_COUNTER_CERTIFY, /* TPMS_ATTEST of the revocation counter */
	PART_COUNTER_CERTIFY_SIG,
	PART_COUNT
};

struct evidence {
	struct view part[PART_COUNT]; /* .p NULL: not there */
};

/* "MSE1", then parts {u8 kind, be32 length, bytes} in strictly ascending order, claims first, exact end. */
int evidence_parse(struct view v, struct evidence *out, struct err *e);
void evidence_write(struct wr *w, const struct evidence *ev);
/* extraData = H(nonce || H(claims) || H(each further part that is not signed by itself), in order of kind). */
void evidence_binding(uint8_t out[SHA_LEN], const uint8_t nonce[NONCE_LEN], const struct evidence *ev);
/* The same from the digests that travel in facts: n digests, claims first. */
void evidence_binding_of(
        uint8_t out[SHA_LEN], const uint8_t nonce[NONCE_LEN], const uint8_t digests[][SHA_LEN], size_t n);
/* log: the digest of the event log where it is known, else NULL. */
size_t evidence_digests(const struct evidence *ev, const uint8_t *log, uint8_t digests[PART_COUNT][SHA_LEN]);

struct claims { /* the header, parsed */
	char machine[NAME_CAP];
	char version[32]; /* of the agent */
	bool has_fix;
	struct fix fix;            /* L1: declared */
	bool has_gnss;             /* there is a receiver */
	struct gnss gnss;          /* L3: and this is what it says */
	uint8_t tls_key[SHA_LEN];  /* SHA-256 of the ID key's x || y */
	uint8_t eventlog[SHA_LEN]; /* SHA-256 of the boot log, sent or not */
	bool wants_certificate;
	uint8_t holds[CLAIMS_HOLDS_MAX][SHA_LEN]; /* policy references of the sealed keys it still has */
	size_t nholds;
	bool has_ima;        /* the machine has a runtime list: the quote covers IMA_MASK too */
	uint64_t ima_offset; /* entries that the authority has seen */
};

enum { IMA_OFFSET_BITS = 40 }; /* a million entries each second for twelve days */
/* What a quote covers: registers that decide, and the one that shows that leases ended. */
#define ENDED_MASK (1u << ENDED_PCR)
#define QUOTE_MASK (PCR_MASK | ENDED_MASK)
static inline uint32_t claims_mask(const struct claims *c)
{
	return c->has_ima ? IMA_MASK | ENDED_MASK : QUOTE_MASK;
}

/* Names the sealed key of a dataset: H(be16-prefixed domain || be16-prefixed dataset || be32 epoch || be32 generation).
 * It is the policyRef of its leases, merestone-lease(5), and how a machine says which keys it still holds (policyref.c). */
void policyref(uint8_t out[SHA_LEN], const char *domain, const char *dataset, uint32_t epoch, uint32_t generation);

int claims_parse(struct view v, struct claims *out, struct err *e);
int claims_write(struct wr *w, const struct claims *c, struct err *e);

/* ---- ask: door to judge ---- */

/* typ of the JWS that an ASK_DOCUMENT carries; policy.h names it TYP_DOCUMENT */
#define ASK_DOCUMENT_TYP "merestone-document+jws"

enum ask_kind { ASK_ENROL = 1, ASK_ACTIVATE, ASK_ATTEST, ASK_DOCUMENT, ASK_QUERY, ASK_KINDS };
enum role { ROLE_NONE, ROLE_CLOUDLET, ROLE_OFFICER, ROLE_OPERATOR, ROLE_AUDITOR, ROLE_COUNT };

struct ask {
	uint64_t ticket; /* the door's name for the connection that waits */
	enum ask_kind kind;
	enum role role;      /* what the door says of the peer: good enough for reading, never for trust */
	char peer[NAME_CAP]; /* machine or person in the client certificate, "" without one */
	struct view body;    /* evidence container, compact JWS, or "what/name" of a query */
};

int ask_write(struct wr *w, const struct ask *a);
int ask_read(struct view v, struct ask *a, struct err *e);
const char *ask_kind_name(enum ask_kind k); /* "enrol", "activate", "attest", "document", "query" */
const char *role_name(enum role r);         /* "cloudlet", "security-officer", "operations-manager", "auditor" */

/* ---- facts: judge to decider ---- */

struct facts_enrol {
	char machine[NAME_CAP];
	struct view ek, ak, id, srk; /* TPMT_PUBLIC, parsed and checked by the judge */
	/* As in the parts; empty without a certificate. Well formed and of this ek; whether its chain ends at a pinned
	 * root is for the decider to say, which has the roots and knows what officers approved by hash. */
	struct view ek_cert, ek_chain;
};

struct facts_attest {
	struct claims claims;
	struct view quote; /* TPMS_ATTEST */
	uint8_t quote_sig[ES256_SIG];
	uint8_t digests[PART_COUNT][SHA_LEN]; /* what the binding is over */
	uint32_t ndigests;
	struct view ak;   /* TPMT_PUBLIC the judge checked the signature with */
	struct pcrs pcrs; /* quoted registers; others zero */
	bool has_log;
	struct boot boot; /* when has_log: replayed, and it explains every quoted register */
	/* When claims.has_ima: whole entries from claims.ima_offset on, of good form. What they say, and whether they give
	 * the register, is for the decider to find out: it walks them again. */
	struct view ima;
	bool ima_more;
	/* The signed geo tag and what the TPM says of its index; empty without one. */
	struct view tag, tag_certify, tag_certify_sig;
	struct view bounds; /* PART_BOUNDS, of good form; empty without one. Whose words they are is for the decider. */
	/* What the TPM says of its revocation counter; empty when it says nothing. */
	struct view counter_certify, counter_certify_sig;
	/* ASK_ACTIVATE only: */
	struct view id, srk, id_certify, id_certify_sig, srk_certify, srk_certify_sig;
	uint32_t nmeasured;
	struct measured measured[MEASURED_MAX]; /* last: what is past nmeasured is never cleared, nor read */
};

struct facts {
	uint64_t ticket;
	enum ask_kind kind;
	enum role role;
	char peer[NAME_CAP];
	uint8_t ask_digest[SHA_LEN]; /* SHA-256 of the ask's body, by the judge's supervisor: what the record names */
	struct err refusal; /* why != WHY_NONE: the judge refuses; of the rest only the machine (in enrol and in
	                     * attest.claims) is set, as far as it was read: "" or what the sender called itself */
	struct facts_enrol enrol;
	struct view text;           /* ASK_DOCUMENT: the compact JWS; ASK_QUERY: "what/name" */
	struct facts_attest attest; /* last, for its measured events */
};

static inline void facts_clear(struct facts *f)
{
	_Static_assert(offsetof(struct facts, attest.measured) + sizeof f->attest.measured == sizeof *f, "it is last");
	memset(f, 0, offsetof(struct facts, attest.measured));
}
/* Views point into the message. The reader checks every range again: a judge may be hostile. */
int facts_write(struct wr *w, const struct facts *f);
int facts_read(struct view v, struct facts *out, struct err *e);

/* One ask to facts: pure but for the heap that JSON, JWS and X.509 need. Used by the judge's workers, tests and fuzzers.
 * Views in *out point into ask. A refusal is facts too (out->refusal); -1 only when the ask itself cannot be read.
 * ask_digest stays zero. */
int judge_ask(struct view ask, struct facts *out, struct err *e);

/* ---- The TPM itself (tpm.c), only in the quoter; keystore's unseal.c works on it too. ESAPI's types are named here
 * without its headers: an ESYS_TR is a uint32_t, a TSS2_RC is a uint32_t. ---- */

struct ESYS_CONTEXT;

struct tpm {
	struct ESYS_CONTEXT *esys;
	void *tcti;       /* TSS2_TCTI_CONTEXT */
	uint32_t srk, ak; /* handles of the two persistent keys, once tpmkeys_open() has checked them */
};

/* tcti as in tpm2-tss: "swtpm:path=...", "device:/dev/tpmrm0". Loads a library: call it before the sandbox. */
int tpm_open(struct tpm *t, const char *tcti, struct err *e);
void tpm_close(struct tpm *t);
/* Starts ESAPI anew on the same link: handles are gone. Opens no file. */
int tpm_again(struct tpm *t, struct err *e);
/* The TPM's refusal in words, with its code behind: "sentence (TPM 0x1c4)". A TPM that is not there or in lockout is
 * WHY_SYSTEM whatever `why` says. Always returns -1. */
int tpm_fail(struct err *e, uint32_t rc, enum why why, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Flushes what *handle names, if anything, and forgets it. */
void tpm_flush(struct tpm *t, uint32_t *handle);
/* A policy session salted with the SRK, whose responses are encrypted (AES-128-CFB). tpm_flush() ends it. */
int tpm_session(struct tpm *t, uint32_t *session, struct err *e);
/* The same for policies of another hash than SHA-256. */
int tpm_session_by(struct tpm *t, uint16_t hash, uint32_t *session, struct err *e);
/* Writes over the last response: a secret must not stay in ESAPI's buffer. */
void tpm_scrub(struct tpm *t);
int tpm_clock(struct tpm *t, struct tpm_clock *out, struct err *e);

/* ---- quoter: the process that owns the TPM, asked by the agent over a socketpair (quoter.c, quoterclient.c) ---- */

struct lease_use; /* keystore.h: a lease and a sealed key, ready to be used */
struct quoter;    /* the agent's end */

enum { QUOTER_WITH_LOG = 1, QUOTER_WITH_CERTIFY = 2, QUOTER_WITH_IMA = 4 };

struct quoter_status {
	struct tpm_clock clock;
	uint8_t id[ES256_PUB];     /* the TLS key */
	uint8_t eventlog[SHA_LEN]; /* digest of the boot log as it is now; zero when there is none */
	bool has_ima;              /* there is a runtime list */
};

/* Starts libexec_dir/quoter with nothing inherited but its socket. state_dir: the agent's; the wrapped keys
 * live in its directory quoter/. ima: the kernel's binary runtime list, or "" for none. */
struct quoter *quoter_start(const char *libexec_dir, const char *state_dir, const char *tcti, const char *eventlog,
        const char *ima, struct err *e);
/* The same for one that somebody else started: fd is the other end of its socket. It is waited for until it is ready. */
struct quoter *quoter_attach(int fd, struct err *e);
void quoter_stop(struct quoter *q);
AUTO_DEFINE(struct quoter *, quoter_stop)
/* True once it can not be asked any more: a new one must be started. */
bool quoter_ended(const struct quoter *q);
int quoter_status(struct quoter *q, struct quoter_status *out, struct err *e);
/* An enrolment: parts AK EK ID SRK and the certificates, with these claims in front. The caller frees. */
int quoter_keys(struct quoter *q, struct view claims, uint8_t **container, size_t *n, struct err *e);
int quoter_activate(struct quoter *q, struct view blob, struct view secret, uint8_t nonce[NONCE_LEN], struct err *e);
/* ima_at: where in the runtime list, in bytes, the entry behind claims.ima_offset begins.
 * counter: where the authority knows the revocation counter to stand, 0 for nowhere: the TPM's word about it goes along when
 * it stands elsewhere. WHY_STALE: it is gone.
 * tag: the signed geo tag of this machine, or empty. It goes along only when the TPM has an index to certify.
 * bounds: what PART_BOUNDS is to hold, or empty. */
int quoter_evidence(struct quoter *q, unsigned flags, const uint8_t nonce[NONCE_LEN], uint64_t ima_at, uint64_t counter,
        struct view claims, struct view tag, struct view bounds, uint8_t **container, size_t *n, struct err *e);

struct quoter_tag { /* what an officer must know to sign a tag for this machine and permit that it is written */
	uint8_t ek[SHA_LEN];
	uint8_t nonce[NONCE_LEN]; /* of the session that waits in the TPM */
	uint8_t index[TPM_NAME_LEN];
	size_t nindex; /* 0: the TPM has no such index */
};
/* Begins a session for one write of the tag; the one before it ends. It waits across processes, not across restarts. */
int quoter_tag_request(struct quoter *q, struct quoter_tag *out, struct err *e);
/* Writes the digest of a signed tag of this TPM. permission: the officer's signature over tagindex_permission().
 * WHY_STALE: it is for another request. */
int quoter_tag_write(struct quoter *q, struct view tag, const uint8_t permission[ES256_SIG], struct err *e);
/* Ends every lease on this machine, also for sessions that were prepared before: merestone-lease(5). */
int quoter_end_leases(struct quoter *q, struct err *e);
/* Signs the content of a TLS 1.3 client CertificateVerify (RFC 8446 4.4.3) and refuses any other bytes. */
int quoter_sign(struct quoter *q, struct view content, uint8_t sig[ES256_SIG], struct err *e);
/* Unseals for this one use and encrypts or decrypts in -> out; the key never leaves the quoter. The TPM's refusal is
 * WHY_STALE (deadline, boot counters) or WHY_UNTRUSTED (registers, signature, other machine), in words. */
int quoter_stream(struct quoter *q, bool encrypt, int in, int out, const struct lease_use *use, struct err *e);

/* ---- prover: the process that landmarks measure, asked by the agent (prover.c, proverclient.c) ---- */

struct prover;
struct prover_landmark { /* as in the agent's configuration */
	char name[NAME_CAP];
	char address[64]; /* "IP:PORT" */
	uint8_t key[ES256_PUB];
};
/* Starts libexec_dir/prover with nothing inherited but its socket. Its key is as old as the process. */
struct prover *prover_start(const char *libexec_dir, struct err *e);
void prover_stop(struct prover *p); /* NULL is fine */
AUTO_DEFINE(struct prover *, prover_stop)
/* What PART_BOUNDS holds; *npart 0 when no landmark measured in time. WHY_SYSTEM: it must be started again. */
int prover_measure(struct prover *p, const uint8_t context[SHA_LEN], const struct prover_landmark *l, size_t n,
        uint8_t part[BOUNDS_PART_MAX], size_t *npart, struct err *e);

#endif
