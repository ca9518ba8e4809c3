/* image flash: an image onto a disk, or into a file. What is erased is shown before it is. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cli.h"
#include "firmware/image/image.h"
#include "firmware/init/init.h"

#define IMAGE "build/firmware/merestone.img"
enum { BAR = 32, MIB = 1024 * 1024 };

static void show(const struct flash_target *t)
{
	if (t->fd < 0) {
		printf("%s will be made.\n", t->path);
		return;
	}
	printf("%s: %s%s%s, %llu MiB. All of it will be erased.\n", t->path, t->disk ? "disk" : "file",
	        t->model[0] ? " " : "", t->model, (unsigned long long)t->size / MIB);
	for (size_t i = 0; t->known && i < t->table.n; i++) {
		const struct gpt_part *p = &t->table.part[i];
		printf("  partition %zu  %-24s %llu MiB\n", i + 1, p->name[0] ? p->name : "without a name",
		        (unsigned long long)((p->last - p->first + 1) * GPT_SECTOR / MIB));
	}
	if (!t->known)
		puts("  without a table of partitions that could be read");
}

/* A file that does not exist loses nothing. */
static int ask(const struct flash_target *t, bool yes, struct err *e)
{
	char line[16] = "";

	show(t);
	if (yes || t->fd < 0)
		return 0;
	if (!isatty(STDIN_FILENO)) {
		(void)err_set(e, WHY_REFUSED, "%s would be erased, and nobody is here to agree", t->path);
		return err_hint(e, "--yes agrees");
	}
	printf("Write yes to erase it: ");
	(void)fflush(stdout);
	if (fgets(line, sizeof line, stdin) && strcmp(line, "yes\n") == 0)
		return 0;
	return err_set(e, WHY_REFUSED, "%s is as it was", t->path);
}

static void bar(void *arg, bool verifying, uint64_t done, uint64_t all)
{
	int part = (int)(done * BAR / all);

	(void)arg;
	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r%-9s [%.*s%*s] %3llu %%%s", verifying ? "verifying" : "writing", part,
	        "################################", BAR - part, "", (unsigned long long)(done * 100 / all),
	        verifying && done == all ? "\n" : "");
}

/* A site file that no machine would read is not written to one. */
static int site_get(const char *path, uint8_t **out, struct view *site, struct err *e)
{
	struct site parsed;
	size_t n = 0;

	if (!path)
		return 0;
	if (cli_read(path, out, &n, e) != 0 || site_parse(VIEW(*out, n), VIEW(NULL, 0), &parsed, e) != 0)
		return err_in(e, "%s", path);
	*site = VIEW(*out, n);
	return 0;
}

static int site_put(const struct flash_target *t, struct view site, struct err *e)
{
	uint8_t head[GPT_HEAD];
	struct gpt table;

	if (site.n == 0)
		return 0;
	if (pread(t->fd, head, sizeof head, 0) != (ssize_t)sizeof head)
		return err_sys(e, "%s", t->path);
	if (gpt_read(VIEW_OF(head), &table, e) != 0)
		return err_in(e, "%s", t->path);
	return espsite_put(t->fd, table.part[0].first * GPT_SECTOR, site, e);
}

int cmd_image_flash(struct cli *c, struct err *e)
{
	AUTO(mem_free) char *held = NULL;
	const char *from = IMAGE, *site_file = NULL;
	struct view site = {0};
	uint8_t *p = NULL;
	struct flash_source image = {.fd = -1};
	struct flash_target target = {.fd = -1};
	bool yes = cli_flag(c, "--yes");
	int rc = -1;

	(void)cli_option(c, "--image", &from);
	(void)cli_option(c, "--site", &site_file);
	if (!cli_args(c, 1, 1, e))
		return CLI_USAGE;
	rc = site_get(site_file, &p, &site, e);
	held = (char *)p;
	if (rc != 0)
		return rc;
	rc = -1;
	if (flash_source_open(from, &image, e) == 0 && flash_target_open(c->argv[0], &image, &target, e) == 0 &&
	        ask(&target, yes, e) == 0 && flash_write(&image, &target, bar, NULL, e) == 0 &&
	        flash_fit(&image, &target, e) == 0 && site_put(&target, site, e) == 0)
		rc = 0;
	if (rc == 0)
		printf("%s holds the image, read back and compared%s.\n", c->argv[0],
		        site.n > 0 ? ", and its site file" : "");
	flash_close(&image, &target);
	return rc;
}
