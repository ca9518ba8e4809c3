#include "tests/unit/mapmaker.h"

static void neighbours_have_no_border_between_them(void **s)
{
	(void)s;
	AUTO(fence_free)
	struct fence *f = fence_mapped(MAP(FEATURE("a", SQUARE(0, 0, 1, 1)) "," FEATURE("b", SQUARE(1, 0, 2, 1))));

	assert_place(place_at(f, 0.5, 1, 1000), PLACE_INSIDE);
	assert_place(place_at(f, 0.5, 2.1, 1000), PLACE_OUTSIDE);
	assert_int_equal(fence_vertices(f), 7);
	assert_int_equal(report.features, 2);
}

static void the_way_that_rings_wind_does_not_matter(void **s)
{
	(void)s;
	AUTO(fence_free)
	struct fence *f = fence_mapped(MAP(FEATURE("a",
	        "[[0,0],[0,1],[1,1],[1,0],[0,0]]," SQUARE(0.4, 0.4, 0.6, 0.6)) "," FEATURE("b", SQUARE(1, 0, 2, 1))));

	assert_place(place_at(f, 0.5, 1, 1000), PLACE_INSIDE);
	assert_place(place_at(f, 0.5, 0.5, 1000), PLACE_OUTSIDE);
}

static void an_enclave_that_the_map_forgot_is_cut_out(void **s)
{
	(void)s;
	struct fence_wish w = wish_of(MAP(FEATURE("ZA", SQUARE(20, -35, 30, -25)) "," FEATURE(
	        "LS", SQUARE(27, -30, 28, -29)) "," FEATURE("far", SQUARE(50, 0, 51, 1))));

	w.where = "name=ZA";
	AUTO(fence_free) struct fence *f = fence_wished(&w);
	reported(FINDING_REPAIRED, "feature 2: polygon 1: ring 1: lies in what was chosen");
	assert_place(place_at(f, -29.5, 27.5, 1000), PLACE_OUTSIDE);
	assert_place(place_at(f, -27, 25, 1000), PLACE_INSIDE);
	w.where = "name=LS";
	AUTO(fence_free) struct fence *enclave = fence_wished(&w);
	assert_place(place_at(enclave, -29.5, 27.5, 1000), PLACE_INSIDE);
}

static void an_enclave_with_its_hole_is_left_alone(void **s)
{
	(void)s;
	struct fence_wish w = wish_of(MAP(FEATURE("ZA",
	        SQUARE(20, -35, 30, -25) "," SQUARE(27, -30, 28, -29)) "," FEATURE("LS", SQUARE(27, -30, 28, -29))));

	w.where = "name=ZA";
	AUTO(fence_free) struct fence *f = fence_wished(&w);
	assert_int_equal(report.n, 0);
	assert_place(place_at(f, -29.5, 27.5, 1000), PLACE_OUTSIDE);
	w.where = NULL;
	AUTO(fence_free) struct fence *both = fence_wished(&w);
	assert_int_equal(fence_vertices(both), 5);
	assert_place(place_at(both, -29, 27.5, 1000), PLACE_INSIDE);
}

/* Baarle: a parcel of one country in a parcel of the other in the first. */
static void a_counter_enclave_is_inside_again(void **s)
{
	(void)s;
	struct fence_wish w = wish_of(
	        MAP(FEATURE("NL", SQUARE(0, 0, 10, 10)) "," FEATURE("BE", SQUARE(3, 3, 7, 7)) "," FEATURE(
	                "NL", SQUARE(4, 4, 6, 6)) "," FEATURE("BE", SQUARE(4.5, 4.5, 5.5, 5.5))));

	w.where = "name=NL";
	AUTO(fence_free) struct fence *f = fence_wished(&w);
	assert_place(place_at(f, 2, 2, 100), PLACE_INSIDE);
	assert_place(place_at(f, 3.5, 3.5, 100), PLACE_OUTSIDE);
	assert_place(place_at(f, 4.2, 4.2, 100), PLACE_INSIDE);
	assert_place(place_at(f, 5, 5, 100), PLACE_OUTSIDE);
}

static void an_enclave_without_area_keeps_its_place_from_being_inside(void **s)
{
	(void)s;
	struct fence_wish w = wish_of(
	        MAP(FEATURE("IT", SQUARE(10, 40, 14, 44)) "," FEATURE("VA", "[[12.45,41.9],[12.45,41.9]]")));

	w.where = "name=IT";
	AUTO(fence_free) struct fence *f = fence_wished(&w);
	reported(FINDING_REPAIRED, "feature 2: polygon 1: ring 1: vertex 1: has no area on this map");
	assert_place(place_at(f, 41.9, 12.45, 1), PLACE_AMBIGUOUS);
	assert_place(place_at(f, 41.9005, 12.45, 1), PLACE_AMBIGUOUS);
	assert_place(place_at(f, 41.91, 12.45, 1), PLACE_INSIDE);
}

