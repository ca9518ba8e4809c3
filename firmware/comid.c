/* comid: the reference triples of a tag. Whatever would narrow a value, and cannot be carried over, is refused. */
#include "firmware/corim.h"

#include <string.h>

#include "firmware/cbor.h"

enum { ALG_SHA256 = 1, ALG_SHA384 = 7, ALG_SHA512 = 8, DIGEST_MAX = 64 }; /* IANA, named information hash algorithms */
enum { REL_SUPPLEMENTS, REL_REPLACES };

/* ---- Digests ---- */

static int take(struct corim *o, uint64_t pcr, struct view digest, struct err *e)
{
	uint32_t n = o->values[pcr];

	for (uint32_t i = 0; i < n; i++)
		if (view_equal(VIEW_OF(o->value[pcr][i]), digest))
			return 0;
	if (n == REFERENCE_VALUES_MAX)
		return err_set(
		        e, WHY_MALFORMED, "register %u has more than %d values", (unsigned)pcr, REFERENCE_VALUES_MAX);
	memcpy(o->value[pcr][n], digest.p, PCR_LEN);
	o->values[pcr] = n + 1;
	return 0;
}

/* 0: it may have any length. */
static size_t length_of(uint64_t alg)
{
	return alg == ALG_SHA256 ? 32 : alg == ALG_SHA384 ? 48 : alg == ALG_SHA512 ? 64 : 0;
}

/* An algorithm of another kind than a number is one that we do not know. */
static uint64_t read_alg(struct cbor *c)
{
	if (cbor_is(c, CBOR_UINT))
		return cbor_uint(c);
	if (cbor_is(c, CBOR_NEGATIVE))
		(void)cbor_any(c);
	else
		(void)cbor_text(c);
	return UINT64_MAX;
}

/* Of the register o->key. */
static int read_digest(struct corim *o, struct cbor *c, struct err *e)
{
	if (corimwalk_tuple(c, 2, e))
		return -1;
	uint64_t alg = read_alg(c);
	struct view v = cbor_bytes(c);
	if (cbor_ok(c, e))
		return -1;
	size_t n = length_of(alg);
	if (v.n == 0 || v.n > DIGEST_MAX || (n > 0 && v.n != n))
		return err_set(e, WHY_MALFORMED, "%zu bytes are not what its algorithm gives", v.n);
	if (alg == ALG_SHA256)
		return take(o, o->key, v, e);
	o->digests++;
	return 0;
}

/* "[+ digest]" has at most one of each algorithm. */
static int check_algs(struct cbor c, struct err *e)
{
	uint64_t seen = 0;

	for (uint64_t n = cbor_array(&c); n > 0; n--) {
		(void)cbor_array(&c);
		uint64_t alg = read_alg(&c);
		(void)cbor_any(&c);
		if (alg >= 64)
			continue;
		if (seen & 1ull << alg)
			return err_set(e, WHY_MALFORMED, "algorithm %u comes twice", (unsigned)alg);
		seen |= 1ull << alg;
	}
	return 0;
}

static int read_register(struct corim *o, struct cbor *c, uint64_t pcr, struct err *e)
{
	struct cbor again = *c;

	if (pcr >= PCR_COUNT)
		return err_set(e, WHY_MALFORMED, "a TPM has registers 0 to %d", PCR_COUNT - 1);
	o->key = pcr;
	o->said = true;
	return corimwalk_list(o, c, "digest", read_digest, e) ? -1 : check_algs(again, e);
}

/* ---- Measurements ---- */

static int read_registers(struct corim *o, struct cbor *c, struct err *e)
{
	if (o->profile != CORIM_PLAIN)
		return err_set(e, WHY_MALFORMED, "the profile has none");
	if (o->keyed)
		return err_set(e, WHY_MALFORMED,
		        "the measurement has a key, which says that they are those of something else");
	uint64_t n = cbor_map(c);
	if (cbor_ok(c, e))
		return -1;
	for (; n > 0; n--) {
		uint64_t pcr = cbor_uint(c);
		if (cbor_ok(c, e))
			return err_in(e, "a register's number");
		if (read_register(o, c, pcr, e))
			return err_in(e, "register %llu", (unsigned long long)pcr);
	}
	return cbor_ok(c, e);
}

static int read_digests(struct corim *o, struct cbor *c, struct err *e)
{
	if (o->profile != CORIM_PARSEC)
		return err_set(e, WHY_MALFORMED, "without a profile they are not those of a register");
	if (!o->keyed)
		return err_set(e, WHY_MALFORMED, "the measurement does not say of which register");
	return read_register(o, c, o->key, e);
}

static int read_key(struct corim *o, struct cbor *c, struct err *e)
{
	o->keyed = true;
	if (o->profile == CORIM_PARSEC)
		o->key = cbor_uint(c);
	else
		(void)cbor_any(c);
	return cbor_ok(c, e);
}

static int read_values(struct corim *o, struct cbor *c, struct err *e)
{
	static const struct corim_member table[] = {{2, "digests", read_digests, false},
	        {11, "name", corimwalk_text, false}, {14, "integrity-registers", read_registers, false},
	        {0, NULL, NULL, false}};

	return corimwalk_map(o, c, table, e);
}

