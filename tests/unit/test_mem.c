#include "tests/unit/unit.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

static void views_of_the_same_bytes_are_equal(void **s)
{
	(void)s;
	assert_true(view_equal(VIEW("abc", 3), VIEW("abcd", 3)));
	assert_false(view_equal(VIEW("abc", 3), VIEW("abd", 3)));
	assert_false(view_equal(VIEW("abc", 3), VIEW("abc", 2)));
	assert_true(view_equal(VIEW(NULL, 0), VIEW("x", 0)));
	assert_true(view_is(VIEW("geoA", 4), "geoA"));
	assert_false(view_is(VIEW("geoA", 3), "geoA"));
	assert_false(view_is(VIEW("geo\0", 4), "geo"));
}

static void bytes_that_differ_anywhere_are_not_equal(void **s)
{
	uint8_t a[32] = {0}, b[32] = {0};

	(void)s;
	assert_true(mem_equal(a, b, sizeof a));
	for (size_t bit = 0; bit < sizeof a * 8; bit++) {
		b[bit / 8] = (uint8_t)(1u << bit % 8);
		assert_false(mem_equal(a, b, sizeof a));
		b[bit / 8] = 0;
	}
	assert_true(mem_equal(a, b, 0));
}

static void a_wiped_buffer_is_zero(void **s)
{
	uint8_t a[4] = {1, 2, 3, 4}, zero[4] = {0};

	(void)s;
	mem_wipe(a, sizeof a);
	assert_memory_equal(a, zero, sizeof a);
	mem_wipe(NULL, 0);
}

static void a_secret_starts_as_zero(void **s)
{
	static const uint8_t zero[SECRET_LEN];
	AUTO(secret_free) struct secret *k = secret_new();

	(void)s;
	assert_non_null(k);
	assert_memory_equal(k->b, zero, SECRET_LEN);
	secret_free(NULL);
}

static void a_forked_child_does_not_see_the_secret(void **s)
{
	AUTO(secret_free) struct secret *k = secret_new();
	int status;

	(void)s;
	assert_non_null(k);
	memset(k->b, 0x5a, SECRET_LEN);
	pid_t child = fork();
	if (child == 0)
		_exit(k->b[0] == 0 && k->b[SECRET_LEN - 1] == 0 ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(k->b[0], 0x5a);
}

static void what_is_taken_is_not_freed(void **s)
{
	struct secret *kept;

	(void)s;
	{
		AUTO(secret_free) struct secret *k = secret_new();
		assert_non_null(k);
		kept = TAKE(k);
		assert_null(k);
	}
	kept->b[0] = 1;
	secret_free(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(views_of_the_same_bytes_are_equal),
	        cmocka_unit_test(bytes_that_differ_anywhere_are_not_equal),
	        cmocka_unit_test(a_wiped_buffer_is_zero),
	        cmocka_unit_test(a_secret_starts_as_zero),
	        cmocka_unit_test(a_forked_child_does_not_see_the_secret),
	        cmocka_unit_test(what_is_taken_is_not_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
