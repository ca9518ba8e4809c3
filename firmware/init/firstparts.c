#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "firmware/init/first.h"

#define BLOCKS "/sys/class/block"
enum { PARTS_MAX = 8, TRIES = 100, PAUSE_MS = 100, UEVENT_MAX = 4096 };

/* The value of a line "key=value". */
static bool value_of(const char *text, const char *key, char out[PART_NAME_MAX])
{
	size_t nkey = strlen(key), n;

	for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n') {
		if (strncmp(at, key, nkey) != 0)
			continue;
		at += nkey;
		n = strcspn(at, "\n");
		if (n == 0 || n >= PART_NAME_MAX)
			return false;
		memcpy(out, at, n);
		out[n] = 0;
		return true;
	}
	return false;
}

/* ".../block/vda/vda2": the disk is the directory before the last. */
static bool disk_of(const char *entry, char out[PART_NAME_MAX])
{
	char path[PATH_MAX], link[PATH_MAX], *slash;
	ssize_t n;

	(void)snprintf(path, sizeof path, BLOCKS "/%s", entry);
	n = readlink(path, link, sizeof link - 1);
	if (n <= 0)
		return false;
	link[n] = 0;
	slash = strrchr(link, '/');
	if (!slash)
		return false;
	*slash = 0;
	slash = strrchr(link, '/');
	if (!slash || strlen(slash + 1) >= PART_NAME_MAX)
		return false;
	strncpy(out, slash + 1, PART_NAME_MAX - 1);
	return true;
}

static bool part_read(const char *entry, struct part *out)
{
	AUTO(mem_free) char *text = NULL;
	char path[PATH_MAX];
	uint8_t *p = NULL;
	size_t n = 0;
	struct err ignored;

	(void)snprintf(path, sizeof path, BLOCKS "/%s/uevent", entry);
	memset(out, 0, sizeof *out);
	if (file_read(AT_FDCWD, path, UEVENT_MAX, &p, &n, &ignored) != 0)
		return false;
	text = (char *)p;
	return value_of(text, "PARTNAME=", out->label) && value_of(text, "DEVNAME=", out->device) &&
	       disk_of(entry, out->disk);
}

size_t firstparts_find(const char *label, const char *disk, struct part *out, size_t cap)
{
	DIR *d = opendir(BLOCKS);
	struct dirent *entry;
	struct part p;
	size_t n = 0;

	while (d && n < cap && (entry = readdir(d)))
		if (entry->d_name[0] != '.' && part_read(entry->d_name, &p) && strcmp(p.label, label) == 0 &&
		        (!disk || strcmp(p.disk, disk) == 0))
			out[n++] = p;
	if (d)
		closedir(d);
	return n;
}

static bool fits(const struct bootline *b, const struct part *p)
{
	char path[PART_NAME_MAX + 8];
	uint8_t top[VERITY_BLOCK];

	(void)snprintf(path, sizeof path, "/dev/%s", p->device);
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && pread(fd, top, sizeof top, (off_t)(b->blocks * VERITY_BLOCK)) == (ssize_t)sizeof top &&
	       verity_fits(b, top);
}

/* True when it was found; *seen counts what bears the label of a slot. */
static bool look(const struct bootline *b, struct part *out, char *letter, size_t *seen)
{
	struct part parts[PARTS_MAX];

	*seen = 0;
	for (char slot = 'a'; slot <= 'b'; slot++) {
		const char label[] = {'r', 'o', 'o', 't', '-', slot, 0};
		size_t n = firstparts_find(label, NULL, parts, PARTS_MAX);

		*seen += n;
		for (size_t i = 0; i < n; i++)
			if (fits(b, &parts[i])) {
				*out = parts[i];
				*letter = slot;
				return true;
			}
	}
	return false;
}

int firstparts_slot(const struct bootline *b, struct part *out, char *letter, struct err *e)
{
	const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
	size_t seen = 0;

	for (int i = 0; i < TRIES; i++) {
		if (look(b, out, letter, &seen))
			return 0;
		(void)nanosleep(&pause, NULL);
	}
	if (seen == 0) {
		err_set(e, WHY_UNKNOWN, "no disk here has a partition root-a or root-b");
		return err_hint(e, "the disk's driver may not be in this variant of the image");
	}
	return err_set(e, WHY_UNTRUSTED, "neither root-a nor root-b is the root that the signed command line names");
}
