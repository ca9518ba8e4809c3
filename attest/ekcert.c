#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "attest/der.h"
#include "attest/ekcert.h"

enum {
	AUTH_LEVEL = 2, /* 112 bits: RSA-2048 and P-224 upwards, no SHA-1 */
	DEPTH_MAX = 6,
};

#define EKU_EK "2.23.133.8.1" /* tcg-kp-EKCertificate */

static void x509s_free(x509s *s)
{
	sk_X509_pop_free(s, X509_free);
}
AUTO_DEFINE(x509s *, x509s_free)
AUTO_DEFINE(X509_STORE_CTX *, X509_STORE_CTX_free)
AUTO_DEFINE(EXTENDED_KEY_USAGE *, EXTENDED_KEY_USAGE_free)

/* ---- One certificate from hostile bytes ---- */

static bool is_padding(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if ((v.p[i] != 0x00 && v.p[i] != 0xff) || v.p[i] != v.p[0])
			return false;
	return true;
}

/* What NV memory may have around a certificate: 10 01 00 and a length (TCG 1.2 heritage), or an OCTET STRING. */
static struct view unwrap(struct rd *r)
{
	if (r->n > 5 && memcmp(r->p, "\x10\x01\x00", 3) == 0) {
		(void)rd_view(r, 3);
		return rd_view16(r);
	}
	if (r->n > 0 && r->p[0] == DER_OCTETS)
		return der_take(r, DER_OCTETS);
	return rd_view(r, r->n);
}

/* Many indices are filled up with one byte value. */
static int trim(struct view *v, struct err *e)
{
	struct rd r = rd_of(*v);
	struct view in = unwrap(&r);
	size_t n = rd_ok(&r) ? der_length(in) : 0;

	if (n == 0)
		return err_set(e, WHY_MALFORMED, "it is not a DER certificate");
	if (!is_padding(VIEW(in.p + n, in.n - n)) || !is_padding(VIEW(v->p + r.at, v->n - r.at)))
		return err_set(e, WHY_MALFORMED, "there is more than padding behind the certificate");
	*v = VIEW(in.p, n);
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
	return TAKE(c);
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
		if (!c || ekroots_key_ok(c, e) != 0) {
			err_in(e, "chain certificate %zu", i + 1);
			return NULL;
		}
		if (sk_X509_push(s, c) > 0)
			c = NULL;
	}
	return TAKE(s);
}

/* ---- What the certificate says: TCG EK Credential Profile 2.5, 3.2 ---- */

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

static int usage_ok(X509 *c, const struct ek_pub *ek, struct err *e)
{
	bool rsa = ek->type == EK_RSA2048 || ek->type == EK_RSA3072;

	if (X509_check_ca(c) != 0 || (X509_get_extension_flags(c) & EXFLAG_CA))
		return err_set(e, WHY_UNTRUSTED, "it is a certification authority's, not an endorsement key's");
	if (!has_eku(c))
		return err_set(
		        e, WHY_UNTRUSTED, "it has no extended key usage %s (TCG EK Credential Profile 3.2.16)", EKU_EK);
	if (!(X509_get_extension_flags(c) & EXFLAG_KUSAGE) ||
	        !(X509_get_key_usage(c) & (rsa ? KU_KEY_ENCIPHERMENT : KU_KEY_AGREEMENT)))
		return err_set(e, WHY_UNTRUSTED, "its key usage is not key %s (TCG EK Credential Profile 3.2.15)",
		        rsa ? "encipherment" : "agreement");
	return 0;
}

struct read {               /* a certificate of ek and its issuers, whose chain is still to be looked at */
	X509 *c, *readable; /* as it came, and with a key that OpenSSL reads */
	x509s *issuers;
};

static void read_drop(struct read *r)
{
	X509_free(r->c);
	X509_free(r->readable);
	x509s_free(r->issuers);
}

static int read_all(struct view cert, const struct view *chain, size_t nchain, const struct ek_pub *ek, struct read *r,
        struct err *e)
{
	r->c = read_certificate(cert, e);
	r->issuers = r->c ? read_chain(chain, nchain, e) : NULL;
	r->readable = r->issuers ? ekspki_readable(r->c) : NULL;
	ERR_clear_error();
	if (r->issuers && !r->readable)
		return err_set(e, WHY_MALFORMED, "its key cannot be read");
	return r->issuers && ekspki_is_of(r->c, ek, e) == 0 && usage_ok(r->c, ek, e) == 0 && ekmaker_named(r->c, e) == 0
	               ? 0
	               : -1;
}

int ekcert_form(struct view cert, const struct view *chain, size_t nchain, const struct ek_pub *ek, struct err *e)
{
	struct read r = {0};
	int bad = read_all(cert, chain, nchain, ek, &r, e);

	read_drop(&r);
	return bad ? err_in(e, "endorsement certificate") : 0;
}

