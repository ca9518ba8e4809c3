/* policymaker: a decider in a directory of its own, an officer, and machines with software TPMs that sign real
 * structures. */
#ifndef UNIT_POLICYMAKER_H
#define UNIT_POLICYMAKER_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/b64.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/ring.h"
#include "policy/decider.h"
#include "tests/unit/logmaker.h"
#include "tests/unit/tagmaker.h"

#define NOW INT64_C(1800000000)

#define BERLIN_FENCE                                                                                                   \
	"{\"geometry\":{\"type\":\"Circle\",\"center\":[13.4,52.5],\"radius_m\":100000},\"map_accuracy_m\":100}"

struct rig {
	char dir[64];
	int home; /* where the tests came from */
	struct es256 *officer;
	struct decider *d;
	struct verdict v;
	struct facts f;
	struct err e;
	uint8_t message[RING_MAX], text[DOCUMENT_MAX], reference[16384], out[RING_MAX];
	size_t nreference;
};

struct box { /* a machine */
	char name[NAME_CAP];
	struct tpm_key ek, ak, id, srk;
	struct tpm_clock clock;
	uint8_t log[4096];
	size_t nlog;
	struct boot boot;
	struct measured measured[64];
	size_t nmeasured;
	struct pcrs pcrs;
	struct fix fix;
	bool sends_log, has_fix;
	uint8_t nonce[NONCE_LEN];
	uint8_t room[4096]; /* attested structures of the last evidence */
	uint8_t holds[SHA_LEN];
	bool holds_one;
	const struct made_tag *tag; /* that it shows; NULL: none */
	const struct gnss *gnss;    /* what its receiver says; NULL: it has none */
	struct view index, held;    /* what its TPM says of the NV index; empty: what the tag's officer wrote there */
	struct view bounds;         /* landmarks' statements that it shows; empty: none */
	uint64_t counter;           /* of revocation; 0: its TPM has none */
};

/* ---- The authority ---- */

static inline void rig_start(struct rig *r)
{
	r->d = decider_open("edge.example", &r->e);
	if (!r->d)
		fail_msg("%s", r->e.text);
	r->d->now = NOW;
}

static inline void rig_stop(struct rig *r)
{
	decider_close(r->d);
	r->d = NULL;
}

static inline struct rig *rig_open(void)
{
	struct rig *r = calloc(1, sizeof *r);
	char *pem;
	size_t n;

	assert_non_null(r);
	snprintf(r->dir, sizeof r->dir, "/tmp/merestone-policy-XXXXXX");
	r->home = open(".", O_PATH | O_DIRECTORY);
	assert_non_null(mkdtemp(r->dir));
	assert_int_equal(chdir(r->dir), 0);
	r->officer = es256_generate(&r->e);
	assert_non_null(r->officer);
	assert_accepted(es256_public_pem(r->officer, &pem, &n, &r->e), &r->e);
	assert_accepted(file_write(AT_FDCWD, "officers.pem", VIEW(pem, n), 0600, &r->e), &r->e);
	free(pem);
	rig_start(r);
	return r;
}

static inline void rig_close(struct rig *r)
{
	static const char *const files[] = {
	        "trust.db", "trust.db-wal", "trust.db-journal", "trust.head", "officers.pem", "ek-roots.pem"};

	rig_stop(r);
	es256_free(r->officer);
	for (size_t i = 0; i < COUNT(files); i++)
		unlink(files[i]);
	assert_int_equal(fchdir(r->home), 0);
	close(r->home);
	rmdir(r->dir);
	free(r);
}

/* One case in a transaction of its own, its facts over the wire. -1: the store failed. */
static inline int rig_try(struct rig *r, const struct facts *f)
{
	struct wr w = wr_to(r->message, sizeof r->message);

	memset(&r->e, 0, sizeof r->e);
	assert_int_equal(facts_write(&w, f), 0);
	assert_accepted(facts_read(wr_done(&w), &r->f, &r->e), &r->e);
	if (store_begin(&r->d->store, &r->e) || decider_case(r->d, &r->f, &r->v, &r->e) ||
	        store_commit(&r->d->store, &r->e)) {
		struct err why;
		assert_accepted(decider_recover(r->d, &why), &why);
		return -1;
	}
	return 0;
}

