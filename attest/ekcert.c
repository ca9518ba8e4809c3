#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "attest/attest.h"

enum {
	ROOTS_MAX = 512,         /* vendor certificates in one file: there are 51 we know of */
	ROOTS_PEM_MAX = 1 << 20, /* and their PEM, 1.6 KiB each */
	ISSUER_BITS_MAX = 4096,  /* larger keys are there to burn time (A46) */
	AUTH_LEVEL = 2,          /* 112 bits: RSA-2048 and P-224 upwards, no SHA-1 */
	DEPTH_MAX = 6,
};

#define EKU_EK "2.23.133.8.1" /* tcg-kp-EKCertificate */

struct ek_roots {
	X509_STORE *store;
};

typedef STACK_OF(X509) x509s;

static void x509s_free(x509s *s)
{
	sk_X509_pop_free(s, X509_free);
}
AUTO_DEFINE(x509s *, x509s_free)
AUTO_DEFINE(X509 *, X509_free)
AUTO_DEFINE(X509_STORE_CTX *, X509_STORE_CTX_free)
AUTO_DEFINE(BIO *, BIO_free_all)
AUTO_DEFINE(EXTENDED_KEY_USAGE *, EXTENDED_KEY_USAGE_free)

void ek_roots_free(struct ek_roots *r)
{
	if (!r)
		return;
	X509_STORE_free(r->store);
	free(r);
}

/* ---- Roots ---- */

static int add_root(X509_STORE *store, X509 *c, struct err *e)
{
	char name[128];

	X509_NAME_oneline(X509_get_subject_name(c), name, sizeof name);
	if (X509_check_ca(c) != 1)
		return err_set(e, WHY_UNTRUSTED, "vendor roots: %s is not a certification authority", name);
	if (X509_STORE_add_cert(store, c) != 1)
		return err_set(e, WHY_SYSTEM, "vendor roots: %s cannot be kept", name);
	return 0;
}

static int add_roots(X509_STORE *store, BIO *in, struct err *e)
{
	for (int n = 0;; n++) {
		AUTO(X509_free) X509 *c = PEM_read_bio_X509(in, NULL, NULL, NULL);
		if (!c && BIO_pending(in) == 0 && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) {
			ERR_clear_error();
			return 0;
		}
		if (!c)
			return err_set(e, WHY_MALFORMED, "vendor roots: certificate %d cannot be read", n + 1);
		if (n >= ROOTS_MAX)
			return err_set(e, WHY_MALFORMED, "vendor roots: more than %d certificates", ROOTS_MAX);
		if (add_root(store, c, e) != 0)
			return -1;
	}
}

struct ek_roots *ekcert_roots(struct view pem, struct err *e)
{
	if (pem.n > ROOTS_PEM_MAX) {
		err_set(e, WHY_MALFORMED, "vendor roots: %zu bytes, at most %d are read", pem.n, ROOTS_PEM_MAX);
		return NULL;
	}
	AUTO(ek_roots_free) struct ek_roots *r = calloc(1, sizeof *r);
	AUTO(BIO_free_all) BIO *in = BIO_new_mem_buf(pem.n ? (const void *)pem.p : "", (int)pem.n);
	if (!r || !in || !(r->store = X509_STORE_new())) {
		err_set(e, WHY_SYSTEM, "vendor roots: no memory");
		return NULL;
	}
	return add_roots(r->store, in, e) == 0 ? TAKE(r) : NULL;
}

/* ---- One certificate from hostile bytes ---- */

/* Length of the outer DER SEQUENCE with its head; 0 when it is not one. */
static size_t der_length(struct view v)
{
	struct rd r = rd_of(v);

	rd_require(&r, rd_u8(&r) == 0x30);
	uint8_t first = rd_u8(&r);
	uint32_t n = first;
	if (first == 0x81)
		n = rd_u8(&r);
	else if (first == 0x82)
		n = rd_be16(&r);
	else
		rd_require(&r, first < 0x80);
	size_t head = r.at;
	rd_view(&r, n);
	return rd_ok(&r) ? head + n : 0;
}

/* Some NV indices hold 10 01 00 and a length before the certificate (TCG 1.2 heritage), many are filled up with one
 * byte value behind it. */
static int trim(struct view *v, struct err *e)
{
	struct view in = *v;

	if (in.n > 5 && memcmp(in.p, "\x10\x01\x00", 3) == 0)
		in = VIEW(in.p + 5, in.n - 5);
	size_t n = der_length(in);
	if (n == 0)
		return err_set(e, WHY_MALFORMED, "it is not a DER certificate");
	for (size_t i = n; i < in.n; i++)
		if ((in.p[i] != 0x00 && in.p[i] != 0xff) || in.p[i] != in.p[n])
			return err_set(e, WHY_MALFORMED, "%zu bytes left over behind the certificate", in.n - n);
	*v = VIEW(in.p, n);
	return 0;
}

