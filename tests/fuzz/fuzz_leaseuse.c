/* What is read as a lease in use is written back as the same bytes. */
#include <stdlib.h>

#include "keystore/keystore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lease_use u;
	struct err e = {0};
	uint8_t buf[1024];
	struct wr w = wr_to(buf, sizeof buf);
	if (lease_use_read(VIEW(data, size), &u, &e) != 0)
		return 0;
	if (lease_use_write(&w, &u) != 0 || !view_equal(wr_done(&w), VIEW(data, size)))
		abort();
	return 0;
}
