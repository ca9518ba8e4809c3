#include "geofence/geodesic.h"
#include "tests/unit/fencemaker.h"

enum { STEPS = 400 };

/* The distance to an edge by walking along it with the geodesic, twice: all of it, then around the best step. */
static double walked(struct lonlat a, struct lonlat b, struct lonlat p)
{
	double from = 0, to = 1, least = INFINITY;

	for (int round = 0; round < 4; round++) {
		double best = from, step = (to - from) / STEPS;
		for (int i = 0; i <= STEPS; i++) {
			double t = from + i * step;
			struct lonlat q = {a.lon + t * (b.lon - a.lon), a.lat + t * (b.lat - a.lat)};
			struct geodesic g = geodesic_between(p, q);
			double d = (g.lo_m + g.hi_m) / 2;
			if (d < least) {
				least = d;
				best = t;
			}
		}
		from = fmax(0, best - step);
		to = fmin(1, best + step);
	}
	return least;
}

static struct fence *triangle(const struct lonlat v[3])
{
	char text[512];

	snprintf(text, sizeof text, "[[[[%.17g,%.17g],[%.17g,%.17g],[%.17g,%.17g],[%.17g,%.17g]]]]", v[0].lon, v[0].lat,
	        v[1].lon, v[1].lat, v[2].lon, v[2].lat, v[0].lon, v[0].lat);
	return fence_of(text);
}

static void assert_near(const struct lonlat v[3], struct lonlat p)
{
	AUTO(fence_free) struct fence *f = triangle(v);
	double truth = fmin(fmin(walked(v[0], v[1], p), walked(v[1], v[2], p)), walked(v[2], v[0], p));
	double bound = near_border(f, earth_at(p));
	double allowed = truth < 100e3 ? 3e-5 : truth < 10e6 ? 0.005 : 0.06;

	if (bound > truth + 0.002 || bound < truth * (1 - allowed) - 0.002)
		fail_msg("(%.17g %.17g): %.6f m, walked %.6f m", p.lat, p.lon, bound, truth);
}

static struct lonlat around(uint64_t *seed, struct lonlat c, double reach)
{
	return (struct lonlat){fmin(180, fmax(-180, c.lon + random_in(seed, -reach, reach))),
	        fmin(90, fmax(-90, c.lat + random_in(seed, -reach, reach)))};
}

static void the_distance_is_never_too_long_and_hardly_too_short(void **s)
{
	(void)s;
	uint64_t seed = 11;

	for (int i = 0; i < 150; i++) {
		struct lonlat c = {random_in(&seed, -180, 180), random_in(&seed, -90, 90)}, v[3];
		double size = pow(10, random_in(&seed, -3, 1.8));
		for (int k = 0; k < 3; k++)
			v[k] = around(&seed, c, size);
		assert_near(v, around(&seed, c, size));
		assert_near(v, around(&seed, c, 2 * size));
	}
}

static void it_holds_next_to_a_pole_and_across_the_antimeridian(void **s)
{
	(void)s;
	const struct lonlat polar[3] = {{-90, 89.5}, {80, 89.9}, {20, 88}};
	const struct lonlat eastern[3] = {{178, -17}, {179.9, -16}, {179.5, -18}};

	assert_near(polar, (struct lonlat){180, 89.99});
	assert_near(polar, (struct lonlat){-10, 89.7});
	assert_near(polar, (struct lonlat){0, 90});
	assert_near(eastern, (struct lonlat){-179.9, -16.1});
	assert_near(eastern, (struct lonlat){-178, -20});
}

static void an_edge_bends_away_from_its_chord_by_less_than_its_sag(void **s)
{
	(void)s;
	uint64_t seed = 13;

	for (int i = 0; i < 2000; i++) {
		struct lonlat c = {random_in(&seed, -180, 180), random_in(&seed, -90, 90)};
		double size = pow(10, random_in(&seed, -3, 2));
		struct point a = {.at = around(&seed, c, size)}, b = {.at = around(&seed, c, size)};
		a.xyz = earth_at(a.at);
		b.xyz = earth_at(b.at);
		for (int k = 1; k < 16; k++) {
			double t = k / 16.0;
			struct lonlat q = {a.at.lon + t * (b.at.lon - a.at.lon), a.at.lat + t * (b.at.lat - a.at.lat)};
			assert_true(earth_to_segment(earth_at(q), a.xyz, b.xyz) <= near_sag(&a, &b) + 1e-7);
		}
	}
}

/* 1,000 edges of half the world each, all as far from the pole: the search gives up early and stays below the truth. */
static void a_fence_made_to_be_slow_gets_a_bound_and_not_a_wait(void **s)
{
	(void)s;
	static char text[1 << 16];
	int n = snprintf(text, sizeof text, "[[[[0,10]");

	for (int i = 0; i < 1000; i++)
		n += snprintf(text + n, sizeof text - (size_t)n, ",[%d,%.6f]", i % 2 ? 0 : 179, 60 + i * 1e-6);
	snprintf(text + n, sizeof text - (size_t)n, ",[170,10],[0,10]]]]");
	AUTO(fence_free) struct fence *f = fence_of(text);
	double d = decide(f, 90, 0, 0).distance_m;
	assert_true(d >= 0 && d < 3350e3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_distance_is_never_too_long_and_hardly_too_short),
	        cmocka_unit_test(it_holds_next_to_a_pole_and_across_the_antimeridian),
	        cmocka_unit_test(an_edge_bends_away_from_its_chord_by_less_than_its_sag),
	        cmocka_unit_test(a_fence_made_to_be_slow_gets_a_bound_and_not_a_wait),
	};
	return cmocka_run_group_tests_name("near", tests, NULL, NULL);
}