static void two_that_claim_one_place_are_refused_by_vertex(void **s)
{
	(void)s;
	struct fence_wish w = wish_of(MAP(FEATURE("a", SQUARE(0, 0, 2, 2)) "," FEATURE("b", SQUARE(1, 1, 3, 3))));

	w.where = "name=a";
	wish_refused(&w, "feature 2: polygon 1: ring 1: vertex 1: lies 111 km inside the fence");
	w.map_accuracy_m = 200000;
	AUTO(fence_free) struct fence *coarse = fence_wished(&w);
	assert_non_null(coarse);
	reported(FINDING_NOTED, "by less than the map is accurate");
	w.where = NULL;
	w.map_accuracy_m = 100;
	AUTO(fence_free) struct fence *both = fence_wished(&w);
	reported(FINDING_NOTED, "both chosen");
	assert_place(place_at(both, 0.5, 0.5, 100), PLACE_INSIDE);
	assert_place(place_at(both, 1.5, 1.3, 100), PLACE_INSIDE);
	assert_place(place_at(both, 2.5, 2.5, 100), PLACE_INSIDE);
	assert_place(place_at(both, 2.5, 0.5, 100), PLACE_OUTSIDE);
}

static void a_band_that_crosses_the_fence_and_leaves_no_vertex_in_it_is_refused(void **s)
{
	(void)s;
	struct fence_wish w = wish_of(MAP(FEATURE("a", SQUARE(0, 0, 2, 2)) "," FEATURE("b", SQUARE(-1, 0.9, 3, 1.1))));

	w.where = "name=a";
	w.map_accuracy_m = 5000;
	wish_refused(&w, "feature 2: polygon 1: ring 1: vertex 3: lies 99.5 km inside the fence");
	w.map = VIEW(MAP(FEATURE("a", SQUARE(0, 0, 2, 2)) "," FEATURE("b", SQUARE(-1, 2, 3, 2.1))),
	        strlen(MAP(FEATURE("a", SQUARE(0, 0, 2, 2)) "," FEATURE("b", SQUARE(-1, 2, 3, 2.1)))));
	AUTO(fence_free) struct fence *beside = fence_wished(&w);
	assert_place(place_at(beside, 1, 1, 100), PLACE_INSIDE);
}

static void a_wish_for_what_is_not_there_is_refused(void **s)
{
	(void)s;
	struct fence_wish w = wish_of(MAP(FEATURE("a", SQUARE(0, 0, 2, 2))));

	w.where = "name=b";
	wish_refused(&w, "no feature of the map has name=b");
	assert_int_equal(err.why, WHY_UNKNOWN);
	w.where = "b";
	wish_refused(&w, "not PROPERTY=VALUE");
	w.where = NULL;
	w.countries = "DE";
	wish_refused(&w, "no country DE (ISO 3166-1 number 276)");
	w.countries = "DE,";
	wish_refused(&w, "\"\" is not a country");
	w.countries = "de";
	wish_refused(&w, "\"de\" is not a country");
}

static void points_and_lines_are_left_out_and_told(void **s)
{
	(void)s;
	AUTO(fence_free)
	struct fence *f = fence_mapped(MAP(FEATURE(
	        "a", "[[0,0,7],[1,0,7],[1,1,7],[0,0,7]]") ",{\"type\":\"Feature\",\"properties\":null,\"geometry\":{"
	                                                  "\"type\":"
	                                                  "\"Point\",\"coordinates\":[1,2]}},{\"type\":\"Feature\","
	                                                  "\"properties\":null,\"geometry\":null}"));

	assert_int_equal(fence_vertices(f), 4);
	reported(FINDING_NOTED, "feature 1: has altitudes");
	reported(FINDING_NOTED, "feature 2: has no area (\"Point\")");
	reported(FINDING_NOTED, "feature 3: has no area (null)");
}

static void collections_of_geometries_are_gathered(void **s)
{
	(void)s;
	AUTO(fence_free)
	struct fence *f = fence_mapped("{\"geometries\":[{\"type\":\"Polygon\",\"coordinates\":[" SQUARE(
	        0, 0, 1, 1) "]},{\"coordinates\":[[" SQUARE(5, 0, 6, 1) "]],\"type\":\"MultiPolygon\"}],\"type\":"
	                                                                "\"GeometryCollection\"}");

	assert_place(place_at(f, 0.5, 0.5, 100), PLACE_INSIDE);
	assert_place(place_at(f, 0.5, 5.5, 100), PLACE_INSIDE);
}

static void what_is_no_map_is_refused(void **s)
{
	(void)s;
	map_refused("", "middle");
	map_refused("[]", "expected an object");
	map_refused("{}", "no area");
	map_refused("{\"type\":\"FeatureCollection\"}", "features: missing");
	map_refused(MAP(""), "the map has no features");
	map_refused("{\"type\":\"Polygon\",\"coordinates\":[],\"coordinates\":[]}", "there twice");
	map_refused(MAP(FEATURE("a", SQUARE(0, 0, 2, 2))) "x", "not JSON at byte");
}

