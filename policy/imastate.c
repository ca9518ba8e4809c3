#include <string.h>

#include "policy/store.h"

/* Domains one behind the other: name, digest of the policy, reason, sentence, hint. */
static void write_standings(struct wr *w, const struct ima_state *s)
{
	for (uint32_t i = 0; i < s->n; i++) {
		const struct ima_standing *d = &s->standing[i];
		wr_text16(w, d->domain);
		wr_bytes(w, d->policy, sizeof d->policy);
		wr_u8(w, (uint8_t)d->refusal.why);
		wr_text16(w, d->refusal.text);
		wr_text16(w, d->refusal.hint);
	}
}

static bool read_standings(struct view v, struct ima_state *s)
{
	struct rd r = rd_of(v);

	for (s->n = 0; rd_left(&r) > 0 && s->n < DOMAINS_MAX; s->n++) {
		struct ima_standing *d = &s->standing[s->n];
		rd_text16(&r, d->domain, sizeof d->domain);
		rd_copy(&r, d->policy, sizeof d->policy);
		d->refusal.why = (enum why)rd_upto(&r, rd_u8(&r), WHY_COUNT - 1);
		rd_text16(&r, d->refusal.text, sizeof d->refusal.text);
		rd_text16(&r, d->refusal.hint, sizeof d->refusal.hint);
	}
	return rd_end(&r);
}

static bool read_row(sqlite3_stmt *st, struct ima_state *s)
{
	uint8_t pcrs[sizeof s->run.pcr];

	s->reset_count = (uint32_t)sqlite3_column_int64(st, 0);
	s->restart_count = (uint32_t)sqlite3_column_int64(st, 1);
	s->run.entries = (uint64_t)sqlite3_column_int64(st, 2);
	s->run.banks = (uint8_t)sqlite3_column_int(st, 3);
	s->complete = sqlite3_column_int(st, 5) == 1;
	if (!store_get(st, 4, pcrs, sizeof pcrs) || s->run.banks == 0 || s->run.banks > (IMA_OWN | IMA_PADDED))
		return false;
	memcpy(s->run.pcr, pcrs, sizeof pcrs);
	return read_standings(store_view(st, 6), s);
}

int imastate_get(struct store *s, const char *machine, struct ima_state *out, struct err *e)
{
	sqlite3_stmt *st = store_use(s, SQL_RUNTIME_GET);

	store_text(s, st, 1, machine);
	int got = store_step(s, st, e);
	if (got == 1 && !read_row(st, out))
		got = store_damaged(s, "a runtime list", e);
	sqlite3_reset(st);
	return got;
}

int imastate_put(struct store *s, const char *machine, const struct ima_state *x, struct err *e)
{
	uint8_t room[IMA_STANDINGS_MAX];
	struct wr w = wr_to(room, sizeof room);
	sqlite3_stmt *st = store_use(s, SQL_RUNTIME_PUT);

	write_standings(&w, x);
	store_text(s, st, 1, machine);
	store_int(s, st, 2, x->reset_count);
	store_int(s, st, 3, x->restart_count);
	store_int(s, st, 4, (int64_t)x->run.entries);
	store_int(s, st, 5, x->run.banks);
	store_blob(s, st, 6, VIEW_OF(x->run.pcr));
	store_int(s, st, 7, x->complete);
	store_blob(s, st, 8, wr_done(&w));
	return store_run(s, st, NULL, e);
}
