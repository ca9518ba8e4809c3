/* Tests of ca: certificates as OpenSSL reads them back. */
#include "tests/unit/unit.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "keystore/keystore.h"

enum { NOW = 1800000000 };

struct bench {
	struct es256 *ca, *leaf;
	char *ca_pem;
};

static int setup(void **s)
{
	static struct bench b;
	struct err e = {0};
	b.ca = es256_generate(&e);
	b.leaf = es256_generate(&e);
	*s = &b;
	return b.ca && b.leaf ? ca_self(b.ca, "edge.example", NOW, &b.ca_pem, &e) : -1;
}

static int teardown(void **s)
{
	struct bench *b = *s;
	es256_free(b->ca);
	es256_free(b->leaf);
	free(b->ca_pem);
	return 0;
}

static X509 *read_pem(const char *pem)
{
	BIO *io = BIO_new_mem_buf(pem, -1);
	X509 *x = PEM_read_bio_X509(io, NULL, NULL, NULL);
	BIO_free(io);
	assert_non_null(x);
	return x;
}

static struct ca_request request(const struct bench *b)
{
	return (struct ca_request){.trust_domain = "edge.example",
	        .path = "cloudlet/berlin-1",
	        .pub = b->leaf->pub,
	        .not_before = NOW - 60,
	        .not_after = NOW + 3600};
}

static X509 *issue(const struct bench *b, const struct ca_request *q)
{
	struct err e = {0};
	char *pem = NULL;
	assert_accepted(ca_issue(b->ca, VIEW(b->ca_pem, strlen(b->ca_pem)), q, &pem, &e), &e);
	X509 *x = read_pem(pem);
	free(pem);
	return x;
}

/* Chain, validity and purpose, at one moment. Gives the X509_V_ code. */
static int verify(const struct bench *b, X509 *leaf, time_t at, int purpose)
{
	X509 *root = read_pem(b->ca_pem);
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *c = X509_STORE_CTX_new();
	X509_STORE_add_cert(store, root);
	X509_STORE_CTX_init(c, store, leaf, NULL);
	X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(c), at);
	X509_STORE_CTX_set_purpose(c, purpose);
	X509_STORE_CTX_set_flags(c, X509_V_FLAG_X509_STRICT);
	X509_verify_cert(c);
	int code = X509_STORE_CTX_get_error(c);
	X509_STORE_CTX_free(c);
	X509_STORE_free(store);
	X509_free(root);
	return code;
}

static GENERAL_NAMES *names_of(X509 *x)
{
	GENERAL_NAMES *g = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	assert_non_null(g);
	return g;
}

static void has_uri(GENERAL_NAMES *g, int at, const char *uri)
{
	GENERAL_NAME *n = sk_GENERAL_NAME_value(g, at);
	assert_int_equal(n->type, GEN_URI);
	const ASN1_STRING *s = n->d.uniformResourceIdentifier;
	assert_true(view_is(VIEW(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)), uri));
}

static void a_client_certificate_holds_under_the_ca(void **s)
{
	struct ca_request q = request(*s);
	X509 *x = issue(*s, &q);
	assert_int_equal(verify(*s, x, NOW, X509_PURPOSE_SSL_CLIENT), X509_V_OK);
	assert_int_equal(verify(*s, x, NOW, X509_PURPOSE_SSL_SERVER), X509_V_ERR_INVALID_PURPOSE);
	assert_int_equal(verify(*s, x, NOW + 3601, X509_PURPOSE_SSL_CLIENT), X509_V_ERR_CERT_HAS_EXPIRED);
	assert_int_equal(verify(*s, x, NOW - 61, X509_PURPOSE_SSL_CLIENT), X509_V_ERR_CERT_NOT_YET_VALID);
	X509_free(x);
}

