#include "base/es256.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/b64.h"
#include "base/rd.h"

enum {
	SCALAR = 32,
	DER_MAX = 72,       /* SEQUENCE of two INTEGERs of at most 33 bytes */
	SCRYPT_N = 1 << 14, /* 16 MiB with r = 8: what OpenSSL's own reader admits */
};

/* FIPS 186-4 D.1.2.3: the order n of P-256. */
static const uint8_t order[SCALAR] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25,
        0x51};

void es256_free(struct es256 *k)
{
	if (!k)
		return;
	EVP_PKEY_CTX_free(k->verifier);
	EVP_PKEY_CTX_free(k->signer);
	EVP_PKEY_free(k->pkey);
	free(k);
}

/* A key of parameters only; copying it is much cheaper than decoding a key. Made once per process. */
static const EVP_PKEY *curve(void)
{
	static EVP_PKEY *made;
	OSSL_PARAM params[] = {
	        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char[]){"prime256v1"}, 10), OSSL_PARAM_END};

	if (made)
		return made;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
	        EVP_PKEY_fromdata(ctx, &made, EVP_PKEY_KEY_PARAMETERS, params) != 1)
		made = NULL;
	EVP_PKEY_CTX_free(ctx);
	return made;
}

/* NULL when the point is not on the curve, or there is no memory. */
static EVP_PKEY *pkey_of(const uint8_t pub[ES256_PUB])
{
	uint8_t point[1 + ES256_PUB] = {POINT_CONVERSION_UNCOMPRESSED};
	EVP_PKEY *k = EVP_PKEY_new();

	memcpy(point + 1, pub, ES256_PUB);
	if (k && curve() && EVP_PKEY_copy_parameters(k, curve()) == 1 &&
	        EVP_PKEY_set1_encoded_public_key(k, point, sizeof point) == 1)
		return k;
	EVP_PKEY_free(k);
	return NULL;
}

/* RFC 7638 3.2: the members in this order, no spaces. */
static void thumbprint(struct es256 *k)
{
	uint8_t json[160], digest[SHA_LEN];
	struct wr w = wr_to(json, sizeof json), kid = wr_to(k->kid, sizeof k->kid - 1);

	wr_str(&w, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"");
	b64_put(&w, VIEW(k->pub, SCALAR));
	wr_str(&w, "\",\"y\":\"");
	b64_put(&w, VIEW(k->pub + SCALAR, SCALAR));
	wr_str(&w, "\"}");
	sha256(digest, wr_done(&w));
	b64_put(&kid, VIEW_OF(digest));
	k->kid[kid.n] = 0;
}

/* Takes pkey, also when it fails. */
static struct es256 *adopt(EVP_PKEY *pkey, const uint8_t pub[ES256_PUB], struct err *e)
{
	struct es256 *k = calloc(1, sizeof *k);

	if (!k) {
		EVP_PKEY_free(pkey);
		err_sys(e, "cannot hold a key");
		return NULL;
	}
	k->pkey = pkey;
	memcpy(k->pub, pub, ES256_PUB);
	thumbprint(k);
	return k;
}

/* x || y of a key that came from elsewhere. */
static int coordinates(const EVP_PKEY *pkey, uint8_t pub[ES256_PUB])
{
	BIGNUM *x = NULL, *y = NULL;
	int ok = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_X, &x) == 1 &&
	         EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, &y) == 1 &&
	         BN_bn2binpad(x, pub, SCALAR) == SCALAR && BN_bn2binpad(y, pub + SCALAR, SCALAR) == SCALAR;

	BN_free(x);
	BN_free(y);
	return ok ? 0 : -1;
}

struct es256 *es256_generate(struct err *e)
{
	uint8_t pub[ES256_PUB];
	EVP_PKEY *pkey = EVP_EC_gen("P-256");

	if (pkey && coordinates(pkey, pub) == 0)
		return adopt(pkey, pub, e);
	EVP_PKEY_free(pkey);
	err_set(e, WHY_SYSTEM, "cannot generate a P-256 key");
	return NULL;
}

struct es256 *es256_from_pub(const uint8_t pub[ES256_PUB], struct err *e)
{
	EVP_PKEY *pkey = pkey_of(pub);

	if (pkey)
		return adopt(pkey, pub, e);
	err_set(e, WHY_MALFORMED, "the public key is not a point of P-256");
	return NULL;
}

static int give_pass(char *buf, int size, int writing, void *arg)
{
	const struct view *pass = arg;

	(void)writing;
	if (pass->n == 0 || pass->n > (size_t)size)
		return -1;
	memcpy(buf, pass->p, pass->n);
	return (int)pass->n;
}

static bool starts(struct view v, const char *text)
{
	size_t n = strlen(text);

	return v.n >= n && memcmp(v.p, text, n) == 0;
}

