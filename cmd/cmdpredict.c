/* image predict, pcrsig, manifest: what an image will measure, the signature that its state opens with, and the reference
 * set that approves it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "cmd/cli.h"
#include "cmd/filemap.h"
#include "cmd/keyfile.h"
#include "firmware/image/predict.h"
#include "firmware/state/state.h"
#include "firmware/update/update.h"

enum { REFERENCE_ROOM = 256 * 1024, PATH_LEN = 512 };

static int uki_version(struct view uki, uint32_t *version, struct err *e)
{
	struct runningimage r;
	const struct pe_section *s;
	struct pe pe;

	if (pe_parse(uki, &pe, e))
		return -1;
	s = pe_section(&pe, ".osrel");
	if (!s)
		return err_set(e, WHY_MALFORMED, "no section .osrel");
	if (runningimage_parse(s->data, &r, e))
		return -1;
	if (r.version > FLOOR_VERSION_MAX)
		return err_set(e, WHY_MALFORMED, "version %u: the floor that a TPM keeps knows versions up to %d",
		        r.version, FLOOR_VERSION_MAX);
	*version = r.version;
	return 0;
}

int cmd_image_pcrsig(struct cli *c, struct err *e)
{
	AUTO(filemap_close) struct view uki = {0};
	const char *path = NULL;
	uint8_t pcr11[PCR_LEN], policy[SHA_LEN], buf[2048];
	struct wr w = wr_to(buf, sizeof buf);
	uint32_t version = 0;

	if (!cli_option(c, "--key", &path) || !cli_args(c, 1, 1, e))
		return CLI_USAGE;
	AUTO(es256_free) struct es256 *key = keyfile_open(path, e);
	if (!key)
		return -1;
	if (filemap_open(c->argv[0], &uki, e))
		return -1;
	if (predict_sealed(uki, pcr11, e) || uki_version(uki, &version, e))
		return err_in(e, "%s", c->argv[0]);
	statepolicy_approved(policy, pcr11, version);
	if (pcrsig_write(&w, key, policy, e))
		return -1;
	struct view text = wr_done(&w);
	printf("%.*s\n", (int)text.n, (const char *)text.p);
	return 0;
}

/* ---- A directory of the build, and the keys that a machine trusts ---- */

struct built {
	struct view file[5]; /* mapped */
	struct image_parts parts;
	char line[2048]; /* the kernel's command line */
};

static void built_close(struct built b)
{
	for (size_t i = 0; i < COUNT(b.file); i++)
		filemap_close(b.file[i]);
}
AUTO_DEFINE(struct built, built_close)

static int map_in(const char *dir, const char *name, struct view *out, struct err *e)
{
	char path[PATH_LEN];

	if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, name) >= sizeof path)
		return err_set(e, WHY_MALFORMED, "the path of %s is too long", name);
	return filemap_open(path, out, e);
}

/* merestone_N.efi, N being what os-release says. */
static int map_uki(const char *dir, struct view *out, struct err *e)
{
	AUTO(filemap_close) struct view release = {0};
	struct runningimage r;
	char name[64];

	if (map_in(dir, "os-release", &release, e) || runningimage_parse(release, &r, e))
		return -1;
	snprintf(name, sizeof name, "merestone_%u.efi", r.version);
	return map_in(dir, name, out, e);
}

static int built_open(const char *dir, const char *keys, struct built *out, struct err *e)
{
	AUTO(built_close) struct built b = {0};
	const struct pe_section *line;
	struct pe pe;

	if (map_uki(dir, &b.file[0], e) || map_in(dir, "systemd-bootx64.efi", &b.file[1], e) ||
	        map_in(keys, "PK.esl", &b.file[2], e) || map_in(keys, "KEK.esl", &b.file[3], e) ||
	        map_in(keys, "db.esl", &b.file[4], e) || pe_parse(b.file[0], &pe, e))
		return -1;
	b.parts = (struct image_parts){
	        .uki = b.file[0], .loader = b.file[1], .pk = b.file[2], .kek = b.file[3], .db = b.file[4]};
	line = pe_section(&pe, ".cmdline");
	if (!line || line->data.n >= sizeof b.line)
		return err_set(e, WHY_MALFORMED, "the kernel image has no command line, or a very long one");
	memcpy(b.line, line->data.p, line->data.n);
	*out = b;
	b = (struct built){0};
	return 0;
}

static int predict_of(struct cli *c, struct built *b, struct predicted *p, struct err *e)
{
	const char *keys = NULL;

	if (!cli_option(c, "--keys", &keys) || !cli_args(c, 1, 1, e))
		return CLI_USAGE;
	return built_open(c->argv[0], keys, b, e) || predict(&b->parts, p, e) ? -1 : 0;
}

static void tell(const struct predicted *p)
{
	char hex[2 * PCR_LEN + 1];

	for (size_t i = 0; i < p->n; i++)
		printf("%3u  PCR %-2u  %-32s  %s\n", p->event[i].number, p->event[i].pcr,
		        event_type_name(p->event[i].type), hex_put(hex, p->event[i].digest, PCR_LEN));
	for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
		if (PREDICT_MASK & 1u << pcr)
			printf("     PCR %-2u  %s\n", pcr, hex_put(hex, p->pcrs.v[pcr], PCR_LEN));
}

