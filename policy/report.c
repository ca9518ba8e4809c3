/* A report is checked with the authority's key and nothing else: no network, no store. merestone-report(5) */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/b64.h"
#include "base/hex.h"
#include "base/json.h"
#include "policy/policy.h"

enum { REPORT_MAX = 2 * RECORD_MAX };

struct report {
	int64_t case_no, issued, head_case;
	uint8_t previous[SHA_LEN], leaf[SHA_LEN], head[SHA_LEN];
	struct view record;
};

static int parse_head(const json_t *j, struct report *r, struct err *e)
{
	static const char *const members[] = {"case", "hash", NULL};
	const json_t *head = json_object_get(j, "head");

	if (!json_is_object(head))
		return err_set(e, WHY_MALFORMED, "head: expected an object");
	if (json_only(head, members, e) || json_get_int(head, "case", 1, INT64_MAX, &r->head_case, e) ||
	        json_get_hex(head, "hash", r->head, SHA_LEN, e))
		return err_in(e, "head");
	return 0;
}

static int parse_report(const json_t *j, struct report *r, uint8_t *record, struct err *e)
{
	static const char *const members[] = {"format", "case", "issued", "record", "previous", "leaf", "head", NULL};
	const char *format;
	size_t n;

	if (json_only(j, members, e) || json_get_str(j, "format", &format, e))
		return -1;
	if (strcmp(format, "merestone-report/1") != 0)
		return err_set(e, WHY_MALFORMED, "format: this program reads merestone-report/1");
	if (json_get_int(j, "case", 1, INT64_MAX, &r->case_no, e) ||
	        json_get_int(j, "issued", 0, INT64_MAX, &r->issued, e) ||
	        json_get_b64(j, "record", record, RECORD_MAX, &n, e) ||
	        json_get_hex(j, "previous", r->previous, SHA_LEN, e) || json_get_hex(j, "leaf", r->leaf, SHA_LEN, e))
		return -1;
	r->record = VIEW(record, n);
	return parse_head(j, r, e);
}

/* leaf = H(previous || H(record)); the first case follows 32 zero bytes, the last one is the head. */
static int check_links(const struct report *r, struct err *e)
{
	static const uint8_t zero[SHA_LEN];
	uint8_t digest[SHA_LEN], leaf[SHA_LEN];

	sha256(digest, r->record);
	sha256_2(leaf, VIEW_OF(r->previous), VIEW_OF(digest));
	if (memcmp(leaf, r->leaf, SHA_LEN) != 0)
		return err_set(e, WHY_FORGED, "the record does not hash to the leaf that the report shows");
	if (r->case_no == 1 && memcmp(r->previous, zero, SHA_LEN) != 0)
		return err_set(e, WHY_FORGED, "the first case claims to follow another");
	if (r->head_case < r->case_no || (r->head_case == r->case_no && memcmp(r->head, r->leaf, SHA_LEN) != 0))
		return err_set(e, WHY_FORGED, "the head of the log does not agree with case %" PRId64, r->case_no);
	return 0;
}

