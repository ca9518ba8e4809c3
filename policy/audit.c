#include <string.h>

#include "policy/store.h"

static void link_of(uint8_t out[SHA_LEN], const uint8_t previous[SHA_LEN], struct view record)
{
	uint8_t digest[SHA_LEN];

	sha256(digest, record);
	sha256_2(out, VIEW(previous, SHA_LEN), VIEW_OF(digest));
}

int audit_get(struct store *s, uint64_t case_no, struct view *record, uint8_t previous[SHA_LEN], uint8_t hash[SHA_LEN],
        struct err *e)
{
	sqlite3_stmt *st = store_use(s, SQL_AUDIT_GET);
	uint8_t again[SHA_LEN];

	store_int(s, st, 1, (int64_t)case_no);
	int got = store_step(s, st, e);
	if (got != 1)
		return got;
	*record = store_view(st, 0);
	memset(previous, 0, SHA_LEN);
	if (!store_get(st, 1, hash, SHA_LEN) || (case_no > 1 && !store_get(st, 2, previous, SHA_LEN)))
		return store_damaged(s, "the audit log", e);
	link_of(again, previous, *record);
	return memcmp(again, hash, SHA_LEN) == 0 ? 1 : store_damaged(s, "a record and its hash differ", e);
}

int audit_last(struct store *s, struct audit_head *out, struct err *e)
{
	sqlite3_stmt *st = store_use(s, SQL_AUDIT_LAST);
	uint8_t previous[SHA_LEN];
	struct view record;

	memset(out, 0, sizeof *out);
	int got = store_step(s, st, e);
	if (got == 1)
		out->case_no = (uint64_t)sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	if (got < 0 || out->case_no == 0)
		return got < 0 ? -1 : 0;
	got = audit_get(s, out->case_no, &record, previous, out->hash, e);
	sqlite3_reset(s->st[SQL_AUDIT_GET]);
	return got == 1 ? 0 : got == 0 ? store_damaged(s, "the audit log ends nowhere", e) : -1;
}

int audit_append(struct store *s, struct audit_head *head, int64_t now, struct view record, struct err *e)
{
	sqlite3_stmt *st = store_use(s, SQL_AUDIT_PUT);
	struct audit_head next = {.case_no = head->case_no + 1};

	link_of(next.hash, head->hash, record);
	store_int(s, st, 1, (int64_t)next.case_no);
	store_int(s, st, 2, now);
	store_blob(s, st, 3, record);
	store_blob(s, st, 4, VIEW_OF(next.hash));
	if (store_run(s, st, NULL, e))
		return -1;
	*head = next;
	return 0;
}
