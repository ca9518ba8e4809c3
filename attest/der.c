#include "attest/der.h"

/* X.690 10.1: the shortest form, which is why 81 must not say less than 128 and 82 not less than 256. */
static size_t read_length(struct rd *r)
{
	size_t n = rd_u8(r);

	if (n == 0x81) {
		n = rd_u8(r);
		rd_require(r, n >= 0x80);
	} else if (n == 0x82) {
		n = rd_be16(r);
		rd_require(r, n >= 0x100);
	} else {
		rd_require(r, n < 0x80);
	}
	return n;
}

struct view der_take(struct rd *r, uint8_t tag)
{
	rd_require(r, rd_u8(r) == tag);
	return rd_view(r, read_length(r));
}

size_t der_length(struct view v)
{
	struct rd r = rd_of(v);

	(void)der_take(&r, DER_SEQUENCE);
	return rd_ok(&r) ? r.at : 0;
}
