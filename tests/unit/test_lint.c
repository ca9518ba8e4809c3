#include "tests/unit/mapmaker.h"

static void a_ring_that_is_not_closed_is_refused_by_number(void **s)
{
	(void)s;
	map_refused(
	        MAP(FEATURE("a", SQUARE(0, 0, 1, 1)) "," FEATURE("b", SQUARE(2, 2, 3, 3) ",[[2,2],[3,2],[3,3],[2,3]]")),
	        "feature 2: polygon 1: ring 2: vertex 4: the ring is not closed");
}

static void swapped_coordinates_are_refused_with_the_way_out(void **s)
{
	(void)s;
	map_refused(MAP(FEATURE("a", "[[50,120],[51,120],[51,121],[50,120]]")),
	        "feature 1: polygon 1: ring 1: vertex 1: latitude 120 is beyond 90");
	assert_non_null(strstr(err.hint, "swapped"));
	map_refused(MAP(FEATURE("a", "[[900000,6000000],[900001,6000000],[900000,6000001],[900000,6000000]]")),
	        "beyond 90");
	assert_non_null(strstr(err.hint, "projection"));
}

static void what_is_not_a_number_is_refused_by_vertex(void **s)
{
	(void)s;
	map_refused(MAP(FEATURE("a", "[[0,0],[1,0],[1,NaN],[0,0]]")),
	        "feature 1: polygon 1: ring 1: vertex 3: latitude is not a number");
	map_refused(MAP(FEATURE("a", "[[0,0],[1,\"0\"],[1,1],[0,0]]")), "vertex 2: latitude is not a number");
	map_refused(MAP(FEATURE("a", "[[0,0],[1e999,0],[1,1],[0,0]]")), "vertex 2: longitude inf is beyond 180");
	map_refused(MAP(FEATURE("a", "[[0,0],[1],[1,1],[0,0]]")), "vertex 2: expected [longitude, latitude]");
	map_refused(MAP(FEATURE("a", "[[0,0],[1,01],[1,1],[0,0]]")), "vertex 2: not JSON at byte");
}

static void a_file_cut_in_half_is_refused_with_the_place(void **s)
{
	(void)s;
	char map[] = MAP(FEATURE("a", SQUARE(0, 0, 1, 1)) "," FEATURE("b", SQUARE(2, 2, 3, 3)));
	const char *at = strstr(map, "[3,3]");

	map[at - map + 2] = 0;
	map_refused(map, "feature 2: polygon 1: ring 1: vertex 3: ");
	assert_non_null(strstr(err.text, "ends in the middle"));
}

static void a_ring_that_crosses_itself_is_refused_when_it_matters(void **s)
{
	(void)s;
	const char *bow = MAP(FEATURE("a", "[[0,0],[1,1],[1,0],[0,1.5],[0,0]]"));
	const char *curl = MAP(FEATURE("a", "[[0,0],[4,0],[4,2],[1,2],[1,1],[3,1],[3,3],[0,3],[0,0]]"));

	map_refused(bow, "feature 1: polygon 1: ring 1: vertex 1: the ring crosses itself");
	assert_non_null(strstr(err.text, "inside out"));
	map_refused(curl, "the ring crosses itself");
	assert_non_null(strstr(err.text, "inside twice"));
}

static void a_loop_smaller_than_the_accuracy_is_taken_off_and_told(void **s)
{
	(void)s;
	AUTO(fence_free)
	struct fence *f = fence_mapped(
	        MAP(FEATURE("a", "[[0,0],[2,0],[2,1],[1,1],[1.0004,1.0004],[1.0004,0.9998],[0.9,1],[0,1],[0,0]]")));

	reported(FINDING_REPAIRED, "crosses itself in a loop");
	assert_place(place_at(f, 0.5, 0.5, 1), PLACE_INSIDE);
	assert_place(place_at(f, 1.01, 1, 1), PLACE_OUTSIDE);
}

static void a_hole_outside_its_outline_is_refused(void **s)
{
	(void)s;
	map_refused(MAP(FEATURE("a", SQUARE(0, 0, 1, 1) "," SQUARE(3, 3, 4, 4))),
	        "feature 1: polygon 1: ring 2: the ring is a hole that lies in no outline");
}

static void a_collapsed_ring_is_dropped_and_told(void **s)
{
	(void)s;
	AUTO(fence_free)
	struct fence *f = fence_mapped(MAP(FEATURE("a", SQUARE(0, 0, 1, 1)) "," FEATURE(
	        "b", "[[5,5],[5,5]]") "," FEATURE("c", "[[6,6],[7,7],[6,6]]") "," FEATURE("d", "[]")));

	assert_int_equal(fence_vertices(f), 5);
	assert_int_equal(report.count[FINDING_REPAIRED], 3);
	reported(FINDING_REPAIRED, "feature 2: polygon 1: ring 1: has 2 positions and no area, dropped");
	map_refused(MAP(FEATURE("b", "[[5,5],[5,5]]")), "no area on this map");
	assert_non_null(strstr(err.hint, "too coarse"));
}

static void repeated_vertices_are_left_out_and_told(void **s)
{
	(void)s;
	AUTO(fence_free)
	struct fence *f = fence_mapped(MAP(FEATURE("a", "[[0,0],[1,0],[1,0],[1,0],[1,1],[0,1],[0,1],[0,0]]")));

	assert_int_equal(fence_vertices(f), 5);
	reported(FINDING_REPAIRED, "3 vertices repeat");
}

