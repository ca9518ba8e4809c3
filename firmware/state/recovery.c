#include <openssl/evp.h>
#include <string.h>

#include "attest/attest.h"
#include "base/hex.h"
#include "firmware/state/state.h"

enum { POINT = ES256_PUB, CIPHERTEXT = POINT, MAC = POINT + RECOVERY_LEN };

struct keys {
	uint8_t stream[RECOVERY_LEN], mac[SHA_LEN];
};

/* Both keys are of this one box: the ephemeral point and the receiver are part of what they are derived for. */
static void derive(struct keys *k, const uint8_t z[32], const uint8_t eph[POINT], const uint8_t to[POINT])
{
	static const char stream[] = "merestone recovery stream", mac[] = "merestone recovery mac";
	uint8_t info[32 + 2 * POINT];

	memset(info, 0, sizeof info);
	memcpy(info + 32, eph, POINT);
	memcpy(info + 32 + POINT, to, POINT);
	memcpy(info, stream, sizeof stream);
	hkdf256(k->stream, VIEW(z, 32), VIEW_OF(info));
	memset(info, 0, 32);
	memcpy(info, mac, sizeof mac);
	hkdf256(k->mac, VIEW(z, 32), VIEW_OF(info));
}

static void mix(uint8_t out[RECOVERY_LEN], const uint8_t in[RECOVERY_LEN], const struct keys *k)
{
	for (size_t i = 0; i < RECOVERY_LEN; i++)
		out[i] = in[i] ^ k->stream[i];
}

static void mac_of(uint8_t out[SHA_LEN], const struct keys *k, const uint8_t box[RECOVERY_BOX])
{
	const struct view covered = VIEW(box, MAC);

	hmac256(out, VIEW_OF(k->mac), &covered, 1);
}

int recovery_put(const uint8_t to[64], const struct secret *phrase, uint8_t box[RECOVERY_BOX], struct err *e)
{
	uint8_t z[32];
	struct keys k;

	if (tpm_ecdh(to, z, box, e))
		return err_in(e, "recovery key");
	derive(&k, z, box, to);
	mix(box + CIPHERTEXT, phrase->b, &k);
	mac_of(box + MAC, &k, box);
	mem_wipe(z, sizeof z);
	mem_wipe(&k, sizeof k);
	return 0;
}

static int agree(const struct es256 *key, const uint8_t eph[POINT], uint8_t z[32], struct err *e)
{
	AUTO(es256_free) struct es256 *peer = es256_from_pub(eph, e);
	EVP_PKEY_CTX *ctx = peer ? EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL) : NULL;
	size_t n = 32;

	if (!peer)
		return -1;
	bool good = ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, peer->pkey) == 1 &&
	            EVP_PKEY_derive(ctx, z, &n) == 1 && n == 32;
	EVP_PKEY_CTX_free(ctx);
	return good ? 0 : err_set(e, WHY_MALFORMED, "this is not the private half of a recovery key");
}

int recovery_get(const struct es256 *key, const uint8_t box[RECOVERY_BOX], struct secret **out, struct err *e)
{
	AUTO(secret_free) struct secret *phrase = secret_new();
	uint8_t z[32], mac[SHA_LEN];
	struct keys k;

	if (!phrase)
		return err_sys(e, "locked memory");
	if (agree(key, box, z, e))
		return -1;
	derive(&k, z, box, key->pub);
	mac_of(mac, &k, box);
	bool good = mem_equal(mac, box + MAC, SHA_LEN);
	if (good)
		mix(phrase->b, box + CIPHERTEXT, &k);
	mem_wipe(z, sizeof z);
	mem_wipe(&k, sizeof k);
	if (!good)
		return err_set(
		        e, WHY_FORGED, "the volume was made for another recovery key, or its header was changed");
	*out = TAKE(phrase);
	return 0;
}

void recovery_phrase(const struct secret *phrase, char out[RECOVERY_PHRASE + 1])
{
	hex_put(out, phrase->b, RECOVERY_LEN);
}
