/* Names and digests of the tag's NV index as a TPM computes them: TPM 2.0 Part 1 16 (Names), 18.7 (cpHash), Part 2
 * 13.5 (TPMS_NV_PUBLIC), Part 3 23.3 (PolicySigned). A known-answer vector is in test_tagindex.c. */
#include "attest/attest.h"

enum {
	CC_NV_WRITE = 0x137,
	CC_POLICY_SIGNED = 0x160,
};

void tagindex_ref(uint8_t out[SHA_LEN])
{
	sha256(out, VIEW("tag-write", 9));
}

void tagindex_policy(uint8_t out[SHA_LEN], const uint8_t officer[ES256_PUB])
{
	static const uint8_t nothing[SHA_LEN];
	uint8_t code[4], name[TPM_NAME_LEN], ref[SHA_LEN];
	struct wr w = wr_to(code, sizeof code);

	wr_be32(&w, CC_POLICY_SIGNED);
	extkey_name(name, officer);
	tagindex_ref(ref);
	sha256_n(out, (struct view[]){VIEW_OF(nothing), VIEW_OF(code), VIEW_OF(name)}, 3);
	sha256_2(out, VIEW(out, SHA_LEN), VIEW_OF(ref));
}

void tagindex_name(uint8_t out[TPM_NAME_LEN], const uint8_t officer[ES256_PUB], bool written)
{
	uint8_t policy[SHA_LEN];

	tagindex_policy(policy, officer);
	nvname(out, TAGINDEX, TAGINDEX_ATTRIBUTES | (written ? NV_WRITTEN : 0), VIEW_OF(policy), SHA_LEN);
}

/* Whatever else stands there is undefined first, so the write is the first one. */
void tagindex_next_name(uint8_t out[TPM_NAME_LEN], const uint8_t officer[ES256_PUB], struct view present)
{
	tagindex_name(out, officer, true);
	if (!view_equal(present, VIEW(out, TPM_NAME_LEN)))
		tagindex_name(out, officer, false);
}

void tagindex_command(uint8_t out[SHA_LEN], const uint8_t name[TPM_NAME_LEN], const uint8_t digest[SHA_LEN])
{
	uint8_t buf[4 + 2 * TPM_NAME_LEN + 2 + SHA_LEN + 2];
	struct wr w = wr_to(buf, sizeof buf);

	wr_be32(&w, CC_NV_WRITE);
	wr_bytes(&w, name, TPM_NAME_LEN); /* the index authorises itself */
	wr_bytes(&w, name, TPM_NAME_LEN);
	wr_view16(&w, VIEW(digest, SHA_LEN));
	wr_be16(&w, 0); /* offset */
	sha256(out, wr_done(&w));
}

void tagindex_permission(uint8_t out[SHA_LEN], const uint8_t nonce[NONCE_LEN], const uint8_t command[SHA_LEN])
{
	uint8_t buf[NONCE_LEN + 4 + SHA_LEN + SHA_LEN], ref[SHA_LEN];
	struct wr w = wr_to(buf, sizeof buf);

	tagindex_ref(ref);
	wr_bytes(&w, nonce, NONCE_LEN);
	wr_be32(&w, 0); /* no expiration: the nonce ends with its session */
	wr_bytes(&w, command, SHA_LEN);
	wr_bytes(&w, ref, SHA_LEN);
	sha256(out, wr_done(&w));
}
