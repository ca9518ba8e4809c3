/* orient: on which side of a line a point lies, exactly. Pure. */
#ifndef GEOFENCE_ORIENT_H
#define GEOFENCE_ORIENT_H

#include <float.h>
#include <math.h>

#include "geofence/earth.h"

/* Coordinates nearer to zero than this are zero (it is less than the size of any atom); orient_side() needs that,
 * lest a product of two of them underflow. */
#define ORIENT_TINY 1e-100

/* The determinant's rounding is below this part of the sum of its terms (Shewchuk's ccwerrboundA). */
#define ORIENT_FILTER ((3.0 + 8.0 * DBL_EPSILON) * (DBL_EPSILON / 2))

/* The sign without rounding, for when the filter cannot tell. */
int orient_exact(struct lonlat a, struct lonlat b, struct lonlat c);

/* 1 when c is left of the line from a to b in the plane of longitude (x) and latitude (y), -1 right of it, 0 on it.
 * Exact for every finite coordinate with magnitude zero or in [ORIENT_TINY, 1e100]. */
static inline int orient_side(struct lonlat a, struct lonlat b, struct lonlat c)
{
	double left = (a.lon - c.lon) * (b.lat - c.lat);
	double right = (a.lat - c.lat) * (b.lon - c.lon);
	double det = left - right;
	double doubt = ORIENT_FILTER * (fabs(left) + fabs(right));

	if (!(fabs(det) > doubt))
		return orient_exact(a, b, c);
	return det > 0 ? 1 : -1; /* without a branch: which side is anyone's guess */
}

#endif
