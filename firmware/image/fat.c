#include "firmware/image/image.h"

#include <string.h>

#include "base/rd.h"

/* Microsoft, FAT32 File System Specification 1.03, 2000. */
enum {
	RESERVED_MAX = 1024,
	FAT_SECTORS_MAX = 8192, /* 4 MiB: 512 MiB of clusters of a sector each */
	CLUSTER_SECTORS_MAX = 128,
	FIRST_CLUSTER = 2,
	NUMBER = 0x0fffffff, /* the upper four bits are not ours */
	LAST = 0x0ffffff8,   /* and above */
	LONG_NAME = 0x0f,
	DIRECTORY = 0x10,
	SMALL_LETTERS = 0x18, /* name and extension; what Windows NT and Linux write */
};

int fat_open(struct view sector, struct fat *out, struct err *e)
{
	struct rd r = rd_of(sector);
	struct fat f = {0};
	uint32_t sectors;

	(void)rd_view(&r, 11);
	rd_require(&r, rd_le16(&r) == FAT_SECTOR);
	f.cluster = (uint32_t)rd_upto(&r, rd_u8(&r), CLUSTER_SECTORS_MAX);
	f.first = (uint32_t)rd_upto(&r, rd_le16(&r), RESERVED_MAX);
	rd_require(&r, rd_u8(&r) == 2);
	rd_require(&r, rd_le16(&r) == 0); /* entries of a root of its own: FAT12 and FAT16 */
	(void)rd_view(&r, 13);
	sectors = rd_le32(&r);
	f.length = (uint32_t)rd_upto(&r, rd_le32(&r), FAT_SECTORS_MAX);
	(void)rd_view(&r, 4);
	f.root = rd_le32(&r);
	f.info = (uint32_t)rd_upto(&r, rd_le16(&r), RESERVED_MAX);
	f.data = f.first + 2 * f.length;
	rd_require(&r, f.cluster > 0 && f.length > 0 && f.info > 0 && f.info < f.first && sectors > f.data);
	if (rd_ok(&r)) {
		f.clusters = FIRST_CLUSTER + (sectors - f.data) / f.cluster;
		rd_require(&r, f.clusters <= f.length * (FAT_SECTOR / 4));
	}
	rd_require(&r, f.root >= FIRST_CLUSTER && f.root < f.clusters);
	if (!rd_ok(&r))
		return err_set(e, WHY_MALFORMED, "the ESP is no FAT32 as it is made for an image");
	*out = f;
	return 0;
}

uint64_t fat_at(const struct fat *f, uint32_t cluster)
{
	return ((uint64_t)f->data + (uint64_t)(cluster - FIRST_CLUSTER) * f->cluster) * FAT_SECTOR;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put(uint8_t *p, uint32_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static void set(uint8_t *table, uint32_t cluster, uint32_t v)
{
	uint8_t *p = table + (size_t)cluster * 4;

	put(p, (get32(p) & ~(uint32_t)NUMBER) | v, 4);
}

/* A chain of another length than the table would be a ring. */
void fat_free(const struct fat *f, uint8_t *table, uint32_t cluster)
{
	for (uint32_t steps = 0; steps < f->clusters && cluster >= FIRST_CLUSTER && cluster < f->clusters; steps++) {
		uint32_t next = get32(table + (size_t)cluster * 4) & NUMBER;
		set(table, cluster, 0);
		cluster = next;
	}
}

int fat_take(const struct fat *f, uint8_t *table, uint32_t *clusters, size_t n)
{
	size_t got = 0;

	for (uint32_t c = FIRST_CLUSTER; c < f->clusters && got < n; c++)
		if ((get32(table + (size_t)c * 4) & NUMBER) == 0)
			clusters[got++] = c;
	if (got < n)
		return -1;
	for (size_t i = 0; i < n; i++)
		set(table, clusters[i], i + 1 < n ? clusters[i + 1] : LAST);
	return 0;
}

uint32_t fat_vacancy(const struct fat *f, const uint8_t *table)
{
	uint32_t n = 0;

	for (uint32_t c = FIRST_CLUSTER; c < f->clusters; c++)
		n += (get32(table + (size_t)c * 4) & NUMBER) == 0;
	return n;
}

uint8_t *fat_find(uint8_t *dir, size_t n, const char name[FAT_NAME])
{
	for (size_t at = 0; at + FAT_ENTRY <= n && dir[at] != 0; at += FAT_ENTRY)
		if ((dir[at + 11] & LONG_NAME) != LONG_NAME && memcmp(dir + at, name, FAT_NAME) == 0)
			return dir + at;
	return NULL;
}

uint8_t *fat_vacant(uint8_t *dir, size_t n)
{
	for (size_t at = 0; at + FAT_ENTRY <= n; at += FAT_ENTRY)
		if (dir[at] == 0 || dir[at] == 0xe5)
			return dir + at;
	return NULL;
}

uint32_t fat_cluster(const struct fat *f, const uint8_t *entry)
{
	uint32_t c = (get32(entry + 20) & 0xffff) << 16 | (get32(entry + 26) & 0xffff);

	return c >= FIRST_CLUSTER && c < f->clusters ? c : 0;
}

bool fat_is_directory(const uint8_t *entry)
{
	return (entry[11] & DIRECTORY) != 0;
}

void fat_entry(uint8_t *entry, const char name[FAT_NAME], uint32_t cluster, uint32_t size)
{
	memset(entry, 0, FAT_ENTRY);
	memcpy(entry, name, FAT_NAME);
	entry[12] = SMALL_LETTERS;
	put(entry + 16, 1 << 5 | 1, 2); /* dates: 1980-01-01, as no other is known to be right */
	put(entry + 18, 1 << 5 | 1, 2);
	put(entry + 24, 1 << 5 | 1, 2);
	put(entry + 20, cluster >> 16, 2);
	put(entry + 26, cluster & 0xffff, 2);
	put(entry + 28, size, 4);
}