static inline void rig_case(struct rig *r, const struct facts *f)
{
	assert_accepted(rig_try(r, f), &r->e);
}

#define assert_verdict(r, wanted)                                                                                      \
	do {                                                                                                           \
		if ((r)->v.kind != (wanted))                                                                           \
			fail_msg(                                                                                      \
			        "verdict %d: %s: %s", (r)->v.kind, why_name((r)->v.refusal.why), (r)->v.refusal.text); \
	} while (0)

#define assert_denied(r, reason, says)                                                                                 \
	do {                                                                                                           \
		assert_int_equal((r)->v.kind, VERDICT_REFUSAL);                                                        \
		if ((r)->v.refusal.why != (reason) || !strstr((r)->v.refusal.text, (says)))                            \
			fail_msg("%s: %s", why_name((r)->v.refusal.why), (r)->v.refusal.text);                         \
	} while (0)

/* ---- Documents ---- */

static inline struct view rig_sign(
        struct rig *r, const struct es256 *by, enum doc_kind kind, const char *name, uint32_t version, const char *body)
{
	struct wr w = wr_to(r->text, sizeof r->text);

	assert_accepted(document_sign(&w, by, kind, name, version, NOW, VIEW(body, strlen(body)), &r->e), &r->e);
	return wr_done(&w);
}

static inline struct facts facts_of_text(enum ask_kind kind, enum role role, struct view text)
{
	struct facts f = {.ticket = 1, .kind = kind, .role = role, .peer = "alice", .text = text};

	sha256(f.ask_digest, text);
	return f;
}

static inline void rig_put_signed(struct rig *r, struct view jws)
{
	struct facts f = facts_of_text(ASK_DOCUMENT, ROLE_OFFICER, jws);

	rig_case(r, &f);
}

static inline void rig_put(struct rig *r, enum doc_kind kind, const char *name, uint32_t version, const char *body)
{
	rig_put_signed(r, rig_sign(r, r->officer, kind, name, version, body));
}

static inline void rig_accept(struct rig *r, enum doc_kind kind, const char *name, uint32_t version, const char *body)
{
	rig_put(r, kind, name, version, body);
	assert_verdict(r, VERDICT_RECEIPT);
}

static inline void rig_ask(struct rig *r, const char *question)
{
	struct facts f = facts_of_text(ASK_QUERY, ROLE_AUDITOR, VIEW(question, strlen(question)));

	rig_case(r, &f);
}

/* ---- Machines ---- */

static inline void box_boot(struct box *b)
{
	struct err e;

	assert_accepted(
	        boot_walk(VIEW(b->log, b->nlog), &b->boot, b->measured, COUNT(b->measured), &b->nmeasured, &e), &e);
	memset(&b->pcrs, 0, sizeof b->pcrs);
	for (size_t i = 0; i < PCR_COUNT; i++)
		if (PCR_MASK >> i & 1)
			memcpy(b->pcrs.v[i], b->boot.pcrs.v[i], PCR_LEN);
}

static inline void box_make(struct box *b, const char *name)
{
	struct wr w = wr_to(b->log, sizeof b->log);

	memset(b, 0, sizeof *b);
	snprintf(b->name, sizeof b->name, "%s", name);
	tpmmaker_key(&b->ek, TPMMAKER_EK);
	tpmmaker_key(&b->ak, TPMMAKER_AK);
	tpmmaker_key(&b->id, TPMMAKER_ID);
	tpmmaker_key(&b->srk, TPMMAKER_SRK);
	logmaker_boot(&w);
	b->nlog = w.n;
	box_boot(b);
	b->clock = (struct tpm_clock){.clock_ms = 1000000, .reset_count = 7, .restart_count = 0, .safe = true};
	b->fix = (struct fix){52.52, 13.405, 1000};
	b->has_fix = true;
	b->sends_log = true;
	b->counter = 1;
}

static inline void box_drop(struct box *b)
{
	tpmmaker_drop(&b->ek);
	tpmmaker_drop(&b->ak);
	tpmmaker_drop(&b->id);
	tpmmaker_drop(&b->srk);
}

