#include <math.h>
#include <string.h>

#include "geofence/geofence.h"
#include "tests/unit/unit.h"

#define NOW INT64_C(1800000000000)

static struct err e;
static const struct fix tag = {52.52, 13.405, 100}; /* Berlin */

static struct gnss good(void)
{
	return (struct gnss){.time_ms = NOW - 2000,
	        .lat_deg = 52.5201,
	        .lon_deg = 13.4051,
	        .alt_m = 74,
	        .eph_m = 8,
	        .epv_m = 12,
	        .age_ms = 900,
	        .satellites = 11,
	        .has_fix = true,
	        .has_alt = true,
	        .has_eph = true,
	        .has_epv = true};
}

static int judge(const struct gnss *g)
{
	struct fix at;

	e = (struct err){0};
	return gnss_judge(g, &tag, 2, NOW, &at, &e);
}

static void every_doubt_has_a_name_of_its_own(void **s)
{
	(void)s;
	for (unsigned d = 0; d < GNSS_DOUBTS; d++)
		assert_int_equal(gnss_doubt_parse(gnss_doubt_name((enum gnss_doubt)d)), d);
	assert_int_equal(gnss_doubt_parse("certain"), GNSS_DOUBTS);
	assert_string_equal(gnss_doubt_name(GNSS_DOUBTS), "unknown");
	assert_string_equal(gnss_doubt_name(GNSS_MOVED), "moved");
}

static void a_good_fix_at_the_tag_is_a_place_with_k_times_its_error(void **s)
{
	struct gnss g = good();
	struct fix at;

	(void)s;
	assert_accepted(gnss_judge(&g, &tag, 2.5, NOW, &at, &e), &e);
	assert_true(at.lat_deg == 52.5201 && at.lon_deg == 13.4051 && at.uncertainty_m == 20);
}

static void each_doubt_denies_by_its_name(void **s)
{
	(void)s;
	for (unsigned d = 0; d < GNSS_DOUBTS; d++) {
		struct gnss g = good();
		g.doubts = GNSS_BIT(d);
		assert_refused(judge(&g), &e, WHY_OUTSIDE);
		assert_non_null(strstr(e.text, gnss_doubt_name((enum gnss_doubt)d)));
	}
	struct gnss all = good();
	all.doubts = GNSS_BIT(GNSS_DOUBTS) - 1;
	assert_refused(judge(&all), &e, WHY_OUTSIDE);
	assert_non_null(strstr(e.text, "no-fix, no-estimate, "));
	assert_non_null(strstr(e.text, "jammed, moved"));
}

static void no_fix_and_no_estimate_deny_though_nobody_doubted(void **s)
{
	struct gnss g = good();

	(void)s;
	g.has_eph = false;
	assert_refused(judge(&g), &e, WHY_OUTSIDE);
	assert_non_null(strstr(e.text, "no-estimate"));
	g = good();
	g.has_fix = false;
	assert_refused(judge(&g), &e, WHY_OUTSIDE);
	assert_non_null(strstr(e.text, "no-fix"));
}

static void a_fix_of_another_time_is_stale(void **s)
{
	struct gnss g = good();

	(void)s;
	g.age_ms = GNSS_AGE_MAX_MS;
	assert_accepted(judge(&g), &e);
	g.age_ms++;
	assert_refused(judge(&g), &e, WHY_STALE);
	g = good();
	g.time_ms = NOW - GNSS_AWAY_MAX_MS;
	assert_accepted(judge(&g), &e);
	g.time_ms--;
	assert_refused(judge(&g), &e, WHY_STALE);
	g.time_ms = NOW + GNSS_AWAY_MAX_MS;
	assert_accepted(judge(&g), &e);
	g.time_ms++;
	assert_refused(judge(&g), &e, WHY_STALE);
}

/* k * hypot(100, 8) is 200.6 m; a thousandth of a degree of latitude is 111.27 m there. */
static void a_fix_farther_from_the_tag_than_the_errors_explain_is_outside(void **s)
{
	struct gnss g = good();

	(void)s;
	g.lat_deg = 52.52 + 200.3e-3 / 111.27;
	g.lon_deg = 13.405;
	assert_accepted(judge(&g), &e);
	g.lat_deg = 52.52 + 200.9e-3 / 111.27;
	assert_refused(judge(&g), &e, WHY_OUTSIDE);
	assert_non_null(strstr(e.text, "from where the geo tag says"));
	g.lat_deg = 48.8566; /* Paris */
	g.lon_deg = 2.3522;
	assert_refused(judge(&g), &e, WHY_OUTSIDE);
}

