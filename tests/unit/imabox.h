/* imabox: a machine with a runtime list. Its evidence goes through the judge and over the wire to the decider. */
#ifndef UNIT_IMABOX_H
#define UNIT_IMABOX_H

#include "tests/unit/imamaker.h"
#include "tests/unit/policymaker.h"

struct imabox {
	struct box b;
	struct pcrs pcrs; /* 0 to 12 */
	uint8_t *list;
	size_t nlist, cap;
	uint64_t entries; /* that the authority has, and where the next begins */
	size_t at;
	size_t part; /* at most so many bytes at once */
	uint8_t claims[CLAIMS_MAX], room[8192], body[EVIDENCE_MAX], ask[EVIDENCE_MAX + 256];
	struct facts f;
};

static inline struct wr imabox_list(struct imabox *x)
{
	struct wr w = wr_to(x->list, x->cap);

	w.n = x->nlist;
	return w;
}

static inline void imabox_ran(struct imabox *x, const char *name)
{
	struct wr w = imabox_list(x);

	imamaker_file(&w, name);
	assert_true(wr_ok(&w));
	x->nlist = w.n;
}

/* Register 10 becomes what the list gives. */
static inline void imabox_extend(struct imabox *x)
{
	imamaker_register(VIEW(x->list, x->nlist), x->pcrs.v[IMA_PCR]);
}

static inline struct imabox *imabox_open(const char *name, size_t cap)
{
	struct imabox *x = calloc(1, sizeof *x);

	assert_non_null(x);
	x->list = malloc(cap);
	assert_non_null(x->list);
	x->cap = cap;
	x->part = IMA_PART_MAX;
	box_make(&x->b, name);
	memcpy(x->pcrs.v, x->b.boot.pcrs.v, 13 * PCR_LEN);
	struct wr w = imabox_list(x);
	imamaker_aggregate(&w, &x->pcrs);
	x->nlist = w.n;
	return x;
}

static inline void imabox_close(struct imabox *x)
{
	box_drop(&x->b);
	free(x->list);
	free(x);
}

static inline void imabox_reboot(struct imabox *x)
{
	struct wr w = wr_to(x->list, x->cap);

	imamaker_aggregate(&w, &x->pcrs);
	x->nlist = w.n;
	x->entries = x->at = 0;
	x->b.clock.reset_count++;
	x->b.clock.restart_count = 0;
}

static inline void imabox_claims(struct imabox *x, struct claims *c)
{
	*c = (struct claims){
	        .version = "1.0", .has_fix = true, .fix = x->b.fix, .has_ima = true, .ima_offset = x->entries};
	memcpy(c->machine, x->b.name, NAME_CAP);
	sha256(c->tls_key, VIEW_OF(x->b.id.pub.xy));
	memcpy(c->eventlog, x->b.boot.digest, SHA_LEN);
}

/* PART_IMA from where the authority is. */
static inline struct view imabox_part(struct imabox *x)
{
	static uint8_t part[1 + IMA_PART_MAX];
	size_t left = x->nlist - x->at, n = ima_whole(VIEW(x->list + x->at, left < x->part ? left : x->part));

	part[0] = n < left;
	memcpy(part + 1, x->list + x->at, n);
	return VIEW(part, n > 0 ? 1 + n : 0);
}

static inline void imabox_evidence(struct imabox *x, struct evidence *ev)
{
	struct wr w = wr_to(x->room, sizeof x->room), c = wr_to(x->claims, sizeof x->claims), p;
	static uint8_t registers[(IMA_QUOTED + 1) * PCR_LEN];
	uint8_t extra[SHA_LEN], name[TPM_NAME_LEN], value[COUNTER_LEN];
	struct attest_shape shape;
	struct claims claims;
	struct err e;

	*ev = (struct evidence){0};
	imabox_claims(x, &claims);
	assert_accepted(claims_write(&c, &claims, &e), &e);
	ev->part[PART_CLAIMS] = wr_done(&c);
	ev->part[PART_AK] = tpmmaker_view(&x->b.ak);
	if (x->b.sends_log)
		ev->part[PART_EVENTLOG] = VIEW(x->b.log, x->b.nlog);
	evidence_binding(extra, x->b.nonce, ev);
	tpmmaker_shape(&shape, &x->b.ak, VIEW_OF(extra));
	shape.mask = IMA_MASK | ENDED_MASK;
	quote_pcr_digest(shape.digest_room, &x->pcrs, IMA_MASK | ENDED_MASK);
	shape.clock = x->b.clock;
	shape.safe = x->b.clock.safe;
	ev->part[PART_QUOTE] = tpmmaker_attest(&w, &shape);
	ev->part[PART_QUOTE_SIG] = tpmmaker_sign(&w, &x->b.ak, ev->part[PART_QUOTE]);
	p = wr_to(registers, sizeof registers);
	for (size_t i = 0; i < 13; i++)
		wr_bytes(&p, x->pcrs.v[i], PCR_LEN);
	wr_bytes(&p, x->pcrs.v[ENDED_PCR], PCR_LEN);
	ev->part[PART_PCRS] = wr_done(&p);
	tpmmaker_counter(&shape, x->b.counter, name, value);
	ev->part[PART_COUNTER_CERTIFY] = tpmmaker_attest(&w, &shape);
	ev->part[PART_COUNTER_CERTIFY_SIG] = tpmmaker_sign(&w, &x->b.ak, ev->part[PART_COUNTER_CERTIFY]);
	struct view part = imabox_part(x);
	if (part.n > 0)
		ev->part[PART_IMA] = part;
}