static void an_edge_that_bends_needs_a_model(void **s)
{
	(void)s;
	const char *canada = MAP(FEATURE("a", "[[-123,49],[-95,49],[-95,60],[-123,60],[-123,49]]"));
	struct fence_wish w = wish_of(canada);

	w.edges = EDGES_UNSAID;
	wish_refused(&w, "feature 1: polygon 1: ring 1: vertex 1: the edge of 28 degrees bends");
	assert_non_null(strstr(err.hint, "--edges"));
	w.edges = EDGES_RFC7946;
	AUTO(fence_free) struct fence *f = fence_wished(&w);
	assert_place(place_at(f, 49.1, -109, 100), PLACE_INSIDE);
	w.edges = EDGES_UNSAID;
	w.map_accuracy_m = 100000;
	AUTO(fence_free) struct fence *coarse = fence_wished(&w);
	assert_non_null(coarse);
}

static void a_jump_of_360_degrees_needs_a_declaration(void **s)
{
	(void)s;
	const char *fiji = MAP(FEATURE("a", "[[179,-17],[-179,-17],[-179,-16],[179,-16],[179,-17]]"));
	struct fence_wish w = wish_of(fiji);

	wish_refused(&w, "feature 1: polygon 1: ring 1: vertex 1: the edge from longitude 179 to -179");
	assert_non_null(strstr(err.hint, "--seam spherical"));
	w.seam = SEAM_SPHERICAL;
	AUTO(fence_free) struct fence *small = fence_wished(&w);
	assert_place(place_at(small, -16.5, 179.5, 1000), PLACE_INSIDE);
	assert_place(place_at(small, -16.5, 180, 1000), PLACE_INSIDE);
	assert_place(place_at(small, -16.5, -179.5, 1000), PLACE_INSIDE);
	assert_place(place_at(small, -16.5, 0, 1000), PLACE_OUTSIDE);
	w.seam = SEAM_RFC7946;
	AUTO(fence_free) struct fence *large = fence_wished(&w);
	assert_place(place_at(large, -16.5, 0, 1000), PLACE_INSIDE);
	assert_place(place_at(large, -16.5, 179.5, 1000), PLACE_OUTSIDE);
}

static void a_ring_around_a_pole_is_closed_over_it(void **s)
{
	(void)s;
	struct fence_wish w = wish_of(MAP(FEATURE("a", "[[-120,-70],[0,-72],[120,-70],[-120,-70]]")));

	w.seam = SEAM_SPHERICAL;
	AUTO(fence_free) struct fence *f = fence_wished(&w);
	assert_place(place_at(f, -90, 0, 1000), PLACE_INSIDE);
	assert_place(place_at(f, -80, 180, 1000), PLACE_INSIDE);
	assert_place(place_at(f, -60, 0, 1000), PLACE_OUTSIDE);
	assert_place(place_at(f, 90, 0, 1000), PLACE_OUTSIDE);
}

static void the_legal_edge_along_antarctica_is_taken_as_drawn(void **s)
{
	(void)s;
	struct fence_wish w = wish_of(MAP(FEATURE("a", "[[180,-60],[-180,-60],[-180,-90],[180,-90],[180,-60]]")));

	w.seam = SEAM_RFC7946;
	AUTO(fence_free) struct fence *f = fence_wished(&w);
	assert_place(place_at(f, -80, 50, 1000), PLACE_INSIDE);
	assert_place(place_at(f, -90, 0, 1000), PLACE_INSIDE);
	assert_place(place_at(f, -50, 0, 1000), PLACE_OUTSIDE);
}

static void more_vertices_than_a_fence_has_are_refused(void **s)
{
	(void)s;
	size_t n = 3 * (size_t)FENCE_VERTICES_MAX, cap = 32 * n;
	AUTO(mem_free) char *map = malloc(cap);
	struct wr w = wr_to(map, cap - 1);

	wr_str(&w, "{\"type\":\"Polygon\",\"coordinates\":[[[0,0]");
	for (size_t i = 0; i < n; i++)
		wr_fmt(&w, ",[%.6f,%.6f]", 10 * cos(6.28 * (double)i / (double)n),
		        10 * sin(6.28 * (double)i / (double)n));
	wr_str(&w, ",[0,0]]]}");
	map[w.n] = 0;
	map_refused(map, "more than the 20000 and 200000 of a fence");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_ring_that_is_not_closed_is_refused_by_number),
	        cmocka_unit_test(swapped_coordinates_are_refused_with_the_way_out),
	        cmocka_unit_test(what_is_not_a_number_is_refused_by_vertex),
	        cmocka_unit_test(a_file_cut_in_half_is_refused_with_the_place),
	        cmocka_unit_test(a_ring_that_crosses_itself_is_refused_when_it_matters),
	        cmocka_unit_test(a_loop_smaller_than_the_accuracy_is_taken_off_and_told),
	        cmocka_unit_test(a_hole_outside_its_outline_is_refused),
	        cmocka_unit_test(a_collapsed_ring_is_dropped_and_told),
	        cmocka_unit_test(repeated_vertices_are_left_out_and_told),
	        cmocka_unit_test(an_edge_that_bends_needs_a_model),
	        cmocka_unit_test(a_jump_of_360_degrees_needs_a_declaration),
	        cmocka_unit_test(a_ring_around_a_pole_is_closed_over_it),
	        cmocka_unit_test(the_legal_edge_along_antarctica_is_taken_as_drawn),
	        cmocka_unit_test(more_vertices_than_a_fence_has_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
