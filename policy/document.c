#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "policy/policy.h"

enum { VERSION_MAX = INT32_MAX };

static const char *const kinds[DOC_KINDS] = {
        [DOC_FENCE] = "fence",
        [DOC_REFERENCE] = "reference",
        [DOC_DOMAIN] = "domain",
        [DOC_DATASET] = "dataset",
        [DOC_CLOUDLET] = "cloudlet",
        [DOC_EK] = "ek",
        [DOC_RUNTIME] = "runtime",
        [DOC_VENDOR] = "vendor",
        [DOC_UPDATE] = "update",
        [DOC_LANDMARK] = "landmark",
};

const char *doc_kind_name(enum doc_kind k)
{
	return k >= DOC_FENCE && k < DOC_KINDS ? kinds[k] : "unknown";
}

enum doc_kind doc_kind_parse(const char *s)
{
	for (unsigned k = DOC_FENCE; k < DOC_KINDS; k++)
		if (strcmp(kinds[k], s) == 0)
			return (enum doc_kind)k;
	return DOC_KINDS;
}

/* A name out of an array, which must not be there already. */
static int take_name(const json_t *list, size_t i, char (*names)[NAME_CAP], struct err *e)
{
	const char *s = json_string_value(json_array_get(list, i));

	if (!s || !name_get(names[i], VIEW(s, strlen(s))))
		return err_set(
		        e, WHY_MALFORMED, "entry %zu: expected a name (letters, digits and dashes, at most 63)", i + 1);
	for (size_t k = 0; k < i; k++)
		if (strcmp(names[k], names[i]) == 0)
			return err_set(e, WHY_MALFORMED, "%s stands there twice", names[i]);
	return 0;
}

static int take_names(const json_t *list, size_t max, char (*names)[NAME_CAP], uint32_t *n, struct err *e)
{
	size_t count = json_array_size(list);

	if (!json_is_array(list) || count == 0 || count > max)
		return err_set(e, WHY_MALFORMED, "expected an array of 1 to %zu names", max);
	for (size_t i = 0; i < count; i++)
		if (take_name(list, i, names, e))
			return -1;
	*n = (uint32_t)count;
	return 0;
}

/* Left out: every admitted cloudlet. An empty array would look like "nobody" and is refused. */
static int take_members(const json_t *body, struct doc_domain *d, struct err *e)
{
	const json_t *list = json_object_get(body, "members");

	if (!list)
		return 0;
	d->members = calloc(MEMBERS_MAX, sizeof d->members[0]);
	if (!d->members)
		return err_sys(e, "no memory for the members of a domain");
	if (take_names(list, MEMBERS_MAX, d->members, &d->nmembers, e))
		return err_in(e, "members");
	return 0;
}

/* Left out: what runs is not asked. An empty array would look like "nothing may run" and is refused. */
static int take_runtimes(const json_t *body, struct doc_domain *d, struct err *e)
{
	const json_t *list = json_object_get(body, "runtimes");

	if (!list)
		return 0;
	d->runtimes = calloc(RUNTIMES_MAX, sizeof d->runtimes[0]);
	if (!d->runtimes)
		return err_sys(e, "no memory for the runtime sets of a domain");
	if (take_names(list, RUNTIMES_MAX, d->runtimes, &d->nruntimes, e))
		return err_in(e, "runtimes");
	return 0;
}

/* Left out, each has a value that says so in merestone-document(5). */
static int take_measures(const json_t *body, struct doc_domain *d, struct err *e)
{
	int64_t dwell_s = 0, landmarks = 3;

	d->gnss_k = 2;
	if (json_object_get(body, "gnss_k") && json_get_num(body, "gnss_k", GNSS_K_MIN, GNSS_K_MAX, &d->gnss_k, e))
		return -1;
	if (json_object_get(body, "dwell_s") && json_get_int(body, "dwell_s", 1, DWELL_S_MAX, &dwell_s, e))
		return -1;
	if (json_object_get(body, "landmarks") && json_get_int(body, "landmarks", 1, LANDMARKS_MAX, &landmarks, e))
		return -1;
	d->bound_m = 1e6;
	if (json_object_get(body, "bound_m") && json_get_num(body, "bound_m", 1, FIX_UNCERTAINTY_MAX_M, &d->bound_m, e))
		return -1;
	d->dwell_s = (uint32_t)dwell_s;
	d->landmarks = (uint32_t)landmarks;
	return 0;
}

