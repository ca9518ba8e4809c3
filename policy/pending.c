#include <string.h>

#include "policy/store.h"

int pending_get(struct store *s, const char *name, const uint8_t ak_name[TPM_NAME_LEN], int64_t now,
        struct pending *out, struct err *e)
{
	sqlite3_stmt *st = store_use(s, SQL_PENDING_GET);

	store_text(s, st, 1, name);
	store_blob(s, st, 2, VIEW(ak_name, TPM_NAME_LEN));
	store_int(s, st, 3, now - PENDING_S);
	int got = store_step(s, st, e);
	if (got == 1) {
		memset(out, 0, sizeof *out);
		memcpy(out->name, name, strlen(name) + 1);
		memcpy(out->ak_name, ak_name, TPM_NAME_LEN);
		out->endorsed = sqlite3_column_int(st, 1) == ENDORSED_BY_CERTIFICATE ? ENDORSED_BY_CERTIFICATE
		                                                                     : ENDORSED_BY_HASH;
		out->time = sqlite3_column_int64(st, 6);
		if (!store_get(st, 0, out->ek, sizeof out->ek) || !public_set(&out->ak, store_view(st, 2)) ||
		        !public_set(&out->id, store_view(st, 3)) || !public_set(&out->srk, store_view(st, 4)) ||
		        !store_get(st, 5, out->nonce, sizeof out->nonce))
			got = store_damaged(s, "an enrolment", e);
	}
	sqlite3_reset(st);
	return got;
}

static int count(struct store *s, int64_t *n, struct err *e)
{
	sqlite3_stmt *st = store_use(s, SQL_PENDING_COUNT);
	int got = store_step(s, st, e);

	*n = got == 1 ? sqlite3_column_int64(st, 0) : 0;
	sqlite3_reset(st);
	return got < 0 ? -1 : 0;
}

/* Room for one more: the old go, and of one name only the newest stay. */
static int make_room(struct store *s, const struct pending *p, struct err *e)
{
	sqlite3_stmt *st = store_use(s, SQL_PENDING_PRUNE);
	int64_t n;

	store_int(s, st, 1, p->time - PENDING_S);
	if (store_run(s, st, NULL, e))
		return -1;
	st = store_use(s, SQL_PENDING_CROWD);
	store_text(s, st, 1, p->name);
	store_int(s, st, 2, PENDING_PER_NAME_MAX - 1);
	if (store_run(s, st, NULL, e) || count(s, &n, e))
		return -1;
	if (n < PENDING_MAX)
		return 0;
	err_set(e, WHY_REFUSED, "%d enrolments wait for their activation, which is the most", PENDING_MAX);
	return err_hint(e, "ask again in ten minutes: they are forgotten by then");
}

int pending_put(struct store *s, const struct pending *p, struct err *e)
{
	if (make_room(s, p, e))
		return -1;
	sqlite3_stmt *st = store_use(s, SQL_PENDING_PUT);
	store_text(s, st, 1, p->name);
	store_blob(s, st, 2, VIEW_OF(p->ak_name));
	store_blob(s, st, 3, VIEW_OF(p->ek));
	store_int(s, st, 4, (int64_t)p->endorsed);
	store_blob(s, st, 5, public_view(&p->ak));
	store_blob(s, st, 6, public_view(&p->id));
	store_blob(s, st, 7, public_view(&p->srk));
	store_blob(s, st, 8, VIEW_OF(p->nonce));
	store_int(s, st, 9, p->time);
	return store_run(s, st, NULL, e);
}

int pending_take(struct store *s, const struct pending *p, int *changed, struct err *e)
{
	sqlite3_stmt *st = store_use(s, SQL_PENDING_TAKE);

	store_text(s, st, 1, p->name);
	store_blob(s, st, 2, VIEW_OF(p->ak_name));
	store_blob(s, st, 3, VIEW_OF(p->nonce));
	return store_run(s, st, changed, e);
}

int pending_forget(struct store *s, const char *name, struct err *e)
{
	sqlite3_stmt *st = store_use(s, SQL_PENDING_FORGET);

	store_text(s, st, 1, name);
	return store_run(s, st, NULL, e);
}
