/* geodesic: how far apart two places are on WGS 84, with the bounds that certainly hold the answer. Pure. */
#ifndef GEOFENCE_GEODESIC_H
#define GEOFENCE_GEODESIC_H

#include <stdbool.h>

#include "geofence/earth.h"

struct geodesic {
	double lo_m, hi_m; /* the true distance is in [lo, hi]; 2 mm wide, 70 km within 3 degrees of the antipode */
};

struct geodesic geodesic_between(struct lonlat a, struct lonlat b);

struct geodesic_line { /* from a place on */
	struct lonlat from;
	double azimuth_rad, length_m;
};

/* The geodesic from a to b; false within 3 degrees of the antipode, where there may be several. */
bool geodesic_line(struct lonlat a, struct lonlat b, struct geodesic_line *out);
/* The place s metres on, within 1 mm. */
struct lonlat geodesic_at(const struct geodesic_line *g, double s_m);

#endif
