/* A CoRIM. Whatever is accepted is a set that the authority accepts, and compares every quoted register. */
#include <stdlib.h>

#include "base/json.h"
#include "firmware/firmware.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static bool is_a_set(struct view body)
{
	struct err e;
	AUTO(json_free) json_t *j = json_read(body, body.n, &e);
	AUTO(reference_free) struct reference *r = j ? reference_import(j, &e) : NULL;

	return r != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static uint8_t body[256 * 1024], notes[2048];
	struct wr w = wr_to(body, sizeof body), lines = wr_to(notes, sizeof notes);
	struct err e;

	if (corim_import(VIEW(p, n), VIEW(NULL, 0), &w, &lines, &e)) {
		if (e.why != WHY_MALFORMED || e.text[0] == 0 || w.n + lines.n > 0)
			abort();
		return 0;
	}
	if (!is_a_set(wr_done(&w)))
		abort();
	return 0;
}
