/* The version floor in a real software TPM. */
#include "tests/unit/unit.h"

#include "attest/tpm.h"
#include "firmware/state/statetpm.h"
#include "tests/unit/swtpm.h"

static struct swtpm machine;
static struct tpm tpm;
static struct err err;

static int setup(void **s)
{
	(void)s;
	if (!swtpm_installed())
		return 0;
	assert_int_equal(swtpm_new(&machine), 0);
	assert_accepted(tpm_open(&tpm, machine.tcti, &err), &err);
	return 0;
}

static int teardown(void **s)
{
	(void)s;
	if (machine.pid)
		tpm_close(&tpm);
	swtpm_free(&machine);
	return 0;
}

static void need_tpm(void)
{
	if (!swtpm_installed())
		skip();
}

static uint32_t floor_now(void)
{
	uint32_t version = 0;

	assert_accepted(statefloor_read(&tpm, &version, &err), &err);
	return version;
}

static void a_new_floor_is_zero(void **s)
{
	(void)s;
	need_tpm();
	assert_accepted(statefloor_make(&tpm, &err), &err);
	assert_int_equal(floor_now(), 0);
}

static void a_floor_goes_up_and_never_down(void **s)
{
	(void)s;
	need_tpm();
	assert_accepted(statefloor_make(&tpm, &err), &err);
	assert_accepted(statefloor_raise(&tpm, 70, &err), &err);
	assert_accepted(statefloor_raise(&tpm, 3, &err), &err);
	assert_int_equal(floor_now(), 70);
	assert_accepted(statefloor_raise(&tpm, FLOOR_VERSION_MAX, &err), &err);
	assert_int_equal(floor_now(), FLOOR_VERSION_MAX);
}

static void making_it_again_changes_nothing(void **s)
{
	(void)s;
	need_tpm();
	assert_accepted(statefloor_make(&tpm, &err), &err);
	assert_accepted(statefloor_raise(&tpm, 9, &err), &err);
	assert_accepted(statefloor_make(&tpm, &err), &err);
	assert_int_equal(floor_now(), 9);
}

static void a_floor_outlasts_a_restart(void **s)
{
	(void)s;
	need_tpm();
	assert_accepted(statefloor_make(&tpm, &err), &err);
	assert_accepted(statefloor_raise(&tpm, 9, &err), &err);
	tpm_close(&tpm);
	swtpm_off(&machine);
	assert_int_equal(swtpm_on(&machine), 0);
	assert_accepted(tpm_open(&tpm, machine.tcti, &err), &err);
	assert_int_equal(floor_now(), 9);
}

static void a_machine_without_a_floor_says_so(void **s)
{
	uint32_t version;

	(void)s;
	need_tpm();
	assert_refused(statefloor_read(&tpm, &version, &err), &err, WHY_STALE);
	assert_refused(statefloor_raise(&tpm, 1, &err), &err, WHY_STALE);
}

static void a_version_past_the_last_bit_is_refused(void **s)
{
	(void)s;
	need_tpm();
	assert_accepted(statefloor_make(&tpm, &err), &err);
	assert_refused(statefloor_raise(&tpm, FLOOR_VERSION_MAX + 1, &err), &err, WHY_MALFORMED);
}

static void define(TPMA_NV attributes)
{
	const TPM2B_AUTH empty = {0};
	const TPM2B_NV_PUBLIC pub = {.nvPublic = {.nvIndex = FLOOR_INDEX,
	                                     .nameAlg = TPM2_ALG_SHA256,
	                                     .attributes = attributes,
	                                     .dataSize = FLOOR_BITS / 8}};
	ESYS_TR nv = ESYS_TR_NONE;

	assert_int_equal(Esys_NV_DefineSpace(tpm.esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
	                         &empty, &pub, &nv),
	        0);
	assert_int_equal(Esys_TR_Close(tpm.esys, &nv), 0);
}

static void another_index_in_its_place_is_not_taken_for_it(void **s)
{
	(void)s;
	need_tpm();
	define(TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE | TPMA_NV_NO_DA);
	assert_int_equal(statefloor_make(&tpm, &err), -1);
}

static void a_first_boot_that_was_cut_off_is_made_whole(void **s)
{
	(void)s;
	need_tpm();
	define(FLOOR_ATTRIBUTES);
	assert_accepted(statefloor_make(&tpm, &err), &err);
	assert_int_equal(floor_now(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(a_new_floor_is_zero, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_floor_goes_up_and_never_down, setup, teardown),
	        cmocka_unit_test_setup_teardown(making_it_again_changes_nothing, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_floor_outlasts_a_restart, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_machine_without_a_floor_says_so, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_version_past_the_last_bit_is_refused, setup, teardown),
	        cmocka_unit_test_setup_teardown(another_index_in_its_place_is_not_taken_for_it, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_first_boot_that_was_cut_off_is_made_whole, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
