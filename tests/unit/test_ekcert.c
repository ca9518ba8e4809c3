#include <dirent.h>
#include <fcntl.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "tests/unit/certmaker.h"
#include "tests/unit/mangle.h"
#include "tests/unit/tpmmaker.h"

static struct es256 *root_key, *middle_key;
static struct tpm_key ek;
static struct ek_pub ek_pub;
static bool expired;
static struct cert root, middle, leaf;
static struct ekroots *roots;
static struct err e;

static struct ekroots *pin(const struct cert *c)
{
	static char pem[16 * 1024];
	size_t n = certmaker_pem(pem, sizeof pem, c);

	return ekroots_read(VIEW(pem, n), &e);
}

static int make(void **s)
{
	(void)s;
	root_key = es256_generate(&e);
	middle_key = es256_generate(&e);
	tpmmaker_key(&ek, TPMMAKER_EK);
	assert_accepted(ekpub_parse(tpmmaker_view(&ek), &ek_pub, &e), &e);
	certmaker_der(&root, &certmaker_root, root_key->pkey, root_key->pkey);
	certmaker_der(&middle, &certmaker_middle, middle_key->pkey, root_key->pkey);
	certmaker_der(&leaf, &certmaker_ek, ek.key->pkey, middle_key->pkey);
	roots = pin(&root);
	return roots ? 0 : -1;
}

static int drop(void **s)
{
	(void)s;
	es256_free(root_key);
	es256_free(middle_key);
	tpmmaker_drop(&ek);
	ekroots_free(roots);
	return 0;
}

static int checking_at(struct view cert, const struct cert *chain, size_t n, time_t now)
{
	struct view views[8];

	for (size_t i = 0; i < n && i < 8; i++)
		views[i] = certmaker_view(&chain[i]);
	e = (struct err){0};
	return ekcert_check(roots, cert, views, n, &ek_pub, now, &expired, &e);
}

static int checking(const struct cert *cert)
{
	return checking_at(certmaker_view(cert), &middle, 1, time(NULL));
}

/* The leaf with one thing changed. */
static int checking_leaf(const struct cert_shape *s)
{
	struct cert c;

	certmaker_der(&c, s, ek.key->pkey, middle_key->pkey);
	return checking(&c);
}

static void a_certificate_of_a_pinned_vendor_is_accepted(void **s)
{
	(void)s;
	assert_accepted(checking(&leaf), &e);
}

static void a_vendor_that_is_not_pinned_is_refused_with_the_way_out(void **s)
{
	struct ekroots *none = ekroots_read(VIEW("", 0), &e), *kept = roots;

	(void)s;
	assert_non_null(none);
	roots = none;
	assert_refused(checking(&leaf), &e, WHY_UNTRUSTED);
	assert_non_null(strstr(e.hint, "pin the vendor's root"));
	roots = kept;
	ekroots_free(none);
	assert_refused(checking_at(certmaker_view(&leaf), NULL, 0, time(NULL)), &e, WHY_UNTRUSTED);
}

static void a_pinned_intermediate_is_enough(void **s)
{
	struct ekroots *kept = roots;

	(void)s;
	roots = pin(&middle);
	assert_non_null(roots);
	assert_accepted(checking_at(certmaker_view(&leaf), NULL, 0, time(NULL)), &e);
	ekroots_free(roots);
	roots = kept;
}

