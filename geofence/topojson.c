/* TopoJSON 1.0 as rings: arcs are decoded once, rings join them, so what two countries share is the same to the last bit. */
#include <math.h>
#include <stdlib.h>

#include "geofence/mapread.h"

enum { ARCS_MAX = 1000000 };
#define PER_DEG 1e6 /* quantised positions are rounded to 0.1 m; the grid of any map is far coarser */

struct arcs { /* arc i: at[first[i] .. first[i + 1]) */
	struct lonlat *at;
	uint32_t *first;
	size_t n_at, n, cap_at, cap;
	double scale[2], translate[2];
	bool quantised;
	struct lonlat sum; /* of the steps so far, in grid units */
};

struct topology {
	struct map_reader *m;
	struct arcs arcs;
	uint32_t polygon;
	struct lonlat last; /* put into the ring */
};

static void arcs_free(struct arcs *a)
{
	free(a->at);
	free(a->first);
}
AUTO_DEFINE(struct arcs *, arcs_free)

static int grow(void **p, size_t n, size_t *cap, size_t size, struct err *e)
{
	if (n < *cap)
		return 0;
	size_t more = *cap == 0 ? 1024 : 2 * *cap;
	void *grown = realloc(*p, more * size);
	if (grown == NULL)
		return err_set(e, WHY_SYSTEM, "no memory for the map");
	*p = grown;
	*cap = more;
	return 0;
}

static int two_numbers(struct geotext *t, double out[2], struct err *e)
{
	size_t n = 0;

	if (geotext_kind(t) != '[')
		return geotext_broken(t, e);
	geotext_enter(t, '[');
	while (geotext_more(t, ']')) {
		double x = geotext_number(t);
		if (n < 2)
			out[n] = x;
		n++;
	}
	if (!geotext_ok(t))
		return geotext_broken(t, e);
	return n >= 2 ? 0 : err_set(e, WHY_MALFORMED, "expected two numbers");
}

/* Steps of the grid, summed up; or plain degrees. Rounding sends equal steps to equal degrees. */
static struct lonlat decode(struct arcs *a, const double v[2])
{
	if (!a->quantised)
		return (struct lonlat){v[0], v[1]};
	a->sum.lon += v[0];
	a->sum.lat += v[1];
	return (struct lonlat){rint((a->sum.lon * a->scale[0] + a->translate[0]) * PER_DEG) / PER_DEG,
	        rint((a->sum.lat * a->scale[1] + a->translate[1]) * PER_DEG) / PER_DEG};
}

static int read_step(void *ctx, struct geotext *t, uint32_t n, struct err *e)
{
	struct arcs *a = ctx;
	double v[2];

	(void)n;
	if (two_numbers(t, v, e) != 0)
		return -1;
	if (a->n_at == DRAFT_VERTICES_MAX)
		return err_set(e, WHY_MALFORMED, "the map has more than %d vertices", DRAFT_VERTICES_MAX);
	if (grow((void **)&a->at, a->n_at, &a->cap_at, sizeof(*a->at), e) != 0)
		return -1;
	a->at[a->n_at++] = decode(a, v);
	return 0;
}

static int read_arc(void *ctx, struct geotext *t, uint32_t n, struct err *e)
{
	struct arcs *a = ctx;

	if (n > ARCS_MAX)
		return err_set(e, WHY_MALFORMED, "the map has more than %d arcs", ARCS_MAX);
	a->sum = (struct lonlat){0, 0};
	if (mapread_array(t, "position", read_step, a, e) != 0 ||
	        grow((void **)&a->first, a->n + 1, &a->cap, sizeof(*a->first), e) != 0)
		return -1;
	a->first[++a->n] = (uint32_t)a->n_at;
	return 0;
}

static int read_transform(struct arcs *a, struct view transform, struct err *e)
{
	enum { SCALE, TRANSLATE, SLOTS };
	struct geotext_slot s[SLOTS] = {{.name = "scale"}, {.name = "translate"}};

	if (transform.n == 0)
		return 0;
	if (geotext_members(transform, s, SLOTS, e) != 0)
		return err_in(e, "transform");
	struct geotext scale = geotext_of(s[SCALE].value), translate = geotext_of(s[TRANSLATE].value);
	if (two_numbers(&scale, a->scale, e) != 0 || two_numbers(&translate, a->translate, e) != 0)
		return err_in(e, "transform");
	a->quantised = true;
	return 0;
}

static int read_arcs(struct arcs *a, struct view transform, struct view arcs, struct err *e)
{
	struct geotext t = geotext_of(arcs);

	if (read_transform(a, transform, e) != 0 || grow((void **)&a->first, 0, &a->cap, sizeof(*a->first), e) != 0)
		return -1;
	a->first[0] = 0;
	return mapread_array(&t, "arc", read_arc, a, e);
}