/* Sizes first: nothing here may cost more than an ordinary certificate does (A46). */
static int key_size_ok(X509 *c, struct err *e)
{
	const EVP_PKEY *key = X509_get0_pubkey(c);

	if (!key)
		return err_set(e, WHY_MALFORMED, "its public key cannot be read");
	int kind = EVP_PKEY_get_base_id(key);
	if (kind != EVP_PKEY_RSA && kind != EVP_PKEY_EC)
		return err_set(e, WHY_UNTRUSTED, "its key is neither RSA nor on an elliptic curve");
	if (EVP_PKEY_get_bits(key) > ISSUER_BITS_MAX)
		return err_set(e, WHY_MALFORMED, "its key has %d bits, at most %d are read", EVP_PKEY_get_bits(key),
		        ISSUER_BITS_MAX);
	return 0;
}

static X509 *read_certificate(struct view v, struct err *e)
{
	if (v.n > EK_CERT_MAX) {
		err_set(e, WHY_MALFORMED, "%zu bytes, at most %d are read", v.n, EK_CERT_MAX);
		return NULL;
	}
	if (trim(&v, e) != 0)
		return NULL;
	const uint8_t *p = v.p;
	AUTO(X509_free) X509 *c = d2i_X509(NULL, &p, (long)v.n);
	if (!c || p != v.p + v.n) {
		err_set(e, WHY_MALFORMED, "it is not an X.509 certificate");
		return NULL;
	}
	/* The first question parses the extensions; what is wrong in them shows in the flags. */
	if (X509_get_version(c) != X509_VERSION_3 || (X509_get_extension_flags(c) & EXFLAG_INVALID)) {
		err_set(e, WHY_MALFORMED, "it is not a proper X.509 version 3 certificate");
		return NULL;
	}
	return key_size_ok(c, e) == 0 ? TAKE(c) : NULL;
}

int ekcert_chain(struct view part, struct view chain[EK_CHAIN_MAX], size_t *n, struct err *e)
{
	struct rd r = rd_of(part);
	size_t count = 0;

	while (rd_left(&r) > 0) {
		struct view v = rd_view16(&r);
		if (count == EK_CHAIN_MAX)
			return err_set(e, WHY_MALFORMED, "endorsement chain: more than %d certificates", EK_CHAIN_MAX);
		if (rd_ok(&r))
			chain[count++] = v;
	}
	if (!rd_end(&r))
		return err_set(e, WHY_MALFORMED, "endorsement chain: cut short");
	*n = count;
	return 0;
}

static x509s *read_chain(const struct view *chain, size_t n, struct err *e)
{
	AUTO(x509s_free) x509s *s = sk_X509_new_null();

	if (n > EK_CHAIN_MAX) {
		err_set(e, WHY_MALFORMED, "more than %d certificates in the chain", EK_CHAIN_MAX);
		return NULL;
	}
	for (size_t i = 0; s && i < n; i++) {
		AUTO(X509_free) X509 *c = read_certificate(chain[i], e);
		if (!c) {
			err_in(e, "chain certificate %zu", i + 1);
			return NULL;
		}
		if (sk_X509_push(s, c) > 0)
			c = NULL;
	}
	return TAKE(s);
}

/* ---- What the certificate says: TCG EK Credential Profile 2.5, 3.2 ---- */

static int is_key_of(X509 *c, const struct tpm_pub *ek, struct err *e)
{
	uint8_t point[1 + ES256_PUB];
	char group[32] = "";
	size_t n = 0;
	EVP_PKEY *key = X509_get0_pubkey(c);

	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC)
		return err_set(e, WHY_FORGED, "it is for an RSA key, the endorsement key is ECC P-256");
	if (EVP_PKEY_get_group_name(key, group, sizeof group, &n) != 1 || strcmp(group, "prime256v1") != 0)
		return err_set(e, WHY_FORGED, "it is for a key on %s, the endorsement key is on P-256", group);
	if (EVP_PKEY_get_octet_string_param(key, "pub", point, sizeof point, &n) != 1 || n != sizeof point ||
	        point[0] != 4 || memcmp(point + 1, ek->xy, ES256_PUB) != 0)
		return err_set(e, WHY_FORGED, "it is for another key than the endorsement key");
	return 0;
}

