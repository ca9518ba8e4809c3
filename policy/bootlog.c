#include <string.h>

#include "policy/store.h"

static void read_one(struct rd *r, struct measured *m)
{
	m->pcr = (uint8_t)rd_upto(r, rd_u8(r), PCR_COUNT - 1);
	m->type = rd_be32(r);
	m->number = rd_be32(r);
	rd_copy(r, m->digest, sizeof m->digest);
	m->data = rd_view32(r);
}

int bootlog_get(struct store *s, const uint8_t digest[SHA_LEN], uint8_t room[BOOTLOG_MAX], struct measured *out,
        size_t cap, size_t *n, struct err *e)
{
	sqlite3_stmt *st = store_use(s, SQL_BOOTLOG_GET);

	store_blob(s, st, 1, VIEW(digest, SHA_LEN));
	int got = store_step(s, st, e);
	*n = 0;
	if (got == 1) {
		struct view v = store_view(st, 0);
		size_t fits = v.n <= BOOTLOG_MAX ? v.n : 0;
		struct rd r = rd_of(VIEW(room, fits));
		if (fits > 0)
			memcpy(room, v.p, fits);
		while (rd_left(&r) > 0 && *n < cap)
			read_one(&r, &out[(*n)++]);
		if (!rd_end(&r) || fits != v.n)
			got = store_damaged(s, "a boot log", e);
	}
	sqlite3_reset(st);
	return got;
}

/* 1: there is room, or room was made by forgetting logs that no machine refers to. */
static int room(struct store *s, struct err *e)
{
	for (int tries = 0; tries < 2; tries++) {
		sqlite3_stmt *st = store_use(s, SQL_BOOTLOG_COUNT);
		int got = store_step(s, st, e);
		int64_t n = got == 1 ? sqlite3_column_int64(st, 0) : 0;
		sqlite3_reset(st);
		if (got < 0)
			return -1;
		if (n < BOOTLOGS_MAX)
			return 1;
		if (tries == 0 && store_run(s, store_use(s, SQL_BOOTLOG_PRUNE), NULL, e))
			return -1;
	}
	return 0;
}

int bootlog_has(struct store *s, const uint8_t digest[SHA_LEN], struct err *e)
{
	sqlite3_stmt *st = store_use(s, SQL_BOOTLOG_GET);

	store_blob(s, st, 1, VIEW(digest, SHA_LEN));
	int got = store_step(s, st, e);
	sqlite3_reset(st);
	return got;
}

int bootlog_put(struct store *s, const uint8_t digest[SHA_LEN], const struct measured *m, size_t n, struct err *e)
{
	uint8_t b[BOOTLOG_MAX];
	struct wr w = wr_to(b, sizeof b);
	int known = bootlog_has(s, digest, e);

	if (known != 0)
		return known < 0 ? -1 : 0;
	int free_room = room(s, e);
	if (free_room <= 0)
		return free_room;
	for (size_t i = 0; i < n; i++) {
		wr_u8(&w, m[i].pcr);
		wr_be32(&w, m[i].type);
		wr_be32(&w, m[i].number);
		wr_bytes(&w, m[i].digest, sizeof m[i].digest);
		wr_view32(&w, m[i].data);
	}
	if (!wr_ok(&w)) /* more events than facts can carry: their sentences name none */
		return 0;
	sqlite3_stmt *st = store_use(s, SQL_BOOTLOG_PUT);
	store_blob(s, st, 1, VIEW(digest, SHA_LEN));
	store_blob(s, st, 2, wr_done(&w));
	return store_run(s, st, NULL, e);
}
