#include "geofence/geodesic.h"
#include "tests/unit/fencemaker.h"

#define IN    PLACE_INSIDE
#define OUT   PLACE_OUTSIDE
#define MAYBE PLACE_AMBIGUOUS

/* One degree square with a hole, and an island in the hole as a second polygon. */
#define SQUARE "[[[8,50],[9,50],[9,51],[8,51],[8,50]],[[8.2,50.2],[8.8,50.2],[8.8,50.8],[8.2,50.8],[8.2,50.2]]]"
#define ISLAND "[[[8.4,50.4],[8.6,50.4],[8.6,50.6],[8.4,50.6],[8.4,50.4]]]"

static void a_hole_is_outside_and_an_island_in_it_is_inside(void **s)
{
	(void)s;
	AUTO(fence_free) struct fence *f = fence_of("[" SQUARE "," ISLAND "]");

	assert_place(place_at(f, 50.1, 8.5, 1000), IN);
	assert_place(place_at(f, 50.3, 8.5, 1000), OUT);
	assert_place(place_at(f, 50.5, 8.5, 1000), IN);
	assert_place(place_at(f, 51.1, 8.5, 1000), OUT);
}

static void on_an_edge_or_a_vertex_is_never_inside_nor_outside(void **s)
{
	(void)s;
	AUTO(fence_free) struct fence *f = fence_of("[" SQUARE "]");
	static const double on[][2] = {
	        {50, 8}, {51, 9}, {50, 8.5}, {50.5, 8}, {50.5, 9}, {51, 8.25}, {50.2, 8.2}, {50.8, 8.5}};

	for (size_t i = 0; i < COUNT(on); i++) {
		assert_place(place_of(f, (struct lonlat){on[i][1], on[i][0]}), MAYBE);
		assert_place(place_at(f, on[i][0], on[i][1], 0), MAYBE);
	}
	assert_place(place_of(f, (struct lonlat){8.5, nextafter(50, 60)}), IN);
	assert_place(place_of(f, (struct lonlat){8.5, nextafter(50, 40)}), OUT);
}

static void the_whole_circle_of_uncertainty_must_be_inside(void **s)
{
	(void)s;
	AUTO(fence_free) struct fence *f = fence_of("[" ISLAND "]");
	struct place_result r = decide(f, 50.41, 8.5, 0); /* 1112.4 m north of the edge */

	assert_true(r.distance_m > 1112 && r.distance_m < 1113);
	assert_place(place_at(f, 50.41, 8.5, r.distance_m - 0.01), IN);
	assert_place(place_at(f, 50.41, 8.5, r.distance_m + 0.01), MAYBE);
	assert_place(place_at(f, 50.39, 8.5, r.distance_m - 0.5), OUT);
	assert_place(place_at(f, 50.39, 8.5, r.distance_m + 0.5), MAYBE);
}

static void the_accuracy_of_the_map_counts_like_that_of_the_fix(void **s)
{
	(void)s;
	AUTO(fence_free)
	struct fence *f = fence_from("{\"geometry\":{\"type\":\"Polygon\",\"coordinates\":" ISLAND
	                             "},\"map_accuracy_m\":1000,\"edges\":\"rfc7946\"}");

	assert_place(place_at(f, 50.41, 8.5, 100), IN);
	assert_place(place_at(f, 50.41, 8.5, 120), MAYBE);
	assert_true(decide(f, 50.41, 8.5, 100).needed_m >= 1100);
}

static void uncertainty_as_large_as_the_earth_decides_nothing(void **s)
{
	(void)s;
	AUTO(fence_free) struct fence *f = fence_of("[" SQUARE "]");

	for (double u = 1e5; u <= FIX_UNCERTAINTY_MAX_M; u *= 1.3)
		assert_place(place_at(f, 50.1, 8.5, u), MAYBE);
	assert_place(place_at(f, -50, -171, 18e6), OUT); /* 19,970 km away: the bound is 6 % short */
	assert_place(place_at(f, -50, -171, FIX_UNCERTAINTY_MAX_M), MAYBE);
}

static void overlapping_polygons_do_not_cancel(void **s)
{
	(void)s;
	AUTO(fence_free)
	struct fence *f = fence_of("[[[[0,0],[2,0],[2,2],[0,2],[0,0]]],[[[1,1],[3,1],[3,3],[1,3],[1,1]]]]");

	assert_place(place_at(f, 1.5, 1.5, 1000), IN);
	assert_place(place_at(f, 0.5, 0.5, 1000), IN);
	assert_place(place_at(f, 2.5, 2.5, 1000), IN);
	assert_place(place_at(f, 0.5, 2.5, 1000), OUT);
}

