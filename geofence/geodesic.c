/* The inverse and the direct problem by T. Vincenty, "Direct and inverse solutions of geodesics on the ellipsoid with application of
 * nested equations", Survey Review XXIII 176, 1975; symbols are his. */
#include "geofence/geodesic.h"

#include <math.h>

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
	double m = t->cos_2m + c * t->cos_s * (2.0 * t->cos_2m * t->cos_2m - 1.0);

	return l + (1.0 - c) * EARTH_F * t->sin_a * (t->s + c * t->sin_s * m);
}

struct series {
	double a, b; /* A and B */
};

static struct series series_of(double cos2_a)
{
	double u2 = cos2_a * (EARTH_A * EARTH_A - EARTH_B * EARTH_B) / (EARTH_B * EARTH_B);

	return (struct series){1.0 + u2 / 16384.0 * (4096.0 + u2 * (-768.0 + u2 * (320.0 - 175.0 * u2))),
	        u2 / 1024.0 * (256.0 + u2 * (-128.0 + u2 * (74.0 - 47.0 * u2)))};
}

/* Delta sigma */
static double wave(double b, double sin_s, double cos_s, double m)
{
	double m2 = m * m, third = b / 6.0 * m * (4.0 * sin_s * sin_s - 3.0) * (4.0 * m2 - 3.0);

	return b * sin_s * (m + b / 4.0 * (cos_s * (2.0 * m2 - 1.0) - third));
}

static double length(const struct sphere *t)
{
	struct series k = series_of(t->cos2_a);

	return EARTH_B * k.a * (t->s - wave(k.b, t->sin_s, t->cos_s, t->cos_2m));
}

static bool vincenty(struct lonlat from, struct lonlat to, double *out, double *azimuth)
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
			*azimuth = atan2(
			        t.cos_u2 * sin(lambda), t.cos_u1 * t.sin_u2 - t.sin_u1 * t.cos_u2 * cos(lambda));
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

static double angle_between(struct lonlat a, struct lonlat b)
{
	struct vec p = earth_at(a), q = earth_at(b), zero = {0, 0, 0};
	struct vec cross = {p.y * q.z - p.z * q.y, p.z * q.x - p.x * q.z, p.x * q.y - p.y * q.x};

	return atan2(earth_distance(cross, zero), p.x * q.x + p.y * q.y + p.z * q.z);
}

struct geodesic geodesic_between(struct lonlat a, struct lonlat b)
{
	double angle = angle_between(a, b), d, azimuth;

	if (angle > PI - ANTIPODE_RAD || !vincenty(a, b, &d, &azimuth))
		return by_angle(angle);
	return (struct geodesic){d > ERROR_M ? d - ERROR_M : 0, d + ERROR_M};
}

bool geodesic_line(struct lonlat a, struct lonlat b, struct geodesic_line *out)
{
	out->from = a;
	return angle_between(a, b) < PI - ANTIPODE_RAD && vincenty(a, b, &out->length_m, &out->azimuth_rad);
}

struct lonlat geodesic_at(const struct geodesic_line *g, double s_m)
{
	double sin_u, cos_u, sin_az = sin(g->azimuth_rad), cos_az = cos(g->azimuth_rad);

	reduced(earth_radians(g->from.lat), &sin_u, &cos_u);
	double sin_a = cos_u * sin_az, cos2_a = 1.0 - sin_a * sin_a;
	double first = atan2(sin_u, cos_u * cos_az);
	struct series k = series_of(cos2_a);
	double s = s_m / (EARTH_B * k.a), m = 0;
	for (int i = 0; i < 8; i++) { /* each round gains two to three digits */
		m = cos(2.0 * first + s);
		s = s_m / (EARTH_B * k.a) + wave(k.b, sin(s), cos(s), m);
	}
	m = cos(2.0 * first + s);
	double x = sin_u * sin(s) - cos_u * cos(s) * cos_az;
	double lat = atan2(sin_u * cos(s) + cos_u * sin(s) * cos_az, (1.0 - EARTH_F) * hypot(sin_a, x));
	double lambda = atan2(sin(s) * sin_az, cos_u * cos(s) - sin_u * sin(s) * cos_az);
	double c = EARTH_F / 16.0 * cos2_a * (4.0 + EARTH_F * (4.0 - 3.0 * cos2_a));
	double l = lambda - (1.0 - c) * EARTH_F * sin_a * (s + c * sin(s) * (m + c * cos(s) * (2.0 * m * m - 1.0)));
	return (struct lonlat){g->from.lon + l / earth_radians(1), lat / earth_radians(1)};
}
