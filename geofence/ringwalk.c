/* Membership by a ray along every ring: needs no index, and says what the index has to say. */
#include "geofence/orient.h"
#include "geofence/shape.h"

static bool box_holds(const struct box *b, struct lonlat p)
{
	return b->west <= p.lon && p.lon <= b->east && b->south <= p.lat && p.lat <= b->north;
}

/* Where a ray from p to the east meets the edge: 1 crosses, 0 misses, -1 when p lies on the edge. An edge holds its
 * lower end and not its upper, so a ray through a vertex counts once. */
static int crosses(struct lonlat a, struct lonlat b, struct lonlat p)
{
	double west = a.lon < b.lon ? a.lon : b.lon;
	double east = a.lon < b.lon ? b.lon : a.lon;

	if (p.lon > east)
		return 0;
	if ((a.lat > p.lat) == (b.lat > p.lat)) {
		bool at_end = (a.lat == p.lat && a.lon == p.lon) || (b.lat == p.lat && b.lon == p.lon);
		bool level = a.lat == p.lat && b.lat == p.lat;
		return at_end || (level && p.lon >= west) ? -1 : 0;
	}
	if (p.lon < west)
		return 1;
	int side = orient_side(a, b, p);
	if (side == 0)
		return -1;
	return (side > 0) == (b.lat > a.lat);
}

static enum place in_loop(const struct fence *f, const struct loop *l, struct lonlat p)
{
	const struct lonlat *v = &f->at[l->first];
	bool odd = false;

	if (!box_holds(&l->box, p))
		return PLACE_OUTSIDE;
	for (uint32_t i = 0; i + 1 < l->count; i++) {
		int c = crosses(v[i], v[i + 1], p);
		if (c < 0)
			return PLACE_AMBIGUOUS;
		odd ^= c == 1;
	}
	return odd ? PLACE_INSIDE : PLACE_OUTSIDE;
}

static enum place in_polygon(const struct fence *f, const struct polygon *g, struct lonlat p)
{
	bool odd = false;

	if (!box_holds(&g->box, p))
		return PLACE_OUTSIDE;
	for (uint32_t i = 0; i < g->count; i++) {
		enum place in = in_loop(f, &f->loops[g->first + i], p);
		if (in == PLACE_AMBIGUOUS)
			return in;
		odd ^= in == PLACE_INSIDE;
	}
	return odd ? PLACE_INSIDE : PLACE_OUTSIDE;
}

enum place ringwalk(const struct fence *f, struct lonlat p, uint32_t *polygon)
{
	enum place sum = PLACE_OUTSIDE;

	for (size_t i = 0; i < f->n_polygons; i++) {
		enum place in = in_polygon(f, &f->polygons[i], p);
		if (in == PLACE_AMBIGUOUS)
			return in;
		if (in == PLACE_INSIDE && sum == PLACE_OUTSIDE)
			*polygon = (uint32_t)i;
		if (in == PLACE_INSIDE)
			sum = in;
	}
	return sum;
}
