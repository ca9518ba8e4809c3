/* EAT Attestation Result (draft-ietf-rats-ear-03) with the AR4SI trustworthiness vector, as claims for the keeper to sign. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "policy/decider.h"

enum { /* AR4SI 2.3: values that we use. 0 says nothing */
	NO_CLAIM = 0,
	INSTANCE_TRUSTWORTHY = 2,
	CONFIG_APPROVED = 2,
	CONFIG_UNSAFE = 32,
	CONFIG_UNAVAILABLE = 36,
	CONFIG_UNSUPPORTABLE = 96,
	RUNTIME_APPROVED = 2,
	BOOT_APPROVED = 3,
	EXECUTABLES_UNRECOGNIZED = 33,
	EXECUTABLES_CONTRAINDICATED = 96,
	HARDWARE_GENUINE = 2,
	DATA_GOOD = 2,
	DATA_DOUBTFUL = 32,
	DATA_BAD = 96,
	TIER_WARNING = 32,
	TIER_CONTRAINDICATED = 96,
};

struct vector {
	int instance, configuration, executables, hardware, data;
};

static int configuration_of(bool state_good, enum secure_boot sb)
{
	if (sb == SECURE_BOOT_ON)
		return CONFIG_APPROVED;
	if (sb == SECURE_BOOT_UNKNOWN)
		return CONFIG_UNAVAILABLE;
	return state_good ? CONFIG_UNSAFE : CONFIG_UNSUPPORTABLE; /* off, but an officer approved exactly this state */
}

static int executables_of(const struct decision *d)
{
	if (d && d->state_good && d->ran_why != WHY_NONE)
		return d->ran_why == WHY_UNTRUSTED ? EXECUTABLES_CONTRAINDICATED : EXECUTABLES_UNRECOGNIZED;
	if (d && d->state_good)
		return d->ran_good ? RUNTIME_APPROVED : BOOT_APPROVED;
	/* No reference set there to be matched is another thing than one that did not. */
	return d && d->compared ? EXECUTABLES_CONTRAINDICATED : EXECUTABLES_UNRECOGNIZED;
}

static int data_of(const struct decision *d)
{
	if (!d || !d->placed)
		return NO_CLAIM;
	return d->place.place == PLACE_INSIDE      ? DATA_GOOD
	       : d->place.place == PLACE_AMBIGUOUS ? DATA_DOUBTFUL
	                                           : DATA_BAD;
}

static struct vector vector_of(const struct decision *d, enum secure_boot sb, enum endorsed by)
{
	return (struct vector){.instance = INSTANCE_TRUSTWORTHY,
	        .configuration = configuration_of(d && d->state_good, sb),
	        .executables = executables_of(d),
	        .hardware = by == ENDORSED_BY_CERTIFICATE ? HARDWARE_GENUINE : NO_CLAIM,
	        .data = data_of(d)};
}

static int worst_of(const struct vector *v)
{
	const int all[] = {v->instance, v->configuration, v->executables, v->hardware, v->data};
	int worst = 0;

	for (size_t i = 0; i < COUNT(all); i++)
		if (all[i] > worst)
			worst = all[i];
	return worst;
}

const char *ear_status(const struct decision *d, enum secure_boot sb, enum endorsed by)
{
	struct vector v = vector_of(d, sb, by);
	int worst = worst_of(&v);

	if (worst >= TIER_CONTRAINDICATED || (d && d->refusal.why != WHY_NONE))
		return "contraindicated";
	return worst >= TIER_WARNING ? "warning" : "affirming";
}

static void put_vector(struct jw *j, const struct vector *v)
{
	jw_obj(j, "ear_trustworthiness_vector");
	jw_int(j, "instance-identity", v->instance);
	jw_int(j, "configuration", v->configuration);
	jw_int(j, "executables", v->executables);
	jw_int(j, "hardware", v->hardware);
	jw_int(j, "sourced-data", v->data);
	jw_end_obj(j);
}

static void put_policy(struct jw *j, const struct book *b, enum doc_kind kind, const char *name)
{
	const struct document *d = book_find(b, kind, name);
	char id[NAME_CAP + 32];

	if (!d)
		return;
	snprintf(id, sizeof id, "%s:%s@%u", doc_kind_name(kind), name, d->version);
	jw_str(j, NULL, id);
}

static void put_policies(struct jw *j, const struct book *b, const struct rules *r)
{
	jw_arr(j, "ear_appraisal_policy_ids");
	put_policy(j, b, DOC_DOMAIN, r->name);
	put_policy(j, b, DOC_FENCE, r->domain->fence);
	for (uint32_t i = 0; i < r->domain->nreferences; i++)
		put_policy(j, b, DOC_REFERENCE, r->domain->references[i]);
	for (uint32_t i = 0; i < r->domain->nruntimes; i++)
		put_policy(j, b, DOC_RUNTIME, r->domain->runtimes[i]);
	jw_end_arr(j);
}

