/* fence check: the decision the authority would make, made here. fence compile: a fence that needs no reading. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/hex.h"
#include "cmd/fencesource.h"
#include "cmd/fencesvg.h"

struct question {
	const char *fence, *svg;
	struct fix fix;
};

static int read_question(struct cli *c, struct question *q, struct err *e)
{
	const char *accuracy = NULL;

	(void)cli_option(c, "--svg", &q->svg);
	bool named = cli_option(c, "--accuracy", &accuracy);
	if (!cli_args(c, named ? 3 : 4, named ? 3 : 4, e))
		return CLI_USAGE;
	q->fence = c->argv[0];
	if (cli_number(c->argv[1], -90, 90, "LAT", &q->fix.lat_deg, e) ||
	        cli_number(c->argv[2], -180, 180, "LON", &q->fix.lon_deg, e))
		return -1;
	return cli_number(named ? accuracy : c->argv[3], 0, FIX_UNCERTAINTY_MAX_M,
	        named ? "--accuracy" : "UNCERTAINTY_M", &q->fix.uncertainty_m, e);
}

static void tell_json(const struct question *q, const struct place_result *r)
{
	char digest[2 * FENCE_DIGEST_LEN + 1];

	hex_put(digest, r->digest, FENCE_DIGEST_LEN);
	AUTO(json_free)
	json_t *j = json_pack("{s:s*, s:s, s:s, s:f, s:f, s:f, s:f, s:s, s:[f,f]}", "fence", q->fence, "verdict",
	        place_name(r->place), "place", place_name(r->place), "distance_m", r->distance_m, "radius_m",
	        r->needed_m, "needed_m", r->needed_m, "match_rate", r->match_rate, "fence_digest", digest, "nearest",
	        r->nearest.lon, r->nearest.lat);

	cli_print_json(j);
}

static void tell(const struct question *q, const struct place_result *r)
{
	printf("%s: %s, the nearest edge is %.3f km away and %.3f km are needed to be sure\n", q->fence,
	        place_name(r->place), r->distance_m / 1000, r->needed_m / 1000);
	if (r->place == PLACE_AMBIGUOUS)
		printf("about %.0f %% of the circle is inside\n", 100 * r->match_rate);
}

static int draw(const struct question *q, const json_t *body, const struct place_result *r, struct err *e)
{
	struct fencesvg s = {.body = body, .title = q->fence, .fix = q->fix, .result = *r};

	if (!q->svg)
		return 0;
	if (!body) {
		err_set(e, WHY_REFUSED, "%s is compiled, and a picture needs the document it was compiled from",
		        q->fence);
		return err_hint(e, "draw with the file that was given to fence compile");
	}
	return fencesvg_write(&s, q->svg, e);
}

int cmd_fence_check(struct cli *c, struct err *e)
{
	AUTO(fencesource_close) struct fencesource s = {0};
	struct question q = {0};
	struct place_result r;
	int rc = read_question(c, &q, e);

	if (rc)
		return rc;
	if (fencesource_open(c, q.fence, &s, e) || fence_decide(s.fence, &q.fix, &r, e) || draw(&q, s.body, &r, e))
		return -1;
	if (c->json)
		tell_json(&q, &r);
	else
		tell(&q, &r);
	if (r.place == PLACE_INSIDE)
		return 0;
	return err_set(e, WHY_OUTSIDE, "the position is %s: only inside is yes", place_name(r.place));
}

int cmd_fence_compile(struct cli *c, struct err *e)
{
	AUTO(fencesource_close) struct fencesource s = {0};
	AUTO(mem_free) char *bytes = NULL;
	const char *out = NULL;
	uint8_t *p = NULL;
	size_t n = 0;

	if (!cli_option(c, "--out", &out) || !cli_args(c, 1, 1, e))
		return CLI_USAGE;
	if (fencesource_open(c, c->argv[0], &s, e) || fence_compile(s.fence, &p, &n, e))
		return -1;
	bytes = (char *)p;
	return file_write(AT_FDCWD, out, VIEW(bytes, n), 0644, e);
}
