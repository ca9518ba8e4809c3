#include <string.h>

#include "geofence/gnsswatch.h"
#include "tests/unit/noise.h"
#include "tests/unit/unit.h"

enum { DAY = 24 * 3600, SETTLE = 600 };

static const struct fix hall = {52.52, 13.405, 10};

/* A second at the site, some metres north of it. */
static bool second(struct sitewatch *w, struct noise *z, const struct fix *site, double north_m)
{
	double n, e;

	noise_next(z, &n, &e);
	double lat = site->lat_deg + (n + north_m) / 111200;
	double lon = site->lon_deg + e / (111320 * cos(earth_radians(site->lat_deg)));
	return sitewatch_feed(w, lat, lon > 180 ? lon - 360 : lon < -180 ? lon + 360 : lon);
}

static unsigned alarms(struct noise z, const struct fix *site, unsigned seconds)
{
	struct sitewatch w = {0};
	unsigned n = 0;

	while (seconds-- > 0)
		n += second(&w, &z, site, 0);
	return n;
}

/* How many fixes it takes; most + 1 when it is not seen. */
static unsigned found_after(struct noise z, const struct fix *site, double moved_m, unsigned most)
{
	struct sitewatch w = {0};
	unsigned n = 0;

	for (int i = 0; i < SETTLE; i++)
		assert_false(second(&w, &z, site, 0));
	while (n++ < most)
		if (second(&w, &z, site, moved_m))
			return n;
	return n;
}

static void a_day_of_white_noise_of_5_m_raises_no_alarm(void **s)
{
	(void)s;
	for (uint64_t seed = 1; seed <= 3; seed++)
		assert_int_equal(alarms((struct noise){.state = seed * 77, .sigma_m = 5}, &hall, DAY), 0);
}

/* 17 mm a second are 5 m in a day. */
static void a_day_of_white_noise_on_a_random_walk_of_5_m_raises_no_alarm(void **s)
{
	(void)s;
	for (uint64_t seed = 1; seed <= 3; seed++)
		assert_int_equal(
		        alarms((struct noise){.state = seed * 78, .sigma_m = 5, .step_m = 0.017}, &hall, DAY), 0);
}

static void a_day_of_white_noise_that_wanders_5_m_to_and_fro_raises_no_alarm(void **s)
{
	(void)s;
	for (uint64_t seed = 1; seed <= 3; seed++)
		assert_int_equal(alarms((struct noise){.state = seed * 79, .sigma_m = 5, .wander_m = 5, .tau_s = 1800},
		                         &hall, DAY),
		        0);
}

static void a_day_of_a_good_receiver_that_wanders_in_minutes_raises_no_alarm(void **s)
{
	(void)s;
	for (uint64_t seed = 1; seed <= 2; seed++) {
		assert_int_equal(alarms((struct noise){.state = seed * 80, .sigma_m = 1, .wander_m = 2, .tau_s = 300},
		                         &hall, DAY),
		        0);
		assert_int_equal(alarms((struct noise){.state = seed * 81, .sigma_m = 0.3, .wander_m = 2, .tau_s = 100},
		                         &hall, DAY),
		        0);
	}
}

static void a_quiet_receiver_and_a_bad_one_raise_no_alarm(void **s)
{
	(void)s;
	assert_int_equal(alarms((struct noise){.state = 5, .sigma_m = 0.5, .step_m = 0.005}, &hall, DAY), 0);
	assert_int_equal(alarms((struct noise){.state = 6, .sigma_m = 25}, &hall, DAY), 0);
	assert_int_equal(alarms((struct noise){.state = 7}, &hall, SETTLE), 0);
}

static void a_move_of_100_m_is_found_in_5_fixes(void **s)
{
	(void)s;
	for (uint64_t seed = 1; seed <= 50; seed++)
		assert_in_range(found_after((struct noise){.state = seed, .sigma_m = 5, .wander_m = 5, .tau_s = 1800},
		                        &hall, 100, 5),
		        1, 5);
}

static void a_move_of_20_m_is_found_in_60_fixes(void **s)
{
	(void)s;
	for (uint64_t seed = 1; seed <= 50; seed++)
		assert_in_range(
		        found_after((struct noise){.state = seed, .sigma_m = 5, .step_m = 0.017}, &hall, -20, 60), 1,
		        60);
}

static void at_the_date_line_a_move_is_a_move_and_noise_is_none(void **s)
{
	static const struct fix taveuni = {-16.8, 180, 10};
	const struct noise z = {.state = 9, .sigma_m = 5};

	(void)s;
	assert_int_equal(alarms(z, &taveuni, 3600), 0);
	assert_in_range(found_after(z, &taveuni, 100, 5), 1, 5);
	assert_in_range(found_after(z, &taveuni, 20, 60), 1, 60);
}

static void away_is_a_majority_of_fixes_farther_than_the_errors_explain(void **s)
{
	struct sitewatch w = {.site = hall, .has_site = true};
	double far = 31.0 / 111270; /* 2 * hypot(10, 12) is 31.24 m */

	(void)s;
	for (int i = 0; i < 4; i++)
		(void)sitewatch_feed(&w, 60, 13.405);
	assert_false(sitewatch_away(&w, 12, 2)); /* too few to say */
	for (int i = 0; i < SITE_SHORT; i++)
		(void)sitewatch_feed(&w, hall.lat_deg + far, 13.405);
	assert_false(sitewatch_away(&w, 12, 2));
	for (int i = 0; i < 2; i++)
		(void)sitewatch_feed(&w, hall.lat_deg + 0.1, 13.405);
	assert_false(sitewatch_away(&w, 12, 2)); /* two of five are outliers */
	(void)sitewatch_feed(&w, hall.lat_deg + 0.1, 13.405);
	assert_true(sitewatch_away(&w, 12, 2));
	w.has_site = false;
	assert_false(sitewatch_away(&w, 12, 2));
}

static void a_site_on_the_date_line_is_not_far_from_itself(void **s)
{
	struct sitewatch w = {.site = {-16.8, -180, 10}, .has_site = true};

	(void)s;
	for (int i = 0; i < SITE_SHORT; i++)
		(void)sitewatch_feed(&w, -16.8, i % 2 ? 179.99999 : -179.99999);
	assert_false(sitewatch_away(&w, 5, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_day_of_white_noise_of_5_m_raises_no_alarm),
	        cmocka_unit_test(a_day_of_white_noise_on_a_random_walk_of_5_m_raises_no_alarm),
	        cmocka_unit_test(a_day_of_white_noise_that_wanders_5_m_to_and_fro_raises_no_alarm),
	        cmocka_unit_test(a_day_of_a_good_receiver_that_wanders_in_minutes_raises_no_alarm),
	        cmocka_unit_test(a_quiet_receiver_and_a_bad_one_raise_no_alarm),
	        cmocka_unit_test(a_move_of_100_m_is_found_in_5_fixes),
	        cmocka_unit_test(a_move_of_20_m_is_found_in_60_fixes),
	        cmocka_unit_test(at_the_date_line_a_move_is_a_move_and_noise_is_none),
	        cmocka_unit_test(away_is_a_majority_of_fixes_farther_than_the_errors_explain),
	        cmocka_unit_test(a_site_on_the_date_line_is_not_far_from_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
