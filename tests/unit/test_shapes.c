/* Corridors, unions, geodesic edges, and the place without its distance. */
#include "geofence/geodesic.h"
#include "tests/unit/fencemaker.h"

#define IN    PLACE_INSIDE
#define OUT   PLACE_OUTSIDE
#define MAYBE PLACE_AMBIGUOUS

#define BODY(geometry, edges) "{\"geometry\":" geometry ",\"map_accuracy_m\":0,\"edges\":\"" edges "\"}"
#define ROAD                  "{\"type\":\"Corridor\",\"coordinates\":[[8,50],[9,50],[9,51]],\"width_m\":2000}"

static struct fence *sure_fence(const char *body)
{
	struct fence *f = fence_from(body);

	if (f == NULL)
		fail_msg("%s", err.text);
	return f;
}

static void a_corridor_is_half_its_width_to_each_side(void **s)
{
	(void)s;
	AUTO(fence_free) struct fence *f = sure_fence(BODY(ROAD, "rfc7946"));

	assert_place(place_at(f, 50.004, 8.5, 500), IN); /* 445 m north of the line */
	assert_place(place_at(f, 50.004, 8.5, 554), IN);
	assert_place(place_at(f, 50.004, 8.5, 556), MAYBE);
	assert_place(place_at(f, 50.02, 8.5, 1200), OUT); /* 2225 m */
	assert_place(place_at(f, 50.02, 8.5, 1226), MAYBE);
	assert_place(place_at(f, 50.5, 9, 999), IN);
	assert_place(place_at(f, 50, 7.99, 100), IN); /* 717 m before its beginning: the ends are round */
	assert_place(place_at(f, 50, 7.98, 100), OUT);
	assert_place(place_at(f, 50.5, 8.5, 1000), OUT);
	assert_place(fence_covers(f, 50.5, 9), IN);
}

static void a_corridor_without_length_or_width_is_refused(void **s)
{
	(void)s;
	refused(BODY("{\"type\":\"Corridor\",\"coordinates\":[[8,50],[8,50]],\"width_m\":1}", "rfc7946"), "no length");
	refused(BODY("{\"type\":\"Corridor\",\"coordinates\":[[8,50]],\"width_m\":1}", "rfc7946"), "2 to");
	refused(BODY("{\"type\":\"Corridor\",\"coordinates\":[[8,50],[9,50]],\"width_m\":0}", "rfc7946"), "no width");
	refused(BODY("{\"type\":\"Corridor\",\"coordinates\":[[8,50],[9,95]],\"width_m\":1}", "rfc7946"), "vertex 2");
	refused(BODY("{\"type\":\"Corridor\",\"coordinates\":[[-100,50],[100,50]],\"width_m\":1}", "rfc7946"),
	        "180 degrees");
}

static void a_corridor_may_run_along_the_antimeridian(void **s)
{
	(void)s;
	AUTO(fence_free)
	struct fence *f = sure_fence(
	        BODY("{\"type\":\"Corridor\",\"coordinates\":[[180,0],[180,10]],\"width_m\":20000}", "rfc7946"));

	assert_place(place_at(f, 5, 179.95, 1000), IN);
	assert_place(place_at(f, 5, -179.95, 1000), IN);
	assert_place(place_at(f, 5, -179.8, 1000), OUT);
}

#define PARTS                                                                                                          \
	"{\"type\":\"GeometryCollection\",\"geometries\":[" ROAD                                                       \
	",{\"type\":\"Circle\",\"center\":[8,50],\"radius_m\":5000},"                                                  \
	"{\"type\":\"Polygon\",\"coordinates\":[[[20,40],[21,40],[21,41],[20,41],[20,40]]]}]}"

static void a_union_is_inside_where_a_part_is(void **s)
{
	(void)s;
	AUTO(fence_free) struct fence *f = sure_fence(BODY(PARTS, "rfc7946"));

	assert_place(place_at(f, 50, 8.5, 900), IN);
	assert_place(place_at(f, 50.03, 8, 1000), IN);
	assert_place(place_at(f, 50, 8.02, 3000), IN); /* the whole circle is in the circle, not in the corridor */
	assert_place(place_at(f, 50, 8.066, 1000), MAYBE);
	assert_place(place_at(f, 40.5, 20.5, 1000), IN);
	assert_place(place_at(f, 45, 15, 1000), OUT);
	assert_place(place_at(f, 45, 15, 1e6), MAYBE);
	assert_place(fence_covers(f, 40.5, 20.5), IN);
	assert_int_equal(fence_vertices(f), 3 + 5);
}

