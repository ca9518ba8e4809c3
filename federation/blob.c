/* A blob is one file: its bytes, then their SHA-256, so that both change in one rename. An upload is a part file that
 * only this process knows; its hash is kept running, so finishing a large one costs no more than a small one. */
#include "federation/doorway.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"

enum { PART_NAME = NAME_CAP + 32 };

struct upload {
	char name[NAME_CAP]; /* "": free */
	char id[17];
	char peer[NAME_CAP];
	int fd;
	uint64_t size;
	uint64_t touched_s;
	struct sha sha;
};

struct blobs {
	int dirfd;
	struct blob_limits limits;
	uint64_t total; /* bytes in whole blobs and parts */
	unsigned count; /* whole blobs */
	struct upload upload[BLOB_UPLOADS];
};

/* "dataset.0123456789abcdef.part": a name has no dots, so no blob is called so. */
static void part_name(char out[PART_NAME], const struct upload *u)
{
	(void)snprintf(out, PART_NAME, "%s.%s.part", u->name, u->id);
}

/* ---- Uploads ---- */

static void forget(struct blobs *b, struct upload *u)
{
	uint8_t unused[SHA_LEN];

	sha_end(&u->sha, unused);
	fd_close(u->fd);
	b->total -= u->size;
	*u = (struct upload){.fd = -1};
}

static void drop(struct blobs *b, struct upload *u)
{
	char part[PART_NAME];

	part_name(part, u);
	(void)unlinkat(b->dirfd, part, 0);
	forget(b, u);
}

static struct upload *find(struct blobs *b, const char *peer, const struct route_args *a)
{
	for (unsigned i = 0; i < BLOB_UPLOADS; i++) {
		struct upload *u = &b->upload[i];
		if (u->name[0] && strcmp(u->name, a->name) == 0 && strcmp(u->id, a->upload) == 0 &&
		        strcmp(u->peer, peer) == 0)
			return u;
	}
	return NULL;
}

/* The one that has rested longest, if it has rested long enough. */
static struct upload *oldest(struct blobs *b, uint64_t now_s)
{
	struct upload *old = NULL;

	for (unsigned i = 0; i < BLOB_UPLOADS; i++) {
		struct upload *u = &b->upload[i];
		if (u->name[0] && (!old || u->touched_s < old->touched_s))
			old = u;
	}
	return old && now_s - old->touched_s >= b->limits.idle_s ? old : NULL;
}

static int room_for_upload(struct blobs *b, const char *peer, uint64_t now_s, struct err *e)
{
	unsigned all = 0, own = 0;

	for (unsigned i = 0; i < BLOB_UPLOADS; i++) {
		all += b->upload[i].name[0] != '\0';
		own += b->upload[i].name[0] && strcmp(b->upload[i].peer, peer) == 0;
	}
	struct upload *old = oldest(b, now_s);
	bool full = all >= b->limits.uploads_max, greedy = own >= b->limits.uploads_per_peer;
	if (old && (full || (greedy && strcmp(old->peer, peer) == 0))) {
		drop(b, old);
		return 0;
	}
	if (greedy)
		return err_set(e, WHY_SYSTEM, "%s has too many uploads in progress", peer);
	return full ? err_set(e, WHY_SYSTEM, "too many uploads are in progress") : 0;
}

static struct upload *begin(
        struct blobs *b, const char *peer, const struct route_args *a, uint64_t now_s, struct err *e)
{
	struct upload *u = b->upload, n = {.touched_s = now_s};
	char part[PART_NAME];

