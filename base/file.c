#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void fd_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

int fd_read_all(int fd, void *p, size_t n)
{
	uint8_t *at = p, *end = at + n;

	while (at < end) {
		ssize_t got = read(fd, at, (size_t)(end - at));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0) {
			errno = ENODATA;
			return at == p ? 0 : -1;
		}
		at += got;
	}
	return 1;
}

int fd_write_all(int fd, const void *p, size_t n)
{
	const uint8_t *at = p, *end = at + n;

	while (at < end) {
		ssize_t put = write(fd, at, (size_t)(end - at));
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		at += put;
	}
	return 0;
}

struct growing {
	uint8_t *p;
	size_t n, cap;
};

/* Files may hold keys: an outgrown buffer is wiped, which realloc would not do. */
static void drop(struct growing *g)
{
	mem_wipe(g->p, g->n);
	free(g->p);
	g->p = NULL;
}

static int grow(struct growing *g, size_t cap)
{
	uint8_t *p = malloc(cap + 1);

	if (!p)
		return -1;
	if (g->n > 0)
		memcpy(p, g->p, g->n);
	drop(g);
	g->p = p;
	g->cap = cap;
	return 0;
}

/* Sizes lie (securityfs says 0), so the end of the file is where read says it is. */
static int slurp(int fd, const char *path, size_t max, size_t guess, struct growing *g, struct err *e)
{
	if (grow(g, guess < max ? guess + 1 : max + 1) != 0)
		return err_sys(e, "cannot read %s", path);
	for (;;) {
		ssize_t got = read(fd, g->p + g->n, g->cap - g->n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(e, "cannot read %s", path);
		if (got == 0)
			return 0;
		g->n += (size_t)got;
		if (g->n > max)
			return err_set(e, WHY_MALFORMED, "%s is larger than %zu bytes", path, max);
		if (g->n == g->cap && grow(g, g->cap < max / 2 ? g->cap * 2 + 4096 : max + 1) != 0)
			return err_sys(e, "cannot read %s", path);
	}
}

int file_read(int dirfd, const char *path, size_t max, uint8_t **out, size_t *n, struct err *e)
{
	/* O_NONBLOCK: opening a FIFO that someone put there must not hang us. */
	AUTO(fd_close) int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct growing g = {0};
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(e, "cannot open %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, WHY_SYSTEM, "%s is not a regular file", path);
	if (slurp(fd, path, max, (size_t)st.st_size, &g, e) != 0) {
		drop(&g);
		return -1;
	}
	g.p[g.n] = 0;
	*out = g.p;
	*n = g.n;
	return 0;
}

/* A rename is only durable once its directory is. */
static int sync_parent(int dirfd, const char *path)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	if (n >= sizeof parent) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(parent, path, n);
	parent[n] = 0;
	AUTO(fd_close) int fd = openat(dirfd, n > 0 ? parent : slash ? "/" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -1 : fsync(fd);
}

static int write_temporary(int dirfd, const char *tmp, struct view v, mode_t mode)
{
	if (unlinkat(dirfd, tmp, 0) != 0 && errno != ENOENT)
		return -1;
	AUTO(fd_close) int fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode & 0600);
	if (fd < 0)
		return -1;
	/* fchmod: what the caller asks for, whatever the umask. */
	return fchmod(fd, mode) != 0 || fd_write_all(fd, v.p, v.n) != 0 || fsync(fd) != 0 ? -1 : 0;
}

int file_write(int dirfd, const char *path, struct view v, mode_t mode, struct err *e)
{
	char tmp[PATH_MAX];
	int n = snprintf(tmp, sizeof tmp, "%s.tmp", path);

	if (n < 0 || (size_t)n >= sizeof tmp)
		return err_set(e, WHY_MALFORMED, "the path %.60s... is too long", path);
	if (write_temporary(dirfd, tmp, v, mode) != 0 || renameat(dirfd, tmp, dirfd, path) != 0) {
		err_sys(e, "cannot write %s", path);
		unlinkat(dirfd, tmp, 0);
		return -1;
	}
	if (sync_parent(dirfd, path) != 0)
		return err_sys(e, "cannot make %s durable", path);
	return 0;
}

int file_mkdir(int dirfd, const char *path, mode_t mode, struct err *e)
{
	struct stat st;

	if (mkdirat(dirfd, path, mode) == 0)
		return 0;
	if (errno != EEXIST || fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys(e, "cannot make the directory %s", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, WHY_SYSTEM, "%s exists and is not a directory", path);
	return 0;
}
