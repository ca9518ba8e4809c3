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
	AUTO(json_free) json_t *body = cli_read_json(path, e);
	struct fence *fence = body ? fence_import(body, e) : NULL;

	if (body && !fence)
		err_in(e, "%s", path);
	return fence;
}

static void tell(const struct cli *c, const char *fence, const struct place_result *r)
{
	if (c->json) {
		AUTO(json_free)
		json_t *j = json_pack("{s:s*, s:s, s:f, s:f}", "fence", fence, "place", place_name(r->place),
		        "distance_m", r->distance_m, "needed_m", r->needed_m);

		cli_print_json(j);
	} else {
		printf("%s: %s, the nearest edge is %.3f km away and %.3f km are needed to be sure\n", fence,
		        place_name(r->place), r->distance_m / 1000, r->needed_m / 1000);
	}
}

int cmd_fence_check(struct cli *c, struct err *e)
{
	AUTO(fence_free) struct fence *fence = NULL;
	struct place_result r;
	struct fix fix;

	if (!cli_args(c, 4, 4, e))
		return CLI_USAGE;
	if (cli_number(c->argv[1], -90, 90, "LAT", &fix.lat_deg, e) ||
	        cli_number(c->argv[2], -180, 180, "LON", &fix.lon_deg, e) ||
	        cli_number(c->argv[3], 0, FIX_UNCERTAINTY_MAX_M, "UNCERTAINTY_M", &fix.uncertainty_m, e))
		return -1;
	fence = name_ok(c->argv[0]) ? fetch(c, c->argv[0], e) : from_file(c->argv[0], e);
	if (!fence || fence_decide(fence, &fix, &r, e))
		return -1;
	tell(c, c->argv[0], &r);
	if (r.place == PLACE_INSIDE)
		return 0;
	return err_set(e, WHY_OUTSIDE, "the position is %s: only inside is yes", place_name(r.place));
}
