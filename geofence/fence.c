#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "geofence/orient.h"
#include "geofence/shape.h"

void fence_free(struct fence *f)
{
	if (f == NULL)
		return;
	for (int s = 0; s < SIDE_COUNT; s++)
		free(f->inside[s].s);
	free(f->polygons);
	free(f->loops);
	free(f->points);
	free(f->at);
	free(f->edges);
	free(f->balls.b);
	free(f->grid.cells);
	free(f->grid.leaves);
	free(f);
}

size_t fence_vertices(const struct fence *f)
{
	return f->n_positions;
}

int fence_decide(const struct fence *f, const struct fix *x, struct place_result *out, struct err *e)
{
	if (fix_ok(x, e) != 0)
		return -1;
	place_decide(f, x, out);
	return 0;
}

int fence_place(const struct fence *f, const struct fix *x, enum place *out, struct err *e)
{
	if (fix_ok(x, e) != 0)
		return -1;
	*out = place_quick(f, x);
	return 0;
}

enum place fence_covers(const struct fence *f, double lat_deg, double lon_deg)
{
	bool is_place = fabs(lat_deg) <= 90 && fabs(lon_deg) <= 180;

	return is_place ? place_covers(f, (struct lonlat){lon_deg, lat_deg}) : PLACE_AMBIGUOUS;
}

long fence_polygon(const struct fence *f, double lat_deg, double lon_deg)
{
	uint32_t polygon;

	if (f->n_polygons == 0 || !(fabs(lat_deg) < 90 && fabs(lon_deg) < 180))
		return -1;
	return locate(f, (struct lonlat){lon_deg, lat_deg}, &polygon) == PLACE_INSIDE ? (long)polygon : -1;
}

static int import_polygons(struct fence *f, const json_t *geometry, bool multi, struct err *e)
{
	static const char *const members[] = {"type", "coordinates", NULL};

	if (json_only(geometry, members, e) != 0)
		return err_in(e, "geometry");
	if (rings_read(f, json_object_get(geometry, "coordinates"), multi, e) != 0)
		return err_in(e, "geometry");
	return seam_find(f, e) || border_make(f, e) || grid_build(f, e) ? -1 : 0;
}

static int read_centre(const json_t *centre, struct lonlat *out, struct err *e)
{
	double lon = json_number_value(json_array_get(centre, 0));
	double lat = json_number_value(json_array_get(centre, 1));

	if (json_array_size(centre) != 2 || !json_is_number(json_array_get(centre, 0)) ||
	        !json_is_number(json_array_get(centre, 1)) || !(fabs(lon) <= 180 && fabs(lat) <= 90))
		return err_set(e, WHY_MALFORMED, "center: expected [longitude, latitude] in degrees");
	*out = (struct lonlat){lon, lat};
	return 0;
}

static int import_circle(struct fence *f, const json_t *geometry, struct err *e)
{
	static const char *const members[] = {"type", "center", "radius_m", NULL};

	f->circle = true;
	if (json_only(geometry, members, e) != 0 ||
	        read_centre(json_object_get(geometry, "center"), &f->centre, e) != 0 ||
	        json_get_num(geometry, "radius_m", 0, FENCE_RADIUS_MAX_M, &f->radius_m, e) != 0)
		return err_in(e, "geometry");
	if (f->radius_m <= 0)
		return err_set(e, WHY_MALFORMED, "geometry: radius_m: a circle of no size holds nothing");
	return 0;
}

/* A line between two vertices is straight in longitude and latitude (RFC 7946 3.1.1); no other model is known yet. */
static int check_edge_model(const json_t *body, bool circle, struct err *e)
{
	const char *model;

	if (circle)
		return json_object_get(body, "edges") == NULL ? 0
		                                              : err_set(e, WHY_MALFORMED, "edges: a circle has none");
	if (json_get_str(body, "edges", &model, e) != 0)
		return err_hint(e, "say how lines between vertices run: \"edges\": \"rfc7946\"");
	if (strcmp(model, "rfc7946") != 0)
		return err_set(e, WHY_MALFORMED, "edges: the only edge model is \"rfc7946\"");
	return 0;
}

/* Members that say where the fence comes from: kept for people, no part of the decision. */
static int check_origin(const json_t *body, struct err *e)
{
	static const char *const members[] = {"id", "provenance", "licence", "seam", NULL};
	const char *text;

	for (size_t i = 0; members[i] != NULL; i++) {
		if (json_object_get(body, members[i]) == NULL)
			continue;
		if (json_get_str(body, members[i], &text, e) != 0)
			return -1;
		if (strlen(text) > FENCE_TEXT_MAX)
			return err_set(e, WHY_MALFORMED, "%s: longer than %d bytes", members[i], FENCE_TEXT_MAX);
	}
	text = json_text(body, "seam");
	if (*text != 0 && strcmp(text, "rfc7946") != 0 && strcmp(text, "spherical") != 0)
		return err_set(e, WHY_MALFORMED, "seam: expected \"rfc7946\" or \"spherical\"");
	return 0;
}

static int import_body(struct fence *f, const json_t *body, struct err *e)
{
	static const char *const members[] = {
	        "geometry", "map_accuracy_m", "edges", "id", "provenance", "licence", "seam", NULL};
	const json_t *geometry = json_object_get(body, "geometry");
	const char *type;

	if (json_only(body, members, e) != 0 || check_origin(body, e) != 0 ||
	        json_get_num(body, "map_accuracy_m", 0, FENCE_ACCURACY_MAX_M, &f->map_accuracy_m, e) != 0)
		return -1;
	if (!json_is_object(geometry))
		return err_set(e, WHY_MALFORMED, "geometry: expected an object");
	if (json_get_str(geometry, "type", &type, e) != 0)
		return err_in(e, "geometry");
	if (check_edge_model(body, strcmp(type, "Circle") == 0, e) != 0)
		return -1;
	if (strcmp(type, "Circle") == 0)
		return import_circle(f, geometry, e);
	if (strcmp(type, "Polygon") == 0 || strcmp(type, "MultiPolygon") == 0)
		return import_polygons(f, geometry, type[0] == 'M', e);
	return err_set(e, WHY_MALFORMED, "geometry: type: expected Polygon, MultiPolygon or Circle");
}

struct fence *fence_import(const json_t *body, struct err *e)
{
	AUTO(fence_free) struct fence *f = calloc(1, sizeof(*f));

	if (f == NULL) {
		err_set(e, WHY_SYSTEM, "no memory for the fence");
		return NULL;
	}
	return import_body(f, body, e) == 0 ? TAKE(f) : NULL;
}
