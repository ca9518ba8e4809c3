#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/bench/bench.h"

int fleet_open(const char *path, size_t n, struct fleet *out, struct err *e)
{
	AUTO(fd_close) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(e, "%s", path);
	size_t have = (size_t)st.st_size / sizeof(struct player);
	if (n == 0)
		n = have;
	if (n == 0)
		return err_set(e, WHY_MALFORMED, "%s: nobody is enrolled", path);
	if (n > have && ftruncate(fd, (off_t)(n * sizeof(struct player))) != 0)
		return err_sys(e, "%s", path);
	void *p = mmap(NULL, n * sizeof(struct player), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return err_sys(e, "%s", path);
	*out = (struct fleet){.player = p, .n = n};
	return 0;
}

void fleet_close(struct fleet *f)
{
	if (f->player)
		munmap(f->player, f->n * sizeof *f->player);
	f->player = NULL;
}
