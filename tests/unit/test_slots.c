/* Tests of slots: the names on the boot partition are all that the boot loader knows. */
#include "tests/unit/unit.h"

#include <string.h>

#include "firmware/update/update.h"

static struct uki uki(const char *name)
{
	struct uki u;

	if (!uki_parse(name, &u))
		fail_msg("%s is a name of ours", name);
	return u;
}

static void assert_name(const struct uki *u, const char *name)
{
	char text[UKI_NAME_MAX];

	uki_name(u, text);
	assert_string_equal(text, name);
}

static void a_name_has_a_version_and_perhaps_a_count(void **s)
{
	(void)s;
	struct uki kept = uki("merestone_2.efi"), fresh = uki("merestone_12+3.efi"), tried = uki("merestone_3+1-2.efi"),
	           spent = uki("merestone_3+0-3.efi");

	assert_int_equal(kept.version, 2);
	assert_false(kept.counted);
	assert_int_equal(fresh.version, 12);
	assert_int_equal(fresh.left, 3);
	assert_int_equal(tried.left, 1);
	assert_int_equal(tried.done, 2);
	assert_true(spent.counted);
	assert_int_equal(spent.left, 0);
}

static void a_name_in_any_other_form_is_not_ours(void **s)
{
	static const char *const bad[] = {"", "merestone_", "merestone_.efi", "merestone_0.efi", "merestone_02.efi",
	        "merestone_2", "merestone_2.EFI", "merestone_2.efi.tmp", "merestone_2+.efi", "merestone_2+3-.efi",
	        "merestone_2+3-0.efi", "merestone_2+03.efi", "merestone_2-1.efi", "Merestone_2.efi", "linux_2.efi",
	        "merestone_1234567890.efi", "merestone_-2.efi", "merestone_2+3-1-1.efi", "merestone_ 2.efi"};
	struct uki u;

	(void)s;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (uki_parse(bad[i], &u))
			fail_msg("%s is not ours", bad[i]);
}

static void a_new_version_may_be_started_three_times(void **s)
{
	const struct uki there[] = {uki("merestone_1.efi"), uki("merestone_2.efi")};
	struct slots_plan p;
	struct err e;

	(void)s;
	assert_accepted(slots_install(there, 2, 2, 3, &p, &e), &e);
	assert_name(&p.to, "merestone_3+3.efi");
	assert_int_equal(p.nremove, 1); /* its root is about to be written over */
	assert_name(&p.remove[0], "merestone_1.efi");
}

static void nothing_is_installed_while_what_runs_is_on_trial(void **s)
{
	const struct uki there[] = {uki("merestone_1.efi"), uki("merestone_2+2-1.efi")};
	struct slots_plan p;
	struct err e;

	(void)s;
	assert_refused(slots_install(there, 2, 2, 3, &p, &e), &e, WHY_STALE);
	assert_accepted(slots_install(there, 2, 1, 3, &p, &e), &e); /* the machine went back to 1 */
	assert_int_equal(p.nremove, 1);
	assert_name(&p.remove[0], "merestone_2+2-1.efi");
}

static void a_version_that_did_not_start_is_not_installed_again(void **s)
{
	const struct uki there[] = {uki("merestone_1.efi"), uki("merestone_2+0-3.efi")};
	struct slots_plan p;
	struct err e;

	(void)s;
	assert_refused(slots_install(there, 2, 1, 2, &p, &e), &e, WHY_REFUSED);
	assert_accepted(slots_install(there, 2, 1, 3, &p, &e), &e);
}

static void nothing_is_installed_when_what_runs_has_no_file(void **s)
{
	const struct uki there[] = {uki("merestone_1.efi")};
	struct slots_plan p;
	struct err e;

	(void)s;
	assert_refused(slots_install(there, 1, 2, 3, &p, &e), &e, WHY_STALE);
	assert_refused(slots_keep(there, 1, 2, &p, &e), &e, WHY_STALE);
	assert_refused(slots_install(NULL, 0, 2, 3, &p, &e), &e, WHY_STALE);
}

static void what_is_kept_loses_its_count_and_only_its_predecessor_stays(void **s)
{
	const struct uki there[] = {uki("merestone_1.efi"), uki("merestone_2.efi"), uki("merestone_3+2-1.efi"),
	        uki("merestone_4+0-3.efi"), uki("merestone_5+3.efi")};
	struct slots_plan p;
	struct err e;

	(void)s;
	assert_accepted(slots_keep(there, 5, 3, &p, &e), &e);
	assert_true(p.renames);
	assert_name(&p.from, "merestone_3+2-1.efi");
	assert_name(&p.to, "merestone_3.efi");
	assert_int_equal(p.nremove, 2);
	assert_name(&p.remove[0], "merestone_1.efi");
	assert_name(&p.remove[1], "merestone_5+3.efi");
}

static void keeping_twice_changes_nothing(void **s)
{
	const struct uki there[] = {uki("merestone_2.efi"), uki("merestone_3.efi")};
	struct slots_plan p;
	struct err e;

	(void)s;
	assert_accepted(slots_keep(there, 2, 3, &p, &e), &e);
	assert_false(p.renames);
	assert_int_equal(p.nremove, 0);
}

static void of_two_files_of_one_version_the_kept_one_counts(void **s)
{
	const struct uki there[] = {uki("merestone_3+2-1.efi"), uki("merestone_3.efi")};
	struct slots_plan p;
	struct err e;

	(void)s;
	assert_accepted(slots_keep(there, 2, 3, &p, &e), &e);
	assert_false(p.renames);
	assert_int_equal(p.nremove, 1);
	assert_name(&p.remove[0], "merestone_3+2-1.efi");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_name_has_a_version_and_perhaps_a_count),
	        cmocka_unit_test(a_name_in_any_other_form_is_not_ours),
	        cmocka_unit_test(a_new_version_may_be_started_three_times),
	        cmocka_unit_test(nothing_is_installed_while_what_runs_is_on_trial),
	        cmocka_unit_test(a_version_that_did_not_start_is_not_installed_again),
	        cmocka_unit_test(nothing_is_installed_when_what_runs_has_no_file),
	        cmocka_unit_test(what_is_kept_loses_its_count_and_only_its_predecessor_stays),
	        cmocka_unit_test(keeping_twice_changes_nothing),
	        cmocka_unit_test(of_two_files_of_one_version_the_kept_one_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
