#include "geofence/orient.h"
#include "tests/unit/fencemaker.h"

#define ULP 0x1p-40 /* of the test's coordinates: exact as doubles and as integers */

static int side_of_integers(const int64_t a[2], const int64_t b[2], const int64_t c[2])
{
	__extension__ typedef __int128 wide;
	wide d = (wide)(a[0] - c[0]) * (b[1] - c[1]) - (wide)(a[1] - c[1]) * (b[0] - c[0]);

	return (d > 0) - (d < 0);
}

static struct lonlat degrees(const int64_t v[2])
{
	return (struct lonlat){(double)v[0] * ULP, (double)v[1] * ULP};
}

static void left_is_positive_right_is_negative_and_on_is_zero(void **s)
{
	(void)s;
	struct lonlat a = {0, 0}, b = {10, 0};

	assert_int_equal(orient_side(a, b, (struct lonlat){5, 1}), 1);
	assert_int_equal(orient_side(a, b, (struct lonlat){5, -1}), -1);
	assert_int_equal(orient_side(a, b, (struct lonlat){5, 0}), 0);
	assert_int_equal(orient_side(b, a, (struct lonlat){5, 1}), -1);
}

/* Points on a line or one unit off it: nearly all of them are beyond plain floating point. */
static void a_hundred_thousand_nearly_collinear_triples_agree_with_integers(void **s)
{
	(void)s;
	uint64_t seed = 42;
	int zero = 0;

	for (int i = 0; i < 100000; i++) {
		int64_t a[2], d[2], b[2], c[2];
		for (int k = 0; k < 2; k++) {
			a[k] = (int64_t)(random_bits(&seed) >> 17) - ((int64_t)1 << 46);
			d[k] = (int64_t)(random_bits(&seed) >> 24) - ((int64_t)1 << 39);
		}
		int64_t t = (int64_t)(random_bits(&seed) % 97);
		for (int k = 0; k < 2; k++) {
			b[k] = a[k] + 96 * d[k];
			c[k] = a[k] + t * d[k];
		}
		c[1] += (int64_t)(random_bits(&seed) % 3) - 1;
		int wanted = side_of_integers(a, b, c);
		assert_int_equal(orient_side(degrees(a), degrees(b), degrees(c)), wanted);
		zero += wanted == 0;
	}
	assert_true(zero > 1000);
}

static void the_smallest_coordinates_do_not_underflow(void **s)
{
	(void)s;
	struct lonlat a = {0, 0}, b = {3 * ORIENT_TINY, ORIENT_TINY};
	struct lonlat on = {6 * ORIENT_TINY, 2 * ORIENT_TINY};
	struct lonlat off = {on.lon, nextafter(on.lat, 1)};

	assert_int_equal(orient_side(a, b, off), 1);
	off.lat = nextafter(on.lat, 0);
	assert_int_equal(orient_side(a, b, off), -1);
}

static void the_answer_turns_with_the_order_of_the_points(void **s)
{
	(void)s;
	uint64_t seed = 7;

	for (int i = 0; i < 10000; i++) {
		struct lonlat a = {random_in(&seed, 8, 9), random_in(&seed, 50, 51)};
		struct lonlat b = {random_in(&seed, 8, 9), random_in(&seed, 50, 51)};
		double t = random_in(&seed, 0, 1);
		struct lonlat c = {a.lon + t * (b.lon - a.lon), a.lat + t * (b.lat - a.lat)};
		int side = orient_side(a, b, c);
		assert_int_equal(orient_side(b, c, a), side);
		assert_int_equal(orient_side(c, a, b), side);
		assert_int_equal(orient_side(b, a, c), -side);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(left_is_positive_right_is_negative_and_on_is_zero),
	        cmocka_unit_test(a_hundred_thousand_nearly_collinear_triples_agree_with_integers),
	        cmocka_unit_test(the_smallest_coordinates_do_not_underflow),
	        cmocka_unit_test(the_answer_turns_with_the_order_of_the_points),
	};
	return cmocka_run_group_tests_name("orient", tests, NULL, NULL);
}
