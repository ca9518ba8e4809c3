/* fence check: the decision the authority would make, made here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jws.h"
#include "base/name.h"
#include "cmd/cli.h"
#include "cmd/kit.h"
#include "geofence/geofence.h"
#include "policy/policy.h"

enum { EARTH_HALF_M = 20040000 };

/* The fence as the officer signed it; the listing that carries it is signed by the authority. */
static struct fence *fetch(struct cli *c, const char *name, struct err *e)
{
	char path[160];
	struct kit kit = {0};
	struct jws jws;
	struct document doc = {0};
	AUTO(json_free) json_t *j = NULL;
	AUTO(mem_free) char *scratch = malloc(DOCUMENT_MAX);
	const char *text = NULL;
	struct fence *fence = NULL;

	snprintf(path, sizeof path, "/v1/document/fence/%s", name);
	if (!scratch || kit_open(c->kit, &kit, e) || !(j = kit_ask(&kit, path, path + strlen("/v1/"), e)) ||
	        json_get_str(j, "document", &text, e) ||
	        jws_parse(VIEW(text, strlen(text)), TYP_DOCUMENT, scratch, DOCUMENT_MAX, &jws, e) ||
	        document_parse(jws.payload, &doc, e)) {
		kit_close(&kit);
		return NULL;
	}
	kit_close(&kit);
	fence = TAKE(doc.fence);
	document_free(&doc);
	return fence;
}

static struct fence *from_file(const char *path, struct err *e)
{
	AUTO(mem_free) char *text = NULL;
	AUTO(json_free) json_t *body = NULL;
	uint8_t *bytes = NULL;
	size_t n = 0;

	if (cli_read(path, &bytes, &n, e))
		return NULL;
	text = (char *)bytes;
	body = json_read(VIEW(bytes, n), CLI_FILE_MAX, e);
	return body ? fence_import(body, e) : NULL;
}

static void tell(const struct cli *c, const char *fence, const struct place_result *r)
{
	if (c->json)
		printf("{\"fence\":\"%s\",\"place\":\"%s\",\"distance_m\":%.3f,\"needed_m\":%.3f}\n", fence,
		        place_name(r->place), r->distance_m, r->needed_m);
	else
		printf("%s: %s, the nearest edge is %.3f km away and %.3f km are needed to be sure\n", fence,
		        place_name(r->place), r->distance_m / 1000, r->needed_m / 1000);
}

int cmd_fence_check(struct cli *c, struct err *e)
{
	AUTO(fence_free) struct fence *fence = NULL;
	struct place_result r;
	struct fix fix;

	if (!cli_args(c, 4, 4, e))
		return CLI_USAGE;
	if (cli_number(c->argv[1], -90, 90, "LAT", &fix.lat_deg, e) ||
	        cli_number(c->argv[2], -360, 360, "LON", &fix.lon_deg, e) ||
	        cli_number(c->argv[3], 0, EARTH_HALF_M, "UNCERTAINTY_M", &fix.uncertainty_m, e))
		return -1;
	fence = name_ok(c->argv[0]) ? fetch(c, c->argv[0], e) : from_file(c->argv[0], e);
	if (!fence || fence_decide(fence, &fix, &r, e))
		return -1;
	tell(c, c->argv[0], &r);
	if (r.place == PLACE_INSIDE)
		return 0;
	return err_set(e, WHY_OUTSIDE, "the position is %s: only inside is yes", place_name(r.place));
}
