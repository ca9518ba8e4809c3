/* machinemaker: a whole cloudlet with software keys: its boot log, its claims, and the evidence it would send. A test
 * changes what it likes before it asks for the evidence, or a part of it afterwards. */
#ifndef UNIT_MACHINEMAKER_H
#define UNIT_MACHINEMAKER_H

#include "tests/unit/logmaker.h"
#include "tests/unit/tagmaker.h"

struct machine {
	struct tpm_key ek, ak, id, srk;
	struct claims claims;
	struct pcrs pcrs;
	uint8_t log[4096];
	size_t nlog;
	struct attest_shape quote;
	const struct made_tag *tag; /* that it shows */
	struct view bounds;         /* landmarks' statements that it shows */
	uint64_t counter;           /* of revocation; 0: its TPM has none */
	struct evidence ev;         /* the parts, views into room */
	uint8_t room[32 * 1024];
	struct wr w;
};

static inline void machinemaker_claims(struct machine *m)
{
	m->claims = (struct claims){.machine = "cloudlet1",
	        .version = "1.0.0",
	        .has_fix = true,
	        .fix = {52.52, 13.405, 1000},
	        .wants_certificate = true,
	        .nholds = 1};
	sha256(m->claims.tls_key, VIEW_OF(m->id.pub.xy));
	sha256(m->claims.eventlog, VIEW(m->log, m->nlog));
}

static inline void machinemaker_new(struct machine *m)
{
	struct wr w = wr_to(m->log, sizeof m->log);
	struct boot b;
	struct err e = {0};

	tpmmaker_key(&m->ek, TPMMAKER_EK);
	tpmmaker_key(&m->ak, TPMMAKER_AK);
	tpmmaker_key(&m->id, TPMMAKER_ID);
	tpmmaker_key(&m->srk, TPMMAKER_SRK);
	logmaker_boot(&w);
	m->nlog = wr_done(&w).n;
	assert_accepted(boot_read(wr_done(&w), &b, &e), &e);
	m->pcrs = b.pcrs;
	m->counter = 1;
	machinemaker_claims(m);
}

static inline void machinemaker_drop(struct machine *m)
{
	tpmmaker_drop(&m->ek);
	tpmmaker_drop(&m->ak);
	tpmmaker_drop(&m->id);
	tpmmaker_drop(&m->srk);
}

static inline void machinemaker_header(struct machine *m)
{
	struct err e = {0};

	m->ev = (struct evidence){0};
	m->w = wr_to(m->room, sizeof m->room);
	assert_accepted(claims_write(&m->w, &m->claims, &e), &e);
	m->ev.part[PART_CLAIMS] = wr_done(&m->w);
}

static inline void machinemaker_certify(
        struct machine *m, enum part part, const struct tpm_key *subject, struct view extra)
{
	struct attest_shape a;

	tpmmaker_shape(&a, &m->ak, extra);
	tpmmaker_subject(&a, subject);
	m->ev.part[part] = tpmmaker_attest(&m->w, &a);
	m->ev.part[part + 1] = tpmmaker_sign(&m->w, &m->ak, m->ev.part[part]);
}

/* Puts the register values and a fresh quote into the evidence, bound to nonce and to what is in it already. */
static inline void machinemaker_quote(struct machine *m, const uint8_t nonce[NONCE_LEN], uint8_t extra[SHA_LEN])
{
	size_t from = m->w.n;

	evidence_binding(extra, nonce, &m->ev);
	for (size_t i = 0; i < PCR_COUNT; i++)
		if (QUOTE_MASK >> i & 1)
			wr_bytes(&m->w, m->pcrs.v[i], PCR_LEN);
	m->ev.part[PART_PCRS] = VIEW(m->room + from, m->w.n - from);
	tpmmaker_shape(&m->quote, &m->ak, VIEW(extra, SHA_LEN));
	tpmmaker_registers(&m->quote, &m->pcrs);
	m->ev.part[PART_QUOTE] = tpmmaker_attest(&m->w, &m->quote);
	m->ev.part[PART_QUOTE_SIG] = tpmmaker_sign(&m->w, &m->ak, m->ev.part[PART_QUOTE]);
}

