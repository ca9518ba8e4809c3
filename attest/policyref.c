#include "attest/attest.h"
#include "base/sha.h"

void policyref(uint8_t out[SHA_LEN], const char *domain, const char *dataset, uint32_t epoch, uint32_t generation)
{
	uint8_t buf[2 * (2 + NAME_CAP) + 8];
	struct wr w = wr_to(buf, sizeof buf);

	wr_text16(&w, domain);
	wr_text16(&w, dataset);
	wr_be32(&w, epoch);
	wr_be32(&w, generation);
	sha256(out, wr_done(&w));
}
