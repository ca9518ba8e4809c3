/* X.509 certificates of a trust domain: a CA of path length zero and leaves with one SPIFFE name (X509-SVID 2-5,
 * RFC 5280 4.2). Extensions are built from values, never from configuration text, so a name can not add another. */
#include "keystore/keystore.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

enum {
	CA_LIFE_S = 10 * 365 * 24 * 3600,
	CA_BACKDATE_S = 60,
	TRUST_DOMAIN_MAX = 64, /* ub-organization-name of RFC 5280 */
	PATH_MAX_LEN = 192,    /* role/security-officer/NAME and some air */
	HOST_MAX = 253,
	HOSTS_MAX = 16,
	KEY_ID = 20,
	USAGE_DIGITAL_SIGNATURE = 0, /* bit numbers of KeyUsage */
	USAGE_CERT_SIGN = 5,
	USAGE_CRL_SIGN = 6,
};

AUTO_DEFINE(X509 *, X509_free)
AUTO_DEFINE(GENERAL_NAMES *, GENERAL_NAMES_free)
AUTO_DEFINE(GENERAL_NAME *, GENERAL_NAME_free)
AUTO_DEFINE(BASIC_CONSTRAINTS *, BASIC_CONSTRAINTS_free)
AUTO_DEFINE(AUTHORITY_KEYID *, AUTHORITY_KEYID_free)
AUTO_DEFINE(ASN1_BIT_STRING *, ASN1_BIT_STRING_free)
AUTO_DEFINE(ASN1_OCTET_STRING *, ASN1_OCTET_STRING_free)
AUTO_DEFINE(BIO *, BIO_free_all)

static void usages_free(EXTENDED_KEY_USAGE *u)
{
	EXTENDED_KEY_USAGE_free(u);
}
AUTO_DEFINE(EXTENDED_KEY_USAGE *, usages_free)

/* ---- Names ---- */

static bool only_of(const char *s, size_t max, const char *alphabet)
{
	size_t n = strlen(s);
	return n > 0 && n <= max && strspn(s, alphabet) == n;
}

static bool trust_domain_ok(const char *s)
{
	return only_of(s, TRUST_DOMAIN_MAX, "abcdefghijklmnopqrstuvwxyz0123456789.-_");
}

/* SPIFFE-ID 2.2: no empty segment, none of dots alone. Ours are names, so a dot has no place. */
static bool path_ok(const char *s)
{
	size_t n = strlen(s);
	return only_of(s, PATH_MAX_LEN, "abcdefghijklmnopqrstuvwxyz0123456789-/") && s[0] != '/' && s[n - 1] != '/' &&
	       !strstr(s, "//");
}

