#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/ring.h"
#include "policy/decider.h"

int batch_open(struct batch *b, struct decider *d, int anchor, struct err *e)
{
	*b = (struct batch){.d = d, .anchor = anchor, .cap = 2 * (RING_MAX + RING_PREFIX)};
	b->verdict = malloc(sizeof *b->verdict);
	b->facts = malloc(sizeof *b->facts);
	b->out = malloc(b->cap); /* pages that are not written cost nothing */
	if (b->verdict && b->facts && b->out)
		return 0;
	batch_close(b);
	return err_sys(e, "no memory for a group of cases");
}

void batch_close(struct batch *b)
{
	free(b->verdict);
	free(b->facts);
	free(b->out);
	*b = (struct batch){.anchor = -1};
}

bool batch_full(const struct batch *b)
{
	return b->failed || b->n == BATCH_MAX || b->cap - b->used < RING_MAX + RING_PREFIX;
}

static int keep(struct batch *b, const struct verdict *v, struct err *e)
{
	struct wr w = wr_to(b->out + b->used + RING_PREFIX, RING_MAX);

	if (verdict_write(&w, v))
		return err_set(e, WHY_SYSTEM, "a verdict does not fit into one message");
	ring_frame(b->out + b->used, w.n);
	b->used += RING_PREFIX + w.n;
	return 0;
}

void batch_add(struct batch *b, struct view message)
{
	struct err e = {0};

	if (facts_read(message, b->facts, &e)) {
		err_in(&e, "a message of the judge is dropped");
		log_err(&e);
		return;
	}
	b->ticket[b->n++] = b->facts->ticket;
	if (b->n == 1 && store_begin(&b->d->store, &b->why))
		b->failed = true;
	else if (decider_case(b->d, b->facts, b->verdict, &b->why) || keep(b, b->verdict, &b->why))
		b->failed = true;
}

/* No record, no key: what was decided is forgotten, and each who waits is told so. */
static int refuse_all(struct batch *b, struct err *e)
{
	struct verdict *v = b->verdict;

	log_err(&b->why);
	b->used = 0;
	for (uint32_t i = 0; i < b->n; i++) {
		verdict_clear(v);
		v->ticket = b->ticket[i];
		v->kind = VERDICT_REFUSAL;
		err_set(&v->refusal, WHY_SYSTEM, "the record could not be written: %.300s", b->why.text);
		err_hint(&v->refusal, "nothing was changed or released; ask again when the authority is well");
		if (keep(b, v, e))
			return -1;
	}
	return decider_recover(b->d, e);
}

int batch_end(struct batch *b, int fd, struct err *e)
{
	int bad = 0;

	if (b->n == 0)
		return 0;
	if (!b->failed && store_commit(&b->d->store, &b->why))
		b->failed = true;
	if (b->failed)
		bad = refuse_all(b, e); /* they are told even when the store does not recover */
	else if (b->anchor >= 0)
		anchor_move(b->anchor, &b->d->head);
	b->d->book_moved = false;
	if (ring_flush(fd, VIEW(b->out, b->used), e))
		bad = -1;
	mem_wipe(b->out, b->used); /* first nonces pass through here */
	b->used = 0;
	b->n = 0;
	b->failed = false;
	memset(&b->why, 0, sizeof b->why);
	return bad;
}
