/* The grid against integers: coordinates are whole numbers of 2^-45 degrees, so doubles hold them and __int128 decides. */
#include "tests/unit/fencemaker.h"

#define UNIT 0x1p-45

enum { CORNERS_MAX = 400, RINGS_MAX = 4, EXTENT_BITS = 12 };

struct spot {
	int64_t x, y;
};

struct ring {
	struct spot v[CORNERS_MAX];
	int n;
};

struct shape { /* each ring a polygon, or all of them one */
	struct ring ring[RINGS_MAX];
	int n;
	bool one_polygon;
};

static int64_t below(uint64_t *seed, int64_t n)
{
	return (int64_t)(random_bits(seed) % (uint64_t)n);
}

static struct lonlat degrees(struct spot p)
{
	return (struct lonlat){(double)p.x * UNIT, (double)p.y * UNIT};
}

static int sign_of_side(struct spot a, struct spot b, struct spot p)
{
	__extension__ typedef __int128 wide;
	wide d = (wide)(a.x - p.x) * (b.y - p.y) - (wide)(a.y - p.y) * (b.x - p.x);

	return (d > 0) - (d < 0);
}

static bool between(int64_t a, int64_t b, int64_t x)
{
	return (a <= x && x <= b) || (b <= x && x <= a);
}

/* 1 in, 0 out, -1 on a line */
static int in_ring(const struct ring *r, struct spot p)
{
	bool odd = false;

	for (int i = 0; i < r->n; i++) {
		struct spot a = r->v[i], b = r->v[(i + 1) % r->n];
		int side = sign_of_side(a, b, p);
		if (side == 0 && between(a.x, b.x, p.x) && between(a.y, b.y, p.y))
			return -1;
		if ((a.y > p.y) != (b.y > p.y))
			odd ^= (side > 0) == (b.y > a.y);
	}
	return odd;
}

static enum place truth(const struct shape *s, struct spot p)
{
	int sum = 0;

	for (int i = 0; i < s->n; i++) {
		int in = in_ring(&s->ring[i], p);
		if (in < 0)
			return PLACE_AMBIGUOUS;
		sum = s->one_polygon ? sum ^ in : sum | in;
	}
	return sum ? PLACE_INSIDE : PLACE_OUTSIDE;
}

/* Steps of a walk, far apart or near, which crosses itself as it likes. Multiples of 64 units, so that edges have points
 * between their ends that are exact too. */
static void random_ring(uint64_t *seed, struct ring *r)
{
	int64_t size = (int64_t)64 << below(seed, 42);
	struct spot p = {below(seed, 170) << 45, below(seed, 80) << 45};
	int style = (int)below(seed, 3);

	r->n = 3 + (int)below(seed, style == 0 ? 6 : CORNERS_MAX - 3);
	for (int i = 0; i < r->n; i++) {
		int64_t dx = (below(seed, 2 * size) - size) / 64 * 64, dy = (below(seed, 2 * size) - size) / 64 * 64;
		struct spot from = style == 1 && i > 0 ? r->v[i - 1] : p;
		int64_t part = style == 1 ? 16 : 1;
		r->v[i] = (struct spot){from.x + dx / part / 64 * 64, from.y + dy / part / 64 * 64};
		if (below(seed, 8) == 0 && i > 0)
			r->v[i].y = r->v[i - 1].y; /* level */
		if (below(seed, 8) == 0 && i > 0)
			r->v[i].x = r->v[i - 1].x; /* upright */
		if (llabs(r->v[i].x) >= (int64_t)179 << 45 || llabs(r->v[i].y) >= (int64_t)89 << 45)
			r->v[i] = p;
	}
}

static void put_ring(char *text, size_t cap, size_t *at, const struct ring *r)
{
	for (int i = 0; i <= r->n; i++) {
		struct lonlat p = degrees(r->v[i % r->n]);
		*at += (size_t)snprintf(text + *at, cap - *at, "%s[%.17g,%.17g]", i ? "," : "[", p.lon, p.lat);
	}
	*at += (size_t)snprintf(text + *at, cap - *at, "]");
}

/* NULL when a ring has no area. */
static struct fence *fence_of_shape(const struct shape *s)
{
	static char text[RINGS_MAX * CORNERS_MAX * 60 + 256];
	size_t at = (size_t)snprintf(text, sizeof text, "{\"geometry\":{\"type\":\"MultiPolygon\",\"coordinates\":[[");

	for (int i = 0; i < s->n; i++) {
		at += (size_t)snprintf(text + at, sizeof text - at, "%s", i == 0 ? "" : s->one_polygon ? "," : "],[");
		put_ring(text, sizeof text, &at, &s->ring[i]);
	}
	snprintf(text + at, sizeof text - at, "]]},\"map_accuracy_m\":0,\"edges\":\"rfc7946\"}");
	return fence_from(text);
}

/* On an edge, at a vertex, or a unit beside; level with a vertex; or anywhere near. */
static struct spot adversarial(uint64_t *seed, const struct shape *s)
{
	const struct ring *r = &s->ring[below(seed, s->n)];
	int i = (int)below(seed, r->n);
	struct spot a = r->v[i], b = r->v[(i + 1) % r->n], other = r->v[below(seed, r->n)];
	int64_t t = below(seed, 4) == 0 ? 0 : below(seed, 64);
	struct spot p = {a.x + (b.x - a.x) / 64 * t, a.y + (b.y - a.y) / 64 * t};

	switch (below(seed, 4)) {
	case 0:
		p.x += below(seed, 3) - 1;
		p.y += below(seed, 3) - 1;
		break;
	case 1:
		p.x = other.x;
		break;
	case 2:
		p.y = other.y;
		break;
	default:
		break;
	}
	return p;
}

