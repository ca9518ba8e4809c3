/* Landmark statements in evidence. What is accepted has one form, no landmark twice, and says a distance. */
#include <stdlib.h>

#include "attest/attest.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct bounds b;
	struct err e = {0};

	if (bounds_parse(VIEW(p, n), &b, &e) != 0)
		return 0;
	if (n > BOUNDS_PART_MAX || b.n == 0 || b.n > BOUNDS_MAX)
		abort();
	for (size_t i = 0; i < b.n; i++)
		if (!(bound_m(&b.bound[i]) > 0) || b.bound[i].rounds < BOUND_ROUNDS_MIN ||
		        !name_ok(b.bound[i].landmark))
			abort();
	return 0;
}