/* The TPM's word about the index of m->tag. */
static inline void machinemaker_tag(struct machine *m, struct view extra)
{
	struct attest_shape a;
	uint8_t name[TPM_NAME_LEN];

	if (!m->tag)
		return;
	tagindex_name(name, m->tag->t.officer, true);
	tpmmaker_shape(&a, &m->ak, extra);
	tpmmaker_index(&a, VIEW_OF(name), VIEW_OF(m->tag->t.digest));
	m->ev.part[PART_TAG_CERTIFY] = tpmmaker_attest(&m->w, &a);
	m->ev.part[PART_TAG_CERTIFY_SIG] = tpmmaker_sign(&m->w, &m->ak, m->ev.part[PART_TAG_CERTIFY]);
}

static inline void machinemaker_counter(struct machine *m, struct view extra)
{
	uint8_t name[TPM_NAME_LEN], value[COUNTER_LEN];
	struct attest_shape a;

	if (m->counter == 0)
		return;
	tpmmaker_shape(&a, &m->ak, extra);
	tpmmaker_counter(&a, m->counter, name, value);
	m->ev.part[PART_COUNTER_CERTIFY] = tpmmaker_attest(&m->w, &a);
	m->ev.part[PART_COUNTER_CERTIFY_SIG] = tpmmaker_sign(&m->w, &m->ak, m->ev.part[PART_COUNTER_CERTIFY]);
}

static inline void machinemaker_attest(struct machine *m, const uint8_t nonce[NONCE_LEN], bool with_log)
{
	uint8_t extra[SHA_LEN];

	machinemaker_header(m);
	m->ev.part[PART_AK] = tpmmaker_view(&m->ak);
	if (with_log)
		m->ev.part[PART_EVENTLOG] = VIEW(m->log, m->nlog);
	if (m->tag)
		m->ev.part[PART_TAG] = tagmaker_view(m->tag);
	if (m->bounds.n > 0)
		m->ev.part[PART_BOUNDS] = m->bounds;
	machinemaker_quote(m, nonce, extra);
	machinemaker_tag(m, VIEW_OF(extra));
	machinemaker_counter(m, VIEW_OF(extra));
}

static inline void machinemaker_activate(struct machine *m, const uint8_t nonce[NONCE_LEN])
{
	uint8_t extra[SHA_LEN];

	machinemaker_header(m);
	m->ev.part[PART_AK] = tpmmaker_view(&m->ak);
	m->ev.part[PART_ID] = tpmmaker_view(&m->id);
	m->ev.part[PART_SRK] = tpmmaker_view(&m->srk);
	m->ev.part[PART_EVENTLOG] = VIEW(m->log, m->nlog);
	machinemaker_quote(m, nonce, extra);
	machinemaker_certify(m, PART_ID_CERTIFY, &m->id, VIEW_OF(extra));
	machinemaker_certify(m, PART_SRK_CERTIFY, &m->srk, VIEW_OF(extra));
	machinemaker_counter(m, VIEW_OF(extra));
}

static inline void machinemaker_enrol(struct machine *m)
{
	machinemaker_header(m);
	m->ev.part[PART_AK] = tpmmaker_view(&m->ak);
	m->ev.part[PART_EK] = tpmmaker_view(&m->ek);
	m->ev.part[PART_ID] = tpmmaker_view(&m->id);
	m->ev.part[PART_SRK] = tpmmaker_view(&m->srk);
}

/* The ask that the door would make of it. */
static inline struct view machinemaker_ask(struct machine *m, enum ask_kind kind, uint8_t *buf, size_t cap)
{
	static uint8_t body[64 * 1024];
	struct wr b = wr_to(body, sizeof body), w = wr_to(buf, cap);
	struct ask a = {.ticket = 42, .kind = kind, .role = ROLE_CLOUDLET, .peer = "cloudlet1"};

	evidence_write(&b, &m->ev);
	a.body = wr_done(&b);
	assert_int_equal(ask_write(&w, &a), 0);
	return wr_done(&w);
}

#endif
