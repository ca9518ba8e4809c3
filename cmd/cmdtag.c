/* tag issue: an officer's word on where a machine stands, and his permission for its TPM to hold it. Nothing is sent: the
 * request came from the machine, and the answer goes back to it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attest/attest.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/name.h"
#include "cmd/cli.h"
#include "cmd/kit.h"

enum { DAY_S = 24 * 3600, DAYS = 366, DAYS_MAX = 36600, ANSWER_MAX = 4096 };

struct wish {
	const char *request, *site, *days, *map, *serial, *out;
};

struct request {
	uint8_t nonce[NONCE_LEN], index[TPM_NAME_LEN];
	size_t nindex;
};

static int read_index(const json_t *j, struct request *q, struct err *e)
{
	const char *hex;

	if (json_get_str(j, "index", &hex, e))
		return -1;
	if (!*hex)
		return 0;
	q->nindex = TPM_NAME_LEN;
	return json_get_hex(j, "index", q->index, TPM_NAME_LEN, e);
}

/* What the machine asks for: it must be the machine that is meant, or its operator brought the wrong file. */
static int read_request(const char *file, struct tag *t, struct request *q, struct err *e)
{
	static const char *const members[] = {"format", "machine", "ek_sha256", "nonce", "index", NULL};
	AUTO(json_free) json_t *j = cli_read_json(file, e);
	const char *format, *machine;
	size_t n = 0;

	if (!j || json_only(j, members, e) || json_get_str(j, "format", &format, e) ||
	        json_get_str(j, "machine", &machine, e) || json_get_hex(j, "ek_sha256", t->ek, SHA_LEN, e) ||
	        json_get_b64(j, "nonce", q->nonce, NONCE_LEN, &n, e) || read_index(j, q, e))
		return -1;
	if (strcmp(format, TAG_REQUEST_FORMAT) != 0 || n != NONCE_LEN)
		return err_set(e, WHY_MALFORMED, "%s: this is not what `merestone-agent tag request` writes", file);
	if (strcmp(machine, t->machine) != 0)
		return err_set(
		        e, WHY_REFUSED, "%s: the request is of machine %s, not of %s", file, machine, t->machine);
	return 0;
}

static int take_name(const char *name, char out[NAME_CAP], struct err *e)
{
	if (name_get(out, VIEW(name, strlen(name))))
		return 0;
	return err_set(e, WHY_MALFORMED, "\"%s\" is not a name: letters, digits and dashes, at most 63", name);
}

/* Milliseconds make a serial that grows by itself, and that no two tags of one officer share. */
static int take_serial(const struct wish *w, struct tag *t, struct err *e)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	t->serial = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	return w->serial ? cli_whole(w->serial, INT64_MAX, "--serial", &t->serial, e) : 0;
}

static int take_wish(const struct cli *c, const struct wish *w, struct tag *t, struct err *e)
{
	uint64_t days = DAYS;

	if (take_name(c->argv[0], t->machine, e) || take_name(w->site ? w->site : c->argv[0], t->site, e) ||
	        cli_number(c->argv[1], -90, 90, "LAT", &t->fix.lat_deg, e) ||
	        cli_number(c->argv[2], -180, 180, "LON", &t->fix.lon_deg, e) ||
	        cli_number(c->argv[3], 0.001, 4e6, "RADIUS_M", &t->fix.uncertainty_m, e) || take_serial(w, t, e) ||
	        (w->days && cli_whole(w->days, DAYS_MAX, "--days", &days, e)))
		return -1;
	if (w->map && hex_get(t->map, SHA_LEN, w->map) != 0)
		return err_set(e, WHY_MALFORMED, "--map is not a SHA-256 in hexadecimal");
	t->not_before = (int64_t)time(NULL) - 60; /* clocks differ a little */
	t->not_after = t->not_before + (int64_t)days * DAY_S;
	return 0;
}

static int write_answer(
        struct wr *w, const struct es256 *officer, struct tag *t, const struct request *q, struct err *e)
{
	uint8_t bytes[TAG_MAX], name[TPM_NAME_LEN], command[SHA_LEN], digest[SHA_LEN], permission[ES256_SIG];
	struct wr b = wr_to(bytes, sizeof bytes);
	struct jw j = jw_to(w);

