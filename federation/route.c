/* Every way in, on one page. Who may use it, what it may carry, and who answers. */
#include <string.h>

#include "base/hex.h"
#include "federation/federation.h"

#define ROLE(r) (1u << (r))
#define ANYONE  (ROLE(ROLE_NONE) | ROLE(ROLE_CLOUDLET) | ROLE(ROLE_OFFICER) | ROLE(ROLE_OPERATOR) | ROLE(ROLE_AUDITOR))
#define PEOPLE  (ROLE(ROLE_OFFICER) | ROLE(ROLE_OPERATOR) | ROLE(ROLE_AUDITOR))
#define MACHINE ROLE(ROLE_CLOUDLET)
#define OFFICER ROLE(ROLE_OFFICER)
#define OCTETS  "application/octet-stream"
#define JOSE    "application/jose"

static const struct route table[] = {
        {METHOD_POST, "/v1/enrol", ANYONE, OCTETS, EVIDENCE_MAX, DOES_ASK, ASK_ENROL},
        {METHOD_POST, "/v1/activate", ANYONE, OCTETS, EVIDENCE_MAX, DOES_ASK, ASK_ACTIVATE},
        {METHOD_POST, "/v1/attest", MACHINE, OCTETS, EVIDENCE_MAX, DOES_ASK, ASK_ATTEST},
        {METHOD_POST, "/v1/documents", OFFICER, JOSE, DOCUMENT_MAX, DOES_ASK, ASK_DOCUMENT},
        {METHOD_GET, "/v1/list/{what}", PEOPLE, NULL, 0, DOES_ASK, ASK_QUERY},
        {METHOD_GET, "/v1/list/{what}/{name}", PEOPLE, NULL, 0, DOES_ASK, ASK_QUERY}, /* what comes after a name */
        {METHOD_GET, "/v1/report/{case}", PEOPLE, NULL, 0, DOES_ASK, ASK_QUERY},
        {METHOD_GET, "/v1/explain/{case}", PEOPLE, NULL, 0, DOES_ASK, ASK_QUERY},
        {METHOD_GET, "/v1/document/{kind}/{name}", PEOPLE, NULL, 0, DOES_ASK, ASK_QUERY},
        {METHOD_PUT, "/v1/blobs/{name}", MACHINE, OCTETS, BLOB_PART_MAX, DOES_BLOB_PUT, 0},
        {METHOD_GET, "/v1/blobs/{name}", MACHINE, NULL, 0, DOES_BLOB_GET, 0},
        {METHOD_GET, "/v1/update/{name}", MACHINE, NULL, 0, DOES_ASK, ASK_QUERY}, /* what it may take now */
        {METHOD_PUT, "/v1/updates/{name}", OFFICER, OCTETS, BLOB_PART_MAX, DOES_UPDATE_PUT, 0},
        {METHOD_GET, "/v1/updates/{name}", MACHINE | PEOPLE, NULL, 0, DOES_UPDATE_GET, 0},
        {METHOD_GET, "/v1/health", ANYONE, NULL, 0, DOES_HEALTH, 0},
};

static const char *const lists[] = {"fences", "references", "runtimes", "domains", "datasets", "cloudlets", "eks",
        "vendors", "landmarks", "updates", "rollouts", NULL};
static const char *const kinds[] = {
        "fence", "reference", "runtime", "domain", "dataset", "cloudlet", "ek", "vendor", "landmark", "update", NULL};

const struct route *route_at(size_t i)
{
	return i < COUNT(table) ? &table[i] : NULL;
}

bool route_public(const struct route *r)
{
	return (r->roles & ROLE(ROLE_NONE)) != 0;
}

enum method route_method(struct view name)
{
	if (view_is(name, "GET"))
		return METHOD_GET;
	if (view_is(name, "POST"))
		return METHOD_POST;
	return view_is(name, "PUT") ? METHOD_PUT : METHOD_OTHER;
}

/* The part of v in front of the first c; v keeps what is behind it, or nothing. *found says whether there was one. */
static struct view cut(struct view *v, char c, bool *found)
{
	const uint8_t *at = v->n ? memchr(v->p, c, v->n) : NULL;
	size_t n = at ? (size_t)(at - v->p) : v->n;
	struct view head = VIEW(v->p, n);

	*found = at != NULL;
	*v = at ? VIEW(at + 1, v->n - n - 1) : VIEW(v->p + n, 0);
	return head;
}

static bool one_of(struct view v, const char *const words[])
{
	for (; *words; words++)
		if (view_is(v, *words))
			return true;
	return false;
}

/* Decimal, no sign, no leading zero, at most 2^63 - 1: what SQLite and JSON numbers of the authority can hold. */
static bool number(struct view v, uint64_t *out)
{
	uint64_t n = 0;

	if (v.n == 0 || v.n > 19 || (v.n > 1 && v.p[0] == '0'))
		return false;
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(v.p[i] - '0');
	}
	if (n > INT64_MAX)
		return false;
	*out = n;
	return true;
}

