#include "firmware/state/state.h"

#include <string.h>

#include "keystore/keystore.h"

enum { OP_BITCLEAR = 0x000b };

void floor_name(uint8_t out[TPM_NAME_LEN], unsigned k)
{
	nvname(out, FLOOR_INDEX + k, FLOOR_ATTRIBUTES | NV_WRITTEN, VIEW(NULL, 0), FLOOR_BITS / 8);
}

bool floor_operand(uint8_t out[8], unsigned k, uint32_t version)
{
	uint64_t first = (uint64_t)k * FLOOR_BITS, later = UINT64_MAX;
	struct wr w = wr_to(out, 8);

	if (version >= first + FLOOR_BITS - 1)
		return false;
	if (version >= first)
		later <<= version - first + 1;
	wr_be64(&w, later);
	return true;
}

void statepolicy_approved(uint8_t out[SHA_LEN], const uint8_t pcr11[PCR_LEN], uint32_t version)
{
	uint8_t digest[SHA_LEN], operand[8], name[TPM_NAME_LEN];

	memset(out, 0, SHA_LEN);
	sha256(digest, VIEW(pcr11, PCR_LEN));
	lease_policy_pcr(out, 1u << 11, digest);
	for (unsigned k = 0; k < FLOOR_INDICES; k++) {
		if (!floor_operand(operand, k, version))
			continue;
		floor_name(name, k);
		lease_policy_nv(out, VIEW_OF(operand), 0, OP_BITCLEAR, VIEW_OF(name));
	}
}

void statepolicy_sealed(uint8_t out[SHA_LEN], const uint8_t pcr_key[64], const uint8_t pcr7[PCR_LEN])
{
	uint8_t name[TPM_NAME_LEN], digest[SHA_LEN];

	extkey_name(name, pcr_key);
	lease_policy_authorize(out, name, VIEW(NULL, 0));
	sha256(digest, VIEW(pcr7, PCR_LEN));
	lease_policy_pcr(out, 1u << 7, digest);
}
