#include "tests/unit/fencemaker.h"

#define BODY(geometry) "{\"geometry\":" geometry ",\"map_accuracy_m\":10,\"edges\":\"rfc7946\"}"
#define POLY(rings)    BODY("{\"type\":\"Polygon\",\"coordinates\":" rings "}")
#define CIRC(rest)     "{\"geometry\":{\"type\":\"Circle\"" rest "},\"map_accuracy_m\":10}"
#define RING           "[[8,50],[9,50],[9,51],[8,51],[8,50]]"

static void a_polygon_a_multipolygon_and_a_circle_are_fences(void **s)
{
	(void)s;
	AUTO(fence_free) struct fence *a = fence_from(POLY("[" RING "]"));
	AUTO(fence_free)
	struct fence *b = fence_from(BODY("{\"type\":\"MultiPolygon\",\"coordinates\":[[" RING "],[" RING "]]}"));
	AUTO(fence_free) struct fence *c = fence_from(CIRC(",\"center\":[8,50],\"radius_m\":1000"));

	assert_int_equal(fence_vertices(a), 5);
	assert_int_equal(fence_vertices(b), 10);
	assert_int_equal(fence_vertices(c), 0);
	assert_place(place_at(a, 50.5, 8.5, 100), PLACE_INSIDE);
	assert_place(place_at(b, 50.5, 8.5, 100), PLACE_INSIDE);
	assert_place(place_at(c, 50.001, 8, 100), PLACE_INSIDE);
}

static void a_body_without_accuracy_or_edge_model_is_refused(void **s)
{
	(void)s;
	refused("{\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[" RING "]},\"edges\":\"rfc7946\"}",
	        "map_accuracy_m");
	refused("{\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[" RING "]},\"map_accuracy_m\":1}", "edges");
	refused("{\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[" RING
	        "]},\"map_accuracy_m\":1,\"edges\":\"spherical\"}",
	        "edges");
	refused("{\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[" RING
	        "]},\"map_accuracy_m\":-1,\"edges\":\"rfc7946\"}",
	        "map_accuracy_m");
	refused("{\"map_accuracy_m\":1,\"edges\":\"rfc7946\"}", "geometry");
	refused("[]", "");
}

static void a_member_nobody_reads_is_refused(void **s)
{
	(void)s;
	refused("{\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[" RING
	        "]},\"map_accuracy_m\":1,\"edges\":\"rfc7946\","
	        "\"exceptions\":[]}",
	        "exceptions");
	refused(BODY("{\"type\":\"Polygon\",\"coordinates\":[" RING "],\"crs\":\"EPSG:3857\"}"), "crs");
	refused(CIRC(",\"center\":[8,50],\"radius_m\":1000,\"hole_m\":1"), "hole_m");
	refused("{\"geometry\":{\"type\":\"Circle\",\"center\":[8,50],\"radius_m\":1},\"map_accuracy_m\":1,\"edges\":"
	        "\"rfc7946\"}",
	        "a circle has none");
}

static void another_geometry_is_refused(void **s)
{
	(void)s;
	refused(BODY("{\"type\":\"LineString\",\"coordinates\":[[1,2],[3,4]]}"), "expected Polygon");
	refused(BODY("{\"type\":1,\"coordinates\":[]}"), "type");
	refused(BODY("[]"), "geometry: expected an object");
}

static void a_ring_that_is_not_one_is_refused_by_number(void **s)
{
	(void)s;
	refused(POLY("[]"), "polygon 1: expected an array of rings");
	refused(POLY("{}"), "polygon 1: expected an array of rings");
	refused(POLY("[" RING ",[[8,50],[9,50],[8,50]]]"), "polygon 1: ring 2: expected an array of at least 4");
	refused(POLY("[[[8,50],[9,50],[9,51],[8,51]]]"), "polygon 1: ring 1: the ring is not closed");
	refused(BODY("{\"type\":\"MultiPolygon\",\"coordinates\":[]}"), "expected an array of polygons");
	refused(BODY("{\"type\":\"MultiPolygon\",\"coordinates\":[[" RING "],[[[1,1],[2,2],[3,1]]]]}"),
	        "polygon 2: ring 1");
	refused(BODY("{\"type\":\"MultiPolygon\"}"), "expected an array of polygons");
}