static const char *last_segment(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* ---- Extensions: each gives true when it was added ---- */

static bool add(X509 *x, int nid, void *value, bool critical)
{
	return value && X509_add1_ext_i2d(x, nid, value, critical, X509V3_ADD_DEFAULT) == 1;
}

static bool add_constraints(X509 *x, bool ca)
{
	AUTO(BASIC_CONSTRAINTS_free) BASIC_CONSTRAINTS *c = BASIC_CONSTRAINTS_new();
	if (!c)
		return false;
	c->ca = ca ? 0xff : 0;
	if (ca && (!(c->pathlen = ASN1_INTEGER_new()) || ASN1_INTEGER_set(c->pathlen, 0) != 1))
		return false;
	return add(x, NID_basic_constraints, c, true);
}

static bool add_usage(X509 *x, bool ca)
{
	AUTO(ASN1_BIT_STRING_free) ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
	if (!bits)
		return false;
	if (ca && (ASN1_BIT_STRING_set_bit(bits, USAGE_CERT_SIGN, 1) != 1 ||
	                  ASN1_BIT_STRING_set_bit(bits, USAGE_CRL_SIGN, 1) != 1))
		return false;
	if (!ca && ASN1_BIT_STRING_set_bit(bits, USAGE_DIGITAL_SIGNATURE, 1) != 1)
		return false;
	return add(x, NID_key_usage, bits, true);
}

static bool add_extended_usage(X509 *x, int nid)
{
	AUTO(usages_free) EXTENDED_KEY_USAGE *u = EXTENDED_KEY_USAGE_new();
	return u && sk_ASN1_OBJECT_push(u, OBJ_nid2obj(nid)) > 0 && add(x, NID_ext_key_usage, u, false);
}

/* RFC 7093 method 1: the leftmost 160 bits of SHA-256 over the key. */
static bool add_key_ids(X509 *x, const uint8_t pub[ES256_PUB], const ASN1_OCTET_STRING *issuer)
{
	AUTO(ASN1_OCTET_STRING_free) ASN1_OCTET_STRING *own = ASN1_OCTET_STRING_new();
	AUTO(AUTHORITY_KEYID_free) AUTHORITY_KEYID *a = AUTHORITY_KEYID_new();
	uint8_t point[1 + ES256_PUB] = {4}, digest[SHA_LEN];
	memcpy(point + 1, pub, ES256_PUB);
	sha256(digest, VIEW_OF(point));
	if (!own || !a || ASN1_OCTET_STRING_set(own, digest, KEY_ID) != 1)
		return false;
	a->keyid = ASN1_OCTET_STRING_dup(issuer ? issuer : own);
	return a->keyid && add(x, NID_subject_key_identifier, own, false) &&
	       add(x, NID_authority_key_identifier, a, false);
}

/* ---- Subject alternative names ---- */

static bool push_name(GENERAL_NAMES *names, GENERAL_NAME *made)
{
	AUTO(GENERAL_NAME_free) GENERAL_NAME *g = made;
	if (!g || sk_GENERAL_NAME_push(names, g) <= 0)
		return false;
	g = NULL;
	return true;
}

static GENERAL_NAME *text_name(int type, const char *text)
{
	AUTO(GENERAL_NAME_free) GENERAL_NAME *g = GENERAL_NAME_new();
	ASN1_IA5STRING *s = ASN1_IA5STRING_new();
	if (!g || !s || ASN1_STRING_set(s, text, -1) != 1) {
		ASN1_IA5STRING_free(s);
		return NULL;
	}
	GENERAL_NAME_set0_value(g, type, s);
	return TAKE(g);
}

static GENERAL_NAME *host_name(const char *host)
{
	ASN1_OCTET_STRING *ip = a2i_IPADDRESS(host);
	if (!ip)
		return text_name(GEN_DNS, host);
	GENERAL_NAME *g = GENERAL_NAME_new();
	if (!g)
		ASN1_OCTET_STRING_free(ip);
	else
		GENERAL_NAME_set0_value(g, GEN_IPADD, ip);
	return g;
}

static bool push_spiffe(GENERAL_NAMES *names, const char *trust_domain, const char *path)
{
	char uri[16 + TRUST_DOMAIN_MAX + PATH_MAX_LEN];
	struct wr w = wr_to(uri, sizeof uri);
	wr_fmt(&w, "spiffe://%s", trust_domain);
	if (path)
		wr_fmt(&w, "/%s", path);
	wr_u8(&w, 0);
	return wr_ok(&w) && push_name(names, text_name(GEN_URI, uri));
}

static bool add_names(X509 *x, const char *trust_domain, const char *path, const char *const *hosts)
{
	AUTO(GENERAL_NAMES_free) GENERAL_NAMES *names = GENERAL_NAMES_new();
	if (!names || !push_spiffe(names, trust_domain, path))
		return false;
	for (size_t i = 0; hosts && hosts[i]; i++)
		if (!push_name(names, host_name(hosts[i])))
			return false;
	return add(x, NID_subject_alt_name, names, false);
}

/* ---- The certificate ---- */

static bool set_serial(X509 *x)
{
	uint8_t bytes[16];
	if (RAND_bytes(bytes, sizeof bytes) != 1)
		return false;
	bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40); /* positive and of full length (RFC 5280 4.1.2.2) */
	BIGNUM *n = BN_bin2bn(bytes, sizeof bytes, NULL);
	bool done = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
	BN_free(n);
	return done;
}

static bool set_subject(X509 *x, const char *organisation, const char *common)
{
	X509_NAME *n = X509_get_subject_name(x);
	return X509_NAME_add_entry_by_NID(
	               n, NID_organizationName, MBSTRING_UTF8, (const uint8_t *)organisation, -1, -1, 0) == 1 &&
	       X509_NAME_add_entry_by_NID(n, NID_commonName, MBSTRING_UTF8, (const uint8_t *)common, -1, -1, 0) == 1;
}

static X509 *certificate_start(EVP_PKEY *key, time_t from, time_t to)
{
	AUTO(X509_free) X509 *x = X509_new();
	if (!x || X509_set_version(x, X509_VERSION_3) != 1 || !set_serial(x) || X509_set_pubkey(x, key) != 1 ||
	        !ASN1_TIME_set(X509_getm_notBefore(x), from) || !ASN1_TIME_set(X509_getm_notAfter(x), to))
		return NULL;
	return TAKE(x);
}

