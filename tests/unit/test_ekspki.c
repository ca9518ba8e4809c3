#include <time.h>

#include "tests/unit/certmaker.h"
#include "tests/unit/endorser.h"

static struct endorser made[ENDORSER_COUNT];
static struct es256 *vendor;
static struct ekroots *roots;
static struct err e;

static int make(void **s)
{
	static char pem[16 * 1024];
	struct cert root;

	(void)s;
	for (size_t i = 0; i < ENDORSER_COUNT; i++)
		endorser_make(&made[i], i);
	vendor = es256_generate(&e);
	certmaker_der(&root, &certmaker_root, vendor->pkey, vendor->pkey);
	roots = ekroots_read(VIEW(pem, certmaker_pem(pem, sizeof pem, &root)), &e);
	return roots ? 0 : -1;
}

static int drop(void **s)
{
	(void)s;
	for (size_t i = 0; i < ENDORSER_COUNT; i++)
		endorser_drop(&made[i]);
	es256_free(vendor);
	ekroots_free(roots);
	return 0;
}

static bool is_rsa(size_t i)
{
	return EVP_PKEY_get_base_id(made[i].key) == EVP_PKEY_RSA;
}

static int checking(size_t i, const struct cert *c)
{
	bool expired;

	e = (struct err){0};
	return ekcert_check(roots, certmaker_view(c), NULL, 0, &made[i].pub, time(NULL), &expired, &e);
}

static struct cert_shape shape_for(bool rsa)
{
	struct cert_shape shape = certmaker_ek;

	shape.issuer = "Vendor Root";
	if (rsa)
		shape.usage = "critical,keyEncipherment";
	return shape;
}

static void a_key_of_every_template_can_have_a_certificate(void **s)
{
	struct cert c;

	(void)s;
	for (size_t i = 0; i < ENDORSER_COUNT; i++) {
		const struct cert_shape shape = shape_for(is_rsa(i));
		certmaker_der(&c, &shape, made[i].key, vendor->pkey);
		assert_accepted(checking(i, &c), &e);
	}
}

static void attack_A32_a_certificate_fits_one_key(void **s)
{
	struct cert c;

	(void)s;
	for (size_t i = 0; i < ENDORSER_COUNT; i++) {
		const struct cert_shape shape = shape_for(is_rsa(i));
		certmaker_der(&c, &shape, made[i].key, vendor->pkey);
		for (size_t k = 0; k < ENDORSER_COUNT; k++)
			if (k != i)
				assert_refused(checking(k, &c), &e, WHY_FORGED);
		made[i].pub.key[17] ^= 1;
		assert_refused(checking(i, &c), &e, WHY_FORGED);
		made[i].pub.key[17] ^= 1;
	}
}

static void attack_A35_an_rsa_key_is_for_encipherment_and_an_ecc_key_for_agreement(void **s)
{
	struct cert c;

	(void)s;
	for (size_t i = 0; i < ENDORSER_COUNT; i++) {
		const struct cert_shape wrong = shape_for(!is_rsa(i));
		certmaker_der(&c, &wrong, made[i].key, vendor->pkey);
		assert_refused(checking(i, &c), &e, WHY_UNTRUSTED);
		assert_non_null(strstr(e.text, is_rsa(i) ? "encipherment" : "agreement"));
	}
}

/* The certificate of an RSA key, said to be for an algorithm of that number. */
static void relabelled(struct cert *out, size_t i, int algorithm, const struct es256 *by)
{
	const struct cert_shape shape = shape_for(true);
	X509 *c = certmaker_x509(&shape, made[i].key, vendor->pkey);
	X509_PUBKEY *spki = X509_get_X509_PUBKEY(c);
	const uint8_t *p = NULL;
	uint8_t *copy, *der = out->p;
	int n = 0;

	assert_int_equal(X509_PUBKEY_get0_param(NULL, &p, &n, NULL, spki), 1);
	copy = OPENSSL_memdup(p, (size_t)n);
	assert_int_equal(X509_PUBKEY_set0_param(spki, OBJ_nid2obj(algorithm), V_ASN1_NULL, NULL, copy, n), 1);
	assert_true(X509_sign(c, by->pkey, EVP_sha256()) > 0);
	out->n = (size_t)i2d_X509(c, &der);
	X509_free(c);
}

static void a_key_that_says_oaep_is_read_all_the_same(void **s)
{
	AUTO(es256_free) struct es256 *other = es256_generate(&e);
	struct cert c;

	(void)s;
	relabelled(&c, 0, NID_rsaesOaep, vendor); /* as Infineon's SLB 9660 and 9665 have it */
	assert_accepted(checking(0, &c), &e);
	assert_refused(checking(2, &c), &e, WHY_FORGED);
	relabelled(&c, 0, NID_rsassaPss, vendor); /* a key that signs is no endorsement key */
	assert_refused(checking(0, &c), &e, WHY_FORGED);
	relabelled(&c, 0, NID_rsaesOaep, other);
	assert_refused(checking(0, &c), &e, WHY_UNTRUSTED);
	assert_non_null(strstr(e.text, "signature"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_key_of_every_template_can_have_a_certificate),
	        cmocka_unit_test(attack_A32_a_certificate_fits_one_key),
	        cmocka_unit_test(attack_A35_an_rsa_key_is_for_encipherment_and_an_ecc_key_for_agreement),
	        cmocka_unit_test(a_key_that_says_oaep_is_read_all_the_same),
	};
	return cmocka_run_group_tests(tests, make, drop);
}
