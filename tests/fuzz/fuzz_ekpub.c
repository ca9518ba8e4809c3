/* The public area of an endorsement key: what is accepted is of one template, and a credential can be made for it. */
#include <stdlib.h>

#include "attest/attest.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint8_t name[TPM_NAME_LEN], nonce[NONCE_LEN];
	struct ek_pub k;
	struct credential c;
	struct err e;

	if (ekpub_parse(VIEW(p, n), &k, &e))
		return 0;
	if (k.nkey > EK_KEY_MAX || k.bytes.p != p || k.bytes.n != n)
		abort();
	/* An ECC key may be no point of its curve, which is found out here. */
	if (credential_make(&k, name, nonce, &c, &e) && (k.type == EK_RSA2048 || k.type == EK_RSA3072))
		abort();
	return 0;
}