static void line(struct wr *w, const char *name, const char *text)
{
	wr_fmt(w, "%-10s", name);
	for (; *text; text++) /* the text may be hostile: no control character reaches a terminal */
		wr_u8(w, (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : (uint8_t)*text);
	wr_u8(w, '\n');
}

static void line_of(struct wr *w, const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	if (s && *s)
		line(w, key, s);
}

static void line_time(struct wr *w, const char *name, int64_t t)
{
	char text[32] = "?";
	time_t when = (time_t)t;
	struct tm tm;

	if (gmtime_r(&when, &tm))
		strftime(text, sizeof text, "%Y-%m-%d %H:%M:%SZ", &tm);
	line(w, name, text);
}

static void put_domain(struct wr *w, const char *name, const json_t *submod)
{
	const json_t *decision = json_object_get(submod, "merestone_decision");
	const char *status = json_string_value(json_object_get(submod, "ear_status"));

	wr_fmt(w, "%-10s%s  %s\n", "domain", name, status ? status : "?");
	if (!decision)
		return;
	line(w, "", json_is_true(json_object_get(decision, "allow")) ? "allowed" : "denied");
	line_of(w, decision, "sentence");
}

static void put_event(struct wr *w, const json_t *event)
{
	const char *what = json_text(event, "event"), *domain = json_text(event, "domain"),
	           *fence = json_text(event, "fence");

	/* A report may be of an authority that is not ours: only what is a name goes to a terminal. */
	if (name_ok(what) && name_ok(domain) && name_ok(fence))
		wr_fmt(w, "%-10s%s  fence %s, domain %s\n", "event", what, fence, domain);
}

static void put_document(struct wr *w, const json_t *doc)
{
	const char *kind = json_string_value(json_object_get(doc, "kind")), *name;

	name = json_string_value(json_object_get(doc, "name"));
	if (kind && name && name_ok(kind) && name_ok(name))
		wr_fmt(w, "%-10s%s %s version %" JSON_INTEGER_FORMAT "\n", "document", kind, name,
		        json_integer_value(json_object_get(doc, "version")));
	line_of(w, doc, "digest");
}

static void put_record(struct wr *w, const json_t *record)
{
	static const char *const keys[] = {"kind", "machine", "peer", "role", "outcome", "sentence", "hint"};
	const json_t *submods = json_object_get(json_object_get(record, "ear"), "submods"), *submod;
	const json_t *doc = json_object_get(record, "document");
	const json_t *event;
	const char *name;
	size_t i;

	for (i = 0; i < COUNT(keys); i++)
		line_of(w, record, keys[i]);
	if (strcmp(json_string_value(json_object_get(record, "reason")), "none") != 0)
		line_of(w, record, "reason");
	json_object_foreach((json_t *)(uintptr_t)submods, name, submod) if (name_ok(name)) put_domain(w, name, submod);
	json_array_foreach(json_object_get(record, "events"), i, event)
	{
		put_event(w, event);
	}
	if (doc)
		put_document(w, doc);
}

/* The signed bytes are the authority's; they must still say of themselves what the report says of them. */
static int check_record(const struct report *r, struct wr *out, struct err *e)
{
	AUTO(json_free) json_t *record = json_read(r->record, RECORD_MAX, e);
	char hex[2 * SHA_LEN + 1];
	const char *reason;
	int64_t case_no, when;

	if (!record || json_get_int(record, "case", 1, INT64_MAX, &case_no, e) ||
	        json_get_int(record, "time", 0, INT64_MAX, &when, e) || json_get_str(record, "reason", &reason, e))
		return err_in(e, "record");
	if (case_no != r->case_no)
		return err_set(e, WHY_FORGED, "the record is of case %" PRId64 ", the report of case %" PRId64, case_no,
		        r->case_no);
	wr_fmt(out, "%-10s%" PRId64 "\n", "case", case_no);
	line_time(out, "time", when);
	put_record(out, record);
	line(out, "leaf", hex_put(hex, r->leaf, SHA_LEN));
	wr_fmt(out, "%-10scase %" PRId64 "\n", "log until", r->head_case);
	line_time(out, "issued", r->issued);
	return wr_ok(out) ? 0 : err_set(e, WHY_SYSTEM, "the text does not fit in %zu bytes", out->cap);
}

int report_verify(struct view file, const struct es256 *authority, struct wr *out, struct err *e)
{
	AUTO(mem_free) char *payload = malloc(REPORT_MAX), *record = malloc(RECORD_MAX);
	struct wr w = *out;
	struct report r;
	struct jws jws;

	if (!payload || !record)
		return err_sys(e, "no memory for a report");
	if (jws_flat_parse(file, TYP_REPORT, payload, REPORT_MAX, &jws, e))
		return -1;
	if (jws_verify(&jws, authority, e)) {
		e->why = WHY_FORGED; /* another key is no better than a broken signature */
		return err_in(e, "report");
	}
	AUTO(json_free) json_t *j = json_read(jws.payload, REPORT_MAX, e);
	if (!j || parse_report(j, &r, (uint8_t *)record, e) || check_links(&r, e) || check_record(&r, &w, e))
		return err_in(e, "report");
	*out = w;
	return 0;
}
