#include "attest/ask.h"

#include "base/ring.h"

enum { ENVELOPE = 8 + 1 + 1 + 2 + NAME_CAP + 4 };

const char *ask_kind_name(enum ask_kind k)
{
	static const char *const names[ASK_KINDS] = {"none", "enrol", "activate", "attest", "document", "query"};

	return (unsigned)k < ASK_KINDS ? names[k] : "none";
}

const char *role_name(enum role r)
{
	static const char *const names[ROLE_COUNT] = {
	        "none", "cloudlet", "security-officer", "operations-manager", "auditor"};

	return (unsigned)r < ROLE_COUNT ? names[r] : "none";
}

static size_t body_max(enum ask_kind k)
{
	return k == ASK_DOCUMENT ? DOCUMENT_MAX : k == ASK_QUERY ? QUERY_MAX : EVIDENCE_MAX;
}

void ask_head_write(struct wr *w, const struct ask *a)
{
	wr_be64(w, a->ticket);
	wr_u8(w, (uint8_t)a->kind);
	wr_u8(w, (uint8_t)a->role);
	wr_text16(w, a->peer);
}

bool ask_head_read(struct rd *r, struct ask *a)
{
	*a = (struct ask){.ticket = rd_be64(r)};
	a->kind = (enum ask_kind)rd_upto(r, rd_u8(r), ASK_KINDS - 1);
	a->role = (enum role)rd_upto(r, rd_u8(r), ROLE_COUNT - 1);
	rd_text16(r, a->peer, sizeof a->peer);
	return rd_ok(r) && a->kind != 0 && (a->peer[0] == '\0' || name_ok(a->peer));
}

int ask_write(struct wr *w, const struct ask *a)
{
	_Static_assert(
	        RING_MAX > DOCUMENT_MAX + ENVELOPE && RING_MAX > EVIDENCE_MAX + ENVELOPE, "an ask is one message");
	ask_head_write(w, a);
	wr_view32(w, a->body);
	return wr_ok(w) && a->body.n <= body_max(a->kind) ? 0 : -1;
}

int ask_read(struct view v, struct ask *a, struct err *e)
{
	struct rd r = rd_of(v);
	struct ask in;

	if (!ask_head_read(&r, &in))
		return err_set(e, WHY_MALFORMED, "ask: its head is not one");
	in.body = rd_view32(&r);
	if (!rd_end(&r) || in.body.n > body_max(in.kind))
		return err_set(e, WHY_MALFORMED, "ask: its body is cut short or too long");
	*a = in;
	return 0;
}