#define FIJI_WEST "[[[170,-10],[180,-10],[180,10],[170,10],[170,-10]]]"
#define FIJI_EAST "[[[-180,-10],[-170,-10],[-170,10],[-180,10],[-180,-10]]]"
#define RAISED    "[[[-180,0],[-170,0],[-170,20],[-180,20],[-180,0]]]"

static void two_halves_that_meet_at_the_antimeridian_are_one_area(void **s)
{
	(void)s;
	AUTO(fence_free) struct fence *f = fence_of("[" FIJI_WEST "," FIJI_EAST "]");
	static const double at[] = {180, -180, 179.9999, -179.9999, 179.99999999999997};

	for (size_t i = 0; i < COUNT(at); i++) {
		assert_place(place_at(f, 0, at[i], 1000), IN);
		assert_place(place_at(f, 9.99, at[i], 1000), IN);
		assert_place(place_at(f, 10.001, at[i], 1000), MAYBE);
		assert_place(place_at(f, 11, at[i], 1000), OUT);
	}
	assert_true(decide(f, 0, 180, 0).distance_m > 1.1e6);
}

static void half_an_area_ends_at_the_antimeridian(void **s)
{
	(void)s;
	AUTO(fence_free) struct fence *f = fence_of("[" FIJI_WEST "]");
	struct place_result r = decide(f, 0, -179.9, 1000);

	assert_place(r.place, OUT);
	assert_true(fabs(r.distance_m - 11131.9) < 1);
	assert_place(place_at(f, 0, 179.9, 1000), IN);
	assert_place(place_at(f, 0, 180, 0), MAYBE);
	assert_place(place_at(f, 0, -180, 0), MAYBE);
	assert_place(place_at(f, 20, -180, 0), OUT);
}

static void halves_of_different_height_share_only_what_both_touch(void **s)
{
	(void)s;
	AUTO(fence_free) struct fence *f = fence_of("[" FIJI_WEST "," RAISED "]");

	assert_place(place_at(f, 5, 180, 1000), IN);
	assert_place(place_at(f, -5, 180, 0), MAYBE);
	assert_place(place_at(f, 15, -180, 0), MAYBE);
	assert_place(place_at(f, -5, -179.99, 100), OUT);
	assert_place(place_at(f, 0, 180, 0), MAYBE); /* the corner */
	assert_place(place_at(f, -5, 179.99, 2000), MAYBE);
}

#define CAP  "[[[-180,80],[0,80],[180,80],[180,90],[-180,90],[-180,80]]]"
#define HALF "[[[-90,80],[90,80],[90,90],[-90,90],[-90,80]]]"

static void a_cap_around_the_pole_holds_the_pole(void **s)
{
	(void)s;
	AUTO(fence_free) struct fence *f = fence_of("[" CAP "]");

	for (double lon = -180; lon <= 180; lon += 45) {
		struct place_result r = decide(f, 90, lon, 1e6);
		assert_place(r.place, IN);
		assert_true(r.distance_m > 1110e3 && r.distance_m < 1116.9e3);
		assert_place(place_at(f, 90, lon, 1.2e6), MAYBE);
		assert_place(place_at(f, 89.9, lon, 1e6), IN);
		assert_place(place_at(f, 79, lon, 1e5), OUT);
		assert_place(place_at(f, -90, lon, 1e6), OUT);
	}
}

static void a_wedge_at_the_pole_ends_there(void **s)
{
	(void)s;
	AUTO(fence_free) struct fence *f = fence_of("[" HALF "]");

	assert_place(place_at(f, 90, 0, 0), MAYBE);
	assert_place(place_at(f, 90, 180, 0), MAYBE);
	assert_place(place_at(f, 89, 0, 1e5), IN);
	assert_place(place_at(f, 89, 180, 1e5), OUT);
	assert_place(place_at(f, 89, 180, 1.2e5), MAYBE);
}

static void a_long_edge_is_straight_in_degrees_and_not_a_geodesic(void **s)
{
	(void)s;
	/* The 49th parallel: a geodesic between its ends would lie 96 km farther north. */
	AUTO(fence_free) struct fence *f = fence_of("[[[[-123,49],[-95,49],[-95,60],[-123,60],[-123,49]]]]");
	struct place_result r = decide(f, 49.05, -109, 5000);

	assert_place(r.place, IN);
	assert_true(fabs(r.distance_m - 5560.6) < 1); /* 0.05 degrees of the meridian there */
	assert_place(place_at(f, 48.95, -109, 5000), OUT);
}