/* The judge's facts of it, which may be a refusal. */
static inline void imabox_judge(struct imabox *x, const struct evidence *ev)
{
	struct wr b = wr_to(x->body, sizeof x->body), a = wr_to(x->ask, sizeof x->ask);
	struct ask ask = {.ticket = 5, .kind = ASK_ATTEST, .role = ROLE_CLOUDLET};
	struct err e;

	memcpy(ask.peer, x->b.name, NAME_CAP);
	evidence_write(&b, ev);
	assert_true(wr_ok(&b));
	ask.body = wr_done(&b);
	assert_int_equal(ask_write(&a, &ask), 0);
	assert_accepted(judge_ask(wr_done(&a), &x->f, &e), &e);
}

/* As the agent does: on to where the result says that the authority is. */
static inline bool imabox_advance(struct rig *r, struct imabox *x)
{
	AUTO(json_free) json_t *claims = rig_claims(r);
	const json_t *ran = json_object_get(claims, "merestone_runtime");
	uint64_t entries = (uint64_t)json_integer_value(json_object_get(ran, "entries"));
	struct ima l = ima_open(VIEW(x->list + x->at, x->nlist - x->at), x->entries);
	struct ima_entry entry;
	struct err e;

	while (l.number < entries)
		assert_int_equal(ima_next(&l, &entry, &e), 1);
	x->entries = entries;
	x->at = x->nlist - l.rest.n;
	return json_is_true(json_object_get(ran, "complete"));
}

/* One attestation. True: the authority knows the whole list. */
static inline bool imabox_attest(struct rig *r, struct imabox *x)
{
	struct evidence ev;

	x->b.clock.clock_ms += 1000;
	imabox_evidence(x, &ev);
	imabox_judge(x, &ev);
	rig_case(r, &x->f);
	take_nonce(r, &x->b);
	return r->v.kind == VERDICT_RESULT && imabox_advance(r, x);
}

static inline void runtime_body(char *out, size_t cap, const char *const names[], const char *more)
{
	struct wr w = wr_to(out, cap);
	uint8_t digest[SHA_LEN];
	char hex[2 * SHA_LEN + 1];

	wr_str(&w, "{\"files\":{");
	for (size_t i = 0; names[i]; i++) {
		sha256(digest, VIEW(names[i], strlen(names[i])));
		wr_fmt(&w, "%s\"%s\":\"%s\"", i ? "," : "", names[i], hex_put(hex, digest, SHA_LEN));
	}
	wr_fmt(&w, "}%s}", more);
	wr_u8(&w, 0);
	assert_true(wr_ok(&w));
}

#define RUNTIME_DOMAIN                                                                                                 \
	"{\"fence\":\"berlin\",\"references\":[\"edge\"],\"lease_s\":60,\"location_level\":1,\"runtimes\":[\"files\"]" \
	"}"

/* A machine that is enrolled, in domain "inner", which approves these files and no others. */
static inline struct imabox *imabox_join(struct rig *r, const char *const names[], size_t cap)
{
	struct imabox *x = imabox_open("north", cap);
	char body[4096];

	rig_domain(r, &x->b);
	runtime_body(body, sizeof body, names, ",\"exclude\":[\"/var/log/**\"]");
	rig_accept(r, DOC_RUNTIME, "files", 1, body);
	rig_accept(r, DOC_DOMAIN, "inner", 2, RUNTIME_DOMAIN);
	rig_join(r, &x->b);
	return x;
}

/* The sentence of the domain's refusal, "" when it allows. Valid until the next call. */
static inline const char *imabox_sentence(struct rig *r)
{
	static char text[ERR_TEXT_MAX];
	AUTO(json_free) json_t *claims = rig_claims(r);

	snprintf(text, sizeof text, "%s", json_text(decision_of(claims, "inner"), "sentence"));
	return text;
}

#define assert_says(r, words)                                                                                          \
	do {                                                                                                           \
		assert_verdict(r, VERDICT_RESULT);                                                                     \
		if (!strstr(imabox_sentence(r), (words)))                                                              \
			fail_msg("\"%s\" does not say \"%s\"", imabox_sentence(r), (words));                           \
	} while (0)

#endif
