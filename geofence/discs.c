/* What landmarks measured, against where a machine is said to be. A measurement says that it is near, never that it is
 * far: who wants to be farther only has to wait. */
#include "geofence/geofence.h"

/* apart_m() is a lower bound, so that nobody is called a liar by a rounding. */
static double beyond_m(const struct disc *a, const struct fix *b, double reach_m)
{
	return apart_m(&a->at, b) - a->at.uncertainty_m - b->uncertainty_m - a->radius_m - reach_m;
}

int discs_meet(const struct disc *d, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (beyond_m(&d[i], &d[k].at, d[k].radius_m) > 0)
				return err_set(e, WHY_OUTSIDE,
				        "no place is within %.0f km of landmark %s and within %.0f km of landmark %s",
				        d[k].radius_m / 1e3, d[k].name, d[i].radius_m / 1e3, d[i].name);
	return 0;
}

int discs_hold(const struct disc *d, size_t n, const struct fix *place, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (beyond_m(&d[i], place, 0) > 0)
			return err_set(e, WHY_OUTSIDE,
			        "landmark %s measured the machine within %.0f km, and where it is said to be is %.0f "
			        "km away",
			        d[i].name, d[i].radius_m / 1e3, apart_m(&d[i].at, place) / 1e3);
	return 0;
}
