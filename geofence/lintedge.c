#include <math.h>

#include "geofence/lint.h"

/* How far the middle of an edge that is straight in degrees is from the middle of the straight line on the ground, m. */
static double bulge(struct lonlat a, struct lonlat b, double wide)
{
	struct lonlat middle = {a.lon + wide / 2, (a.lat + b.lat) / 2}, end = {a.lon + wide, b.lat};
	struct vec p = earth_at(a), q = earth_at(end), m = earth_at(middle);
	struct vec s = {p.x + q.x, p.y + q.y, p.z + q.z};
	double across = sqrt(s.x * s.x + s.y * s.y + s.z * s.z), out = sqrt(m.x * m.x + m.y * m.y + m.z * m.z);

	if (across < 1) /* antipodes: any way is as short */
		return M_PI * EARTH_A / 2;
	return earth_distance(m, (struct vec){s.x / across * out, s.y / across * out, s.z / across * out});
}

static bool along_pole(const struct spot *a, const struct spot *b)
{
	return fabs(a->at.lat) == 90 && a->at.lat == b->at.lat;
}

static int check_seam(const struct fence_wish *w, const struct spot *a, const struct spot *b, int *turn, struct err *e)
{
	double wide = b->at.lon - a->at.lon;

	if (w->seam == SEAM_SPHERICAL) {
		*turn = wide > 180 ? -1 : wide < -180 ? 1 : 0;
		return 0;
	}
	if (fabs(wide) <= 180 || w->seam == SEAM_RFC7946 || along_pole(a, b))
		return 0;
	err_set(e, WHY_MALFORMED,
	        "the edge from longitude %.9g to %.9g goes around most of the earth, or over the date line", a->at.lon,
	        b->at.lon);
	return err_hint(e, "declare which: --seam spherical (the short way) or --seam rfc7946 (as drawn)");
}

/* A long edge is another line in each model, so somebody has to say which it is. */
static int check_bulge(const struct fence_wish *w, const struct spot *a, const struct spot *b, int turn, struct err *e)
{
	double wide = b->at.lon + 360.0 * turn - a->at.lon;

	if (w->edges == EDGES_GEODESIC && turn != 0 && fabs(wide) > 1) {
		err_set(e, WHY_MALFORMED, "the edge of %.3g degrees goes over the date line", fabs(wide));
		return err_hint(
		        e, "put a vertex at longitude 180: where a geodesic of that length meets it is not computed");
	}
	if (w->edges != EDGES_UNSAID || along_pole(a, b) || fabs(wide) < 0.02)
		return 0;
	double m = bulge(a->at, b->at, wide);
	if (m <= fmax(w->map_accuracy_m, 1))
		return 0;
	err_set(e, WHY_MALFORMED, "the edge of %.3g degrees bends %.3g km away from the straight line on the ground",
	        hypot(wide, b->at.lat - a->at.lat), m / 1000);
	return err_hint(e, "declare which is meant: --edges rfc7946 (straight in degrees) or --edges geodesic");
}

int lint_edge(const struct fence_wish *w, const struct spot *a, const struct spot *b, int *turn, struct err *e)
{
	*turn = 0;
	return check_seam(w, a, b, turn, e) != 0 ? -1 : check_bulge(w, a, b, *turn, e);
}
