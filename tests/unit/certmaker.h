/* certmaker: endorsement certificates and their issuers, right ones and wrong ones, made with OpenSSL for tests. */
#ifndef UNIT_CERTMAKER_H
#define UNIT_CERTMAKER_H

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/es256.h"
#include "tests/unit/unit.h"

struct cert_shape { /* NULL leaves an extension out */
	const char *name, *issuer;
	long serial;
	long from_s, to_s;                           /* relative to now */
	const char *basic, *usage, *eku, *aia, *odd; /* odd: an OID, critical, contents a NULL */
	const char *maker;                           /* in the subject alternative name */
	const char *organization, *root;             /* who it is, or issued it if it is an EK's; whose the root is */
	const EVP_MD *md;                            /* NULL: SHA-256 */
};

static const struct cert_shape certmaker_root = {.name = "Vendor Root",
        .issuer = "Vendor Root",
        .serial = 1,
        .from_s = -3600,
        .to_s = 3600,
        .basic = "critical,CA:TRUE",
        .usage = "critical,keyCertSign"};
static const struct cert_shape certmaker_middle = {.name = "Vendor Intermediate",
        .issuer = "Vendor Root",
        .serial = 2,
        .from_s = -3600,
        .to_s = 3600,
        .basic = "critical,CA:TRUE,pathlen:0",
        .usage = "critical,keyCertSign"};
static const struct cert_shape certmaker_ek = {.name = "",
        .issuer = "Vendor Intermediate",
        .serial = 3,
        .from_s = -3600,
        .to_s = 3600,
        .basic = "critical,CA:FALSE",
        .usage = "critical,keyAgreement",
        .eku = "2.23.133.8.1",
        .maker = "id:00001014"};

static inline void certmaker_extension(X509 *c, int nid, const char *value)
{
	X509_EXTENSION *x = value ? X509V3_EXT_conf_nid(NULL, NULL, nid, value) : NULL;

	if (value) {
		assert_non_null(x);
		assert_int_equal(X509_add_ext(c, x, -1), 1);
	}
	X509_EXTENSION_free(x);
}

/* OID and whether it is critical; the contents are a NULL. */
static inline void certmaker_odd(X509 *c, const char *oid)
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *v = ASN1_OCTET_STRING_new();
	X509_EXTENSION *x = NULL;

	assert_true(o && v && ASN1_OCTET_STRING_set(v, (const uint8_t *)"\x05\x00", 2));
	x = X509_EXTENSION_create_by_OBJ(NULL, o, 1, v);
	assert_int_equal(X509_add_ext(c, x, -1), 1);
	X509_EXTENSION_free(x);
	ASN1_OCTET_STRING_free(v);
	ASN1_OBJECT_free(o);
}

static inline void certmaker_maker(X509 *c, const char *id)
{
	ASN1_OBJECT *o = OBJ_txt2obj("2.23.133.2.1", 1);
	GENERAL_NAME *g = GENERAL_NAME_new();
	GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();

	g->type = GEN_DIRNAME;
	g->d.directoryName = X509_NAME_new();
	X509_NAME_add_entry_by_OBJ(g->d.directoryName, o, MBSTRING_ASC, (const uint8_t *)id, -1, -1, 0);
	sk_GENERAL_NAME_push(all, g);
	assert_int_equal(X509_add1_ext_i2d(c, NID_subject_alt_name, all, 1, 0), 1);
	GENERAL_NAMES_free(all);
	ASN1_OBJECT_free(o);
}

static inline X509_NAME *certmaker_name(const char *cn, const char *organization)
{
	X509_NAME *n = X509_NAME_new();

	if (organization)
		X509_NAME_add_entry_by_txt(n, "O", MBSTRING_ASC, (const uint8_t *)organization, -1, -1, 0);
	if (cn[0])
		X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const uint8_t *)cn, -1, -1, 0);
	return n;
}

static inline X509 *certmaker_x509(const struct cert_shape *s, EVP_PKEY *subject, EVP_PKEY *issuer)
{
	X509 *c = X509_new();
	bool leaf = s->eku != NULL;
	X509_NAME *name = certmaker_name(s->name, leaf ? NULL : s->organization);
	X509_NAME *by = certmaker_name(s->issuer, s->root ? s->root : leaf || s->serial == 1 ? s->organization : NULL);

	X509_set_version(c, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(c), s->serial);
	X509_gmtime_adj(X509_getm_notBefore(c), s->from_s);
	X509_gmtime_adj(X509_getm_notAfter(c), s->to_s);
	X509_set_subject_name(c, name);
	X509_set_issuer_name(c, by);
	X509_set_pubkey(c, subject);
	certmaker_extension(c, NID_basic_constraints, s->basic);
	certmaker_extension(c, NID_key_usage, s->usage);
	certmaker_extension(c, NID_ext_key_usage, s->eku);
	certmaker_extension(c, NID_info_access, s->aia);
	if (s->maker)
		certmaker_maker(c, s->maker);
	if (s->odd)
		certmaker_odd(c, s->odd);
	assert_true(X509_sign(c, issuer, s->md ? s->md : EVP_sha256()) > 0);
	X509_NAME_free(name);
	X509_NAME_free(by);
	return c;
}

struct cert {
	uint8_t p[8192];
	size_t n;
};

static inline struct view certmaker_view(const struct cert *c)
{
	return VIEW(c->p, c->n);
}

static inline void certmaker_der(struct cert *out, const struct cert_shape *s, EVP_PKEY *subject, EVP_PKEY *issuer)
{
	X509 *c = certmaker_x509(s, subject, issuer);
	uint8_t *p = out->p;
	int n = i2d_X509(c, NULL);

	assert_in_range(n, 1, sizeof out->p);
	assert_int_equal(i2d_X509(c, &p), n);
	out->n = (size_t)n;
	X509_free(c);
}

/* PEM of the same, appended to text. */
static inline size_t certmaker_pem(char *text, size_t cap, const struct cert *c)
{
	const uint8_t *p = c->p;
	X509 *x = d2i_X509(NULL, &p, (long)c->n);
	BIO *b = BIO_new(BIO_s_mem());
	char *data;

	assert_int_equal(PEM_write_bio_X509(b, x), 1);
	long n = BIO_get_mem_data(b, &data);
	assert_in_range(n, 1, cap);
	memcpy(text, data, (size_t)n);
	BIO_free(b);
	X509_free(x);
	return (size_t)n;
}

#endif
