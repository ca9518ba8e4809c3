#include "tests/unit/unit.h"

#include "attest/tpm.h"
#include "base/file.h"
#include "tests/unit/swtpm.h"

/* A software TPM whose keys are made, one for all tests: RSA keys take their time. */
static struct swtpm machine;
static struct tpm tpm;
static struct tpmkeys keys;
static struct err e;

static int setup(void **s)
{
	(void)s;
	if (!swtpm_installed())
		return 0;
	assert_int_equal(swtpm_new(&machine), 0);
	assert_accepted(tpm_open(&tpm, machine.tcti, &e), &e);
	int dir = open(machine.dir, O_RDONLY | O_DIRECTORY);
	assert_accepted(tpmkeys_open(&tpm, dir, &keys, &e), &e);
	close(dir);
	return 0;
}

static int teardown(void **s)
{
	(void)s;
	if (machine.dir[0])
		tpm_close(&tpm);
	swtpm_free(&machine);
	return 0;
}

static void needs_swtpm(void)
{
	if (!swtpm_installed())
		skip();
}

static int activate(const struct tpmek *ek, const struct credential *c, uint8_t got[NONCE_LEN])
{
	TPM2B_ID_OBJECT id = {.size = (UINT16)(c->nblob - 2)};
	TPM2B_ENCRYPTED_SECRET seed = {.size = (UINT16)(c->nsecret - 2)};
	TPM2B_DIGEST *hidden = NULL;
	ESYS_TR session = ESYS_TR_NONE;

	memcpy(id.credential, c->blob + 2, id.size);
	memcpy(seed.secret, c->secret + 2, seed.size);
	assert_accepted(tpmek_session(&tpm, ek, &session, &e), &e);
	TSS2_RC rc = Esys_ActivateCredential(
	        tpm.esys, tpm.ak, ek->key, ESYS_TR_PASSWORD, session, ESYS_TR_NONE, &id, &seed, &hidden);
	tpm_flush(&tpm, &session);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(&e, rc, WHY_UNTRUSTED, "not activated");
	assert_int_equal(hidden->size, NONCE_LEN);
	memcpy(got, hidden->buffer, NONCE_LEN);
	Esys_Free(hidden);
	return 0;
}

static void a_tpm_opens_credentials_for_the_key_of_every_template(void **s)
{
	static const uint8_t nonce[NONCE_LEN] = "a nonce that nobody else may see";
	struct tpm_pub ak;
	uint8_t got[NONCE_LEN];

	(void)s;
	needs_swtpm();
	assert_accepted(tpmpub_parse(TPMBLOB(keys.ak), &ak, &e), &e);
	for (unsigned i = 0; i < TPMEK_TEMPLATES; i++) {
		struct tpmek ek = {.key = ESYS_TR_NONE};
		struct ek_pub pub;
		struct credential c;
		assert_accepted(tpmek_make(&tpm, (enum tpmek_template)i, &ek, &e), &e);
		assert_accepted(ekpub_parse(TPMBLOB(ek.pub), &pub, &e), &e);
		assert_int_equal(pub.high, ek.high);
		assert_int_equal(pub.name_alg, ek.name_alg);
		assert_accepted(credential_make(&pub, ak.name, nonce, &c, &e), &e);
		memset(got, 0, sizeof got);
		assert_accepted(activate(&ek, &c, got), &e);
		assert_memory_equal(got, nonce, NONCE_LEN);
		ak.name[7] ^= 1;
		assert_accepted(credential_make(&pub, ak.name, nonce, &c, &e), &e);
		assert_int_equal(activate(&ek, &c, got), -1);
		ak.name[7] ^= 1;
		tpm_flush(&tpm, &ek.key);
	}
	assert_int_equal(swtpm_left(&tpm), 0);
}

static void define_index(uint32_t place, struct view v, bool written)
{
	const TPM2B_AUTH no_auth = {0};
	const TPM2B_NV_PUBLIC pub = {
	        .nvPublic = {.nvIndex = place,
	                .nameAlg = TPM2_ALG_SHA256,
	                .attributes = TPMA_NV_OWNERWRITE | TPMA_NV_OWNERREAD | TPMA_NV_AUTHREAD | TPMA_NV_NO_DA,
	                .dataSize = (UINT16)v.n}};
	TPM2B_MAX_NV_BUFFER data = {.size = (UINT16)v.n};
	ESYS_TR nv = ESYS_TR_NONE;

	assert_int_equal(Esys_NV_DefineSpace(tpm.esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
	                         &no_auth, &pub, &nv),
	        TSS2_RC_SUCCESS);
	memcpy(data.buffer, v.p, v.n);
	if (written)
		assert_int_equal(Esys_NV_Write(tpm.esys, ESYS_TR_RH_OWNER, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE,
		                         ESYS_TR_NONE, &data, 0),
		        TSS2_RC_SUCCESS);
	(void)Esys_TR_Close(tpm.esys, &nv);
}

static void define(uint32_t place, struct view v)
{
	define_index(place, v, true);
}

