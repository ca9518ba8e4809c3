/* The border as runs of edges, and balls around them, sixteen to one, until one ball holds all. */
#include <math.h>
#include <stdlib.h>

#include "geofence/shape.h"

struct run { /* edges from points[from] to points[from + count] */
	uint32_t key, from, count;
};

struct runs {
	struct run *r;
	size_t n;
};

static void runs_free(struct runs t)
{
	free(t.r);
}
AUTO_DEFINE(struct runs, runs_free)

static bool on_any_side(struct lonlat a, struct lonlat b)
{
	for (int s = 0; s < SIDE_COUNT; s++)
		if (seam_runs_along((enum side)s, a, b))
			return true;
	return false;
}

/* Where along Hilbert's curve over the degree plane: what is near there is near on the ground. */
static uint32_t place_key(struct lonlat p)
{
	uint32_t x = (uint32_t)((p.lon + 180) / 360 * 65535), y = (uint32_t)((p.lat + 90) / 180 * 65535), key = 0;

	for (uint32_t s = 1U << 15; s > 0; s /= 2) {
		uint32_t right = (x & s) != 0, up = (y & s) != 0;
		key = key << 2 | ((3 * right) ^ up);
		if (up)
			continue;
		if (right) {
			x = ~x;
			y = ~y;
		}
		uint32_t t = x;
		x = y;
		y = t;
	}
	return key;
}

static void put_run(struct runs *t, const struct point *points, uint32_t from, uint32_t count)
{
	if (count > 0)
		t->r[t->n++] = (struct run){place_key(points[from + count / 2].at), from, count};
}

/* Not along the four sides, unless it is the line of a corridor. */
static void put_loop(struct runs *t, const struct fence *f, const struct loop *l)
{
	uint32_t from = l->first;

	for (uint32_t i = l->first; i + 1 < l->first + l->count; i++) {
		bool border = f->half_width_m > 0 || !on_any_side(f->points[i].at, f->points[i + 1].at);
		if (border && i + 1 - from < BALL_MEMBERS)
			continue;
		put_run(t, f->points, from, i + border - from);
		from = i + 1;
	}
	put_run(t, f->points, from, l->first + l->count - 1 - from);
}

static int by_key(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->from > y->from) - (x->from < y->from);
}

/* All edges of all rings but those on the four sides, and the pieces that seam.c found. */
static int make_runs(const struct fence *f, struct runs *t, struct err *e)
{
	t->r = calloc(f->n_points, sizeof(*t->r));
	if (t->r == NULL)
		return err_set(e, WHY_SYSTEM, "no memory for the fence");
	for (size_t l = 0; l < f->n_loops; l++)
		put_loop(t, f, &f->loops[l]);
	for (size_t i = f->n_positions; i < f->n_points; i += 2)
		put_run(t, f->points, (uint32_t)i, 1);
	if (t->n == 0)
		return err_set(e, WHY_MALFORMED, "the fence has no border: it holds the whole earth");
	qsort(t->r, t->n, sizeof(*t->r), by_key);
	return 0;
}

static struct ball around_run(const struct fence *f, const struct run *r)
{
	struct ball c = {.from = r->from, .count = r->count};
	const struct point *v = &f->points[r->from];
	double n = (double)r->count + 1;

	for (uint32_t i = 0; i <= r->count; i++) {
		c.centre.x += v[i].xyz.x / n;
		c.centre.y += v[i].xyz.y / n;
		c.centre.z += v[i].xyz.z / n;
	}
	for (uint32_t i = 0; i < r->count; i++) {
		double far = fmax(earth_distance(c.centre, v[i].xyz), earth_distance(c.centre, v[i + 1].xyz));
		c.radius = fmax(c.radius, far + near_sag(&v[i], &v[i + 1]));
	}
	return c;
}

static struct ball around_balls(const struct ball *b, size_t n)
{
	struct ball c = {.count = 0};

	for (size_t i = 0; i < n; i++) {
		c.centre.x += b[i].centre.x / (double)n;
		c.centre.y += b[i].centre.y / (double)n;
		c.centre.z += b[i].centre.z / (double)n;
	}
	for (size_t i = 0; i < n; i++)
		c.radius = fmax(c.radius, earth_distance(c.centre, b[i].centre) + b[i].radius);
	return c;
}

static size_t sixteenth(size_t n)
{
	return (n + BALL_MEMBERS - 1) / BALL_MEMBERS;
}

static size_t members(size_t i, size_t of)
{
	size_t left = of - i * BALL_MEMBERS;

	return left < BALL_MEMBERS ? left : BALL_MEMBERS;
}

static void put_level(struct balls *t, uint32_t level, size_t below)
{
	struct ball *out = t->b + t->first[level];
	const struct ball *in = t->b + t->first[level - 1];

	for (size_t i = 0; i < sixteenth(below); i++)
		out[i] = around_balls(in + i * BALL_MEMBERS, members(i, below));
}

uint32_t border_levels(size_t n_runs, uint32_t first[BALL_LEVELS + 1])
{
	uint32_t levels = 1;
	size_t n = n_runs;

	first[0] = 0;
	first[1] = (uint32_t)n;
	while (n > 1 && levels < BALL_LEVELS) {
		n = sixteenth(n);
		first[levels + 1] = first[levels] + (uint32_t)n;
		levels++;
	}
	return levels;
}

static int make_balls(struct fence *f, const struct runs *runs, struct err *e)
{
	struct balls *t = &f->balls;

	t->levels = border_levels(runs->n, t->first);
	t->n = t->first[t->levels];
	t->b = calloc(t->n, sizeof(*t->b));
	if (t->b == NULL)
		return err_set(e, WHY_SYSTEM, "no memory for the fence");
	for (size_t i = 0; i < runs->n; i++)
		t->b[i] = around_run(f, &runs->r[i]);
	for (uint32_t level = 1; level < t->levels; level++)
		put_level(t, level, t->first[level] - t->first[level - 1]);
	return 0;
}

/* What a decision needs of the points; the rest of them goes. */
static int keep_degrees(struct fence *f, struct err *e)
{
	f->at = malloc(f->n_points * sizeof(*f->at));
	if (f->at == NULL)
		return err_set(e, WHY_SYSTEM, "no memory for the fence");
	for (size_t i = 0; i < f->n_points; i++)
		f->at[i] = f->points[i].at;
	free(f->points);
	f->points = NULL;
	return 0;
}

int border_make(struct fence *f, struct err *e)
{
	AUTO(runs_free) struct runs t = {0};

	return make_runs(f, &t, e) || make_balls(f, &t, e) || keep_degrees(f, e) ? -1 : 0;
}
