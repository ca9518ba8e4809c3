/* keeper to door: the connection that waits, the reason that becomes an HTTP status, and the body as it will be sent.
 */
#include "keystore/keystore.h"

static const char MAGIC[4] = {'M', 'S', 'A', '1'};

int answer_write(struct wr *w, const struct answer *a)
{
	wr_bytes(w, MAGIC, sizeof MAGIC);
	wr_be64(w, a->ticket);
	wr_u8(w, (uint8_t)a->why);
	wr_view32(w, a->body);
	return wr_ok(w) ? 0 : -1;
}

int answer_read(struct view in, struct answer *out, struct err *e)
{
	struct rd r = rd_of(in);
	struct answer a = {0};
	struct view magic = rd_view(&r, sizeof MAGIC);

	rd_require(&r, view_equal(magic, VIEW_OF(MAGIC)));
	a.ticket = rd_be64(&r);
	a.why = (enum why)rd_upto(&r, rd_u8(&r), WHY_COUNT - 1);
	a.body = rd_view(&r, rd_upto(&r, rd_be32(&r), ANSWER_BODY_MAX));
	rd_require(&r, a.body.n > 0);
	if (!rd_end(&r))
		return err_set(e, WHY_MALFORMED, "these bytes are not an answer");
	*out = a;
	return 0;
}
