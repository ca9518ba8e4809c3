/* Tests of waves: who takes an update now. */
#include "tests/unit/unit.h"

#include "policy/policy.h"

static char names[][NAME_CAP] = {"a", "b", "c", "d"};
/* a and b, then c and d, then everybody else */
static const struct doc_update update = {.nwaves = 2, .nmachines = 4, .ends = {2, 4}, .machines = names};

static struct waves look(const enum wave_machine state[4], bool failed)
{
	struct waves w;

	waves_look(&update, state, failed, &w);
	return w;
}

static void a_wave_opens_when_the_one_before_is_done(void **s)
{
	(void)s;
	struct waves none = look((enum wave_machine[]){WAVE_PENDING, WAVE_PENDING, WAVE_PENDING, WAVE_PENDING}, false),
	             half = look((enum wave_machine[]){WAVE_DONE, WAVE_PENDING, WAVE_DONE, WAVE_DONE}, false),
	             one = look((enum wave_machine[]){WAVE_DONE, WAVE_DONE, WAVE_PENDING, WAVE_DONE}, false),
	             all = look((enum wave_machine[]){WAVE_DONE, WAVE_DONE, WAVE_DONE, WAVE_DONE}, false);

	assert_int_equal(none.open, 0);
	assert_int_equal(half.open, 0);
	assert_int_equal(one.open, 1);
	assert_int_equal(all.open, 2);
	assert_true(waves_may(&update, &none, "a"));
	assert_false(waves_may(&update, &none, "c"));
	assert_false(waves_may(&update, &none, "other"));
	assert_true(waves_may(&update, &one, "a"));
	assert_true(waves_may(&update, &one, "c"));
	assert_false(waves_may(&update, &one, "other"));
	assert_true(waves_may(&update, &all, "other"));
}

static void one_that_failed_halts_all(void **s)
{
	(void)s;
	struct waves named = look((enum wave_machine[]){WAVE_DONE, WAVE_DONE, WAVE_FAILED, WAVE_PENDING}, false),
	             unnamed = look((enum wave_machine[]){WAVE_DONE, WAVE_DONE, WAVE_DONE, WAVE_DONE}, true);

	assert_true(named.halted);
	assert_true(unnamed.halted);
	assert_int_equal(named.open, 1);
	for (size_t i = 0; i < COUNT(names); i++) {
		assert_false(waves_may(&update, &named, names[i]));
		assert_false(waves_may(&update, &unnamed, names[i]));
	}
	assert_false(waves_may(&update, &unnamed, "other"));
}

static void nobody_waits_for_one_that_is_gone(void **s)
{
	(void)s;
	struct waves w = look((enum wave_machine[]){WAVE_GONE, WAVE_DONE, WAVE_PENDING, WAVE_GONE}, false);

	assert_int_equal(w.open, 1);
	assert_false(w.halted);
}

static void without_waves_all_may(void **s)
{
	const struct doc_update plain = {0};
	struct waves w;

	(void)s;
	waves_look(&plain, NULL, false, &w);
	assert_true(waves_may(&plain, &w, "anybody"));
	waves_look(&plain, NULL, true, &w);
	assert_false(waves_may(&plain, &w, "anybody"));
}

static void a_machine_has_the_wave_that_names_it(void **s)
{
	(void)s;
	assert_int_equal(waves_of(&update, "b"), 0);
	assert_int_equal(waves_of(&update, "d"), 1);
	assert_int_equal(waves_of(&update, "e"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_wave_opens_when_the_one_before_is_done),
	        cmocka_unit_test(one_that_failed_halts_all),
	        cmocka_unit_test(nobody_waits_for_one_that_is_gone),
	        cmocka_unit_test(without_waves_all_may),
	        cmocka_unit_test(a_machine_has_the_wave_that_names_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
