#include <string.h>

#include "policy/store.h"

enum { PCRS_LEN = PCR_QUOTED * PCR_LEN };

bool public_set(struct public *p, struct view v)
{
	if (v.n == 0 || v.n > sizeof p->b)
		return false;
	memcpy(p->b, v.p, v.n);
	p->n = v.n;
	return true;
}

static void pack(uint8_t out[PCRS_LEN], const struct pcrs *pcrs)
{
	for (uint32_t pcr = 0; pcr < PCR_COUNT; pcr++)
		if (PCR_MASK & 1u << pcr) {
			memcpy(out, pcrs->v[pcr], PCR_LEN);
			out += PCR_LEN;
		}
}

static void unpack(struct pcrs *pcrs, const uint8_t *in)
{
	memset(pcrs, 0, sizeof *pcrs);
	for (uint32_t pcr = 0; pcr < PCR_COUNT; pcr++)
		if (PCR_MASK & 1u << pcr) {
			memcpy(pcrs->v[pcr], in, PCR_LEN);
			in += PCR_LEN;
		}
}

/* In the order of MACHINE_COLUMNS. False: the row is not one that machine_put() wrote. */
static bool read_row(sqlite3_stmt *st, struct machine *m)
{
	uint8_t pcrs[PCRS_LEN];

	memset(m, 0, offsetof(struct machine, place));
	m->endorsed = sqlite3_column_int(st, 2) == ENDORSED_BY_CERTIFICATE ? ENDORSED_BY_CERTIFICATE : ENDORSED_BY_HASH;
	m->generation = (uint32_t)sqlite3_column_int64(st, 6);
	m->has_nonce = sqlite3_column_type(st, 7) != SQLITE_NULL;
	m->nonce_time = sqlite3_column_int64(st, 8);
	m->clock.clock_ms = (uint64_t)sqlite3_column_int64(st, 9);
	m->clock.reset_count = (uint32_t)sqlite3_column_int64(st, 10);
	m->clock.restart_count = (uint32_t)sqlite3_column_int64(st, 11);
	m->clock.safe = sqlite3_column_int(st, 12) == 1;
	int secure_boot = sqlite3_column_int(st, 14);
	m->last_case = (uint64_t)sqlite3_column_int64(st, 16);
	m->last_time = sqlite3_column_int64(st, 17);
	m->tag_serial = (uint64_t)sqlite3_column_int64(st, 20);
	m->leased.counter = (uint64_t)sqlite3_column_int64(st, 23);
	m->leased.until = sqlite3_column_int64(st, 25);
	m->leased.ended_case = (uint64_t)sqlite3_column_int64(st, 26);
	if (secure_boot < SECURE_BOOT_UNKNOWN || secure_boot > SECURE_BOOT_ON || !store_get(st, 13, pcrs, sizeof pcrs))
		return false;
	m->secure_boot = (enum secure_boot)secure_boot;
	unpack(&m->pcrs, pcrs);
	return store_get_text(st, 0, m->name, sizeof m->name) && store_get(st, 1, m->ek, sizeof m->ek) &&
	       public_set(&m->ak, store_view(st, 3)) && public_set(&m->id, store_view(st, 4)) &&
	       public_set(&m->srk, store_view(st, 5)) &&
	       (!m->has_nonce || store_get(st, 7, m->nonce, sizeof m->nonce)) &&
	       store_get(st, 15, m->eventlog, sizeof m->eventlog) &&
	       store_get_text(st, 18, m->status, sizeof m->status) &&
	       store_get_text(st, 19, m->allowed, sizeof m->allowed) &&
	       (m->tag_serial == 0 || store_get(st, 21, m->tag, sizeof m->tag)) &&
	       (m->leased.counter == 0 || store_get(st, 24, m->leased.ended_register, PCR_LEN)) &&
	       placestate_read(store_view(st, 22), &m->place);
}

int machine_get(struct store *s, const char *name, struct machine *out, struct err *e)
{
	sqlite3_stmt *st = store_use(s, SQL_MACHINE_GET);

	store_text(s, st, 1, name);
	int got = store_step(s, st, e);
	if (got == 1 && !read_row(st, out))
		got = store_damaged(s, "a machine", e);
	sqlite3_reset(st);
	return got;
}

int machine_of_ek(struct store *s, const uint8_t ek[SHA_LEN], char name[NAME_CAP], struct err *e)
{
	sqlite3_stmt *st = store_use(s, SQL_MACHINE_OF_EK);

	store_blob(s, st, 1, VIEW(ek, SHA_LEN));
	int got = store_step(s, st, e);
	if (got == 1 && !store_get_text(st, 0, name, NAME_CAP))
		got = store_damaged(s, "a machine's name", e);
	sqlite3_reset(st);
	return got;
}

