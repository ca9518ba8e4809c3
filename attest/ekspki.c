#include <openssl/evp.h>
#include <openssl/objects.h>
#include <string.h>

#include "attest/der.h"
#include "attest/ekcert.h"

struct spki { /* SubjectPublicKeyInfo, RFC 5280 4.1.2.7 */
	int algorithm, curve;
	struct view key; /* inside the bit string */
};

static bool read_spki(X509 *c, struct spki *out)
{
	ASN1_OBJECT *oid = NULL;
	const uint8_t *p = NULL;
	int n = 0, kind = 0;
	X509_ALGOR *alg = NULL;
	const void *value = NULL;

	if (X509_PUBKEY_get0_param(&oid, &p, &n, &alg, X509_get_X509_PUBKEY(c)) != 1 || n <= 0)
		return false;
	X509_ALGOR_get0(NULL, &kind, &value, alg);
	*out = (struct spki){.algorithm = OBJ_obj2nid(oid), .key = VIEW(p, (size_t)n)};
	out->curve = kind == V_ASN1_OBJECT ? OBJ_obj2nid(value) : NID_undef;
	return true;
}

/* RSAPublicKey, RFC 8017 A.1.1: an INTEGER has a zero in front of a set top bit. */
static bool is_modulus(struct view key, const struct ek_pub *ek)
{
	static const uint8_t exponent[] = {1, 0, 1};
	struct rd outer = rd_of(key);
	struct rd r = rd_of(der_take(&outer, DER_SEQUENCE));
	struct view n = der_take(&r, DER_INTEGER), x = der_take(&r, DER_INTEGER);

	return rd_end(&outer) && rd_end(&r) && n.n == ek->nkey + 1 && n.p[0] == 0 &&
	       memcmp(n.p + 1, ek->key, ek->nkey) == 0 && view_equal(x, VIEW_OF(exponent));
}

static bool is_point(struct view key, const struct ek_pub *ek)
{
	return key.n == 1 + ek->nkey && key.p[0] == 4 && memcmp(key.p + 1, ek->key, ek->nkey) == 0;
}

static const char *wrong_key(X509 *c, const struct ek_pub *ek)
{
	bool rsa = ek->type == EK_RSA2048 || ek->type == EK_RSA3072;
	struct spki k;

	if (!read_spki(c, &k))
		return "without a key";
	if (rsa && k.algorithm != NID_rsaEncryption && k.algorithm != NID_rsaesOaep)
		return "for a key that is not RSA, the endorsement key is";
	if (!rsa && k.algorithm != NID_X9_62_id_ecPublicKey)
		return "for a key that is not on a curve, the endorsement key is";
	if (!rsa && k.curve != (ek->type == EK_P384 ? NID_secp384r1 : NID_X9_62_prime256v1))
		return "for a key on another curve than the endorsement key";
	bool same = rsa ? is_modulus(k.key, ek) : is_point(k.key, ek);
	return same ? NULL : "for another key than the endorsement key";
}

int ekspki_is_of(X509 *c, const struct ek_pub *ek, struct err *e)
{
	const char *wrong = wrong_key(c, ek);

	return wrong ? err_set(e, WHY_FORGED, "it is %s", wrong) : 0;
}

X509 *ekspki_readable(X509 *c)
{
	struct spki k;

	if (!read_spki(c, &k) || k.algorithm != NID_rsaesOaep)
		return X509_up_ref(c) == 1 ? c : NULL;
	const uint8_t *p = k.key.p;
	EVP_PKEY *key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long)k.key.n);
	X509 *copy = key ? X509_dup(c) : NULL;
	if (copy && X509_set_pubkey(copy, key) != 1) {
		X509_free(copy);
		copy = NULL;
	}
	EVP_PKEY_free(key);
	return copy;
}
