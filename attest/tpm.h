/* tpm: what the quoter's own files share: the keys of a cloudlet's TPM, what they sign, what its NV memory holds.
 * Key templates: TCG EK Credential Profile 2.5, TCG TPM v2.0 Provisioning Guidance 7.5.1 (SRK). */
#ifndef ATTEST_TPM_H
#define ATTEST_TPM_H

#include <tss2/tss2_esys.h>

#include "attest/attest.h"

/* Where the two persistent keys live: TCG's place for an SRK, and one of the owner's for the AK. */
#define TPMKEYS_SRK 0x81000001u
#define TPMKEYS_AK  0x81010010u

struct tpmblob { /* a marshalled structure */
	size_t n;
	uint8_t b[TPM_PUBLIC_MAX];
};
#define TPMBLOB(blob) VIEW((blob).b, (blob).n)

/* tpmtemplate.c */
TPM2B_PUBLIC tpmtemplate_srk(void);
TPM2B_PUBLIC tpmtemplate_ak(void);
TPM2B_PUBLIC tpmtemplate_id(void);

/* tpmkeys.c, tpmstate.c. The file "keys" in the state directory holds all four: it says which TPM the state is of. */
struct tpmkeys {
	struct tpmblob srk, ak, id; /* TPMT_PUBLIC */
	struct tpmblob id_private;  /* TPM2B_PRIVATE contents, wrapped by the SRK */
	uint8_t id_xy[ES256_PUB];
};

/* Finds the machine's keys, or makes them when dirfd has no state yet: t->srk and t->ak are theirs afterwards.
 * State of another TPM, and a foreign key in our place, are WHY_UNTRUSTED; nothing is written to the TPM then. */
int tpmkeys_open(struct tpm *t, int dirfd, struct tpmkeys *out, struct err *e);
/* The same keys through a library that starts anew, over the link that is there. */
int tpmkeys_again(struct tpm *t, const struct tpmkeys *k, struct err *e);
/* The ID key, loaded: the caller flushes. Each use loads it anew, so a restarted TPM needs no notice. */
int tpmkeys_id(struct tpm *t, const struct tpmkeys *k, ESYS_TR *id, struct err *e);
/* A primary key of that template: the caller flushes. */
int tpmkeys_primary(struct tpm *t, ESYS_TR hierarchy, const TPM2B_PUBLIC *template, ESYS_TR *key, struct tpmblob *pub,
        struct err *e);

/* 1: read; 0: there is none; -1: refused. */
int tpmstate_read(int dirfd, struct tpmkeys *out, struct err *e);
int tpmstate_write(int dirfd, const struct tpmkeys *k, struct err *e);

/* tpmek.c: the endorsement key that the vendor made a certificate for. */
enum tpmek_template { TPMEK_L2, TPMEK_H2, TPMEK_H3, TPMEK_L1, TPMEK_H1, TPMEK_H6, TPMEK_TEMPLATES };

struct tpmek {
	ESYS_TR key;
	struct tpmblob pub;
	uint16_t name_alg;
	bool high;
	uint32_t certificate; /* its NV index, 0: there is none */
};
/* The first in the order above whose certificate is in NV memory, or else that of L-2. The caller flushes key. */
int tpmek_open(struct tpm *t, struct tpmek *out, struct err *e);
/* That template's key, by the vendor's own template or nonce when NV memory has one. */
int tpmek_make(struct tpm *t, enum tpmek_template which, struct tpmek *out, struct err *e);
/* A session that may use the key. The caller flushes. */
int tpmek_session(struct tpm *t, const struct tpmek *ek, ESYS_TR *session, struct err *e);

