/* image site: the signed file that says where an appliance belongs, and how register 12 shows it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/jws.h"
#include "cmd/cli.h"
#include "cmd/kit.h"
#include "firmware/init/init.h"

struct site_wish {
	const char *authority, *ca, *address, *gateway, *location, *data[SITE_DATA_MAX], *out;
	size_t ndata;
};

static json_t *network_of(const struct site_wish *w)
{
	if (!w->address)
		return json_pack("{s:b}", "dhcp", 1);
	return json_pack("{s:s, s:s*}", "address", w->address, "gateway", w->gateway);
}

/* LAT,LON,UNCERTAINTY */
static int location_of(const char *text, json_t **out, struct err *e)
{
	double v[3];
	const char *at = text;
	char *end = NULL;

	for (int i = 0; i < 3; i++, at = end + 1) {
		v[i] = strtod(at, &end);
		if (end == at || *end != (i < 2 ? ',' : 0))
			return err_set(e, WHY_MALFORMED,
			        "--location: expected LATITUDE,LONGITUDE,UNCERTAINTY in degrees and metres");
	}
	*out = json_pack("{s:f, s:f, s:f}", "latitude_deg", v[0], "longitude_deg", v[1], "uncertainty_m", v[2]);
	return 0;
}

/* The members in the order of merestone-appliance(7). The caller frees. */
static json_t *payload_of(
        const char *name, const struct site_wish *w, const struct kit *k, const char *ca, struct err *e)
{
	json_t *location = NULL, *data = w->ndata > 0 ? json_array() : NULL;

	if (w->location && location_of(w->location, &location, e) != 0)
		return NULL;
	for (size_t i = 0; i < w->ndata; i++)
		json_array_append_new(data, json_string(w->data[i]));
	json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o*, s:o*}", "format", SITE_FORMAT, "name", name,
	        "trust_domain", k->trust_domain, "authority", w->authority ? w->authority : k->url, "ca", ca, "network",
	        network_of(w), "location", location, "data", data);
	if (!j)
		err_set(e, WHY_MALFORMED, "the site file would hold bytes that are no text");
	return j;
}

static int sign(const struct kit *k, const json_t *payload, struct wr *out, struct err *e)
{
	AUTO(es256_free) struct es256 *officer = kit_officer(k, e);
	AUTO(mem_free) char *text = json_dumps(payload, JSON_COMPACT);
	struct site checked;

	if (!officer)
		return -1;
	if (!text || jws_sign(out, officer, SITE_TYP, VIEW(text, strlen(text)), e) != 0)
		return err_set(e, WHY_MALFORMED, "the site file would be larger than %d bytes", SITE_MAX);
	/* as the machine will: what it would refuse is not written */
	return site_parse(wr_done(out), VIEW("", 0), &checked, e);
}

static int make(const struct cli *c, const struct site_wish *w, const struct kit *k, struct wr *out, struct err *e)
{
	AUTO(mem_free) char *ca = NULL;
	AUTO(json_free) json_t *payload = NULL;
	char path[sizeof k->dir + 16];
	uint8_t *p = NULL;
	size_t n = 0;

	(void)snprintf(path, sizeof path, "%s/ca.pem", k->dir);
	if (cli_read(w->ca ? w->ca : path, &p, &n, e) != 0)
		return -1;
	ca = (char *)p;
	payload = payload_of(c->argv[0], w, k, ca, e);
	return payload ? sign(k, payload, out, e) : -1;
}

static void tell(const struct cli *c, struct view site)
{
	uint8_t digest[SHA_LEN];
	char hex[2 * SHA_LEN + 1];

	sha256(digest, site);
	(void)hex_put(hex, digest, SHA_LEN);
	if (c->json) {
		AUTO(json_free) json_t *j = json_pack("{s:i, s:s}", "pcr", PCR_SITE, "sha256", hex);

		cli_print_json(j);
	} else {
		printf("register %d is extended with %s\n", PCR_SITE, hex);
	}
}

static int wish_take(struct cli *c, struct site_wish *w, struct err *e)
{
	const char *data;

	(void)cli_option(c, "--authority", &w->authority);
	(void)cli_option(c, "--ca", &w->ca);
	(void)cli_option(c, "--address", &w->address);
	(void)cli_option(c, "--gateway", &w->gateway);
	(void)cli_option(c, "--location", &w->location);
	while (w->ndata < SITE_DATA_MAX && cli_option(c, "--data", &data))
		w->data[w->ndata++] = data;
	return cli_option(c, "--out", &w->out) && cli_args(c, 1, 1, e) && (w->address || !w->gateway) ? 0 : CLI_USAGE;
}

int cmd_image_site(struct cli *c, struct err *e)
{
	AUTO(mem_free) char *buf = malloc(SITE_MAX);
	struct wr out = wr_to(buf, buf ? SITE_MAX : 0);
	struct site_wish w = {0};
	struct kit k = {0};
	int bad;

	if (wish_take(c, &w, e) != 0)
		return CLI_USAGE;
	if (kit_open(c->kit, &k, e) != 0)
		return -1;
	bad = make(c, &w, &k, &out, e);
	kit_close(&k);
	if (bad || file_write(AT_FDCWD, w.out, wr_done(&out), 0644, e) != 0)
		return -1;
	tell(c, wr_done(&out));
	return 0;
}