static void attack_A31_only_authorities_issue(void **s)
{
	struct cert_shape shape = certmaker_middle;
	struct es256 *deep_key = es256_generate(&e);
	struct cert chain[2], c;

	(void)s;
	shape.basic = "critical,CA:FALSE";
	certmaker_der(&chain[0], &shape, middle_key->pkey, root_key->pkey);
	assert_refused(checking_at(certmaker_view(&leaf), chain, 1, time(NULL)), &e, WHY_UNTRUSTED);
	shape.basic = NULL; /* an authority by its key usage alone */
	certmaker_der(&chain[0], &shape, middle_key->pkey, root_key->pkey);
	assert_refused(checking_at(certmaker_view(&leaf), chain, 1, time(NULL)), &e, WHY_UNTRUSTED);
	/* one more authority than the path length of the one above it allows */
	shape = certmaker_middle;
	shape.name = "Deeper";
	shape.issuer = "Vendor Intermediate";
	certmaker_der(&chain[0], &shape, deep_key->pkey, middle_key->pkey);
	chain[1] = middle;
	shape = certmaker_ek;
	shape.issuer = "Deeper";
	certmaker_der(&c, &shape, ek.key->pkey, deep_key->pkey);
	assert_refused(checking_at(certmaker_view(&c), chain, 2, time(NULL)), &e, WHY_UNTRUSTED);
	/* an endorsement key that issues for another */
	shape.issuer = "";
	certmaker_der(&c, &shape, ek.key->pkey, ek.key->pkey);
	chain[0] = leaf;
	chain[1] = middle;
	assert_refused(checking_at(certmaker_view(&c), chain, 2, time(NULL)), &e, WHY_UNTRUSTED);
	es256_free(deep_key);
}

static void attack_A31_an_authority_is_no_endorsement_key(void **s)
{
	struct cert_shape shape = certmaker_ek;

	(void)s;
	shape.basic = "critical,CA:TRUE";
	assert_refused(checking_leaf(&shape), &e, WHY_UNTRUSTED);
}

static void attack_A07_A32_a_certificate_of_another_key_is_forged(void **s)
{
	struct es256 *other = es256_generate(&e);
	EVP_PKEY *rsa = EVP_RSA_gen(2048), *p384 = EVP_EC_gen("P-384");
	EVP_PKEY *keys[] = {other->pkey, rsa, p384};
	struct cert c;

	(void)s;
	for (size_t i = 0; i < COUNT(keys); i++) {
		certmaker_der(&c, &certmaker_ek, keys[i], middle_key->pkey);
		assert_refused(checking(&c), &e, WHY_FORGED);
	}
	es256_free(other);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(p384);
}

static void attack_A34_only_the_endorsement_usage_will_do(void **s)
{
	static const char *const ekus[] = {NULL, "serverAuth", "2.23.133.8.3", "anyExtendedKeyUsage"};
	struct cert_shape shape = certmaker_ek;

	(void)s;
	for (size_t i = 0; i < COUNT(ekus); i++) {
		shape.eku = ekus[i];
		assert_refused(checking_leaf(&shape), &e, WHY_UNTRUSTED);
	}
	shape.eku = "serverAuth,2.23.133.8.1";
	assert_accepted(checking_leaf(&shape), &e);
}

static void attack_A35_the_key_must_be_for_key_agreement(void **s)
{
	static const char *const usages[] = {NULL, "critical,digitalSignature", "critical,keyEncipherment"};
	struct cert_shape shape = certmaker_ek;

	(void)s;
	for (size_t i = 0; i < COUNT(usages); i++) {
		shape.usage = usages[i];
		assert_refused(checking_leaf(&shape), &e, WHY_UNTRUSTED);
	}
}

static void attack_A37_a_critical_extension_that_nobody_knows_is_refused(void **s)
{
	struct cert_shape shape = certmaker_ek;

	(void)s;
	shape.odd = "1.2.3.4.5";
	assert_refused(checking_leaf(&shape), &e, WHY_UNTRUSTED);
	shape.odd = "2.5.29.9"; /* subject directory attributes: the profile has them */
	assert_accepted(checking_leaf(&shape), &e);
}

static void attack_A45_a_url_in_a_certificate_is_not_followed(void **s)
{
	struct cert_shape shape = certmaker_ek;
	struct cert c;

	(void)s;
	shape.aia = "caIssuers;URI:http://169.254.169.254/issuer.der";
	certmaker_der(&c, &shape, ek.key->pkey, middle_key->pkey);
	assert_accepted(checking(&c), &e);
	assert_refused(checking_at(certmaker_view(&c), NULL, 0, time(NULL)), &e, WHY_UNTRUSTED);
}