static void a_coordinate_out_of_range_is_refused_by_number(void **s)
{
	(void)s;
	refused(POLY("[[[8,50],[9,50],[9,91],[8,51],[8,50]]]"),
	        "polygon 1: ring 1: vertex 3: latitude 91 is beyond 90");
	assert_non_null(strstr(err.hint, "[longitude, latitude]"));
	refused(POLY("[[[181,50],[9,50],[9,51],[8,51],[8,50]]]"), "vertex 1: longitude 181 is beyond 180");
	refused(POLY("[[[8,50],[9,\"50\"],[9,51],[8,51],[8,50]]]"), "vertex 2: latitude is not a number");
	refused(POLY("[[[8,50],[9,50,120],[9,51],[8,51],[8,50]]]"), "vertex 2: expected [longitude, latitude]");
	assert_non_null(strstr(err.hint, "altitude"));
	refused(POLY("[[[8,50],9,[9,51],[8,51],[8,50]]]"), "vertex 2: expected [longitude, latitude]");
}

static void a_ring_without_area_is_refused(void **s)
{
	(void)s;
	refused(POLY("[[[8,50],[8,50],[8,50],[8,50]]]"), "no area");
	refused(POLY("[[[8,50],[9,51],[10,52],[8,50]]]"), "no area");
	refused(POLY("[[[8.1,50.3],[9.7,51.9],[9.7,51.9],[8.1,50.3]]]"), "no area");
	refused(POLY("[[[8,50],[9,50],[9,51],[9,50],[8,50]]]"), "no area");
	AUTO(fence_free) struct fence *thin = fence_from(POLY("[[[8,50],[9,50],[9,50.0000001],[8,50]]]"));
	assert_non_null(thin);
}

static void an_edge_around_half_the_world_is_refused_with_the_way_out(void **s)
{
	(void)s;
	refused(POLY("[[[170,0],[-170,0],[-170,10],[170,10],[170,0]]]"),
	        "vertex 1: the edge from longitude 170 to -170");
	assert_non_null(strstr(err.hint, "cut the polygon in two"));
	refused(POLY("[[[-180,80],[180,80],[180,90],[-180,90],[-180,80]]]"), "spans more than 180");
}

static void the_whole_earth_is_not_a_fence(void **s)
{
	(void)s;
	refused(POLY("[[[-180,-90],[0,-90],[180,-90],[180,90],[-180,90],[-180,-90]]]"), "holds the whole earth");
	refused(CIRC(",\"center\":[8,50],\"radius_m\":20000001"), "radius_m");
}

static void a_circle_without_size_or_centre_is_refused(void **s)
{
	(void)s;
	refused(CIRC(",\"center\":[8,50],\"radius_m\":0"), "radius_m");
	refused(CIRC(",\"center\":[8,50]"), "radius_m");
	refused(CIRC(",\"radius_m\":1"), "center");
	refused(CIRC(",\"center\":[8,91],\"radius_m\":1"), "center");
	refused(CIRC(",\"center\":[8,50,0],\"radius_m\":1"), "center");
	refused(CIRC(",\"center\":[\"8\",50],\"radius_m\":1"), "center");
}

static void more_vertices_than_the_limit_are_refused(void **s)
{
	(void)s;
	AUTO(json_free) json_t *body = json_loads(POLY("[[]]"), 0, NULL);
	json_t *ring = json_array_get(json_object_get(json_object_get(body, "geometry"), "coordinates"), 0);

	for (int i = 0; i <= FENCE_VERTICES_MAX; i++)
		json_array_append_new(ring, json_pack("[i,i]", i % 100, i % 7));
	AUTO(fence_free) struct fence *f = fence_import(body, &err);
	assert_null(f);
	assert_non_null(strstr(err.text, "more than 200000 vertices"));
}

/* JSON carries no checksum, so a changed digit may be another fence; but none may be half read. */
static void every_truncation_is_refused_and_every_bit_flip_is_refused_or_decides(void **s)
{
	(void)s;
	const char *good = POLY("[" RING ",[[8.2,50.2],[8.8,50.2],[8.8,50.8],[8.2,50.2]]]");
	size_t n = strlen(good);
	char text[256];

	assert_true(n < sizeof text);
	for (size_t i = 0; i < n; i++)
		assert_null(json_read(VIEW(good, i), sizeof text, &err));
	for (size_t bit = 0; bit < 8 * n; bit++) {
		memcpy(text, good, n);
		text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
		AUTO(json_free) json_t *body = json_read(VIEW(text, n), sizeof text, &err);
		AUTO(fence_free) struct fence *f = body != NULL ? fence_import(body, &err) : NULL;
		if (f != NULL)
			assert_true(decide(f, 50.5, 8.5, 10).distance_m >= 0);
		else
			assert_int_equal(err.why, WHY_MALFORMED);
	}
}