/* tpmnv.c */
struct tpmnv_index {
	ESYS_TR nv, reader; /* the reader's password is empty */
	TPM2B_NAME name;
	uint16_t size; /* of what is in it; 0: nothing was ever written */
};
/* 1: there, until tpmnv_forget(); 0: there is no such index. */
int tpmnv_find(struct tpm *t, uint32_t place, struct tpmnv_index *out, struct err *e);
void tpmnv_forget(struct tpm *t, struct tpmnv_index *x); /* one that was not found is fine */
/* Appends the index to buf. 1: read; 0: there is none, or nothing was ever written to it. */
int tpmnv_read(struct tpm *t, uint32_t place, uint8_t *buf, size_t cap, size_t *n, struct err *e);
/* The vendor's certificate as the index has it, and the certificates that lead to it as be16-prefixed DER. */
struct tpmnv {
	size_t ncert, nchain;
	uint8_t cert[EK_CERT_MAX];
	uint8_t chain[EK_CHAIN_MAX * (EK_CERT_MAX + 2)];
};
int tpmnv_certificates(struct tpm *t, uint32_t place, struct tpmnv *out, struct err *e);

/* tpmquote.c */
struct tpmsigned { /* what the AK signed */
	size_t nattest, nsig;
	uint8_t attest[TPM_ATTEST_MAX], sig[TPM_SIGNATURE_MAX];
};
/* The registers of mask; the others are zero. */
int tpmquote_pcrs(struct tpm *t, uint32_t mask, struct pcrs *out, struct err *e);
/* 0: a quote of exactly these registers; 1: they have moved since they were read; -1: refused. */
int tpmquote_quote(struct tpm *t, uint32_t mask, const uint8_t extra[SHA_LEN], const struct pcrs *pcrs,
        struct tpmsigned *out, struct err *e);
int tpmquote_certify(struct tpm *t, ESYS_TR object, const uint8_t extra[SHA_LEN], struct tpmsigned *out, struct err *e);
int tpmquote_activate(struct tpm *t, struct view blob, struct view secret, uint8_t nonce[NONCE_LEN], struct err *e);
/* ECDSA by a loaded, unrestricted key over a digest. */
int tpmquote_sign(struct tpm *t, ESYS_TR key, const uint8_t digest[SHA_LEN], uint8_t sig[ES256_SIG], struct err *e);
/* The AK's word about the first `size` bytes of an NV index that authorises itself with an empty password (tpmnv.c). */
int tpmnv_certify(struct tpm *t, uint32_t place, uint16_t size, const uint8_t extra[SHA_LEN], struct tpmsigned *out,
        struct err *e);
/* What came of a signing command, copied. */
int tpmquote_signed(const TPM2B_ATTEST *attest, const TPMT_SIGNATURE *sig, struct tpmsigned *out, struct err *e);
/* The selection of the sha256 bank that a mask means. */
TPML_PCR_SELECTION tpmquote_selection(uint32_t mask);

/* tpmcounter.c */
/* Makes the revocation counter unless it is there, in the place of whatever else stands there. */
int tpmcounter_make(struct tpm *t, struct err *e);
/* 1: it is there, written and with no other attributes; 0: not. */
int tpmcounter_there(struct tpm *t, struct err *e);
/* What it stands at; 0 when it is not there. */
int tpmcounter_value(struct tpm *t, uint64_t *out, struct err *e);
int tpmcounter_certify(struct tpm *t, const uint8_t extra[SHA_LEN], struct tpmsigned *out, struct err *e);
/* Raises the counter, which ends every lease, and extends ENDED_PCR, which ends every session that waits. */
int tpmcounter_end_leases(struct tpm *t, struct err *e);
/* The latter alone. */
int tpmcounter_bump(struct tpm *t, const uint8_t digest[SHA_LEN], struct err *e);

/* tpmtag.c; fd: a file of the state that holds the session between request and write. */
/* 1: the geo tag's NV index is there and was written; 0: not; -1: WHY_SYSTEM. */
int tpmtag_written(struct tpm *t, struct err *e);
/* The AK's word about what it holds. */
int tpmtag_certify(struct tpm *t, const uint8_t extra[SHA_LEN], struct tpmsigned *out, struct err *e);
/* Fills all of *out but the EK. */
int tpmtag_request(struct tpm *t, int fd, struct quoter_tag *out, struct err *e);
int tpmtag_write(struct tpm *t, int fd, const struct tag *tag, const uint8_t permission[ES256_SIG], struct err *e);

#endif
