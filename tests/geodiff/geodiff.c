/* geodiff: distances, circles and edges of geofence/ beside GeographicLib, at random places of every kind.
 * usage: geodiff N   prints what was compared, and how far from the truth an answer was or was withheld; exit 1 when one is beyond its bound. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "geofence/geodesic.h"
#include "geofence/geofence.h"
#include "tests/geodiff/karney.h"

#define KARNEY_ERROR_M 1e-6 /* far more than its own */
#define NEAR_M         100e3
#define GOLDEN         0.61803398874989485

static uint64_t state = 88172645463325252u;

static double unit(void) /* [0, 1) */
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (double)(state >> 11) * 0x1p-53;
}

static double between(double a, double b)
{
	return a + (b - a) * unit();
}

/* Everywhere, at the poles, at the equator, at the date line. */
static struct lonlat anywhere(void)
{
	switch ((int)(unit() * 4)) {
	case 0:
		return (struct lonlat){between(-180, 180), asin(between(-1, 1)) * 180 / M_PI};
	case 1:
		return (struct lonlat){between(-180, 180), (unit() < 0.5 ? -1 : 1) * (90 - pow(10, between(-9, 0)))};
	case 2:
		return (struct lonlat){between(-180, 180), between(-1e-6, 1e-6)};
	default:
		return (struct lonlat){(unit() < 0.5 ? -180 : 180) + between(-1e-6, 1e-6), between(-89, 89)};
	}
}

static double wrapped(double lon)
{
	return lon > 180 ? lon - 360 : lon < -180 ? lon + 360 : lon;
}

/* A second place, from a millimetre to half the earth away. */
static struct lonlat away_from(struct lonlat a)
{
	double deg = pow(10, between(-8, 2.2)), turn = between(0, 2 * M_PI);
	double lat = fmax(-90, fmin(90, a.lat + deg * sin(turn)));

	return (struct lonlat){wrapped(fmod(a.lon + deg * cos(turn), 360)), lat};
}

struct tally {
	long n, wrong;
	double worst_m;
};

static void tell(const char *what, const struct tally *t)
{
	printf("%-10s %10ld compared, %ld wrong, at most %.3g m unsure\n", what, t->n, t->wrong, t->worst_m);
}

static void count(struct tally *t, bool right, double apart_m)
{
	t->n++;
	t->wrong += !right;
	t->worst_m = fmax(t->worst_m, apart_m);
}

/* The truth is between lo and hi, and they are 2 mm apart, but for places almost opposite. */
static void distances(struct tally *t, long n)
{
	for (long i = 0; i < n; i++) {
		struct lonlat a = anywhere();
		struct lonlat b = away_from(a);
		struct geodesic g = geodesic_between(a, b);
		double m = karney_m(a.lat, a.lon, b.lat, b.lon);
		bool narrow = m > 19e6 || g.hi_m - g.lo_m <= 2.001e-3;

		count(t, g.lo_m <= m + KARNEY_ERROR_M && m <= g.hi_m + KARNEY_ERROR_M && narrow,
		        m > 19e6 ? 0 : fmax(m - g.lo_m, g.hi_m - m));
	}
}

static struct fence *fence_read(const char *body)
{
	json_t *j = json_loads(body, 0, NULL);
	struct err e = {0};
	struct fence *f = j ? fence_import(j, &e) : NULL;

	json_decref(j);
	if (!f) {
		fprintf(stderr, "geodiff: %s\n%s\n", e.text, body);
		exit(3);
	}
	return f;
}

/* Within 1 mm of its edge a circle may be ambiguous; beyond it never is, and never wrong. */
static bool circle_is_right(enum place got, double inside_m)
{
	if (fabs(inside_m) <= 2e-3)
		return got == PLACE_AMBIGUOUS || got == (inside_m > 0 ? PLACE_INSIDE : PLACE_OUTSIDE);
	return got == (inside_m > 0 ? PLACE_INSIDE : PLACE_OUTSIDE);
}

