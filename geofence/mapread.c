#include "geofence/mapread.h"

#include <math.h>

#include "geofence/orient.h"

int mapread_feature(struct map_reader *m, struct view id, struct view properties, bool *wanted, struct err *e)
{
	bool meant;

	m->feature++;
	if (pick_feature(m->pick, id, properties, &meant, e) != 0)
		return -1;
	*wanted = meant != m->others;
	return 0;
}

int mapread_feature_end(struct map_reader *m, struct err *e)
{
	return m->each != NULL ? m->each(m->ctx, e) : 0;
}

void mapread_skip(struct map_reader *m, struct view type)
{
	struct draft_ring where = {.feature = m->feature};

	if (m->report != NULL)
		report_add(m->report, FINDING_NOTED, &where, 0, "has no area (%.*s), left out",
		        type.n < 32 ? (int)type.n : 32, (const char *)type.p);
}

/* Written so that NaN is out of range. */
int mapread_put(struct map_reader *m, struct lonlat p, struct err *e)
{
	double most = m->wrapped ? 540 : 180;

	if (!(fabs(p.lat) <= 90)) {
		err_set(e, WHY_MALFORMED, "latitude %.9g is beyond 90", p.lat);
		return fabs(p.lon) <= 90 ? err_hint(e, "a position is [longitude, latitude]: these look swapped")
		                         : err_hint(e, "a position is [longitude, latitude] in degrees, not in metres "
		                                       "of a projection");
	}
	if (!(fabs(p.lon) <= most))
		return err_set(e, WHY_MALFORMED, "longitude %.9g is beyond %g", p.lon, most);
	if (fabs(p.lon) > 180)
		p.lon -= copysign(360, p.lon);
	struct lonlat kept = {fabs(p.lon) < ORIENT_TINY ? 0 : p.lon, fabs(p.lat) < ORIENT_TINY ? 0 : p.lat};
	uint32_t number = m->draft->rings[m->draft->n_rings - 1].count + 1;
	return draft_put(m->draft, (struct spot){.at = kept, .number = number}, e);
}

int mapread_array(struct geotext *t, const char *what,
        int (*each)(void *ctx, struct geotext *t, uint32_t n, struct err *e), void *ctx, struct err *e)
{
	uint32_t n = 0;

	if (geotext_kind(t) != '[')
		return geotext_ok(t) && t->r.at < t->r.n ? err_set(e, WHY_MALFORMED, "expected an array")
		                                         : geotext_broken(t, e);
	geotext_enter(t, '[');
	while (geotext_more(t, ']'))
		if (each(ctx, t, ++n, e) != 0)
			return err_in(e, "%s %u", what, n);
	if (geotext_ok(t))
		return 0;
	geotext_broken(t, e);
	return err_in(e, "%s %u", what, n + 1);
}

/* The member "type" of the top object, which may be its last. What is broken is found again, with its place. */
static struct view type_of(struct view map)
{
	struct geotext t = geotext_of(map);

	if (geotext_kind(&t) != '{')
		return VIEW(NULL, 0);
	geotext_enter(&t, '{');
	while (geotext_more(&t, '}')) {
		struct view key = geotext_key(&t), value = geotext_value(&t);
		if (view_is(key, "type"))
			return value;
	}
	return VIEW(NULL, 0);
}

int mapread(struct map_reader *m, struct view map, struct err *e)
{
	m->feature = 0;
	if (map.n >= 3 && map.p[0] == 0xef && map.p[1] == 0xbb &&
	        map.p[2] == 0xbf) /* the mark that some editors leave */
		map = VIEW(map.p + 3, map.n - 3);
	struct view type = type_of(map);
	return view_is(type, "\"Topology\"") ? topojson_read(m, map, e) : geojson_read(m, map, type, e);
}