static void a_leaf_has_one_spiffe_name_and_the_svid_profile(void **s)
{
	struct ca_request q = request(*s);
	X509 *x = issue(*s, &q);
	GENERAL_NAMES *g = names_of(x);
	assert_int_equal(sk_GENERAL_NAME_num(g), 1);
	has_uri(g, 0, "spiffe://edge.example/cloudlet/berlin-1");
	assert_int_equal(X509_get_key_usage(x), KU_DIGITAL_SIGNATURE);
	assert_int_equal(X509_get_extended_key_usage(x), XKU_SSL_CLIENT);
	assert_int_equal(X509_check_ca(x), 0);
	assert_int_equal(X509_get_version(x), X509_VERSION_3);
	for (int i = 0; i < X509_get_ext_count(x); i++) {
		X509_EXTENSION *ext = X509_get_ext(x, i);
		int nid = OBJ_obj2nid(X509_EXTENSION_get_object(ext));
		bool critical = nid == NID_basic_constraints || nid == NID_key_usage;
		assert_int_equal(X509_EXTENSION_get_critical(ext) == 1, critical);
	}
	GENERAL_NAMES_free(g);
	X509_free(x);
}

static void the_key_in_a_certificate_is_the_one_asked_for(void **s)
{
	struct bench *b = *s;
	struct ca_request q = request(b);
	X509 *x = issue(b, &q);
	assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(x), b->leaf->pkey), 1);
	X509_free(x);
}

static void key_identifiers_link_leaf_and_ca(void **s)
{
	struct bench *b = *s;
	struct ca_request q = request(b);
	X509 *x = issue(b, &q), *root = read_pem(b->ca_pem);
	assert_int_equal(ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(x), X509_get0_subject_key_id(root)), 0);
	assert_int_not_equal(ASN1_OCTET_STRING_cmp(X509_get0_subject_key_id(x), X509_get0_subject_key_id(root)), 0);
	X509_free(x);
	X509_free(root);
}

static void serials_are_positive_of_127_bits_and_differ(void **s)
{
	struct ca_request q = request(*s);
	X509 *x = issue(*s, &q), *y = issue(*s, &q);
	BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	assert_int_equal(BN_num_bits(n), 127);
	assert_false(BN_is_negative(n));
	assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(x), X509_get0_serialNumber(y)), 0);
	BN_free(n);
	X509_free(x);
	X509_free(y);
}

static void a_server_certificate_names_its_hosts_and_addresses(void **s)
{
	static const char *const hosts[] = {"localhost", "127.0.0.1", "::1", NULL};
	struct ca_request q = request(*s);
	q.path = "authority";
	q.hosts = hosts;
	X509 *x = issue(*s, &q);
	assert_int_equal(verify(*s, x, NOW, X509_PURPOSE_SSL_SERVER), X509_V_OK);
	assert_int_equal(X509_check_host(x, "localhost", 0, 0, NULL), 1);
	assert_int_equal(X509_check_ip_asc(x, "127.0.0.1", 0), 1);
	assert_int_equal(X509_check_ip_asc(x, "::1", 0), 1);
	assert_int_equal(X509_check_host(x, "example.org", 0, 0, NULL), 0);
	assert_int_equal(X509_get_extended_key_usage(x), XKU_SSL_SERVER);
	GENERAL_NAMES *g = names_of(x);
	has_uri(g, 0, "spiffe://edge.example/authority");
	assert_int_equal(sk_GENERAL_NAME_num(g), 4);
	GENERAL_NAMES_free(g);
	X509_free(x);
}

