/* The revocation counter: the Name of its NV index, and what goes into the register that ends sessions. A known-answer vector is in test_counter.c. */
#include "attest/attest.h"

void counter_name(uint8_t out[TPM_NAME_LEN])
{
	nvname(out, COUNTER, COUNTER_ATTRIBUTES | NV_WRITTEN, VIEW(NULL, 0), COUNTER_LEN);
}

void counter_mark(uint8_t out[SHA_LEN], uint64_t value)
{
	static const char words[] = "merestone lease end";
	uint8_t number[COUNTER_LEN];
	struct wr w = wr_to(number, sizeof number);

	wr_be64(&w, value);
	sha256_2(out, VIEW(words, sizeof words - 1), wr_done(&w));
}
