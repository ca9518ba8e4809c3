/* The parts container. What is accepted is written again to the same bytes. */
#include <stdlib.h>

#include "attest/attest.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static uint8_t buf[EVIDENCE_MAX];
	struct wr w = wr_to(buf, sizeof buf);
	uint8_t binding[SHA_LEN], nonce[NONCE_LEN] = {0};
	struct evidence ev;
	struct err e;

	if (evidence_parse(VIEW(p, n), &ev, &e))
		return 0;
	evidence_write(&w, &ev);
	if (!view_equal(wr_done(&w), VIEW(p, n)))
		abort();
	evidence_binding(binding, nonce, &ev);
	return 0;
}
