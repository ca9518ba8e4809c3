#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "federation/federation.h"
#include "tests/unit/mangle.h"
#include "tests/unit/unit.h"

static int of_uri(const char *uri, struct peer *p, struct err *e)
{
	return peer_of_uri(VIEW(uri, strlen(uri)), "edge.example", p, e);
}

static void extension(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(ext);
	assert_int_equal(X509_add_ext(x, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

/* A certificate that lasts an hour; who signed it is TLS's business, not peer's. */
static X509 *certificate(const char *san, const char *constraints)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();

	assert_true(key && x);
	assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	assert_int_equal(X509_set_pubkey(x, key), 1);
	if (constraints)
		extension(x, NID_basic_constraints, constraints);
	if (san)
		extension(x, NID_subject_alt_name, san);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	EVP_PKEY_free(key);
	return x;
}

static int of_cert(const char *san, const char *constraints, time_t later, struct peer *p, struct err *e)
{
	X509 *x = certificate(san, constraints);
	int r = peer_of_cert(x, "edge.example", time(NULL) + later, p, e);

	X509_free(x);
	return r;
}

static void a_cloudlet_and_each_role_are_known_by_their_paths(void **s)
{
	(void)s;
	struct peer p = {0};
	struct err e = {0};

	assert_accepted(of_uri("spiffe://edge.example/cloudlet/berlin-1", &p, &e), &e);
	assert_int_equal(p.role, ROLE_CLOUDLET);
	assert_string_equal(p.name, "berlin-1");
	assert_accepted(of_uri("spiffe://edge.example/role/security-officer/olga", &p, &e), &e);
	assert_int_equal(p.role, ROLE_OFFICER);
	assert_accepted(of_uri("spiffe://edge.example/role/operations-manager/otto", &p, &e), &e);
	assert_int_equal(p.role, ROLE_OPERATOR);
	assert_accepted(of_uri("spiffe://edge.example/role/auditor/anna", &p, &e), &e);
	assert_int_equal(p.role, ROLE_AUDITOR);
	assert_string_equal(p.name, "anna");
}

static void any_other_uri_is_refused(void **s)
{
	(void)s;
	static const char *const bad[] = {"", "spiffe://", "spiffe://edge.example", "spiffe://edge.example/",
	        "spiffe://edge.example/authority", "spiffe://edge.example/cloudlet/",
	        "spiffe://edge.example/cloudlet/a.b", "spiffe://edge.example/cloudlet/a/b",
	        "spiffe://edge.example/cloudlet/a?x", "spiffe://edge.example/role/auditor",
	        "spiffe://edge.example/role/auditor/", "spiffe://edge.example/role/none/a",
	        "spiffe://edge.example/role/cloudlet/a", "spiffe://edge.example/role/root/a",
	        "spiffe://edge.example.org/cloudlet/a", "spiffe://other/cloudlet/a", "SPIFFE://edge.example/cloudlet/a",
	        "https://edge.example/cloudlet/a", "spiffe://edge.example//cloudlet/a"};
	struct peer p = {.role = ROLE_NONE, .name = "untouched"};
	struct err e;

	for (size_t i = 0; i < COUNT(bad); i++)
		assert_refused(of_uri(bad[i], &p, &e), &e, WHY_UNTRUSTED);
	assert_string_equal(p.name, "untouched");
}

static void a_name_with_a_nul_is_refused(void **s)
{
	(void)s;
	static const char uri[] = "spiffe://edge.example/cloudlet/a\0b";
	struct peer p = {0};
	struct err e;

	assert_refused(peer_of_uri(VIEW(uri, sizeof uri - 1), "edge.example", &p, &e), &e, WHY_UNTRUSTED);
}

static void nobody_is_a_stranger_and_that_is_fine(void **s)
{
	(void)s;
	struct peer p = {.role = ROLE_OFFICER};
	struct err e = {0};

	assert_accepted(peer_of_cert(NULL, "edge.example", time(NULL), &p, &e), &e);
	assert_int_equal(p.role, ROLE_NONE);
	assert_string_equal(p.name, "");
}

static void a_certificate_has_exactly_one_uri(void **s)
{
	(void)s;
	struct peer p = {0};
	struct err e = {0};

	assert_accepted(of_cert("URI:spiffe://edge.example/cloudlet/a", "CA:FALSE", 0, &p, &e), &e);
	assert_string_equal(p.name, "a");
	assert_accepted(of_cert("DNS:x,URI:spiffe://edge.example/cloudlet/b", NULL, 0, &p, &e), &e);
	assert_refused(
	        of_cert("URI:spiffe://edge.example/cloudlet/a,URI:spiffe://edge.example/cloudlet/b", NULL, 0, &p, &e),
	        &e, WHY_UNTRUSTED);
	assert_refused(of_cert("DNS:x", NULL, 0, &p, &e), &e, WHY_UNTRUSTED);
	assert_refused(of_cert(NULL, NULL, 0, &p, &e), &e, WHY_UNTRUSTED);
}

static void a_certificate_that_may_issue_is_nobodys_identity(void **s)
{
	(void)s;
	struct peer p = {0};
	struct err e;

	assert_refused(of_cert("URI:spiffe://edge.example/cloudlet/a", "CA:TRUE", 0, &p, &e), &e, WHY_UNTRUSTED);
}

static void a_certificate_ends_while_its_connection_lasts(void **s)
{
	(void)s;
	struct peer p = {0};
	struct err e = {0};

	assert_accepted(of_cert("URI:spiffe://edge.example/cloudlet/a", NULL, 3500, &p, &e), &e);
	assert_true(p.not_after > time(NULL));
	assert_refused(of_cert("URI:spiffe://edge.example/cloudlet/a", NULL, 3700, &p, &e), &e, WHY_UNTRUSTED);
}

static void mangled_uri(struct view v, void *arg)
{
	struct peer p = {0};
	struct err e;

	(void)arg;
	if (peer_of_uri(v, "edge.example", &p, &e) == 0)
		assert_true(name_ok(p.name) && p.role == ROLE_AUDITOR);
}

static void a_mangled_uri_is_refused_or_names_another_of_the_same_role(void **s)
{
	(void)s;
	static const char good[] = "spiffe://edge.example/role/auditor/anna";

	mangle_each(VIEW(good, sizeof good - 1), mangled_uri, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_cloudlet_and_each_role_are_known_by_their_paths),
	        cmocka_unit_test(any_other_uri_is_refused),
	        cmocka_unit_test(a_name_with_a_nul_is_refused),
	        cmocka_unit_test(nobody_is_a_stranger_and_that_is_fine),
	        cmocka_unit_test(a_certificate_has_exactly_one_uri),
	        cmocka_unit_test(a_certificate_that_may_issue_is_nobodys_identity),
	        cmocka_unit_test(a_certificate_ends_while_its_connection_lasts),
	        cmocka_unit_test(a_mangled_uri_is_refused_or_names_another_of_the_same_role),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
