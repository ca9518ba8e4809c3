#include "attest/quoterops.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* As much as there is and fits, or -1. The kernel's file has no size, and grows while it is read. */
static ssize_t read_at(int fd, uint64_t at, uint8_t *to, size_t cap)
{
	size_t have = 0;

	for (ssize_t got = 1; got > 0 && have < cap;) {
		got = pread(fd, to + have, cap - have, (off_t)(at + have));
		if (got < 0 && errno != EINTR)
			return -1;
		have += got > 0 ? (size_t)got : 0;
		got = got < 0 ? 1 : got;
	}
	return (ssize_t)have;
}

int quoterima_read(int fd, uint64_t at, size_t room, uint8_t **part, size_t *n, struct err *e)
{
	size_t cap = room < IMA_PART_MAX ? room : IMA_PART_MAX;
	AUTO(mem_free)
	char *buf = malloc(1 + cap + 1); /* in front: whether more follows; behind: to see that it does */

	if (!buf)
		return err_sys(e, "no memory for the runtime list");
	uint8_t *bytes = (uint8_t *)buf + 1;
	ssize_t got = read_at(fd, at, bytes, cap + 1);
	if (got < 0)
		return err_sys(e, "cannot read the runtime list");
	size_t whole = ima_whole(VIEW(bytes, (size_t)got < cap ? (size_t)got : cap));
	if (whole == 0 && got > 0)
		return err_set(
		        e, WHY_SYSTEM, "the runtime list has no whole entry at byte %llu", (unsigned long long)at);
	buf[0] = (size_t)got > whole;
	*n = whole > 0 ? 1 + whole : 0;
	*part = (uint8_t *)TAKE(buf);
	return 0;
}