#define TOPOLOGY(arcs)                                                                                                 \
	"{\"type\":\"Topology\",\"transform\":{\"scale\":[0.5,0.5],\"translate\":[0,0]},\"objects\":{\"land\":{"       \
	"\"type\":"                                                                                                    \
	"\"GeometryCollection\",\"geometries\":[{\"type\":\"Polygon\",\"id\":\"276\",\"arcs\":" arcs                   \
	"},{\"type\":\"MultiPolygon\",\"id\":\"250\",\"arcs\":[[[-2,2]]]}]}},\"arcs\":[[[2,0],[-2,0],[0,2],[2,0]],[["  \
	"2,0],[0,2]],"                                                                                                 \
	"[[2,0],[2,0],[0,2],[-2,0]]]}"

static void arcs_are_joined_and_shared_ones_vanish(void **s)
{
	(void)s;
	struct fence_wish w = wish_of(TOPOLOGY("[[-1,1]]"));

	AUTO(fence_free) struct fence *both = fence_wished(&w);
	assert_place(place_at(both, 0.5, 1, 1000), PLACE_INSIDE);
	assert_place(place_at(both, 0.5, 1.5, 1000), PLACE_INSIDE);
	w.countries = "DE";
	AUTO(fence_free) struct fence *west = fence_wished(&w);
	assert_place(place_at(west, 0.5, 0.5, 1000), PLACE_INSIDE);
	assert_place(place_at(west, 0.5, 1.5, 1000), PLACE_OUTSIDE);
}

static void an_arc_that_is_not_there_is_refused(void **s)
{
	(void)s;
	map_refused(TOPOLOGY("[[0,7]]"), "feature 1: ring 1: arc of the ring 2: there is no arc 7");
	map_refused(TOPOLOGY("[[0,-9]]"), "there is no arc -9");
	map_refused(TOPOLOGY("[[0.5]]"), "there is no arc 0.5");
	map_refused(TOPOLOGY("[[0]]"), "not closed");
}

static void a_map_cut_anywhere_is_refused(void **s)
{
	(void)s;
	static const char *const maps[] = {MAP(FEATURE("a", SQUARE(0, 0, 1, 1))), TOPOLOGY("[[-1,1]]")};

	for (size_t k = 0; k < COUNT(maps); k++)
		for (size_t n = 0; n < strlen(maps[k]); n++) {
			struct fence_wish w = wish_of(maps[k]);
			char *body = NULL;
			err = (struct err){0};
			w.map.n = n;
			assert_int_equal(fence_from_map(&w, &body, &report, &err), -1);
			assert_int_not_equal(err.why, WHY_NONE);
		}
}

/* A changed digit is another map, but none may be half read or end the program. */
static void every_bit_flip_is_refused_or_gives_a_fence(void **s)
{
	(void)s;
	char map[sizeof TOPOLOGY("[[-1,1]]")] = TOPOLOGY("[[-1,1]]");

	for (size_t bit = 0; bit < 8 * strlen(map); bit++) {
		map[bit / 8] = (char)(map[bit / 8] ^ 1 << bit % 8);
		struct fence_wish w = wish_of(map);
		char *body = NULL;
		err = (struct err){0};
		int rc = fence_from_map(&w, &body, &report, &err);
		assert_int_equal(rc == 0, err.why == WHY_NONE);
		free(body);
		map[bit / 8] = (char)(map[bit / 8] ^ 1 << bit % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(neighbours_have_no_border_between_them),
	        cmocka_unit_test(the_way_that_rings_wind_does_not_matter),
	        cmocka_unit_test(an_enclave_that_the_map_forgot_is_cut_out),
	        cmocka_unit_test(an_enclave_with_its_hole_is_left_alone),
	        cmocka_unit_test(a_counter_enclave_is_inside_again),
	        cmocka_unit_test(an_enclave_without_area_keeps_its_place_from_being_inside),
	        cmocka_unit_test(two_that_claim_one_place_are_refused_by_vertex),
	        cmocka_unit_test(a_band_that_crosses_the_fence_and_leaves_no_vertex_in_it_is_refused),
	        cmocka_unit_test(a_wish_for_what_is_not_there_is_refused),
	        cmocka_unit_test(points_and_lines_are_left_out_and_told),
	        cmocka_unit_test(collections_of_geometries_are_gathered),
	        cmocka_unit_test(what_is_no_map_is_refused),
	        cmocka_unit_test(arcs_are_joined_and_shared_ones_vanish),
	        cmocka_unit_test(an_arc_that_is_not_there_is_refused),
	        cmocka_unit_test(a_map_cut_anywhere_is_refused),
	        cmocka_unit_test(every_bit_flip_is_refused_or_gives_a_fence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
