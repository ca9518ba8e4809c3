/* Any bytes as a text: what our reader takes, jansson takes, and the other way round but for depth and repeated names. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "geofence/geotext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct geotext t = geotext_of(VIEW(data, size));
	struct err e = {0};
	struct view v = geotext_value(&t);
	bool ours = geotext_end(&t, &e) == 0;

	if (ours != (e.why == WHY_NONE) || v.n > size)
		abort();
	AUTO(json_free) json_t *j = size > 0 ? json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL) : NULL;
	/* jansson refuses more: bad UTF-8, lone surrogates, NUL, numbers past a double */
	if (j != NULL && !ours && memchr(data, '[', size) == NULL && memchr(data, '{', size) == NULL)
		abort();
	if (geotext_kind(&t) != 0 && ours)
		abort();
	return 0;
}
