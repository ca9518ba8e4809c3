/* The match rate by points spread evenly over the circle, on a spiral of golden turns. */
#include <math.h>

#include "geofence/shape.h"

enum { SAMPLES = 400 };
#define GOLDEN_TURN 2.39996322972865332 /* radians */
#define BALL_RADIUS 6371008.8

struct frame { /* unit vectors at the middle of the circle */
	struct vec up, east, north;
};

static struct frame frame_at(struct lonlat p)
{
	double lat = earth_radians(p.lat), lon = earth_radians(p.lon);

	return (struct frame){
	        {cos(lat) * cos(lon), cos(lat) * sin(lon), sin(lat)},
	        {-sin(lon), cos(lon), 0},
	        {-sin(lat) * cos(lon), -sin(lat) * sin(lon), cos(lat)},
	};
}

static struct lonlat turned(const struct frame *f, double angle, double bearing)
{
	double u = cos(angle), e = sin(angle) * sin(bearing), n = sin(angle) * cos(bearing);
	struct vec v = {u * f->up.x + e * f->east.x + n * f->north.x, u * f->up.y + e * f->east.y + n * f->north.y,
	        u * f->up.z + e * f->east.z + n * f->north.z};

	/* latitudes stay those of the ellipsoid, as the frame has them */
	return (struct lonlat){atan2(v.y, v.x) / earth_radians(1), asin(fmin(1, fmax(-1, v.z))) / earth_radians(1)};
}

/* A cap of the ball has an area that grows with the square of the sine of half its angle. */
double matchrate(const struct fence *f, struct lonlat p, double radius_m)
{
	struct frame frame = frame_at(p);
	double half_sine = sin(fmin(radius_m / BALL_RADIUS, earth_radians(180)) / 2);
	double sum = 0;

	for (int i = 0; i < SAMPLES; i++) {
		double angle = 2.0 * asin(half_sine * sqrt((i + 0.5) / SAMPLES));
		enum place in = place_covers(f, turned(&frame, angle, i * GOLDEN_TURN));
		sum += in == PLACE_INSIDE ? 1.0 : in == PLACE_AMBIGUOUS ? 0.5 : 0;
	}
	return sum / SAMPLES;
}
