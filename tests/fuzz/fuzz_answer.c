/* What is read as an answer is written back as the same bytes. */
#include <stdlib.h>

#include "keystore/keystore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct answer a;
	struct err e = {0};
	if (answer_read(VIEW(data, size), &a, &e) != 0)
		return 0;
	uint8_t *buf = malloc(size);
	struct wr w = wr_to(buf, size);
	if (!buf || answer_write(&w, &a) != 0 || !view_equal(wr_done(&w), VIEW(data, size)))
		abort();
	free(buf);
	return 0;
}
