/* What the agent hands the quoter for one use of a key: lease, sealed key and the lease key it should be signed by. */
#include "keystore/keystore.h"

static const char MAGIC[4] = {'M', 'S', 'L', '3'};

static void write_terms(struct wr *w, const struct lease_terms *t)
{
	wr_bytes(w, t->pcr_digest, SHA_LEN);
	wr_be32(w, t->pcr_mask);
	wr_be32(w, t->reset_count);
	wr_be32(w, t->restart_count);
	wr_be64(w, t->counter);
	wr_be64(w, t->deadline_ms);
	wr_u8(w, t->has_tag);
	if (!t->has_tag)
		return;
	wr_bytes(w, t->tag, sizeof t->tag);
	wr_bytes(w, t->tag_name, sizeof t->tag_name);
}

static void read_terms(struct rd *r, struct lease_terms *t)
{
	rd_copy(r, t->pcr_digest, SHA_LEN);
	t->pcr_mask = rd_be32(r);
	rd_require(r, t->pcr_mask == PCR_MASK);
	t->reset_count = rd_be32(r);
	t->restart_count = rd_be32(r);
	t->counter = rd_be64(r);
	t->deadline_ms = rd_be64(r);
	t->has_tag = rd_upto(r, rd_u8(r), 1) == 1;
	if (!t->has_tag)
		return;
	rd_copy(r, t->tag, sizeof t->tag);
	rd_copy(r, t->tag_name, sizeof t->tag_name);
}

static void read_sized(struct rd *r, uint8_t *to, size_t cap, size_t *n)
{
	*n = rd_upto(r, rd_be16(r), cap);
	rd_copy(r, to, *n);
}

int lease_use_write(struct wr *w, const struct lease_use *u)
{
	wr_bytes(w, MAGIC, sizeof MAGIC);
	wr_text16(w, u->domain);
	wr_text16(w, u->dataset);
	wr_be32(w, u->epoch);
	wr_be32(w, u->generation);
	write_terms(w, &u->terms);
	wr_bytes(w, u->signature, sizeof u->signature);
	wr_bytes(w, u->lease_key, sizeof u->lease_key);
	wr_view16(w, VIEW(u->sealed.public, u->sealed.npublic));
	wr_view16(w, VIEW(u->sealed.duplicate, u->sealed.nduplicate));
	wr_view16(w, VIEW(u->sealed.seed, u->sealed.nseed));
	return wr_ok(w) ? 0 : -1;
}

int lease_use_read(struct view v, struct lease_use *out, struct err *e)
{
	struct rd r = rd_of(v);
	struct lease_use u = {0};
	struct view magic = rd_view(&r, sizeof MAGIC);

	rd_require(&r, view_equal(magic, VIEW_OF(MAGIC)));
	rd_text16(&r, u.domain, sizeof u.domain);
	rd_text16(&r, u.dataset, sizeof u.dataset);
	u.epoch = rd_be32(&r);
	u.generation = rd_be32(&r);
	read_terms(&r, &u.terms);
	rd_copy(&r, u.signature, sizeof u.signature);
	rd_copy(&r, u.lease_key, sizeof u.lease_key);
	read_sized(&r, u.sealed.public, sizeof u.sealed.public, &u.sealed.npublic);
	read_sized(&r, u.sealed.duplicate, sizeof u.sealed.duplicate, &u.sealed.nduplicate);
	read_sized(&r, u.sealed.seed, sizeof u.sealed.seed, &u.sealed.nseed);
	if (!rd_end(&r))
		return err_set(e, WHY_MALFORMED, "these bytes are not a lease and its key");
	if (!name_ok(u.domain) || !name_ok(u.dataset))
		return err_set(e, WHY_MALFORMED, "the lease names no proper domain and dataset");
	*out = u;
	return 0;
}
