/* Any bytes as a fence body: refused with a sentence, or a fence that never becomes surer when the fix gets worse. */
#include <stdlib.h>

#include "base/json.h"
#include "geofence/geofence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
	if (!held)
		abort();
}

static void try_fix(const struct fence *f, double lat, double lon)
{
	struct err e = {0};
	struct place_result last = {0}, now;

	for (double u = 0; u < FIX_UNCERTAINTY_MAX_M; u = 10 * u + 1) {
		struct fix x = {lat, lon, u};
		must(fence_decide(f, &x, &now, &e) == 0);
		must(now.distance_m >= 0 && now.needed_m > u);
		must(now.place == PLACE_AMBIGUOUS || now.distance_m > now.needed_m);
		must(u == 0 || now.place == last.place || now.place == PLACE_AMBIGUOUS);
		last = now;
	}
}

static void try_fence(const json_t *body)
{
	struct err e = {0};
	AUTO(fence_free) struct fence *f = fence_import(body, &e);

	must((f == NULL) == (e.why != WHY_NONE));
	if (f == NULL)
		return;
	must(fence_vertices(f) <= FENCE_VERTICES_MAX);
	static const double at[][2] = {{0, 0}, {50.1, 8.7}, {90, 0}, {-90, 180}, {0, 180}, {10, -180}, {89.999, 5}};
	for (size_t i = 0; i < COUNT(at); i++)
		try_fix(f, at[i][0], at[i][1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	AUTO(json_free) json_t *body = json_read(VIEW(data, size), 1 << 16, &e);

	if (body == NULL)
		return 0;
	try_fence(body);
	AUTO(json_free) json_t *geometry = fence_geometry_of(body, &e);
	AUTO(json_free)
	json_t *wrapped = geometry == NULL ? NULL
	                                   : json_pack("{s:O, s:i, s:s}", "geometry", geometry, "map_accuracy_m", 10,
	                                             "edges", "rfc7946");
	if (wrapped != NULL)
		try_fence(wrapped);
	return 0;
}