int cmd_image_predict(struct cli *c, struct err *e)
{
	AUTO(built_close) struct built b = {0};
	struct predicted p;
	int rc = predict_of(c, &b, &p, e);

	if (rc == 0)
		tell(&p);
	return rc;
}

/* ---- The reference set ---- */

/* Registers 0, 2 and 3 are the machine's own firmware: every value that a platform of the list has. */
static int write_platforms(struct jw *j, const json_t *list, const char *pcr, struct err *e)
{
	const json_t *platform;
	size_t i, n = 0;

	jw_arr(j, pcr);
	json_array_foreach(list, i, platform)
	{
		const char *value = json_string_value(json_object_get(json_object_get(platform, "pcrs"), pcr));

		if (value)
			jw_str(j, NULL, value);
		n += value != NULL;
	}
	jw_end_arr(j);
	return n > 0 ? 0 : err_set(e, WHY_MALFORMED, "no platform has a value of register %s", pcr);
}

static int write_pcrs(struct jw *j, const struct predicted *p, const json_t *platforms, struct err *e)
{
	static const char *const firmware[] = {"0", "2", "3"};
	static const unsigned exact[] = {4, 7, 9, 11};
	char key[4];

	jw_obj(j, "pcrs");
	for (size_t i = 0; i < COUNT(firmware); i++)
		if (write_platforms(j, platforms, firmware[i], e))
			return -1;
	for (size_t i = 0; i < COUNT(exact); i++) {
		snprintf(key, sizeof key, "%u", exact[i]);
		jw_arr(j, key);
		jw_hex(j, NULL, VIEW_OF(p->pcrs.v[exact[i]]));
		jw_end_arr(j);
	}
	jw_end_obj(j);
	return 0;
}

/* They approve nothing; a refusal can then name the first that differs. */
static void write_events(struct jw *j, const struct predicted *p)
{
	jw_arr(j, "events");
	for (size_t i = 0; i < p->n; i++) {
		jw_obj(j, NULL);
		jw_int(j, "pcr", p->event[i].pcr);
		jw_int(j, "type", p->event[i].type);
		jw_hex(j, "digest", VIEW_OF(p->event[i].digest));
		jw_end_obj(j);
	}
	jw_end_arr(j);
}

/* Every site has a site file of its own, which register 12 shows by its digest. */
static int write_sites(struct jw *j, const char *const *sites, size_t n, struct err *e)
{
	uint8_t digest[SHA_LEN];

	if (n == 0)
		return 0;
	jw_obj(j, "allowed_events");
	jw_arr(j, "12");
	for (size_t i = 0; i < n; i++) {
		AUTO(filemap_close) struct view site = {0};

		if (filemap_open(sites[i], &site, e))
			return -1;
		sha256(digest, site);
		jw_hex(j, NULL, VIEW_OF(digest));
	}
	jw_end_arr(j);
	jw_end_obj(j);
	return 0;
}

struct manifest {
	const char *platforms, *sites[PREDICT_SITES_MAX];
	size_t nsites;
};

static int write_manifest(
        struct wr *w, const struct manifest *m, const struct built *b, const struct predicted *p, struct err *e)
{
	AUTO(json_free) json_t *file = cli_read_json(m->platforms, e);
	struct jw j = jw_to(w);

	if (!file)
		return -1;
	jw_obj(&j, NULL);
	jw_arr(&j, "by_meaning"); /* boot entries, and what is different on every site */
	jw_int(&j, NULL, 1);
	jw_int(&j, NULL, 12);
	jw_end_arr(&j);
	if (write_pcrs(&j, p, json_object_get(file, "platforms"), e))
		return err_in(e, "%s", m->platforms);
	jw_bool(&j, "secure_boot", true);
	jw_str(&j, "boot_variables", "any");
	jw_obj(&j, "command_line");
	jw_arr(&j, "exact");
	jw_str(&j, NULL, b->line);
	jw_end_arr(&j);
	jw_end_obj(&j);
	if (write_sites(&j, m->sites, m->nsites, e))
		return -1;
	write_events(&j, p);
	jw_end_obj(&j);
	return wr_ok(w) ? 0 : err_set(e, WHY_SYSTEM, "the reference set is longer than %d bytes", REFERENCE_ROOM);
}

int cmd_image_manifest(struct cli *c, struct err *e)
{
	AUTO(built_close) struct built b = {0};
	AUTO(mem_free) char *text = malloc(REFERENCE_ROOM);
	struct manifest m = {.platforms = "firmware/image/platforms.json"};
	struct wr w = wr_to(text, REFERENCE_ROOM);
	struct predicted p;
	int rc;

	if (!text)
		return err_sys(e, "memory for a reference set");
	(void)cli_option(c, "--platforms", &m.platforms);
	while (m.nsites < PREDICT_SITES_MAX && cli_option(c, "--site", &m.sites[m.nsites]))
		m.nsites++;
	rc = predict_of(c, &b, &p, e);
	if (rc)
		return rc;
	if (write_manifest(&w, &m, &b, &p, e))
		return -1;
	printf("%.*s\n", (int)wr_done(&w).n, text);
	return 0;
}
