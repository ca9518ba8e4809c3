/* The event log, from its first byte to a reference set learnt from it. What is accepted must hold together. */
#include <stdlib.h>

#include "firmware/firmware.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct measured m[EVENT_MAX];
	static uint8_t buf[512 * 1024];
	struct wr w = wr_to(buf, sizeof buf);
	struct boot b, again;
	struct err e;
	size_t events;

	if (boot_walk(VIEW(p, n), &b, m, EVENT_MAX, &events, &e))
		return 0;
	if (events > b.events || boot_read(VIEW(p, n), &again, &e) || boot_explains(&b, &again.pcrs, 0xffffff, &e))
		abort();
	if (reference_learn(VIEW(p, n), &w, &e))
		abort();
	return 0;
}