/* A public key with a modulus of that many bits; nobody has to find its primes. */
static EVP_PKEY *rsa_of_bits(int bits)
{
	BIGNUM *n = BN_new(), *x = BN_new();
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;

	BN_rand(n, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
	BN_set_word(x, 65537);
	OSSL_PARAM_BLD_push_BN(b, "n", n);
	OSSL_PARAM_BLD_push_BN(b, "e", x);
	OSSL_PARAM *p = OSSL_PARAM_BLD_to_param(b);
	EVP_PKEY_fromdata_init(ctx);
	EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, p);
	OSSL_PARAM_free(p);
	OSSL_PARAM_BLD_free(b);
	EVP_PKEY_CTX_free(ctx);
	BN_free(n);
	BN_free(x);
	assert_non_null(key);
	return key;
}

static void attack_A46_what_costs_too_much_is_refused_before_it_is_verified(void **s)
{
	struct cert many[EK_CHAIN_MAX + 1], c;
	EVP_PKEY *huge = rsa_of_bits(16384);

	(void)s;
	for (size_t i = 0; i < COUNT(many); i++)
		many[i] = middle;
	assert_refused(checking_at(certmaker_view(&leaf), many, COUNT(many), time(NULL)), &e, WHY_MALFORMED);
	certmaker_der(&c, &certmaker_middle, huge, root_key->pkey);
	assert_refused(checking_at(certmaker_view(&leaf), &c, 1, time(NULL)), &e, WHY_MALFORMED);
	c.n = sizeof c.p;
	assert_refused(checking(&c), &e, WHY_MALFORMED);
	EVP_PKEY_free(huge);
}

/* Made with RSA's smallest cost to sign and its largest to verify. */
static void attack_A46_a_huge_exponent_is_refused_before_it_is_used(void **s)
{
	BIGNUM *x = BN_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;
	struct cert c;

	(void)s;
	BN_set_bit(x, 200);
	BN_set_bit(x, 0);
	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048), 1);
	assert_int_equal(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, x), 1);
	assert_int_equal(EVP_PKEY_generate(ctx, &key), 1);
	certmaker_der(&c, &certmaker_middle, key, root_key->pkey);
	assert_refused(checking_at(certmaker_view(&leaf), &c, 1, time(NULL)), &e, WHY_MALFORMED);
	assert_non_null(strstr(e.text, "exponent"));
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(ctx);
	BN_free(x);
}

/* Whoever issued may expire before what it issued does, and not before it issues. */
static void an_issuer_that_has_expired_since_it_issued_is_taken_and_told_of(void **s)
{
	struct cert_shape shape = certmaker_middle;
	struct cert old, c;

	(void)s;
	shape.from_s = -7200;
	shape.to_s = -60;
	certmaker_der(&old, &shape, middle_key->pkey, root_key->pkey);
	assert_accepted(checking_at(certmaker_view(&leaf), &old, 1, time(NULL)), &e);
	assert_true(expired);
	assert_accepted(checking(&leaf), &e);
	assert_false(expired);
	shape = certmaker_ek;
	shape.from_s = -30; /* after the end of its issuer */
	certmaker_der(&c, &shape, ek.key->pkey, middle_key->pkey);
	assert_refused(checking_at(certmaker_view(&c), &old, 1, time(NULL)), &e, WHY_UNTRUSTED);
	assert_false(expired);
	shape = certmaker_ek;
	shape.to_s = -1;
	certmaker_der(&c, &shape, ek.key->pkey, middle_key->pkey);
	assert_refused(checking_at(certmaker_view(&c), &old, 1, time(NULL)), &e, WHY_UNTRUSTED);
}

