/* orient: on which side of a line a point lies, exactly. Pure. */
#ifndef GEOFENCE_ORIENT_H
#define GEOFENCE_ORIENT_H

#include "geofence/earth.h"

/* Coordinates nearer to zero than this are zero (it is less than the size of any atom); orient_side() needs that,
 * lest a product of two of them underflow. */
#define ORIENT_TINY 1e-100

/* 1 when c is left of the line from a to b in the plane of longitude (x) and latitude (y), -1 right of it, 0 on it.
 * Exact for every finite coordinate with magnitude zero or in [ORIENT_TINY, 1e100]. */
int orient_side(struct lonlat a, struct lonlat b, struct lonlat c);

#endif
