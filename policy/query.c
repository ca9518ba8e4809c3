/* Reading: listings, a document, a record, a report. The keeper signs what leaves here. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "policy/decider.h"

enum { ITEM_MAX = 8 * 1024 }; /* the longest item, a cloudlet that 64 domains allow, has 5 KB */

struct listing {
	const char *what;
	int (*items)(struct decider *d, struct jw *j, const char *after, struct err *e);
};

/* False when another item might not fit: the listing then ends with the name to go on from. */
static bool page_left(const struct jw *j)
{
	return j->w->cap - j->w->n > ITEM_MAX;
}

static void put_head(struct jw *j, const struct document *doc)
{
	jw_str(j, "name", doc->name);
	jw_int(j, "version", doc->version);
	jw_hex(j, "digest", VIEW_OF(doc->digest));
	jw_int(j, "issued", doc->issued);
}

static void put_domain(struct jw *j, const struct doc_domain *d)
{
	jw_str(j, "fence", d->fence);
	jw_arr(j, "references");
	for (uint32_t i = 0; i < d->nreferences; i++)
		jw_str(j, NULL, d->references[i]);
	jw_end_arr(j);
	jw_arr(j, "runtimes");
	for (uint32_t i = 0; i < d->nruntimes; i++)
		jw_str(j, NULL, d->runtimes[i]);
	jw_end_arr(j);
	jw_int(j, "lease_s", d->lease_s);
	jw_int(j, "location_level", d->location_level);
	jw_num(j, "gnss_k", d->gnss_k);
	jw_int(j, "dwell_s", d->dwell_s);
	jw_int(j, "landmarks", d->landmarks);
	jw_num(j, "bound_m", d->bound_m);
	jw_int(j, "members", d->nmembers);
}

static void put_landmark(struct jw *j, const struct doc_landmark *l)
{
	jw_hex(j, "key", VIEW_OF(l->key));
	jw_str(j, "address", l->address);
	jw_num(j, "latitude_deg", l->fix.lat_deg);
	jw_num(j, "longitude_deg", l->fix.lon_deg);
	jw_num(j, "uncertainty_m", l->fix.uncertainty_m);
}

static void put_document(struct jw *j, const struct document *doc)
{
	jw_obj(j, NULL);
	put_head(j, doc);
	if (doc->kind == DOC_FENCE)
		jw_int(j, "vertices", (int64_t)fence_vertices(doc->fence));
	if (doc->kind == DOC_DOMAIN)
		put_domain(j, &doc->domain);
	if (doc->kind == DOC_DATASET) {
		jw_str(j, "domain", doc->dataset.domain);
		jw_int(j, "epoch", doc->dataset.epoch);
	}
	if (doc->kind == DOC_LANDMARK)
		put_landmark(j, &doc->landmark);
	if (doc->kind == DOC_VENDOR)
		jw_int(j, "certificates", (int64_t)ekroots_count(doc->vendor));
	jw_end_obj(j);
}

/* The book's kinds are bounded so that one page holds them. */
static int list_book(struct decider *d, struct jw *j, enum doc_kind kind, const char *after)
{
	for (uint32_t i = 0; i < d->book.n[kind]; i++)
		if (strcmp(d->book.doc[kind][i]->name, after) > 0)
			put_document(j, d->book.doc[kind][i]);
	jw_end_arr(j);
	return 0;
}

static int list_fences(struct decider *d, struct jw *j, const char *after, struct err *e)
{
	(void)e;
	return list_book(d, j, DOC_FENCE, after);
}

static int list_references(struct decider *d, struct jw *j, const char *after, struct err *e)
{
	(void)e;
	return list_book(d, j, DOC_REFERENCE, after);
}

static int list_runtimes(struct decider *d, struct jw *j, const char *after, struct err *e)
{
	(void)e;
	return list_book(d, j, DOC_RUNTIME, after);
}

