#include "base/sha.h"
#include "tests/unit/fencemaker.h"

#define EAST "[[170,-10],[180,-10],[180,10],[170,10],[170,-10]]"
#define HOLE "[[172,-2],[174,-2],[174,2],[172,2],[172,-2]]"
#define WEST "[[-180,-10],[-170,-10],[-170,10],[-180,10],[-180,-10]]"
#define CAP  "[[-180,80],[0,80],[180,80],[180,90],[-180,90],[-180,80]]"

struct bytes {
	uint8_t *p;
	size_t n;
};

static void bytes_free(struct bytes b)
{
	free(b.p);
}
AUTO_DEFINE(struct bytes, bytes_free)

static struct bytes compiled(const struct fence *f)
{
	struct bytes b;

	if (fence_compile(f, &b.p, &b.n, &err) != 0)
		fail_msg("%s", err.text);
	return b;
}

static void assert_same_answers(const struct fence *f, const struct fence *g, double reach)
{
	uint64_t seed = 41;

	assert_memory_equal(fence_digest(f), fence_digest(g), FENCE_DIGEST_LEN);
	for (int i = 0; i < 2000; i++) {
		struct fix x = {
		        random_in(&seed, -90, 90) * reach, random_in(&seed, -180, 180), random_in(&seed, 0, 1e5)};
		struct place_result a, b;
		enum place p, q;
		assert_int_equal(fence_decide(f, &x, &a, &err), 0);
		assert_int_equal(fence_decide(g, &x, &b, &err), 0);
		assert_memory_equal(&a, &b, sizeof a);
		assert_int_equal(fence_place(f, &x, &p, &err), 0);
		assert_int_equal(fence_place(g, &x, &q, &err), 0);
		assert_place(p, q);
	}
}

static void assert_comes_back(struct fence *f, double reach)
{
	AUTO(bytes_free) struct bytes b = compiled(f);
	AUTO(fence_free) struct fence *g = fence_open(VIEW(b.p, b.n), &err);

	if (g == NULL)
		fail_msg("%s", err.text);
	assert_int_equal(fence_vertices(f), fence_vertices(g));
	assert_same_answers(f, g, reach);
	AUTO(bytes_free) struct bytes again = compiled(g);
	assert_int_equal(again.n, b.n);
	assert_memory_equal(again.p, b.p, b.n);
}

static void a_compiled_fence_gives_the_same_answers(void **s)
{
	(void)s;
	AUTO(fence_free) struct fence *f = fence_of("[[" EAST "," HOLE "],[" WEST "],[" CAP "]]");
	AUTO(fence_free) struct fence *g = fence_file("geoB");
	AUTO(fence_free) struct fence *h = fence_file("geoC");

	assert_comes_back(f, 1);
	assert_comes_back(g, 0.7);
	assert_comes_back(h, 0.7);
}

/* With the hash that belongs to the changed bytes. */
static struct fence *open_rehashed(struct bytes b)
{
	sha256(b.p + 24, VIEW(b.p + 56, b.n - 56));
	return fence_open(VIEW(b.p, b.n), &err);
}

