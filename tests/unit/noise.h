/* noise: the same random numbers in each run, and what a receiver that stands still makes of its place. */
#ifndef TESTS_NOISE_H
#define TESTS_NOISE_H

#include <math.h>
#include <stdint.h>

struct noise {
	uint64_t state;
	double sigma_m;         /* of each fix, in each axis */
	double wander_m, tau_s; /* how far it wanders (standard deviation in each axis), and for how long one way */
	double step_m;          /* a random walk on top, each second */
	double north_m, east_m; /* where it wandered */
};

/* xorshift64*, and twelve of them make a normal number. */
static inline double noise_normal(struct noise *z)
{
	double sum = -6;

	for (int i = 0; i < 12; i++) {
		z->state ^= z->state >> 12;
		z->state ^= z->state << 25;
		z->state ^= z->state >> 27;
		sum += (double)((z->state * UINT64_C(2685821657736338717)) >> 11) / 9007199254740992.0;
	}
	return sum;
}

/* One second later: metres from the true place. */
static inline void noise_next(struct noise *z, double *north_m, double *east_m)
{
	double keep = z->tau_s > 0 ? exp(-1 / z->tau_s) : 1, push = z->wander_m * sqrt(1 - keep * keep);

	z->north_m = z->north_m * keep + push * noise_normal(z) + z->step_m * noise_normal(z);
	z->east_m = z->east_m * keep + push * noise_normal(z) + z->step_m * noise_normal(z);
	*north_m = z->north_m + z->sigma_m * noise_normal(z);
	*east_m = z->east_m + z->sigma_m * noise_normal(z);
}

#endif
