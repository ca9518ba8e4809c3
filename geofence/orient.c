/* Behind the filter of orient.h, expansions: sums of doubles that do not overlap, as in J. R. Shewchuk,
 * "Adaptive Precision Floating-Point Arithmetic and Fast Robust Geometric Predicates", 1997. */
#include "geofence/orient.h"

#include <math.h>

#ifdef __FAST_MATH__
#error "orient.c needs IEEE arithmetic: build it without -ffast-math"
#endif

enum { TERMS = 12 }; /* six products of two doubles each */

struct sum {
	double part[TERMS]; /* by growing magnitude, not overlapping */
	int n;
};

/* x + y exactly as *hi plus what is returned (Knuth's TwoSum). */
static double two_sum(double x, double y, double *hi)
{
	double s = x + y;
	double y_in = s - x;
	double x_in = s - y_in;

	*hi = s;
	return (x - x_in) + (y - y_in);
}

static void grow(struct sum *s, double x)
{
	for (int i = 0; i < s->n; i++)
		s->part[i] = two_sum(x, s->part[i], &x);
	s->part[s->n++] = x;
}

static void grow_product(struct sum *s, double x, double y)
{
	double hi = x * y;

	grow(s, fma(x, y, -hi));
	grow(s, hi);
}

static int sign(double x)
{
	return (x > 0) - (x < 0);
}

/* The determinant multiplied out; c.lon * c.lat cancels. */
int orient_exact(struct lonlat a, struct lonlat b, struct lonlat c)
{
	struct sum s = {.n = 0};

	grow_product(&s, a.lon, b.lat);
	grow_product(&s, -a.lon, c.lat);
	grow_product(&s, -c.lon, b.lat);
	grow_product(&s, -a.lat, b.lon);
	grow_product(&s, a.lat, c.lon);
	grow_product(&s, c.lat, b.lon);
	for (int i = TERMS - 1; i >= 0; i--)
		if (s.part[i] != 0)
			return sign(s.part[i]);
	return 0;
}
