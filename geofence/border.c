/* The border as edges, and balls around them, sixteen to one, until one ball holds all. */
#include <math.h>
#include <stdlib.h>

#include "geofence/shape.h"

static void put_edge(struct fence *f, size_t from)
{
	const struct point *a = &f->points[from];

	if (a[0].at.lon == a[1].at.lon && a[0].at.lat == a[1].at.lat)
		return;
	/* one step up: rounding to float must not shrink the bound */
	float sag = nextafterf((float)near_sag(&a[0], &a[1]), INFINITY);
	f->edges[f->n_edges++] = (struct edge){(uint32_t)from, sag};
}

static bool on_any_side(struct lonlat a, struct lonlat b)
{
	for (int s = 0; s < SIDE_COUNT; s++)
		if (seam_runs_along((enum side)s, a, b))
			return true;
	return false;
}

/* All edges of all rings but those on the four sides, and the pieces that seam.c found. */
static int make_edges(struct fence *f, struct err *e)
{
	f->edges = calloc(f->n_points, sizeof(*f->edges));
	if (f->edges == NULL)
		return err_set(e, WHY_SYSTEM, "no memory for the fence");
	for (size_t l = 0; l < f->n_loops; l++) {
		size_t first = f->loops[l].first;
		for (size_t i = first; i + 1 < first + f->loops[l].count; i++)
			if (f->half_width_m > 0 || !on_any_side(f->points[i].at, f->points[i + 1].at))
				put_edge(f, i);
	}
	for (size_t i = f->n_positions; i < f->n_points; i += 2)
		put_edge(f, i);
	if (f->n_edges == 0)
		return err_set(e, WHY_MALFORMED, "the fence has no border: it holds the whole earth");
	return 0;
}

/* ---- Edges that are near each other come near each other ---- */

enum { KEY_BITS = 12, DIGIT_BITS = 12, DIGITS = 1 << DIGIT_BITS };

/* Bit by bit: longitude, latitude, longitude... */
static uint32_t place_key(struct lonlat p)
{
	uint32_t x = (uint32_t)((p.lon + 180) / 360 * 4095), y = (uint32_t)((p.lat + 90) / 180 * 4095), key = 0;

	for (int bit = KEY_BITS - 1; bit >= 0; bit--)
		key = key << 2 | (x >> bit & 1) << 1 | (y >> bit & 1);
	return key;
}

/* One pass of a counting sort, by one digit of the key of each edge's beginning. */
static void sort_pass(
        const struct edge *in, const uint32_t *keys, struct edge *out, uint32_t *keys_out, size_t n, int shift)
{
	uint32_t count[DIGITS + 1] = {0};

	for (size_t i = 0; i < n; i++)
		count[(keys[i] >> shift & (DIGITS - 1)) + 1]++;
	for (size_t d = 0; d < DIGITS; d++)
		count[d + 1] += count[d];
	for (size_t i = 0; i < n; i++) {
		uint32_t to = count[keys[i] >> shift & (DIGITS - 1)]++;
		out[to] = in[i];
		keys_out[to] = keys[i];
	}
}

static int sort_edges(struct fence *f, struct err *e)
{
	size_t n = f->n_edges;
	struct edge *other = malloc(n * sizeof(*other));
	uint32_t *keys = malloc(2 * n * sizeof(*keys));
	int rc = 0;

	if (other == NULL || keys == NULL) {
		rc = err_set(e, WHY_SYSTEM, "no memory for the fence");
	} else {
		for (size_t i = 0; i < n; i++)
			keys[i] = place_key(f->points[f->edges[i].from].at);
		sort_pass(f->edges, keys, other, keys + n, n, 0);
		sort_pass(other, keys + n, f->edges, keys, n, DIGIT_BITS);
	}
	free(other);
	free(keys);
	return rc;
}

static struct ball around_edges(const struct fence *f, size_t first, size_t end)
{
	struct ball c = {{0, 0, 0}, 0};
	double n = (double)(end - first);

	for (size_t i = first; i < end; i++) {
		const struct point *a = &f->points[f->edges[i].from];
		c.centre.x += (a[0].xyz.x + a[1].xyz.x) / (2 * n);
		c.centre.y += (a[0].xyz.y + a[1].xyz.y) / (2 * n);
		c.centre.z += (a[0].xyz.z + a[1].xyz.z) / (2 * n);
	}
	for (size_t i = first; i < end; i++) {
		const struct point *a = &f->points[f->edges[i].from];
		double far = fmax(earth_distance(c.centre, a[0].xyz), earth_distance(c.centre, a[1].xyz));
		c.radius = fmax(c.radius, far + (double)f->edges[i].sag_m);
	}
	return c;
}

static struct ball around_balls(const struct ball *b, size_t n)
{
	struct ball c = {{0, 0, 0}, 0};

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

uint32_t border_levels(size_t n_edges, uint32_t first[BALL_LEVELS + 1])
{
	uint32_t levels = 0;
	size_t n = n_edges;

	first[0] = 0;
	do {
		n = sixteenth(n);
		first[levels + 1] = first[levels] + (uint32_t)n;
		levels++;
	} while (n > 1 && levels < BALL_LEVELS);
	return levels;
}

static int make_balls(struct fence *f, struct err *e)
{
	struct balls *t = &f->balls;

	t->levels = border_levels(f->n_edges, t->first);
	t->n = t->first[t->levels];
	t->b = calloc(t->n, sizeof(*t->b));
	if (t->b == NULL)
		return err_set(e, WHY_SYSTEM, "no memory for the fence");
	for (size_t i = 0; i < t->first[1]; i++) {
		size_t first = i * BALL_MEMBERS;
		t->b[i] = around_edges(f, first, first + members(i, f->n_edges));
	}
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
	return make_edges(f, e) || sort_edges(f, e) || make_balls(f, e) || keep_degrees(f, e) ? -1 : 0;
}