static void a_part_that_is_wrong_is_refused_by_number(void **s)
{
	(void)s;
	refused(BODY("{\"type\":\"GeometryCollection\",\"geometries\":[" ROAD ",{\"type\":\"Circle\",\"center\":[8,50],"
	             "\"radius_m\":0}]}",
	                "rfc7946"),
	        "part 2: radius_m");
	refused(BODY("{\"type\":\"GeometryCollection\",\"geometries\":[" PARTS "]}", "rfc7946"), "part 1: type");
	refused(BODY("{\"type\":\"GeometryCollection\",\"geometries\":[]}", "rfc7946"), "1 to");
}

static void a_union_comes_back_from_its_compiled_form(void **s)
{
	(void)s;
	AUTO(fence_free) struct fence *f = sure_fence(BODY(PARTS, "geodesic"));
	uint8_t *bytes;
	size_t n;

	assert_int_equal(fence_compile(f, &bytes, &n, &err), 0);
	struct fence *g = fence_open(VIEW(bytes, n), &err);
	if (g == NULL)
		fail_msg("%s", err.text);
	assert_memory_equal(fence_digest(f), fence_digest(g), FENCE_DIGEST_LEN);
	assert_int_equal(fence_vertices(f), fence_vertices(g));
	for (double lon = 7.9; lon < 8.2; lon += 0.003)
		assert_place(place_at(f, 50.01, lon, 300), place_at(g, 50.01, lon, 300));
	fence_free(g);
	free(bytes);
}

static void three_valued_or_is_sure_of_inside_and_careful_with_outside(void **s)
{
	(void)s;
	assert_place(place_or(IN, OUT), IN);
	assert_place(place_or(MAYBE, IN), IN);
	assert_place(place_or(MAYBE, OUT), MAYBE);
	assert_place(place_or(OUT, MAYBE), MAYBE);
	assert_place(place_or(OUT, OUT), OUT);
}

/* ---- Geodesic edges ---- */

#define NORTH "{\"type\":\"Polygon\",\"coordinates\":[[[-123,49],[-95,49],[-95,60],[-123,60],[-123,49]]]}"

static void the_forty_ninth_parallel_as_a_geodesic_lies_farther_north(void **s)
{
	(void)s;
	AUTO(fence_free) struct fence *f = sure_fence(BODY(NORTH, "geodesic"));
	struct geodesic_line g;

	assert_true(geodesic_line((struct lonlat){-123, 49}, (struct lonlat){-95, 49}, &g));
	for (double t = 0.05; t < 1; t += 0.05) {
		struct lonlat on = geodesic_at(&g, t * g.length_m);
		double d = decide(f, on.lat, on.lon, 0).distance_m;
		assert_true(d <= GEODESIC_GAP_M);
		assert_place(place_at(f, on.lat - 0.001, on.lon, 100), OUT);
		assert_place(place_at(f, on.lat + 0.001, on.lon, 100), IN);
	}
	assert_place(place_at(f, 49.5, -109, 1000), OUT);
	assert_true(decide(f, 55, -109, 10).needed_m >= 11); /* the gap is part of the accuracy */
}

static void a_geodesic_goes_from_end_to_end(void **s)
{
	(void)s;
	uint64_t seed = 53;

	for (int i = 0; i < 2000; i++) {
		struct lonlat a = {random_in(&seed, -180, 180), random_in(&seed, -89, 89)};
		struct lonlat b = {random_in(&seed, -180, 180), random_in(&seed, -89, 89)};
		struct geodesic_line g;
		if (!geodesic_line(a, b, &g))
			continue;
		assert_true(geodesic_between(geodesic_at(&g, g.length_m), b).lo_m < 0.002);
		struct lonlat m = geodesic_at(&g, g.length_m / 2);
		m.lon = remainder(m.lon, 360);
		assert_true(fabs(geodesic_between(a, m).hi_m - g.length_m / 2) < 0.004);
		assert_true(fabs(geodesic_between(m, b).hi_m - g.length_m / 2) < 0.004);
	}
}

static void a_geodesic_over_a_pole_or_to_the_antipode_is_refused(void **s)
{
	(void)s;
	refused(BODY("{\"type\":\"Polygon\",\"coordinates\":[[[-90,0],[89.5,1],[0,-20],[-90,0]]]}", "geodesic"),
	        "antipode");
	refused(BODY("{\"type\":\"Polygon\",\"coordinates\":[[[-90,70],[90,70],[0,60],[-90,70]]]}", "geodesic"),
	        "pole");
}

static void meridians_and_the_antimeridian_stay_what_they_are(void **s)
{
	(void)s;
	AUTO(fence_free)
	struct fence *f = sure_fence(BODY(
	        "{\"type\":\"MultiPolygon\",\"coordinates\":[[[[170,-10],[180,-10],[180,10],[170,10],[170,-10]]],[[["
	        "-180,-10],[-170,-10],[-170,10],[-180,10],[-180,-10]]]]}",
	        "geodesic"));

	assert_place(place_at(f, 0, 180, 1e5), IN);
	assert_place(place_at(f, 9.99, 175, 10), IN);
	assert_place(place_at(f, 10.01, 175, 10), IN); /* the geodesic between is farther from the equator */
}