/* Infineon's older intermediates are signed with SHA-1 by a root that one may pin too. */
static void what_is_pinned_is_trusted_however_weakly_it_is_signed(void **s)
{
	static char pem[16 * 1024];
	struct cert_shape shape = certmaker_middle;
	struct ekroots *kept = roots;
	struct cert weak, c;

	(void)s;
	shape.md = EVP_sha1();
	certmaker_der(&weak, &shape, middle_key->pkey, root_key->pkey);
	assert_refused(checking_at(certmaker_view(&leaf), &weak, 1, time(NULL)), &e, WHY_UNTRUSTED);
	size_t n = certmaker_pem(pem, sizeof pem, &root);
	n += certmaker_pem(pem + n, sizeof pem - n, &weak);
	roots = ekroots_read(VIEW(pem, n), &e);
	assert_non_null(roots);
	assert_int_equal(ekroots_count(roots), 2);
	assert_accepted(checking_at(certmaker_view(&leaf), NULL, 0, time(NULL)), &e);
	shape = certmaker_ek;
	shape.md = EVP_sha1();
	certmaker_der(&c, &shape, ek.key->pkey, middle_key->pkey);
	assert_refused(checking_at(certmaker_view(&c), NULL, 0, time(NULL)), &e, WHY_UNTRUSTED);
	ekroots_free(roots);
	roots = kept;
}

static void a_certificate_is_valid_only_in_its_time(void **s)
{
	(void)s;
	assert_refused(checking_at(certmaker_view(&leaf), &middle, 1, time(NULL) + 7200), &e, WHY_UNTRUSTED);
	assert_refused(checking_at(certmaker_view(&leaf), &middle, 1, time(NULL) - 7200), &e, WHY_UNTRUSTED);
}

static void a_certificate_signed_by_another_is_refused(void **s)
{
	struct cert c;

	(void)s;
	certmaker_der(&c, &certmaker_ek, ek.key->pkey, root_key->pkey);
	assert_refused(checking(&c), &e, WHY_UNTRUSTED);
}

static void what_an_nv_index_puts_around_a_certificate_is_cut_off(void **s)
{
	struct cert c = {.p = {0x10, 0x01, 0x00, 0, 0}, .n = 5};

	(void)s;
	c.p[3] = (uint8_t)(leaf.n >> 8);
	c.p[4] = (uint8_t)leaf.n;
	memcpy(c.p + 5, leaf.p, leaf.n);
	c.n += leaf.n;
	assert_accepted(checking(&c), &e);
	memset(c.p + c.n, 0xff, 300);
	c.n += 300;
	assert_accepted(checking(&c), &e);
	c.p[c.n - 1] = 0;
	assert_refused(checking(&c), &e, WHY_MALFORMED);
	c = leaf;
	c.p[c.n++] = 0;
	assert_accepted(checking(&c), &e);
	memcpy(c.p, "\x04\x82", 2); /* an OCTET STRING around it, and padding behind that */
	c.p[2] = (uint8_t)(leaf.n >> 8);
	c.p[3] = (uint8_t)leaf.n;
	memcpy(c.p + 4, leaf.p, leaf.n);
	memset(c.p + 4 + leaf.n, 0xff, 40);
	c.n = leaf.n + 44;
	assert_accepted(checking(&c), &e);
	c.p[3]--;
	assert_refused(checking(&c), &e, WHY_MALFORMED);
	c = leaf;
	c.p[c.n++] = 0;
	c.p[c.n++] = 'x';
	assert_refused(checking(&c), &e, WHY_MALFORMED);
}

