/* image flash: an image onto a disk, or into a file. What is erased is shown before it is. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cli.h"
#include "firmware/image/image.h"

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

int cmd_image_flash(struct cli *c, struct err *e)
{
	const char *from = IMAGE;
	struct flash_source image = {.fd = -1};
	struct flash_target target = {.fd = -1};
	bool yes = cli_flag(c, "--yes");
	int rc = -1;

	(void)cli_option(c, "--image", &from);
	if (!cli_args(c, 1, 1, e))
		return CLI_USAGE;
	if (flash_source_open(from, &image, e) == 0 && flash_target_open(c->argv[0], &image, &target, e) == 0 &&
	        ask(&target, yes, e) == 0 && flash_write(&image, &target, bar, NULL, e) == 0)
		rc = 0;
	if (rc == 0)
		printf("%s holds the image, read back and compared.\n", c->argv[0]);
	flash_close(&image, &target);
	return rc;
}
