/* retag: what root on a machine can do about the geo tag: frees its NV index, defines one that anybody writes, and puts the
 * SHA-256 of a file there. usage: retag FILE TCTI */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <tss2/tss2_esys.h>

#include "attest/attest.h"
#include "base/file.h"
#include "base/log.h"

#define ANYBODY 0x02040004u /* AUTHREAD, AUTHWRITE, NO_DA */

static int redefine(struct tpm *t, ESYS_TR *nv, struct err *e)
{
	const TPM2B_AUTH empty = {0};
	const TPM2B_NV_PUBLIC pub = {.nvPublic = {.nvIndex = TAGINDEX,
	                                     .nameAlg = TPM2_ALG_SHA256,
	                                     .attributes = ANYBODY | TPMA_NV_AUTHREAD,
	                                     .dataSize = SHA_LEN}};
	TSS2_RC rc = Esys_TR_FromTPMPublic(t->esys, TAGINDEX, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, nv);

	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_NV_UndefineSpace(
		        t->esys, ESYS_TR_RH_OWNER, *nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_NV_DefineSpace(
		        t->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &empty, &pub, nv);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm_fail(e, rc, WHY_SYSTEM, "cannot define the index anew");
}

static int retag(struct tpm *t, struct view file, struct err *e)
{
	TPM2B_MAX_NV_BUFFER data = {.size = SHA_LEN};
	ESYS_TR nv = ESYS_TR_NONE;

	if (redefine(t, &nv, e) != 0)
		return -1;
	sha256(data.buffer, file);
	TSS2_RC rc = Esys_NV_Write(t->esys, nv, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data, 0);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm_fail(e, rc, WHY_SYSTEM, "cannot write the index");
}

int main(int argc, char **argv)
{
	AUTO(mem_free) char *bytes = NULL;
	struct tpm t = {0};
	struct err e = {0};
	uint8_t *p = NULL;
	size_t n = 0;

	log_name("retag");
	if (argc != 3) {
		fputs("usage: retag FILE TCTI\n", stderr);
		return 2;
	}
	int bad = file_read(AT_FDCWD, argv[1], 4096, &p, &n, &e) != 0 || tpm_open(&t, argv[2], &e) != 0;
	bytes = (char *)p;
	bad = bad || retag(&t, VIEW(bytes, n), &e) != 0;
	tpm_close(&t);
	if (bad)
		log_err(&e);
	return bad ? 3 : 0;
}
