/* corim: the envelope: a signature or none, what the whole is about, and its tags. */
#include "firmware/corim.h"

#include <string.h>

#include "firmware/cbor.h"

enum {
	TAG_TIME = 1,
	TAG_SIGN1 = 18,
	TAG_URI = 32,
	TAG_OID = 111,
	TAG_OLD = 500,
	TAG_CORIM = 501,
	TAG_OLD_SIGNED = 502
};
enum { TAG_COSWID = 505, TAG_COMID = 506, TAG_LIST = 508 };
enum { COSE_ALG = 1, COSE_CRIT = 2, COSE_CONTENT_TYPE = 3, COSE_META = 8, COSE_CWT = 15 };

/* ---- What the whole is about ---- */

static int read_id(struct corim *o, struct cbor *c, struct err *e)
{
	o->id_is_text = cbor_is(c, CBOR_TEXT);
	return corimwalk_id(c, &o->id, e);
}

static int read_profile(struct corim *o, struct cbor *c, struct err *e)
{
	uint64_t tag = cbor_tag(c);
	struct view v = tag == TAG_URI ? cbor_text(c) : cbor_any(c);

	if (cbor_ok(c, e))
		return -1;
	if (tag != TAG_URI)
		return err_set(e, WHY_MALFORMED, "tag %llu: the profile is none that we know", (unsigned long long)tag);
	if (view_is(v, "https://enacttrust.com/veraison/1.0.0") || view_is(v, "http://enacttrust.com/veraison/1.0.0"))
		return err_set(e, WHY_MALFORMED,
		        "that of EnactTrust gives one digest of all registers together, and no register's own value");
	if (!view_is(v, "tag:github.com/parallaxsecond,2023-03-03:tpm"))
		return err_set(e, WHY_MALFORMED, "\"%.*s\" is none that we know", (int)(v.n < 100 ? v.n : 100),
		        (const char *)v.p);
	o->profile = CORIM_PARSEC;
	return 0;
}

static int read_time(struct cbor *c, int64_t *out, struct err *e)
{
	uint64_t tag = cbor_tag(c), t = cbor_uint(c);

	if (cbor_ok(c, e))
		return -1;
	if (tag != TAG_TIME || t > INT64_MAX)
		return err_set(e, WHY_MALFORMED, "it is not a time in seconds, of tag 1");
	*out = (int64_t)t;
	return 0;
}

static int read_from(struct corim *o, struct cbor *c, struct err *e)
{
	return read_time(c, &o->from, e);
}

static int read_until(struct corim *o, struct cbor *c, struct err *e)
{
	return read_time(c, &o->until, e);
}

static int read_validity(struct corim *o, struct cbor *c, struct err *e)
{
	static const struct corim_member table[] = {
	        {0, "not-before", read_from, false}, {1, "not-after", read_until, true}, {0, NULL, NULL, false}};

	if (corimwalk_map(o, c, table, e))
		return -1;
	if (o->from > o->until)
		return err_set(e, WHY_MALFORMED, "it ends before it begins");
	return 0;
}

static int read_dependent(struct corim *o, struct cbor *c, struct err *e)
{
	o->dependents++;
	return corimwalk_any(o, c, e);
}

static int read_dependents(struct corim *o, struct cbor *c, struct err *e)
{
	return corimwalk_list(o, c, "entry", read_dependent, e);
}

/* Their profile comes behind them. */
static int keep_tags(struct corim *o, struct cbor *c, struct err *e)
{
	o->tags = cbor_any(c);
	return cbor_ok(c, e);
}

/* ---- Tags ---- */

static int read_tag(struct corim *o, struct cbor *c, struct err *e)
{
	uint64_t tag = cbor_tag(c);

	if (cbor_ok(c, e))
		return -1;
	if (tag != TAG_COMID)
		return err_set(e, WHY_MALFORMED, "tag %llu (%s): only CoMID tags, 506, can be carried over",
		        (unsigned long long)tag,
		        tag == TAG_COSWID ? "a CoSWID"
		        : tag == TAG_LIST ? "a list of tags"
		                          : "unknown");
	struct view comid = cbor_bytes(c);
	if (cbor_ok(c, e))
		return -1;
	return comid_read(o, comid, e);
}

static bool has_tag(const struct corim *o, size_t from, struct view id)
{
	for (size_t i = from; i < o->ntags; i++)
		if (view_equal(o->tag_id[i], id))
			return true;
	return false;
}

/* Values of a tag that was put aside must not stay approved. */
static int check_ids(const struct corim *o, struct err *e)
{
	for (size_t i = 0; i < o->ntags; i++)
		if (has_tag(o, i + 1, o->tag_id[i]))
			return err_set(e, WHY_MALFORMED, "entry %zu: another tag has the same tag-id", i + 1);
	for (size_t i = 0; i < o->nreplaced; i++)
		if (has_tag(o, 0, o->replaced[i]))
			return err_set(e, WHY_MALFORMED, "one of them replaces another: the old one must not be there");
	return 0;
}

static int read_tags(struct corim *o, struct err *e)
{
	struct cbor c;

	if (cbor_open(&c, o->tags, e) || corimwalk_list(o, &c, "entry", read_tag, e) || check_ids(o, e))
		return err_in(e, "tags");
	return 0;
}

