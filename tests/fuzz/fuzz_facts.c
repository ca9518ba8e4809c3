/* Facts, as a judge that was taken over might write them. What is accepted is written again to the same bytes. */
#include <stdlib.h>

#include "attest/attest.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static uint8_t buf[1024 * 1024];
	static struct facts f;
	struct wr w = wr_to(buf, sizeof buf);
	struct err e;

	if (facts_read(VIEW(p, n), &f, &e))
		return 0;
	if (facts_write(&w, &f) || !view_equal(wr_done(&w), VIEW(p, n)))
		abort();
	return 0;
}