/* Literal segments are equal and each {slot} has something to hold. */
static bool has_shape(const struct route *r, struct view path)
{
	struct view pattern = VIEW(r->pattern, strlen(r->pattern));
	bool more = true, more_path = true;

	while (more && more_path) {
		struct view want = cut(&pattern, '/', &more), have = cut(&path, '/', &more_path);
		bool slot = want.n > 0 && want.p[0] == '{';
		if (slot ? have.n == 0 : !view_equal(want, have))
			return false;
	}
	return more == more_path;
}

static bool slot_holds(struct view slot, struct view v, struct route_args *args)
{
	uint64_t number_of_case;

	if (view_is(slot, "{what}"))
		return one_of(v, lists);
	if (view_is(slot, "{kind}"))
		return one_of(v, kinds);
	if (view_is(slot, "{case}"))
		return number(v, &number_of_case) && number_of_case > 0;
	return name_get(args->name, v);
}

static int fill_slots(const struct route *r, struct view path, struct route_args *args, struct err *e)
{
	struct view pattern = VIEW(r->pattern, strlen(r->pattern));
	bool more = true, ignored;

	args->query = VIEW(path.p + strlen("/v1/"), path.n - strlen("/v1/"));
	while (more) {
		struct view slot = cut(&pattern, '/', &more), v = cut(&path, '/', &ignored);
		if (slot.n == 0 || slot.p[0] != '{' || slot_holds(slot, v, args))
			continue;
		bool word = view_is(slot, "{what}") || view_is(slot, "{kind}");
		return err_set(e, word ? WHY_UNKNOWN : WHY_MALFORMED, "in %s there is no such %.*s", r->pattern,
		        (int)slot.n - 2, (const char *)slot.p + 1);
	}
	return 0;
}

static bool hex_view(void *out, size_t n, struct view v)
{
	char text[2 * SHA_LEN + 1] = "";

	if (v.n != 2 * n || v.n >= sizeof text)
		return false;
	memcpy(text, v.p, v.n);
	return hex_get(out, n, text) == 0;
}

/* One key=value of a blob's query. Nothing is percent-decoded: no value of ours needs it. */
static bool parameter(struct view key, struct view v, bool put, struct route_args *a)
{
	uint8_t id[8];

	if (view_is(key, "offset") && !a->has_offset)
		return a->has_offset = number(v, &a->offset);
	if (put && view_is(key, "upload") && !a->upload[0] && hex_view(id, sizeof id, v))
		return hex_put(a->upload, id, sizeof id) != NULL;
	if (put && view_is(key, "last") && !a->last)
		return a->last = view_is(v, "1");
	if (put && view_is(key, "sha256") && !a->has_sha256)
		return a->has_sha256 = hex_view(a->sha256, SHA_LEN, v);
	return false;
}

static int parameters(const struct route *r, struct view query, bool asked, struct route_args *args, struct err *e)
{
	bool put = r->does == DOES_BLOB_PUT || r->does == DOES_UPDATE_PUT;
	bool blob = put || r->does == DOES_BLOB_GET || r->does == DOES_UPDATE_GET;

	for (bool more = asked, has_value; more;) {
		struct view pair = cut(&query, '&', &more), key = cut(&pair, '=', &has_value);
		if (!blob || !has_value || !parameter(key, pair, put, args))
			return err_set(e, WHY_MALFORMED, "the query of %s is not one of those it takes", r->pattern);
	}
	if (put && (!args->upload[0] || !args->has_offset || args->last != args->has_sha256))
		return err_set(
		        e, WHY_MALFORMED, "an upload needs upload and offset, and its last part last=1 and sha256");
	return 0;
}

static const struct route *lookup(enum method m, struct view path, const struct route **shape)
{
	*shape = NULL;
	for (size_t i = 0; i < COUNT(table); i++) {
		if (!has_shape(&table[i], path))
			continue;
		*shape = &table[i];
		if (table[i].method == m)
			return &table[i];
	}
	return NULL;
}

const struct route *route_peek(enum method m, struct view target)
{
	const struct route *shape;
	bool asked;

	return lookup(m, cut(&target, '?', &asked), &shape);
}

static int refuse(int status, enum why why, struct err *e, const char *sentence)
{
	err_set(e, why, "%s", sentence);
	return status;
}

int route_find(enum method m, struct view target, const struct route **out, struct route_args *args, struct err *e)
{
	const struct route *shape;
	struct route_args a = {0};
	bool asked;

	if (target.n > TARGET_MAX)
		return refuse(400, WHY_MALFORMED, e, "the request's path and query are too long");
	struct view path = cut(&target, '?', &asked);
	const struct route *r = lookup(m, path, &shape);
	if (!r && shape)
		return refuse(405, WHY_MALFORMED, e, "this route has no such method");
	if (!r)
		return refuse(404, WHY_UNKNOWN, e, "there is no such route");
	if (fill_slots(r, path, &a, e) != 0 || parameters(r, target, asked, &a, e) != 0)
		return why_http(e->why);
	*out = r;
	*args = a;
	return 0;
}