/* ---- The envelope ---- */

static int read_unsigned(struct corim *o, struct cbor *c, struct err *e)
{
	static const struct corim_member table[] = {{0, "id", read_id, true}, {1, "tags", keep_tags, true},
	        {2, "dependent-rims", read_dependents, false}, {3, "profile", read_profile, false},
	        {4, "rim-validity", read_validity, false}, {5, "entities", corimwalk_any, false},
	        {0, NULL, NULL, false}};

	return corimwalk_map(o, c, table, e) ? -1 : read_tags(o, e);
}

/* Labels of another kind than a number are none of ours. */
static uint64_t read_label(struct cbor *c)
{
	if (cbor_is(c, CBOR_UINT))
		return cbor_uint(c);
	(void)cbor_any(c);
	return UINT64_MAX;
}

static bool header_fits(struct cbor c, uint64_t label)
{
	switch (label) {
	case COSE_ALG:
		return cbor_is(&c, CBOR_UINT) || cbor_is(&c, CBOR_NEGATIVE);
	case COSE_CONTENT_TYPE:
		return view_is(cbor_text(&c), "application/rim+cbor");
	case COSE_META:
		return cbor_is(&c, CBOR_BYTES);
	case COSE_CWT:
		return cbor_is(&c, CBOR_MAP);
	default:
		return true;
	}
}

/* One header of COSE, RFC 9052 3.1; sets its bit in *seen. */
static int read_header(struct cbor *c, uint32_t *seen, struct err *e)
{
	uint64_t label = read_label(c);

	if (label == COSE_CRIT)
		return err_set(e, WHY_MALFORMED, "crit: it demands what we do not do");
	if (!header_fits(*c, label))
		return err_set(
		        e, WHY_MALFORMED, "header %llu is not that of a signed CoRIM", (unsigned long long)label);
	if (label < 32)
		*seen |= 1u << label;
	(void)cbor_any(c);
	return cbor_ok(c, e);
}

static int read_protected(struct view headers, struct err *e)
{
	uint32_t seen = 0, needed = 1u << COSE_ALG | 1u << COSE_CONTENT_TYPE, signer = 1u << COSE_META | 1u << COSE_CWT;
	struct cbor c;

	if (cbor_open(&c, headers, e))
		return -1;
	for (uint64_t n = cbor_map(&c); n > 0; n--)
		if (read_header(&c, &seen, e))
			return -1;
	if (cbor_ok(&c, e))
		return -1;
	if ((seen & needed) != needed || !(seen & signer))
		return err_set(e, WHY_MALFORMED, "the algorithm, the content type or the signer is missing");
	return 0;
}

/* The signature is not looked at: what is approved is approved by the officer who signs our document. */
static int read_signed(struct cbor *c, struct view *payload, struct err *e)
{
	if (corimwalk_tuple(c, 4, e))
		return -1;
	struct view headers = cbor_bytes(c);
	if (cbor_ok(c, e) || read_protected(headers, e))
		return err_in(e, "protected headers");
	if (!cbor_is(c, CBOR_MAP))
		return err_set(e, WHY_MALFORMED, "unprotected headers: expected a map");
	(void)cbor_any(c);
	if (cbor_is(c, CBOR_SIMPLE))
		return err_set(e, WHY_MALFORMED, "payload: it is not in the file");
	*payload = cbor_bytes(c);
	if (cbor_ok(c, e))
		return err_in(e, "payload");
	struct view signature = cbor_bytes(c);
	if (cbor_ok(c, e))
		return err_in(e, "signature");
	return signature.n > 0 ? 0 : err_set(e, WHY_MALFORMED, "signature: it is empty");
}

static int read_envelope(struct corim *o, struct cbor *c, struct err *e)
{
	uint64_t tag = cbor_tag(c);
	struct view payload = {NULL, 0};

	if (tag == TAG_SIGN1) {
		if (read_signed(c, &payload, e))
			return err_in(e, "COSE_Sign1");
		o->is_signed = true;
		if (cbor_open(c, payload, e))
			return err_in(e, "payload");
		tag = cbor_tag(c);
	}
	if (cbor_ok(c, e))
		return -1;
	if (tag == TAG_OLD || tag == TAG_OLD_SIGNED)
		return err_set(e, WHY_MALFORMED, "tag %llu is that of an old draft", (unsigned long long)tag);
	if (tag != TAG_CORIM)
		return err_set(e, WHY_MALFORMED, "tag %llu is not that of a CoRIM, 501 or 18", (unsigned long long)tag);
	return read_unsigned(o, c, e);
}

int corim_read(struct view file, struct corim *out, struct err *e)
{
	struct cbor c;

	memset(out, 0, sizeof *out);
	out->until = INT64_MAX;
	if (file.n > CORIM_MAX)
		return err_set(e, WHY_MALFORMED, "CoRIM: %zu bytes, at most %d are read", file.n, CORIM_MAX);
	if (cbor_open(&c, file, e) || read_envelope(out, &c, e))
		return err_in(e, "CoRIM");
	return 0;
}