static int certificate_sign(X509 *x, const struct es256 *ca, char **pem, struct err *e)
{
	AUTO(BIO_free_all) BIO *b = BIO_new(BIO_s_mem());
	char *text = NULL;
	if (!b || X509_sign(x, ca->pkey, EVP_sha256()) <= 0 || PEM_write_bio_X509(b, x) != 1)
		return err_set(e, WHY_SYSTEM, "a certificate could not be signed");
	long n = BIO_get_mem_data(b, &text);
	char *copy = n > 0 ? strndup(text, (size_t)n) : NULL;
	if (!copy)
		return err_sys(e, "no memory for a certificate");
	*pem = copy;
	return 0;
}

int ca_self(const struct es256 *ca, const char *trust_domain, time_t now, char **pem, struct err *e)
{
	if (!trust_domain_ok(trust_domain))
		return err_set(e, WHY_MALFORMED, "a trust domain has 1 to %d of a-z 0-9 . - _", TRUST_DOMAIN_MAX);
	AUTO(X509_free) X509 *x = certificate_start(ca->pkey, now - CA_BACKDATE_S, now + CA_LIFE_S);
	if (!x || !set_subject(x, trust_domain, "Merestone CA") ||
	        X509_set_issuer_name(x, X509_get_subject_name(x)) != 1 || !add_constraints(x, true) ||
	        !add_usage(x, true) || !add_key_ids(x, ca->pub, NULL) || !add_names(x, trust_domain, NULL, NULL))
		return err_set(e, WHY_SYSTEM, "the CA certificate could not be made");
	return certificate_sign(x, ca, pem, e);
}

static int request_check(const struct ca_request *q, struct err *e)
{
	if (!trust_domain_ok(q->trust_domain) || !path_ok(q->path))
		return err_set(e, WHY_MALFORMED, "no certificate for a name that is not a SPIFFE path of ours");
	if (q->not_after <= q->not_before)
		return err_set(e, WHY_MALFORMED, "no certificate for a time that ends before it starts");
	for (size_t i = 0; q->hosts && q->hosts[i]; i++)
		if (i >= HOSTS_MAX || !only_of(q->hosts[i], HOST_MAX,
		                              "abcdefghijklmnopqrstuvwxyz"
		                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:"))
			return err_set(e, WHY_MALFORMED, "%.64s is not a host name or address", q->hosts[i]);
	return 0;
}

static X509 *ca_certificate(const struct es256 *ca, struct view pem, struct err *e)
{
	AUTO(BIO_free_all) BIO *b = BIO_new_mem_buf(pem.p, (int)pem.n);
	AUTO(X509_free) X509 *x = b ? PEM_read_bio_X509(b, NULL, NULL, NULL) : NULL;
	if (!x || EVP_PKEY_eq(X509_get0_pubkey(x), ca->pkey) != 1 || !X509_get0_subject_key_id(x)) {
		err_set(e, WHY_SYSTEM, "the CA certificate is not that of the CA key");
		return NULL;
	}
	return TAKE(x);
}

int ca_issue(const struct es256 *ca, struct view ca_pem, const struct ca_request *q, char **pem, struct err *e)
{
	if (request_check(q, e) != 0)
		return -1;
	AUTO(X509_free) X509 *issuer = ca_certificate(ca, ca_pem, e);
	AUTO(es256_free) struct es256 *subject = issuer ? es256_from_pub(q->pub, e) : NULL;
	if (!subject)
		return err_in(e, "certificate of %s", q->path);
	AUTO(X509_free) X509 *x = certificate_start(subject->pkey, q->not_before, q->not_after);
	if (!x || !set_subject(x, q->trust_domain, last_segment(q->path)) ||
	        X509_set_issuer_name(x, X509_get_subject_name(issuer)) != 1 || !add_constraints(x, false) ||
	        !add_usage(x, false) || !add_extended_usage(x, q->hosts ? NID_server_auth : NID_client_auth) ||
	        !add_key_ids(x, q->pub, X509_get0_subject_key_id(issuer)) ||
	        !add_names(x, q->trust_domain, q->path, q->hosts))
		return err_set(e, WHY_SYSTEM, "the certificate of %s could not be made", q->path);
	return certificate_sign(x, ca, pem, e);
}
