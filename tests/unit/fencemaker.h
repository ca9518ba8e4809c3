/* fencemaker: fences and verdicts for the tests of geofence/. */
#ifndef TESTS_FENCEMAKER_H
#define TESTS_FENCEMAKER_H

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "geofence/shape.h"

static struct err err;

static inline struct fence *fence_from(const char *body)
{
	AUTO(json_free) json_t *j = json_loads(body, 0, NULL);

	assert_non_null(j);
	err = (struct err){0};
	return fence_import(j, &err);
}

/* A fence of exact map: coordinates of a MultiPolygon. */
static inline struct fence *fence_of(const char *polygons)
{
	static char body[1 << 17];

	snprintf(body, sizeof body,
	        "{\"geometry\":{\"type\":\"MultiPolygon\",\"coordinates\":%s},\"map_accuracy_m\":0,\"edges\":"
	        "\"rfc7946\"}",
	        polygons);
	struct fence *f = fence_from(body);
	if (f == NULL)
		fail_msg("%s", err.text);
	return f;
}

static inline struct place_result decide(const struct fence *f, double lat, double lon, double uncertainty_m)
{
	struct fix x = {lat, lon, uncertainty_m};
	struct place_result r;

	if (fence_decide(f, &x, &r, &err) != 0)
		fail_msg("%s", err.text);
	return r;
}

static inline enum place place_at(const struct fence *f, double lat, double lon, double uncertainty_m)
{
	return decide(f, lat, lon, uncertainty_m).place;
}

#define assert_place(p, wanted) assert_string_equal(place_name(p), place_name(wanted))

static inline void refused(const char *body, const char *sentence)
{
	AUTO(fence_free) struct fence *f = fence_from(body);

	assert_null(f);
	assert_int_equal(err.why, WHY_MALFORMED);
	if (strstr(err.text, sentence) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, sentence);
}

static inline struct fence *fence_file(const char *name)
{
	char path[256];
	AUTO(mem_free) char *text = NULL;
	size_t n;

	snprintf(path, sizeof path, "tests/vectors/fence/%s.json", name);
	if (file_read(AT_FDCWD, path, 1 << 20, (uint8_t **)&text, &n, &err) != 0)
		fail_msg("%s", err.text);
	return fence_from(text);
}

/* xorshift64*: the same numbers in every run */
static inline uint64_t random_bits(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545F4914F6CDD1DU;
}

static inline double random_in(uint64_t *state, double lo, double hi)
{
	return lo + (hi - lo) * ((double)(random_bits(state) >> 11) * 0x1p-53);
}

#endif
