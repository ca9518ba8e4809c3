/* Any bytes as a map: refused with a sentence, or a fence whose report and body hold together. */
#include <stdlib.h>

#include "geofence/geofence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try(const uint8_t *data, size_t size, enum fence_seam seam, const char *countries)
{
	static struct fence_report report;
	struct fence_wish w = {.map = VIEW(data, size),
	        .map_accuracy_m = 1000,
	        .edges = EDGES_RFC7946,
	        .seam = seam,
	        .countries = countries};
	char *body = NULL;
	struct err e = {0};
	int rc = fence_from_map(&w, &body, &report, &e);

	if ((rc == 0) != (e.why == WHY_NONE) || (rc == 0) != (body != NULL))
		abort();
	if (rc == 0 && (report.vertices == 0 || report.features == 0 || report.n > FENCE_FINDINGS_MAX))
		abort();
	free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 65536)
		return 0;
	try(data, size, SEAM_SPHERICAL, NULL);
	try(data, size, SEAM_RFC7946, "DE");
	return 0;
}
