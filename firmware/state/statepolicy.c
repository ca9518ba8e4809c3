#include "firmware/state/state.h"

#include <string.h>

#include "keystore/keystore.h"

enum { ALG_SHA256 = 0x000b, OP_BITCLEAR = 0x000b, CC_POLICY_AUTHORIZE = 0x16a };

/* TPMS_NV_PUBLIC: index, nameAlg, attributes, no policy, size. */
void floor_name(uint8_t out[STATE_NAME_LEN], unsigned k)
{
	uint8_t public[16];
	struct wr w = wr_to(public, sizeof public), name = wr_to(out, 2);

	wr_be32(&w, FLOOR_INDEX + k);
	wr_be16(&w, ALG_SHA256);
	wr_be32(&w, FLOOR_ATTRIBUTES | FLOOR_WRITTEN);
	wr_be16(&w, 0);
	wr_be16(&w, FLOOR_BITS / 8);
	wr_be16(&name, ALG_SHA256);
	sha256(out + 2, wr_done(&w));
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
	uint8_t digest[SHA_LEN], operand[8], name[STATE_NAME_LEN];

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

/* TPM 2.0 Part 3 23.16: with an empty reference the last step hashes the digest alone. */
void statepolicy_sealed(uint8_t out[SHA_LEN], const uint8_t pcr_key[64], const uint8_t pcr7[PCR_LEN])
{
	static const uint8_t zeros[SHA_LEN];
	uint8_t name[TPM_NAME_LEN], code[4], digest[SHA_LEN];
	struct wr w = wr_to(code, sizeof code);

	wr_be32(&w, CC_POLICY_AUTHORIZE);
	extkey_name(name, pcr_key);
	const struct view parts[] = {VIEW_OF(zeros), VIEW_OF(code), VIEW_OF(name)};
	sha256_n(out, parts, COUNT(parts));
	sha256(out, VIEW(out, SHA_LEN));
	sha256(digest, VIEW(pcr7, PCR_LEN));
	lease_policy_pcr(out, 1u << 7, digest);
}
