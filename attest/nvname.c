#include "attest/attest.h"

enum { ALG_SHA256 = 0x000b };

/* TPMS_NV_PUBLIC, Part 2 13.5. */
void nvname(uint8_t out[TPM_NAME_LEN], uint32_t place, uint32_t attributes, struct view policy, uint16_t size)
{
	uint8_t area[4 + 2 + 4 + 2 + SHA_LEN + 2];
	struct wr w = wr_to(area, sizeof area);

	wr_be32(&w, place);
	wr_be16(&w, ALG_SHA256);
	wr_be32(&w, attributes);
	wr_view16(&w, policy);
	wr_be16(&w, size);
	out[0] = ALG_SHA256 >> 8;
	out[1] = ALG_SHA256 & 0xff;
	sha256(out + 2, wr_done(&w));
}
