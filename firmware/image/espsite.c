#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/wr.h"
#include "firmware/image/image.h"

/* The short names of "merestone" and "site.jws". */
#define DIRECTORY_NAME "MEREST~1   "
#define FILE_NAME      "SITE    JWS"

enum {
	CLUSTER_MAX = 128 * FAT_SECTOR,
	CLUSTERS_MAX = ESPSITE_MAX / FAT_SECTOR,
	INFO_COUNTS_AT = 488, /* free clusters, and where to look for one */
};

struct esp {
	int fd;
	uint64_t at; /* of the partition, bytes */
	struct fat fat;
	uint8_t *table; /* the first of its two copies */
	size_t ntable;
	uint8_t dir[CLUSTER_MAX]; /* the first cluster of a directory */
	size_t ndir;
};

static int get(const struct esp *s, uint64_t at, void *p, size_t n, struct err *e)
{
	return pread(s->fd, p, n, (off_t)(s->at + at)) == (ssize_t)n ? 0 : err_sys(e, "the ESP cannot be read");
}

static int put(const struct esp *s, uint64_t at, const void *p, size_t n, struct err *e)
{
	return pwrite(s->fd, p, n, (off_t)(s->at + at)) == (ssize_t)n ? 0 : err_sys(e, "the ESP cannot be written");
}

static int esp_open(struct esp *s, struct err *e)
{
	uint8_t sector[FAT_SECTOR];

	if (get(s, 0, sector, sizeof sector, e) != 0 || fat_open(VIEW_OF(sector), &s->fat, e) != 0)
		return -1;
	s->ntable = (size_t)s->fat.length * FAT_SECTOR;
	s->ndir = (size_t)s->fat.cluster * FAT_SECTOR;
	s->table = malloc(s->ntable);
	if (!s->table)
		return err_set(e, WHY_SYSTEM, "out of memory");
	return get(s, (uint64_t)s->fat.first * FAT_SECTOR, s->table, s->ntable, e);
}

/* The build makes few directories, and few entries in each: their first cluster has them all. */
static int directory(struct esp *s, uint32_t *cluster, struct err *e)
{
	uint8_t *entry;

	if (get(s, fat_at(&s->fat, s->fat.root), s->dir, s->ndir, e) != 0)
		return -1;
	entry = fat_find(s->dir, s->ndir, DIRECTORY_NAME);
	*cluster = entry && fat_is_directory(entry) ? fat_cluster(&s->fat, entry) : 0;
	if (*cluster == 0)
		return err_set(e, WHY_MALFORMED, "the ESP has no directory merestone");
	return get(s, fat_at(&s->fat, *cluster), s->dir, s->ndir, e);
}

static int write_data(const struct esp *s, const uint32_t *clusters, struct view v, struct err *e)
{
	uint8_t piece[CLUSTER_MAX];

	for (size_t i = 0, at = 0; at < v.n; i++, at += s->ndir) {
		size_t n = v.n - at < s->ndir ? v.n - at : s->ndir;
		memset(piece, 0, s->ndir);
		memcpy(piece, v.p + at, n);
		if (put(s, fat_at(&s->fat, clusters[i]), piece, s->ndir, e) != 0)
			return -1;
	}
	return 0;
}

static int write_tables(const struct esp *s, struct err *e)
{
	uint64_t first = (uint64_t)s->fat.first * FAT_SECTOR;
	uint8_t counts[8];
	struct wr w = wr_to(counts, sizeof counts);

	wr_le32(&w, fat_vacancy(&s->fat, s->table));
	wr_le32(&w, UINT32_MAX); /* where to look for one: not known */
	if (put(s, first, s->table, s->ntable, e) != 0 || put(s, first + s->ntable, s->table, s->ntable, e) != 0)
		return -1;
	return put(s, (uint64_t)s->fat.info * FAT_SECTOR + INFO_COUNTS_AT, counts, sizeof counts, e);
}

static int place(struct esp *s, struct view site, struct err *e)
{
	uint32_t clusters[CLUSTERS_MAX], dir;
	uint8_t *entry;

	if (directory(s, &dir, e) != 0)
		return -1;
	entry = fat_find(s->dir, s->ndir, FILE_NAME);
	if (entry)
		fat_free(&s->fat, s->table, fat_cluster(&s->fat, entry));
	else
		entry = fat_vacant(s->dir, s->ndir);
	if (!entry || fat_take(&s->fat, s->table, clusters, (site.n + s->ndir - 1) / s->ndir) != 0)
		return err_set(e, WHY_REFUSED, "the ESP has no room for a site file");
	fat_entry(entry, FILE_NAME, clusters[0], (uint32_t)site.n);
	return write_data(s, clusters, site, e) || write_tables(s, e) ||
	                       put(s, fat_at(&s->fat, dir), s->dir, s->ndir, e)
	               ? -1
	               : 0;
}

int espsite_put(int fd, uint64_t at, struct view site, struct err *e)
{
	AUTO(mem_free) char *held = malloc(sizeof(struct esp));
	struct esp *s = (struct esp *)(void *)held;
	int bad;

	if (!s)
		return err_set(e, WHY_SYSTEM, "out of memory");
	if (site.n == 0 || site.n > ESPSITE_MAX)
		return err_set(e, WHY_MALFORMED, "a site file has 1 to %d bytes", ESPSITE_MAX);
	*s = (struct esp){.fd = fd, .at = at};
	bad = esp_open(s, e) || place(s, site, e);
	mem_free(s->table);
	if (!bad && fsync(fd) != 0)
		bad = err_sys(e, "the ESP did not take what was written");
	return bad ? -1 : 0;
}
