/* image: what is made of an image on the way from the build to a machine. */
#ifndef FIRMWARE_IMAGE_IMAGE_H
#define FIRMWARE_IMAGE_IMAGE_H

#include "base/err.h"
#include "base/mem.h"

/* ---- a disk's table of partitions (gpt.c), pure: UEFI 2.10 5.3, sectors of 512 bytes ---- */

enum {
	GUID_LEN = 16,
	GPT_SECTOR = 512,
	GPT_PARTS_MAX = 128,              /* what every tool makes room for */
	GPT_HEAD = (2 + 32) * GPT_SECTOR, /* protective MBR, header, entries */
	GPT_TAIL = (32 + 1) * GPT_SECTOR, /* entries, header: the last of the disk */
	GPT_NAME_MAX = 36 * 3 + 4,        /* bytes of UTF-8, NUL included */
};

struct gpt_part {
	char name[GPT_NAME_MAX]; /* printable ASCII, '?' for the rest */
	uint64_t first, last;    /* sectors */
};

struct gpt {
	uint64_t sectors; /* of the disk that the table was made for: behind its second header */
	size_t n;
	struct gpt_part part[GPT_PARTS_MAX];
};

/* head: the first GPT_HEAD bytes of a disk. WHY_UNKNOWN: no table; WHY_MALFORMED: one that does not hold together. */
int gpt_read(struct view head, struct gpt *out, struct err *e);
/* The same partitions on a disk of that many sectors: head is changed, tail is what its last sectors have to be.
 * WHY_REFUSED when the disk is smaller than the table's, WHY_MALFORMED for a table of another form. */
int gpt_fit(uint8_t head[GPT_HEAD], uint64_t sectors, uint8_t tail[GPT_TAIL], struct err *e);
uint32_t gpt_crc(struct view a, struct view b, struct view c); /* CRC-32 of all three, one behind the other */

/* ---- onto a disk or into a file (flash.c, flashwrite.c) ---- */

struct flash_source {
	int fd; /* -1 before and after */
	uint64_t size;
};

struct flash_target {
	const char *path;
	int fd;         /* -1: a file that is made when it is written */
	uint64_t size;  /* bytes; of a file that is made those of the image */
	bool disk;      /* a block device */
	char model[64]; /* of a device, or "" */
	bool known;     /* table is that of the target */
	struct gpt table;
};

/* An image of ours, whole: WHY_MALFORMED when it is cut short or another disk. */
int flash_source_open(const char *path, struct flash_source *out, struct err *e);
/* What path names must be big enough, and a disk used by nobody. WHY_REFUSED: mounted or otherwise in use, a partition, the
 * image itself, too small, neither a block device nor a file. Nothing is changed. */
int flash_target_open(const char *path, const struct flash_source *image, struct flash_target *out, struct err *e);
void flash_close(struct flash_source *image, struct flash_target *target); /* wherever they stopped */

/* When the target is larger than the image: a second table at its end, which the first one names. */
int flash_fit(const struct flash_source *image, const struct flash_target *target, struct err *e);

typedef void flash_progress(void *arg, bool verifying, uint64_t done, uint64_t all);

/* Writes all of the image, also its zeros: what a target held there is gone, and its state is blank. Then reads it back
 * from the disk, not from memory: WHY_SYSTEM when it is not what was written. A file that was made is removed again when
 * that fails. */
int flash_write(const struct flash_source *image, struct flash_target *target, flash_progress *progress, void *arg,
        struct err *e);

/* ---- FAT32, as far as one file needs it (fat.c), pure ---- */

enum { FAT_SECTOR = 512, FAT_ENTRY = 32, FAT_NAME = 11 };

struct fat {
	uint32_t cluster;    /* sectors of one */
	uint32_t first;      /* sector of the first table; the second is behind it */
	uint32_t length;     /* sectors of a table */
	uint32_t data;       /* sector of cluster 2 */
	uint32_t clusters;   /* every number of one is below */
	uint32_t root, info; /* cluster of the root directory; sector of the free counts */
};

/* The first sector. WHY_MALFORMED: not FAT32 with two tables, or numbers that do not fit each other. */
int fat_open(struct view sector, struct fat *out, struct err *e);
uint64_t fat_at(const struct fat *f, uint32_t cluster); /* bytes from the first sector */
/* table has f->length sectors. Frees a chain; takes n clusters as a new one, or gives -1 and takes none. */
void fat_free(const struct fat *f, uint8_t *table, uint32_t cluster);
int fat_take(const struct fat *f, uint8_t *table, uint32_t *clusters, size_t n);
uint32_t fat_vacancy(const struct fat *f, const uint8_t *table); /* clusters that are free */
/* The entry of that short name in n bytes of a directory, or one that is free; NULL. */
uint8_t *fat_find(uint8_t *dir, size_t n, const char name[FAT_NAME]);
uint8_t *fat_vacant(uint8_t *dir, size_t n);
uint32_t fat_cluster(const struct fat *f, const uint8_t *entry); /* its first one, or 0 */
bool fat_is_directory(const uint8_t *entry);
void fat_entry(uint8_t *entry, const char name[FAT_NAME], uint32_t cluster, uint32_t size); /* a file's */

/* ---- the site file of a flashed machine (espsite.c) ---- */

enum { ESPSITE_MAX = 16 * 1024 };
/* Puts it at merestone/site.jws of the ESP at `at` bytes of a disk, in place of one that is there. */
int espsite_put(int fd, uint64_t at, struct view site, struct err *e);

#endif
