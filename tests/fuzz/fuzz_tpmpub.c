/* A TPMT_PUBLIC. What is accepted is one kind of key at most. */
#include <stdlib.h>

#include "attest/attest.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct tpm_pub k;
	struct err e;

	if (tpmpub_parse(VIEW(p, n), &k, &e))
		return 0;
	int kinds = !tpmpub_is_ak(&k, &e) + !tpmpub_is_srk(&k, &e) + !tpmpub_is_id(&k, &e);
	if (kinds > 1 || k.bytes.p != p || k.bytes.n != n)
		abort();
	return 0;
}
