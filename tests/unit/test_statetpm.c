/* The state's key on a real software TPM: who gets it back, and who does not. */
#include "tests/unit/unit.h"

#include "attest/tpm.h"
#include "firmware/state/statetpm.h"
#include "tests/unit/swtpm.h"

struct bench {
	struct swtpm machine;
	struct tpm tpm;
	struct es256 *pcr;
	struct secret *key;
	struct sealedkey sealed;
	char text[1024]; /* the image's section .pcrsig */
	struct stateboot boot;
};

static struct err err;

static void on(struct bench *b)
{
	assert_accepted(tpm_open(&b->tpm, b->machine.tcti, &err), &err);
	assert_accepted(statetpm_begin(&b->tpm, &err), &err);
}

static void off(struct bench *b)
{
	statetpm_end(&b->tpm);
	tpm_close(&b->tpm);
	swtpm_off(&b->machine);
}

static void restart(struct bench *b)
{
	off(b);
	assert_int_equal(swtpm_on(&b->machine), 0);
	on(b);
}

/* An image of that version, signed by `by` for what register 11 holds now. */
static void image(struct bench *b, uint32_t version, const struct es256 *by)
{
	uint8_t policy[SHA_LEN];
	struct wr w = wr_to(b->text, sizeof b->text);
	struct pcrs now;

	assert_accepted(statetpm_registers(&b->tpm, &now, &err), &err);
	statepolicy_approved(policy, now.v[11], version);
	assert_accepted(pcrsig_write(&w, by, policy, &err), &err);
	b->boot = (struct stateboot){.version = version, .pcrsig = wr_done(&w), .pcr = b->pcr};
}

static int setup(void **s)
{
	struct bench *b = calloc(1, sizeof *b);

	*s = b;
	assert_non_null(b);
	if (!swtpm_installed())
		return 0;
	assert_int_equal(swtpm_new(&b->machine), 0);
	on(b);
	b->pcr = es256_generate(&err);
	b->key = secret_new();
	memset(b->key->b, 0x5a, SECRET_LEN);
	assert_accepted(statefloor_make(&b->tpm, &err), &err);
	assert_int_equal(swtpm_extend(&b->tpm, 7), 0);
	assert_accepted(statetpm_seal(&b->tpm, b->pcr, b->key, &b->sealed, &err), &err);
	image(b, 5, b->pcr);
	return 0;
}

static int teardown(void **s)
{
	struct bench *b = *s;

	if (b->machine.pid)
		off(b);
	swtpm_free(&b->machine);
	es256_free(b->pcr);
	secret_free(b->key);
	free(b);
	return 0;
}

static struct bench *bench_of(void **s)
{
	if (!swtpm_installed())
		skip();
	return *s;
}

static int answer(struct bench *b)
{
	AUTO(secret_free) struct secret *out = NULL;
	int rc = statetpm_unseal(&b->tpm, &b->boot, &b->sealed, &out, &err);

	if (rc == 0)
		assert_memory_equal(out->b, b->key->b, SECRET_LEN);
	else
		assert_null(out);
	assert_int_equal(swtpm_left(&b->tpm), 1); /* the storage key, and nothing of ours */
	return rc;
}

static void what_was_sealed_comes_out_again(void **s)
{
	assert_accepted(answer(bench_of(s)), &err);
}

static void it_comes_out_after_a_restart_that_measures_the_same(void **s)
{
	struct bench *b = bench_of(s);

	restart(b);
	assert_int_equal(swtpm_extend(&b->tpm, 7), 0);
	assert_accepted(answer(b), &err);
}

static void a_newer_image_with_its_own_signature_opens_what_an_older_one_sealed(void **s)
{
	struct bench *b = bench_of(s);

	restart(b);
	assert_int_equal(swtpm_extend(&b->tpm, 7), 0);
	assert_int_equal(swtpm_extend(&b->tpm, 11), 0);
	image(b, 6, b->pcr);
	assert_accepted(answer(b), &err);
}

static void an_image_with_the_signature_of_another_gets_nothing(void **s)
{
	struct bench *b = bench_of(s);

	assert_int_equal(swtpm_extend(&b->tpm, 11), 0);
	assert_refused(answer(b), &err, WHY_UNTRUSTED);
	assert_non_null(strstr(err.text, "register 11"));
}

static void a_machine_that_is_up_gets_nothing_any_more(void **s)
{
	struct bench *b = bench_of(s);

	assert_accepted(answer(b), &err);
	assert_int_equal(swtpm_extend(&b->tpm, 11), 0);
	assert_refused(answer(b), &err, WHY_UNTRUSTED);
}

static void an_image_that_another_key_signed_gets_nothing(void **s)
{
	struct bench *b = bench_of(s);
	AUTO(es256_free) struct es256 *other = es256_generate(&err);

	image(b, 5, other);
	assert_refused(answer(b), &err, WHY_FORGED);
}

/* The file system of an attacker says which key is to be believed; the TPM knows better. */
static void an_image_that_brings_its_own_key_gets_nothing(void **s)
{
	struct bench *b = bench_of(s);
	AUTO(es256_free) struct es256 *other = es256_generate(&err);

	image(b, 5, other);
	b->boot.pcr = other;
	assert_refused(answer(b), &err, WHY_UNTRUSTED);
}

static void a_version_that_is_claimed_but_not_signed_gets_nothing(void **s)
{
	struct bench *b = bench_of(s);

	b->boot.version = 6;
	assert_refused(answer(b), &err, WHY_UNTRUSTED);
}

