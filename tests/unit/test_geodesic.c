#include "geofence/geodesic.h"
#include "tests/unit/fencemaker.h"

struct known {
	struct lonlat a, b;
	double m; /* by GeographicLib, whose error is nanometres */
};

static const struct known usual[] = {
        {{8.6821, 50.1109}, {13.405, 52.52}, 424423.690418},
        {{2.3522, 48.8566}, {-0.1278, 51.5074}, 343923.120091},
        {{0, 0}, {90, 0}, 10018754.171395},
        {{0, 0}, {0, 90}, 10001965.729313},
        {{0, 0}, {0.00001, 0}, 1.113195},
        {{10, 45}, {10, 45.0000001}, 0.011113},
        {{151.21, -33.86}, {-0.1278, 51.5074}, 16988598.015057},
        {{-179.9, 64}, {179.9, 64}, 9786.344351},
        {{0, 89.99}, {180, 89.99}, 2233.879591},
        {{0, 0}, {176, 0}, 19592230.379616},
        {{0, 30}, {175, -30}, 19546749.789335},
        {{4.3517, 50.8503}, {4.3517, 50.8503}, 0},
        {{-180, 0}, {180, 0}, 0},
};

static const struct known antipodal[] = {
        {{0, 90}, {50, -89}, 19892237.593711},
        {{0, 0}, {180, 0}, 20003931.458625},
        {{0, 0}, {179.7, 0.5}, 19944127.420750},
        {{0, 90}, {0, -90}, 20003931.458625},
        {{-72.9, 41.3}, {107.4, -41}, 19966243.124826},
};

static void assert_holds(const struct known *k, double width)
{
	struct geodesic g = geodesic_between(k->a, k->b), back = geodesic_between(k->b, k->a);

	assert_true(g.lo_m <= k->m && k->m <= g.hi_m);
	assert_true(back.lo_m <= k->m && k->m <= back.hi_m);
	assert_true(g.lo_m >= 0 && g.hi_m - g.lo_m <= width);
}

static void known_distances_lie_between_bounds_two_millimetres_apart(void **s)
{
	(void)s;
	for (size_t i = 0; i < COUNT(usual); i++)
		assert_holds(&usual[i], 0.0021);
}

static void near_the_antipode_the_bounds_are_wide_and_hold(void **s)
{
	(void)s;
	for (size_t i = 0; i < COUNT(antipodal); i++)
		assert_holds(&antipodal[i], 70e3);
}

static void the_shortest_way_through_space_is_never_longer_than_over_the_ground(void **s)
{
	(void)s;
	uint64_t seed = 3;

	for (int i = 0; i < 20000; i++) {
		double reach = pow(10, random_in(&seed, -5, 2.2));
		struct lonlat a = {random_in(&seed, -180, 180), random_in(&seed, -90, 90)};
		struct lonlat b = {fmin(180, fmax(-180, a.lon + random_in(&seed, -reach, reach))),
		        fmin(90, fmax(-90, a.lat + random_in(&seed, -reach, reach)))};
		struct geodesic g = geodesic_between(a, b);
		double least = earth_shortest(earth_distance(earth_at(a), earth_at(b)));
		assert_true(least <= g.hi_m);
		double allowed = g.lo_m < 100e3 ? 2e-5 : g.lo_m < 10e6 ? 0.005 : 0.06;
		assert_true(least >= g.lo_m * (1 - allowed) - 0.001);
	}
}

static void distances_obey_the_triangle_inequality(void **s)
{
	(void)s;
	uint64_t seed = 5;

	for (int i = 0; i < 5000; i++) {
		struct lonlat p[3];
		for (int k = 0; k < 3; k++)
			p[k] = (struct lonlat){random_in(&seed, -180, 180), random_in(&seed, -90, 90)};
		double ab = geodesic_between(p[0], p[1]).lo_m;
		assert_true(ab <= geodesic_between(p[0], p[2]).hi_m + geodesic_between(p[2], p[1]).hi_m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(known_distances_lie_between_bounds_two_millimetres_apart),
	        cmocka_unit_test(near_the_antipode_the_bounds_are_wide_and_hold),
	        cmocka_unit_test(the_shortest_way_through_space_is_never_longer_than_over_the_ground),
	        cmocka_unit_test(distances_obey_the_triangle_inequality),
	};
	return cmocka_run_group_tests_name("geodesic", tests, NULL, NULL);
}