static void assert_truth(const struct fence *f, const struct shape *s, struct spot p)
{
	uint32_t polygon = 0, ignored = 0;
	struct lonlat at = degrees(p);
	enum place wanted = truth(s, p), got = locate(f, at, &polygon);

	if (got != wanted || ringwalk(f, at, &ignored) != wanted)
		fail_msg("(%.17g %.17g): %s, should be %s", at.lat, at.lon, place_name(got), place_name(wanted));
	if (got == PLACE_INSIDE && !s->one_polygon)
		assert_int_equal(in_ring(&s->ring[polygon], p), 1);
}

static void every_adversarial_point_agrees_with_integers(void **state)
{
	(void)state;
	static struct shape s;
	long questions = getenv("MERESTONE_LONG") != NULL ? 10000000 : 100000, on = 0, done = 0;
	uint64_t seed = 43;

	while (done < questions) {
		s.n = 1 + (int)below(&seed, RINGS_MAX);
		s.one_polygon = below(&seed, 2) == 0;
		for (int i = 0; i < s.n; i++)
			random_ring(&seed, &s.ring[i]);
		AUTO(fence_free) struct fence *f = fence_of_shape(&s);
		if (f == NULL)
			continue;
		assert_true(f->grid.cols > 0);
		for (int i = 0; i < 1000; i++, done++) {
			struct spot p = adversarial(&seed, &s);
			assert_truth(f, &s, p);
			on += truth(&s, p) == PLACE_AMBIGUOUS;
		}
	}
	assert_true(on > questions / 10 && on < questions);
}

/* Ten thousand edges from one point: no cell can part them. */
static void a_star_of_edges_is_located(void **state)
{
	(void)state;
	enum { RAYS = 4000 };
	static char text[RAYS * 80];
	size_t at = (size_t)snprintf(text, sizeof text, "[[[[0,0]");
	uint64_t seed = 47;

	for (int i = 0; i < RAYS; i++) {
		double turn = i * 6.28 / RAYS;
		at += (size_t)snprintf(text + at, sizeof text - at, ",[%.9f,%.9f],[%.9f,%.9f],[0,0]", 50 * cos(turn),
		        50 * sin(turn), 50 * cos(turn + 0.0006), 50 * sin(turn + 0.0006));
	}
	snprintf(text + at, sizeof text - at, "]]]");
	static char body[RAYS * 80 + 128];
	snprintf(body, sizeof body,
	        "{\"geometry\":{\"type\":\"MultiPolygon\",\"coordinates\":%s},\"map_accuracy_m\":0,\"edges\":"
	        "\"rfc7946\"}",
	        text);
	AUTO(fence_free) struct fence *f = fence_from(body);
	if (f == NULL)
		fail_msg("%s", err.text);
	assert_true(f->grid.n_leaves < 40 * f->n_points && f->grid.n_cells < 40 * f->n_points + 70000);
	for (int i = 0; i < 2000; i++) {
		struct lonlat p = {random_in(&seed, -51, 51), random_in(&seed, -51, 51)};
		uint32_t polygon, other;
		assert_place(locate(f, p, &polygon), ringwalk(f, p, &other));
	}
	assert_place(place_of(f, (struct lonlat){0, 0}), PLACE_AMBIGUOUS);
}

static void a_polygon_in_many_others_is_inside(void **state)
{
	(void)state;
	static char text[1 << 16];
	size_t at = (size_t)snprintf(text, sizeof text, "[");

	for (int i = 0; i < 100; i++) {
		double r = 1 + i * 0.1;
		at += (size_t)snprintf(text + at, sizeof text - at, "%s[[[%g,%g],[%g,%g],[%g,%g],[%g,%g],[%g,%g]]]",
		        i ? "," : "", -r, -r, r, -r, r, r, -r, r, -r, -r);
	}
	snprintf(text + at, sizeof text - at, "]");
	AUTO(fence_free) struct fence *f = fence_of(text);
	for (double x = -10.85; x < 10.9; x += 0.1)
		for (double y = -10.85; y < 10.9; y += 0.7)
			assert_place(place_of(f, (struct lonlat){x, y}), PLACE_INSIDE);
	assert_place(place_of(f, (struct lonlat){10.95, 0}), PLACE_OUTSIDE);
}

static void what_is_not_a_place_is_in_no_fence(void **state)
{
	(void)state;
	AUTO(fence_free) struct fence *f = fence_of("[[[[0,0],[4,0],[4,4],[0,4],[0,0]]]]");

	assert_place(fence_covers(f, NAN, 2), PLACE_AMBIGUOUS);
	assert_place(fence_covers(f, 2, INFINITY), PLACE_AMBIGUOUS);
	assert_place(fence_covers(f, 91, 2), PLACE_AMBIGUOUS);
	assert_place(fence_covers(f, 2, 2), PLACE_INSIDE);
	assert_place(fence_covers(f, -0.0, 2), PLACE_AMBIGUOUS);
	assert_place(fence_covers(f, 1e-300, 2), PLACE_AMBIGUOUS);
	assert_int_equal(fence_polygon(f, NAN, 2), -1);
	assert_int_equal(fence_polygon(f, 2, 2), 0);
	assert_int_equal(fence_polygon(f, 5, 2), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_adversarial_point_agrees_with_integers),
	        cmocka_unit_test(a_star_of_edges_is_located),
	        cmocka_unit_test(a_polygon_in_many_others_is_inside),
	        cmocka_unit_test(what_is_not_a_place_is_in_no_fence),
	};
	return cmocka_run_group_tests_name("locate", tests, NULL, NULL);
}
