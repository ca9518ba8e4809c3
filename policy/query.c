/* Reading: a document, a record, a report, or a listing (listing.c). The keeper signs what leaves here. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "policy/decider.h"

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
        {"list/", TYP_LISTING, listing_answer},
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
