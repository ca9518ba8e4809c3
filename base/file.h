/* file: files that are either the old one or the new one, never half. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <sys/types.h>

#include "base/err.h"
#include "base/mem.h"

void fd_close(int fd); /* -1 is fine */
AUTO_DEFINE(int, fd_close)

/* The whole regular file, at most max bytes, into malloc'd memory (NUL put behind it, not counted). O_NOFOLLOW on the
 * last name; errno tells why it could not be opened. dirfd may be AT_FDCWD. The caller frees. */
int file_read(int dirfd, const char *path, size_t max, uint8_t **out, size_t *n, struct err *e);
/* Writes path.tmp in the same directory with O_EXCL|O_NOFOLLOW, fsync, rename, fsync of the directory. The mode is
 * exact, whatever the umask; a path.tmp that a crash left behind is replaced. */
int file_write(int dirfd, const char *path, struct view v, mode_t mode, struct err *e);
/* mkdir -p of one level; an existing directory is fine, anything else of that name is not. */
int file_mkdir(int dirfd, const char *path, mode_t mode, struct err *e);
int fd_read_all(int fd, void *p, size_t n);        /* exactly n bytes: 1; EOF before the first: 0; -1 otherwise */
int fd_write_all(int fd, const void *p, size_t n); /* 0 or -1 */

#endif