static bool has_eku(X509 *c)
{
	AUTO(EXTENDED_KEY_USAGE_free)
	EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(c, NID_ext_key_usage, NULL, NULL);
	char oid[64];

	for (int i = 0; i < sk_ASN1_OBJECT_num(eku); i++) {
		OBJ_obj2txt(oid, sizeof oid, sk_ASN1_OBJECT_value(eku, i), 1);
		if (strcmp(oid, EKU_EK) == 0)
			return true;
	}
	return false;
}

static int usage_ok(X509 *c, struct err *e)
{
	if (X509_check_ca(c) != 0 || (X509_get_extension_flags(c) & EXFLAG_CA))
		return err_set(e, WHY_UNTRUSTED, "it is a certification authority's, not an endorsement key's");
	if (!has_eku(c))
		return err_set(
		        e, WHY_UNTRUSTED, "it has no extended key usage %s (TCG EK Credential Profile 3.2.16)", EKU_EK);
	if (!(X509_get_extension_flags(c) & EXFLAG_KUSAGE) || !(X509_get_key_usage(c) & KU_KEY_AGREEMENT))
		return err_set(
		        e, WHY_UNTRUSTED, "its key usage is not key agreement (TCG EK Credential Profile 3.2.15)");
	return 0;
}

/* ---- The chain ---- */

/* The one critical extension that OpenSSL does not know and the profile has: subject directory attributes (3.2.10). */
static bool criticals_known(X509 *c)
{
	for (int i = 0; i < X509_get_ext_count(c); i++) {
		X509_EXTENSION *x = X509_get_ext(c, i);
		if (X509_EXTENSION_get_critical(x) && !X509_supported_extension(x) &&
		        OBJ_obj2nid(X509_EXTENSION_get_object(x)) != NID_subject_directory_attributes)
			return false;
	}
	return true;
}

static int on_verify(int good, X509_STORE_CTX *ctx)
{
	if (good || X509_STORE_CTX_get_error(ctx) != X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION ||
	        !criticals_known(X509_STORE_CTX_get_current_cert(ctx)))
		return good;
	X509_STORE_CTX_set_error(ctx, X509_V_OK);
	return 1;
}

/* OpenSSL takes more for an authority than a CA flag (self-signed version 1, key usage alone); we do not (A31). */
static int issuers_ok(X509_STORE_CTX *ctx, struct err *e)
{
	x509s *chain = X509_STORE_CTX_get0_chain(ctx);

	for (int i = 1; i < sk_X509_num(chain); i++)
		if (X509_check_ca(sk_X509_value(chain, i)) != 1)
			return err_set(e, WHY_UNTRUSTED, "issuer %d is not a certification authority", i);
	return 0;
}

static int verify(const struct ek_roots *r, X509 *c, x509s *chain, time_t now, struct err *e)
{
	AUTO(X509_STORE_CTX_free) X509_STORE_CTX *ctx = X509_STORE_CTX_new();

	if (!ctx || X509_STORE_CTX_init(ctx, r->store, c, chain) != 1)
		return err_set(e, WHY_SYSTEM, "no memory to verify it");
	X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);
	/* What is pinned is trusted, be it an intermediate: some vendors' roots are cross-signed by others. */
	X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
	X509_VERIFY_PARAM_set_time(p, now);
	X509_VERIFY_PARAM_set_depth(p, DEPTH_MAX);
	X509_VERIFY_PARAM_set_auth_level(p, AUTH_LEVEL);
	X509_STORE_CTX_set_verify_cb(ctx, on_verify);
	int good = X509_verify_cert(ctx);
	ERR_clear_error();
	if (good == 1)
		return issuers_ok(ctx, e);
	err_set(e, WHY_UNTRUSTED, "no pinned vendor root stands behind it: %s (certificate %d)",
	        X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)), X509_STORE_CTX_get_error_depth(ctx));
	return err_hint(e, "pin the vendor's root certificate, or approve the endorsement key by its hash");
}

int ekcert_check(const struct ek_roots *r, struct view cert, const struct view *chain, size_t nchain,
        const struct tpm_pub *ek, time_t now, struct err *e)
{
	AUTO(X509_free) X509 *c = read_certificate(cert, e);
	AUTO(x509s_free) x509s *issuers = c ? read_chain(chain, nchain, e) : NULL;

	ERR_clear_error();
	if (!issuers || is_key_of(c, ek, e) != 0 || usage_ok(c, e) != 0 || verify(r, c, issuers, now, e) != 0)
		return err_in(e, "endorsement certificate");
	return 0;
}
