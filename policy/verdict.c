/* decider to keeper. Every range is checked again on arrival. */
#include <string.h>

#include "policy/policy.h"

static const char MAGIC[4] = {'M', 'S', 'V', '1'};

enum { GRANT_KEY = 1, WITH_CERTIFICATE = 1 };

static void write_refusal(struct wr *w, const struct verdict *v)
{
	wr_u8(w, (uint8_t)v->refusal.why);
	wr_text16(w, v->refusal.text);
	wr_text16(w, v->refusal.hint);
}

static void write_grants(struct wr *w, const struct verdict *v)
{
	wr_be16(w, (uint16_t)v->ngrants);
	for (uint32_t i = 0; i < v->ngrants; i++) {
		const struct grant *g = &v->grants[i];
		wr_text16(w, g->domain);
		wr_text16(w, g->dataset);
		wr_be32(w, g->epoch);
		wr_be32(w, g->generation);
		wr_be64(w, g->deadline_ms);
		wr_u8(w, g->with_key ? GRANT_KEY : 0);
	}
}

static void write_tag(struct wr *w, const struct verdict *v)
{
	wr_u8(w, v->has_tag);
	if (!v->has_tag)
		return;
	wr_bytes(w, v->tag, sizeof v->tag);
	wr_bytes(w, v->tag_name, sizeof v->tag_name);
}

static void write_result(struct wr *w, const struct verdict *v)
{
	wr_bytes(w, v->pcr_digest, sizeof v->pcr_digest);
	wr_be32(w, v->reset_count);
	wr_be32(w, v->restart_count);
	wr_be64(w, v->counter);
	wr_u8(w, (uint8_t)v->refusal.why);
	wr_u8(w, v->with_certificate ? WITH_CERTIFICATE : 0);
	wr_be32(w, v->certificate_s);
	write_tag(w, v);
	wr_view16(w, v->srk);
	wr_view16(w, v->id);
	write_grants(w, v);
	wr_view32(w, v->body);
}

int verdict_write(struct wr *w, const struct verdict *v)
{
	wr_bytes(w, MAGIC, sizeof MAGIC);
	wr_be64(w, v->ticket);
	wr_be64(w, v->case_no);
	wr_u8(w, (uint8_t)v->kind);
	wr_text16(w, v->machine);
	wr_u8(w, v->has_nonce);
	if (v->has_nonce)
		wr_bytes(w, v->nonce, sizeof v->nonce);
	switch (v->kind) {
	case VERDICT_REFUSAL:
		write_refusal(w, v);
		break;
	case VERDICT_CREDENTIAL:
		wr_view16(w, v->ek);
		wr_view16(w, v->ak);
		break;
	case VERDICT_RESULT:
		write_result(w, v);
		break;
	case VERDICT_SIGNED:
		wr_text16(w, v->typ);
		wr_view32(w, v->body);
		break;
	case VERDICT_RECEIPT:
		wr_view32(w, v->body);
		break;
	case VERDICT_KINDS:
		return -1;
	}
	return wr_ok(w) ? 0 : -1;
}

static bool read_flag(struct rd *r)
{
	return rd_upto(r, rd_u8(r), 1) == 1;
}

static void read_name(struct rd *r, char out[NAME_CAP])
{
	rd_text16(r, out, NAME_CAP);
	rd_require(r, name_ok(out));
}

static struct view read_public(struct rd *r)
{
	return rd_view(r, rd_upto(r, rd_be16(r), TPM_PUBLIC_MAX));
}

static struct view read_body(struct rd *r, uint64_t max)
{
	struct view v = rd_view(r, rd_upto(r, rd_be32(r), max));

	rd_require(r, v.n > 0);
	return v;
}

static void read_refusal(struct rd *r, struct verdict *v)
{
	v->refusal.why = (enum why)rd_upto(r, rd_u8(r), WHY_COUNT - 1);
	rd_require(r, v->refusal.why != WHY_NONE);
	rd_text16(r, v->refusal.text, sizeof v->refusal.text);
	rd_text16(r, v->refusal.hint, sizeof v->refusal.hint);
}

