/* earth: WGS 84 as points in space, and lengths that are certainly not longer than the way over the ground. Pure. */
#ifndef GEOFENCE_EARTH_H
#define GEOFENCE_EARTH_H

#define EARTH_A  6378137.0             /* equatorial radius, m */
#define EARTH_F  (1.0 / 298.257223563) /* flattening */
#define EARTH_B  (EARTH_A * (1.0 - EARTH_F))
#define EARTH_E2 (EARTH_F * (2.0 - EARTH_F))

struct lonlat {
	double lon, lat; /* degrees, in GeoJSON's order */
};

struct vec {
	double x, y, z; /* m, geocentric: x towards (0, 0), z towards the north pole */
};

/* The point of the ellipsoid at p, within 1e-8 m. */
struct vec earth_at(struct lonlat p);
/* The place of the ellipsoid on the line from the centre of the earth through v. */
struct lonlat earth_below(struct vec v);
static inline double earth_radians(double deg)
{
	return deg * (3.14159265358979323846 / 180.0);
}
double earth_distance(struct vec a, struct vec b);                 /* straight */
double earth_along(struct vec p, struct vec a, struct vec b);      /* the foot of p on ab: 0 at a, 1 at b */
double earth_to_segment(struct vec p, struct vec a, struct vec b); /* straight, to the nearest point of ab */
/* A lower bound of the way over the ground between two points of the ellipsoid that are at least `chord` apart.
 * Grows with chord. Short of the truth by at most 2e-5 within 100 km, 0.5 % within 10,000 km, 6 % anywhere. */
double earth_shortest(double chord);

#endif
