#include "firmware/corim.h"

#include "firmware/cbor.h"

static const struct corim_member *member(const struct corim_member *table, uint64_t key)
{
	for (; table->name; table++)
		if (table->key == key)
			return table;
	return NULL;
}

int corimwalk_map(struct corim *o, struct cbor *c, const struct corim_member *table, struct err *e)
{
	uint64_t n = cbor_map(c), seen = 0;

	for (uint64_t i = 0; i < n; i++) {
		uint64_t key = cbor_uint(c);
		if (cbor_ok(c, e))
			return err_in(e, "a key");
		const struct corim_member *m = member(table, key);
		if (!m)
			return err_set(e, WHY_MALFORMED, "key %llu: it is none that can be carried over",
			        (unsigned long long)key);
		if (m->read(o, c, e) || cbor_ok(c, e))
			return err_in(e, "%s", m->name);
		seen |= 1ull << (m - table);
	}
	if (cbor_ok(c, e))
		return -1;
	for (const struct corim_member *m = table; m->name; m++)
		if (m->needed && !(seen & 1ull << (m - table)))
			return err_set(e, WHY_MALFORMED, "%s: it is missing", m->name);
	return seen ? 0 : err_set(e, WHY_MALFORMED, "the map is empty");
}

int corimwalk_list(struct corim *o, struct cbor *c, const char *what, corim_fn *read, struct err *e)
{
	uint64_t n = cbor_array(c);

	if (cbor_ok(c, e))
		return -1;
	if (n == 0)
		return err_set(e, WHY_MALFORMED, "the array is empty");
	for (uint64_t i = 0; i < n; i++)
		if (read(o, c, e) || cbor_ok(c, e))
			return err_in(e, "%s %llu", what, (unsigned long long)i + 1);
	return 0;
}

int corimwalk_tuple(struct cbor *c, unsigned parts, struct err *e)
{
	uint64_t n = cbor_array(c);

	if (cbor_ok(c, e))
		return -1;
	return n == parts ? 0 : err_set(e, WHY_MALFORMED, "expected an array of %u", parts);
}

int corimwalk_id(struct cbor *c, struct view *out, struct err *e)
{
	bool text = cbor_is(c, CBOR_TEXT);

	*out = text ? cbor_text(c) : cbor_bytes(c);
	if (cbor_ok(c, e))
		return -1;
	if (text ? out->n > 0 : out->n == 16)
		return 0;
	return err_set(e, WHY_MALFORMED, "expected a text or the 16 bytes of a UUID");
}

int corimwalk_any(struct corim *o, struct cbor *c, struct err *e)
{
	(void)o;
	(void)cbor_any(c);
	return cbor_ok(c, e);
}

int corimwalk_text(struct corim *o, struct cbor *c, struct err *e)
{
	(void)o;
	(void)cbor_text(c);
	return cbor_ok(c, e);
}

int corimwalk_uint(struct corim *o, struct cbor *c, struct err *e)
{
	(void)o;
	(void)cbor_uint(c);
	return cbor_ok(c, e);
}
