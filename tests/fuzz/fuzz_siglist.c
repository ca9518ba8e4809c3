/* Lists of Secure Boot keys: as many entries as there are bytes for, each within the input. */
#include <stdlib.h>

#include "firmware/firmware.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct siglist l = siglist_of(VIEW(p, n));
	struct signature s;
	struct err e;
	size_t bytes = 0;
	int got;

	while ((got = siglist_next(&l, &s, &e)) > 0) {
		bytes += s.owner.n + s.data.n;
		if (s.owner.n != UEFI_GUID_LEN || s.data.n == 0 || s.data.p + s.data.n > p + n)
			abort();
	}
	if (bytes > n || (got < 0 && e.why != WHY_MALFORMED))
		abort();
	siglist_authority(VIEW(p, n), &s);
	return 0;
}
