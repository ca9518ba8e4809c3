#include <stdlib.h>
#include <string.h>

#include "federation/doorway.h"
#include "tests/unit/unit.h"

static const uint8_t here[16] = {1}, there[16] = {2};

static unsigned take_all(struct buckets *b, const uint8_t address[16], uint64_t now_ms)
{
	unsigned n = 0;

	while (n < 10000 && bucket_take(b, address, now_ms))
		n++;
	return n;
}

static void attack_A47_a_burst_is_served_and_a_flood_is_not(void **s)
{
	struct buckets *b = *s;

	assert_int_equal(take_all(b, here, 5000), BUCKET_BURST);
	assert_false(bucket_take(b, here, 5000));
}

static void a_neighbour_has_a_bucket_of_its_own(void **s)
{
	struct buckets *b = *s;

	(void)take_all(b, here, 5000);
	assert_int_equal(take_all(b, there, 5000), BUCKET_BURST);
}

static void patience_comes_back_with_time_and_no_further_than_full(void **s)
{
	struct buckets *b = *s;

	(void)take_all(b, here, 5000);
	assert_int_equal(take_all(b, here, 6000), BUCKET_PER_S);
	assert_int_equal(take_all(b, here, 9000000), BUCKET_BURST);
}

static int set_up(void **s)
{
	*s = calloc(1, sizeof(struct buckets));
	return *s ? 0 : -1;
}

static int tear_down(void **s)
{
	free(*s);
	return 0;
}

int main(void)
{
#define ONE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        ONE(attack_A47_a_burst_is_served_and_a_flood_is_not),
	        ONE(a_neighbour_has_a_bucket_of_its_own),
	        ONE(patience_comes_back_with_time_and_no_further_than_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
