/* GeoJSON (RFC 7946) as a stream of rings. */
#include <string.h>

#include "geofence/mapread.h"

enum { GEOMETRIES_DEEP = 8 }; /* GeometryCollections in each other; RFC 7946 3.1.8 says to avoid even two */

struct reading {
	struct map_reader *m;
	uint32_t polygon; /* numbered through the feature */
	unsigned deep;
	bool altitude;
};

static int number(struct geotext *t, const char *name, double *out, struct err *e)
{
	if (geotext_kind(t) != '0') {
		if (t->r.at >= t->r.n)
			return geotext_broken(t, e);
		return err_set(e, WHY_MALFORMED, "%s is not a number", name);
	}
	*out = geotext_number(t);
	return geotext_ok(t) ? 0 : geotext_broken(t, e);
}

static int no_position(const struct geotext *t, struct err *e)
{
	return t->r.at < t->r.n ? err_set(e, WHY_MALFORMED, "expected [longitude, latitude]") : geotext_broken(t, e);
}

static int read_vertex(void *ctx, struct geotext *t, uint32_t n, struct err *e)
{
	struct reading *r = ctx;
	struct lonlat p;
	double ignored;

	(void)n;
	if (geotext_kind(t) != '[')
		return no_position(t, e);
	geotext_enter(t, '[');
	if (!geotext_more(t, ']') || number(t, "longitude", &p.lon, e) != 0 || !geotext_more(t, ']') ||
	        number(t, "latitude", &p.lat, e) != 0)
		return e->why != WHY_NONE ? -1 : no_position(t, e);
	while (geotext_more(t, ']')) {
		r->altitude = true;
		if (number(t, "altitude", &ignored, e) != 0)
			return -1;
	}
	return geotext_ok(t) ? mapread_put(r->m, p, e) : geotext_broken(t, e);
}

static int read_ring(void *ctx, struct geotext *t, uint32_t n, struct err *e)
{
	struct reading *r = ctx;

	if (draft_begin(r->m->draft, r->m->feature, r->polygon, n, e) != 0)
		return -1;
	return mapread_array(t, "vertex", read_vertex, ctx, e);
}

static int read_polygon(void *ctx, struct geotext *t, uint32_t n, struct err *e)
{
	struct reading *r = ctx;

	(void)n;
	r->polygon++;
	return mapread_array(t, "ring", read_ring, ctx, e);
}

static int read_geometry(struct reading *r, struct view geometry, struct err *e);

static int read_member(void *ctx, struct geotext *t, uint32_t n, struct err *e)
{
	struct geotext before = *t;
	struct view geometry = geotext_value(t);

	(void)n;
	if (!geotext_ok(t)) /* read on to say where */
		geometry = VIEW(before.r.p + before.r.at, before.r.n - before.r.at);
	return read_geometry(ctx, geometry, e);
}

static int read_coordinates(struct reading *r, struct geotext *t, struct view type, struct err *e)
{
	if (view_is(type, "\"Polygon\"")) {
		int rc = read_polygon(r, t, 1, e);
		return rc == 0 ? 0 : err_in(e, "polygon %u", r->polygon);
	}
	return mapread_array(t, "polygon", read_polygon, r, e);
}

static int read_geometry(struct reading *r, struct view geometry, struct err *e)
{
	enum { TYPE, COORDINATES, GEOMETRIES, SLOTS };
	struct geotext_slot s[SLOTS] = {{.name = "type"}, {.name = "coordinates"}, {.name = "geometries"}};
	struct err broken = {0};
	int rc = view_is(geometry, "null") ? 0 : geotext_members(geometry, s, SLOTS, &broken), read = 0;
	struct geotext t = geotext_of(s[COORDINATES].value), inner = geotext_of(s[GEOMETRIES].value);

	if (view_is(s[TYPE].value, "\"GeometryCollection\"")) {
		if (++r->deep > GEOMETRIES_DEEP)
			return err_set(e, WHY_MALFORMED, "collections are nested deeper than %d", GEOMETRIES_DEEP);
		read = mapread_array(&inner, "geometry", read_member, r, e);
		r->deep--;
	} else if (view_is(s[TYPE].value, "\"Polygon\"") || view_is(s[TYPE].value, "\"MultiPolygon\"")) {
		read = read_coordinates(r, &t, s[TYPE].value, e);
	} else if (rc == 0) {
		mapread_skip(r->m, s[TYPE].value.n > 0 ? s[TYPE].value : geometry);
	}
	if (read == 0 && rc != 0)
		*e = broken;
	return read != 0 ? read : rc;
}

static int read_wanted(struct map_reader *m, struct view geometry, struct err *e)
{
	struct reading r = {.m = m};
	struct draft_ring where = {.feature = m->feature};

	if (read_geometry(&r, geometry, e) != 0)
		return -1;
	if (r.altitude && m->report != NULL)
		report_add(m->report, FINDING_NOTED, &where, 0, "has altitudes, left out");
	return mapread_feature_end(m, e);
}

static int read_feature(void *ctx, struct geotext *t, uint32_t n, struct err *e)
{
	enum { TYPE, ID, PROPERTIES, GEOMETRY, SLOTS };
	struct geotext_slot s[SLOTS] = {{.name = "type"}, {.name = "id"}, {.name = "properties"}, {.name = "geometry"}};
	struct err broken = {0};
	bool wanted;
	int rc = geotext_fields(t, s, SLOTS, &broken);

	(void)n;
	if (rc == 0 && !view_is(s[TYPE].value, "\"Feature\""))
		return err_set(e, WHY_MALFORMED, "type: expected Feature");
	if (rc != 0 && s[GEOMETRY].value.n > 0 && read_wanted(ctx, s[GEOMETRY].value, e) != 0)
		return -1;
	if (rc != 0) {
		*e = broken;
		return -1;
	}
	if (mapread_feature(ctx, s[ID].value, s[PROPERTIES].value, &wanted, e) != 0)
		return -1;
	return wanted ? read_wanted(ctx, s[GEOMETRY].value, e) : 0;
}

static int read_one(struct map_reader *m, struct view top, bool feature, struct err *e)
{
	struct geotext t = geotext_of(top);
	bool wanted;

	if (feature)
		return read_feature(m, &t, 1, e) != 0 ? -1 : geotext_end(&t, e);
	if (mapread_feature(m, VIEW(NULL, 0), VIEW(NULL, 0), &wanted, e) != 0)
		return -1;
	return wanted ? read_wanted(m, top, e) : 0;
}

/* The members of a FeatureCollection, features as they come. */
static int read_collection(struct map_reader *m, struct view top, struct err *e)
{
	struct geotext t = geotext_of(top);
	bool seen = false;

	geotext_enter(&t, '{');
	while (geotext_more(&t, '}')) {
		struct view key = geotext_key(&t);
		if (!view_is(key, "features")) {
			(void)geotext_value(&t);
			continue;
		}
		if (seen)
			return err_set(e, WHY_MALFORMED, "features: there twice");
		seen = true;
		if (mapread_array(&t, "feature", read_feature, m, e) != 0)
			return -1;
	}
	if (geotext_end(&t, e) != 0)
		return -1;
	return seen ? 0 : err_set(e, WHY_MALFORMED, "features: missing");
}

int geojson_read(struct map_reader *m, struct view top, struct view type, struct err *e)
{
	if (view_is(type, "\"FeatureCollection\""))
		return read_collection(m, top, e);
	return read_one(m, top, view_is(type, "\"Feature\""), e);
}