static json_t *geometry(const char *geojson)
{
	AUTO(json_free) json_t *j = json_loads(geojson, 0, NULL);

	assert_non_null(j);
	return fence_geometry_of(j, &err);
}

static void assert_json(json_t *got, const char *wanted)
{
	AUTO(json_free) json_t *g = got, *w = json_loads(wanted, 0, NULL);

	assert_true(json_equal(g, w));
}

static void a_feature_gives_its_geometry_and_nothing_else(void **s)
{
	(void)s;
	const char *bare = "{\"type\":\"Polygon\",\"coordinates\":[" RING "]}";

	assert_json(geometry(bare), bare);
	assert_json(geometry("{\"type\":\"Feature\",\"properties\":{\"name\":\"x\"},\"geometry\":{\"type\":\"Polygon\","
	                     "\"bbox\":[8,50,9,51],\"coordinates\":[" RING "]}}"),
	        bare);
	assert_json(geometry("{\"type\":\"FeatureCollection\",\"features\":[{\"type\":\"Feature\",\"geometry\":"
	                     "{\"type\":\"Circle\",\"center\":[8,50],\"radius_m\":5}}]}"),
	        "{\"type\":\"Circle\",\"center\":[8,50],\"radius_m\":5}");
}

static void a_collection_of_polygons_becomes_one_multipolygon(void **s)
{
	(void)s;
	assert_json(
	        geometry("{\"type\":\"FeatureCollection\",\"features\":[{\"geometry\":{\"type\":\"Polygon\","
	                 "\"coordinates\":[" RING "]}},{\"geometry\":{\"type\":\"MultiPolygon\",\"coordinates\":[[" RING
	                 "],[" RING "]]}}]}"),
	        "{\"type\":\"MultiPolygon\",\"coordinates\":[[" RING "],[" RING "],[" RING "]]}");
}

static void a_collection_with_something_else_is_refused_by_number(void **s)
{
	(void)s;
	assert_null(
	        geometry("{\"type\":\"FeatureCollection\",\"features\":[{\"geometry\":{\"type\":\"Polygon\","
	                 "\"coordinates\":[" RING "]}},{\"geometry\":{\"type\":\"Point\",\"coordinates\":[1,2]}}]}"));
	assert_non_null(strstr(err.text, "feature 2"));
	assert_null(geometry("{\"type\":\"FeatureCollection\",\"features\":[]}"));
	assert_null(geometry("{\"type\":\"Feature\",\"geometry\":null}"));
	assert_null(geometry("[]"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_polygon_a_multipolygon_and_a_circle_are_fences),
	        cmocka_unit_test(a_body_without_accuracy_or_edge_model_is_refused),
	        cmocka_unit_test(a_member_nobody_reads_is_refused),
	        cmocka_unit_test(another_geometry_is_refused),
	        cmocka_unit_test(a_ring_that_is_not_one_is_refused_by_number),
	        cmocka_unit_test(a_coordinate_out_of_range_is_refused_by_number),
	        cmocka_unit_test(a_ring_without_area_is_refused),
	        cmocka_unit_test(an_edge_around_half_the_world_is_refused_with_the_way_out),
	        cmocka_unit_test(the_whole_earth_is_not_a_fence),
	        cmocka_unit_test(a_circle_without_size_or_centre_is_refused),
	        cmocka_unit_test(more_vertices_than_the_limit_are_refused),
	        cmocka_unit_test(every_truncation_is_refused_and_every_bit_flip_is_refused_or_decides),
	        cmocka_unit_test(a_feature_gives_its_geometry_and_nothing_else),
	        cmocka_unit_test(a_collection_of_polygons_becomes_one_multipolygon),
	        cmocka_unit_test(a_collection_with_something_else_is_refused_by_number),
	};
	return cmocka_run_group_tests_name("fence", tests, NULL, NULL);
}
