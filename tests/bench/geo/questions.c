#include <math.h>

#include "tests/bench/geo/geobench.h"

#define DEGREE (3.14159265358979323846 / 180)

/* xorshift64*: the same questions in every run */
uint64_t questions_bits(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545F4914F6CDD1DU;
}

double questions_between(uint64_t *state, double lo, double hi)
{
	return lo + (hi - lo) * ((double)(questions_bits(state) >> 11) * 0x1p-53);
}

static struct question anywhere(uint64_t *seed)
{
	double lon = questions_between(seed, -180, 180);

	return (struct question){lon, asin(questions_between(seed, -1, 1)) / DEGREE};
}

void questions_uniform(struct question *q, size_t n)
{
	uint64_t seed = 1;

	for (size_t i = 0; i < n; i++)
		q[i] = anywhere(&seed);
}

void questions_in(struct question *q, size_t n, const struct peer *p, void *built)
{
	uint64_t seed = 2;

	for (size_t i = 0; i < n;) {
		q[i] = anywhere(&seed);
		i += p->owner(built, q[i].lon, q[i].lat) >= 0;
	}
}

void questions_border(struct question *q, size_t n, const struct rings *r)
{
	uint64_t seed = 3;

	for (size_t i = 0; i < n;) {
		size_t at = questions_bits(&seed) % (r->n_points - 1);
		const double *a = r->lonlat + 2 * at;
		double t = questions_between(&seed, 0, 1), turn = questions_between(&seed, 0, 360 * DEGREE);
		double away = questions_between(&seed, 0, 1e3 / 111e3), lat = a[1] + t * (a[3] - a[1]);
		if (fabs(a[0] - a[2]) > 5 || fabs(a[1] - a[3]) > 5)
			continue; /* the end of one ring and the beginning of the next, or along a pole */
		double lon = a[0] + t * (a[2] - a[0]) + away * sin(turn) / cos(lat * DEGREE);
		q[i] = (struct question){lon, lat + away * cos(turn)};
		i += fabs(lon) < 180 && fabs(q[i].lat) < 89.9;
	}
}
