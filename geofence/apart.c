#include "geofence/geodesic.h"
#include "geofence/geofence.h"

double apart_m(const struct fix *a, const struct fix *b)
{
	const struct lonlat p = {.lon = a->lon_deg, .lat = a->lat_deg}, q = {.lon = b->lon_deg, .lat = b->lat_deg};

	return geodesic_between(p, q).lo_m;
}