static void secure_boot_with_other_settings_gets_nothing(void **s)
{
	struct bench *b = bench_of(s);

	assert_int_equal(swtpm_extend(&b->tpm, 7), 0);
	assert_refused(answer(b), &err, WHY_UNTRUSTED);
	assert_non_null(strstr(err.text, "register 7"));
	assert_true(err.hint[0] != 0);
}

static void the_tpm_itself_refuses_another_register_7(void **s)
{
	struct bench *b = bench_of(s);
	struct pcrs now;

	assert_int_equal(swtpm_extend(&b->tpm, 7), 0);
	assert_accepted(statetpm_registers(&b->tpm, &now, &err), &err);
	memcpy(b->sealed.pcr7, now.v[7], PCR_LEN);
	assert_refused(answer(b), &err, WHY_UNTRUSTED);
	assert_non_null(strstr(err.text, "TPM 0x"));
}

static void an_image_below_the_version_floor_gets_nothing(void **s)
{
	struct bench *b = bench_of(s);

	assert_accepted(statefloor_raise(&b->tpm, 5, &err), &err);
	assert_accepted(answer(b), &err);
	assert_accepted(statefloor_raise(&b->tpm, 6, &err), &err);
	assert_refused(answer(b), &err, WHY_STALE);
	assert_non_null(strstr(err.text, "version 5"));
	assert_non_null(strstr(err.text, "below 6"));
	image(b, 6, b->pcr);
	assert_accepted(answer(b), &err);
}

/* Their policies name one to four indices. */
static void each_version_opens_at_its_own_floor_and_not_above(void **s)
{
	static const uint32_t versions[] = {1, 62, 63, 64, 65, 127, 128, 200, 254, 255};
	struct bench *b = bench_of(s);

	for (size_t i = 0; i < COUNT(versions); i++) {
		assert_accepted(statefloor_raise(&b->tpm, versions[i], &err), &err);
		image(b, versions[i], b->pcr);
		assert_accepted(answer(b), &err);
		image(b, versions[i] - 1, b->pcr);
		if (versions[i] > 1)
			assert_refused(answer(b), &err, WHY_STALE);
	}
}

static void a_machine_whose_version_floor_is_gone_opens_nothing(void **s)
{
	struct bench *b = bench_of(s);
	struct tpmnv_index x;

	assert_int_equal(tpmnv_find(&b->tpm, FLOOR_INDEX, &x, &err), 1);
	assert_int_equal(Esys_NV_UndefineSpace(
	                         b->tpm.esys, ESYS_TR_RH_OWNER, x.nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE),
	        0);
	assert_refused(answer(b), &err, WHY_STALE);
	assert_non_null(strstr(err.hint, "recover"));
}

static void the_state_of_another_machine_stays_closed(void **s)
{
	struct bench *b = bench_of(s);
	struct swtpm first = b->machine;

	statetpm_end(&b->tpm);
	tpm_close(&b->tpm);
	assert_int_equal(swtpm_new(&b->machine), 0);
	on(b);
	assert_accepted(statefloor_make(&b->tpm, &err), &err);
	assert_int_equal(swtpm_extend(&b->tpm, 7), 0);
	assert_refused(answer(b), &err, WHY_UNTRUSTED);
	assert_non_null(strstr(err.text, "another TPM"));
	swtpm_free(&first);
}

static void a_sealed_key_with_a_flipped_bit_is_refused(void **s)
{
	struct bench *b = bench_of(s);

	for (size_t at = 0; at < b->sealed.nprivate; at += 13) {
		b->sealed.private[at] ^= 1;
		assert_int_equal(answer(b), -1);
		b->sealed.private[at] ^= 1;
	}
	for (size_t at = 0; at < b->sealed.npublic; at += 7) {
		b->sealed.public[at] ^= 1;
		assert_int_equal(answer(b), -1);
		b->sealed.public[at] ^= 1;
	}
	assert_accepted(answer(b), &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(what_was_sealed_comes_out_again, setup, teardown),
	        cmocka_unit_test_setup_teardown(it_comes_out_after_a_restart_that_measures_the_same, setup, teardown),
	        cmocka_unit_test_setup_teardown(
	                a_newer_image_with_its_own_signature_opens_what_an_older_one_sealed, setup, teardown),
	        cmocka_unit_test_setup_teardown(an_image_with_the_signature_of_another_gets_nothing, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_machine_that_is_up_gets_nothing_any_more, setup, teardown),
	        cmocka_unit_test_setup_teardown(an_image_that_another_key_signed_gets_nothing, setup, teardown),
	        cmocka_unit_test_setup_teardown(an_image_that_brings_its_own_key_gets_nothing, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_version_that_is_claimed_but_not_signed_gets_nothing, setup, teardown),
	        cmocka_unit_test_setup_teardown(secure_boot_with_other_settings_gets_nothing, setup, teardown),
	        cmocka_unit_test_setup_teardown(the_tpm_itself_refuses_another_register_7, setup, teardown),
	        cmocka_unit_test_setup_teardown(an_image_below_the_version_floor_gets_nothing, setup, teardown),
	        cmocka_unit_test_setup_teardown(each_version_opens_at_its_own_floor_and_not_above, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_machine_whose_version_floor_is_gone_opens_nothing, setup, teardown),
	        cmocka_unit_test_setup_teardown(the_state_of_another_machine_stays_closed, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_sealed_key_with_a_flipped_bit_is_refused, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