/* SPKI or PKCS#8 and nothing else that OpenSSL would read too. */
static EVP_PKEY *read_pem(struct view pem, struct view pass)
{
	bool public = starts(pem, "-----BEGIN PUBLIC KEY-----\n");
	bool private = starts(pem, "-----BEGIN PRIVATE KEY-----\n") ||
	               starts(pem, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n");

	if (pem.n > INT32_MAX || (!public && !private))
		return NULL;
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *k = NULL;
	if (bio)
		k = public ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL)
		           : PEM_read_bio_PrivateKey(bio, NULL, give_pass, &pass);
	BIO_free(bio);
	return k;
}

static bool sound(EVP_PKEY *pkey, bool private)
{
	char group[32];
	size_t n;

	if (EVP_PKEY_get_group_name(pkey, group, sizeof group, &n) != 1 || strcmp(group, "prime256v1") != 0)
		return false;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	bool ok = ctx && EVP_PKEY_public_check(ctx) == 1 && (!private || EVP_PKEY_pairwise_check(ctx) == 1);
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

struct es256 *es256_from_pem(struct view pem, struct view pass, struct err *e)
{
	uint8_t pub[ES256_PUB];
	EVP_PKEY *pkey = read_pem(pem, pass);

	if (!pkey) {
		err_set(e, WHY_MALFORMED, "this PEM is no key, or its passphrase is another");
		err_hint(e, "a key is PKCS#8 (PRIVATE KEY, ENCRYPTED PRIVATE KEY) or PUBLIC KEY");
		return NULL;
	}
	if (sound(pkey, !starts(pem, "-----BEGIN PUBLIC")) && coordinates(pkey, pub) == 0)
		return adopt(pkey, pub, e);
	EVP_PKEY_free(pkey);
	err_set(e, WHY_MALFORMED, "this PEM holds no sound P-256 key");
	return NULL;
}

/* Moves what a memory BIO holds into malloc'd memory and wipes the BIO. */
static int drain(BIO *bio, char **out, size_t *n)
{
	char *held;
	long size = BIO_get_mem_data(bio, &held);
	char *copy = size > 0 ? malloc((size_t)size + 1) : NULL;

	if (!copy)
		return -1;
	memcpy(copy, held, (size_t)size);
	mem_wipe(held, (size_t)size);
	copy[size] = 0;
	*out = copy;
	*n = (size_t)size;
	return 0;
}

/* PBES2 with scrypt and AES-256-CBC: RFC 7914 7, RFC 8018 6.2. */
static int write_encrypted(BIO *bio, const EVP_PKEY *pkey, struct view pass)
{
	PKCS8_PRIV_KEY_INFO *clear = EVP_PKEY2PKCS8(pkey);
	X509_ALGOR *how = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), NULL, 0, NULL, SCRYPT_N, 8, 1);
	X509_SIG *sealed = clear && how ? PKCS8_set0_pbe((const char *)pass.p, (int)pass.n, clear, how) : NULL;

	if (!sealed)
		X509_ALGOR_free(how);
	int ok = sealed && PEM_write_bio_PKCS8(bio, sealed) == 1;
	X509_SIG_free(sealed);
	PKCS8_PRIV_KEY_INFO_free(clear);
	return ok ? 0 : -1;
}

int es256_private_pem(const struct es256 *k, struct view pass, char **out, size_t *n, struct err *e)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int bad = !bio || pass.n > 1024;

	if (!bad && pass.n > 0)
		bad = write_encrypted(bio, k->pkey, pass) != 0;
	else if (!bad)
		bad = PEM_write_bio_PKCS8PrivateKey(bio, k->pkey, NULL, NULL, 0, NULL, NULL) != 1;
	bad = bad || drain(bio, out, n) != 0;
	BIO_free(bio);
	return bad ? err_set(e, WHY_SYSTEM, "cannot write the private key as PEM") : 0;
}

int es256_public_pem(const struct es256 *k, char **out, size_t *n, struct err *e)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int bad = !bio || PEM_write_bio_PUBKEY(bio, k->pkey) != 1 || drain(bio, out, n) != 0;

	BIO_free(bio);
	return bad ? err_set(e, WHY_SYSTEM, "cannot write the public key as PEM") : 0;
}

/* 0 < v < n. Signatures are public: no constant time needed. */
static bool in_range(const uint8_t v[SCALAR])
{
	static const uint8_t zero[SCALAR];

	return memcmp(v, zero, SCALAR) != 0 && memcmp(v, order, SCALAR) < 0;
}

/* X.690 8.3: the shortest form, a zero in front of a leading one bit. */
static void put_integer(struct wr *w, const uint8_t v[SCALAR])
{
	size_t skip = 0;

	while (skip < SCALAR - 1 && v[skip] == 0)
		skip++;
	bool pad = v[skip] >= 0x80;
	wr_u8(w, 2);
	wr_u8(w, (uint8_t)(SCALAR - skip + pad));
	if (pad)
		wr_u8(w, 0);
	wr_bytes(w, v + skip, SCALAR - skip);
}

static struct view der_of(uint8_t buf[DER_MAX], const uint8_t sig[ES256_SIG])
{
	struct wr w = wr_to(buf, DER_MAX);

