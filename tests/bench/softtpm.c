#include <openssl/evp.h>
#include <string.h>
#include <time.h>

#include "tests/bench/bench.h"

enum {
	ST_NV = 0x8014,
	ST_CERTIFY = 0x8017,
	ST_QUOTE = 0x8018,
	RESETS = 7,
	HALF = ES256_PUB / 2,
};
#define RH_OWNER       0x40000001u
#define RH_ENDORSEMENT 0x4000000bu

static const struct {
	uint32_t attributes; /* TPMA_OBJECT */
	bool aes, ecdsa, policy;
} templates[] = {
        [SOFTTPM_AK] = {0x00050472, false, true, false},
        [SOFTTPM_EK] = {0x000300b2, true, false, true},
        [SOFTTPM_ID] = {0x00040472, false, false, false},
        [SOFTTPM_SRK] = {0x00030472, true, false, false},
};

/* TCG EK Credential Profile 2.5 B.3.4, template L-2 */
static const uint8_t policy_a[SHA_LEN] = {0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46,
        0xa5, 0xd7, 0x24, 0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69,
        0xaa};

static void write_public(struct wr *w, enum softtpm_template t, const uint8_t xy[ES256_PUB])
{
	wr_be32(w, 0x0023000b); /* ECC, name by SHA-256 */
	wr_be32(w, templates[t].attributes);
	wr_view16(w, templates[t].policy ? VIEW_OF(policy_a) : VIEW(NULL, 0));
	wr_be16(w, templates[t].aes ? 0x0006 : 0x0010);
	if (templates[t].aes)
		wr_be32(w, 0x00800043); /* 128 bits, CFB */
	wr_be16(w, templates[t].ecdsa ? 0x0018 : 0x0010);
	if (templates[t].ecdsa)
		wr_be16(w, 0x000b);
	wr_be32(w, 0x00030010); /* P-256, no key derivation */
	wr_view16(w, VIEW(xy, HALF));
	wr_view16(w, VIEW(xy + HALF, HALF));
}

int softtpm_key(struct softtpm_key *k, enum softtpm_template t, struct es256 *key, struct err *e)
{
	struct wr w = wr_to(k->bytes, sizeof k->bytes);

	k->key = key ? key : es256_generate(e);
	if (!k->key)
		return -1;
	write_public(&w, t, k->key->pub);
	k->n = wr_done(&w).n;
	return tpmpub_parse(softtpm_view(k), &k->pub, e);
}

void softtpm_drop(struct softtpm_key *k)
{
	es256_free(k->key);
	k->key = NULL;
}

struct view softtpm_view(const struct softtpm_key *k)
{
	return VIEW(k->bytes, k->n);
}

static uint64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* TPMS_ATTEST up to what it attests: TPM 2.0 Part 2 10.12.12. */
static struct wr begin(
        struct softtpm_signed *out, uint16_t type, const struct tpm_pub *ak, const uint8_t extra[SHA_LEN])
{
	struct wr w = wr_to(out->attest, sizeof out->attest);
	uint8_t signer[TPM_NAME_LEN];

	tpmpub_qualified(signer, RH_ENDORSEMENT, ak->name);
	wr_be32(&w, 0xff544347);
	wr_be16(&w, type);
	wr_view16(&w, VIEW_OF(signer));
	wr_view16(&w, VIEW(extra, SHA_LEN));
	wr_be64(&w, clock_ms());
	wr_be32(&w, RESETS);
	wr_be32(&w, 0);
	wr_u8(&w, 1);
	wr_be64(&w, 0x2019102300163636);
	return w;
}

static int end(struct softtpm_signed *out, const struct wr *attest, const struct softtpm_key *ak, struct err *e)
{
	uint8_t rs[ES256_SIG];
	struct wr w = wr_to(out->sig, sizeof out->sig);

	if (es256_sign(ak->key, wr_done(attest), rs, e) != 0)
		return -1;
	wr_be32(&w, 0x0018000b); /* ECDSA, SHA-256 */
	wr_view16(&w, VIEW(rs, HALF));
	wr_view16(&w, VIEW(rs + HALF, HALF));
	out->nattest = wr_done(attest).n;
	out->nsig = wr_done(&w).n;
	return 0;
}

int softtpm_quote(const struct softtpm_key *ak, const uint8_t extra[SHA_LEN], const struct pcrs *pcrs, uint32_t mask,
        struct softtpm_signed *out, struct err *e)
{
	struct wr w = begin(out, ST_QUOTE, &ak->pub, extra);
	uint8_t digest[SHA_LEN];

	quote_pcr_digest(digest, pcrs, mask);
	wr_be32(&w, 1);
	wr_be16(&w, 0x000b);
	wr_u8(&w, 3);
	for (unsigned i = 0; i < 3; i++)
		wr_u8(&w, (uint8_t)(mask >> 8 * i));
	wr_view16(&w, VIEW_OF(digest));
	return end(out, &w, ak, e);
}

