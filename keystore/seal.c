/* A duplication blob that TPM2_Import accepts, made without a TPM: TPM 2.0 Part 1 23.3 with no inner wrapper, so the
 * outer one (seed by ECDH, AES-128-CFB, HMAC) is what keeps the key. Nothing in it is fixed (A105). */
#include <openssl/rand.h>

#include "keystore/keystore.h"

enum {
	ALG_KEYEDHASH = 0x0008,
	ALG_SHA256 = 0x000b,
	ALG_NULL = 0x0010,
	ATTRIBUTES = 0x0480, /* adminWithPolicy | noDA. With userWithAuth (0x40) an empty password would open it */
	SENSITIVE = 2 + 2 + 2 + SHA_LEN + 2 + SECRET_LEN,
	COORDINATE = 32,
};

struct sealing { /* secrets of one seal_to, wiped together */
	uint8_t obfuscation[SHA_LEN], z[COORDINATE], seed[SHA_LEN], cipher_key[16], mac_key[SHA_LEN];
	uint8_t sensitive[2 + SENSITIVE]; /* TPM2B_SENSITIVE, encrypted in place */
};

static const struct view NOTHING = {(const uint8_t *)"", 0};

static bool is_zero(const uint8_t *p, size_t n)
{
	uint8_t any = 0;
	for (size_t i = 0; i < n; i++)
		any |= p[i];
	return any == 0;
}

/* TPMT_PUBLIC of a keyed hash object without a scheme: sealed data. */
static void object_public(
        struct sealed *out, const struct sealing *s, const uint8_t policy[SHA_LEN], const struct secret *key)
{
	struct wr w = wr_to(out->public, sizeof out->public);
	uint8_t unique[SHA_LEN];
	sha256_2(unique, VIEW_OF(s->obfuscation), VIEW_OF(key->b));
	wr_be16(&w, ALG_KEYEDHASH);
	wr_be16(&w, ALG_SHA256);
	wr_be32(&w, ATTRIBUTES);
	wr_view16(&w, VIEW(policy, SHA_LEN));
	wr_be16(&w, ALG_NULL);
	wr_view16(&w, VIEW_OF(unique));
	out->npublic = wr_done(&w).n;
}

static void object_name(uint8_t name[TPM_NAME_LEN], const struct sealed *o)
{
	name[0] = ALG_SHA256 >> 8;
	name[1] = ALG_SHA256 & 0xff;
	sha256(name + 2, VIEW(o->public, o->npublic));
}

static void object_sensitive(struct sealing *s, const struct secret *key)
{
	struct wr w = wr_to(s->sensitive, sizeof s->sensitive);
	wr_be16(&w, SENSITIVE);
	wr_be16(&w, ALG_KEYEDHASH);
	wr_be16(&w, 0); /* no authValue */
	wr_view16(&w, VIEW_OF(s->obfuscation));
	wr_view16(&w, VIEW_OF(key->b));
}

/* The seed for the storage key, and the point from which its TPM computes the same. */
static int outer_seed(const struct tpm_pub *srk, struct sealing *s, struct sealed *out, struct err *e)
{
	uint8_t eph[ES256_PUB];
	struct wr w = wr_to(out->seed, sizeof out->seed);
	if (tpm_ecdh(srk->xy, s->z, eph, e) != 0)
		return -1;
	tpm_kdfe(s->seed, 256, VIEW_OF(s->z), "DUPLICATE", VIEW(eph, COORDINATE), VIEW(srk->xy, COORDINATE));
	wr_view16(&w, VIEW(eph, COORDINATE));
	wr_view16(&w, VIEW(eph + COORDINATE, COORDINATE));
	out->nseed = wr_done(&w).n;
	return 0;
}

static int outer_wrap(struct sealing *s, struct sealed *out, struct err *e)
{
	uint8_t name[TPM_NAME_LEN], mac[SHA_LEN];
	struct wr w = wr_to(out->duplicate, sizeof out->duplicate);
	object_name(name, out);
	tpm_kdfa(s->cipher_key, 128, VIEW_OF(s->seed), "STORAGE", VIEW_OF(name), NOTHING);
	tpm_kdfa(s->mac_key, 256, VIEW_OF(s->seed), "INTEGRITY", NOTHING, NOTHING);
	if (tpm_cfb(s->cipher_key, s->sensitive, sizeof s->sensitive, e) != 0)
		return -1;
	struct view maced[] = {VIEW_OF(s->sensitive), VIEW_OF(name)};
	hmac256(mac, VIEW_OF(s->mac_key), maced, COUNT(maced));
	wr_view16(&w, VIEW_OF(mac));
	wr_view(&w, VIEW_OF(s->sensitive));
	out->nduplicate = wr_done(&w).n;
	return 0;
}

static int seal_with(struct sealing *s, const struct tpm_pub *srk, const uint8_t policy[SHA_LEN],
        const struct secret *key, struct sealed *out, struct err *e)
{
	struct sealed made = {0};
	if (RAND_priv_bytes(s->obfuscation, sizeof s->obfuscation) != 1)
		return err_set(e, WHY_SYSTEM, "no random bytes");
	object_public(&made, s, policy, key);
	object_sensitive(s, key);
	if (outer_seed(srk, s, &made, e) != 0 || outer_wrap(s, &made, e) != 0)
		return -1;
	*out = made;
	return 0;
}

/* The linter of A103 stands here and not in the callers: whatever is sealed has a policy and a real storage parent. */
int seal_to(const struct tpm_pub *srk, const uint8_t auth_policy[SHA_LEN], const struct secret *key, struct sealed *out,
        struct err *e)
{
	struct sealing s = {0};
	if (is_zero(auth_policy, SHA_LEN))
		return err_set(e, WHY_REFUSED, "a key is not sealed without a policy");
	if (is_zero(key->b, SECRET_LEN))
		return err_set(e, WHY_SYSTEM, "the key to seal is all zero");
	if (tpmpub_is_srk(srk, e) != 0)
		return err_in(e, "sealing");
	int result = seal_with(&s, srk, auth_policy, key, out, e);
	mem_wipe(&s, sizeof s);
	return result;
}
