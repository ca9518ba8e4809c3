/* A geo tag. What is accepted has one form: it is that long, and says a place and a time. */
#include <stdlib.h>

#include "attest/attest.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct tag t;
	struct err e = {0};

	if (tag_parse(VIEW(p, n), &t, &e) != 0)
		return 0;
	if (n > TAG_MAX || fix_ok(&t.fix, &e) != 0 || t.fix.uncertainty_m <= 0 || t.not_before >= t.not_after ||
	        !name_ok(t.machine) || !name_ok(t.site) || t.serial == 0)
		abort();
	(void)tag_signed(&t, &e);
	return 0;
}