/* Another loader was measured. */
static inline void box_tamper(struct box *b)
{
	struct wr w = wr_to(b->log, sizeof b->log);

	logmaker_open(&w);
	logmaker_version(&w);
	logmaker_secure_boot(&w, 7, 1, 1);
	logmaker_separators(&w, 0xff);
	logmaker_event(&w, 4, 0x80000003, VIEW("evil loader", 11));
	b->nlog = w.n;
	box_boot(b);
}

static inline void box_ek(const struct box *b, char hex[2 * SHA_LEN + 1])
{
	uint8_t digest[SHA_LEN];

	sha256(digest, tpmmaker_view(&b->ek));
	hex_put(hex, digest, SHA_LEN);
}

static inline struct facts box_enrolment(const struct box *b)
{
	struct facts f = {.ticket = 2, .kind = ASK_ENROL};

	memcpy(f.enrol.machine, b->name, NAME_CAP);
	f.enrol.ek = tpmmaker_view(&b->ek);
	f.enrol.ak = tpmmaker_view(&b->ak);
	f.enrol.id = tpmmaker_view(&b->id);
	f.enrol.srk = tpmmaker_view(&b->srk);
	return f;
}

/* The tag, and the TPM's word about its index. */
static inline void box_tag(struct box *b, struct facts_attest *a, struct attest_shape *shape, struct wr *w)
{
	uint8_t name[TPM_NAME_LEN];

	if (!b->tag)
		return;
	tagindex_name(name, b->tag->t.officer, true);
	tpmmaker_index(
	        shape, b->index.n > 0 ? b->index : VIEW_OF(name), b->held.n > 0 ? b->held : VIEW_OF(b->tag->t.digest));
	a->tag = tagmaker_view(b->tag);
	a->tag_certify = tpmmaker_attest(w, shape);
	a->tag_certify_sig = tpmmaker_sign(w, &b->ak, a->tag_certify);
}

/* The TPM's word about its revocation counter. */
static inline void box_counter(struct box *b, struct facts_attest *a, struct attest_shape *shape, struct wr *w)
{
	uint8_t name[TPM_NAME_LEN], value[COUNTER_LEN];

	if (b->counter == 0)
		return;
	tpmmaker_counter(shape, b->counter, name, value);
	a->counter_certify = tpmmaker_attest(w, shape);
	a->counter_certify_sig = tpmmaker_sign(w, &b->ak, a->counter_certify);
}

/* Facts of evidence that this machine makes now, over its nonce. */
static inline void box_evidence(struct box *b, struct facts *f, enum ask_kind kind)
{
	struct facts_attest *a = &f->attest;
	struct attest_shape shape;
	uint8_t extra[SHA_LEN];
	struct wr w = wr_to(b->room, sizeof b->room);
	struct err e;

	memset(f, 0, sizeof *f);
	*f = (struct facts){.ticket = 3, .kind = kind, .role = kind == ASK_ATTEST ? ROLE_CLOUDLET : ROLE_NONE};
	if (kind == ASK_ATTEST)
		memcpy(f->peer, b->name, NAME_CAP);
	memcpy(a->claims.machine, b->name, NAME_CAP);
	memcpy(a->claims.version, "1.0", 4);
	a->claims.has_fix = b->has_fix;
	a->claims.fix = b->fix;
	a->claims.has_gnss = b->gnss != NULL;
	if (b->gnss)
		a->claims.gnss = *b->gnss;
	sha256(a->claims.tls_key, VIEW_OF(b->id.pub.xy));
	memcpy(a->claims.eventlog, b->boot.digest, SHA_LEN);
	a->claims.nholds = b->holds_one;
	memcpy(a->claims.holds[0], b->holds, SHA_LEN);
	a->pcrs = b->pcrs;
	a->has_log = b->sends_log;
	if (a->has_log) {
		a->boot = b->boot;
		a->nmeasured = (uint32_t)b->nmeasured;
		memcpy(a->measured, b->measured, b->nmeasured * sizeof b->measured[0]);
	}
	a->ndigests = 2;
	memset(a->digests, 0x5a, sizeof a->digests);
	a->bounds = b->bounds;
	if (a->bounds.n > 0)
		sha256(a->digests[1], a->bounds);
	evidence_binding_of(extra, b->nonce, a->digests, a->ndigests);
	tpmmaker_shape(&shape, &b->ak, VIEW_OF(extra));
	tpmmaker_registers(&shape, &b->pcrs);
	shape.clock = b->clock;
	shape.safe = b->clock.safe;
	a->quote = tpmmaker_attest(&w, &shape);
	assert_accepted(es256_sign(b->ak.key, a->quote, a->quote_sig, &e), &e);
	a->ak = tpmmaker_view(&b->ak);
	box_tag(b, a, &shape, &w);
	box_counter(b, a, &shape, &w);
	if (kind != ASK_ACTIVATE)
		return;
	a->id = tpmmaker_view(&b->id);
	a->srk = tpmmaker_view(&b->srk);
	tpmmaker_subject(&shape, &b->id);
	a->id_certify = tpmmaker_attest(&w, &shape);
	a->id_certify_sig = tpmmaker_sign(&w, &b->ak, a->id_certify);
	tpmmaker_subject(&shape, &b->srk);
	a->srk_certify = tpmmaker_attest(&w, &shape);
	a->srk_certify_sig = tpmmaker_sign(&w, &b->ak, a->srk_certify);
}