static void a_circle_is_exact_to_a_millimetre(void **s)
{
	(void)s;
	AUTO(fence_free)
	struct fence *f = fence_from("{\"geometry\":{\"type\":\"Circle\",\"center\":[8.6821,50.1109],\"radius_m\":"
	                             "424423.69},\"map_accuracy_m\":0}");

	assert_place(place_at(f, 52.52, 13.405, 0), MAYBE); /* Berlin is on it, by 0.4 mm */
	assert_place(place_at(f, 52.519999, 13.405, 0.05), IN);
	assert_place(place_at(f, 52.520001, 13.405, 0.05), OUT);
	assert_place(place_at(f, 50.1109, 8.6821, 424423), IN);
	assert_place(place_at(f, -50.1109, -171.3179, 1e6), OUT);
}

static void a_circle_works_across_the_antimeridian_and_over_a_pole(void **s)
{
	(void)s;
	AUTO(fence_free)
	struct fence *f = fence_from(
	        "{\"geometry\":{\"type\":\"Circle\",\"center\":[180,0],\"radius_m\":100000},\"map_accuracy_m\":0}");
	AUTO(fence_free)
	struct fence *g = fence_from(
	        "{\"geometry\":{\"type\":\"Circle\",\"center\":[0,89.9],\"radius_m\":100000},\"map_accuracy_m\":0}");

	assert_place(place_at(f, 0, -179.5, 1000), IN);
	assert_place(place_at(f, 0, 179.5, 1000), IN);
	assert_place(place_at(f, 0, -179, 1000), OUT);
	assert_place(place_at(g, 89.5, 180, 1000), IN);
	assert_place(place_at(g, 90, 77, 1000), IN);
	assert_place(place_at(g, 88.9, 0, 1000), OUT);
}

static void a_fix_that_is_not_a_place_is_refused(void **s)
{
	(void)s;
	AUTO(fence_free) struct fence *f = fence_of("[" SQUARE "]");
	const struct fix bad[] = {{NAN, 8, 0}, {50, NAN, 0}, {50, 8, NAN}, {90.0001, 8, 0}, {-91, 8, 0}, {50, 180.5, 0},
	        {50, INFINITY, 0}, {50, 8, -1}, {50, 8, INFINITY}, {50, 8, 20.05e6}};

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct place_result r = {.place = PLACE_INSIDE, .distance_m = 1};
		assert_int_equal(fence_decide(f, &bad[i], &r, &err), -1);
		assert_int_equal(err.why, WHY_MALFORMED);
		assert_true(r.distance_m == 1);
	}
}

static void minus_zero_is_zero(void **s)
{
	(void)s;
	AUTO(fence_free) struct fence *f = fence_of("[[[[-1,-1],[0,-1],[-0.0,0],[-1,0],[-1,-1]]]]");

	assert_place(place_at(f, -0.0, -0.0, 0), MAYBE);
	assert_place(place_at(f, -0.5, -0.0, 0), MAYBE);
	assert_place(place_at(f, -0.5, 1e-300, 0), MAYBE);
	assert_place(place_at(f, -0.5, -0.5, 1000), IN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_hole_is_outside_and_an_island_in_it_is_inside),
	        cmocka_unit_test(on_an_edge_or_a_vertex_is_never_inside_nor_outside),
	        cmocka_unit_test(the_whole_circle_of_uncertainty_must_be_inside),
	        cmocka_unit_test(the_accuracy_of_the_map_counts_like_that_of_the_fix),
	        cmocka_unit_test(uncertainty_as_large_as_the_earth_decides_nothing),
	        cmocka_unit_test(overlapping_polygons_do_not_cancel),
	        cmocka_unit_test(two_halves_that_meet_at_the_antimeridian_are_one_area),
	        cmocka_unit_test(half_an_area_ends_at_the_antimeridian),
	        cmocka_unit_test(halves_of_different_height_share_only_what_both_touch),
	        cmocka_unit_test(a_cap_around_the_pole_holds_the_pole),
	        cmocka_unit_test(a_wedge_at_the_pole_ends_there),
	        cmocka_unit_test(a_long_edge_is_straight_in_degrees_and_not_a_geodesic),
	        cmocka_unit_test(a_circle_is_exact_to_a_millimetre),
	        cmocka_unit_test(a_circle_works_across_the_antimeridian_and_over_a_pole),
	        cmocka_unit_test(a_fix_that_is_not_a_place_is_refused),
	        cmocka_unit_test(minus_zero_is_zero),
	};
	return cmocka_run_group_tests_name("place", tests, NULL, NULL);
}
