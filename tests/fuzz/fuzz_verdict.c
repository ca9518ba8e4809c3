#include <string.h>

#include "policy/policy.h"

/* What is read means one thing: written again it gives the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct verdict v;
	static uint8_t again[1 << 20];
	struct wr w = wr_to(again, sizeof again);
	struct err e;

	if (verdict_read(VIEW(p, n), &v, &e) != 0)
		return 0;
	if (verdict_write(&w, &v) != 0 || w.n != n || memcmp(again, p, n) != 0)
		__builtin_trap();
	return 0;
}
