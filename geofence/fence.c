#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "geofence/orient.h"
#include "geofence/shape.h"

static void free_arrays(struct fence *f)
{
	struct flat arrays[FLAT_ARRAYS];

	flat_arrays(f, arrays);
	for (size_t i = 0; i < FLAT_ARRAYS; i++)
		free(*arrays[i].array);
}

void fence_free(struct fence *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->n_parts; i++)
		fence_free(f->parts[i]);
	if (!f->borrowed)
		free_arrays(f);
	free(f->parts);
	free(f->points);
	free(f);
}

const uint8_t *fence_digest(const struct fence *f)
{
	return f->digest;
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

/* From rings or a line, as they were read, to what decisions need. */
static int index_shape(struct fence *f, struct err *e)
{
	digest_fence(f);
	if (f->geodesic) {
		if (densify(f, e) != 0)
			return -1;
		f->map_accuracy_m += GEODESIC_GAP_M;
	}
	if (f->half_width_m > 0)
		return border_make(f, e);
	return seam_find(f, e) || border_make(f, e) || grid_build(f, e) ? -1 : 0;
}

static int import_polygons(struct fence *f, const json_t *geometry, bool multi, struct err *e)
{
	static const char *const members[] = {"type", "coordinates", NULL};

	if (json_only(geometry, members, e) != 0)
		return -1;
	return rings_read(f, json_object_get(geometry, "coordinates"), multi, e) || index_shape(f, e) ? -1 : 0;
}

static int import_corridor(struct fence *f, const json_t *geometry, struct err *e)
{
	static const char *const members[] = {"type", "coordinates", "width_m", NULL};
	double width;

	if (json_only(geometry, members, e) != 0 ||
	        json_get_num(geometry, "width_m", 0, FENCE_RADIUS_MAX_M, &width, e) != 0)
		return -1;
	if (width <= 0)
		return err_set(e, WHY_MALFORMED, "width_m: a corridor of no width holds nothing");
	f->half_width_m = width / 2;
	return rings_line(f, json_object_get(geometry, "coordinates"), e) || index_shape(f, e) ? -1 : 0;
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
		return -1;
	if (f->radius_m <= 0)
		return err_set(e, WHY_MALFORMED, "radius_m: a circle of no size holds nothing");
	digest_fence(f);
	return 0;
}

static int read_edge_model(struct fence *f, const json_t *body, const char *type, struct err *e)
{
	const char *model;

	if (strcmp(type, "Circle") == 0)
		return json_object_get(body, "edges") == NULL ? 0
		                                              : err_set(e, WHY_MALFORMED, "edges: a circle has none");
	if (json_get_str(body, "edges", &model, e) != 0)
		return err_hint(e, "say how lines between vertices run: \"edges\": \"rfc7946\" or \"geodesic\"");
	f->geodesic = strcmp(model, "geodesic") == 0;
	if (!f->geodesic && strcmp(model, "rfc7946") != 0)
		return err_set(e, WHY_MALFORMED, "edges: the edge models are \"rfc7946\" and \"geodesic\"");
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

static int import_shape(struct fence *f, const json_t *geometry, const char *type, struct err *e)
{
	if (strcmp(type, "Circle") == 0)
		return import_circle(f, geometry, e);
	if (strcmp(type, "Corridor") == 0)
		return import_corridor(f, geometry, e);
	if (strcmp(type, "Polygon") == 0 || strcmp(type, "MultiPolygon") == 0)
		return import_polygons(f, geometry, type[0] == 'M', e);
	return err_set(e, WHY_MALFORMED,
	        "type: expected Polygon, MultiPolygon, Circle, Corridor or a GeometryCollection of them");
}

static int import_part(struct fence *f, const json_t *geometry, struct err *e)
{
	AUTO(fence_free) struct fence *part = calloc(1, sizeof(*part));
	const char *type;

	if (part == NULL)
		return err_set(e, WHY_SYSTEM, "no memory for the fence");
	part->map_accuracy_m = f->map_accuracy_m;
	if (json_get_str(geometry, "type", &type, e) != 0)
		return -1;
	part->geodesic = f->geodesic && strcmp(type, "Circle") != 0;
	if (import_shape(part, geometry, type, e) != 0)
		return -1;
	f->n_positions += part->n_positions;
	f->parts[f->n_parts++] = TAKE(part);
	return 0;
}

static int import_union(struct fence *f, const json_t *collection, struct err *e)
{
	static const char *const members[] = {"type", "geometries", NULL};
	const json_t *geometries = json_object_get(collection, "geometries");
	size_t i, n = json_array_size(geometries);
	json_t *geometry;

	if (json_only(collection, members, e) != 0)
		return -1;
	if (n == 0 || n > FENCE_PARTS_MAX)
		return err_set(e, WHY_MALFORMED, "geometries: expected an array of 1 to %d", FENCE_PARTS_MAX);
	f->parts = calloc(n, sizeof(struct fence *));
	if (f->parts == NULL)
		return err_set(e, WHY_SYSTEM, "no memory for the fence");
	json_array_foreach(geometries, i, geometry)
	{
		if (import_part(f, geometry, e) != 0)
			return err_in(e, "part %zu", i + 1);
		if (f->n_positions > FENCE_VERTICES_MAX)
			return err_set(e, WHY_MALFORMED, "the fence has more than %d vertices", FENCE_VERTICES_MAX);
	}
	digest_fence(f);
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
	if (read_edge_model(f, body, type, e) != 0)
		return -1;
	bool many = strcmp(type, "GeometryCollection") == 0;
	if ((many ? import_union(f, geometry, e) : import_shape(f, geometry, type, e)) != 0)
		return err_in(e, "geometry");
	return 0;
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
