/* The three fences of the demo, and the verified points of the fixtures against them. */
#include "tests/unit/fencemaker.h"

#define IN  PLACE_INSIDE
#define OUT PLACE_OUTSIDE

static void the_four_sites_stand_where_the_demo_says(void **s)
{
	(void)s;
	static const struct {
		const char *name;
		double lat, lon;
		enum place in[3]; /* geoA, geoB, geoC */
	} site[] = {
	        {"Frankfurt", 50.1109, 8.6821, {IN, IN, IN}},
	        {"Berlin", 52.52, 13.405, {IN, IN, OUT}},
	        {"Paris", 48.8566, 2.3522, {OUT, IN, IN}},
	        {"London", 51.5074, -0.1278, {OUT, OUT, IN}},
	};
	static const char *const fence[] = {"geoA", "geoB", "geoC"};

	for (size_t k = 0; k < COUNT(fence); k++) {
		AUTO(fence_free) struct fence *f = fence_file(fence[k]);
		assert_non_null(f);
		for (size_t i = 0; i < COUNT(site); i++)
			assert_place(place_at(f, site[i].lat, site[i].lon, 1000), site[i].in[k]);
	}
}

static void a_border_between_two_countries_of_one_fence_is_not_an_edge(void **s)
{
	(void)s;
	AUTO(fence_free) struct fence *a = fence_file("geoA"), *b = fence_file("geoB");

	/* Schengen, where Germany, France and Luxembourg meet */
	assert_place(place_at(a, 49.4697, 6.3622, 1000), PLACE_AMBIGUOUS);
	assert_place(place_at(b, 49.4697, 6.3622, 1000), IN);
}

struct row {
	char name[80], country[3];
	double lat, lon;
};

/* name,lat,lon,country,note: no comma is in the first four. */
static bool read_row(FILE *in, struct row *r)
{
	char line[512];

	while (fgets(line, sizeof line, in) != NULL) {
		r->country[0] = '\0';
		if (sscanf(line, "%79[^,],%lf,%lf,%2[A-Z]", r->name, &r->lat, &r->lon, r->country) >= 3)
			return true;
	}
	return false;
}

static void close_auto(FILE **f)
{
	if (*f != NULL)
		fclose(*f);
}

static void no_point_of_another_country_is_inside(void **s)
{
	(void)s;
	__attribute__((cleanup(close_auto))) FILE *in = fopen("../shared/fixtures/geo/points.csv", "r");
	struct row r;
	int rows = 0;

	if (in == NULL) {
		print_message("points.csv is not here: skipped\n");
		skip(); /* does not return, and frees nothing */
	}
	AUTO(fence_free) struct fence *a = fence_file("geoA"), *b = fence_file("geoB");
	for (; read_row(in, &r); rows++) {
		bool de = strcmp(r.country, "DE") == 0;
		bool five = de || (strlen(r.country) == 2 && strstr("FR BE NL LU", r.country) != NULL && r.lat > 40);
		enum place pa = place_at(a, r.lat, r.lon, 100), pb = place_at(b, r.lat, r.lon, 100);
		if (pa == (de ? OUT : IN) || pb == (five ? OUT : IN))
			print_message("%s (%s): geoA %s, geoB %s\n", r.name, r.country, place_name(pa), place_name(pb));
		assert_true(pa != IN || de);
		assert_true(pb != IN || five);
	}
	assert_true(rows > 80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_four_sites_stand_where_the_demo_says),
	        cmocka_unit_test(a_border_between_two_countries_of_one_fence_is_not_an_edge),
	        cmocka_unit_test(no_point_of_another_country_is_inside),
	};
	return cmocka_run_group_tests_name("demo fences", tests, NULL, NULL);
}