/* The end of one arc is the start of the next: it is taken once. */
static int put_arc(struct topology *t, uint32_t arc, bool backwards, struct err *e)
{
	const struct arcs *a = &t->arcs;
	uint32_t first = a->first[arc], end = a->first[arc + 1];
	const struct draft_ring *r = &t->m->draft->rings[t->m->draft->n_rings - 1];

	for (uint32_t i = first; i < end; i++) {
		struct lonlat p = a->at[backwards ? end - 1 - (i - first) : i];
		bool again = i == first && r->count > 0 && lonlat_same(p, t->last);
		if (!again && mapread_put(t->m, p, e) != 0)
			return err_in(e, "arc %u", arc);
		t->last = p;
	}
	return 0;
}

/* TopoJSON 2.1.4: a negative index is the complement of the arc that is run through backwards. */
static int read_index(void *ctx, struct geotext *text, uint32_t n, struct err *e)
{
	struct topology *t = ctx;
	double x = geotext_number(text);
	bool backwards = x < 0;
	double arc = backwards ? -1 - x : x;

	(void)n;
	if (!geotext_ok(text))
		return geotext_broken(text, e);
	if (!(arc >= 0 && arc < (double)t->arcs.n && arc == floor(arc)))
		return err_set(e, WHY_MALFORMED, "there is no arc %.9g", x);
	return put_arc(t, (uint32_t)arc, backwards, e);
}

static int read_ring(void *ctx, struct geotext *text, uint32_t n, struct err *e)
{
	struct topology *t = ctx;

	if (draft_begin(t->m->draft, t->m->feature, t->polygon, n, e) != 0)
		return -1;
	return mapread_array(text, "arc of the ring", read_index, ctx, e);
}

static int read_polygon(void *ctx, struct geotext *text, uint32_t n, struct err *e)
{
	struct topology *t = ctx;

	(void)n;
	t->polygon++;
	return mapread_array(text, "ring", read_ring, ctx, e);
}

enum { TYPE, ID, PROPERTIES, ARCS, GEOMETRIES, GEOMETRY_SLOTS };

static int read_geometry(void *ctx, struct geotext *text, uint32_t n, struct err *e)
{
	struct geotext_slot s[GEOMETRY_SLOTS] = {
	        {.name = "type"}, {.name = "id"}, {.name = "properties"}, {.name = "arcs"}, {.name = "geometries"}};
	struct topology *t = ctx;
	struct view type;
	bool wanted;

	(void)n;
	if (geotext_members(geotext_value(text), s, GEOMETRY_SLOTS, e) != 0 ||
	        mapread_feature(t->m, s[ID].value, s[PROPERTIES].value, &wanted, e) != 0)
		return -1;
	if (!wanted)
		return 0;
	struct geotext arcs = geotext_of(s[ARCS].value);
	type = s[TYPE].value;
	t->polygon = 0;
	if (view_is(type, "\"MultiPolygon\"")) {
		if (mapread_array(&arcs, "polygon", read_polygon, t, e) != 0)
			return -1;
	} else if (view_is(type, "\"Polygon\"")) {
		if (read_polygon(t, &arcs, 1, e) != 0)
			return -1;
	} else {
		mapread_skip(t->m, type);
	}
	return mapread_feature_end(t->m, e);
}

static int read_object(struct topology *t, struct view object, struct err *e)
{
	struct geotext_slot s[] = {{.name = "type"}, {.name = "geometries"}};
	struct geotext one = geotext_of(object);

	if (geotext_members(object, s, COUNT(s), e) != 0)
		return -1;
	if (!view_is(s[0].value, "\"GeometryCollection\""))
		return read_geometry(t, &one, 1, e);
	struct geotext geometries = geotext_of(s[1].value);
	return mapread_array(&geometries, "feature", read_geometry, t, e);
}

/* The object of that name, or the first. */
static struct view find_object(struct view objects, const char *layer)
{
	struct geotext t = geotext_of(objects);

	if (geotext_kind(&t) != '{')
		return VIEW(NULL, 0);
	geotext_enter(&t, '{');
	while (geotext_more(&t, '}')) {
		struct view key = geotext_key(&t), value = geotext_value(&t);
		if (layer == NULL || view_is(key, layer))
			return value;
	}
	return VIEW(NULL, 0);
}

int topojson_read(struct map_reader *m, struct view top, struct err *e)
{
	enum { OBJECTS, TRANSFORM, ALL_ARCS, SLOTS };
	struct geotext_slot s[SLOTS] = {{.name = "objects"}, {.name = "transform"}, {.name = "arcs"}};
	struct topology t = {.m = m};
	AUTO(arcs_free) struct arcs *owned = &t.arcs;

	(void)owned;
	if (geotext_members(top, s, SLOTS, e) != 0 || read_arcs(&t.arcs, s[TRANSFORM].value, s[ALL_ARCS].value, e) != 0)
		return -1;
	struct view object = find_object(s[OBJECTS].value, m->layer);
	if (object.n == 0)
		return m->layer != NULL
		               ? err_set(e, WHY_UNKNOWN, "the map has no object %s", m->layer)
		               : err_set(e, WHY_MALFORMED, "objects: expected an object with one member or more");
	return read_object(&t, object, e);
}