/* ---- The chain ---- */

/* By list (A37). The one critical extension that OpenSSL does not know and the profile has: subject directory attributes
 * (3.2.10). */
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

/* A pinned certificate is trusted as it is, whoever signed it and however weakly. */
static bool is_pinned(X509_STORE_CTX *ctx, X509 *c)
{
	AUTO(x509s_free) x509s *same = X509_STORE_CTX_get1_certs(ctx, X509_get_subject_name(c));

	for (int i = 0; i < sk_X509_num(same); i++)
		if (X509_cmp(sk_X509_value(same, i), c) == 0)
			return true;
	return false;
}

/* The signature is over the certificate as it came. */
static bool is_signed(X509_STORE_CTX *ctx)
{
	const struct read *r = X509_STORE_CTX_get_app_data(ctx);
	const X509 *issuer = sk_X509_value(X509_STORE_CTX_get0_chain(ctx), 1);

	return issuer && X509_verify(r->c, X509_get0_pubkey(issuer)) == 1;
}

static bool forgiven(X509_STORE_CTX *ctx)
{
	X509 *c = X509_STORE_CTX_get_current_cert(ctx);

	switch (X509_STORE_CTX_get_error(ctx)) {
	case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
		return criticals_known(c);
	case X509_V_ERR_CA_MD_TOO_WEAK:
		return is_pinned(ctx, c);
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		return X509_STORE_CTX_get_error_depth(ctx) == 0 && is_signed(ctx);
	default:
		return false;
	}
}

static int on_verify(int good, X509_STORE_CTX *ctx)
{
	if (good || !forgiven(ctx))
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
	return ekmaker_agrees(chain, e);
}

/* *code is OpenSSL's verdict when it is no. */
static int verify_at(
        const struct ekroots *roots, const struct read *r, time_t when, int *code, int *depth, struct err *e)
{
	AUTO(X509_STORE_CTX_free) X509_STORE_CTX *ctx = X509_STORE_CTX_new();

	*code = X509_V_ERR_OUT_OF_MEM;
	*depth = 0;
	if (!ctx || X509_STORE_CTX_init(ctx, roots->store, r->readable, r->issuers) != 1 ||
	        X509_STORE_CTX_set_app_data(ctx, (void *)r) != 1)
		return err_set(e, WHY_SYSTEM, "no memory to verify it");
	X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);
	/* What is pinned is trusted, be it an intermediate: some vendors' roots are cross-signed by others. */
	X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
	X509_VERIFY_PARAM_set_time(p, when);
	X509_VERIFY_PARAM_set_depth(p, DEPTH_MAX);
	X509_VERIFY_PARAM_set_auth_level(p, AUTH_LEVEL);
	X509_STORE_CTX_set_verify_cb(ctx, on_verify);
	int good = X509_verify_cert(ctx);
	ERR_clear_error();
	*code = X509_STORE_CTX_get_error(ctx);
	*depth = X509_STORE_CTX_get_error_depth(ctx);
	if (good == 1)
		return issuers_ok(ctx, e);
	err_set(e, WHY_UNTRUSTED, "no pinned vendor root stands behind it: %s (certificate %d)",
	        X509_verify_cert_error_string(*code), *depth);
	return err_hint(
	        e, "pin the vendor's root: merestone ek import-roots; or approve the endorsement key by its hash");
}

static bool issued_at(X509 *c, time_t *out)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(X509_get0_notBefore(c), &tm) != 1)
		return false;
	*out = timegm(&tm);
	return true;
}

/* The EK's own certificate must be valid now; TPMs outlive those who issued it, so an issuer's need only have been when
 * it issued. */
static int verify(const struct ekroots *roots, const struct read *r, time_t now, bool *expired, struct err *e)
{
	int code, depth;
	time_t issued;

	*expired = false;
	if (verify_at(roots, r, now, &code, &depth, e) == 0)
		return 0;
	if (code != X509_V_ERR_CERT_HAS_EXPIRED || depth == 0 || !issued_at(r->c, &issued) ||
	        X509_cmp_time(X509_get0_notAfter(r->c), &now) <= 0)
		return -1;
	if (verify_at(roots, r, issued, &code, &depth, e) != 0)
		return -1;
	*expired = true;
	return 0;
}

int ekcert_check(const struct ekroots *roots, struct view cert, const struct view *chain, size_t nchain,
        const struct ek_pub *ek, time_t now, bool *expired, struct err *e)
{
	struct read r = {0};
	int bad = read_all(cert, chain, nchain, ek, &r, e) || verify(roots, &r, now, expired, e);

	read_drop(&r);
	return bad ? err_in(e, "endorsement certificate") : 0;
}
