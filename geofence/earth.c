#include "geofence/earth.h"

#include <math.h>

#define RADIAN (3.14159265358979323846 / 180.0)

struct vec earth_at(struct lonlat p)
{
	double lat = earth_radians(p.lat), lon = earth_radians(p.lon);
	double s = sin(lat);
	double n = EARTH_A / sqrt(1.0 - EARTH_E2 * s * s);
	double r = n * cos(lat);

	return (struct vec){r * cos(lon), r * sin(lon), n * (1.0 - EARTH_E2) * s};
}

struct lonlat earth_below(struct vec v)
{
	return (struct lonlat){atan2(v.y, v.x) / RADIAN, atan2(v.z, (1.0 - EARTH_E2) * hypot(v.x, v.y)) / RADIAN};
}

static struct vec minus(struct vec a, struct vec b)
{
	return (struct vec){a.x - b.x, a.y - b.y, a.z - b.z};
}

static double dot(struct vec a, struct vec b)
{
	return a.x * b.x + a.y * b.y + a.z * b.z;
}

double earth_distance(struct vec a, struct vec b)
{
	struct vec d = minus(a, b);

	return sqrt(dot(d, d));
}

double earth_along(struct vec p, struct vec a, struct vec b)
{
	struct vec ab = minus(b, a);
	double length2 = dot(ab, ab);
	double t = length2 > 0 ? dot(minus(p, a), ab) / length2 : 0;

	return t < 0 ? 0 : t > 1 ? 1 : t;
}

double earth_to_segment(struct vec p, struct vec a, struct vec b)
{
	struct vec ab = minus(b, a), ap = minus(p, a);
	double t = earth_along(p, a, b);
	struct vec foot = {ap.x - t * ab.x, ap.y - t * ab.y, ap.z - t * ab.z};
	return sqrt(dot(foot, foot));
}

/* Two bounds hold. The way is not shorter than the chord. And it lies outside the ball of radius B, onto which radial
 * projection shortens every path, so it is not shorter than B times the angle at the centre; with both radii in [B, A],
 * chord^2 = (r1 - r2)^2 + 4 r1 r2 sin^2(angle / 2) <= (A - B)^2 + 4 A^2 sin^2(angle / 2). */
double earth_shortest(double chord)
{
	double swell = EARTH_A - EARTH_B;
	double flat = chord * chord - swell * swell;

	if (flat <= 0)
		return chord;
	double sine = sqrt(flat) / (2.0 * EARTH_A);
	double arc = 2.0 * EARTH_B * asin(sine < 1 ? sine : 1);
	return arc > chord ? arc : chord;
}
