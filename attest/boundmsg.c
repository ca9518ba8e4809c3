#include <string.h>

#include "attest/landmark.h"

static const char MAGIC[4] = {'M', 'B', 'P', '1'};

bool boundmsg_read(struct view v, struct boundmsg *out)
{
	struct rd r = rd_of(v);
	struct boundmsg m = {0};

	rd_require(&r, view_equal(rd_view(&r, sizeof MAGIC), VIEW_OF(MAGIC)));
	m.kind = (enum boundmsg_kind)rd_upto(&r, rd_u8(&r), BOUND_KINDS - 1);
	rd_require(&r, m.kind != 0);
	if (m.kind >= BOUND_START)
		m.session = rd_be64(&r);
	if (m.kind == BOUND_CHALLENGE || m.kind == BOUND_ANSWER)
		m.round = rd_be16(&r);
	if (m.kind == BOUND_HELLO || m.kind == BOUND_START)
		rd_copy(&r, m.key, sizeof m.key);
	if (m.kind == BOUND_HELLO)
		rd_copy(&r, m.context, sizeof m.context);
	if (m.kind == BOUND_HELLO || m.kind == BOUND_COOKIE)
		rd_copy(&r, m.cookie, sizeof m.cookie);
	if (m.kind == BOUND_START || m.kind == BOUND_CHALLENGE || m.kind == BOUND_ANSWER)
		rd_copy(&r, m.value, sizeof m.value);
	if (m.kind == BOUND_STATEMENT)
		m.statement = rd_view16(&r);
	if (!rd_end(&r))
		return false;
	*out = m;
	return true;
}

void boundmsg_write(struct wr *w, const struct boundmsg *m)
{
	wr_bytes(w, MAGIC, sizeof MAGIC);
	wr_u8(w, (uint8_t)m->kind);
	if (m->kind >= BOUND_START)
		wr_be64(w, m->session);
	if (m->kind == BOUND_CHALLENGE || m->kind == BOUND_ANSWER)
		wr_be16(w, m->round);
	if (m->kind == BOUND_HELLO || m->kind == BOUND_START)
		wr_bytes(w, m->key, sizeof m->key);
	if (m->kind == BOUND_HELLO)
		wr_bytes(w, m->context, sizeof m->context);
	if (m->kind == BOUND_HELLO || m->kind == BOUND_COOKIE)
		wr_bytes(w, m->cookie, sizeof m->cookie);
	if (m->kind == BOUND_START || m->kind == BOUND_CHALLENGE || m->kind == BOUND_ANSWER)
		wr_bytes(w, m->value, sizeof m->value);
	if (m->kind == BOUND_STATEMENT)
		wr_view16(w, m->statement);
}
