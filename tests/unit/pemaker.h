/* pemaker: PE32+ images as a linker and a signer write them, in memory. */
#ifndef TESTS_PEMAKER_H
#define TESTS_PEMAKER_H

#include <string.h>

#include "base/wr.h"
#include "firmware/image/predict.h"

enum {
	PEMAKER_MAX = 16384,
	PEMAKER_PE = 64, /* where the PE header is */
	PEMAKER_OPTIONAL = PEMAKER_PE + 24,
	PEMAKER_CHECKSUM = PEMAKER_OPTIONAL + 64,
	PEMAKER_DIRECTORY = PEMAKER_OPTIONAL + 112 + 4 * 8,
	PEMAKER_SECTIONS = PEMAKER_OPTIONAL + 112 + 16 * 8,
	PEMAKER_HEADERS = 1024,
	PEMAKER_ALIGN = 512,
};

struct pemaker {
	uint8_t b[PEMAKER_MAX];
	size_t n;
	uint16_t sections;
};

static inline void pemaker_le(uint8_t *to, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)(v >> 8 * i);
}

static inline void pemaker_start(struct pemaker *p)
{
	memset(p, 0, sizeof *p);
	memcpy(p->b, "MZ", 2);
	pemaker_le(p->b + 0x3c, PEMAKER_PE, 4);
	memcpy(p->b + PEMAKER_PE, "PE\0\0\x64\x86", 6);
	pemaker_le(p->b + PEMAKER_PE + 20, PEMAKER_SECTIONS - PEMAKER_OPTIONAL, 2);
	pemaker_le(p->b + PEMAKER_OPTIONAL, 0x20b, 2);
	pemaker_le(p->b + PEMAKER_OPTIONAL + 60, PEMAKER_HEADERS, 4);
	pemaker_le(p->b + PEMAKER_OPTIONAL + 108, 16, 4);
	p->n = PEMAKER_HEADERS;
}

/* The file has it in whole units, as objcopy writes it; memory has the bytes alone. */
static inline void pemaker_section(struct pemaker *p, const char *name, struct view data)
{
	uint8_t *h = p->b + PEMAKER_SECTIONS + 40 * p->sections++;
	size_t raw = (data.n + PEMAKER_ALIGN - 1) / PEMAKER_ALIGN * PEMAKER_ALIGN;

	memcpy(h, name, strlen(name) < 8 ? strlen(name) : 8);
	pemaker_le(h + 8, data.n, 4);
	pemaker_le(h + 12, 0x1000u * p->sections, 4);
	pemaker_le(h + 16, raw, 4);
	pemaker_le(h + 20, p->n, 4);
	memcpy(p->b + p->n, data.p, data.n);
	p->n += raw;
	pemaker_le(p->b + PEMAKER_PE + 6, p->sections, 2);
}

static inline void pemaker_text(struct pemaker *p, const char *name, const char *text)
{
	pemaker_section(p, name, VIEW(text, strlen(text)));
}

/* What a signer changes: checksum, directory, and bytes at the end. */
static inline void pemaker_sign(struct pemaker *p, size_t n)
{
	pemaker_le(p->b + PEMAKER_CHECKSUM, 0x12345678, 4);
	pemaker_le(p->b + PEMAKER_DIRECTORY, p->n, 4);
	pemaker_le(p->b + PEMAKER_DIRECTORY + 4, n, 4);
	memset(p->b + p->n, 0xc5, n);
	p->n += n;
}

static inline struct view pemaker_view(const struct pemaker *p)
{
	return VIEW(p->b, p->n);
}

#endif
