#include "geofence/geofence.h"

/* Written so that NaN, which compares false with everything, is out of range. */
static int in_range(const char *what, double x, double min, double max, struct err *e)
{
	if (x >= min && x <= max)
		return 0;
	return err_set(e, WHY_MALFORMED, "fix: %s %.17g is not between %.17g and %.17g", what, x, min, max);
}

int fix_ok(const struct fix *x, struct err *e)
{
	if (in_range("latitude", x->lat_deg, -90, 90, e) != 0 || in_range("longitude", x->lon_deg, -180, 180, e) != 0)
		return -1;
	return in_range("uncertainty in metres", x->uncertainty_m, 0, FIX_UNCERTAINTY_MAX_M, e);
}
