#include <stdlib.h>
#include <string.h>

#include "tests/bench/attest/attestbench.h"

enum { ASK_CAP = EVIDENCE_MAX + 256 };

struct parts { /* where the views of an evidence point */
	uint8_t claims[CLAIMS_MAX], pcrs[PCR_COUNT * PCR_LEN], ima[IMA_PART_MAX + 1];
	struct softtpm_signed quote;
};

int softbox_make(struct softbox *m, struct err *e)
{
	memset(m, 0, sizeof *m);
	memset(m->nonce, 0x5a, sizeof m->nonce);
	return softtpm_key(&m->ak, SOFTTPM_AK, NULL, e) != 0 ? -1 : softtpm_key(&m->id, SOFTTPM_ID, NULL, e);
}

void softbox_drop(struct softbox *m)
{
	softtpm_drop(&m->ak);
	softtpm_drop(&m->id);
}

static int claim(const struct softbox *m, const struct softbox_sends *s, uint64_t offset, struct parts *p,
        struct evidence *ev, struct err *e)
{
	struct claims c = {.machine = "bench", .version = "0.1.0", .has_ima = s->pcr10 != NULL, .ima_offset = offset};
	struct wr w = wr_to(p->claims, sizeof p->claims);

	sha256(c.tls_key, VIEW_OF(m->id.pub.xy));
	memcpy(c.eventlog, s->boot->digest, SHA_LEN);
	if (claims_write(&w, &c, e) != 0)
		return -1;
	ev->part[PART_CLAIMS] = wr_done(&w);
	return 0;
}

static int quote(
        const struct softbox *m, const struct softbox_sends *s, struct parts *p, struct evidence *ev, struct err *e)
{
	struct pcrs pcrs = s->boot->pcrs;
	struct wr w = wr_to(p->pcrs, sizeof p->pcrs);
	uint32_t mask = s->pcr10 ? IMA_MASK | ENDED_MASK : QUOTE_MASK;
	uint8_t extra[SHA_LEN];

	if (s->pcr10)
		memcpy(pcrs.v[IMA_PCR], s->pcr10, PCR_LEN);
	for (size_t i = 0; i < PCR_COUNT; i++)
		if (mask >> i & 1)
			wr_bytes(&w, pcrs.v[i], PCR_LEN);
	evidence_binding(extra, m->nonce, ev);
	if (softtpm_quote(&m->ak, extra, &pcrs, mask, &p->quote, e) != 0)
		return -1;
	ev->part[PART_PCRS] = wr_done(&w);
	ev->part[PART_QUOTE] = VIEW(p->quote.attest, p->quote.nattest);
	ev->part[PART_QUOTE_SIG] = VIEW(p->quote.sig, p->quote.nsig);
	return 0;
}

/* As many whole entries as one evidence takes; *rest moves on behind them. */
static struct view next_entries(struct view *rest, struct parts *p)
{
	size_t n = ima_whole(VIEW(rest->p, rest->n < IMA_PART_MAX ? rest->n : IMA_PART_MAX));

	memcpy(p->ima + 1, rest->p, n);
	*rest = VIEW(rest->p + n, rest->n - n);
	p->ima[0] = rest->n > 0;
	return VIEW(p->ima, 1 + n);
}

static uint64_t count(struct view part)
{
	struct ima l = ima_open(VIEW(part.p + 1, part.n - 1), 0);
	struct ima_entry x;
	struct err e;

	while (ima_next(&l, &x, &e) == 1)
		;
	return l.number;
}

static int put(struct softbox_asks *out, const struct evidence *ev, struct err *e)
{
	uint8_t *body = malloc(EVIDENCE_MAX), *bytes = malloc(ASK_CAP);
	struct wr b = wr_to(body, body ? EVIDENCE_MAX : 0), w = wr_to(bytes, bytes ? ASK_CAP : 0);

	evidence_write(&b, ev);
	struct ask a = {.kind = ASK_ATTEST, .role = ROLE_CLOUDLET, .peer = "bench", .body = wr_done(&b)};
	bool good = out->n < SOFTBOX_ASKS && wr_ok(&b) && ask_write(&w, &a) == 0;
	free(body);
	if (!good) {
		free(bytes);
		return err_set(e, WHY_SYSTEM, "the evidence is too large for an ask");
	}
	out->ask[out->n++] = wr_done(&w);
	out->bytes += w.n;
	return 0;
}

static int fill(const struct softbox *m, const struct softbox_sends *s, struct parts *p, struct softbox_asks *out,
        struct err *e)
{
	struct view rest = s->ima;
	uint64_t offset = s->before;

	do {
		struct evidence ev = {0};
		ev.part[PART_AK] = softtpm_view(&m->ak);
		if (out->n == 0)
			ev.part[PART_EVENTLOG] = s->log;
		if (rest.n > 0)
			ev.part[PART_IMA] = next_entries(&rest, p);
		if (claim(m, s, offset, p, &ev, e) != 0 || quote(m, s, p, &ev, e) != 0 || put(out, &ev, e) != 0)
			return -1;
		if (ev.part[PART_IMA].p)
			offset += count(ev.part[PART_IMA]);
	} while (rest.n > 0);
	return 0;
}

int softbox_asks(const struct softbox *m, const struct softbox_sends *s, struct softbox_asks *out, struct err *e)
{
	struct parts *p = malloc(sizeof *p);

	if (!p)
		return err_sys(e, "no memory for evidence");
	int bad = fill(m, s, p, out, e);
	free(p);
	return bad;
}

void softbox_forget(struct softbox_asks *a)
{
	for (size_t i = 0; i < a->n; i++)
		free((void *)(uintptr_t)a->ask[i].p);
	a->n = 0;
}
