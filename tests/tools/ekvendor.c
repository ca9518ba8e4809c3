/* ekvendor: what a TPM's vendor does at the end of the line, for machines that are only software.
 * ekvendor show TCTI: the endorsement key's coordinates, as swtpm_localca wants them.
 * ekvendor put TCTI FILE: the DER certificate into the NV index of template L-2, readable by all, writable by nobody
 * but the platform. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/tpm.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"

enum { NV_EK_CERT = 0x01c0000a, STEP = 512 };

static int show(struct tpm *t, struct err *e)
{
	struct tpmek ek = {.key = ESYS_TR_NONE};
	struct ek_pub pub;
	char x[65], y[65];
	if (tpmek_make(t, TPMEK_L2, &ek, e) != 0)
		return -1;
	tpm_flush(t, &ek.key);
	if (ekpub_parse(TPMBLOB(ek.pub), &pub, e) != 0)
		return -1;
	printf("x=%s,y=%s,id=secp256r1\n", hex_put(x, pub.key, 32), hex_put(y, pub.key + 32, 32));
	return 0;
}

static int define(struct tpm *t, size_t n, ESYS_TR *nv, struct err *e)
{
	const TPM2B_AUTH no_auth = {0};
	const TPM2B_NV_PUBLIC pub = {.nvPublic = {
	                                     .nvIndex = NV_EK_CERT,
	                                     .nameAlg = TPM2_ALG_SHA256,
	                                     .attributes = TPMA_NV_PPWRITE | TPMA_NV_PPREAD | TPMA_NV_OWNERREAD |
	                                                   TPMA_NV_AUTHREAD | TPMA_NV_NO_DA | TPMA_NV_PLATFORMCREATE,
	                                     .dataSize = (UINT16)n,
	                             }};
	TSS2_RC rc = Esys_NV_DefineSpace(
	        t->esys, ESYS_TR_RH_PLATFORM, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &no_auth, &pub, nv);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm_fail(e, rc, WHY_SYSTEM, "cannot define the index");
}

static int put(struct tpm *t, struct view der, struct err *e)
{
	ESYS_TR nv = ESYS_TR_NONE;
	if (define(t, der.n, &nv, e) != 0)
		return -1;
	for (size_t at = 0; at < der.n; at += STEP) {
		size_t n = der.n - at < STEP ? der.n - at : STEP;
		TPM2B_MAX_NV_BUFFER data = {.size = (UINT16)n};
		memcpy(data.buffer, der.p + at, n);
		TSS2_RC rc = Esys_NV_Write(t->esys, ESYS_TR_RH_PLATFORM, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE,
		        ESYS_TR_NONE, &data, (UINT16)at);
		if (rc != TSS2_RC_SUCCESS)
			return tpm_fail(e, rc, WHY_SYSTEM, "cannot write the index");
	}
	return 0;
}

static int run(int argc, char **argv, struct err *e)
{
	struct tpm t = {0};
	AUTO(mem_free) char *der = NULL;
	uint8_t *p = NULL;
	size_t n = 0;
	bool puts = argc == 4;
	if (puts && file_read(AT_FDCWD, argv[3], EK_CERT_MAX, &p, &n, e) != 0)
		return -1;
	der = (char *)p;
	if (tpm_open(&t, argv[2], e) != 0)
		return -1;
	int bad = puts ? put(&t, VIEW(der, n), e) : show(&t, e);
	tpm_close(&t);
	return bad;
}

int main(int argc, char **argv)
{
	struct err e = {0};
	log_name("ekvendor");
	if (!(argc == 3 && strcmp(argv[1], "show") == 0) && !(argc == 4 && strcmp(argv[1], "put") == 0)) {
		log_warn("usage: ekvendor show TCTI | ekvendor put TCTI FILE");
		return 2;
	}
	if (run(argc, argv, &e) == 0)
		return 0;
	log_err(&e);
	return 3;
}
