/* fence import: a map as others publish it becomes the body of a fence document. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "cmd/cli.h"
#include "cmd/filemap.h"
#include "geofence/geofence.h"

#define ATLAS_DEFAULT "build/atlas/countries-10m.json"
#define ATLAS_ORIGIN  "Natural Earth, as countries in the npm package world-atlas"
#define ATLAS_LICENCE "public domain (Natural Earth); ISC (world-atlas)"

struct source {
	struct view map;
	const char *path, *out;
};

static int read_models(struct cli *c, struct fence_wish *w, struct err *e)
{
	const char *edges = NULL, *seam = NULL;

	if (cli_option(c, "--edges", &edges)) {
		w->edges = strcmp(edges, "geodesic") == 0  ? EDGES_GEODESIC
		           : strcmp(edges, "rfc7946") == 0 ? EDGES_RFC7946
		                                           : EDGES_UNSAID;
		if (w->edges == EDGES_UNSAID)
			return err_set(e, WHY_MALFORMED, "--edges is \"%s\", expected rfc7946 or geodesic", edges);
	}
	if (cli_option(c, "--seam", &seam)) {
		w->seam = strcmp(seam, "spherical") == 0 ? SEAM_SPHERICAL
		          : strcmp(seam, "rfc7946") == 0 ? SEAM_RFC7946
		                                         : SEAM_UNSAID;
		if (w->seam == SEAM_UNSAID)
			return err_set(e, WHY_MALFORMED, "--seam is \"%s\", expected rfc7946 or spherical", seam);
	}
	return 0;
}

/* The atlas is one map that we know: its lines are straight in degrees, and it is stitched over the date line. */
static void know_atlas(struct fence_wish *w)
{
	if (w->edges == EDGES_UNSAID)
		w->edges = EDGES_RFC7946;
	if (w->seam == SEAM_UNSAID)
		w->seam = SEAM_SPHERICAL;
	if (w->provenance == NULL)
		w->provenance = ATLAS_ORIGIN;
	if (w->licence == NULL)
		w->licence = ATLAS_LICENCE;
	if (w->id == NULL)
		w->id = w->countries;
	if (w->layer == NULL)
		w->layer = "countries";
}

static int read_options(struct cli *c, struct fence_wish *w, struct source *s, struct err *e)
{
	const char *atlas = getenv("MERESTONE_ATLAS"), *accuracy = NULL;

	(void)cli_option(c, "--where", &w->where);
	(void)cli_option(c, "--country", &w->countries);
	(void)cli_option(c, "--layer", &w->layer);
	(void)cli_option(c, "--id", &w->id);
	(void)cli_option(c, "--provenance", &w->provenance);
	(void)cli_option(c, "--licence", &w->licence);
	(void)cli_option(c, "--atlas", &atlas);
	(void)cli_option(c, "--out", &s->out);
	(void)cli_option(c, "--map-accuracy", &accuracy);
	if (read_models(c, w, e) != 0)
		return -1;
	if (!cli_args(c, w->countries ? 0 : 1, w->countries ? 0 : 1, e))
		return CLI_USAGE;
	if (accuracy == NULL) {
		err_set(e, WHY_MALFORMED, "nothing says how accurate the map is");
		return err_hint(
		        e, "say --map-accuracy METRES: about 10000 for a map at 1:110m, 5000 at 1:50m, 2500 at 1:10m");
	}
	if (cli_number(accuracy, 0, FENCE_ACCURACY_MAX_M, "--map-accuracy", &w->map_accuracy_m, e) != 0)
		return -1;
	if (w->countries)
		know_atlas(w);
	s->path = !w->countries ? c->argv[0] : atlas ? atlas : ATLAS_DEFAULT;
	return 0;
}

static const char *kind_name(enum fence_finding_kind k)
{
	return k == FINDING_REPAIRED ? "repaired" : "noted";
}

static void tell(FILE *f, const struct fence_report *r, const char *digest)
{
	for (size_t i = 0; i < r->n; i++)
		fprintf(f, "%s: %s\n", kind_name(r->findings[i].kind), r->findings[i].text);
	size_t all = r->count[FINDING_NOTED] + r->count[FINDING_REPAIRED];
	if (all > r->n)
		fprintf(f, "and %zu more like these\n", all - r->n);
	fprintf(f, "%zu features chosen, %zu vertices in the fence, %zu repairs\nfence %s\n", r->features, r->vertices,
	        r->count[FINDING_REPAIRED], digest);
}

static void tell_json(const struct fence_report *r, const char *digest)
{
	AUTO(json_free) json_t *findings = json_array();

	for (size_t i = 0; i < r->n; i++)
		json_array_append_new(findings,
		        json_pack("{s:s, s:s}", "kind", kind_name(r->findings[i].kind), "text", r->findings[i].text));
	AUTO(json_free)
	json_t *j = json_pack("{s:I, s:I, s:I, s:I, s:s, s:O}", "features", (json_int_t)r->features, "vertices",
	        (json_int_t)r->vertices, "repaired", (json_int_t)r->count[FINDING_REPAIRED], "noted",
	        (json_int_t)r->count[FINDING_NOTED], "fence_digest", digest, "findings", findings);
	cli_print_json(j);
}

/* With --out the report is the answer; without, the fence is. */
static int deliver(
        const struct cli *c, const struct source *s, const char *body, const struct fence_report *r, struct err *e)
{
	struct view text = VIEW(body, strlen(body));
	char digest[2 * FENCE_DIGEST_LEN + 1];

	hex_put(digest, r->digest, sizeof r->digest);
	if (s->out == NULL) {
		fputs(body, stdout);
		tell(stderr, r, digest);
		return fflush(stdout) == 0 ? 0 : err_sys(e, "standard output");
	}
	if (file_write(AT_FDCWD, s->out, text, 0644, e) != 0)
		return -1;
	if (c->json)
		tell_json(r, digest);
	else
		tell(stdout, r, digest);
	return 0;
}

int cmd_fence_import(struct cli *c, struct err *e)
{
	struct fence_wish w = {0};
	struct fence_report r;
	struct source s = {0};
	AUTO(mem_free) char *body = NULL;
	int rc = read_options(c, &w, &s, e);

	if (rc != 0)
		return rc;
	AUTO(filemap_close) struct view map = {0};
	if (filemap_open(s.path, &map, e) != 0)
		return w.countries ? err_hint(e, "make atlas fetches the map of countries; --atlas names another") : -1;
	w.map = map;
	if (fence_from_map(&w, &body, &r, e) != 0)
		return err_in(e, "%s", s.path);
	return deliver(c, &s, body, &r, e);
}
