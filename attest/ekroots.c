#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "attest/ekcert.h"

enum {
	ROOTS_MAX = 512,         /* vendor certificates in one file: there are 51 we know of */
	ROOTS_PEM_MAX = 1 << 20, /* and their PEM, 1.6 KiB each */
	ISSUER_BITS_MAX = 4096,  /* larger keys and exponents are there to burn time (A46) */
	EXPONENT_BITS_MAX = 32,
};

AUTO_DEFINE(BIO *, BIO_free_all)

void ekroots_free(struct ekroots *r)
{
	if (!r)
		return;
	X509_STORE_free(r->store);
	free(r);
}

static int exponent_bits(EVP_PKEY *key)
{
	BIGNUM *x = NULL;
	int bits = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &x) == 1 ? BN_num_bits(x) : INT32_MAX;

	BN_free(x);
	return bits;
}

int ekroots_key_ok(X509 *c, struct err *e)
{
	EVP_PKEY *key = X509_get0_pubkey(c);

	if (!key)
		return err_set(e, WHY_MALFORMED, "its public key cannot be read");
	int kind = EVP_PKEY_get_base_id(key);
	if (kind != EVP_PKEY_RSA && kind != EVP_PKEY_EC)
		return err_set(e, WHY_UNTRUSTED, "its key is neither RSA nor on an elliptic curve");
	if (EVP_PKEY_get_bits(key) > ISSUER_BITS_MAX)
		return err_set(e, WHY_MALFORMED, "its key has %d bits, at most %d are read", EVP_PKEY_get_bits(key),
		        ISSUER_BITS_MAX);
	if (kind == EVP_PKEY_RSA && exponent_bits(key) > EXPONENT_BITS_MAX)
		return err_set(e, WHY_MALFORMED, "its key has an exponent of more than %d bits", EXPONENT_BITS_MAX);
	return 0;
}

static int add_root(X509_STORE *store, X509 *c, struct err *e)
{
	char name[128];

	X509_NAME_oneline(X509_get_subject_name(c), name, sizeof name);
	if (X509_check_ca(c) != 1)
		return err_set(e, WHY_UNTRUSTED, "vendor roots: %s is not a certification authority", name);
	if (ekroots_key_ok(c, e) != 0)
		return err_in(e, "vendor roots: %s", name);
	if (X509_STORE_add_cert(store, c) != 1)
		return err_set(e, WHY_SYSTEM, "vendor roots: %s cannot be kept", name);
	return 0;
}

static int add_roots(struct ekroots *r, BIO *in, struct err *e)
{
	for (;; r->n++) {
		AUTO(X509_free) X509 *c = PEM_read_bio_X509(in, NULL, NULL, NULL);
		if (!c && BIO_pending(in) == 0 && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) {
			ERR_clear_error();
			return 0;
		}
		if (!c)
			return err_set(e, WHY_MALFORMED, "vendor roots: certificate %zu cannot be read", r->n + 1);
		if (r->n >= ROOTS_MAX)
			return err_set(e, WHY_MALFORMED, "vendor roots: more than %d certificates", ROOTS_MAX);
		if (add_root(r->store, c, e) != 0)
			return -1;
	}
}

struct ekroots *ekroots_read(struct view pem, struct err *e)
{
	if (pem.n > ROOTS_PEM_MAX) {
		err_set(e, WHY_MALFORMED, "vendor roots: %zu bytes, at most %d are read", pem.n, ROOTS_PEM_MAX);
		return NULL;
	}
	AUTO(ekroots_free) struct ekroots *r = calloc(1, sizeof *r);
	AUTO(BIO_free_all) BIO *in = BIO_new_mem_buf(pem.n ? (const void *)pem.p : "", (int)pem.n);
	if (!r || !in || !(r->store = X509_STORE_new())) {
		err_set(e, WHY_SYSTEM, "vendor roots: no memory");
		return NULL;
	}
	return add_roots(r, in, e) == 0 ? TAKE(r) : NULL;
}

size_t ekroots_count(const struct ekroots *r)
{
	return r->n;
}
