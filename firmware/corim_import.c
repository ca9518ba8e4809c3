#include <stdio.h>

#include "base/hex.h"
#include "base/json.h"
#include "base/sha.h"
#include "firmware/corim.h"

enum { ID_SHOWN_MAX = 128 };

/* "1, 2, 9": the registers of a mask. */
struct names {
	char text[4 * PCR_COUNT + 1];
};

static struct names names_of(uint32_t mask)
{
	struct names out = {""};
	struct wr w = wr_to(out.text, sizeof out.text);

	for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
		if (mask & 1u << pcr)
			wr_fmt(&w, "%s%u", w.n > 0 ? ", " : "", pcr);
	out.text[w.n] = 0;
	return out;
}

static uint32_t said(const struct corim *o)
{
	uint32_t mask = 0;

	for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
		if (o->values[pcr] > 0)
			mask |= 1u << pcr;
	return mask;
}

static bool approves(const struct corim *o, unsigned pcr, const uint8_t value[PCR_LEN])
{
	for (uint32_t i = 0; i < o->values[pcr]; i++)
		if (view_equal(VIEW_OF(o->value[pcr][i]), VIEW(value, PCR_LEN)))
			return true;
	return false;
}

/* ---- Where the CoRIM is silent ---- */

static int silent(uint32_t mask, struct err *e)
{
	err_set(e, WHY_MALFORMED, "the CoRIM gives no SHA-256 of PCR %s", names_of(mask).text);
	return err_hint(e, "--log takes them from the boot log of a machine that booted as the CoRIM says");
}

static int stand_in(const struct corim *o, struct view log, struct boot *b, struct err *e)
{
	uint32_t given = said(o) & PCR_MASK, missing = PCR_MASK & ~given;

	if (given == 0)
		return err_set(e, WHY_MALFORMED, "the CoRIM gives no SHA-256 of any register that is quoted");
	if (log.n == 0)
		return missing ? silent(missing, e) : 0;
	if (boot_read(log, b, e))
		return -1;
	for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
		if (given & 1u << pcr && !approves(o, pcr, b->pcrs.v[pcr]))
			return err_set(e, WHY_UNTRUSTED,
			        "PCR %u: the boot log is of a machine that the CoRIM does not approve", pcr);
	return 0;
}

/* ---- What is written ---- */

static void put_register(struct jw *j, const struct corim *o, const struct boot *b, unsigned pcr)
{
	char key[4];

	snprintf(key, sizeof key, "%u", pcr);
	jw_arr(j, key);
	for (uint32_t i = 0; i < o->values[pcr]; i++)
		jw_hex(j, NULL, VIEW_OF(o->value[pcr][i]));
	if (o->values[pcr] == 0)
		jw_hex(j, NULL, VIEW_OF(b->pcrs.v[pcr]));
	jw_end_arr(j);
}

static void put_body(struct wr *w, const struct corim *o, const struct boot *b)
{
	struct jw j = jw_to(w);

	jw_obj(&j, NULL);
	jw_obj(&j, "pcrs");
	for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
		if (PCR_MASK & 1u << pcr)
			put_register(&j, o, b, pcr);
	jw_end_obj(&j);
	if (o->from > 0)
		jw_int(&j, "valid_from", o->from);
	if (o->until < INT64_MAX)
		jw_int(&j, "valid_until", o->until);
	jw_end_obj(&j);
}

/* An id must not look like a note of ours. */
static void put_id(struct wr *w, const struct corim *o)
{
	char hex[2 * 16 + 1];

	if (!o->id_is_text)
		wr_str(w, hex_put(hex, o->id.p, o->id.n));
	for (size_t i = 0; o->id_is_text && i < o->id.n && i < ID_SHOWN_MAX; i++)
		wr_u8(w, o->id.p[i] < ' ' || o->id.p[i] == 0x7f ? '?' : o->id.p[i]);
}

static void put_notes(struct wr *w, const struct corim *o, struct view file, uint32_t from_log)
{
	uint32_t unquoted = said(o) & ~PCR_MASK;
	uint8_t digest[SHA_LEN];
	char hex[2 * SHA_LEN + 1];

	sha256(digest, file);
	wr_str(w, "CoRIM ");
	put_id(w, o);
	wr_fmt(w, ", SHA-256 %s\n", hex_put(hex, digest, SHA_LEN));
	if (o->is_signed)
		wr_str(w, "it is signed, and the signature was not verified: nobody vouches but the officer\n");
	if (from_log)
		wr_fmt(w, "PCR %s: of the boot log, the CoRIM says nothing\n", names_of(from_log).text);
	if (unquoted)
		wr_fmt(w, "PCR %s: left out, they are not quoted\n", names_of(unquoted).text);
	if (o->digests > 0)
		wr_fmt(w, "%u digests of other algorithms than SHA-256: left out\n", o->digests);
	if (o->triples > 0)
		wr_fmt(w, "%u triples that hold no reference values: left out\n", o->triples);
	if (o->dependents > 0)
		wr_fmt(w, "it names %u other CoRIMs, which were not read\n", o->dependents);
}

int corim_import(struct view file, struct view log, struct wr *out, struct wr *notes, struct err *e)
{
	struct wr w = *out, n = *notes;
	struct boot b = {0};
	struct corim o;

	if (corim_read(file, &o, e) || stand_in(&o, log, &b, e))
		return -1;
	put_body(&w, &o, &b);
	put_notes(&n, &o, file, PCR_MASK & ~said(&o));
	if (!wr_ok(&w) || !wr_ok(&n))
		return err_set(e, WHY_SYSTEM, "the reference set does not fit in %zu bytes", out->cap);
	*out = w;
	*notes = n;
	return 0;
}
