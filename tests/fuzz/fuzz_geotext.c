/* Any bytes as a text: what jansson takes, our reader takes. */
#include <stdlib.h>

#include "base/json.h"
#include "geofence/geotext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* jansson goes deeper than we do, and stops at a NUL. */
static bool comparable(const uint8_t *data, size_t size)
{
	unsigned brackets = 0;

	for (size_t i = 0; i < size; i++) {
		if (data[i] == 0)
			return false;
		brackets += data[i] == '[' || data[i] == '{';
	}
	return brackets <= GEOTEXT_DEPTH_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct geotext t = geotext_of(VIEW(data, size));
	struct err e = {0};
	struct view v = geotext_value(&t);
	bool ours = geotext_end(&t, &e) == 0;

	if (ours != (e.why == WHY_NONE) || v.n > size)
		abort();
	if (!comparable(data, size))
		return 0;
	AUTO(json_free) json_t *j = size > 0 ? json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL) : NULL;
	if (j != NULL && !ours) /* the other way round: bad UTF-8 and numbers past a double are not looked at here */
		abort();
	return 0;
}
