/* A whole ask, from its first byte to the facts that the decider reads. */
#include <stdlib.h>

#include "attest/attest.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static uint8_t buf[1024 * 1024];
	static struct facts f, again;
	struct wr w = wr_to(buf, sizeof buf);
	struct err e;

	if (judge_ask(VIEW(p, n), &f, &e))
		return 0;
	if (facts_write(&w, &f) || facts_read(wr_done(&w), &again, &e))
		abort();
	if (again.refusal.why != f.refusal.why || again.ticket != f.ticket)
		abort();
	return 0;
}
