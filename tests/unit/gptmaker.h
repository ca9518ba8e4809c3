/* gptmaker: the table of a disk, as sfdisk writes it. */
#ifndef TESTS_GPTMAKER_H
#define TESTS_GPTMAKER_H

#include <string.h>

#include "base/wr.h"
#include "firmware/image/image.h"

enum { GPTMAKER_ENTRIES = 4, GPTMAKER_LEN = 3 * GPT_SECTOR, GPTMAKER_SECTORS = 1000 };

struct gptmaker {
	uint8_t b[GPTMAKER_LEN];
	size_t n; /* entries so far */
};

static inline void gptmaker_le(uint8_t *to, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)(v >> (8 * i));
}

static inline void gptmaker_part(struct gptmaker *g, const char *name, uint64_t first, uint64_t last)
{
	uint8_t *at = g->b + (size_t)2 * GPT_SECTOR + 128 * g->n++;

	memset(at, 0xaf, 32);
	gptmaker_le(at + 32, first, 8);
	gptmaker_le(at + 40, last, 8);
	for (size_t i = 0; name[i]; i++)
		at[56 + 2 * i] = (uint8_t)name[i];
}

/* Sums over what is there. */
static inline void gptmaker_seal(struct gptmaker *g)
{
	static const struct view none;
	uint8_t *h = g->b + GPT_SECTOR;

	gptmaker_le(h + 88, gpt_crc(VIEW(g->b + 2 * GPT_SECTOR, 128 * GPTMAKER_ENTRIES), none, none), 4);
	gptmaker_le(h + 16, 0, 4);
	gptmaker_le(h + 16, gpt_crc(VIEW(h, 92), none, none), 4);
}

static inline void gptmaker_start(struct gptmaker *g)
{
	uint8_t *h = g->b + GPT_SECTOR;

	*g = (struct gptmaker){.n = 0};
	g->b[446 + 4] = 0xee;
	g->b[510] = 0x55;
	g->b[511] = 0xaa;
	memcpy(h, "EFI PART", 8);
	gptmaker_le(h + 8, 0x10000, 4);
	gptmaker_le(h + 12, 92, 4);
	gptmaker_le(h + 24, 1, 8);
	gptmaker_le(h + 32, GPTMAKER_SECTORS - 1, 8);
	gptmaker_le(h + 40, 34, 8);
	gptmaker_le(h + 48, GPTMAKER_SECTORS - 34, 8);
	gptmaker_le(h + 72, 2, 8);
	gptmaker_le(h + 80, GPTMAKER_ENTRIES, 4);
	gptmaker_le(h + 84, 128, 4);
}

#endif
