/* authoritymaker: a ring with a fence, a domain and a dataset in it, two machines that are enrolled and a third that is
 * not. For tests that stand where the door stands. */
#ifndef UNIT_AUTHORITYMAKER_H
#define UNIT_AUTHORITYMAKER_H

#include "base/hex.h"
#include "tests/unit/machinemaker.h"
#include "tests/unit/opener.h"
#include "tests/unit/ringmaker.h"

#define FENCE(radius_m)                                                                                                \
	"{\"geometry\":{\"type\":\"Circle\",\"center\":[13.4,52.5],\"radius_m\":" radius_m "},\"map_accuracy_m\":100}"
#define DOMAIN "{\"fence\":\"berlin\",\"references\":[\"edge\"],\"lease_s\":60,\"location_level\":1}"

enum { BODY_MAX = 64 * 1024 };

struct player { /* a machine, and the nonce it has */
	struct machine m;
	uint8_t nonce[NONCE_LEN], first[NONCE_LEN];
};

static struct ringmaker *r;
static struct player a, b, stranger; /* a and b are enrolled */
static uint8_t body[BODY_MAX], record[BODY_MAX];

/* ---- What honest machines and officers do ---- */

static inline struct view container(const struct machine *m)
{
	struct wr w = wr_to(body, sizeof body);

	evidence_write(&w, &m->ev);
	assert_true(wr_ok(&w));
	return wr_done(&w);
}

static inline struct view recorded(struct view v)
{
	assert_true(v.n <= sizeof record);
	memcpy(record, v.p, v.n);
	return VIEW(record, v.n);
}

static inline void make(struct player *p, const char *name)
{
	machinemaker_new(&p->m);
	snprintf(p->m.claims.machine, sizeof p->m.claims.machine, "%s", name);
}

static inline void admit(const struct player *p)
{
	char hex[2 * SHA_LEN + 1], text[160];
	uint8_t ek[SHA_LEN];

	sha256(ek, tpmmaker_view(&p->m.ek));
	snprintf(text, sizeof text, "{\"state\":\"admitted\",\"ek_sha256\":\"%s\"}", hex_put(hex, ek, sizeof ek));
	ringmaker_put(r, DOC_CLOUDLET, p->m.claims.machine, 1, text);
}

static inline void read_b64(const json_t *o, const char *key, void *out, size_t cap, size_t *n)
{
	assert_accepted(json_get_b64(o, key, out, cap, n, &r->e), &r->e);
}

static inline void take_nonce(struct player *p)
{
	size_t n;

	read_b64(r->json, "nonce", p->nonce, sizeof p->nonce, &n);
}

static inline void take_credential(struct player *p)
{
	const json_t *o = json_object_get(r->json, "credential");
	struct credential c;

	assert_answered(r, WHY_NONE);
	read_b64(o, "blob", c.blob, sizeof c.blob, &c.nblob);
	read_b64(o, "secret", c.secret, sizeof c.secret, &c.nsecret);
	assert_true(opener_credential(&c, p->m.ek.key, p->m.ak.pub.name, p->nonce));
	memcpy(p->first, p->nonce, NONCE_LEN);
}

static inline void enrol(struct player *p)
{
	machinemaker_enrol(&p->m);
	ringmaker_ask(r, ASK_ENROL, ROLE_NONE, "", container(&p->m));
}

static inline void join(struct player *p)
{
	admit(p);
	enrol(p);
	take_credential(p);
	machinemaker_activate(&p->m, p->nonce);
	ringmaker_ask(r, ASK_ACTIVATE, ROLE_NONE, "", container(&p->m));
	assert_answered(r, WHY_NONE);
	take_nonce(p);
}

/* Evidence over the nonce of this moment. */
static inline struct view evidence_of(struct player *p)
{
	machinemaker_attest(&p->m, p->nonce, true);
	return container(&p->m);
}

static inline void give_evidence(const char *name, struct view evidence)
{
	ringmaker_ask(r, ASK_ATTEST, ROLE_CLOUDLET, name, evidence);
}

/* The machine may still open its dataset. */
static inline void is_well(struct player *p)
{
	give_evidence(p->m.claims.machine, evidence_of(p));
	assert_answered(r, WHY_NONE);
	assert_string_equal(json_string_value(json_object_get(r->json, "decision")), "allow");
	assert_int_equal(json_array_size(json_object_get(r->json, "leases")), 1);
	take_nonce(p);
}

static inline void releases_nothing(void)
{
	assert_null(json_object_get(r->json, "leases"));
	assert_null(json_object_get(r->json, "keys"));
	assert_null(json_object_get(r->json, "result"));
	assert_null(json_object_get(r->json, "certificate"));
}

static inline void make_world(void)
{
	struct wr w = wr_to(record, sizeof record - 1);

	assert_accepted(reference_learn(VIEW(a.m.log, a.m.nlog), &w, &r->e), &r->e);
	record[w.n] = 0;
	ringmaker_put(r, DOC_REFERENCE, "edge", 1, (const char *)record);
	ringmaker_put(r, DOC_FENCE, "berlin", 1, FENCE("100000"));
	ringmaker_put(r, DOC_DOMAIN, "inner", 1, DOMAIN);
	ringmaker_put(r, DOC_DATASET, "maps", 1, "{\"domain\":\"inner\",\"epoch\":1}");
}

static inline int start(void **s)
{
	(void)s;
	r = ringmaker_new();
	if (!r)
		return 0;
	ringmaker_start(r);
	make(&a, "berlin-1");
	make(&b, "berlin-2");
	make(&stranger, "berlin-3");
	make_world();
	join(&a);
	join(&b);
	return 0;
}

static inline int stop(void **s)
{
	(void)s;
	ringmaker_drop(r);
	machinemaker_drop(&a.m);
	machinemaker_drop(&b.m);
	machinemaker_drop(&stranger.m);
	return 0;
}

static inline void need_ring(void)
{
	if (r)
		return;
	print_message("no build/libexec: skipped\n");
	skip();
}

#define SENTENCE(f) cmocka_unit_test_setup_teardown(f, start, stop)

#endif
