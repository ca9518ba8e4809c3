/* Keylime's reference states. What one gives is a set, or is refused with a sentence. */
#include <stdlib.h>

#include "base/json.h"
#include "firmware/firmware.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static uint8_t buf[256 * 1024];
	struct wr w = wr_to(buf, sizeof buf);
	struct err e;
	AUTO(json_free) json_t *state = json_read(VIEW(p, n), 1 << 20, &e);

	if (!state)
		return 0;
	if (refstate_import(state, VIEW(NULL, 0), &w, &e)) {
		if (e.text[0] == 0 || w.n != 0)
			abort();
		return 0;
	}
	AUTO(json_free) json_t *body = json_read(wr_done(&w), sizeof buf, &e);
	if (!body)
		abort();
	reference_free(reference_import(body, &e));
	return 0;
}
