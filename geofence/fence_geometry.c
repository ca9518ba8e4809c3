#include <string.h>

#include "base/json.h"
#include "geofence/geofence.h"

static const char *type_of(const json_t *j)
{
	const char *type = json_string_value(json_object_get(j, "type"));

	return type != NULL ? type : "";
}

/* Only what a fence body takes: names, bounding boxes and foreign members are left behind. */
static json_t *bare(const json_t *geometry, struct err *e)
{
	const char *type = type_of(geometry);
	json_t *out;

	if (strcmp(type, "Polygon") == 0 || strcmp(type, "MultiPolygon") == 0)
		out = json_pack("{s:s, s:O?}", "type", type, "coordinates", json_object_get(geometry, "coordinates"));
	else if (strcmp(type, "Circle") == 0)
		out = json_pack("{s:s, s:O?, s:O?}", "type", type, "center", json_object_get(geometry, "center"),
		        "radius_m", json_object_get(geometry, "radius_m"));
	else {
		err_set(e, WHY_MALFORMED,
		        "expected a Polygon, MultiPolygon or Circle, a Feature or a FeatureCollection of them");
		return NULL;
	}
	if (out == NULL)
		err_set(e, WHY_SYSTEM, "no memory for the fence");
	return out;
}

static int gather(json_t *polygons, const json_t *geometry, struct err *e)
{
	const char *type = type_of(geometry);
	json_t *coordinates = json_object_get(geometry, "coordinates");
	int rc;

	if (!json_is_array(coordinates))
		return err_set(e, WHY_MALFORMED, "coordinates: expected an array");
	if (strcmp(type, "MultiPolygon") == 0)
		rc = json_array_extend(polygons, coordinates);
	else if (strcmp(type, "Polygon") == 0)
		rc = json_array_append(polygons, coordinates);
	else
		return err_set(e, WHY_MALFORMED, "only polygons can be gathered into one fence");
	return rc == 0 ? 0 : err_set(e, WHY_SYSTEM, "no memory for the fence");
}

static json_t *of_collection(const json_t *features, struct err *e)
{
	AUTO(json_free) json_t *polygons = json_array();
	size_t i;
	json_t *feature;

	if (json_array_size(features) == 1) /* may also be a circle */
		return bare(json_object_get(json_array_get(features, 0), "geometry"), e);
	if (json_array_size(features) == 0) {
		err_set(e, WHY_MALFORMED, "features: expected an array that is not empty");
		return NULL;
	}
	json_array_foreach(features, i, feature)
	{
		if (gather(polygons, json_object_get(feature, "geometry"), e) != 0) {
			err_in(e, "feature %zu", i + 1);
			return NULL;
		}
	}
	json_t *out = json_pack("{s:s, s:O}", "type", "MultiPolygon", "coordinates", polygons);
	if (out == NULL)
		err_set(e, WHY_SYSTEM, "no memory for the fence");
	return out;
}

json_t *fence_geometry_of(const json_t *geojson, struct err *e)
{
	const char *type = type_of(geojson);

	if (strcmp(type, "FeatureCollection") == 0)
		return of_collection(json_object_get(geojson, "features"), e);
	if (strcmp(type, "Feature") == 0)
		return bare(json_object_get(geojson, "geometry"), e);
	return bare(geojson, e);
}
