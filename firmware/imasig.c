/* Signatures of files as security.ima has them. Linux: security/integrity/integrity.h, digsig_asymmetric.c */
#include "firmware/runtime.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/rd.h"
#include "base/sha.h"

enum {
	TYPE_FILE = 3,       /* EVM_IMA_XATTR_DIGSIG, version 2: over the file's digest */
	TYPE_VERITY = 6,     /* IMA_VERITY_DIGSIG, version 3: over type, algorithm and digest */
	SIGNATURE_MAX = 512, /* RSA-4096 */
	RSA_BITS_MIN = 2048,
	RSA_BITS_MAX = 4096,
	KEY_DER_MAX = 1024,
};

struct imasig {
	bool verity;
	uint8_t algorithm; /* enum hash_algo of the kernel */
	uint32_t key;
	struct view bytes;
};

static const struct algorithm {
	uint8_t number;
	const char *name;
	const EVP_MD *(*md)(void);
} algorithms[] = {{4, "sha256", EVP_sha256}, {5, "sha384", EVP_sha384}, {6, "sha512", EVP_sha512}};

/* ---- Keys ---- */

static EVP_PKEY *read_pem(const char *pem, uint32_t *id)
{
	BIO *b = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = NULL;
	X509 *x = NULL;

	if (b && strstr(pem, "-----BEGIN CERTIFICATE-----"))
		x = PEM_read_bio_X509(b, NULL, NULL, NULL);
	else if (b)
		key = PEM_read_bio_PUBKEY(b, NULL, NULL, NULL);
	if (x) {
		const ASN1_OCTET_STRING *skid = X509_get0_subject_key_id(x);
		int n = skid ? ASN1_STRING_length(skid) : 0;
		key = X509_get_pubkey(x);
		if (n >= 4) {
			struct rd r = rd_of(VIEW(ASN1_STRING_get0_data(skid) + n - 4, 4));
			*id = rd_be32(&r);
		}
	}
	X509_free(x);
	BIO_free(b);
	return key;
}

static uint32_t id_of(EVP_PKEY *key)
{
	unsigned char der[KEY_DER_MAX], *p = der;
	uint8_t digest[SHA1_LEN];
	int n = i2d_PublicKey(key, NULL);

	if (n <= 0 || (size_t)n > sizeof der || i2d_PublicKey(key, &p) != n)
		return 0;
	struct view v = VIEW(der, (size_t)n);
	sha1_n(digest, &v, 1);
	struct rd r = rd_of(VIEW(digest + SHA1_LEN - 4, 4));
	return rd_be32(&r);
}

static bool is_usable(EVP_PKEY *key)
{
	char group[32] = "";

	if (EVP_PKEY_is_a(key, "RSA"))
		return EVP_PKEY_get_bits(key) >= RSA_BITS_MIN && EVP_PKEY_get_bits(key) <= RSA_BITS_MAX;
	return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
	       strcmp(group, "prime256v1") == 0;
}

static EVP_PKEY_CTX *verifier_of(EVP_PKEY *key)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);

	if (c && EVP_PKEY_verify_init(c) == 1 &&
	        (!EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) == 1))
		return c;
	EVP_PKEY_CTX_free(c);
	return NULL;
}

int imasig_key_import(const char *pem, struct imasig_key *out, struct err *e)
{
	struct imasig_key k = {0};

	k.pkey = read_pem(pem, &k.id);
	if (k.pkey && is_usable(k.pkey))
		k.verifier = verifier_of(k.pkey);
	ERR_clear_error();
	if (!k.verifier) {
		EVP_PKEY_free(k.pkey);
		return err_set(e, WHY_MALFORMED,
		        "expected a public key or a certificate in PEM, P-256 or RSA of %d to %d bits", RSA_BITS_MIN,
		        RSA_BITS_MAX);
	}
	if (k.id == 0)
		k.id = id_of(k.pkey);
	*out = k;
	return 0;
}