static void undefine(uint32_t place)
{
	ESYS_TR nv = ESYS_TR_NONE;

	assert_int_equal(
	        Esys_TR_FromTPMPublic(tpm.esys, place, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &nv), TSS2_RC_SUCCESS);
	assert_int_equal(
	        Esys_NV_UndefineSpace(tpm.esys, ESYS_TR_RH_OWNER, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE),
	        TSS2_RC_SUCCESS);
}

static void opens(struct tpmek *ek)
{
	*ek = (struct tpmek){.key = ESYS_TR_NONE};
	assert_accepted(tpmek_open(&tpm, ek, &e), &e);
	tpm_flush(&tpm, &ek->key);
}

static void without_a_certificate_the_key_is_that_of_L2(void **s)
{
	struct tpmek ek;
	struct ek_pub pub;

	(void)s;
	needs_swtpm();
	opens(&ek);
	assert_int_equal(ek.certificate, 0);
	assert_accepted(ekpub_parse(TPMBLOB(ek.pub), &pub, &e), &e);
	assert_int_equal(pub.type, EK_P256);
	assert_false(pub.high);
}

static void the_key_is_the_one_that_has_a_certificate_and_small_ones_come_first(void **s)
{
	struct tpmek ek;

	(void)s;
	needs_swtpm();
	define(0x01c00002, VIEW("\x30\x00", 2));
	opens(&ek);
	assert_int_equal(ek.certificate, 0x01c00002);
	define(0x01c00016, VIEW("\x30\x00", 2));
	opens(&ek);
	assert_int_equal(ek.certificate, 0x01c00016);
	assert_int_equal(ek.name_alg, 0x000c);
	define(0x01c0000a, VIEW("\x30\x00", 2));
	opens(&ek);
	assert_int_equal(ek.certificate, 0x01c0000a);
	undefine(0x01c0000a);
	define_index(0x01c0000a, VIEW("\x30\x00", 2), false); /* nobody has written to it */
	opens(&ek);
	assert_int_equal(ek.certificate, 0x01c00016);
	undefine(0x01c0000a);
	undefine(0x01c00016);
	undefine(0x01c00002);
}

static void what_an_index_holds_is_passed_on_as_it_is(void **s)
{
	static struct tpmnv nv;

	(void)s;
	needs_swtpm();
	define(0x01c0000a, VIEW("\x10\x01\x00\x00\x02\x30\x00\xff\xff", 9));
	define(0x01c00100, VIEW("\x30\x01\x01\x30\x02", 5)); /* one certificate, and the front of another */
	define(0x01c00101, VIEW("\x02\x02\x00\x00", 4));     /* its end, and padding */
	assert_accepted(tpmnv_certificates(&tpm, 0x01c0000a, &nv, &e), &e);
	assert_int_equal(nv.ncert, 9);
	assert_true(view_equal(VIEW(nv.chain, nv.nchain), VIEW("\0\3\x30\1\1\0\4\x30\2\2\2", 11)));
	undefine(0x01c0000a);
	undefine(0x01c00100);
	undefine(0x01c00101);
}

static void a_vendors_nonce_gives_another_key_of_the_same_template(void **s)
{
	struct tpmek plain, ek;
	struct ek_pub pub;

	(void)s;
	needs_swtpm();
	opens(&plain);
	define(0x01c0000b, VIEW("the vendor's nonce", 18));
	opens(&ek);
	undefine(0x01c0000b);
	assert_accepted(ekpub_parse(TPMBLOB(ek.pub), &pub, &e), &e);
	assert_false(view_equal(TPMBLOB(ek.pub), TPMBLOB(plain.pub)));
	opens(&ek);
	assert_true(view_equal(TPMBLOB(ek.pub), TPMBLOB(plain.pub)));
}

/* L-2 with noDA: the TPM makes what its vendor says, and the authority says what that is. */
static void a_vendors_template_comes_before_the_profiles(void **s)
{
	struct tpmek ek;
	struct ek_pub pub;
	uint8_t theirs[TPM_PUBLIC_MAX];
	size_t n;

	(void)s;
	needs_swtpm();
	opens(&ek);
	n = ek.pub.n;
	memcpy(theirs, ek.pub.b, n);
	theirs[6] |= 4; /* of the attributes 000300b2 */
	define(0x01c0000c, VIEW(theirs, n));
	opens(&ek);
	assert_refused(ekpub_parse(TPMBLOB(ek.pub), &pub, &e), &e, WHY_UNTRUSTED);
	assert_non_null(strstr(e.text, "noDA is set"));
	undefine(0x01c0000c);
	define(0x01c0000c, VIEW("nonsense", 8));
	assert_refused(tpmek_open(&tpm, &ek, &e), &e, WHY_MALFORMED);
	undefine(0x01c0000c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_tpm_opens_credentials_for_the_key_of_every_template),
	        cmocka_unit_test(without_a_certificate_the_key_is_that_of_L2),
	        cmocka_unit_test(the_key_is_the_one_that_has_a_certificate_and_small_ones_come_first),
	        cmocka_unit_test(what_an_index_holds_is_passed_on_as_it_is),
	        cmocka_unit_test(a_vendors_nonce_gives_another_key_of_the_same_template),
	        cmocka_unit_test(a_vendors_template_comes_before_the_profiles),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
