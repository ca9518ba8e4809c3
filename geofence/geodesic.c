/* The inverse problem by T. Vincenty, "Direct and inverse solutions of geodesics on the ellipsoid with application of
 * nested equations", Survey Review XXIII 176, 1975; symbols are his. */
#include "geofence/geodesic.h"

#include <math.h>
#include <stdbool.h>

#define PI             3.14159265358979323846
#define ERROR_M        1e-3       /* of the series (0.5 mm) and of the iteration */
#define LONGEST_M      20003932.0 /* half a meridian: no two places are farther apart */
#define ANTIPODE_RAD   0.052      /* 3 degrees: from here on the iteration may not converge */
#define ITERATIONS_MAX 64

struct sphere { /* on the auxiliary sphere */
	double sin_u1, cos_u1, sin_u2, cos_u2;
	double sin_s, cos_s, s; /* sigma, the angle between the points */
	double sin_a, cos2_a;   /* alpha, azimuth of the geodesic at the equator */
	double cos_2m;          /* cos 2 sigma_m */
};

/* tan U = (1 - f) tan lat, without the tangent that has no value at a pole. */
static void reduced(double lat, double *sin_u, double *cos_u)
{
	double y = (1.0 - EARTH_F) * sin(lat), x = cos(lat);
	double h = sqrt(x * x + y * y);

	*sin_u = y / h;
	*cos_u = x / h;
}

static void turn(struct sphere *t, double lambda)
{
	double x = t->cos_u2 * sin(lambda);
	double y = t->cos_u1 * t->sin_u2 - t->sin_u1 * t->cos_u2 * cos(lambda);

	t->sin_s = sqrt(x * x + y * y);
	t->cos_s = t->sin_u1 * t->sin_u2 + t->cos_u1 * t->cos_u2 * cos(lambda);
	t->s = atan2(t->sin_s, t->cos_s);
	t->sin_a = t->sin_s > 0 ? t->cos_u1 * t->cos_u2 * sin(lambda) / t->sin_s : 0;
	t->cos2_a = 1.0 - t->sin_a * t->sin_a;
	t->cos_2m = t->cos2_a > 1e-15 ? t->cos_s - 2.0 * t->sin_u1 * t->sin_u2 / t->cos2_a : 0; /* the equator */
}

static double next_lambda(const struct sphere *t, double l)
{
	double c = EARTH_F / 16.0 * t->cos2_a * (4.0 + EARTH_F * (4.0 - 3.0 * t->cos2_a));
	double wave = t->cos_2m + c * t->cos_s * (2.0 * t->cos_2m * t->cos_2m - 1.0);

	return l + (1.0 - c) * EARTH_F * t->sin_a * (t->s + c * t->sin_s * wave);
}

static double length(const struct sphere *t)
{
	double u2 = t->cos2_a * (EARTH_A * EARTH_A - EARTH_B * EARTH_B) / (EARTH_B * EARTH_B);
	double a = 1.0 + u2 / 16384.0 * (4096.0 + u2 * (-768.0 + u2 * (320.0 - 175.0 * u2)));
	double b = u2 / 1024.0 * (256.0 + u2 * (-128.0 + u2 * (74.0 - 47.0 * u2)));
	double m = t->cos_2m, m2 = m * m, s2 = t->sin_s * t->sin_s;
	double third = b / 6.0 * m * (4.0 * s2 - 3.0) * (4.0 * m2 - 3.0);
	double d = b * t->sin_s * (m + b / 4.0 * (t->cos_s * (2.0 * m2 - 1.0) - third));

	return EARTH_B * a * (t->s - d);
}

static bool vincenty(struct lonlat from, struct lonlat to, double *out)
{
	struct sphere t = {0};
	double l = earth_radians(remainder(to.lon - from.lon, 360.0));
	double lambda = l;

	reduced(earth_radians(from.lat), &t.sin_u1, &t.cos_u1);
	reduced(earth_radians(to.lat), &t.sin_u2, &t.cos_u2);
	for (int i = 0; i < ITERATIONS_MAX; i++) {
		turn(&t, lambda);
		double next = next_lambda(&t, l);
		bool done = fabs(next - lambda) < 1e-13;
		lambda = next;
		if (done) {
			*out = length(&t);
			return fabs(lambda) <= PI;
		}
	}
	return false;
}

/* The ball of radius B lies inside, so B * angle is a lower bound; the ellipse through both points and the centre is a
 * way over the ground whose radius is at most A and changes by at most 0.34 % of it per radian. */
static struct geodesic by_angle(double angle)
{
	struct geodesic g = {EARTH_B * angle - ERROR_M, EARTH_A * 1.00001 * angle + ERROR_M};

	if (g.hi_m > LONGEST_M)
		g.hi_m = LONGEST_M;
	return g;
}

struct geodesic geodesic_between(struct lonlat a, struct lonlat b)
{
	struct vec p = earth_at(a), q = earth_at(b);
	struct vec cross = {p.y * q.z - p.z * q.y, p.z * q.x - p.x * q.z, p.x * q.y - p.y * q.x};
	struct vec zero = {0, 0, 0};
	double angle = atan2(earth_distance(cross, zero), p.x * q.x + p.y * q.y + p.z * q.z);
	double d;

	if (angle > PI - ANTIPODE_RAD || !vincenty(a, b, &d))
		return by_angle(angle);
	return (struct geodesic){d > ERROR_M ? d - ERROR_M : 0, d + ERROR_M};
}
