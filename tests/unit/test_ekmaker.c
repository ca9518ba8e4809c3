#include <string.h>
#include <time.h>

#include "tests/unit/certmaker.h"
#include "tests/unit/tpmmaker.h"

#define INFINEON "Infineon Technologies AG"
#define STM      "STMicroelectronics NV"

static struct tpm_key ek;
static struct ek_pub pub;
static struct es256 *vendor, *middle;
static struct err e;

static int make(void **s)
{
	(void)s;
	tpmmaker_key(&ek, TPMMAKER_EK);
	vendor = es256_generate(&e);
	middle = es256_generate(&e);
	return ekpub_parse(tpmmaker_view(&ek), &pub, &e);
}

static int drop(void **s)
{
	(void)s;
	tpmmaker_drop(&ek);
	es256_free(vendor);
	es256_free(middle);
	return 0;
}

/* A certificate by the intermediate of one organization, under the root of another. NULL: a vendor nobody knows. */
static int checking(const char *maker, const char *by, const char *root_of)
{
	static char pem[16 * 1024];
	struct cert_shape root = certmaker_root, between = certmaker_middle, leaf = certmaker_ek;
	struct cert r, m, c;
	bool expired;

	root.organization = root_of;
	certmaker_der(&r, &root, vendor->pkey, vendor->pkey);
	between.organization = by;
	between.root = root_of;
	certmaker_der(&m, &between, middle->pkey, vendor->pkey);
	leaf.organization = by;
	leaf.maker = maker;
	certmaker_der(&c, &leaf, ek.key->pkey, middle->pkey);
	AUTO(ekroots_free) struct ekroots *roots = ekroots_read(VIEW(pem, certmaker_pem(pem, sizeof pem, &r)), &e);
	assert_non_null(roots);
	struct view chain = certmaker_view(&m);
	e = (struct err){0};
	return ekcert_check(roots, certmaker_view(&c), &chain, 1, &pub, time(NULL), &expired, &e);
}

static void a_vendor_speaks_for_its_own_tpms(void **s)
{
	(void)s;
	assert_accepted(checking("id:49465800", INFINEON, INFINEON), &e);
	assert_accepted(checking("id:53544D20", STM, STM), &e);
	assert_accepted(checking("id:53544d20", STM, "GlobalSign"), &e); /* cross-signed */
	assert_accepted(checking("id:00001014", NULL, NULL), &e);        /* a software TPM by its own vendor */
}

static void attack_A38_a_vendor_does_not_speak_for_anothers_tpms(void **s)
{
	(void)s;
	assert_refused(checking("id:49465800", STM, STM), &e, WHY_UNTRUSTED);
	assert_non_null(strstr(e.text, "names Infineon as the TPM's maker"));
	assert_refused(checking("id:49465800", NULL, NULL), &e, WHY_UNTRUSTED);
	assert_refused(checking("id:00001014", STM, STM), &e, WHY_UNTRUSTED);
	assert_non_null(strstr(e.text, "STMicroelectronics issued it"));
	assert_refused(checking("id:00001014", NULL, INFINEON), &e, WHY_UNTRUSTED);
	assert_refused(checking("id:53544D20", STM, INFINEON), &e, WHY_UNTRUSTED);
}

static void a_certificate_names_the_maker_of_its_tpm(void **s)
{
	(void)s;
	assert_refused(checking(NULL, STM, STM), &e, WHY_UNTRUSTED);
	assert_non_null(strstr(e.text, "does not name the TPM's maker"));
	assert_refused(
	        checking("id:49465800 and much more than a maker's name has", INFINEON, INFINEON), &e, WHY_UNTRUSTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_vendor_speaks_for_its_own_tpms),
	        cmocka_unit_test(attack_A38_a_vendor_does_not_speak_for_anothers_tpms),
	        cmocka_unit_test(a_certificate_names_the_maker_of_its_tpm),
	};
	return cmocka_run_group_tests(tests, make, drop);
}
