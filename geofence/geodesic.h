/* geodesic: how far apart two places are on WGS 84, with the bounds that certainly hold the answer. Pure. */
#ifndef GEOFENCE_GEODESIC_H
#define GEOFENCE_GEODESIC_H

#include "geofence/earth.h"

struct geodesic {
	double lo_m, hi_m; /* the true distance is in [lo, hi]; 2 mm wide, 70 km within 3 degrees of the antipode */
};

struct geodesic geodesic_between(struct lonlat a, struct lonlat b);

#endif