static void every_bit_flip_is_refused(void **s)
{
	(void)s;
	AUTO(fence_free) struct fence *f = fence_of("[[[[0,0],[4,0],[4,4],[0,4],[0,0]]]]");
	AUTO(bytes_free) struct bytes b = compiled(f);

	for (size_t bit = 0; bit < 8 * b.n; bit++) {
		b.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
		err = (struct err){0};
		assert_null(fence_open(VIEW(b.p, b.n), &err));
		assert_int_equal(err.why, WHY_MALFORMED);
		b.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
}

static void every_truncation_is_refused(void **s)
{
	(void)s;
	AUTO(fence_free) struct fence *f = fence_of("[[[[0,0],[4,0],[4,4],[0,4],[0,0]]]]");
	AUTO(bytes_free) struct bytes b = compiled(f);

	for (size_t n = 0; n < b.n; n++) {
		AUTO(bytes_free) struct bytes part = {malloc(n + 1), n};
		memcpy(part.p, b.p, n);
		assert_null(fence_open(VIEW(part.p, n), &err));
		if (n >= 64) {
			memcpy(part.p + 16, &n, sizeof n);
			assert_null(open_rehashed(part));
		}
	}
}

static void a_flipped_bit_under_a_new_hash_is_refused_or_decides(void **s)
{
	(void)s;
	AUTO(fence_free) struct fence *f = fence_of("[[[[0,0],[4,0],[4,4],[0,4],[0,0]]]]");
	AUTO(bytes_free) struct bytes b = compiled(f);
	int opened = 0;

	for (size_t bit = 8 * 56; bit < 8 * b.n; bit += 7) {
		b.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
		AUTO(fence_free) struct fence *g = open_rehashed(b);
		if (g != NULL)
			for (double at = -1; at < 5; at += 0.51)
				(void)place_at(g, at, at / 2, 2e4);
		opened += g != NULL;
		b.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	assert_true(opened > 0);
}

static void the_digest_is_of_what_the_fence_says(void **s)
{
	(void)s;
	AUTO(fence_free) struct fence *f = fence_of("[[[[0,0],[4,0],[4,4],[0,4],[0,0]]]]");
	AUTO(fence_free) struct fence *same = fence_of("[[[[-0.0,0.00],[4.0,0],[4,4e0],[0,4],[0,-0.0]]]]");
	AUTO(fence_free) struct fence *moved = fence_of("[[[[0,0],[4,0],[4,4.000000000000001],[0,4],[0,0]]]]");
	AUTO(fence_free)
	struct fence *coarse = fence_from(
	        "{\"geometry\":{\"type\":\"MultiPolygon\",\"coordinates\":[[[[0,0],[4,0],[4,4],"
	        "[0,4],[0,0]]]]},\"map_accuracy_m\":1,\"edges\":\"rfc7946\"}");

	assert_memory_equal(fence_digest(f), fence_digest(same), FENCE_DIGEST_LEN);
	assert_memory_not_equal(fence_digest(f), fence_digest(moved), FENCE_DIGEST_LEN);
	assert_memory_not_equal(fence_digest(f), fence_digest(coarse), FENCE_DIGEST_LEN);
}

static void a_cell_that_points_nowhere_or_twice_to_one_place_is_refused(void **s)
{
	(void)s;
	AUTO(fence_free) struct fence *f = fence_file("geoB");
	const uint32_t bad[] = {(uint32_t)CELL_LEAF << CELL_SHIFT | 1, (uint32_t)CELL_LEAF << CELL_SHIFT | CELL_VALUE,
	        (uint32_t)CELL_LEAF << CELL_SHIFT, (uint32_t)CELL_BLOCK << CELL_SHIFT,
	        (uint32_t)CELL_IN << CELL_SHIFT | 77777, 5};
	uint32_t *first = f->grid.cells, was = *first;

	for (size_t i = 0; i < COUNT(bad); i++) {
		*first = bad[i];
		AUTO(bytes_free) struct bytes b = compiled(f);
		assert_null(fence_open(VIEW(b.p, b.n), &err));
		assert_non_null(strstr(err.text, "where nothing is"));
	}
	*first = was;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_compiled_fence_gives_the_same_answers),
	        cmocka_unit_test(every_bit_flip_is_refused),
	        cmocka_unit_test(every_truncation_is_refused),
	        cmocka_unit_test(a_flipped_bit_under_a_new_hash_is_refused_or_decides),
	        cmocka_unit_test(the_digest_is_of_what_the_fence_says),
	        cmocka_unit_test(a_cell_that_points_nowhere_or_twice_to_one_place_is_refused),
	};
	return cmocka_run_group_tests_name("flat", tests, NULL, NULL);
}
