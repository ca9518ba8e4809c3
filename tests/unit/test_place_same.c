/* Membership against integer arithmetic, and what must not change an answer. */
#include "tests/unit/fencemaker.h"

enum { GRID = 24, CORNERS = 12 };

struct corner {
	int64_t x, y;
};

struct ring_text {
	char s[2048];
};

/* Corners are integers; the k-th bit below a degree is exact in a double. */
static double degrees(int64_t v)
{
	return (double)v * 0x1p-4;
}

static struct ring_text ring_of(const struct corner *v, int n)
{
	struct ring_text r;
	int at = 0;

	for (int i = 0; i <= n; i++)
		at += snprintf(r.s + at, sizeof r.s - (size_t)at, "%s[%.17g,%.17g]", i ? "," : "[", degrees(v[i % n].x),
		        degrees(v[i % n].y));
	snprintf(r.s + at, sizeof r.s - (size_t)at, "]");
	return r;
}

static struct fence *fence_of_rings(const struct ring_text *a, const struct ring_text *b)
{
	static char text[2 * sizeof a->s + 16];

	snprintf(text, sizeof text, "[[%s%s%s]]", a->s, b ? "," : "", b ? b->s : "");
	return fence_of(text);
}

/* Even-odd with a ray to the east, in integers: 1 in, 0 out, -1 on the line. */
static int integer_place(const struct corner *v, int n, struct corner p)
{
	bool odd = false;

	for (int i = 0; i < n; i++) {
		struct corner a = v[i], b = v[(i + 1) % n];
		int64_t d = (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x);
		if (d == 0 && (p.x - a.x) * (p.x - b.x) <= 0 && (p.y - a.y) * (p.y - b.y) <= 0)
			return -1;
		if ((a.y > p.y) != (b.y > p.y))
			odd ^= (d > 0) == (b.y > a.y);
	}
	return odd;
}

static void random_corners(uint64_t *seed, struct corner *v, int n)
{
	for (int i = 0; i < n; i++)
		v[i] = (struct corner){(int64_t)(random_bits(seed) % GRID), (int64_t)(random_bits(seed) % GRID)};
}

/* Crossing, touching and folded rings on a small grid: every second point is in line with some edge. */
static void a_hundred_thousand_points_on_and_off_lines_agree_with_integers(void **s)
{
	(void)s;
	uint64_t seed = 17;
	int on = 0;

	for (int round = 0; round < 100; round++) {
		struct corner v[CORNERS];
		random_corners(&seed, v, CORNERS);
		struct ring_text r = ring_of(v, CORNERS);
		AUTO(fence_free) struct fence *f = fence_of_rings(&r, NULL);
		for (int i = 0; i < 1000; i++) {
			struct corner p;
			random_corners(&seed, &p, 1);
			int wanted = integer_place(v, CORNERS, p);
			enum place got = place_of(f, (struct lonlat){degrees(p.x), degrees(p.y)});
			assert_place(got, wanted < 0 ? PLACE_AMBIGUOUS : wanted ? PLACE_INSIDE : PLACE_OUTSIDE);
			on += wanted < 0;
		}
	}
	assert_true(on > 1000);
}

static void assert_same_places(const struct fence *f, const struct fence *g, uint64_t seed)
{
	for (int i = 0; i < 500; i++) {
		struct corner p;
		random_corners(&seed, &p, 1);
		struct place_result a = decide(f, degrees(p.y), degrees(p.x), 5000);
		struct place_result b = decide(g, degrees(p.y), degrees(p.x), 5000);
		assert_place(a.place, b.place);
		assert_true(fabs(a.distance_m - b.distance_m) <= 0.004 + 5e-5 * a.distance_m);
	}
}

static void winding_and_first_vertex_do_not_matter(void **s)
{
	(void)s;
	uint64_t seed = 19;

	for (int round = 0; round < 20; round++) {
		struct corner v[CORNERS], back[CORNERS], turned[CORNERS];
		random_corners(&seed, v, CORNERS);
		for (int i = 0; i < CORNERS; i++) {
			back[i] = v[CORNERS - 1 - i];
			turned[i] = v[(i + 5) % CORNERS];
		}
		struct ring_text a = ring_of(v, CORNERS), b = ring_of(back, CORNERS), c = ring_of(turned, CORNERS);
		AUTO(fence_free) struct fence *f = fence_of_rings(&a, NULL);
		AUTO(fence_free) struct fence *g = fence_of_rings(&b, NULL);
		AUTO(fence_free) struct fence *h = fence_of_rings(&c, NULL);
		assert_same_places(f, g, seed);
		assert_same_places(f, h, seed);
	}
}