static void a_factor_that_is_none_is_refused(void **s)
{
	static const double factors[] = {0.5, 0, -2, 101, (double)INFINITY, (double)NAN};
	struct gnss g = good();
	struct fix at;

	(void)s;
	for (size_t i = 0; i < COUNT(factors); i++)
		assert_refused(gnss_judge(&g, &tag, factors[i], NOW, &at, &e), &e, WHY_MALFORMED);
}

static void numbers_out_of_range_are_malformed(void **s)
{
	struct gnss bad[] = {good(), good(), good(), good(), good(), good(), good(), good(), good(), good()};

	(void)s;
	bad[0].lat_deg = 90.0001;
	bad[1].lon_deg = (double)NAN;
	bad[2].alt_m = 2e5;
	bad[3].eph_m = -1;
	bad[4].eph_m = (double)INFINITY;
	bad[5].epv_m = (double)NAN;
	bad[6].doubts = GNSS_BIT(GNSS_DOUBTS);
	bad[7].satellites = 256;
	bad[8].time_ms = -1;
	bad[9].time_ms = INT64_MAX;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_refused(gnss_ok(&bad[i], &e), &e, WHY_MALFORMED);
		assert_refused(judge(&bad[i]), &e, WHY_MALFORMED);
	}
	struct gnss without = {.doubts = GNSS_BIT(GNSS_NO_FIX), .lat_deg = (double)NAN, .eph_m = -1};
	assert_accepted(gnss_ok(&without, &e), &e);
}

static void a_refused_fix_leaves_the_place_alone(void **s)
{
	struct gnss g = good();
	struct fix at = {1, 2, 3};

	(void)s;
	g.doubts = GNSS_BIT(GNSS_JUMP);
	assert_refused(gnss_judge(&g, &tag, 2, NOW, &at, &e), &e, WHY_OUTSIDE);
	assert_true(at.lat_deg == 1 && at.lon_deg == 2 && at.uncertainty_m == 3);
}

/* Munich to Berlin is 504 km: half an hour at 280 m/s. */
static void a_machine_that_would_have_flown_too_fast_jumped(void **s)
{
	const struct fix munich = {48.1372, 11.5756, 20}, berlin = {52.52, 13.405, 20};

	(void)s;
	assert_accepted(gnss_follows(&munich, NOW, &berlin, NOW + 1800 * 1000, &e), &e);
	assert_refused(gnss_follows(&munich, NOW, &berlin, NOW + 1600 * 1000, &e), &e, WHY_OUTSIDE);
	assert_non_null(strstr(e.text, "jump: "));
	assert_refused(gnss_follows(&munich, NOW, &berlin, NOW - 1, &e), &e, WHY_STALE);
	assert_accepted(gnss_follows(&berlin, NOW, &berlin, NOW, &e), &e);
}

static void what_the_errors_explain_is_no_jump(void **s)
{
	const struct fix a = {52.52, 13.405, 20}, b = {52.5202, 13.405, 20}; /* 22 m */

	(void)s;
	assert_accepted(gnss_follows(&a, NOW, &b, NOW, &e), &e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_doubt_has_a_name_of_its_own),
	        cmocka_unit_test(a_good_fix_at_the_tag_is_a_place_with_k_times_its_error),
	        cmocka_unit_test(each_doubt_denies_by_its_name),
	        cmocka_unit_test(no_fix_and_no_estimate_deny_though_nobody_doubted),
	        cmocka_unit_test(a_fix_of_another_time_is_stale),
	        cmocka_unit_test(a_fix_farther_from_the_tag_than_the_errors_explain_is_outside),
	        cmocka_unit_test(a_factor_that_is_none_is_refused),
	        cmocka_unit_test(numbers_out_of_range_are_malformed),
	        cmocka_unit_test(a_refused_fix_leaves_the_place_alone),
	        cmocka_unit_test(a_machine_that_would_have_flown_too_fast_jumped),
	        cmocka_unit_test(what_the_errors_explain_is_no_jump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
