/* tpmpub: the numbers of TPMT_PUBLIC (TPM 2.0 Part 2 6.3, 8.3). Private to attest/. */
#ifndef ATTEST_TPMPUB_H
#define ATTEST_TPMPUB_H

#include "attest/attest.h"

enum {
	ALG_RSA = 0x0001,
	ALG_AES = 0x0006,
	ALG_KEYEDHASH = 0x0008,
	ALG_SHA1 = 0x0004,
	ALG_SHA256 = 0x000b,
	ALG_SHA384 = 0x000c,
	ALG_NULL = 0x0010,
	ALG_ECDSA = 0x0018,
	ALG_ECC = 0x0023,
	ALG_CFB = 0x0043,
	CURVE_P256 = 0x0003,
	CURVE_P384 = 0x0004,
	POLICY_MAX = 64, /* the largest digest a TPM knows */
};

/* TPMA_OBJECT */
enum {
	FIXED_TPM = 1 << 1,
	ST_CLEAR = 1 << 2,
	FIXED_PARENT = 1 << 4,
	SENSITIVE_DATA_ORIGIN = 1 << 5,
	USER_WITH_AUTH = 1 << 6,
	ADMIN_WITH_POLICY = 1 << 7,
	NO_DA = 1 << 10,
	ENCRYPTED_DUPLICATION = 1 << 11,
	RESTRICTED = 1 << 16,
	DECRYPT = 1 << 17,
	SIGN = 1 << 18,
	X509_SIGN = 1 << 19,
	/* A key that was made in this TPM and cannot leave it. */
	OF_THIS_TPM = FIXED_TPM | FIXED_PARENT | SENSITIVE_DATA_ORIGIN,
};

/* Has every bit of must and none outside must and may; WHY_UNTRUSTED names the first that differs. */
int tpmpub_attributes(uint32_t have, const char *what, uint32_t must, uint32_t may, struct err *e);
/* A TPM2B number that a TPM may have written without its leading zeros, padded to n bytes. */
void tpmpub_padded(struct rd *r, uint8_t *out, size_t n);

#endif
