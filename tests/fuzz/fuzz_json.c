/* json_read: whatever it accepts, jansson writes again and json_read accepts again. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e;
	AUTO(json_free) json_t *j = json_read(VIEW(data, size), 1 << 16, &e);

	if (!j)
		return 0;
	AUTO(mem_free) char *text = json_dumps(j, JSON_COMPACT);
	if (!text)
		return 0; /* jansson reads some numbers that it will not write */
	AUTO(json_free) json_t *again = json_read(VIEW(text, strlen(text)), 1 << 20, &e);
	if (!again)
		abort();
	return 0;
}
