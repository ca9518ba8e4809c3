/* What the authority believes, listed: the documents of a kind, the machines, the updates. */
#include <string.h>

#include "base/json.h"
#include "policy/decider.h"

enum { ITEM_MAX = 8 * 1024 }; /* the longest item, a cloudlet that 64 domains allow, has 5 KB */

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
static void list_book(const struct decider *d, struct jw *j, enum doc_kind kind, const char *after)
{
	for (uint32_t i = 0; i < d->book.n[kind]; i++)
		if (strcmp(d->book.doc[kind][i]->name, after) > 0)
			put_document(j, d->book.doc[kind][i]);
	jw_end_arr(j);
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

static const struct listing {
	const char *what;
	enum doc_kind book; /* of which kind, where items is not there */
	int (*items)(struct decider *d, struct jw *j, const char *after, struct err *e);
} listings[] = {
        {"fences", DOC_FENCE, NULL},
        {"references", DOC_REFERENCE, NULL},
        {"runtimes", DOC_RUNTIME, NULL},
        {"domains", DOC_DOMAIN, NULL},
        {"datasets", DOC_DATASET, NULL},
        {"vendors", DOC_VENDOR, NULL},
        {"landmarks", DOC_LANDMARK, NULL},
        {"cloudlets", DOC_KINDS, list_cloudlets},
        {"eks", DOC_KINDS, list_eks},
        {"updates", DOC_KINDS, rollout_updates},
        {"rollouts", DOC_KINDS, rollout_machines},
};

static const struct listing *find(const char *what, size_t n)
{
	for (size_t i = 0; i < COUNT(listings); i++)
		if (strlen(listings[i].what) == n && strncmp(listings[i].what, what, n) == 0)
			return &listings[i];
	return NULL;
}

int listing_answer(struct decider *d, struct jw *j, const char *arg, struct err *e)
{
	const char *slash = strchr(arg, '/'), *after = slash ? slash + 1 : "";
	const struct listing *l = find(arg, slash ? (size_t)(slash - arg) : strlen(arg));

	if (!l) {
		err_set(e, WHY_UNKNOWN, "there is no list of that name");
		return err_hint(e, "fences, references, runtimes, domains, datasets, cloudlets, eks, vendors, "
		                   "landmarks, updates or rollouts");
	}
	jw_str(j, "what", l->what);
	jw_int(j, "issued", d->now);
	jw_arr(j, "items");
	if (l->items)
		return l->items(d, j, after, e);
	list_book(d, j, l->book, after);
	return 0;
}
