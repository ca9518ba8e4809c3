/* runtime: what an imported runtime set holds. Private to runtime.c, runtime_import.c and imasig.c. */
#ifndef FIRMWARE_RUNTIME_H
#define FIRMWARE_RUNTIME_H

#include <openssl/evp.h>

#include "firmware/firmware.h"

struct runtime_file {                /* one name with one digest of it */
	uint32_t name_at, digest_at; /* into bytes */
	uint16_t name_n;
	uint8_t digest_n;
	bool verity;
};

struct imasig_key {
	uint32_t id; /* last four bytes of SHA-1 over the key: selects, proves nothing */
	EVP_PKEY *pkey;
	EVP_PKEY_CTX *verifier;
};

enum { IMASIG_SEEN = 1024, RUNTIME_PROBES = 32 };

struct runtime_slot { /* of a table that is at most half full */
	uint32_t hash;
	uint32_t file; /* 0: free, else one more than the number of the first file of that name */
};

struct runtime {
	struct runtime_file *file; /* sorted by name */
	uint8_t *bytes;
	struct runtime_slot *slot; /* a power of two of them; NULL: names crowd, and are found by halving */
	uint32_t slots;
	uint32_t files, excludes, keys;
	struct pathglob exclude[RUNTIME_EXCLUDES_MAX];
	struct imasig_key key[RUNTIME_KEYS_MAX];
	uint8_t (*seen)[PCR_LEN]; /* signatures that were good: a fleet runs the same files. Owned, NULL without keys */
};

/* By name, then by the order in which they were written. */
int runtime_order(const uint8_t *bytes, const struct runtime_file *f, struct view name);

/* Where the search for a name begins; it ends RUNTIME_PROBES later. Whoever runs files can choose names that crowd: then
 * there is no table. */
uint32_t runtime_hash(struct view name);

/* PEM of a public key or a certificate, P-256 or RSA of 2048 to 4096 bits. */
int imasig_key_import(const char *pem, struct imasig_key *out, struct err *e);
void imasig_key_free(struct imasig_key *k);
/* 0: a key of the set signed the entry's digest. -1: WHY_UNTRUSTED: not a signature, no such key, or not good. */
int imasig_check(const struct runtime *r, const struct ima_entry *x, struct err *e);

#endif
