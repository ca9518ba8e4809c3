#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/jws.h"
#include "keystore/keystore.h"
#include "tests/bench/bench.h"

#define BENCH_NAME "bench" /* of the only domain and the only dataset */

struct evidence_parts { /* where the views of an evidence point */
	uint8_t claims[CLAIMS_MAX], pcrs[(PCR_QUOTED + 1) * PCR_LEN];
	struct softtpm_signed quote, id, srk, counter;
};

int actor_claims(const struct actor *a, bool certificate, uint8_t buf[CLAIMS_MAX], struct view *out, struct err *e)
{
	struct claims c = {.has_fix = true,
	        .fix = {.lat_deg = 50.1109, .lon_deg = 8.6821, .uncertainty_m = 1000}, /* Frankfurt */
	        .wants_certificate = certificate,
	        .nholds = certificate ? 0 : 1};
	struct wr w = wr_to(buf, CLAIMS_MAX);

	memcpy(c.machine, a->player->name, sizeof c.machine);
	snprintf(c.version, sizeof c.version, "%s", MERESTONE_VERSION);
	sha256(c.tls_key, VIEW_OF(a->id.pub.xy));
	memcpy(c.eventlog, a->scene->boot.digest, SHA_LEN);
	policyref(c.holds[0], BENCH_NAME, BENCH_NAME, 1, a->player->generation);
	if (claims_write(&w, &c, e) != 0)
		return -1;
	*out = wr_done(&w);
	return 0;
}

static void write_pcrs(uint8_t out[(PCR_QUOTED + 1) * PCR_LEN], const struct pcrs *p)
{
	struct wr w = wr_to(out, (PCR_QUOTED + 1) * PCR_LEN);

	for (size_t i = 0; i < PCR_COUNT; i++)
		if (QUOTE_MASK >> i & 1)
			wr_bytes(&w, p->v[i], PCR_LEN);
}

static int certify(const struct actor *a, const struct softtpm_key *srk, const uint8_t extra[SHA_LEN],
        struct evidence_parts *p, struct evidence *ev, struct err *e)
{
	if (softtpm_certify(&a->ak, &a->id, extra, &p->id, e) != 0 ||
	        softtpm_certify(&a->ak, srk, extra, &p->srk, e) != 0 ||
	        softtpm_counter(&a->ak, extra, &p->counter, e) != 0)
		return -1;
	ev->part[PART_ID_CERTIFY] = VIEW(p->id.attest, p->id.nattest);
	ev->part[PART_ID_CERTIFY_SIG] = VIEW(p->id.sig, p->id.nsig);
	ev->part[PART_SRK_CERTIFY] = VIEW(p->srk.attest, p->srk.nattest);
	ev->part[PART_SRK_CERTIFY_SIG] = VIEW(p->srk.sig, p->srk.nsig);
	ev->part[PART_COUNTER_CERTIFY] = VIEW(p->counter.attest, p->counter.nattest);
	ev->part[PART_COUNTER_CERTIFY_SIG] = VIEW(p->counter.sig, p->counter.nsig);
	return 0;
}

int actor_evidence(
        const struct actor *a, enum actor_log with, const struct softtpm_key *srk, struct wr *w, struct err *e)
{
	struct evidence_parts p;
	struct evidence ev = {0};
	uint8_t extra[SHA_LEN];

	if (actor_claims(a, srk != NULL, p.claims, &ev.part[PART_CLAIMS], e) != 0)
		return -1;
	write_pcrs(p.pcrs, &a->scene->boot.pcrs);
	ev.part[PART_PCRS] = VIEW_OF(p.pcrs);
	ev.part[PART_AK] = softtpm_view(&a->ak);
	if (with == ACTOR_WITH_LOG)
		ev.part[PART_EVENTLOG] = VIEW(a->scene->log, a->scene->nlog);
	if (srk) {
		ev.part[PART_ID] = softtpm_view(&a->id);
		ev.part[PART_SRK] = softtpm_view(srk);
	}
	evidence_binding(extra, a->player->nonce, &ev);
	if (softtpm_quote(&a->ak, extra, &a->scene->boot.pcrs, QUOTE_MASK, &p.quote, e) != 0)
		return -1;
	ev.part[PART_QUOTE] = VIEW(p.quote.attest, p.quote.nattest);
	ev.part[PART_QUOTE_SIG] = VIEW(p.quote.sig, p.quote.nsig);
	if (srk && certify(a, srk, extra, &p, &ev, e) != 0)
		return -1;
	evidence_write(w, &ev);
	return wr_ok(w) ? 0 : err_set(e, WHY_SYSTEM, "the evidence does not fit");
}

/* ---- Answers ---- */

