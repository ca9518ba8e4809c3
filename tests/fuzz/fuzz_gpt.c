/* Tables of disks: what is read lies within the disk, and its names can be shown on a terminal. */
#include <stdlib.h>
#include <string.h>

#include "firmware/image/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct gpt table;
	struct err e;

	if (gpt_read(VIEW(p, n), &table, &e) != 0) {
		if (e.why != WHY_MALFORMED && e.why != WHY_UNKNOWN)
			abort();
		return 0;
	}
	if (table.n > GPT_PARTS_MAX)
		abort();
	for (size_t i = 0; i < table.n; i++) {
		const struct gpt_part *part = &table.part[i];
		if (part->first > part->last || part->last >= table.sectors)
			abort();
		for (const char *c = part->name; *c; c++)
			if (*c < ' ' || *c > '~')
				abort();
	}
	return 0;
}