	if (room_for_upload(b, peer, now_s, e) != 0)
		return NULL;
	while (u->name[0])
		u++;
	memcpy(n.name, a->name, sizeof n.name);
	memcpy(n.id, a->upload, sizeof n.id);
	(void)snprintf(n.peer, sizeof n.peer, "%s", peer);
	part_name(part, &n);
	n.fd = openat(b->dirfd, part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (n.fd < 0) {
		if (errno == EEXIST) /* of another peer, by accident or not */
			err_set(e, WHY_REFUSED, "the upload %s of %s is somebody else's", a->upload, a->name);
		else
			err_sys(e, "cannot begin an upload of %s", a->name);
		return NULL;
	}
	sha_start(&n.sha);
	*u = n;
	return u;
}

static int append(struct blobs *b, struct upload *u, struct view part, struct err *e)
{
	if (part.n > b->limits.blob_max - u->size)
		return err_set(e, WHY_REFUSED, "%s: a blob has at most %llu bytes", u->name,
		        (unsigned long long)b->limits.blob_max);
	if (part.n > b->limits.total_max - b->total)
		return err_set(e, WHY_SYSTEM, "%s: the blob store is full", u->name);
	if (fd_write_all(u->fd, part.p, part.n) != 0 || fdatasync(u->fd) != 0)
		return err_sys(e, "%s: cannot write a part", u->name);
	sha_add(&u->sha, part);
	u->size += part.n;
	b->total += part.n;
	return 0;
}

/* ---- Whole blobs ---- */

/* Opens a blob and reads its size and hash; -1 with errno 0 when the file is not a blob. */
static int open_blob(const struct blobs *b, const char *name, struct blob_part *info)
{
	struct stat st;
	int fd = openat(b->dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -1;
	errno = 0;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= SHA_LEN &&
	        pread(fd, info->sha256, SHA_LEN, st.st_size - SHA_LEN) == SHA_LEN) {
		info->size = (uint64_t)st.st_size - SHA_LEN;
		return fd;
	}
	close(fd);
	return -1;
}

static bool look(const struct blobs *b, const char *name, struct blob_part *info)
{
	int fd = open_blob(b, name, info);

	fd_close(fd);
	return fd >= 0;
}

/* The hash behind the bytes, on the disk, then the name. */
static int publish(struct blobs *b, const struct upload *u, const uint8_t sha[SHA_LEN], struct err *e)
{
	char part[PART_NAME];

	part_name(part, u);
	if (fd_write_all(u->fd, sha, SHA_LEN) != 0 || fdatasync(u->fd) != 0)
		return err_sys(e, "%s: cannot finish the upload", u->name);
	if (renameat(b->dirfd, part, b->dirfd, u->name) != 0 || fsync(b->dirfd) != 0)
		return err_sys(e, "%s: cannot put the upload in its place", u->name);
	return 0;
}

static int finish(struct blobs *b, struct upload *u, const struct route_args *a, struct err *e)
{
	struct blob_part old = {0};
	uint8_t sha[SHA_LEN];
	bool replaces = look(b, u->name, &old);

	sha_end(&u->sha, sha);
	sha_start(&u->sha);
	if (!mem_equal(sha, a->sha256, SHA_LEN))
		return err_set(e, WHY_FORGED, "%s: the bytes that came have another SHA-256", u->name);
	if (!replaces && b->count >= b->limits.blobs_max)
		return err_set(e, WHY_SYSTEM, "%s: the blob store has no room for another name", u->name);
	if (publish(b, u, sha, e) != 0)
		return -1;
	b->total += u->size;
	if (replaces)
		b->total -= old.size;
	else
		b->count++;
	forget(b, u);
	return 0;
}

/* The reply to a last part may be lost: sending it again is answered as the first time. */
static bool already_there(const struct blobs *b, const struct route_args *a, struct view part, uint64_t *size)
{
	struct blob_part is = {0};

	if (!a->last || !look(b, a->name, &is) || is.size != a->offset + part.n ||
	        !mem_equal(is.sha256, a->sha256, SHA_LEN))
		return false;
	*size = is.size;
	return true;
}

int blobs_put(struct blobs *b, const char *peer, const struct route_args *a, struct view part, uint64_t now_s,
        uint64_t *size, struct err *e)
{
	struct upload *u = find(b, peer, a);

	*size = u ? u->size : 0;
	if (!u && already_there(b, a, part, size))
		return 0;
	if (a->offset != *size)
		return err_set(e, WHY_STALE, "%s: this upload has %llu bytes", a->name, (unsigned long long)*size);
	if (!u && !(u = begin(b, peer, a, now_s, e)))
		return -1;
	u->touched_s = now_s;
	uint64_t whole = u->size + part.n;
	if (append(b, u, part, e) != 0 || (a->last && finish(b, u, a, e) != 0)) {
		drop(b, u); /* half a part would be neither what was nor what was sent */
		*size = 0;
		return -1;
	}
	*size = whole;
	return 0;
}

static int read_part(int fd, uint64_t offset, struct blob_part *out)
{
	size_t done = 0;

	while (done < out->n) {
		ssize_t n = pread(fd, out->p + done, out->n - done, (off_t)(offset + done));
		if (n <= 0)
			return -1;
		done += (size_t)n;
	}
	return 0;
}

int blobs_get(const struct blobs *b, const char *name, uint64_t offset, struct blob_part *out, struct err *e)
{
	struct blob_part part = {0};
	int AUTO(fd_close) fd = open_blob(b, name, &part);

	if (fd < 0 && errno == ENOENT)
		return err_set(e, WHY_UNKNOWN, "there is no blob called %s", name);
	if (fd < 0)
		return err_set(e, WHY_SYSTEM, "%s: the blob cannot be read", name);
	if (offset > part.size)
		return err_set(e, WHY_STALE, "%s: the blob has %llu bytes", name, (unsigned long long)part.size);
	part.n = part.size - offset < BLOB_PART_MAX ? (size_t)(part.size - offset) : BLOB_PART_MAX;
	part.p = malloc(part.n + 1);
	if (!part.p || read_part(fd, offset, &part) != 0) {
		free(part.p);
		return err_set(e, WHY_SYSTEM, "%s: the blob cannot be read", name);
	}
	*out = part;
	return 0;
}

/* ---- The store ---- */

static void count_file(struct blobs *b, const char *name)
{
	struct blob_part info = {0};
	size_t n = strlen(name);

	if (n > 5 && strcmp(name + n - 5, ".part") == 0) {
		(void)unlinkat(b->dirfd, name, 0);
	} else if (name_ok(name) && look(b, name, &info)) {
		b->count++;
		b->total += info.size;
	}
}

static int survey(struct blobs *b, struct err *e)
{
	int fd = openat(b->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (!d) {
		fd_close(fd);
		return err_sys(e, "cannot list the blobs");
	}
	while ((entry = readdir(d)))
		count_file(b, entry->d_name);
	closedir(d);
	return 0;
}

struct blobs *blobs_open(int dirfd, const struct blob_limits *limits, struct err *e)
{
	struct blobs *b = calloc(1, sizeof *b);

	if (!b) {
		err_set(e, WHY_SYSTEM, "there is no memory for the blob store");
		return NULL;
	}
	b->dirfd = dirfd;
	b->limits = *limits;
	for (unsigned i = 0; i < BLOB_UPLOADS; i++)
		b->upload[i].fd = -1;
	if (survey(b, e) == 0)
		return b;
	free(b);
	return NULL;
}

void blobs_close(struct blobs *b)
{
	for (unsigned i = 0; b && i < BLOB_UPLOADS; i++)
		if (b->upload[i].name[0])
			drop(b, &b->upload[i]);
	free(b);
}