static int list_domains(struct decider *d, struct jw *j, const char *after, struct err *e)
{
	(void)e;
	return list_book(d, j, DOC_DOMAIN, after);
}

static int list_datasets(struct decider *d, struct jw *j, const char *after, struct err *e)
{
	(void)e;
	return list_book(d, j, DOC_DATASET, after);
}

static int list_vendors(struct decider *d, struct jw *j, const char *after, struct err *e)
{
	(void)e;
	return list_book(d, j, DOC_VENDOR, after);
}

static int list_landmarks(struct decider *d, struct jw *j, const char *after, struct err *e)
{
	(void)e;
	return list_book(d, j, DOC_LANDMARK, after);
}

/* The names in a text where each is followed by a space. */
static void put_names(struct jw *j, const char *key, struct view names)
{
	jw_arr(j, key);
	while (names.n > 0) {
		const uint8_t *end = memchr(names.p, ' ', names.n);
		size_t n = end ? (size_t)(end - names.p) : names.n;
		jw_text(j, NULL, VIEW(names.p, n));
		n += end ? 1 : 0;
		names = VIEW(names.p + n, names.n - n);
	}
	jw_end_arr(j);
}

/* What is left of the leases of a revoked machine: nothing since its receipt, or what their deadlines bound. */
static void put_leases(struct jw *j, int64_t until, int64_t ended_case)
{
	jw_obj(j, "leases");
	if (ended_case > 0)
		jw_int(j, "ended_case", ended_case);
	else if (until > 0)
		jw_int(j, "until", until);
	jw_end_obj(j);
}

/* Columns of SQL_MACHINE_LIST. */
static void put_cloudlet(struct jw *j, sqlite3_stmt *st)
{
	bool revoked = sqlite3_column_int(st, 2) != 0, enrolled = sqlite3_column_type(st, 3) != SQLITE_NULL;

	jw_obj(j, NULL);
	jw_text(j, "name", store_view(st, 0));
	jw_str(j, "state", revoked ? "revoked" : enrolled ? "admitted" : "pending");
	jw_int(j, "version", sqlite3_column_int64(st, 1));
	jw_int(j, "generation", sqlite3_column_int64(st, 3));
	jw_int(j, "last_case", sqlite3_column_int64(st, 4));
	jw_int(j, "last_time", sqlite3_column_int64(st, 5));
	jw_text(j, "status", store_view(st, 6));
	put_names(j, "domains", revoked ? VIEW(NULL, 0) : store_view(st, 7));
	if (revoked)
		put_leases(j, sqlite3_column_int64(st, 8), sqlite3_column_int64(st, 9));
	jw_end_obj(j);
}

static void put_ek(struct jw *j, sqlite3_stmt *st)
{
	jw_obj(j, NULL);
	jw_text(j, "name", store_view(st, 0));
	jw_int(j, "version", sqlite3_column_int64(st, 1));
	jw_hex(j, "digest", store_view(st, 3));
	jw_int(j, "issued", sqlite3_column_int64(st, 2));
	jw_hex(j, "ek_sha256", store_view(st, 4));
	jw_end_obj(j);
}

static int list_rows(struct decider *d, struct jw *j, enum store_sql id, const char *after,
        void (*put)(struct jw *j, sqlite3_stmt *st), struct err *e)
{
	sqlite3_stmt *st = store_use(&d->store, id);
	char last[NAME_CAP] = "";
	int got;

	store_text(&d->store, st, 1, after);
	while ((got = store_step(&d->store, st, e)) == 1 && page_left(j)) {
		put(j, st);
		if (!store_get_text(st, 0, last, sizeof last))
			got = store_damaged(&d->store, "a name", e);
	}
	sqlite3_reset(st);
	jw_end_arr(j);
	if (got == 1)
		jw_str(j, "more_after", last);
	return got < 0 ? -1 : 0;
}

