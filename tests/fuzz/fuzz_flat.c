/* Any bytes as a compiled fence, with a hash that fits: refused, or a fence that decides. */
#include <stdlib.h>
#include <string.h>

#include "base/sha.h"
#include "geofence/geofence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 56, HASH = 24 };

static void decide(const struct fence *f)
{
	static const double at[][2] = {{0, 0}, {50.1, 8.7}, {90, 0}, {-90, 180}, {0, 180}, {10, -180}, {2, 2}, {-1, 5}};

	for (size_t i = 0; i < COUNT(at); i++) {
		for (double u = 1; u < FIX_UNCERTAINTY_MAX_M; u *= 100) {
			struct fix x = {at[i][0], at[i][1], u};
			struct err e = {0};
			struct place_result r;
			enum place quick;
			if (fence_decide(f, &x, &r, &e) != 0 || fence_place(f, &x, &quick, &e) != 0)
				abort();
		}
		(void)fence_polygon(f, at[i][0], at[i][1]);
	}
}

static void try_open(uint8_t *bytes, size_t size)
{
	struct err e = {0};
	struct fence *f = fence_open(VIEW(bytes, size), &e);

	if ((f == NULL) != (e.why != WHY_NONE))
		abort();
	if (f != NULL)
		decide(f);
	fence_free(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size + 1);

	if (copy == NULL)
		return 0;
	memcpy(copy, data, size);
	if (size > HEAD)
		sha256(copy + HASH, VIEW(copy + HEAD, size - HEAD));
	try_open(copy, size);
	free(copy);
	return 0;
}
