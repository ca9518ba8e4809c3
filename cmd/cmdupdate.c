/* merestone update: a release to the authority, and the officer's word on who takes it when. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "cmd/cmddocument.h"
#include "cmd/keyfile.h"
#include "cmd/kit.h"

/* "cloud-2-root": what the authority calls a part of a release. */
static int part_name(char out[NAME_CAP], const char *variant, uint32_t version, const char *part, struct err *e)
{
	int n = snprintf(out, NAME_CAP, "%s-%u-%s", variant, version, part);

	return n < NAME_CAP && name_ok(out) ? 0 : err_set(e, WHY_MALFORMED, "the variant's name is too long");
}

/* ---- publish ---- */

struct upload {
	struct kit *kit;
	int dir;
	const struct release *release;
	bool progress; /* a person looks on */
};

static int send_parts(const struct upload *u, int fd, const char *name, const struct payload *p, struct err *e)
{
	AUTO(mem_free) char *part = malloc(BLOB_PART_MAX);
	char id[17], sum[2 * SHA_LEN + 1], target[TARGET_MAX];
	uint8_t random[8];

	if (!part || getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return err_sys(e, "upload");
	hex_put(id, random, sizeof random);
	hex_put(sum, p->sha256, SHA_LEN);
	for (uint64_t at = 0; at < p->size;) {
		size_t n = p->size - at < BLOB_PART_MAX ? (size_t)(p->size - at) : BLOB_PART_MAX;
		bool last = at + n == p->size;

		if (fd_read_all(fd, part, n) != 1)
			return err_set(e, WHY_SYSTEM, "%s became shorter while it was sent", name);
		(void)snprintf(target, sizeof target, "/v1/updates/%s?upload=%s&offset=%llu%s%s", name, id,
		        (unsigned long long)at, last ? "&last=1&sha256=" : "", last ? sum : "");
		if (kit_put(u->kit, target, VIEW(part, n), e))
			return -1;
		at += n;
		if (u->progress)
			fprintf(stderr, "\r%s %llu%%%s", name, (unsigned long long)(at * 100 / p->size),
			        last ? "\n" : "");
	}
	return 0;
}

/* The authority compares the digest: what was sent is what the manifest says. */
static int send_file(const struct upload *u, const char *file, const char *part, const struct payload *p, struct err *e)
{
	AUTO(fd_close) int fd = openat(u->dir, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char name[NAME_CAP];

	if (fd < 0)
		return err_sys(e, "%s", file);
	if (part_name(name, u->release->variant, u->release->version, part, e))
		return -1;
	return send_parts(u, fd, name, p, e);
}

/* The manifest, and what it is as a file. */
static int read_release(int dir, struct release *out, struct payload *file, struct err *e)
{
	uint8_t *text = NULL;
	size_t n = 0;
	int bad = file_read(dir, UPDATE_MANIFEST, MANIFEST_MAX, &text, &n, e) ||
	          release_open(VIEW(text, n), NULL, out, e);

	file->size = n;
	if (!bad)
		sha256(file->sha256, VIEW(text, n));
	mem_free(text);
	return bad ? -1 : 0;
}

int cmd_update_publish(struct cli *c, struct err *e)
{
	AUTO(fd_close) int dir = -1;
	struct payload manifest = {0};
	struct kit kit = {0};
	struct release r;
	int bad;

	if (!cli_args(c, 1, 1, e))
		return CLI_USAGE;
	dir = open(c->argv[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, "%s", c->argv[0]);
	if (read_release(dir, &r, &manifest, e))
		return -1;
	struct upload u = {.kit = &kit, .dir = dir, .release = &r, .progress = isatty(STDERR_FILENO) == 1};
	/* The manifest last: who finds it finds the rest. */
	bad = kit_open(c->kit, &kit, e) || send_file(&u, UPDATE_UKI, "uki", &r.uki, e) ||
	      send_file(&u, UPDATE_ROOT, "root", &r.root, e) ||
	      send_file(&u, UPDATE_MANIFEST, "manifest", &manifest, e);
	kit_close(&kit);
	if (bad)
		return -1;
	if (!c->json)
		printf("%s %u is published; merestone update approve %u says who takes it\n", r.variant, r.version,
		        r.version);
	return 0;
}

/* ---- approve ---- */

/* The door has it, so it is believed for its signature and for nothing else. The caller frees. */
static char *fetch_manifest(struct cli *c, const char *variant, uint32_t version, const char *key_file, struct err *e)
{
	AUTO(es256_free) struct es256 *key = keyfile_open(key_file, e);
	char name[NAME_CAP], path[2 * NAME_CAP], *text = NULL;
	struct kit kit = {0};
	struct release r;
	struct view v;

	if (!key || part_name(name, variant, version, "manifest", e))
		return NULL;
	(void)snprintf(path, sizeof path, "/v1/updates/%s?offset=0", name);
	if (kit_open(c->kit, &kit, e) == 0 && kit_get(&kit, path, &v, e) == 0 && release_open(v, key, &r, e) == 0) {
		if (strcmp(r.variant, variant) == 0 && r.version == version)
			text = strndup((const char *)v.p, v.n);
		else
			err_set(e, WHY_FORGED, "what was published as %s %u is %s %u", variant, version, r.variant,
			        r.version);
	}
	kit_close(&kit);
	return text;
}

/* "a,b,c" as an array of names. */
static json_t *wave_of(const char *names)
{
	json_t *wave = json_array();

	for (;;) {
		size_t n = strcspn(names, ",");

		json_array_append_new(wave, json_stringn(names, n));
		if (!names[n])
			return wave;
		names += n + 1;
	}
}

int cmd_update_approve(struct cli *c, struct err *e)
{
	const char *variant = "generic", *version = NULL, *key_file = NULL, *names;
	AUTO(json_free) json_t *waves = json_array();
	AUTO(json_free) json_t *body = NULL;
	AUTO(mem_free) char *manifest = NULL;
	uint64_t n;

	(void)cli_option(c, "--variant", &variant);
	(void)cli_option(c, "--version", &version);
	while (cli_option(c, "--wave", &names))
		json_array_append_new(waves, wave_of(names));
	if (!cli_option(c, "--key", &key_file) || !cli_args(c, 1, 1, e))
		return CLI_USAGE;
	if (cli_whole(c->argv[0], INT32_MAX, "the version of an update", &n, e))
		return -1;
	manifest = fetch_manifest(c, variant, (uint32_t)n, key_file, e);
	if (!manifest)
		return -1;
	body = json_pack("{s:s, s:O*}", "manifest", manifest, "waves", json_array_size(waves) > 0 ? waves : NULL);
	return cmddocument_put(c, DOC_UPDATE, variant, version, body, e);
}