static bool take_nonce(struct player *p, const json_t *answer)
{
	uint8_t nonce[NONCE_LEN];
	struct err ignored;
	size_t n = 0;

	if (!answer || !json_object_get(answer, "nonce") ||
	        json_get_b64(answer, "nonce", nonce, sizeof nonce, &n, &ignored) != 0 || n != sizeof nonce)
		return false;
	memcpy(p->nonce, nonce, sizeof nonce);
	return true;
}

/* Everything that a machine would use is there, and it may open its dataset. */
int actor_result(struct player *p, struct view answer, struct err *e)
{
	AUTO(json_free) json_t *j = json_read(answer, WIRE_MAX, e);
	const json_t *leases = json_object_get(j, "leases");
	const char *decision;
	int64_t generation;

	if (!j || json_get_str(j, "decision", &decision, e) != 0)
		return -1;
	if (strcmp(decision, "allow") != 0 || json_array_size(leases) != 1)
		return err_set(e, WHY_REFUSED, "%s: the answer is %s with %zu leases: %.200s", p->name, decision,
		        json_array_size(leases), json_string_value(json_object_get(j, "result")));
	if (json_get_int(json_array_get(leases, 0), "generation", 0, UINT32_MAX, &generation, e) != 0)
		return -1;
	p->generation = (uint32_t)generation;
	return take_nonce(p, j) ? 0 : err_set(e, WHY_MALFORMED, "%s: the answer has no nonce", p->name);
}

/* ---- Attestation ---- */

static int read_key(struct softtpm_key *k, enum softtpm_template t, const char *pem, struct err *e)
{
	struct es256 *key = es256_from_pem(VIEW(pem, strlen(pem)), VIEW("", 0), e);

	return key ? softtpm_key(k, t, key, e) : -1;
}

int actor_open(struct actor *a, const struct scene *s, struct player *p, struct err *e)
{
	*a = (struct actor){.scene = s, .player = p};
	if (!p->certificate[0])
		return err_set(e, WHY_UNKNOWN, "a machine is not enrolled");
	if (read_key(&a->ak, SOFTTPM_AK, p->ak, e) != 0 || read_key(&a->id, SOFTTPM_ID, p->id, e) != 0)
		return err_in(e, "%s", p->name);
	return 0;
}

void actor_close(struct actor *a)
{
	wire_close(TAKE(a->wire));
	softtpm_drop(&a->ak);
	softtpm_drop(&a->id);
}

int actor_connect(struct actor *a, struct err *e)
{
	const struct wire_to to = {.ca_file = a->scene->ca_file,
	        .port = a->scene->port,
	        .cert = a->player->certificate,
	        .key = a->player->id};

	wire_close(TAKE(a->wire));
	a->wire = wire_open(&to, e);
	return a->wire ? 0 : err_in(e, "%s", a->player->name);
}

static int attest(struct actor *a, enum actor_log with, struct view *answer, struct err *e)
{
	static uint8_t body[ACTOR_EVIDENCE_MAX];
	struct wr w = wr_to(body, sizeof body);
	int status;

	if (actor_evidence(a, with, NULL, &w, e) != 0)
		return -1;
	a->sent = wr_done(&w).n;
	if (wire_post(a->wire, "/v1/attest", wr_done(&w), &status, answer, e) == 0) {
		a->received = answer->n;
		return actor_result(a->player, *answer, e);
	}
	AUTO(json_free) json_t *j = status == 409 ? json_read(*answer, WIRE_MAX, &(struct err){0}) : NULL;
	(void)take_nonce(a->player, j);
	return -1;
}

int actor_attest(struct actor *a, enum actor_log with, struct err *e)
{
	struct view answer;

	return attest(a, with, &answer, e) == 0 ? 0 : err_in(e, "%s", a->player->name);
}

static int check_result(const struct actor *a, struct view answer, struct err *e)
{
	AUTO(json_free) json_t *j = json_read(answer, WIRE_MAX, e);
	AUTO(mem_free) char *scratch = malloc(answer.n);
	const char *text;
	struct jws jws;

	if (!j || !scratch || json_get_str(j, "result", &text, e) != 0)
		return -1;
	return jws_parse(VIEW(text, strlen(text)), TYP_EAR, scratch, answer.n, &jws, e) != 0
	               ? -1
	               : jws_verify(&jws, a->scene->authority, e);
}

/* The nonce in the file may be an old one, after a run that was cut short: the refusal brings another. */
int actor_rehearse(struct actor *a, struct err *e)
{
	struct view answer;

	if (attest(a, ACTOR_WITH_LOG, &answer, e) != 0 &&
	        (e->why != WHY_STALE || attest(a, ACTOR_WITH_LOG, &answer, e) != 0))
		return err_in(e, "%s", a->player->name);
	return check_result(a, answer, e);
}