int softtpm_certify(const struct softtpm_key *ak, const struct softtpm_key *subject, const uint8_t extra[SHA_LEN],
        struct softtpm_signed *out, struct err *e)
{
	struct wr w = begin(out, ST_CERTIFY, &ak->pub, extra);
	uint8_t qualified[TPM_NAME_LEN];

	tpmpub_qualified(qualified, RH_OWNER, subject->pub.name);
	wr_view16(&w, VIEW_OF(subject->pub.name));
	wr_view16(&w, VIEW_OF(qualified));
	return end(out, &w, ak, e);
}

int softtpm_counter(
        const struct softtpm_key *ak, const uint8_t extra[SHA_LEN], struct softtpm_signed *out, struct err *e)
{
	static const uint8_t one[COUNTER_LEN] = {[COUNTER_LEN - 1] = 1};
	struct wr w = begin(out, ST_NV, &ak->pub, extra);
	uint8_t name[TPM_NAME_LEN];

	counter_name(name);
	wr_view16(&w, VIEW_OF(name));
	wr_be16(&w, 0);
	wr_view16(&w, VIEW_OF(one));
	return end(out, &w, ak, e);
}

/* ---- ActivateCredential ---- */

static int shared(const struct es256 *own, const uint8_t peer_xy[ES256_PUB], uint8_t z[HALF], struct err *e)
{
	AUTO(es256_free) struct es256 *peer = es256_from_pub(peer_xy, e);
	EVP_PKEY_CTX *ctx = peer ? EVP_PKEY_CTX_new_from_pkey(NULL, own->pkey, NULL) : NULL;
	size_t n = HALF;
	bool good = ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, peer->pkey) == 1 &&
	            EVP_PKEY_derive(ctx, z, &n) == 1 && n == HALF;

	EVP_PKEY_CTX_free(ctx);
	return good ? 0 : err_set(e, WHY_SYSTEM, "credential: ECDH failed");
}

static int decrypt(const uint8_t key[16], uint8_t *p, size_t n, struct err *e)
{
	static const uint8_t zero[16];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int put = 0;
	bool good = ctx && EVP_DecryptInit_ex(ctx, EVP_aes_128_cfb128(), NULL, key, zero) == 1 &&
	            EVP_DecryptUpdate(ctx, p, &put, p, (int)n) == 1;

	EVP_CIPHER_CTX_free(ctx);
	return good ? 0 : err_set(e, WHY_SYSTEM, "credential: AES-128-CFB failed");
}

static int open_blob(struct view blob, const uint8_t seed[SHA_LEN], const struct tpm_pub *ak, uint8_t nonce[NONCE_LEN],
        struct err *e)
{
	struct rd outer = rd_of(blob), r = rd_of(rd_view16(&outer));
	uint8_t key[SHA_LEN], mac[SHA_LEN], enc[2 + NONCE_LEN];
	struct view none = {0}, said = rd_view16(&r), parts[] = {VIEW_OF(enc), VIEW_OF(ak->name)};

	rd_copy(&r, enc, sizeof enc);
	if (!rd_end(&outer) || !rd_end(&r))
		return err_set(e, WHY_MALFORMED, "credential: it does not hide a nonce");
	tpm_kdfa(key, SHA_LEN * 8, VIEW(seed, SHA_LEN), "INTEGRITY", none, none);
	hmac256(mac, VIEW_OF(key), parts, COUNT(parts));
	if (said.n != SHA_LEN || !mem_equal(mac, said.p, SHA_LEN))
		return err_set(e, WHY_FORGED, "credential: it is for another TPM or another key");
	tpm_kdfa(key, 128, VIEW(seed, SHA_LEN), "STORAGE", VIEW_OF(ak->name), none);
	if (decrypt(key, enc, sizeof enc, e) != 0)
		return -1;
	memcpy(nonce, enc + 2, NONCE_LEN);
	return 0;
}

int softtpm_activate(const struct softtpm_key *ek, const struct tpm_pub *ak, struct view blob, struct view secret,
        uint8_t nonce[NONCE_LEN], struct err *e)
{
	struct rd outer = rd_of(secret), r = rd_of(rd_view16(&outer));
	struct view x = rd_view16(&r), y = rd_view16(&r);
	uint8_t eph[ES256_PUB], z[HALF], seed[SHA_LEN];

	if (!rd_end(&outer) || !rd_end(&r) || x.n != HALF || y.n != HALF)
		return err_set(e, WHY_MALFORMED, "credential: its secret is not a point");
	memcpy(eph, x.p, HALF);
	memcpy(eph + HALF, y.p, HALF);
	if (shared(ek->key, eph, z, e) != 0)
		return -1;
	tpm_kdfe(seed, sizeof seed * 8, VIEW_OF(z), "IDENTITY", VIEW(eph, HALF), VIEW(ek->pub.xy, HALF));
	return open_blob(blob, seed, ak, nonce, e);
}
