#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "firmware/update/update.h"

static int write_at(int fd, uint64_t at, struct view v, const char *what, struct err *e)
{
	for (size_t done = 0; done < v.n;) {
		ssize_t n = pwrite(fd, v.p + done, v.n - done, (off_t)(at + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_sys(e, "%s", what);
		done += (size_t)n;
	}
	return 0;
}

/* What is in memory is dropped first: the question is what the device has. */
static int read_at(int fd, uint64_t at, void *p, size_t n, const char *what, struct err *e)
{
	(void)posix_fadvise(fd, (off_t)at, (off_t)n, POSIX_FADV_DONTNEED);
	for (size_t done = 0; done < n;) {
		ssize_t got = pread(fd, (uint8_t *)p + done, n - done, (off_t)(at + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return err_sys(e, "%s", what);
		done += (size_t)got;
	}
	return 0;
}

/* ---- the slot ---- */

static int slot_write(void *arg, uint64_t at, struct view v, struct err *e)
{
	const struct updatedisk *d = arg;

	return write_at(d->slot, at, v, "the idle slot", e);
}

static int slot_sync(void *arg, struct err *e)
{
	const struct updatedisk *d = arg;

	return fsync(d->slot) ? err_sys(e, "the idle slot") : 0;
}

static int slot_read(void *arg, uint64_t at, void *p, size_t n, struct err *e)
{
	const struct updatedisk *d = arg;

	return read_at(d->slot, at, p, n, "the idle slot", e);
}

/* ---- the boot partition ---- */

static int esp_list(void *arg, char names[][UKI_NAME_MAX], size_t cap, size_t *n, struct err *e)
{
	const struct updatedisk *d = arg;
	int fd = openat(d->esp, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	int bad = 0;

	*n = 0;
	if (!dir) {
		fd_close(fd);
		return err_sys(e, "cannot list the boot partition");
	}
	while (!bad && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || strlen(entry->d_name) >= UKI_NAME_MAX)
			continue;
		if (*n == cap)
			bad = err_set(e, WHY_SYSTEM, "the boot partition has more than %zu files", cap);
		else
			memcpy(names[(*n)++], entry->d_name, strlen(entry->d_name) + 1);
	}
	closedir(dir);
	return bad;
}

static int esp_write(void *arg, const char *name, uint64_t at, struct view v, struct err *e)
{
	const struct updatedisk *d = arg;
	AUTO(fd_close)
	int fd = openat(d->esp, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | (at == 0 ? O_CREAT | O_TRUNC : 0), 0600);

	return fd < 0 ? err_sys(e, "%s", name) : write_at(fd, at, v, name, e);
}

static int esp_read(void *arg, const char *name, uint64_t at, void *p, size_t n, struct err *e)
{
	const struct updatedisk *d = arg;
	AUTO(fd_close) int fd = openat(d->esp, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "%s", name) : read_at(fd, at, p, n, name, e);
}

static int esp_sync(void *arg, const char *name, struct err *e)
{
	const struct updatedisk *d = arg;
	AUTO(fd_close) int fd = openat(d->esp, name ? name : ".", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 || fsync(fd) != 0 ? err_sys(e, "%s", name ? name : "the boot partition") : 0;
}

static int esp_rename(void *arg, const char *from, const char *to, struct err *e)
{
	const struct updatedisk *d = arg;

	return renameat(d->esp, from, d->esp, to) != 0 ? err_sys(e, "%s", from) : 0;
}

static int esp_remove(void *arg, const char *name, struct err *e)
{
	const struct updatedisk *d = arg;

	return unlinkat(d->esp, name, 0) != 0 ? err_sys(e, "%s", name) : 0;
}

struct updateio updatedisk_io(struct updatedisk *d)
{
	return (struct updateio){.arg = d,
	        .slot_write = slot_write,
	        .slot_sync = slot_sync,
	        .slot_read = slot_read,
	        .esp_list = esp_list,
	        .esp_write = esp_write,
	        .esp_read = esp_read,
	        .esp_sync = esp_sync,
	        .esp_rename = esp_rename,
	        .esp_remove = esp_remove};
}