static int list_cloudlets(struct decider *d, struct jw *j, const char *after, struct err *e)
{
	return list_rows(d, j, SQL_MACHINE_LIST, after, put_cloudlet, e);
}

static int list_eks(struct decider *d, struct jw *j, const char *after, struct err *e)
{
	return list_rows(d, j, SQL_EK_LIST, after, put_ek, e);
}

static const struct listing listings[] = {
        {"fences", list_fences},
        {"references", list_references},
        {"runtimes", list_runtimes},
        {"domains", list_domains},
        {"datasets", list_datasets},
        {"cloudlets", list_cloudlets},
        {"eks", list_eks},
        {"vendors", list_vendors},
        {"landmarks", list_landmarks},
        {"updates", rollout_updates},
        {"rollouts", rollout_machines},
};

/* "fences", or "fences/geoa" for what comes after that name. */
static int answer_list(struct decider *d, struct jw *j, const char *arg, struct err *e)
{
	const char *slash = strchr(arg, '/');
	size_t n = slash ? (size_t)(slash - arg) : strlen(arg);

	for (size_t i = 0; i < COUNT(listings); i++) {
		if (strlen(listings[i].what) != n || strncmp(listings[i].what, arg, n) != 0)
			continue;
		jw_str(j, "what", listings[i].what);
		jw_int(j, "issued", d->now);
		jw_arr(j, "items");
		return listings[i].items(d, j, slash ? slash + 1 : "", e);
	}
	err_set(e, WHY_UNKNOWN, "there is no list of that name");
	return err_hint(
	        e, "fences, references, runtimes, domains, datasets, cloudlets, eks, vendors, updates or rollouts");
}

static int answer_document(struct decider *d, struct jw *j, const char *arg, struct err *e)
{
	char kind[16], what[2 * NAME_CAP];
	const char *slash = strchr(arg, '/');
	size_t n = slash ? (size_t)(slash - arg) : sizeof kind;
	struct shelved doc;

	if (n >= sizeof kind)
		return err_set(e, WHY_UNKNOWN, "a document is asked for by its kind and its name");
	memcpy(kind, arg, n);
	kind[n] = 0;
	if (doc_kind_parse(kind) == DOC_KINDS)
		return err_set(e, WHY_UNKNOWN, "there are no documents of kind %s", kind);
	int got = shelf_get(&d->store, doc_kind_parse(kind), slash + 1, &doc, e);
	if (got <= 0)
		return got < 0 ? -1 : err_set(e, WHY_UNKNOWN, "there is no %s %s", kind, slash + 1);
	struct wr w = wr_to(what, sizeof what);
	wr_fmt(&w, "document/%s/%s", kind, slash + 1);
	jw_text(j, "what", wr_done(&w));
	jw_int(j, "issued", d->now);
	jw_text(j, "document", doc.jws);
	return 0;
}

/* A case number: decimal digits without a leading zero. */
static bool number(const char *s, uint64_t *out)
{
	uint64_t v = 0;
	size_t n = strlen(s);

	if (n == 0 || n > 18 || s[0] == '0')
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(s[i] - '0');
	}
	*out = v;
	return true;
}

struct found {
	uint64_t case_no;
	struct view record;
	uint8_t previous[SHA_LEN], hash[SHA_LEN];
};

static int find_case(struct decider *d, const char *arg, struct found *out, struct err *e)
{
	int got = 0;

	if (number(arg, &out->case_no))
		got = audit_get(&d->store, out->case_no, &out->record, out->previous, out->hash, e);
	if (got < 0)
		return -1;
	if (got == 1)
		return 0;
	err_set(e, WHY_UNKNOWN, "there is no case %s", arg);
	return err_hint(e, "the last one is %" PRIu64, d->head.case_no);
}

