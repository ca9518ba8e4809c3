/* A fixed site that moves is found in two ways: the latest fixes lie away from where the tag says; or they lie elsewhere
 * than those of a minute before, which is finer and needs no tag. A receiver wanders slowly by itself, so nothing is
 * compared with long ago, and the limit grows with how far the fixes scatter. */
#include <math.h>

#include "geofence/gnsswatch.h"

#define DEGREE_M 111e3 /* of latitude; a median is not so good that the rest would matter */

/* Of the median of SITE_LONG, and of SITE_SHORT: in half-widths of the scatter, and at the least. tests/unit/
 * test_sitewatch.c has the days and nights that they come from. */
#define LONG_TIMES   2.4
#define LONG_LEAST_M 14.0 /* how far a good receiver may wander in a minute */
#define SHORT_TIMES  6.0

static double median(double *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		double x = v[i];
		size_t j = i;
		for (; j > 0 && v[j - 1] > x; j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* The fix that is `back` before the newest. */
static struct lonlat kept(const struct sitewatch *w, size_t back)
{
	return w->at[(w->n - 1 - back) % SITE_KEPT];
}

/* Longitudes are taken around that of the newest fix: the date line is no border. */
static double turned(double lon, double around)
{
	return lon - around > 180 ? lon - 360 : lon - around < -180 ? lon + 360 : lon;
}

/* The median place of the n fixes that end `back` before the newest. */
static struct lonlat middle(const struct sitewatch *w, size_t back, size_t n)
{
	double lon[SITE_LONG], lat[SITE_LONG], around = kept(w, 0).lon;

	for (size_t i = 0; i < n; i++) {
		struct lonlat p = kept(w, back + i);
		lon[i] = turned(p.lon, around);
		lat[i] = p.lat;
	}
	return (struct lonlat){median(lon, n), median(lat, n)};
}

static double metres(struct lonlat a, struct lonlat b)
{
	return DEGREE_M * hypot((turned(a.lon, b.lon) - b.lon) * cos(earth_radians(b.lat)), a.lat - b.lat);
}

/* Half of the fixes are not farther than that from their middle. */
static double scatter(const struct sitewatch *w, size_t back, size_t n, struct lonlat from)
{
	double away[SITE_LONG];

	for (size_t i = 0; i < n; i++)
		away[i] = metres(kept(w, back + i), from);
	return median(away, n);
}

bool sitewatch_feed(struct sitewatch *w, double lat_deg, double lon_deg)
{
	w->at[w->n++ % SITE_KEPT] = (struct lonlat){lon_deg, lat_deg};
	if (w->n < SITE_KEPT)
		return false;
	struct lonlat before = middle(w, SITE_GAP, SITE_LONG);
	double wide = scatter(w, SITE_GAP, SITE_LONG, before);
	return metres(middle(w, 0, SITE_SHORT), before) > fmax(SHORT_TIMES * wide, 2 * LONG_LEAST_M) ||
	       metres(middle(w, 0, SITE_LONG), before) > fmax(LONG_TIMES * wide, LONG_LEAST_M);
}

bool sitewatch_away(const struct sitewatch *w, double eph_m, double k)
{
	if (!w->has_site || w->n < SITE_SHORT)
		return false;
	struct lonlat p = middle(w, 0, SITE_SHORT);
	struct fix here = {.lat_deg = p.lat, .lon_deg = turned(p.lon, 0)};
	return apart_m(&here, &w->site) > k * hypot(w->site.uncertainty_m, eph_m);
}
