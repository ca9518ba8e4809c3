/* bootrow: whole appraisals. The floor takes binary inputs that are taken apart already: one verification, one signature,
 * a hash of each payload and one extension for each event of the boot, two hashes for each entry of the runtime list. */
#include <stdlib.h>
#include <string.h>

#include "base/jws.h"
#include "tests/bench/attest/attestbench.h"

enum { RESULT = 2048, MESSAGE_CAP = 512 * 1024, KEYLIME_US = 32500, KEYLIME_1000_US = 35000, KEYLIME_10000_US = 99000 };

struct least {
	struct bare *bare;
	struct event ev[EVENT_MAX];
	size_t n;
	struct runlist *list;
};

struct trial {
	const struct softbox *m;
	struct es256 *result;
	struct softbox_asks asks;
	const struct runlist *list;
	bool decides; /* the decider's part too: it believes no judge */
	struct facts judged, read;
	uint8_t message[MESSAGE_CAP];
};

static void least(void *arg)
{
	struct least *x = arg;
	struct pcrs pcrs = {0};
	uint8_t digest[SHA_LEN];
	static const uint8_t result[RESULT];

	bare_verify(x->bare);
	for (size_t i = 0; i < x->n; i++) {
		bare_sha256(digest, x->ev[i].data, VIEW(NULL, 0));
		bare_sha256(pcrs.v[x->ev[i].pcr], VIEW_OF(pcrs.v[x->ev[i].pcr]), VIEW_OF(x->ev[i].digest));
	}
	if (x->list)
		runlist_hash(x->list);
	bare_sha256(digest, VIEW_OF(result), VIEW(NULL, 0));
	bare_sign(x->bare);
}

static void must(bool good)
{
	if (!good)
		abort();
}

/* The facts as they come out of the ring, and the checks that the decider repeats with the key of its store. */
static const struct facts *decide(struct trial *t, const struct ask *a)
{
	struct wr w = wr_to(t->message, sizeof t->message);
	const struct facts_attest *f = &t->read.attest;
	struct tpm_pub ak, id;
	struct quote q;
	uint8_t extra[SHA_LEN];
	struct err e;

	sha256(t->judged.ask_digest, a->body);
	must(facts_write(&w, &t->judged) == 0 && facts_read(wr_done(&w), &t->read, &e) == 0);
	must(tpmpub_parse(softtpm_view(&t->m->ak), &ak, &e) == 0 &&
	        tpmpub_parse(softtpm_view(&t->m->id), &id, &e) == 0);
	evidence_binding_of(extra, t->m->nonce, f->digests, f->ndigests);
	must(quote_parse(f->quote, claims_mask(&f->claims), &q, &e) == 0 &&
	        quote_check(&q, f->quote_sig, &ak, extra, &f->pcrs, &e) == 0);
	return &t->read;
}

static void approve(const struct trial *t, const struct facts_attest *a, struct ima_run *run)
{
	struct ima l = ima_open(a->ima, run->entries);
	const struct runtime *set = t->list->set;
	struct ima_entry x;
	struct err e;

	while (!imarun_reaches(run, a->pcrs.v[IMA_PCR]) && ima_next(&l, &x, &e) == 1) {
		imarun_add(run, &x);
		must(runtime_allows(&set, 1, &x, &e) == 0);
	}
}

static void sign(const struct trial *t)
{
	static const uint8_t result[RESULT];
	uint8_t text[2 * RESULT];
	struct wr w = wr_to(text, sizeof text);
	struct err e;

	must(jws_sign(&w, t->result, "ear+jwt", VIEW_OF(result), &e) == 0);
}

static void appraise(void *arg)
{
	struct trial *t = arg;
	struct ima_run run = imarun_start();
	struct ask a;
	struct err e;

	for (size_t i = 0; i < t->asks.n; i++) {
		must(judge_ask(t->asks.ask[i], &t->judged, &e) == 0 && t->judged.refusal.why == WHY_NONE);
		must(ask_read(t->asks.ask[i], &a, &e) == 0);
		const struct facts *f = t->decides ? decide(t, &a) : &t->judged;
		if (t->list && f->attest.ima.n > 0)
			approve(t, &f->attest, &run);
		sign(t);
	}
	must(!t->list || run.entries == 0 || run.entries == t->list->entries);
}

static void drop(struct trial *t)
{
	softbox_forget(&t->asks);
	es256_free(t->result);
	free(t);
}

static struct trial *trial(
        const struct softbox *m, const struct softbox_sends *s, struct runlist *list, bool decides, struct err *e)
{
	struct trial *t = calloc(1, sizeof *t);

	if (!t) {
		err_sys(e, "no memory for a trial");
		return NULL;
	}
	t->m = m;
	t->list = list;
	t->decides = decides;
	t->result = es256_generate(e);
	if (t->result && softbox_asks(m, s, &t->asks, e) == 0)
		return t;
	drop(t);
	return NULL;
}