	if (tag_sign(&b, officer, t, e))
		return -1;
	tagindex_next_name(name, officer->pub, VIEW(q->index, q->nindex));
	tagindex_command(command, name, t->digest);
	tagindex_permission(digest, q->nonce, command);
	if (es256_sign_digest(officer, digest, permission, e))
		return -1;
	jw_obj(&j, NULL);
	jw_str(&j, "format", TAG_ANSWER_FORMAT);
	jw_b64(&j, "tag", wr_done(&b));
	jw_b64(&j, "permission", VIEW_OF(permission));
	jw_end_obj(&j);
	wr_u8(w, '\n');
	return 0;
}

static int issue(struct cli *c, const struct wish *w, struct wr *answer, struct err *e)
{
	AUTO(es256_free) struct es256 *officer = NULL;
	struct request q = {0};
	struct tag t = {0};
	struct kit kit = {0};

	if (take_wish(c, w, &t, e) || read_request(w->request, &t, &q, e) || kit_open(c->kit, &kit, e))
		return -1;
	officer = kit_officer(&kit, e);
	kit_close(&kit);
	return officer ? write_answer(answer, officer, &t, &q, e) : -1;
}

int cmd_tag_issue(struct cli *c, struct err *e)
{
	struct wish w = {0};
	uint8_t buf[ANSWER_MAX];
	struct wr answer = wr_to(buf, sizeof buf);

	(void)cli_option(c, "--site", &w.site);
	(void)cli_option(c, "--days", &w.days);
	(void)cli_option(c, "--map", &w.map);
	(void)cli_option(c, "--serial", &w.serial);
	(void)cli_option(c, "-o", &w.out);
	if (!cli_option(c, "--request", &w.request) || !cli_args(c, 4, 4, e))
		return CLI_USAGE;
	if (issue(c, &w, &answer, e))
		return -1;
	struct view text = wr_done(&answer);
	if (w.out)
		return file_write(AT_FDCWD, w.out, text, 0644, e);
	return fwrite(text.p, 1, text.n, stdout) == text.n ? 0 : err_sys(e, "standard output");
}

/* ---- tag show ---- */

/* The answer of an officer, or the bare bytes. */
static int read_tag(const char *file, struct tag *t, struct err *e)
{
	AUTO(mem_free) char *text = NULL;
	AUTO(json_free) json_t *j = NULL;
	uint8_t *p = NULL, bytes[TAG_MAX];
	size_t n = 0;

	if (cli_read(file, &p, &n, e))
		return -1;
	text = (char *)p;
	if (n == 0 || text[0] != '{')
		return tag_parse(VIEW(text, n), t, e);
	j = json_read(VIEW(text, n), ANSWER_MAX, e);
	return j && json_get_b64(j, "tag", bytes, sizeof bytes, &n, e) == 0 ? tag_parse(VIEW(bytes, n), t, e) : -1;
}

static json_t *shown(const struct tag *t)
{
	char ek[2 * SHA_LEN + 1], digest[2 * SHA_LEN + 1], officer[2 * ES256_PUB + 1];

	return json_pack("{s:s, s:s, s:I, s:f, s:f, s:f, s:I, s:I, s:s, s:s, s:s}", "machine", t->machine, "site",
	        t->site, "serial", (json_int_t)t->serial, "latitude_deg", t->fix.lat_deg, "longitude_deg",
	        t->fix.lon_deg, "radius_m", t->fix.uncertainty_m, "not_before", (json_int_t)t->not_before, "not_after",
	        (json_int_t)t->not_after, "ek_sha256", hex_put(ek, t->ek, SHA_LEN), "officer",
	        hex_put(officer, t->officer, ES256_PUB), "digest", hex_put(digest, t->digest, SHA_LEN));
}

int cmd_tag_show(struct cli *c, struct err *e)
{
	struct tag t;

	if (!cli_args(c, 1, 1, e))
		return CLI_USAGE;
	if (read_tag(c->argv[0], &t, e) || tag_signed(&t, e))
		return err_in(e, "%s", c->argv[0]);
	if (c->json) {
		AUTO(json_free) json_t *j = shown(&t);

		cli_print_json(j);
	} else {
		printf("%s stands at site %s: %.7f %.7f, within %.3f m\nserial %llu, from %lld to %lld\n", t.machine,
		        t.site, t.fix.lat_deg, t.fix.lon_deg, t.fix.uncertainty_m, (unsigned long long)t.serial,
		        (long long)t.not_before, (long long)t.not_after);
	}
	return 0;
}
