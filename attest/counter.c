/* The revocation counter: the Name of its NV index as a TPM computes it (TPM 2.0 Part 1 16, Part 2 13.5), and what goes
 * into the register that ends sessions. A known-answer vector is in test_counter.c. */
#include "attest/attest.h"

enum { ALG_SHA256 = 0x000b, NV_WRITTEN = 0x20000000 };

void counter_name(uint8_t out[TPM_NAME_LEN])
{
	uint8_t area[4 + 2 + 4 + 2 + 2];
	struct wr w = wr_to(area, sizeof area);

	wr_be32(&w, COUNTER);
	wr_be16(&w, ALG_SHA256);
	wr_be32(&w, COUNTER_ATTRIBUTES | NV_WRITTEN);
	wr_be16(&w, 0); /* no policy */
	wr_be16(&w, COUNTER_LEN);
	out[0] = ALG_SHA256 >> 8;
	out[1] = ALG_SHA256 & 0xff;
	sha256(out + 2, wr_done(&w));
}

void counter_mark(uint8_t out[SHA_LEN], uint64_t value)
{
	static const char words[] = "merestone lease end";
	uint8_t number[COUNTER_LEN];
	struct wr w = wr_to(number, sizeof number);

	wr_be64(&w, value);
	sha256_2(out, VIEW(words, sizeof words - 1), wr_done(&w));
}