	wr_u8(&w, 0x30);
	wr_u8(&w, 0);
	put_integer(&w, sig);
	put_integer(&w, sig + SCALAR);
	buf[1] = (uint8_t)(w.n - 2);
	return wr_done(&w);
}

static void get_integer(struct rd *r, uint8_t v[SCALAR])
{
	rd_require(r, rd_u8(r) == 2);
	struct view n = rd_view(r, rd_upto(r, rd_u8(r), SCALAR + 1));

	rd_require(r, n.n > 0 && (n.n <= SCALAR || n.p[0] == 0));
	if (!rd_ok(r))
		return;
	size_t skip = n.n > SCALAR;
	memset(v, 0, SCALAR);
	memcpy(v + SCALAR - (n.n - skip), n.p + skip, n.n - skip);
}

static int from_der(struct view der, uint8_t sig[ES256_SIG])
{
	struct rd r = rd_of(der);

	rd_require(&r, rd_u8(&r) == 0x30 && rd_u8(&r) == der.n - 2);
	get_integer(&r, sig);
	get_integer(&r, sig + SCALAR);
	return rd_end(&r) ? 0 : -1;
}

int es256_sign(const struct es256 *k, struct view msg, uint8_t sig[ES256_SIG], struct err *e)
{
	uint8_t digest[SHA_LEN];

	sha256(digest, msg);
	return es256_sign_digest(k, digest, sig, e);
}

/* A context for one operation, made at first use and kept: making it costs a fetch. */
static EVP_PKEY_CTX *context(EVP_PKEY_CTX **kept, EVP_PKEY *pkey, int (*init)(EVP_PKEY_CTX *))
{
	if (!*kept) {
		EVP_PKEY_CTX *made = EVP_PKEY_CTX_new(pkey, NULL);
		if (made && init(made) == 1)
			*kept = made;
		else
			EVP_PKEY_CTX_free(made);
	}
	return *kept;
}

int es256_sign_digest(const struct es256 *k, const uint8_t digest[SHA_LEN], uint8_t sig[ES256_SIG], struct err *e)
{
	struct es256 *mutable = (struct es256 *)(uintptr_t)k;
	EVP_PKEY_CTX *ctx = context(&mutable->signer, k->pkey, EVP_PKEY_sign_init);
	uint8_t der[DER_MAX], raw[ES256_SIG];
	size_t n = sizeof der;

	if (!ctx || EVP_PKEY_sign(ctx, der, &n, digest, SHA_LEN) != 1 || from_der(VIEW(der, n), raw) != 0)
		return err_set(e, WHY_SYSTEM, "cannot sign with key %s", k->kid);
	memcpy(sig, raw, ES256_SIG);
	return 0;
}

static int check(EVP_PKEY_CTX *ctx, const uint8_t digest[SHA_LEN], const uint8_t sig[ES256_SIG], struct err *e)
{
	uint8_t buf[DER_MAX];

	if (!in_range(sig) || !in_range(sig + SCALAR))
		return err_set(e, WHY_FORGED, "the signature's numbers are out of range");
	struct view der = der_of(buf, sig);
	if (!ctx)
		return err_set(e, WHY_SYSTEM, "cannot check a signature");
	if (EVP_PKEY_verify(ctx, der.p, der.n, digest, SHA_LEN) != 1)
		return err_set(e, WHY_FORGED, "the signature does not hold");
	return 0;
}

int es256_verify(const struct es256 *k, struct view msg, const uint8_t sig[ES256_SIG], struct err *e)
{
	uint8_t digest[SHA_LEN];

	sha256(digest, msg);
	return es256_verify_digest(k, digest, sig, e);
}

int es256_verify_digest(
        const struct es256 *k, const uint8_t digest[SHA_LEN], const uint8_t sig[ES256_SIG], struct err *e)
{
	struct es256 *mutable = (struct es256 *)(uintptr_t)k;

	return check(context(&mutable->verifier, k->pkey, EVP_PKEY_verify_init), digest, sig, e);
}

/* One key object, made of its parameters alone, takes on one point after another, and its context stays: that is much
 * cheaper than making them. A point that is refused leaves nothing behind that is used. */
static struct es256 *passing(const uint8_t pub[ES256_PUB])
{
	static struct es256 k;
	uint8_t point[1 + ES256_PUB] = {POINT_CONVERSION_UNCOMPRESSED};

	memcpy(point + 1, pub, ES256_PUB);
	if (!k.pkey)
		k.pkey = pkey_of(pub);
	else if (EVP_PKEY_set1_encoded_public_key(k.pkey, point, sizeof point) != 1)
		return NULL;
	return k.pkey ? &k : NULL;
}

int es256_verify_pub(
        const uint8_t pub[ES256_PUB], const uint8_t digest[SHA_LEN], const uint8_t sig[ES256_SIG], struct err *e)
{
	const struct es256 *k = passing(pub);

	return k ? es256_verify_digest(k, digest, sig, e)
	         : err_set(e, WHY_FORGED, "the public key is not a point of P-256");
}
