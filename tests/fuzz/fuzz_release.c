#include "firmware/update/update.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct release r;
	struct err e;

	if (release_parse(VIEW(p, n), &r, &e) != 0)
		return 0;
	if (!name_ok(r.product) || !name_ok(r.variant) || r.version == 0 || r.requires_floor > r.version ||
	        r.uki.size > RELEASE_UKI_MAX || r.root.size > RELEASE_ROOT_MAX || !(r.pcr_mask >> 11 & 1))
		__builtin_trap();
	return 0;
}
