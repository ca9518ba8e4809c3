/* One item of CBOR. What is accepted is read whole, item by item, to exactly its end. */
#include <stdlib.h>

#include "firmware/cbor.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void read_item(struct cbor *c)
{
	if (cbor_is(c, CBOR_ARRAY)) {
		for (uint64_t left = cbor_array(c); left > 0; left--)
			read_item(c);
	} else if (cbor_is(c, CBOR_MAP)) {
		for (uint64_t left = cbor_map(c); left > 0; left--) {
			read_item(c);
			read_item(c);
		}
	} else if (cbor_is(c, CBOR_TAG)) {
		(void)cbor_tag(c);
		read_item(c);
	} else if (cbor_any(c).n == 0) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct cbor c;
	struct err e;

	if (cbor_open(&c, VIEW(p, n), &e)) {
		if (e.why != WHY_MALFORMED || e.text[0] == 0)
			abort();
		return 0;
	}
	read_item(&c);
	if (cbor_ok(&c, &e) || !rd_end(&c.rd))
		abort();
	return 0;
}