/* In the words of CAMARA location verification. */
static void put_sources(struct jw *j, const struct decision *d)
{
	jw_arr(j, "merestone_sources");
	for (unsigned k = 0; k < SOURCES; k++) {
		const struct source *s = &d->source[k];

		if (s->says == SAYS_NOTHING)
			continue;
		jw_obj(j, NULL);
		jw_str(j, "source", source_name((enum source_kind)k));
		jw_str(j, "verdict", source_says_name(s->says));
		if (s->says == SAYS_PARTIAL)
			jw_num(j, "match_rate", s->match_rate);
		jw_end_obj(j);
	}
	jw_end_arr(j);
}

static void put_decision(struct jw *j, const struct decision *d)
{
	jw_obj(j, "merestone_decision");
	jw_bool(j, "allow", d->refusal.why == WHY_NONE);
	jw_str(j, "reason", why_name(d->refusal.why));
	jw_str(j, "sentence", d->refusal.text);
	jw_str(j, "hint", d->refusal.hint);
	jw_end_obj(j);
	put_sources(j, d);
	if (!d->placed)
		return;
	jw_obj(j, "merestone_place");
	jw_str(j, "place", place_name(d->place.place));
	jw_int(j, "level", d->level);
	jw_num(j, "distance_m", d->place.distance_m);
	jw_num(j, "needed_m", d->place.needed_m);
	jw_num(j, "match_rate", d->place.match_rate);
	jw_hex(j, "fence_digest", VIEW_OF(d->place.digest));
	jw_end_obj(j);
}

static void put_submod(struct jw *j, const struct ear *x, const struct rules *r, const struct decision *d)
{
	struct vector v = vector_of(d, x->machine->secure_boot, x->machine->endorsed);

	jw_obj(j, r ? r->name : "machine");
	jw_str(j, "ear_status", ear_status(d, x->machine->secure_boot, x->machine->endorsed));
	put_vector(j, &v);
	if (r) {
		put_policies(j, x->book, r);
		put_decision(j, d);
	}
	jw_end_obj(j);
}

static void put_submods(struct jw *j, const struct ear *x)
{
	const struct appraisal *p = x->appraisal;

	jw_obj(j, "submods");
	for (uint32_t i = 0; i < p->n; i++)
		put_submod(j, x, &p->rules[i], &p->decision[i]);
	if (p->n == 0)
		put_submod(j, x, NULL, NULL);
	jw_end_obj(j);
}

/* Which domain stands between this machine and a dataset, so that the machine can say why it has no lease. */
static void put_denied(struct jw *j, const struct ear *x)
{
	const struct appraisal *p = x->appraisal;

	jw_obj(j, "merestone_datasets");
	for (uint32_t i = 0; i < x->book->n[DOC_DATASET]; i++) {
		const struct document *d = x->book->doc[DOC_DATASET][i];

		for (uint32_t k = 0; k < p->n; k++)
			if (p->decision[k].refusal.why != WHY_NONE && strcmp(p->rules[k].name, d->dataset.domain) == 0)
				jw_str(j, d->name, d->dataset.domain);
	}
	jw_end_obj(j);
}

static void put_registers(struct jw *j, const struct pcrs *pcrs)
{
	char key[16];

	jw_obj(j, "pcrs");
	for (uint32_t pcr = 0; pcr < PCR_COUNT; pcr++) {
		if (!(PCR_MASK & 1u << pcr))
			continue;
		snprintf(key, sizeof key, "%u", pcr);
		jw_hex(j, key, VIEW_OF(pcrs->v[pcr]));
	}
	jw_end_obj(j);
}

static void put_evidence(struct jw *j, const struct ear *x)
{
	const struct quote *q = x->quote;
	struct tpm_pub ak;
	struct err none;

	jw_obj(j, "merestone_evidence");
	jw_hex(j, "ask", VIEW_OF(x->facts->ask_digest));
	jw_hex(j, "quote", VIEW_OF(q->hash));
	jw_hex(j, "eventlog", VIEW_OF(x->machine->eventlog));
	if (tpmpub_parse(public_view(&x->machine->ak), &ak, &none) == 0)
		jw_hex(j, "ak_name", VIEW_OF(ak.name));
	put_registers(j, &x->machine->pcrs);
	jw_int(j, "clock_ms", (int64_t)q->clock.clock_ms);
	jw_int(j, "reset_count", q->clock.reset_count);
	jw_int(j, "restart_count", q->clock.restart_count);
	jw_int(j, "counter", (int64_t)x->machine->leased.counter);
	jw_end_obj(j);
}