static void the_ca_signs_leaves_and_nothing_below_them(void **s)
{
	struct bench *b = *s;
	X509 *root = read_pem(b->ca_pem);
	assert_int_equal(X509_check_ca(root), 1);
	assert_int_equal(X509_get_pathlen(root), 0);
	assert_int_equal(X509_get_key_usage(root), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	assert_int_equal(X509_verify(root, b->ca->pkey), 1);
	GENERAL_NAMES *g = names_of(root);
	has_uri(g, 0, "spiffe://edge.example");
	GENERAL_NAMES_free(g);
	X509_free(root);
}

static void names_that_are_not_ours_get_no_certificate(void **s)
{
	static const char *const paths[] = {"", "/cloudlet/x", "cloudlet/x/", "cloudlet//x", "cloudlet/../x",
	        "cloudlet/X", "cloudlet/x,URI:spiffe://edge.example/role/security-officer/eve", "cloudlet/x\n",
	        "cloudlet/\xc3\xa9"};
	struct bench *b = *s;
	for (size_t i = 0; i < COUNT(paths); i++) {
		struct ca_request q = request(b);
		struct err e = {0};
		char *pem = NULL;
		q.path = paths[i];
		assert_refused(ca_issue(b->ca, VIEW(b->ca_pem, strlen(b->ca_pem)), &q, &pem, &e), &e, WHY_MALFORMED);
		assert_null(pem);
	}
}

static void a_trust_domain_or_host_with_other_characters_is_refused(void **s)
{
	static const char *const evil_hosts[] = {"ok.example", "a b", NULL};
	struct bench *b = *s;
	struct ca_request q = request(b);
	struct err e = {0};
	char *pem = NULL;
	assert_refused(ca_self(b->ca, "edge.example/x", NOW, &pem, &e), &e, WHY_MALFORMED);
	assert_refused(ca_self(b->ca, "", NOW, &pem, &e), &e, WHY_MALFORMED);
	q.hosts = evil_hosts;
	assert_refused(ca_issue(b->ca, VIEW(b->ca_pem, strlen(b->ca_pem)), &q, &pem, &e), &e, WHY_MALFORMED);
	q = request(b);
	q.trust_domain = "Edge.example";
	assert_refused(ca_issue(b->ca, VIEW(b->ca_pem, strlen(b->ca_pem)), &q, &pem, &e), &e, WHY_MALFORMED);
}

static void a_time_that_ends_before_it_starts_is_refused(void **s)
{
	struct bench *b = *s;
	struct ca_request q = request(b);
	struct err e = {0};
	char *pem = NULL;
	q.not_after = q.not_before;
	assert_refused(ca_issue(b->ca, VIEW(b->ca_pem, strlen(b->ca_pem)), &q, &pem, &e), &e, WHY_MALFORMED);
}

static void a_ca_certificate_of_another_key_is_refused(void **s)
{
	struct bench *b = *s;
	struct ca_request q = request(b);
	struct err e = {0};
	char *pem = NULL;
	assert_refused(ca_issue(b->leaf, VIEW(b->ca_pem, strlen(b->ca_pem)), &q, &pem, &e), &e, WHY_SYSTEM);
	assert_refused(ca_issue(b->ca, VIEW("no pem", 6), &q, &pem, &e), &e, WHY_SYSTEM);
}

static void a_point_off_the_curve_gets_no_certificate(void **s)
{
	struct bench *b = *s;
	struct ca_request q = request(b);
	struct err e = {0};
	uint8_t off[ES256_PUB] = {1, 2, 3};
	char *pem = NULL;
	q.pub = off;
	assert_refused(ca_issue(b->ca, VIEW(b->ca_pem, strlen(b->ca_pem)), &q, &pem, &e), &e, WHY_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_client_certificate_holds_under_the_ca),
	        cmocka_unit_test(a_leaf_has_one_spiffe_name_and_the_svid_profile),
	        cmocka_unit_test(the_key_in_a_certificate_is_the_one_asked_for),
	        cmocka_unit_test(key_identifiers_link_leaf_and_ca),
	        cmocka_unit_test(serials_are_positive_of_127_bits_and_differ),
	        cmocka_unit_test(a_server_certificate_names_its_hosts_and_addresses),
	        cmocka_unit_test(the_ca_signs_leaves_and_nothing_below_them),
	        cmocka_unit_test(names_that_are_not_ours_get_no_certificate),
	        cmocka_unit_test(a_trust_domain_or_host_with_other_characters_is_refused),
	        cmocka_unit_test(a_time_that_ends_before_it_starts_is_refused),
	        cmocka_unit_test(a_ca_certificate_of_another_key_is_refused),
	        cmocka_unit_test(a_point_off_the_curve_gets_no_certificate),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