static void vertices_in_the_middle_of_edges_do_not_matter(void **s)
{
	(void)s;
	uint64_t seed = 23;

	for (int round = 0; round < 20; round++) {
		struct corner v[CORNERS], more[2 * CORNERS];
		random_corners(&seed, v, CORNERS);
		for (int i = 0; i < CORNERS; i++)
			v[i] = (struct corner){v[i].x & ~1, v[i].y & ~1};
		for (int i = 0; i < CORNERS; i++) {
			struct corner next = v[(i + 1) % CORNERS];
			more[2 * i] = v[i];
			more[2 * i + 1] = (struct corner){(v[i].x + next.x) / 2, (v[i].y + next.y) / 2};
		}
		struct ring_text a = ring_of(v, CORNERS), b = ring_of(more, 2 * CORNERS);
		AUTO(fence_free) struct fence *f = fence_of_rings(&a, NULL);
		AUTO(fence_free) struct fence *g = fence_of_rings(&b, NULL);
		assert_same_places(f, g, seed);
	}
}

static void a_fence_and_its_complement_in_a_frame_disagree_everywhere(void **s)
{
	(void)s;
	uint64_t seed = 29;
	const struct corner frame[4] = {{-16, -16}, {GRID + 16, -16}, {GRID + 16, GRID + 16}, {-16, GRID + 16}};

	for (int round = 0; round < 20; round++) {
		struct corner v[CORNERS];
		random_corners(&seed, v, CORNERS);
		struct ring_text a = ring_of(v, CORNERS), b = ring_of(frame, 4);
		AUTO(fence_free) struct fence *f = fence_of_rings(&a, NULL);
		AUTO(fence_free) struct fence *g = fence_of_rings(&b, &a);
		for (int i = 0; i < 500; i++) {
			struct corner p;
			random_corners(&seed, &p, 1);
			enum place in = place_at(f, degrees(p.y), degrees(p.x), 5000);
			enum place out = place_at(g, degrees(p.y), degrees(p.x), 5000);
			assert_true(in == PLACE_AMBIGUOUS ? out == in : out != in && out != PLACE_AMBIGUOUS);
		}
	}
}

static void a_polygon_in_two_parts_never_turns_inside_out(void **s)
{
	(void)s;
	uint64_t seed = 31;
	AUTO(fence_free) struct fence *whole = fence_of("[[[[0,0],[4,0],[4,4],[0,4],[0,0]]]]");
	AUTO(fence_free)
	struct fence *parts = fence_of("[[[[0,0],[2,0],[2,4],[0,4],[0,0]]],[[[2,0],[4,0],[4,4],[2,4],[2,0]]]]");

	for (int i = 0; i < 5000; i++) {
		double lat = random_in(&seed, -1, 5), lon = random_in(&seed, -1, 5);
		enum place a = place_at(whole, lat, lon, 3000), b = place_at(parts, lat, lon, 3000);
		assert_true(a == b || b == PLACE_AMBIGUOUS);
	}
	assert_place(place_at(parts, 2, 1, 3000), PLACE_INSIDE);
	assert_place(place_at(parts, 2, 3, 3000), PLACE_INSIDE);
}

static void a_bigger_circle_is_never_surer(void **s)
{
	(void)s;
	uint64_t seed = 37;
	AUTO(fence_free) struct fence *f = fence_file("geoB");

	for (int i = 0; i < 2000; i++) {
		double lat = random_in(&seed, 40, 56), lon = random_in(&seed, -8, 17);
		enum place last = place_at(f, lat, lon, 0);
		for (double u = 100; u < 1e6; u *= 3) {
			enum place now = place_at(f, lat, lon, u);
			assert_true(now == last || now == PLACE_AMBIGUOUS);
			last = now;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_hundred_thousand_points_on_and_off_lines_agree_with_integers),
	        cmocka_unit_test(winding_and_first_vertex_do_not_matter),
	        cmocka_unit_test(vertices_in_the_middle_of_edges_do_not_matter),
	        cmocka_unit_test(a_fence_and_its_complement_in_a_frame_disagree_everywhere),
	        cmocka_unit_test(a_polygon_in_two_parts_never_turns_inside_out),
	        cmocka_unit_test(a_bigger_circle_is_never_surer),
	};
	return cmocka_run_group_tests_name("place, the same", tests, NULL, NULL);
}
