#include <string.h>

#include "policy/store.h"

int shelf_get(struct store *s, enum doc_kind kind, const char *name, struct shelved *out, struct err *e)
{
	sqlite3_stmt *st = store_use(s, SQL_DOCUMENT_GET);

	store_int(s, st, 1, (int64_t)kind);
	store_text(s, st, 2, name);
	int got = store_step(s, st, e);
	if (got != 1)
		return got;
	out->version = (uint32_t)sqlite3_column_int64(st, 0);
	out->issued = sqlite3_column_int64(st, 1);
	out->jws = store_view(st, 3);
	if (!store_get(st, 2, out->digest, sizeof out->digest))
		return store_damaged(s, "a document", e);
	return 1;
}

static int put_cloudlet(struct store *s, const struct document *d, struct err *e)
{
	sqlite3_stmt *st = store_use(s, SQL_CLOUDLET_PUT);

	store_text(s, st, 1, d->name);
	store_int(s, st, 2, d->version);
	store_int(s, st, 3, d->cloudlet.revoked);
	if (d->cloudlet.has_ek)
		store_blob(s, st, 4, VIEW_OF(d->cloudlet.ek_sha256));
	store_text(s, st, 5, d->cloudlet.reason);
	if (store_run(s, st, NULL, e))
		return -1;
	/* Revoked: whatever was under way for it ends here, and a later readmission starts with a new nonce. */
	if (d->cloudlet.revoked && (pending_forget(s, d->name, e) || machine_nonce(s, d->name, NULL, 0, e)))
		return -1;
	return 0;
}

static int put_ek(struct store *s, const struct document *d, struct err *e)
{
	sqlite3_stmt *st = store_use(s, SQL_EK_PUT);

	store_text(s, st, 1, d->name);
	store_int(s, st, 2, d->version);
	store_int(s, st, 3, d->issued);
	store_blob(s, st, 4, VIEW_OF(d->digest));
	store_blob(s, st, 5, VIEW_OF(d->ek.ek_sha256));
	return store_run(s, st, NULL, e);
}

int shelf_put(struct store *s, const struct document *d, struct view jws, struct err *e)
{
	sqlite3_stmt *st = store_use(s, SQL_DOCUMENT_PUT);

	store_int(s, st, 1, (int64_t)d->kind);
	store_text(s, st, 2, d->name);
	store_int(s, st, 3, d->version);
	store_int(s, st, 4, d->issued);
	store_blob(s, st, 5, VIEW_OF(d->digest));
	store_blob(s, st, 6, jws);
	if (store_run(s, st, NULL, e))
		return -1;
	if (d->kind == DOC_CLOUDLET)
		return put_cloudlet(s, d, e);
	return d->kind == DOC_EK ? put_ek(s, d, e) : 0;
}

int shelf_cloudlet(struct store *s, const char *name, struct cloudlet *out, struct err *e)
{
	sqlite3_stmt *st = store_use(s, SQL_CLOUDLET_GET);

	store_text(s, st, 1, name);
	int got = store_step(s, st, e);
	if (got == 1) {
		memset(out, 0, sizeof *out);
		out->version = (uint32_t)sqlite3_column_int64(st, 0);
		out->doc.revoked = sqlite3_column_int(st, 1) != 0;
		out->doc.has_ek = sqlite3_column_type(st, 2) != SQLITE_NULL;
		if ((out->doc.has_ek && !store_get(st, 2, out->doc.ek_sha256, SHA_LEN)) ||
		        !store_get_text(st, 3, out->doc.reason, sizeof out->doc.reason))
			got = store_damaged(s, "a cloudlet", e);
	}
	sqlite3_reset(st);
	return got;
}

int shelf_ek(struct store *s, const char *name, uint8_t ek[SHA_LEN], struct err *e)
{
	sqlite3_stmt *st = store_use(s, SQL_EK_GET);

	store_text(s, st, 1, name);
	int got = store_step(s, st, e);
	if (got == 1 && !store_get(st, 0, ek, SHA_LEN))
		got = store_damaged(s, "an approved endorsement key", e);
	sqlite3_reset(st);
	return got;
}
