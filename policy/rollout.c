/* An approved update on its way through the fleet. A row says which approval a machine was offered, and what became of
 * it: the first attestation afterwards decides. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "policy/decider.h"

enum rollout_state { ROLLOUT_OFFERED = 1, ROLLOUT_DONE, ROLLOUT_FAILED };
enum { ITEM_MAX = 1024 };

struct rollout {
	char variant[NAME_CAP];
	uint32_t approval;    /* version of the document */
	uint32_t reset_count; /* of the machine when it was offered */
	enum rollout_state state;
	uint64_t case_no; /* that ended it */
};

/* 1, 0 or -1. */
static int get(struct store *s, const char *machine, struct rollout *out, struct err *e)
{
	sqlite3_stmt *st = store_use(s, SQL_ROLLOUT_GET);

	store_text(s, st, 1, machine);
	int got = store_step(s, st, e);
	if (got == 1) {
		memset(out, 0, sizeof *out);
		int state = sqlite3_column_int(st, 3);
		out->approval = (uint32_t)sqlite3_column_int64(st, 1);
		out->reset_count = (uint32_t)sqlite3_column_int64(st, 2);
		out->state = (enum rollout_state)state;
		out->case_no = (uint64_t)sqlite3_column_int64(st, 4);
		if (!store_get_text(st, 0, out->variant, sizeof out->variant) || state < ROLLOUT_OFFERED ||
		        state > ROLLOUT_FAILED)
			got = store_damaged(s, "the rollout of an update", e);
	}
	sqlite3_reset(st);
	return got;
}

static int put(struct store *s, const char *machine, const struct rollout *r, int64_t now, struct err *e)
{
	sqlite3_stmt *st = store_use(s, SQL_ROLLOUT_PUT);

	store_text(s, st, 1, machine);
	store_text(s, st, 2, r->variant);
	store_int(s, st, 3, r->approval);
	store_int(s, st, 4, now);
	store_int(s, st, 5, r->reset_count);
	store_int(s, st, 6, (int64_t)r->state);
	store_int(s, st, 7, (int64_t)r->case_no);
	return store_run(s, st, NULL, e);
}

static bool is_of(const struct rollout *r, const struct document *doc)
{
	return strcmp(r->variant, doc->name) == 0 && r->approval == doc->version;
}

/* A domain admits it, or none was asked. */
static bool is_good(const struct machine *m)
{
	return strcmp(m->status, "contraindicated") != 0;
}

/* ---- what becomes of it ---- */

int rollout_allows(const struct decider *d, const struct document *doc, struct err *e)
{
	const struct document *old = book_find(&d->book, DOC_UPDATE, doc->name);

	if (!old || doc->update.release.version >= old->update.release.version)
		return 0;
	err_set(e, WHY_STALE, "version %u of %s was approved already, and version %u came", old->update.release.version,
	        doc->name, doc->update.release.version);
	return err_hint(e, "to go back, publish what was good under a higher version");
}

int rollout_note(struct decider *d, const struct machine *m, struct err *e)
{
	const struct document *doc;
	struct rollout r;

	if (d->book.n[DOC_UPDATE] == 0)
		return 0;
	int got = get(&d->store, m->name, &r, e);
	if (got <= 0)
		return got;
	doc = book_find(&d->book, DOC_UPDATE, r.variant);
	if (!doc || !is_of(&r, doc) || r.state != ROLLOUT_OFFERED)
		return 0;
	bool runs = release_runs(&doc->update.release, &m->pcrs);
	if (is_good(m) && runs)
		r.state = ROLLOUT_DONE;
	else if (!is_good(m) || m->clock.reset_count > (uint64_t)r.reset_count + TRIAL_STARTS)
		r.state = ROLLOUT_FAILED; /* refused, or the boot loader went back */
	else
		return 0;
	r.case_no = m->last_case;
	return put(&d->store, m->name, &r, d->now, e);
}

/* ---- how far it is ---- */

