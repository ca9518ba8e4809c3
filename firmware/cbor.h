/* cbor: a cursor over CBOR in its deterministic form, the only one we read (RFC 8949 4.2.1): definite lengths, shortest
 * heads, and map keys that ascend as bytes, so that none comes twice. No number with a fraction. Allocates nothing;
 * views point into the input.
 *
 * cbor_open has looked at all of it: behind it only types can be wrong. The first that is, is kept; from then on reads
 * give zero or nothing, and cbor_ok says what it was. Private to corim*.c and comid.c. */
#ifndef FIRMWARE_CBOR_H
#define FIRMWARE_CBOR_H

#include "base/err.h"
#include "base/rd.h"

enum { CBOR_DEPTH_MAX = 16 }; /* the deepest part of a CoRIM has 11 levels */

enum cbor_type { /* the major types, RFC 8949 3.1 */
	CBOR_UINT,
	CBOR_NEGATIVE,
	CBOR_BYTES,
	CBOR_TEXT,
	CBOR_ARRAY,
	CBOR_MAP,
	CBOR_TAG,
	CBOR_SIMPLE, /* false, true and null */
};

struct cbor { /* the fields are its own */
	struct rd rd;
	const char *wrong; /* NULL while nothing is */
};

/* v is exactly one item. WHY_MALFORMED otherwise, with the byte where it ends to be one. */
int cbor_open(struct cbor *c, struct view v, struct err *e);
bool cbor_is(const struct cbor *c, enum cbor_type type); /* of the next item; false at the end */
uint64_t cbor_uint(struct cbor *c);
struct view cbor_bytes(struct cbor *c);
struct view cbor_text(struct cbor *c); /* UTF-8 */
uint64_t cbor_array(struct cbor *c);   /* how many items follow that are its entries */
uint64_t cbor_map(struct cbor *c);     /* how many pairs of items follow, a key and its value */
uint64_t cbor_tag(struct cbor *c);     /* of the item that follows */
struct view cbor_any(struct cbor *c);  /* the next item whatever it is, as it is encoded */
int cbor_ok(const struct cbor *c, struct err *e);

#endif
