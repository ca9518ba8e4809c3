/* quote: what every TPMS_ATTEST begins with, for quote.c and certify.c only. TPM 2.0 Part 2 10.12.12. */
#ifndef ATTEST_QUOTE_H
#define ATTEST_QUOTE_H

#include "attest/attest.h"

#define TPM_RH_ENDORSEMENT 0x4000000bu

enum { ST_ATTEST_NV = 0x8014, ST_ATTEST_CERTIFY = 0x8017, ST_ATTEST_QUOTE = 0x8018 };

struct attest_head {
	uint8_t signer[TPM_NAME_LEN]; /* qualifiedSigner */
	uint8_t extra[SHA_LEN];
	struct tpm_clock clock;
	uint64_t firmware;
};

/* Reads as far as the attested part; the caller reads that and asks for the end. Form is WHY_MALFORMED, another type
 * WHY_FORGED: it is a real structure that was meant to mean something else. */
int quote_head(struct rd *r, uint16_t type, struct attest_head *out, struct err *e);

#endif