static enum wave_machine state_of(const struct document *doc, const struct rollout *r, const struct machine *m)
{
	if (r && is_of(r, doc) && r->state == ROLLOUT_FAILED)
		return WAVE_FAILED;
	return m && is_good(m) && release_runs(&doc->update.release, &m->pcrs) ? WAVE_DONE : WAVE_PENDING;
}

/* What is known of one machine; into d->machine and *r when there is something. */
static int look(struct decider *d, const struct document *doc, const char *name, enum wave_machine *out, struct err *e)
{
	struct rollout r;
	int admitted = shelf_cloudlet(&d->store, name, &d->cloudlet, e);
	int row = admitted < 0 ? -1 : get(&d->store, name, &r, e);
	int enrolled = row < 0 ? -1 : machine_get(&d->store, name, &d->machine, e);

	if (enrolled < 0)
		return -1;
	*out = state_of(doc, row ? &r : NULL, enrolled ? &d->machine : NULL);
	if (admitted == 0 || d->cloudlet.doc.revoked)
		*out = WAVE_GONE;
	return 0;
}

/* Somebody failed, named or not: 1, 0 or -1. */
static int has_failed(struct decider *d, const struct document *doc, struct err *e)
{
	sqlite3_stmt *st = store_use(&d->store, SQL_ROLLOUT_FAILED);

	store_text(&d->store, st, 1, doc->name);
	store_int(&d->store, st, 2, doc->version);
	store_int(&d->store, st, 3, ROLLOUT_FAILED);
	int got = store_step(&d->store, st, e);
	sqlite3_reset(st);
	return got;
}

static int look_at_all(struct decider *d, const struct document *doc, struct waves *out, struct err *e)
{
	enum wave_machine state[WAVE_MACHINES_MAX];
	int failed = has_failed(d, doc, e);

	if (failed < 0)
		return -1;
	for (uint32_t i = 0; i < doc->update.nmachines; i++)
		if (look(d, doc, doc->update.machines[i], &state[i], e))
			return -1;
	waves_look(&doc->update, state, failed == 1, out);
	return 0;
}

/* ---- a machine asks ---- */

static const char *words_for(const struct waves *w)
{
	return w->halted ? "halted" : "waiting";
}

/* Its standing is read anew: looking at the others has used the room. */
static int offer(struct decider *d, const struct document *doc, const char *name, struct err *e)
{
	struct rollout r;
	int got = get(&d->store, name, &r, e);

	if (got < 0 || (got == 1 && is_of(&r, doc)))
		return got < 0 ? -1 : 0; /* the first offer counts */
	if (machine_get(&d->store, name, &d->machine, e) < 0)
		return -1;
	r = (struct rollout){
	        .approval = doc->version, .reset_count = d->machine.clock.reset_count, .state = ROLLOUT_OFFERED};
	memcpy(r.variant, doc->name, NAME_CAP);
	return put(&d->store, name, &r, d->now, e);
}

/* The words of the answer; "offered" comes with the manifest. */
static int decide_for(
        struct decider *d, const struct document *doc, const char *name, const char **state, struct err *e)
{
	enum wave_machine own;
	struct waves w;

	if (look(d, doc, name, &own, e))
		return -1;
	*state = "none";
	if (own == WAVE_GONE || !d->machine.name[0])
		return 0;
	*state = "current";
	if (own == WAVE_DONE)
		return 0;
	if (look_at_all(d, doc, &w, e))
		return -1;
	*state = words_for(&w);
	if (!waves_may(&doc->update, &w, name))
		return 0;
	*state = "offered";
	return offer(d, doc, name, e);
}

