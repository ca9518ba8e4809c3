#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/file.h"
#include "firmware/image/image.h"

enum { MODEL_MAX = 63 };

static int table_get(int fd, struct gpt *out, struct err *e)
{
	uint8_t head[GPT_HEAD];
	ssize_t n = pread(fd, head, sizeof head, 0);

	if (n < 0)
		return err_sys(e, "it cannot be read");
	return gpt_read(VIEW(head, (size_t)n), out, e);
}

/* The partitions that firmware/image/disk.sh makes, in its order. */
static bool is_ours(const struct gpt *t)
{
	static const char *const names[] = {"esp", "root-a", "root-b", "state"};

	if (t->n != COUNT(names))
		return false;
	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(t->part[i].name, names[i]) != 0)
			return false;
	return true;
}

int flash_source_open(const char *path, struct flash_source *out, struct err *e)
{
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct gpt table;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(e, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, WHY_MALFORMED, "%s: an image is a file", path);
	if (table_get(fd, &table, e) != 0)
		return err_in(e, "%s: this is no image of a disk", path);
	if (!is_ours(&table))
		return err_set(e, WHY_MALFORMED,
		        "%s: this is the image of another disk, without esp, root-a, root-b and state", path);
	if ((uint64_t)st.st_size != table.sectors * GPT_SECTOR)
		return err_set(e, WHY_MALFORMED, "%s: the image is cut short: it has %lld of %llu bytes", path,
		        (long long)st.st_size, (unsigned long long)table.sectors * GPT_SECTOR);
	*out = (struct flash_source){.fd = fd, .size = (uint64_t)st.st_size};
	fd = -1;
	return 0;
}

/* What sysfs says about a device, without the blanks at its end; nothing is fine. */
static void sysfs_get(const struct stat *st, const char *what, char out[MODEL_MAX + 1])
{
	char path[128];
	AUTO(fd_close) int fd = -1;
	ssize_t n;

	(void)snprintf(path, sizeof path, "/sys/dev/block/%u:%u/%s", major(st->st_rdev), minor(st->st_rdev), what);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, out, MODEL_MAX);
	if (n < 0)
		n = 0;
	while (n > 0 && (out[n - 1] <= ' ' || out[n - 1] >= 0x7f))
		n--;
	out[n] = 0;
}

static int disk_open(const struct stat *st, struct flash_target *t, struct err *e)
{
	char number[MODEL_MAX + 1];
	int sector = 0;

	sysfs_get(st, "partition", number);
	if (number[0])
		return err_set(e, WHY_REFUSED, "%s is a partition; name the whole disk", t->path);
	/* O_EXCL of a block device: the kernel refuses while it, or a part of it, is mounted, swapped to, or mapped */
	t->fd = open(t->path, O_RDWR | O_EXCL | O_CLOEXEC);
	if (t->fd < 0 && errno == EBUSY)
		return err_set(e, WHY_REFUSED,
		        "%s is in use: it, or a partition of it, is mounted or held by another program", t->path);
	if (t->fd < 0)
		return err_sys(e, "%s", t->path);
	if (ioctl(t->fd, BLKGETSIZE64, &t->size) != 0 || ioctl(t->fd, BLKSSZGET, &sector) != 0)
		return err_sys(e, "%s: its size is not known", t->path);
	if (sector != GPT_SECTOR)
		return err_set(
		        e, WHY_REFUSED, "%s has sectors of %d bytes; the image is made for 512", t->path, sector);
	sysfs_get(st, "device/model", t->model);
	t->disk = true;
	return 0;
}

static int file_open(const struct stat *st, struct flash_target *t, struct err *e)
{
	t->fd = open(t->path, O_RDWR | O_CLOEXEC);
	if (t->fd < 0)
		return err_sys(e, "%s", t->path);
	t->size = (uint64_t)st->st_size;
	return 0;
}

static bool is_image(const struct stat *st, const struct flash_source *image)
{
	struct stat own;

	return fstat(image->fd, &own) == 0 && own.st_dev == st->st_dev && own.st_ino == st->st_ino;
}

/* A disk that is misspelt must not become a file in memory. */
static int file_new(const struct flash_source *image, struct flash_target *t, struct err *e)
{
	if (strncmp(t->path, "/dev/", 5) == 0)
		return err_set(e, WHY_REFUSED, "there is no disk %s", t->path);
	t->size = image->size;
	return 0;
}

static int target_open(const struct flash_source *image, struct flash_target *t, struct err *e)
{
	struct stat st;
	struct err none;

	if (stat(t->path, &st) != 0)
		return errno == ENOENT ? file_new(image, t, e) : err_sys(e, "%s", t->path);
	if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
		return err_set(e, WHY_REFUSED, "%s is neither a disk nor a file", t->path);
	if (is_image(&st, image))
		return err_set(e, WHY_REFUSED, "%s is the image itself", t->path);
	if ((S_ISBLK(st.st_mode) ? disk_open : file_open)(&st, t, e) != 0)
		return -1;
	if (t->size < image->size)
		return err_set(e, WHY_REFUSED, "%s is too small: it has %llu bytes and the image %llu", t->path,
		        (unsigned long long)t->size, (unsigned long long)image->size);
	t->known = table_get(t->fd, &t->table, &none) == 0;
	return 0;
}

int flash_target_open(const char *path, const struct flash_source *image, struct flash_target *out, struct err *e)
{
	*out = (struct flash_target){.path = path, .fd = -1};
	if (target_open(image, out, e) == 0)
		return 0;
	fd_close(out->fd);
	out->fd = -1;
	return -1;
}

void flash_close(struct flash_source *image, struct flash_target *target)
{
	fd_close(image->fd);
	fd_close(target->fd);
	image->fd = target->fd = -1;
}