static void read_grant(struct rd *r, struct grant *g)
{
	read_name(r, g->domain);
	read_name(r, g->dataset);
	g->epoch = rd_be32(r);
	g->generation = rd_be32(r);
	g->deadline_ms = rd_be64(r);
	g->with_key = read_flag(r);
	rd_require(r, g->epoch > 0 && g->generation > 0);
}

static void read_result(struct rd *r, struct verdict *v)
{
	rd_copy(r, v->pcr_digest, sizeof v->pcr_digest);
	v->reset_count = rd_be32(r);
	v->restart_count = rd_be32(r);
	v->counter = rd_be64(r);
	v->refusal.why = (enum why)rd_upto(r, rd_u8(r), WHY_COUNT - 1);
	v->with_certificate = read_flag(r);
	v->certificate_s = (uint32_t)rd_upto(r, rd_be32(r), CERTIFICATE_S);
	v->has_tag = read_flag(r);
	if (v->has_tag) {
		rd_copy(r, v->tag, sizeof v->tag);
		rd_copy(r, v->tag_name, sizeof v->tag_name);
	}
	v->srk = read_public(r);
	v->id = read_public(r);
	v->ngrants = (uint32_t)rd_upto(r, rd_be16(r), DATASETS_MAX);
	for (uint32_t i = 0; i < v->ngrants; i++)
		read_grant(r, &v->grants[i]);
	rd_require(r, v->counter <= INT64_MAX && (v->counter > 0 || v->ngrants == 0));
	v->body = read_body(r, CLAIMS_JSON_MAX);
	rd_require(r, v->has_nonce && name_ok(v->machine));
}

static void read_kind(struct rd *r, struct verdict *v)
{
	switch (v->kind) {
	case VERDICT_REFUSAL:
		read_refusal(r, v);
		return;
	case VERDICT_CREDENTIAL:
		v->ek = read_public(r);
		v->ak = read_public(r);
		rd_require(r, v->has_nonce && v->ek.n > 0 && v->ak.n > 0 && name_ok(v->machine));
		return;
	case VERDICT_RESULT:
		read_result(r, v);
		return;
	case VERDICT_SIGNED:
		rd_text16(r, v->typ, sizeof v->typ);
		/* The keeper signs a listing or a report for the asking, never what could pass for a result. */
		rd_require(r, strcmp(v->typ, TYP_LISTING) == 0 || strcmp(v->typ, TYP_REPORT) == 0);
		v->body = read_body(r, ANSWER_BODY_MAX);
		return;
	case VERDICT_RECEIPT:
		v->body = read_body(r, ANSWER_BODY_MAX);
		return;
	case VERDICT_KINDS:
		break;
	}
	rd_require(r, false);
}

int verdict_read(struct view in, struct verdict *out, struct err *e)
{
	struct rd r = rd_of(in);
	struct view magic = rd_view(&r, sizeof MAGIC);

	verdict_clear(out); /* 40 KB with its grants: no second copy of it on the stack */
	rd_require(&r, view_equal(magic, VIEW_OF(MAGIC)));
	out->ticket = rd_be64(&r);
	out->case_no = rd_be64(&r);
	out->kind = (enum verdict_kind)rd_upto(&r, rd_u8(&r), VERDICT_KINDS - 1);
	rd_text16(&r, out->machine, sizeof out->machine);
	rd_require(&r, out->machine[0] == 0 || name_ok(out->machine));
	out->has_nonce = read_flag(&r);
	if (out->has_nonce)
		rd_copy(&r, out->nonce, sizeof out->nonce);
	read_kind(&r, out);
	if (rd_end(&r))
		return 0;
	verdict_clear(out);
	return err_set(e, WHY_MALFORMED, "these bytes are not a verdict");
}