static inline void take_nonce(struct rig *r, struct box *b)
{
	if (r->v.has_nonce)
		memcpy(b->nonce, r->v.nonce, NONCE_LEN);
}

static inline void rig_enrol(struct rig *r, struct box *b)
{
	struct facts f = box_enrolment(b);

	rig_case(r, &f);
	take_nonce(r, b);
}

static inline void rig_evidence(struct rig *r, struct box *b, enum ask_kind kind)
{
	static struct facts f;

	box_evidence(b, &f, kind);
	rig_case(r, &f);
	take_nonce(r, b);
}

static inline void rig_attest(struct rig *r, struct box *b)
{
	b->clock.clock_ms += 1000;
	rig_evidence(r, b, ASK_ATTEST);
}

/* Admitted with its EK pinned, enrolled and activated. */
static inline void rig_join(struct rig *r, struct box *b)
{
	char hex[2 * SHA_LEN + 1], body[160];

	box_ek(b, hex);
	snprintf(body, sizeof body, "{\"state\":\"admitted\",\"ek_sha256\":\"%s\"}", hex);
	rig_accept(r, DOC_CLOUDLET, b->name, 1, body);
	rig_enrol(r, b);
	assert_verdict(r, VERDICT_CREDENTIAL);
	rig_evidence(r, b, ASK_ACTIVATE);
	assert_verdict(r, VERDICT_RESULT);
}

/* The reference set of logmaker_boot, a circle around Berlin, a domain and a dataset in it. */
static inline void rig_domain(struct rig *r, const struct box *b)
{
	struct wr w = wr_to(r->reference, sizeof r->reference);

	assert_accepted(reference_learn(VIEW(b->log, b->nlog), &w, &r->e), &r->e);
	wr_u8(&w, 0);
	rig_accept(r, DOC_REFERENCE, "edge", 1, (const char *)r->reference);
	rig_accept(r, DOC_FENCE, "berlin", 1, BERLIN_FENCE);
	rig_accept(r, DOC_DOMAIN, "inner", 1,
	        "{\"fence\":\"berlin\",\"references\":[\"edge\"],\"lease_s\":60,\"location_level\":1}");
	rig_accept(r, DOC_DATASET, "maps", 1, "{\"domain\":\"inner\",\"epoch\":1}");
}

/* The claims of the last result; the caller frees. */
static inline json_t *rig_claims(struct rig *r)
{
	json_t *j = json_read(r->v.body, CLAIMS_JSON_MAX, &r->e);

	if (!j)
		fail_msg("%s", r->e.text);
	return j;
}

static inline const json_t *decision_of(const json_t *claims, const char *domain)
{
	return json_object_get(json_object_get(json_object_get(claims, "submods"), domain), "merestone_decision");
}

#define assert_allows(r, yes)                                                                                          \
	do {                                                                                                           \
		AUTO(json_free) json_t *claims_ = rig_claims(r);                                                       \
		const json_t *d_ = decision_of(claims_, "inner");                                                      \
		if (json_is_true(json_object_get(d_, "allow")) != (yes))                                               \
			fail_msg("%s", json_string_value(json_object_get(d_, "sentence")));                            \
		assert_int_equal((r)->v.ngrants, (yes) ? 1 : 0);                                                       \
	} while (0)

#endif