/* ---- The place alone ---- */

static void assert_quick_is_the_same(const struct fence *f, const struct fix *x)
{
	struct place_result r;
	enum place quick;

	assert_int_equal(fence_decide(f, x, &r, &err), 0);
	assert_int_equal(fence_place(f, x, &quick, &err), 0);
	if (quick != r.place)
		fail_msg("(%.17g %.17g) %g m: %s and %s, %.6f of %.6f m", x->lat_deg, x->lon_deg, x->uncertainty_m,
		        place_name(quick), place_name(r.place), r.distance_m, r.needed_m);
	assert_true(r.place == MAYBE || r.match_rate == (r.place == IN));
	assert_true(r.match_rate >= 0 && r.match_rate <= 1);
}

static void the_place_without_its_distance_is_the_same_place(void **s)
{
	(void)s;
	static const char *const names[] = {"geoA", "geoB", "geoC", "seam", "cap"};
	uint64_t seed = 59;

	for (size_t i = 0; i < COUNT(names); i++) {
		AUTO(fence_free) struct fence *f = fence_file(names[i]);
		for (int k = 0; k < 4000; k++) {
			bool wide = i > 2;
			struct fix x = {random_in(&seed, wide ? -90 : 40, wide ? 90 : 57),
			        random_in(&seed, wide ? -180 : -9, wide ? 180 : 18), pow(10, random_in(&seed, 0, 6))};
			assert_quick_is_the_same(f, &x);
		}
	}
}

/* Where the circle just reaches the border, the planes of around.c cannot tell and space has to. Both search the border
 * in their own order, so at the very distance they may differ by what near.c leaves out. */
static void it_is_the_same_next_to_the_very_distance(void **s)
{
	(void)s;
	AUTO(fence_free) struct fence *f = fence_file("geoB");
	uint64_t seed = 61;

	for (int k = 0; k < 3000; k++) {
		struct fix x = {random_in(&seed, 42, 55), random_in(&seed, -5, 15), 0};
		struct place_result r = decide(f, x.lat_deg, x.lon_deg, 0);
		for (int i = -3; i <= 3; i++) {
			x.uncertainty_m = r.distance_m - r.needed_m + i * (1e-3 + 2e-5 * r.distance_m);
			if (x.uncertainty_m >= 0 && i != 0)
				assert_quick_is_the_same(f, &x);
		}
	}
}

static void the_match_rate_is_the_part_of_the_circle(void **s)
{
	(void)s;
	AUTO(fence_free)
	struct fence *f = sure_fence(
	        BODY("{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[10,0],[10,10],[0,10],[0,0]]]}", "rfc7946"));

	assert_true(fabs(decide(f, 5, 0, 1000).match_rate - 0.5) < 0.02);
	assert_true(fabs(decide(f, 0, 0, 1000).match_rate - 0.25) < 0.02);
	assert_true(fabs(decide(f, 5, 0, 1).match_rate - 0.5) < 0.02);
	assert_true(decide(f, 5, 0.01, 1500).match_rate > 0.7); /* 1113 m inside */
	assert_true(decide(f, 5, -0.01, 1500).match_rate < 0.3);
	assert_true(decide(f, 5, 5, FIX_UNCERTAINTY_MAX_M).match_rate < 0.02);
	struct place_result r = decide(f, 5, 0.01, 1500);
	assert_true(fabs(r.nearest.lon) < 1e-9 && fabs(r.nearest.lat - 5) < 1e-5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_corridor_is_half_its_width_to_each_side),
	        cmocka_unit_test(a_corridor_without_length_or_width_is_refused),
	        cmocka_unit_test(a_corridor_may_run_along_the_antimeridian),
	        cmocka_unit_test(a_union_is_inside_where_a_part_is),
	        cmocka_unit_test(a_part_that_is_wrong_is_refused_by_number),
	        cmocka_unit_test(a_union_comes_back_from_its_compiled_form),
	        cmocka_unit_test(three_valued_or_is_sure_of_inside_and_careful_with_outside),
	        cmocka_unit_test(the_forty_ninth_parallel_as_a_geodesic_lies_farther_north),
	        cmocka_unit_test(a_geodesic_goes_from_end_to_end),
	        cmocka_unit_test(a_geodesic_over_a_pole_or_to_the_antipode_is_refused),
	        cmocka_unit_test(meridians_and_the_antimeridian_stay_what_they_are),
	        cmocka_unit_test(the_place_without_its_distance_is_the_same_place),
	        cmocka_unit_test(it_is_the_same_next_to_the_very_distance),
	        cmocka_unit_test(the_match_rate_is_the_part_of_the_circle),
	};
	return cmocka_run_group_tests_name("shapes", tests, NULL, NULL);
}