static int parse_domain(const json_t *body, struct document *out, struct err *e)
{
	static const char *const members[] = {"fence", "references", "lease_s", "location_level", "gnss_k", "dwell_s",
	        "landmarks", "bound_m", "members", "runtimes", NULL};
	struct doc_domain *d = &out->domain;
	int64_t lease_s, level;

	if (json_only(body, members, e) || json_get_name(body, "fence", d->fence, e) ||
	        json_get_int(body, "lease_s", LEASE_S_MIN, LEASE_S_MAX, &lease_s, e) ||
	        json_get_int(body, "location_level", LOCATION_DECLARED, LOCATION_LEVELS - 1, &level, e) ||
	        take_measures(body, d, e))
		return -1;
	/* No reference never means "no check" (A64), so there must be one. */
	if (take_names(json_object_get(body, "references"), REFERENCES_MAX, d->references, &d->nreferences, e))
		return err_in(e, "references");
	d->lease_s = (uint32_t)lease_s;
	d->location_level = (uint32_t)level;
	return take_members(body, d, e) || take_runtimes(body, d, e) ? -1 : 0;
}

static int parse_dataset(const json_t *body, struct document *out, struct err *e)
{
	static const char *const members[] = {"domain", "epoch", NULL};
	int64_t epoch;

	if (json_only(body, members, e) || json_get_name(body, "domain", out->dataset.domain, e) ||
	        json_get_int(body, "epoch", 1, UINT32_MAX, &epoch, e))
		return -1;
	out->dataset.epoch = (uint32_t)epoch;
	return 0;
}

static int parse_cloudlet(const json_t *body, struct document *out, struct err *e)
{
	static const char *const members[] = {"state", "ek_sha256", "reason", NULL};
	struct doc_cloudlet *c = &out->cloudlet;
	const char *state, *reason = "";

	if (json_only(body, members, e) || json_get_str(body, "state", &state, e))
		return -1;
	c->revoked = strcmp(state, "revoked") == 0;
	if (!c->revoked && strcmp(state, "admitted") != 0)
		return err_set(e, WHY_MALFORMED, "state: expected \"admitted\" or \"revoked\"");
	c->has_ek = json_object_get(body, "ek_sha256") != NULL;
	if (c->has_ek && json_get_hex(body, "ek_sha256", c->ek_sha256, SHA_LEN, e))
		return -1;
	if (json_object_get(body, "reason") && json_get_str(body, "reason", &reason, e))
		return -1;
	if (strlen(reason) >= sizeof c->reason)
		return err_set(e, WHY_MALFORMED, "reason: longer than %zu bytes", sizeof c->reason - 1);
	memcpy(c->reason, reason, strlen(reason) + 1);
	return 0;
}

static int parse_ek(const json_t *body, struct document *out, struct err *e)
{
	static const char *const members[] = {"ek_sha256", NULL};

	if (json_only(body, members, e))
		return -1;
	return json_get_hex(body, "ek_sha256", out->ek.ek_sha256, SHA_LEN, e);
}

static int parse_vendor(const json_t *body, struct document *out, struct err *e)
{
	static const char *const members[] = {"roots", NULL};
	const char *pem;

	if (json_only(body, members, e) || json_get_str(body, "roots", &pem, e))
		return -1;
	out->vendor = ekroots_read(VIEW(pem, strlen(pem)), e);
	return out->vendor ? 0 : -1;
}

static int parse_landmark(const json_t *body, struct doc_landmark *l, struct err *e)
{
	static const char *const members[] = {"key", "latitude_deg", "longitude_deg", "uncertainty_m", "address", NULL};
	AUTO(es256_free) struct es256 *key = NULL;
	const char *address;

	if (json_only(body, members, e) || json_get_hex(body, "key", l->key, sizeof l->key, e) ||
	        json_get_num(body, "latitude_deg", -90, 90, &l->fix.lat_deg, e) ||
	        json_get_num(body, "longitude_deg", -180, 180, &l->fix.lon_deg, e) ||
	        json_get_num(body, "uncertainty_m", 0, FIX_UNCERTAINTY_MAX_M, &l->fix.uncertainty_m, e) ||
	        json_get_str(body, "address", &address, e))
		return -1;
	if (strlen(address) >= sizeof l->address)
		return err_set(e, WHY_MALFORMED, "address: longer than %zu bytes", sizeof l->address - 1);
	memcpy(l->address, address, strlen(address) + 1);
	key = es256_from_pub(l->key, e);
	return key ? 0 : err_in(e, "key");
}