static int answer_explain(struct decider *d, struct jw *j, const char *arg, struct err *e)
{
	char what[NAME_CAP];
	struct wr w = wr_to(what, sizeof what);
	struct found c;

	if (find_case(d, arg, &c, e))
		return -1;
	wr_fmt(&w, "explain/%" PRIu64, c.case_no);
	jw_text(j, "what", wr_done(&w));
	jw_int(j, "issued", d->now);
	jw_raw(j, "record", c.record);
	return 0;
}

static int answer_report(struct decider *d, struct jw *j, const char *arg, struct err *e)
{
	struct found c;

	if (find_case(d, arg, &c, e))
		return -1;
	jw_str(j, "format", "merestone-report/1");
	jw_int(j, "case", (int64_t)c.case_no);
	jw_int(j, "issued", d->now);
	jw_b64(j, "record", c.record);
	jw_hex(j, "previous", VIEW_OF(c.previous));
	jw_hex(j, "leaf", VIEW_OF(c.hash));
	jw_obj(j, "head");
	jw_int(j, "case", (int64_t)d->head.case_no);
	jw_hex(j, "hash", VIEW_OF(d->head.hash));
	jw_end_obj(j);
	return 0;
}

/* "VARIANT/MACHINE", the machine being the one that asks. */
static int answer_update(struct decider *d, struct jw *j, const char *arg, struct err *e)
{
	const char *slash = strrchr(arg, '/');
	char variant[NAME_CAP];

	if (!slash || !name_get(variant, VIEW(arg, (size_t)(slash - arg))) || !name_ok(slash + 1))
		return err_set(e, WHY_MALFORMED, "an update is asked for by the variant of an image");
	return rollout_answer(d, j, variant, slash + 1, e);
}

static const struct question {
	const char *prefix, *typ;
	int (*answer)(struct decider *d, struct jw *j, const char *arg, struct err *e);
} questions[] = {
        {"list/", TYP_LISTING, answer_list},
        {"document/", TYP_LISTING, answer_document},
        {"explain/", TYP_LISTING, answer_explain},
        {"report/", TYP_REPORT, answer_report},
        {"update/", TYP_LISTING, answer_update},
};

static int answer(struct decider *d, const struct question *q, const char *arg, struct verdict *v, struct err *e)
{
	struct wr w = wr_to(d->body, sizeof d->body);
	struct jw j = jw_to(&w);

	jw_obj(&j, NULL);
	if (q->answer(d, &j, arg, e))
		return -1;
	jw_end_obj(&j);
	if (!wr_ok(&w))
		return err_set(
		        e, WHY_REFUSED, "the answer is longer than the %zu bytes that one answer carries", w.cap);
	v->kind = VERDICT_SIGNED;
	memcpy(v->typ, q->typ, strlen(q->typ) + 1);
	v->body = wr_done(&w);
	return 0;
}

int query_answer(struct decider *d, const struct facts *f, struct verdict *v, struct err *e)
{
	static const char update[] = "update/";
	char text[5 * NAME_CAP];
	struct wr w = wr_to(text, sizeof text - 1);
	bool machine = f->role == ROLE_CLOUDLET;
	bool about_update = f->text.n > strlen(update) && memcmp(f->text.p, update, strlen(update)) == 0;

	if (machine != about_update || f->role == ROLE_NONE)
		return err_set(e, WHY_REFUSED,
		        "only people with a role may read: officer, operator or auditor; machines ask for updates");
	if (f->text.n >= 3 * NAME_CAP)
		return err_set(e, WHY_MALFORMED, "the question is longer than %d bytes", 3 * NAME_CAP - 1);
	wr_view(&w, f->text);
	if (machine)
		wr_fmt(&w, "/%s", f->peer);
	text[w.n] = 0;
	for (size_t i = 0; i < COUNT(questions); i++) {
		size_t n = strlen(questions[i].prefix);
		if (strncmp(text, questions[i].prefix, n) == 0)
			return answer(d, &questions[i], text + n, v, e);
	}
	return err_set(e, WHY_UNKNOWN, "nobody can answer that question");
}
