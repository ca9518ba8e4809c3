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

typedef void flash_progress(void *arg, bool verifying, uint64_t done, uint64_t all);

/* Writes all of the image, also its zeros: what a target held there is gone, and its state is blank. Then reads it back
 * from the disk, not from memory: WHY_SYSTEM when it is not what was written. A file that was made is removed again when
 * that fails. */
int flash_write(const struct flash_source *image, struct flash_target *target, flash_progress *progress, void *arg,
        struct err *e);

#endif
