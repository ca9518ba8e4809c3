/* karney: how far apart two places are on WGS 84 by GeographicLib (C. Karney, "Algorithms for geodesics", 2013), which is
 * good to some nanometres: what geofence/ is compared with. */
#ifndef GEODIFF_KARNEY_H
#define GEODIFF_KARNEY_H

#ifdef __cplusplus
extern "C" {
#endif

double karney_m(double lat1_deg, double lon1_deg, double lat2_deg, double lon2_deg);

#ifdef __cplusplus
}
#endif

#endif
