#include "tests/geodiff/karney.h"

#include <GeographicLib/Geodesic.hpp>

double karney_m(double lat1_deg, double lon1_deg, double lat2_deg, double lon2_deg)
{
	double m = 0;

	GeographicLib::Geodesic::WGS84().Inverse(lat1_deg, lon1_deg, lat2_deg, lon2_deg, m);
	return m;
}