static int least_of(const struct softbox *m, struct view log, struct runlist *list, struct least *out, struct err *e)
{
	struct eventlog l;
	int got = 0;

	*out = (struct least){.list = list};
	if (log.n > 0 && eventlog_open(&l, log, e) != 0)
		return -1;
	while (log.n > 0 && out->n < EVENT_MAX && (got = eventlog_next(&l, &out->ev[out->n], e)) == 1)
		out->n++;
	out->bare = got < 0 ? NULL : bare_open(m->ak.key, e);
	return out->bare ? 0 : -1;
}

/* One case: judge alone with the signature, and judge with decider. us: of both and of the floor. */
static int race(
        const struct softbox *m, const struct softbox_sends *s, struct runlist *list, double us[3], struct err *e)
{
	static struct least floor;
	struct trial *alone = trial(m, s, list, false, e), *both = alone ? trial(m, s, list, true, e) : NULL;
	int bad = !both || least_of(m, s->log, list, &floor, e) != 0;

	if (!bad) {
		unsigned times = list ? 100000 / list->entries : 200;
		times = times > 200 ? 200 : times;
		struct racer r[] = {{.once = appraise, .arg = alone, .times = times},
		        {.once = appraise, .arg = both, .times = times},
		        {.once = least, .arg = &floor, .times = times}};
		race_run(r, COUNT(r));
		for (size_t i = 0; i < COUNT(r); i++)
			us[i] = r[i].us;
		bare_free(floor.bare);
	}
	if (alone)
		drop(alone);
	if (both)
		drop(both);
	return bad ? -1 : 0;
}

int bootrow_print(const struct softbox *m, struct view log, struct err *e)
{
	struct boot boot;
	double us[3];

	if (boot_read(log, &boot, e) != 0)
		return -1;
	struct softbox_sends s = {.log = log, .boot = &boot};
	if (race(m, &s, NULL, us, e) != 0)
		return -1;
	race_row(&(struct race_row){"us", us[0], us[2], KEYLIME_US, 1.7}, "boot log of %zu bytes, %u events", log.n,
	        boot.events);
	race_row(&(struct race_row){"us", us[1], us[2], KEYLIME_US, 0},
	        "boot log of %zu bytes, and what the decider checks again", log.n);
	return 0;
}

/* With the boot log, as after a boot: a long list takes several evidences, each with its quote and its result. */
static int after_boot(const struct softbox *m, struct view log, struct runlist *list, struct err *e)
{
	double us[3], keylime = list->entries == 1000 ? KEYLIME_1000_US : list->entries == 10000 ? KEYLIME_10000_US : 0;
	struct boot boot;

	if (boot_read(log, &boot, e) != 0)
		return -1;
	struct softbox_sends s = {.log = log, .boot = &boot, .ima = VIEW(list->bytes, list->n), .pcr10 = list->pcr10};
	if (race(m, &s, list, us, e) != 0)
		return -1;
	race_row(&(struct race_row){"us", us[0], us[2], keylime, 2.25}, "boot log and %u runtime entries",
	        list->entries);
	race_row(&(struct race_row){"us", us[1], us[2], keylime, 0},
	        "boot log and %u runtime entries, and what the decider checks again", list->entries);
	return 0;
}

/* What a renewal costs more for each entry that it brings, less its two hashes. */
static int renewal(const struct softbox *m, struct view log, struct runlist *list, struct err *e)
{
	struct boot boot;
	double none[3], some[3];

	if (boot_read(log, &boot, e) != 0)
		return -1;
	struct softbox_sends s = {.boot = &boot, .pcr10 = list->pcr10};
	if (race(m, &s, NULL, none, e) != 0)
		return -1;
	s.ima = VIEW(list->bytes, list->n);
	if (race(m, &s, list, some, e) != 0)
		return -1;
	double hashes = some[2] - none[2], more = some[1] - none[1];
	race_row(&(struct race_row){"us", none[1], none[2], 0, 0}, "renewal without new entries, judge and decider");
	race_row(&(struct race_row){.unit = "us", .value = (more - hashes) / list->entries, .goal = 0.6},
	        "each new runtime entry beyond its hashes, of %u, judge and decider", list->entries);
	return 0;
}

static void decider_alone(struct runlist *list)
{
	unsigned times = 100000 / list->entries;
	struct racer r[] = {{.once = runlist_approve, .arg = list, .times = times},
	        {.once = runlist_hash, .arg = list, .times = times}};

	race_run(r, COUNT(r));
	race_row(&(struct race_row){"us", r[0].us, r[1].us, 0, 0}, "%u runtime entries, decider alone", list->entries);
	race_row(&(struct race_row){.unit = "us", .value = (r[0].us - r[1].us) / list->entries, .goal = 0.6},
	        "each runtime entry beyond its hashes, of %u, decider alone", list->entries);
}

int runrow_print(const struct softbox *m, struct view log, struct err *e)
{
	static const unsigned sizes[] = {1000, 10000};
	int bad = 0;

	for (size_t i = 0; i < COUNT(sizes) && !bad; i++) {
		struct runlist list;
		bad = runlist_make(&list, sizes[i], e) != 0 || after_boot(m, log, &list, e) != 0 ||
		      (i == 0 && renewal(m, log, &list, e) != 0);
		if (!bad)
			decider_alone(&list);
		runlist_drop(&list);
	}
	return bad ? -1 : 0;
}
