/* First sectors of FAT32: what is taken from one never leads outside of its table. */
#include <stdlib.h>

#include "firmware/image/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct fat f;
	struct err e;

	if (fat_open(VIEW(p, n), &f, &e) != 0) {
		if (e.why != WHY_MALFORMED)
			abort();
		return 0;
	}
	if (f.clusters > f.length * (FAT_SECTOR / 4) || f.root < 2 || f.root >= f.clusters || f.cluster == 0 ||
	        f.info >= f.first || f.data <= f.first)
		abort();
	return 0;
}