static int parse_body(const json_t *body, struct document *d, struct err *e)
{
	switch (d->kind) {
	case DOC_FENCE:
		return (d->fence = fence_import(body, e)) ? 0 : -1;
	case DOC_REFERENCE:
		return (d->reference = reference_import(body, e)) ? 0 : -1;
	case DOC_DOMAIN:
		return parse_domain(body, d, e);
	case DOC_DATASET:
		return parse_dataset(body, d, e);
	case DOC_CLOUDLET:
		return parse_cloudlet(body, d, e);
	case DOC_EK:
		return parse_ek(body, d, e);
	case DOC_RUNTIME:
		return (d->runtime = runtime_import(body, e)) ? 0 : -1;
	case DOC_VENDOR:
		return parse_vendor(body, d, e);
	case DOC_UPDATE:
		return docupdate_parse(body, d->name, &d->update, e);
	case DOC_LANDMARK:
		return parse_landmark(body, &d->landmark, e);
	case DOC_KINDS:
		break;
	}
	return err_set(e, WHY_MALFORMED,
	        "kind: expected fence, reference, domain, dataset, cloudlet, ek, runtime, vendor, update or "
	        "landmark");
}

static int parse_head(const json_t *j, struct document *d, struct err *e)
{
	static const char *const members[] = {"kind", "name", "version", "issued", "body", NULL};
	const char *kind;
	int64_t version;

	if (json_only(j, members, e) || json_get_str(j, "kind", &kind, e) || json_get_name(j, "name", d->name, e) ||
	        json_get_int(j, "version", 1, VERSION_MAX, &version, e) ||
	        json_get_int(j, "issued", 0, INT64_C(1) << 53, &d->issued, e))
		return -1;
	d->kind = doc_kind_parse(kind);
	d->version = (uint32_t)version;
	return json_is_object(json_object_get(j, "body")) ? 0 : err_set(e, WHY_MALFORMED, "body: expected an object");
}

int document_parse(struct view payload, struct document *out, struct err *e)
{
	struct document d = {0};
	AUTO(json_free) json_t *j = json_read(payload, DOCUMENT_MAX, e);

	if (!j || parse_head(j, &d, e))
		return err_in(e, "document");
	if (parse_body(json_object_get(j, "body"), &d, e)) {
		document_free(&d);
		return err_in(e, "%s %s version %u", doc_kind_name(d.kind), d.name, d.version);
	}
	*out = d;
	return 0;
}

void document_free(struct document *d)
{
	fence_free(d->fence);
	reference_free(d->reference);
	runtime_free(d->runtime);
	free(d->domain.members);
	free(d->domain.runtimes);
	ekroots_free(d->vendor);
	docupdate_free(&d->update);
	d->vendor = NULL;
	d->fence = NULL;
	d->reference = NULL;
	d->runtime = NULL;
	d->domain.runtimes = NULL;
	d->domain.nruntimes = 0;
	d->domain.members = NULL;
	d->domain.nmembers = 0;
}

int document_sign(struct wr *w, const struct es256 *officer, enum doc_kind kind, const char *name, uint32_t version,
        int64_t issued, struct view body, struct err *e)
{
	AUTO(mem_free) char *text = malloc(DOCUMENT_MAX);
	struct document d;

	if (!text)
		return err_sys(e, "no memory for a document");
	struct wr t = wr_to(text, DOCUMENT_MAX);
	struct jw j = jw_to(&t);
	jw_obj(&j, NULL);
	jw_str(&j, "kind", doc_kind_name(kind));
	jw_str(&j, "name", name);
	jw_int(&j, "version", version);
	jw_int(&j, "issued", issued);
	jw_raw(&j, "body", body);
	jw_end_obj(&j);
	if (!wr_ok(&t))
		return err_set(e, WHY_MALFORMED, "the document is longer than %d bytes", DOCUMENT_MAX);
	/* What the authority would refuse is refused here, where someone can mend it. */
	if (document_parse(wr_done(&t), &d, e))
		return -1;
	document_free(&d);
	return jws_sign(w, officer, TYP_DOCUMENT, wr_done(&t), e);
}
