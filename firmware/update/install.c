/* The order is the whole safety: what came is whole; files whose root is about to go are gone; the root is on the disk
 * and read back; the kernel image is on the disk under a name that nobody starts; then its name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "firmware/update/update.h"

enum { CHUNK = 128 * 1024 };
#define UNFINISHED ".tmp"

typedef int put_fn(void *to, uint64_t at, struct view v, struct err *e);
typedef int get_fn(void *from, uint64_t at, void *p, size_t n, struct err *e);

/* ---- what came ---- */

/* Exactly n bytes at `at`. */
static int file_part(int fd, uint64_t at, void *p, size_t n, struct err *e)
{
	for (size_t done = 0; done < n;) {
		ssize_t got = pread(fd, (uint8_t *)p + done, n - done, (off_t)(at + done));

		if (got < 0)
			return err_sys(e, "cannot read what came");
		if (got == 0)
			return err_set(e, WHY_FORGED, "it is shorter than the manifest says");
		done += (size_t)got;
	}
	return 0;
}

/* The bytes of one payload by chunks, each given to put (NULL: only looked at), and their digest compared. */
static int walk(const struct payload *p, get_fn *get, void *from, put_fn *put, void *to, struct err *e)
{
	AUTO(mem_free) char *chunk = malloc(CHUNK);
	uint8_t digest[SHA_LEN];
	struct sha s;
	int bad = 0;

	if (!chunk)
		return err_sys(e, "no memory for an update");
	sha_start(&s);
	for (uint64_t at = 0; !bad && at < p->size;) {
		size_t n = p->size - at < CHUNK ? (size_t)(p->size - at) : CHUNK;

		bad = get(from, at, chunk, n, e);
		if (!bad)
			sha_add(&s, VIEW(chunk, n));
		if (!bad && put)
			bad = put(to, at, VIEW(chunk, n), e);
		at += n;
	}
	sha_end(&s, digest);
	if (bad)
		return -1;
	return mem_equal(digest, p->sha256, SHA_LEN) ? 0 : err_set(e, WHY_FORGED, "its digest is not the manifest's");
}

static int get_file(void *fd, uint64_t at, void *p, size_t n, struct err *e)
{
	return file_part(*(int *)fd, at, p, n, e);
}

static int check_file(int fd, const struct payload *p, struct err *e)
{
	off_t size = lseek(fd, 0, SEEK_END);

	if (size < 0)
		return err_sys(e, "cannot read what came");
	if ((uint64_t)size != p->size)
		return err_set(e, WHY_FORGED, "it has %lld bytes, the manifest says %llu", (long long)size,
		        (unsigned long long)p->size);
	return walk(p, get_file, &fd, NULL, NULL, e);
}

/* ---- the slot ---- */

static int put_slot(void *io, uint64_t at, struct view v, struct err *e)
{
	const struct updateio *to = io;

	return to->slot_write(to->arg, at, v, e);
}

static int get_slot(void *io, uint64_t at, void *p, size_t n, struct err *e)
{
	const struct updateio *from = io;

	return from->slot_read(from->arg, at, p, n, e);
}

static int write_slot(const struct updateio *io, const struct install *x, struct err *e)
{
	struct updateio disk = *io;
	int root = x->root;

	if (walk(&x->release->root, get_file, &root, put_slot, &disk, e) || io->slot_sync(io->arg, e))
		return err_in(e, "writing the root file system");
	if (walk(&x->release->root, get_slot, &disk, NULL, NULL, e))
		return err_in(e, "reading the root file system back");
	return 0;
}

/* ---- the boot partition ---- */

struct espfile {
	const struct updateio *io;
	const char *name;
};

static int put_esp(void *file, uint64_t at, struct view v, struct err *e)
{
	const struct espfile *f = file;

	return f->io->esp_write(f->io->arg, f->name, at, v, e);
}

static int get_esp(void *file, uint64_t at, void *p, size_t n, struct err *e)
{
	const struct espfile *f = file;

	return f->io->esp_read(f->io->arg, f->name, at, p, n, e);
}

/* FAT writes the new name in one sector with an empty file, and what the file is when the file itself is synchronized: that
 * comes first, so that both reach the disk at once. */