/* How far the runtime list is known: where the machine goes on next time. */
static void put_runtime(struct jw *j, const struct ima_state *s)
{
	if (!s)
		return;
	jw_obj(j, "merestone_runtime");
	jw_int(j, "entries", (int64_t)s->run.entries);
	jw_bool(j, "complete", s->complete);
	jw_hex(j, "pcr10", VIEW_OF(s->run.pcr[s->run.banks == IMA_PADDED]));
	jw_end_obj(j);
}

static void put_fix(struct jw *j, const struct fix *x)
{
	jw_num(j, "latitude_deg", x->lat_deg);
	jw_num(j, "longitude_deg", x->lon_deg);
	jw_num(j, "uncertainty_m", x->uncertainty_m);
}

static void put_tag(struct jw *j, const struct tag *t)
{
	static const uint8_t none[SHA_LEN];

	put_fix(j, &t->fix);
	jw_str(j, "site", t->site);
	jw_int(j, "tag_serial", (int64_t)t->serial);
	jw_int(j, "tag_not_after", t->not_after);
	jw_hex(j, "tag", VIEW_OF(t->digest));
	if (memcmp(t->map, none, sizeof none) != 0)
		jw_hex(j, "map", VIEW_OF(t->map));
}

static void put_gnss(struct jw *j, const struct gnss *g)
{
	jw_obj(j, "gnss");
	if (g->has_fix) {
		jw_int(j, "time_ms", g->time_ms);
		jw_num(j, "latitude_deg", g->lat_deg);
		jw_num(j, "longitude_deg", g->lon_deg);
	}
	if (g->has_fix && g->has_eph)
		jw_num(j, "eph_m", g->eph_m);
	jw_int(j, "age_ms", g->age_ms);
	jw_arr(j, "doubts");
	for (unsigned i = 0; i < GNSS_DOUBTS; i++)
		if (g->doubts & GNSS_BIT(i))
			jw_str(j, NULL, gnss_doubt_name((enum gnss_doubt)i));
	jw_end_arr(j);
	jw_end_obj(j);
}

/* What a domain decided by, or else the best that was shown. */
static enum location_level level_of(const struct ear *x)
{
	enum location_level level = x->tag                            ? LOCATION_TAG
	                            : x->facts->attest.claims.has_fix ? LOCATION_DECLARED
	                                                              : LOCATION_NONE;

	for (uint32_t i = 0; i < x->appraisal->n; i++)
		if (x->appraisal->decision[i].level > level)
			level = x->appraisal->decision[i].level;
	return level;
}

/* Those that count: whom each measured within what. */
static void put_landmarks(struct jw *j, const struct measured_by *m)
{
	jw_arr(j, "landmarks");
	for (size_t i = 0; i < m->n; i++) {
		jw_obj(j, NULL);
		jw_str(j, "name", m->disc[i].name);
		jw_int(j, "bound_m", (int64_t)m->disc[i].radius_m + 1);
		jw_end_obj(j);
	}
	jw_end_arr(j);
}

/* The tag, or what was declared where there is none; beside it what else was said. */
static void put_location(struct jw *j, const struct ear *x)
{
	const struct claims *c = &x->facts->attest.claims;

	if (!c->has_fix && !x->tag && !c->has_gnss)
		return;
	jw_obj(j, "merestone_location");
	jw_int(j, "level", level_of(x));
	if (x->tag)
		put_tag(j, x->tag);
	if (c->has_fix && x->tag)
		jw_obj(j, "declared");
	if (c->has_fix)
		put_fix(j, &c->fix);
	if (c->has_fix && x->tag)
		jw_end_obj(j);
	if (c->has_gnss)
		put_gnss(j, &c->gnss);
	if (x->measured_by->n > 0)
		put_landmarks(j, x->measured_by);
	jw_end_obj(j);
}

int ear_write(struct wr *w, const struct ear *x, struct err *e)
{
	struct jw j = jw_to(w);
	char sub[512];

	snprintf(sub, sizeof sub, "spiffe://%s/cloudlet/%s", x->trust_domain, x->machine->name);
	jw_obj(&j, NULL);
	jw_str(&j, "eat_profile", "tag:ietf.org,2026:rats/ear#03");
	jw_int(&j, "iat", x->now);
	jw_int(&j, "exp", x->expires);
	jw_obj(&j, "ear_verifier_id");
	jw_str(&j, "developer", "Merestone");
	jw_str(&j, "build", MERESTONE_VERSION);
	jw_end_obj(&j);
	jw_str(&j, "sub", sub);
	jw_b64(&j, "eat_nonce", VIEW(x->nonce, NONCE_LEN));
	put_submods(&j, x);
	put_denied(&j, x);
	jw_int(&j, "merestone_case", (int64_t)x->case_no);
	put_evidence(&j, x);
	put_runtime(&j, x->ima);
	put_location(&j, x);
	jw_end_obj(&j);
	return wr_ok(w) ? 0 : err_set(e, WHY_SYSTEM, "the result does not fit in %zu bytes", w->cap);
}
