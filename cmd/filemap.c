#include "cmd/filemap.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/file.h"

int filemap_open(const char *path, struct view *out, struct err *e)
{
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(e, "%s", path);
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return err_set(e, WHY_MALFORMED, "%s: not a file, or empty", path);
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return err_sys(e, "%s", path);
	*out = VIEW(p, (size_t)st.st_size);
	return 0;
}

void filemap_close(struct view v)
{
	if (v.n > 0)
		munmap((void *)(uintptr_t)v.p, v.n);
}