int machine_of_tag(struct store *s, uint64_t serial, const char *but, char name[NAME_CAP], struct err *e)
{
	sqlite3_stmt *st = store_use(s, SQL_MACHINE_OF_TAG);

	store_int(s, st, 1, (int64_t)serial);
	store_text(s, st, 2, but);
	int got = store_step(s, st, e);
	if (got == 1 && !store_get_text(st, 0, name, NAME_CAP))
		got = store_damaged(s, "a machine's name", e);
	sqlite3_reset(st);
	return got;
}

struct packed { /* must outlive the step */
	uint8_t pcrs[PCRS_LEN], place[PLACESTATE_MAX];
};

/* Parameters 8 to 13 and 25 to 28: what any evidence changes. */
static void bind_shown(struct store *s, sqlite3_stmt *st, const struct machine *m)
{
	if (m->has_nonce)
		store_blob(s, st, 8, VIEW_OF(m->nonce));
	store_int(s, st, 9, m->nonce_time);
	store_int(s, st, 10, (int64_t)m->clock.clock_ms);
	store_int(s, st, 11, m->clock.reset_count);
	store_int(s, st, 12, m->clock.restart_count);
	store_int(s, st, 13, m->clock.safe);
	store_int(s, st, 25, (int64_t)m->leased.counter);
	store_blob(s, st, 26, VIEW_OF(m->leased.ended_register));
	store_int(s, st, 27, m->leased.until);
	store_int(s, st, 28, (int64_t)m->leased.ended_case);
}

/* And 14 to 22, and 24: what a decision does. */
static void bind_standing(struct store *s, sqlite3_stmt *st, const struct machine *m, struct packed *to)
{
	struct wr place = wr_to(to->place, sizeof to->place);

	pack(to->pcrs, &m->pcrs);
	placestate_write(&place, &m->place);
	bind_shown(s, st, m);
	store_blob(s, st, 14, VIEW_OF(to->pcrs));
	store_int(s, st, 15, (int64_t)m->secure_boot);
	store_blob(s, st, 16, VIEW_OF(m->eventlog));
	store_int(s, st, 17, (int64_t)m->last_case);
	store_int(s, st, 18, m->last_time);
	store_text(s, st, 19, m->status);
	store_text(s, st, 20, m->allowed);
	store_int(s, st, 21, (int64_t)m->tag_serial);
	store_blob(s, st, 22, VIEW_OF(m->tag));
	store_blob(s, st, 24, wr_done(&place));
}

int machine_next(struct store *s, uint32_t *generation, struct err *e)
{
	sqlite3_stmt *st = store_use(s, SQL_MACHINE_NEWEST);
	int got = store_step(s, st, e);
	int64_t newest = got == 1 ? sqlite3_column_int64(st, 0) : 0;

	sqlite3_reset(st);
	if (got < 0)
		return -1;
	if (newest >= UINT32_MAX)
		return err_set(e, WHY_SYSTEM, "this authority has no number for another enrolment");
	*generation = (uint32_t)newest + 1;
	return 0;
}

int machine_put(struct store *s, const struct machine *m, struct err *e)
{
	sqlite3_stmt *st = store_use(s, SQL_MACHINE_PUT);
	struct packed packed;

	store_text(s, st, 1, m->name);
	store_blob(s, st, 2, VIEW_OF(m->ek));
	store_int(s, st, 3, (int64_t)m->endorsed);
	store_blob(s, st, 4, public_view(&m->ak));
	store_blob(s, st, 5, public_view(&m->id));
	store_blob(s, st, 6, public_view(&m->srk));
	store_int(s, st, 7, m->generation);
	bind_standing(s, st, m, &packed);
	return store_run(s, st, NULL, e);
}

int machine_seen(struct store *s, const struct machine *m, const uint8_t used[NONCE_LEN], int *changed, struct err *e)
{
	sqlite3_stmt *st = store_use(s, SQL_MACHINE_SEEN);
	struct packed packed;

	store_text(s, st, 1, m->name);
	bind_standing(s, st, m, &packed);
	store_blob(s, st, 23, VIEW(used, NONCE_LEN));
	return store_run(s, st, changed, e);
}

int machine_ended(struct store *s, const struct machine *m, const uint8_t used[NONCE_LEN], int *changed, struct err *e)
{
	sqlite3_stmt *st = store_use(s, SQL_MACHINE_ENDED);

	store_text(s, st, 1, m->name);
	bind_shown(s, st, m);
	store_blob(s, st, 23, VIEW(used, NONCE_LEN));
	return store_run(s, st, changed, e);
}

int machine_nonce(struct store *s, const char *name, const uint8_t *nonce, int64_t now, struct err *e)
{
	sqlite3_stmt *st = store_use(s, SQL_MACHINE_NONCE);

	store_text(s, st, 1, name);
	if (nonce)
		store_blob(s, st, 2, VIEW(nonce, NONCE_LEN));
	store_int(s, st, 3, now);
	return store_run(s, st, NULL, e);
}
