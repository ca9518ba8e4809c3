/* merestone update pack: a directory that the image's build made, as a release: a signed manifest and two files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "cmd/cli.h"
#include "cmd/keyfile.h"
#include "firmware/update/update.h"

enum { TEXT_MAX = 1024 * 1024 };

struct pack {
	int dir, update; /* of the build, and "update" in it */
	struct runningimage image;
	char uki[UKI_NAME_MAX];
	uint64_t floor;
	int64_t issued;
};

/* ---- what the build says ---- */

static int read_image(struct pack *p, struct err *e)
{
	uint8_t *text = NULL;
	size_t n = 0;
	int bad = file_read(p->dir, "os-release", TEXT_MAX, &text, &n, e) ||
	          runningimage_parse(VIEW(text, n), &p->image, e);

	mem_free(text);
	uki_name(&(struct uki){.version = p->image.version}, p->uki);
	return bad ? -1 : 0;
}

/* Registers that only the image decides: 4 has the boot loader and the kernel image, 9 the initramfs, 11 all sections. */
static json_t *predicted(const struct pack *p, struct err *e)
{
	static const char *const registers[] = {"4", "9", "11"};
	AUTO(json_free) json_t *reference = json_file(p->dir, "reference.json", TEXT_MAX, e);
	const json_t *pcrs = json_object_get(reference, "pcrs");
	json_t *out = json_object();

	for (size_t i = 0; reference && i < COUNT(registers); i++) {
		const json_t *values = json_object_get(pcrs, registers[i]);
		if (json_array_size(values) == 1)
			json_object_set(out, registers[i], json_array_get(values, 0));
	}
	if (reference)
		return out;
	err_hint(e, "merestone image manifest writes it");
	json_decref(out);
	return NULL;
}

static json_t *payload(const struct pack *p, const char *name, struct err *e)
{
	AUTO(fd_close) int fd = openat(p->dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	uint8_t chunk[64 * 1024], digest[SHA_LEN];
	char hex[2 * SHA_LEN + 1];
	json_int_t size = 0;
	struct sha s;
	ssize_t n;

	if (fd < 0) {
		err_sys(e, "cannot open %s", name);
		return NULL;
	}
	sha_start(&s);
	while ((n = read(fd, chunk, sizeof chunk)) > 0) {
		sha_add(&s, VIEW(chunk, (size_t)n));
		size += n;
	}
	sha_end(&s, digest);
	if (n == 0)
		return json_pack("{s:s, s:I}", "sha256", hex_put(hex, digest, SHA_LEN), "size", size);
	err_sys(e, "cannot read %s", name);
	return NULL;
}

static json_t *manifest(const struct pack *p, struct err *e)
{
	AUTO(json_free) json_t *root_file = json_file(p->dir, "root.json", TEXT_MAX, e);
	AUTO(json_free) json_t *pcrs = root_file ? predicted(p, e) : NULL;
	AUTO(json_free) json_t *uki = pcrs ? payload(p, p->uki, e) : NULL;
	AUTO(json_free) json_t *root = uki ? payload(p, "root.img", e) : NULL;

	if (!root)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:O, s:O, s:s, s:O, s:I}", "format", "merestone-update/1",
	        "product", RELEASE_PRODUCT, "variant", p->image.variant, "version", (json_int_t)p->image.version,
	        "issued", (json_int_t)p->issued, "uki", uki, "root", root, "root_hash",
	        json_text(root_file, "root_hash"), "pcrs", pcrs, "requires_floor", (json_int_t)p->floor);
}

/* ---- the release ---- */

/* What a machine would refuse is refused here. */
static int write_manifest(const struct pack *p, const struct es256 *key, struct err *e)
{
	AUTO(json_free) json_t *j = manifest(p, e);
	AUTO(mem_free) char *text = j ? json_dumps(j, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
	uint8_t buf[MANIFEST_MAX];
	struct wr w = wr_to(buf, sizeof buf);
	struct release r;

	if (!text)
		return j ? err_set(e, WHY_SYSTEM, "no memory for a manifest") : -1;
	if (jws_sign(&w, key, TYP_UPDATE, VIEW(text, strlen(text)), e) || release_open(wr_done(&w), key, &r, e))
		return -1;
	return file_write(p->update, UPDATE_MANIFEST, wr_done(&w), 0644, e);
}

/* The same file under the name that the updater looks for. */
static int put_payload(const struct pack *p, const char *from, const char *to, struct err *e)
{
	if ((unlinkat(p->update, to, 0) != 0 && errno != ENOENT) || linkat(p->dir, from, p->update, to, 0) != 0)
		return err_sys(e, "update/%s", to);
	return 0;
}

static int pack(struct pack *p, const struct es256 *key, struct err *e)
{
	if (file_mkdir(p->dir, "update", 0755, e))
		return -1;
	p->update = openat(p->dir, "update", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (p->update < 0)
		return err_sys(e, "update");
	return put_payload(p, p->uki, UPDATE_UKI, e) || put_payload(p, "root.img", UPDATE_ROOT, e) ||
	                       write_manifest(p, key, e)
	               ? -1
	               : 0;
}

int cmd_update_pack(struct cli *c, struct err *e)
{
	const char *key_file = NULL, *floor = NULL, *epoch = getenv("SOURCE_DATE_EPOCH");
	struct pack p = {.dir = -1, .update = -1, .issued = (int64_t)time(NULL)};
	uint64_t at;
	int rc = -1;

	(void)cli_option(c, "--requires-floor", &floor);
	if (!cli_option(c, "--key", &key_file) || !cli_args(c, 1, 1, e))
		return CLI_USAGE;
	if (epoch && cli_whole(epoch, UINT32_MAX, "SOURCE_DATE_EPOCH", &at, e))
		return -1;
	if (epoch)
		p.issued = (int64_t)at;
	AUTO(es256_free) struct es256 *key = keyfile_open(key_file, e);
	p.dir = key ? open(c->argv[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (key && p.dir < 0)
		err_sys(e, "%s", c->argv[0]);
	else if (key && read_image(&p, e) == 0) {
		p.floor = p.image.version - 1; /* the one before may still be gone back to */
		rc = floor ? cli_whole(floor, p.image.version, "--requires-floor", &p.floor, e) : 0;
		rc = rc || pack(&p, key, e) ? -1 : 0;
	}
	if (rc == 0 && !c->json)
		printf("%s %u is in %s/update\n", p.image.variant, p.image.version, c->argv[0]);
	fd_close(p.update);
	fd_close(p.dir);
	return rc;
}