int rollout_answer(struct decider *d, struct jw *j, const char *variant, const char *machine, struct err *e)
{
	const struct document *doc = book_find(&d->book, DOC_UPDATE, variant);
	const char *state = "none";
	char what[2 * NAME_CAP];
	struct wr w = wr_to(what, sizeof what);

	d->machine.name[0] = 0;
	if (doc && decide_for(d, doc, machine, &state, e))
		return -1;
	wr_fmt(&w, "update/%s/%s", variant, machine);
	jw_text(j, "what", wr_done(&w));
	jw_int(j, "issued", d->now);
	jw_str(j, "state", state);
	if (doc)
		jw_int(j, "version", doc->update.release.version);
	if (strcmp(state, "offered") == 0)
		jw_str(j, "manifest", doc->update.manifest);
	return 0;
}

/* ---- people ask ---- */

int rollout_updates(struct decider *d, struct jw *j, const char *after, struct err *e)
{
	for (uint32_t i = 0; i < d->book.n[DOC_UPDATE]; i++) {
		const struct document *doc = d->book.doc[DOC_UPDATE][i];
		struct waves w;

		if (strcmp(doc->name, after) <= 0)
			continue;
		if (look_at_all(d, doc, &w, e))
			return -1;
		jw_obj(j, NULL);
		jw_str(j, "name", doc->name);
		jw_int(j, "version", doc->version);
		jw_hex(j, "digest", VIEW_OF(doc->digest));
		jw_int(j, "issued", doc->issued);
		jw_int(j, "update", doc->update.release.version);
		jw_int(j, "waves", (int64_t)doc->update.nwaves + 1);
		jw_int(j, "open", (int64_t)w.open + 1);
		jw_bool(j, "halted", w.halted);
		jw_end_obj(j);
	}
	jw_end_arr(j);
	return 0;
}

/* The approved update that the machine runs, of whatever variant. */
static const struct document *running(const struct decider *d, const struct machine *m)
{
	for (uint32_t i = 0; i < d->book.n[DOC_UPDATE]; i++)
		if (release_runs(&d->book.doc[DOC_UPDATE][i]->update.release, &m->pcrs))
			return d->book.doc[DOC_UPDATE][i];
	return NULL;
}

static const char *words_of(enum rollout_state state)
{
	return state == ROLLOUT_OFFERED ? "offered" : state == ROLLOUT_DONE ? "done" : "failed";
}

static int put_machine(struct decider *d, struct jw *j, const char *name, struct err *e)
{
	struct rollout r;
	int row = get(&d->store, name, &r, e), enrolled = row < 0 ? -1 : machine_get(&d->store, name, &d->machine, e);

	if (enrolled < 0)
		return -1;
	const struct document *runs = enrolled ? running(d, &d->machine) : NULL;
	const struct document *doc = row ? book_find(&d->book, DOC_UPDATE, r.variant) : runs;
	jw_obj(j, NULL);
	jw_str(j, "name", name);
	if (doc)
		jw_str(j, "variant", doc->name);
	if (runs)
		jw_int(j, "runs", runs->update.release.version);
	if (doc)
		jw_int(j, "wave", (int64_t)waves_of(&doc->update, name) + 1);
	jw_str(j, "state", row && doc && is_of(&r, doc) ? words_of(r.state) : runs ? "done" : "waiting");
	if (row && r.case_no > 0)
		jw_int(j, "case", (int64_t)r.case_no);
	jw_end_obj(j);
	return 0;
}

int rollout_machines(struct decider *d, struct jw *j, const char *after, struct err *e)
{
	sqlite3_stmt *st = store_use(&d->store, SQL_MACHINE_LIST);
	char name[NAME_CAP] = "";
	int got;

	store_text(&d->store, st, 1, after);
	while ((got = store_step(&d->store, st, e)) == 1 && j->w->cap - j->w->n > ITEM_MAX) {
		bool revoked = sqlite3_column_int(st, 2) != 0;
		if (!store_get_text(st, 0, name, sizeof name))
			got = store_damaged(&d->store, "a name", e);
		if (got < 0 || (!revoked && put_machine(d, j, name, e)))
			break;
	}
	sqlite3_reset(st);
	jw_end_arr(j);
	if (got == 1)
		jw_str(j, "more_after", name);
	return got < 0 || d->store.failed ? -1 : 0;
}