void imasig_key_free(struct imasig_key *k)
{
	EVP_PKEY_CTX_free(k->verifier);
	EVP_PKEY_free(k->pkey);
	*k = (struct imasig_key){0};
}

/* ---- Signatures ---- */

static bool parse(struct view v, struct imasig *out)
{
	struct rd r = rd_of(v);
	uint8_t type = rd_u8(&r), version = rd_u8(&r);

	out->verity = type == TYPE_VERITY;
	rd_require(&r, (type == TYPE_FILE && version == 2) || (type == TYPE_VERITY && version == 3));
	out->algorithm = rd_u8(&r);
	out->key = rd_be32(&r);
	out->bytes = rd_view(&r, rd_upto(&r, rd_be16(&r), SIGNATURE_MAX));
	return rd_end(&r) && out->bytes.n > 0;
}

static const struct algorithm *algorithm_of(const struct imasig *s, const struct ima_entry *x)
{
	for (size_t i = 0; i < COUNT(algorithms); i++)
		if (algorithms[i].number == s->algorithm && view_is(x->alg, algorithms[i].name))
			return &algorithms[i];
	return NULL;
}

/* What was signed. False when it could not be hashed. */
static bool signed_digest(const struct imasig *s, const struct algorithm *a, const struct ima_entry *x,
        uint8_t out[IMA_DIGEST_MAX], size_t *n)
{
	uint8_t id[2 + IMA_DIGEST_MAX] = {TYPE_VERITY, s->algorithm};
	unsigned made = 0;

	memcpy(id + 2, x->digest.p, x->digest.n);
	memcpy(out, x->digest.p, x->digest.n);
	*n = x->digest.n;
	if (!s->verity)
		return true;
	bool good = EVP_Digest(id, 2 + x->digest.n, out, &made, a->md(), NULL) == 1;
	*n = made;
	return good;
}

static bool verify(
        const struct imasig_key *k, const struct imasig *s, const struct algorithm *a, const struct ima_entry *x)
{
	uint8_t digest[IMA_DIGEST_MAX];
	size_t n;

	bool good = signed_digest(s, a, x, digest, &n) && EVP_PKEY_CTX_set_signature_md(k->verifier, a->md()) == 1 &&
	            EVP_PKEY_verify(k->verifier, s->bytes.p, s->bytes.n, digest, n) == 1;
	ERR_clear_error();
	return good;
}

/* Where a good signature over this digest would be remembered. */
static uint8_t *place_of(const struct runtime *r, const struct ima_entry *x, uint8_t mark[PCR_LEN])
{
	sha256_2(mark, x->digest, x->sig);
	return r->seen[(mark[0] | mark[1] << 8) % IMASIG_SEEN];
}

int imasig_check(const struct runtime *r, const struct ima_entry *x, struct err *e)
{
	uint8_t mark[PCR_LEN], *seen = place_of(r, x, mark);
	struct imasig s;
	bool known = false;

	if (!parse(x->sig, &s))
		return err_set(e, WHY_UNTRUSTED, "its signature is of no form that is known");
	const struct algorithm *a = algorithm_of(&s, x);
	if (!a || s.verity != x->verity)
		return err_set(e, WHY_UNTRUSTED, "its signature is not over a digest of this kind");
	if (memcmp(seen, mark, PCR_LEN) == 0)
		return 0;
	for (uint32_t i = 0; i < r->keys; i++) {
		if (r->key[i].id != s.key)
			continue;
		known = true;
		if (!verify(&r->key[i], &s, a, x))
			continue;
		memcpy(seen, mark, PCR_LEN);
		return 0;
	}
	return known ? err_set(e, WHY_UNTRUSTED, "its signature by key %08x is not good", s.key)
	             : err_set(e, WHY_UNTRUSTED, "it is signed by key %08x, which the runtime set does not have",
	                       s.key);
}
