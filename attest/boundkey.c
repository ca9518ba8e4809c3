#include <string.h>

#include "attest/landmark.h"

enum { COORDINATE = ES256_PUB / 2 };

static const char LABEL[] = "merestone bound key";

static bool derive(EVP_PKEY_CTX *ctx, EVP_PKEY *peer, uint8_t z[COORDINATE])
{
	size_t n = COORDINATE;

	return ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
	       EVP_PKEY_derive(ctx, z, &n) == 1 && n == COORDINATE;
}

int bound_key(const struct es256 *own, const uint8_t prover[ES256_PUB], const uint8_t landmark[ES256_PUB],
        const uint8_t context[SHA_LEN], uint8_t out[SHA_LEN], struct err *e)
{
	const uint8_t *theirs = memcmp(own->pub, prover, ES256_PUB) == 0 ? landmark : prover;
	AUTO(es256_free) struct es256 *peer = es256_from_pub(theirs, e);
	uint8_t z[COORDINATE], info[SHA_LEN];

	if (!peer)
		return -1;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own->pkey, NULL);
	bool good = derive(ctx, peer->pkey, z);
	EVP_PKEY_CTX_free(ctx);
	if (!good)
		return err_set(e, WHY_SYSTEM, "ECDH with a landmark failed");
	const struct view parts[] = {
	        VIEW_OF(LABEL), VIEW(prover, ES256_PUB), VIEW(landmark, ES256_PUB), VIEW(context, SHA_LEN)};
	sha256_n(info, parts, COUNT(parts));
	hkdf256(out, VIEW_OF(z), VIEW_OF(info));
	mem_wipe(z, sizeof z);
	return 0;
}

void bound_answer(uint8_t out[BOUND_CHALLENGE_LEN], const uint8_t key[SHA_LEN], uint16_t round,
        const uint8_t challenge[BOUND_CHALLENGE_LEN])
{
	const uint8_t number[2] = {(uint8_t)(round >> 8), (uint8_t)round};
	const struct view parts[] = {VIEW_OF(number), VIEW(challenge, BOUND_CHALLENGE_LEN)};
	uint8_t mac[SHA_LEN];

	hmac256(mac, VIEW(key, SHA_LEN), parts, COUNT(parts));
	memcpy(out, mac, BOUND_CHALLENGE_LEN);
}
