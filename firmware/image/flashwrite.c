#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sha.h"
#include "firmware/image/image.h"

enum { PIECE = 1024 * 1024 };

struct walk {
	const struct flash_source *image;
	const struct flash_target *target;
	uint8_t *piece; /* PIECE bytes */
	bool made;      /* the target is a file without contents: zeros need not be written */
	flash_progress *progress;
	void *arg;
};

static int piece_read(int fd, uint8_t *p, size_t n, uint64_t at)
{
	for (size_t got = 0; got < n;) {
		ssize_t k = pread(fd, p + got, n - got, (off_t)(at + got));
		if (k <= 0)
			return -1;
		got += (size_t)k;
	}
	return 0;
}

static int piece_write(int fd, const uint8_t *p, size_t n, uint64_t at)
{
	for (size_t put = 0; put < n;) {
		ssize_t k = pwrite(fd, p + put, n - put, (off_t)(at + put));
		if (k <= 0)
			return -1;
		put += (size_t)k;
	}
	return 0;
}

static bool is_zero(struct view v)
{
	return v.n == 0 || (v.p[0] == 0 && memcmp(v.p, v.p + 1, v.n - 1) == 0);
}

static int piece_put(const struct walk *w, size_t n, uint64_t at)
{
	if (w->made && is_zero(VIEW(w->piece, n)))
		return 0;
	return piece_write(w->target->fd, w->piece, n, at);
}

/* Reads all of the image, from the target when verifying and else on the way to it; gives the digest. */
static int walk(const struct walk *w, bool verifying, uint8_t digest[SHA_LEN], struct err *e)
{
	const char *path = w->target->path;
	struct sha sha;
	int bad = 0;

	sha_start(&sha);
	for (uint64_t at = 0; at < w->image->size && !bad; at += PIECE) {
		uint64_t left = w->image->size - at;
		size_t n = left < PIECE ? (size_t)left : PIECE;
		if (piece_read(verifying ? w->target->fd : w->image->fd, w->piece, n, at) != 0)
			bad = err_sys(e, "%s cannot be read at byte %llu", verifying ? path : "the image",
			        (unsigned long long)at);
		else if (!verifying && piece_put(w, n, at) != 0)
			bad = err_sys(e, "%s cannot be written at byte %llu", path, (unsigned long long)at);
		else
			sha_add(&sha, VIEW(w->piece, n));
		if (!bad)
			w->progress(w->arg, verifying, at + n, w->image->size);
	}
	sha_end(&sha, digest);
	return bad;
}

/* So that what is read back comes from the disk. */
static int settle(const struct flash_target *t, struct err *e)
{
	if (fsync(t->fd) != 0)
		return err_sys(e, "%s did not take what was written", t->path);
	if (t->disk)
		(void)ioctl(t->fd, BLKFLSBUF, 0);
	(void)posix_fadvise(t->fd, 0, 0, POSIX_FADV_DONTNEED);
	return 0;
}

static int write_all(const struct walk *w, struct err *e)
{
	uint8_t meant[SHA_LEN], found[SHA_LEN];

	if (walk(w, false, meant, e) != 0 || settle(w->target, e) != 0 || walk(w, true, found, e) != 0)
		return -1;
	if (!view_equal(VIEW_OF(meant), VIEW_OF(found)))
		return err_set(e, WHY_SYSTEM, "%s does not hold what was written to it", w->target->path);
	if (w->target->disk)
		(void)ioctl(w->target->fd, BLKRRPART);
	return 0;
}

int flash_write(const struct flash_source *image, struct flash_target *target, flash_progress *progress, void *arg,
        struct err *e)
{
	AUTO(mem_free) char *piece = malloc(PIECE);
	bool made = target->fd < 0;
	struct walk w = {image, target, (uint8_t *)piece, made, progress, arg};

	if (!piece)
		return err_set(e, WHY_SYSTEM, "out of memory");
	if (made && (target->fd = open(target->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644)) < 0)
		return err_sys(e, "%s", target->path);
	if (made && ftruncate(target->fd, (off_t)image->size) != 0)
		(void)err_sys(e, "%s", target->path);
	else if (write_all(&w, e) == 0)
		return 0;
	if (made)
		(void)unlink(target->path);
	return -1;
}

int flash_fit(const struct flash_source *image, const struct flash_target *target, struct err *e)
{
	uint64_t sectors = target->size / GPT_SECTOR;
	uint8_t head[GPT_HEAD], tail[GPT_TAIL];

	if (sectors * GPT_SECTOR == image->size)
		return 0;
	if (piece_read(target->fd, head, sizeof head, 0) != 0)
		return err_sys(e, "%s cannot be read", target->path);
	if (gpt_fit(head, sectors, tail, e) != 0)
		return err_in(e, "%s", target->path);
	if (piece_write(target->fd, tail, sizeof tail, (sectors - GPT_TAIL / GPT_SECTOR) * GPT_SECTOR) != 0 ||
	        piece_write(target->fd, head, sizeof head, 0) != 0)
		return err_sys(e, "%s: the table of partitions cannot be written", target->path);
	return settle(target, e);
}