static void circle(struct tally *t)
{
	struct lonlat c = anywhere();
	double r = floor(pow(10, between(0, 6.5)) * 1000) / 1000;
	char body[256];

	c.lon = fmax(-180, fmin(180, c.lon));
	snprintf(body, sizeof body,
	        "{\"geometry\":{\"type\":\"Circle\",\"center\":[%.17g,%.17g],\"radius_m\":%.17g},\"map_accuracy_m\":0}",
	        c.lon, c.lat, r);
	struct fence *f = fence_read(body);
	for (int i = 0; i < 100; i++) {
		struct geodesic_line g = {
		        c, between(-M_PI, M_PI), r + (unit() < 0.5 ? 1 : -1) * pow(10, between(-3, 5))};
		if (g.length_m <= 0 || g.length_m > 19e6)
			continue;
		struct lonlat p = geodesic_at(&g, g.length_m);
		double inside_m = r - karney_m(c.lat, c.lon, p.lat, p.lon);

		enum place got = fence_covers(f, p.lat, wrapped(p.lon));

		count(t, circle_is_right(got, inside_m), got == PLACE_AMBIGUOUS ? fabs(inside_m) : 0);
	}
	fence_free(f);
}

/* The least distance to the edge, which is straight in degrees: by golden section, with GeographicLib's metres. */
static double edge_m(struct lonlat p, struct lonlat a, struct lonlat b)
{
	double lo = 0, hi = 1;

#define AT(s) karney_m(p.lat, p.lon, a.lat + (b.lat - a.lat) * (s), a.lon + (b.lon - a.lon) * (s))
	while (hi - lo > 1e-9) {
		double l = hi - (hi - lo) * GOLDEN, h = lo + (hi - lo) * GOLDEN;

		if (AT(l) < AT(h))
			hi = h;
		else
			lo = l;
	}
	return fmin(AT((lo + hi) / 2), fmin(AT(0), AT(1)));
#undef AT
}

/* A triangle of at most a degree: distance_m is never too long, and short by no more than geofence.h says. */
static void triangle(struct tally *t)
{
	struct lonlat v[3], c = {between(-170, 170), between(-80, 80)};
	double size = pow(10, between(-3, -0.3));
	char body[512];

	for (int i = 0; i < 3; i++)
		v[i] = (struct lonlat){c.lon + size * cos(i * 2 * M_PI / 3 + between(-0.9, 0.9)),
		        c.lat + size * sin(i * 2 * M_PI / 3 + between(-0.9, 0.9))};
	snprintf(body, sizeof body,
	        "{\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[[%.17g,%.17g],[%.17g,%.17g],[%.17g,%.17g],[%."
	        "17g,%.17g]]]},"
	        "\"map_accuracy_m\":0,\"edges\":\"rfc7946\"}",
	        v[0].lon, v[0].lat, v[1].lon, v[1].lat, v[2].lon, v[2].lat, v[0].lon, v[0].lat);
	struct fence *f = fence_read(body);
	for (int i = 0; i < 10; i++) {
		struct fix x = {.lat_deg = c.lat + between(-size, size), .lon_deg = c.lon + between(-size, size)};
		struct lonlat p = {x.lon_deg, x.lat_deg};
		double m = fmin(edge_m(p, v[0], v[1]), fmin(edge_m(p, v[1], v[2]), edge_m(p, v[2], v[0])));
		struct place_result r;
		struct err e = {0};

		if (fence_decide(f, &x, &r, &e) || m > NEAR_M)
			continue;
		count(t, r.distance_m <= m + 1e-4 && r.distance_m >= m - 1e-3 - 3e-5 * m - 1e-4,
		        fabs(m - r.distance_m));
	}
	fence_free(f);
}

int main(int argc, char **argv)
{
	long n = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
	struct tally d = {0}, c = {0}, g = {0};

	if (n < 100) {
		fputs("usage: geodiff N, at least 100\n", stderr);
		return 2;
	}
	distances(&d, n);
	for (long i = 0; i < n / 100; i++)
		circle(&c);
	for (long i = 0; i < n / 100; i++)
		triangle(&g);
	tell("distances", &d);
	tell("circles", &c);
	tell("edges", &g);
	return d.wrong || c.wrong || g.wrong;
}
