#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "firmware/init/first.h"

#define MODULES "/modules"
enum { LIST_MAX = 16 * 1024, FILE_NAME_MAX = 80 };

/* Letters of file names alone: no path. */
static bool name_take(struct view line, char out[FILE_NAME_MAX])
{
	if (line.n == 0 || line.n >= FILE_NAME_MAX || line.p[0] == '.')
		return false;
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] <= ' ' || line.p[i] == '/' || line.p[i] >= 0x7f)
			return false;
	memcpy(out, line.p, line.n);
	out[line.n] = 0;
	return true;
}

static int load(int dir, const char *name, struct err *e)
{
	AUTO(fd_close) int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return err_sys(e, "the kernel module %s", name);
	/* no such device, already here, built in */
	if (syscall(SYS_finit_module, fd, "", 0) != 0 && errno != ENODEV && errno != EEXIST && errno != ENXIO)
		return err_sys(e, "the kernel module %s cannot be loaded", name);
	return 0;
}

static void load_line(int dir, struct view line)
{
	char name[FILE_NAME_MAX];
	struct err e;

	if (!name_take(line, name)) {
		err_set(&e, WHY_MALFORMED, "the list of kernel modules has a line that is no file name");
		firstsay_trouble(&e);
		return;
	}
	if (load(dir, name, &e) != 0)
		firstsay_trouble(&e);
	(void)unlinkat(dir, name, 0);
}

int firstmodules_load(struct err *e)
{
	AUTO(fd_close) int dir = open(MODULES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO(mem_free) char *list = NULL;
	uint8_t *p = NULL;
	size_t n = 0;

	if (dir < 0 || file_read(dir, "list", LIST_MAX, &p, &n, e) != 0)
		return err_set(e, WHY_SYSTEM, "the initramfs has no list of kernel modules");
	list = (char *)p;
	for (char *at = list, *end; *at; at = *end ? end + 1 : end) {
		end = at + strcspn(at, "\n");
		load_line(dir, VIEW(at, (size_t)(end - at)));
	}
	return 0;
}