static int refuse_authority(struct corim *o, struct cbor *c, struct err *e)
{
	(void)o;
	(void)c;
	return err_set(e, WHY_MALFORMED, "who may sign evidence cannot be carried over");
}

static int read_measurement(struct corim *o, struct cbor *c, struct err *e)
{
	static const struct corim_member table[] = {{0, "mkey", read_key, false}, {1, "mval", read_values, true},
	        {2, "authorized-by", refuse_authority, false}, {0, NULL, NULL, false}};

	o->keyed = o->said = false;
	if (corimwalk_map(o, c, table, e))
		return -1;
	return o->said ? 0 : err_set(e, WHY_MALFORMED, "it has no value of a register");
}

/* ---- Triples ---- */

/* The values of one kind of machine must not approve another. */
static int read_environment(struct corim *o, struct cbor *c, struct err *e)
{
	static const struct corim_member table[] = {{0, "class", corimwalk_any, false},
	        {1, "instance", corimwalk_any, false}, {2, "group", corimwalk_any, false}, {0, NULL, NULL, false}};
	struct cbor again = *c;
	struct view encoded = cbor_any(&again);

	if (corimwalk_map(o, c, table, e))
		return -1;
	if (o->environment.n > 0 && !view_equal(o->environment, encoded))
		return err_set(e, WHY_MALFORMED, "another one than before, and a set is for one kind of machine");
	o->environment = encoded;
	return 0;
}

static int read_triple(struct corim *o, struct cbor *c, struct err *e)
{
	if (corimwalk_tuple(c, 2, e))
		return -1;
	if (read_environment(o, c, e))
		return err_in(e, "environment");
	return corimwalk_list(o, c, "measurement", read_measurement, e);
}

static int read_references(struct corim *o, struct cbor *c, struct err *e)
{
	return corimwalk_list(o, c, "triple", read_triple, e);
}

static int pass_triple(struct corim *o, struct cbor *c, struct err *e)
{
	o->triples++;
	return corimwalk_any(o, c, e);
}

static int pass_over(struct corim *o, struct cbor *c, struct err *e)
{
	return corimwalk_list(o, c, "triple", pass_triple, e);
}

static int read_triples(struct corim *o, struct cbor *c, struct err *e)
{
	/* What is passed over gives a machine names, keys and praise, and takes nothing from a reference value. */
	static const struct corim_member table[] = {{0, "reference-triples", read_references, false},
	        {1, "endorsed-triples", pass_over, false}, {2, "identity-triples", pass_over, false},
	        {3, "attest-key-triples", pass_over, false}, {0, NULL, NULL, false}};

	return corimwalk_map(o, c, table, e);
}

/* ---- The tag ---- */

static int read_tag_id(struct corim *o, struct cbor *c, struct err *e)
{
	if (o->ntags == CORIM_TAGS_MAX)
		return err_set(e, WHY_MALFORMED, "more than %d tags", CORIM_TAGS_MAX);
	return corimwalk_id(c, &o->tag_id[o->ntags++], e);
}

static int read_identity(struct corim *o, struct cbor *c, struct err *e)
{
	static const struct corim_member table[] = {
	        {0, "tag-id", read_tag_id, true}, {1, "tag-version", corimwalk_uint, false}, {0, NULL, NULL, false}};

	return corimwalk_map(o, c, table, e);
}

static int read_linked_id(struct corim *o, struct cbor *c, struct err *e)
{
	if (o->nreplaced == CORIM_TAGS_MAX)
		return err_set(e, WHY_MALFORMED, "more than %d linked tags", CORIM_TAGS_MAX);
	return corimwalk_id(c, &o->replaced[o->nreplaced++], e);
}

static int read_relation(struct corim *o, struct cbor *c, struct err *e)
{
	uint64_t relation = cbor_uint(c);

	if (cbor_ok(c, e))
		return -1;
	if (relation > REL_REPLACES)
		return err_set(e, WHY_MALFORMED, "relation %llu is unknown", (unsigned long long)relation);
	if (relation == REL_SUPPLEMENTS && o->nreplaced > 0)
		o->nreplaced--;
	return 0;
}

static int read_linked(struct corim *o, struct cbor *c, struct err *e)
{
	static const struct corim_member table[] = {{0, "linked-tag-id", read_linked_id, true},
	        {1, "tag-rel", read_relation, true}, {0, NULL, NULL, false}};

	return corimwalk_map(o, c, table, e);
}

static int read_links(struct corim *o, struct cbor *c, struct err *e)
{
	return corimwalk_list(o, c, "entry", read_linked, e);
}

int comid_read(struct corim *o, struct view comid, struct err *e)
{
	static const struct corim_member table[] = {{0, "language", corimwalk_text, false},
	        {1, "tag-identity", read_identity, true}, {2, "entities", corimwalk_any, false},
	        {3, "linked-tags", read_links, false}, {4, "triples", read_triples, true}, {0, NULL, NULL, false}};
	struct cbor c;

	if (cbor_open(&c, comid, e))
		return -1;
	return corimwalk_map(o, &c, table, e);
}
