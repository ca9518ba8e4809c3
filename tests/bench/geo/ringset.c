#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/rd.h"
#include "tests/bench/geo/geobench.h"

enum { FILE_MAX = 1 << 28 };

void ringset_drop(struct ringset *s)
{
	free(s->lonlat);
	free(s->first);
	free(s->ring_of);
	free(s->owner);
	*s = (struct ringset){0};
}

/* Doubles *p until it has room for n elements. */
static void room(void *p, size_t *cap, size_t n, size_t size)
{
	void **array = p;

	while (n > *cap)
		*cap = *cap ? 2 * *cap : 64;
	*array = realloc(*array, *cap * size);
	if (*array == NULL)
		abort();
}

static void point(struct ringset *s, double lon, double lat)
{
	size_t n = s->r.n_points++;

	if (2 * n + 2 > s->cap_points)
		room(&s->lonlat, &s->cap_points, 2 * n + 2, sizeof(double));
	s->lonlat[2 * n] = lon;
	s->lonlat[2 * n + 1] = lat;
}

static void end_ring(struct ringset *s)
{
	room(&s->first, &s->cap_rings, ++s->r.n_rings + 1, sizeof(uint32_t));
	s->first[0] = 0;
	s->first[s->r.n_rings] = (uint32_t)s->r.n_points;
}

static void end_polygon(struct ringset *s, uint32_t owner)
{
	size_t n = ++s->r.n_polygons, cap = s->cap_polygons;

	room(&s->owner, &cap, n + 1, sizeof(uint32_t));
	room(&s->ring_of, &s->cap_polygons, n + 1, sizeof(uint32_t));
	s->ring_of[0] = 0;
	s->ring_of[n] = (uint32_t)s->r.n_rings;
	s->owner[n - 1] = owner;
}

static void close_set(struct ringset *s)
{
	s->r.lonlat = s->lonlat;
	s->r.first = s->first;
	s->r.ring_of = s->ring_of;
	s->r.owner = s->owner;
}

static double number(struct rd *r)
{
	uint64_t bits = rd_le64(r);
	double x;

	memcpy(&x, &bits, sizeof x);
	return x;
}

static void read_polygon(struct ringset *s, struct rd *r)
{
	uint32_t owner = rd_le32(r), rings = rd_le32(r);

	for (uint64_t k = rd_upto(r, rings, FILE_MAX); k > 0 && rd_ok(r); k--) {
		for (uint64_t n = rd_upto(r, rd_le32(r), FILE_MAX); n > 0 && rd_ok(r); n--) {
			double lon = number(r);
			point(s, lon, number(r));
		}
		end_ring(s);
	}
	end_polygon(s, owner);
}

int ringset_read(struct ringset *s, const char *path, struct err *e)
{
	uint8_t *bytes;
	size_t n;

	if (file_read(AT_FDCWD, path, FILE_MAX, &bytes, &n, e) != 0)
		return -1;
	struct rd r = rd_of(VIEW(bytes, n));
	while (rd_left(&r) > 0)
		read_polygon(s, &r);
	bool whole = rd_end(&r);
	free(bytes);
	close_set(s);
	return whole ? 0 : err_set(e, WHY_MALFORMED, "%s is not what atlas.mjs writes", path);
}

/* Between a and b, halved and moved aside at random, less and less: what coasts look like. */
static void coast(struct ringset *s, uint64_t *seed, struct question a, struct question b, unsigned steps)
{
	if (steps == 0) {
		point(s, a.lon, a.lat);
		return;
	}
	double aside = questions_between(seed, -0.25, 0.25);
	struct question mid = {
	        (a.lon + b.lon) / 2 - aside * (b.lat - a.lat), (a.lat + b.lat) / 2 + aside * (b.lon - a.lon)};
	coast(s, seed, a, mid, steps - 1);
	coast(s, seed, mid, b, steps - 1);
}

static void coast_ring(struct ringset *s, unsigned steps)
{
	static const struct question corner[] = {{-120, 40}, {-60, 45}, {-70, 65}, {-115, 70}};
	uint64_t seed = 5;

	for (size_t i = 0; i < 4; i++)
		coast(s, &seed, corner[i], corner[(i + 1) % 4], steps - 2);
	point(s, corner[0].lon, corner[0].lat);
	end_ring(s);
}

int ringset_coast(struct ringset *s, unsigned steps, struct err *e)
{
	(void)e;
	coast_ring(s, steps);
	end_polygon(s, 0);
	close_set(s);
	return 0;
}

static void lake(struct ringset *s, double lon, double lat, double size)
{
	for (int i = 0; i <= 6; i++) {
		double turn = (i % 6) * 1.0471975511965976;
		point(s, lon + size * cos(turn), lat + 0.6 * size * sin(turn));
	}
	end_ring(s);
}

/* In a lattice that lies well within the coast. */
int ringset_lakes(struct ringset *s, unsigned steps, size_t n, struct err *e)
{
	size_t across = (size_t)sqrt((double)n);
	uint64_t seed = 9;

	(void)e;
	coast_ring(s, steps);
	for (size_t i = 0; i < across * across; i++) {
		double x = (double)(i % across) + questions_between(&seed, 0, 0.5);
		double y = (double)(i / across) + questions_between(&seed, 0, 0.5);
		lake(s, -105 + 25 * x / (double)across, 52 + 8 * y / (double)across, 3.0 / (double)across);
	}
	end_polygon(s, 0);
	close_set(s);
	return 0;
}