static void a_chain_is_cut_into_its_certificates(void **s)
{
	struct view chain[EK_CHAIN_MAX];
	size_t n = 99;

	(void)s;
	assert_accepted(ekcert_chain(VIEW(NULL, 0), chain, &n, &e), &e);
	assert_int_equal(n, 0);
	assert_accepted(ekcert_chain(VIEW("\0\1a\0\2bc", 7), chain, &n, &e), &e);
	assert_int_equal(n, 2);
	assert_true(view_is(chain[1], "bc"));
	assert_refused(ekcert_chain(VIEW("\0\1a\0\2b", 6), chain, &n, &e), &e, WHY_MALFORMED);
	assert_refused(ekcert_chain(VIEW("\0\0\0\0\0\0\0\0\0\0", 10), chain, &n, &e), &e, WHY_MALFORMED);
}

static void roots_that_are_no_authorities_are_refused(void **s)
{
	(void)s;
	assert_null(pin(&leaf));
	assert_int_equal(e.why, WHY_UNTRUSTED);
	assert_null(ekroots_read(VIEW("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 59), &e));
	assert_int_equal(e.why, WHY_MALFORMED);
}

static void the_certificates_of_real_vendors_can_be_pinned(void **s)
{
	static const char dir[] = "../shared/fixtures/ek-roots";
	DIR *d = opendir(dir);
	unsigned count = 0;

	(void)s;
	if (!d) {
		print_message("no %s: skipped\n", dir);
		skip();
	}
	for (struct dirent *f; (f = readdir(d));) {
		uint8_t *p = NULL;
		size_t n = 0;
		if (!strstr(f->d_name, ".pem"))
			continue;
		assert_accepted(file_read(dirfd(d), f->d_name, 65536, &p, &n, &e), &e);
		struct ekroots *r = ekroots_read(VIEW(p, n), &e);
		if (!r)
			fail_msg("%s: %s", f->d_name, e.text);
		ekroots_free(r);
		free(p);
		count++;
	}
	closedir(d);
	assert_true(count >= 51);
}

static void changed(struct view v, void *arg)
{
	(void)arg;
	if (checking_at(v, &middle, 1, time(NULL)) == 0)
		fail_msg("a mangled certificate is accepted");
}

static void a_mangled_certificate_is_refused(void **s)
{
	(void)s;
	mangle_each(certmaker_view(&leaf), changed, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_certificate_of_a_pinned_vendor_is_accepted),
	        cmocka_unit_test(a_vendor_that_is_not_pinned_is_refused_with_the_way_out),
	        cmocka_unit_test(a_pinned_intermediate_is_enough),
	        cmocka_unit_test(attack_A31_only_authorities_issue),
	        cmocka_unit_test(attack_A31_an_authority_is_no_endorsement_key),
	        cmocka_unit_test(attack_A07_A32_a_certificate_of_another_key_is_forged),
	        cmocka_unit_test(attack_A34_only_the_endorsement_usage_will_do),
	        cmocka_unit_test(attack_A35_the_key_must_be_for_key_agreement),
	        cmocka_unit_test(attack_A37_a_critical_extension_that_nobody_knows_is_refused),
	        cmocka_unit_test(attack_A45_a_url_in_a_certificate_is_not_followed),
	        cmocka_unit_test(attack_A46_what_costs_too_much_is_refused_before_it_is_verified),
	        cmocka_unit_test(attack_A46_a_huge_exponent_is_refused_before_it_is_used),
	        cmocka_unit_test(a_certificate_is_valid_only_in_its_time),
	        cmocka_unit_test(an_issuer_that_has_expired_since_it_issued_is_taken_and_told_of),
	        cmocka_unit_test(what_is_pinned_is_trusted_however_weakly_it_is_signed),
	        cmocka_unit_test(a_certificate_signed_by_another_is_refused),
	        cmocka_unit_test(what_an_nv_index_puts_around_a_certificate_is_cut_off),
	        cmocka_unit_test(a_chain_is_cut_into_its_certificates),
	        cmocka_unit_test(roots_that_are_no_authorities_are_refused),
	        cmocka_unit_test(the_certificates_of_real_vendors_can_be_pinned),
	        cmocka_unit_test(a_mangled_certificate_is_refused),
	};
	return cmocka_run_group_tests(tests, make, drop);
}