static int rename_uki(const struct updateio *io, const char *from, const char *to, struct err *e)
{
	return io->esp_rename(io->arg, from, to, e) || io->esp_sync(io->arg, to, e) || io->esp_sync(io->arg, NULL, e)
	               ? -1
	               : 0;
}

static int write_uki(const struct updateio *io, const struct install *x, const struct uki *as, struct err *e)
{
	char name[UKI_NAME_MAX], unfinished[UKI_NAME_MAX + sizeof UNFINISHED];
	struct espfile f = {.io = io, .name = unfinished};
	int uki = x->uki;

	uki_name(as, name);
	(void)snprintf(unfinished, sizeof unfinished, "%s" UNFINISHED, name);
	if (walk(&x->release->uki, get_file, &uki, put_esp, &f, e) || io->esp_sync(io->arg, unfinished, e))
		return err_in(e, "writing the kernel image");
	if (walk(&x->release->uki, get_esp, &f, NULL, NULL, e))
		return err_in(e, "reading the kernel image back");
	if (rename_uki(io, unfinished, name, e))
		return err_in(e, "naming the kernel image");
	return 0;
}

struct esp {
	struct uki uki[UKIS_MAX];
	size_t n;
};

/* What a cut left unfinished goes at once: it needs the room, and nobody starts it. Other files are not ours. */
static int list_esp(const struct updateio *io, struct esp *out, struct err *e)
{
	char names[2 * UKIS_MAX][UKI_NAME_MAX];
	size_t n = 0;

	out->n = 0;
	if (io->esp_list(io->arg, names, COUNT(names), &n, e))
		return -1;
	for (size_t i = 0; i < n; i++) {
		size_t length = strlen(names[i]), tail = strlen(UNFINISHED);

		if (length > tail && strcmp(names[i] + length - tail, UNFINISHED) == 0) {
			if (io->esp_remove(io->arg, names[i], e))
				return -1;
			continue;
		}
		if (!uki_parse(names[i], &out->uki[out->n]))
			continue;
		if (++out->n == UKIS_MAX)
			return err_set(
			        e, WHY_SYSTEM, "the boot partition has more than %d kernel images", UKIS_MAX - 1);
	}
	return 0;
}

static int remove_all(const struct updateio *io, const struct slots_plan *p, struct err *e)
{
	char name[UKI_NAME_MAX];

	for (size_t i = 0; i < p->nremove; i++) {
		uki_name(&p->remove[i], name);
		if (io->esp_remove(io->arg, name, e))
			return -1;
	}
	return p->nremove > 0 ? io->esp_sync(io->arg, NULL, e) : 0;
}

int install_release(const struct updateio *io, const struct install *x, struct err *e)
{
	struct slots_plan plan;
	struct esp esp;

	if (check_file(x->uki, &x->release->uki, e))
		return err_in(e, "the kernel image of version %u", x->release->version);
	if (check_file(x->root, &x->release->root, e))
		return err_in(e, "the root file system of version %u", x->release->version);
	if (list_esp(io, &esp, e) || slots_install(esp.uki, esp.n, x->running, x->release->version, &plan, e) ||
	        remove_all(io, &plan, e) || write_slot(io, x, e))
		return -1;
	return write_uki(io, x, &plan.to, e);
}

int install_keep(const struct updateio *io, uint32_t running, struct err *e)
{
	char from[UKI_NAME_MAX], to[UKI_NAME_MAX];
	struct slots_plan plan;
	struct esp esp;

	if (list_esp(io, &esp, e) || slots_keep(esp.uki, esp.n, running, &plan, e))
		return -1;
	uki_name(&plan.from, from);
	uki_name(&plan.to, to);
	if (plan.renames && rename_uki(io, from, to, e))
		return -1;
	return remove_all(io, &plan, e) ? -1 : plan.renames;
}

int install_trial(const struct updateio *io, uint32_t running, struct err *e)
{
	struct slots_plan plan;
	struct esp esp;

	if (list_esp(io, &esp, e) || slots_keep(esp.uki, esp.n, running, &plan, e))
		return -1;
	return plan.renames;
}
