/* A TPMS_ATTEST and a TPMT_SIGNATURE. Nobody signs what the fuzzer makes, so nothing may pass the checks. */
#include <stdlib.h>

#include "attest/attest.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check(struct view v, const struct quote *q)
{
	/* the generator of P-256 */
	static const uint8_t g[ES256_PUB] = {0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5,
	        0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8,
	        0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f,
	        0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51,
	        0xf5};
	struct tpm_pub ak = {0}, subject = {0};
	uint8_t sig[ES256_SIG] = {0};
	struct pcrs pcrs = {0};
	uint64_t value;
	struct err e;

	for (size_t i = 0; i < ES256_PUB; i++)
		ak.xy[i] = g[i];
	if (q && !quote_check(q, sig, &ak, q->extra, &pcrs, &e))
		abort();
	if (!certify_check(v, v, &ak, &subject, sig, &e) || !certify_counter(v, v, &ak, sig, &value, &e))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint8_t sig[ES256_SIG];
	struct quote q;
	struct err e;

	quote_signature(VIEW(p, n), sig, &e);
	check(VIEW(p, n), quote_parse(VIEW(p, n), QUOTE_MASK, &q, &e) ? NULL : &q);
	quote_parse(VIEW(p, n), 0x1eff, &q, &e);
	return 0;
}
