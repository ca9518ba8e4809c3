#include <string.h>

#include "attest/ask.h"

enum { CHAIN_MAX = EK_CHAIN_MAX * (2 + EK_CERT_MAX) };

static bool read_bool(struct rd *r)
{
	return rd_upto(r, rd_u8(r), 1) == 1;
}

static struct view read_view(struct rd *r, size_t max)
{
	struct view v = rd_view16(r);

	rd_require(r, v.n <= max);
	return v;
}

/* "" is a machine that did not get as far as saying its name. */
static void read_machine(struct rd *r, char out[NAME_CAP], bool may_be_empty)
{
	rd_text16(r, out, NAME_CAP);
	rd_require(r, name_ok(out) || (may_be_empty && out[0] == '\0'));
}

/* ---- claims ---- */

static void write_claims(struct wr *w, const struct claims *c)
{
	wr_text16(w, c->machine);
	wr_text16(w, c->version);
	wr_u8(w, c->has_fix);
	if (c->has_fix)
		fixwire_put(w, &c->fix);
	wr_u8(w, c->has_gnss);
	if (c->has_gnss)
		fixwire_put_gnss(w, &c->gnss);
	wr_bytes(w, c->tls_key, SHA_LEN);
	wr_bytes(w, c->eventlog, SHA_LEN);
	wr_u8(w, c->wants_certificate);
	wr_be16(w, (uint16_t)c->nholds);
	wr_bytes(w, c->holds, c->nholds * SHA_LEN);
	wr_u8(w, c->has_ima);
	wr_be64(w, c->ima_offset);
}

static void read_claims(struct rd *r, struct claims *c)
{
	read_machine(r, c->machine, false);
	rd_text16(r, c->version, sizeof c->version);
	c->has_fix = read_bool(r);
	if (c->has_fix)
		fixwire_get(r, &c->fix);
	c->has_gnss = read_bool(r);
	if (c->has_gnss)
		fixwire_get_gnss(r, &c->gnss);
	rd_copy(r, c->tls_key, SHA_LEN);
	rd_copy(r, c->eventlog, SHA_LEN);
	c->wants_certificate = read_bool(r);
	c->nholds = (size_t)rd_upto(r, rd_be16(r), CLAIMS_HOLDS_MAX);
	rd_copy(r, c->holds, c->nholds * SHA_LEN);
	c->has_ima = read_bool(r);
	c->ima_offset = rd_upto(r, rd_be64(r), c->has_ima ? UINT64_C(1) << IMA_OFFSET_BITS : 0);
}

/* ---- registers and the boot log ---- */

static void write_pcrs(struct wr *w, const struct pcrs *p, uint32_t mask)
{
	for (size_t i = 0; i < PCR_COUNT; i++)
		if (mask >> i & 1)
			wr_bytes(w, p->v[i], PCR_LEN);
}

static void read_pcrs(struct rd *r, struct pcrs *p, uint32_t mask)
{
	for (size_t i = 0; i < PCR_COUNT; i++)
		if (mask >> i & 1)
			rd_copy(r, p->v[i], PCR_LEN);
}

static void write_measured(struct wr *w, const struct measured *m)
{
	wr_u8(w, m->pcr);
	wr_be32(w, m->type);
	wr_be32(w, m->number);
	wr_bytes(w, m->digest, PCR_LEN);
	wr_view32(w, m->data);
}

static void write_boot(struct wr *w, const struct facts_attest *a)
{
	wr_bytes(w, a->boot.pcrs.v, sizeof a->boot.pcrs.v);
	wr_be32(w, a->boot.events);
	wr_u8(w, (uint8_t)a->boot.secure_boot);
	wr_bytes(w, a->boot.digest, SHA_LEN);
	wr_be16(w, (uint16_t)a->nmeasured);
	for (size_t i = 0; i < a->nmeasured; i++)
		write_measured(w, &a->measured[i]);
}

/* *said: bytes of payloads so far. */
static void read_measured(struct rd *r, struct measured *m, size_t *said)
{
	m->pcr = (uint8_t)rd_upto(r, rd_u8(r), PCR_COUNT - 1);
	rd_require(r, PCR_MASK >> m->pcr & 1);
	m->type = rd_be32(r);
	m->number = (uint32_t)rd_upto(r, rd_be32(r), EVENT_MAX);
	rd_copy(r, m->digest, PCR_LEN);
	m->data = rd_view(r, rd_upto(r, rd_be32(r), SAID_MAX - *said));
	rd_require(r, m->data.n == 0 || meaning_read(m->pcr, m->type));
	*said += m->data.n;
}

static void read_boot(struct rd *r, struct facts_attest *a)
{
	size_t said = 0;

	rd_copy(r, a->boot.pcrs.v, sizeof a->boot.pcrs.v);
	a->boot.events = (uint32_t)rd_upto(r, rd_be32(r), EVENT_MAX);
	a->boot.secure_boot = (enum secure_boot)rd_upto(r, rd_u8(r), SECURE_BOOT_ON);
	rd_copy(r, a->boot.digest, SHA_LEN);
	a->nmeasured = (uint32_t)rd_upto(r, rd_be16(r), MEASURED_MAX);
	for (size_t i = 0; i < a->nmeasured; i++)
		read_measured(r, &a->measured[i], &said);
}

/* ---- the runtime list ---- */

static void write_ima(struct wr *w, const struct facts_attest *a)
{
	wr_u8(w, a->ima_more);
	wr_view32(w, a->ima);
}

static void read_ima(struct rd *r, struct facts_attest *a)
{
	a->ima_more = read_bool(r);
	a->ima = rd_view(r, rd_upto(r, rd_be32(r), IMA_PART_MAX));
	rd_require(r, a->ima.n > 0 || !a->ima_more);
}

/* ---- the kinds ---- */

static void write_attest(struct wr *w, const struct facts_attest *a, bool activate)
{
	write_claims(w, &a->claims);
	wr_view16(w, a->quote);
	wr_bytes(w, a->quote_sig, ES256_SIG);
	wr_u8(w, (uint8_t)a->ndigests);
	wr_bytes(w, a->digests, a->ndigests * SHA_LEN);
	wr_view16(w, a->ak);
	write_pcrs(w, &a->pcrs, claims_mask(&a->claims));
	wr_u8(w, a->has_log);
	if (a->has_log)
		write_boot(w, a);
	if (a->claims.has_ima)
		write_ima(w, a);
	wr_view16(w, a->tag);
	wr_view16(w, a->tag_certify);
	wr_view16(w, a->tag_certify_sig);
	wr_view16(w, a->bounds);
	wr_view16(w, a->counter_certify);
	wr_view16(w, a->counter_certify_sig);
	if (!activate)
		return;
	wr_view16(w, a->id);
	wr_view16(w, a->srk);
	wr_view16(w, a->id_certify);
	wr_view16(w, a->id_certify_sig);
	wr_view16(w, a->srk_certify);
	wr_view16(w, a->srk_certify_sig);
}

static void read_attest(struct rd *r, struct facts_attest *a, bool activate)
{
	read_claims(r, &a->claims);
	a->quote = read_view(r, TPM_ATTEST_MAX);
	rd_copy(r, a->quote_sig, ES256_SIG);
	a->ndigests = (uint32_t)rd_upto(r, rd_u8(r), PART_COUNT);
	rd_copy(r, a->digests, a->ndigests * SHA_LEN);
	a->ak = read_view(r, TPM_PUBLIC_MAX);
	read_pcrs(r, &a->pcrs, claims_mask(&a->claims));
	a->has_log = read_bool(r);
	if (a->has_log)
		read_boot(r, a);
	if (a->claims.has_ima)
		read_ima(r, a);
	a->tag = read_view(r, TAG_MAX);
	a->tag_certify = read_view(r, TPM_ATTEST_MAX);
	a->tag_certify_sig = read_view(r, TPM_SIGNATURE_MAX);
	a->bounds = read_view(r, BOUNDS_PART_MAX);
	a->counter_certify = read_view(r, TPM_ATTEST_MAX);
	a->counter_certify_sig = read_view(r, TPM_SIGNATURE_MAX);
	if (!activate)
		return;
	a->id = read_view(r, TPM_PUBLIC_MAX);
	a->srk = read_view(r, TPM_PUBLIC_MAX);
	a->id_certify = read_view(r, TPM_ATTEST_MAX);
	a->id_certify_sig = read_view(r, TPM_SIGNATURE_MAX);
	a->srk_certify = read_view(r, TPM_ATTEST_MAX);
	a->srk_certify_sig = read_view(r, TPM_SIGNATURE_MAX);
}

static void write_enrol(struct wr *w, const struct facts_enrol *f)
{
	wr_text16(w, f->machine);
	wr_view16(w, f->ek);
	wr_view16(w, f->ak);
	wr_view16(w, f->id);
	wr_view16(w, f->srk);
	wr_view16(w, f->ek_cert);
	wr_view16(w, f->ek_chain);
}

static void read_enrol(struct rd *r, struct facts_enrol *f)
{
	read_machine(r, f->machine, false);
	f->ek = read_view(r, TPM_PUBLIC_MAX);
	f->ak = read_view(r, TPM_PUBLIC_MAX);
	f->id = read_view(r, TPM_PUBLIC_MAX);
	f->srk = read_view(r, TPM_PUBLIC_MAX);
	f->ek_cert = read_view(r, EK_CERT_MAX);
	f->ek_chain = read_view(r, CHAIN_MAX);
}

static void write_refusal(struct wr *w, const struct facts *f)
{
	wr_text16(w, f->refusal.text);
	wr_text16(w, f->refusal.hint);
	wr_text16(w, f->kind == ASK_ENROL ? f->enrol.machine : f->attest.claims.machine);
}

static void read_refusal(struct rd *r, struct facts *f)
{
	rd_text16(r, f->refusal.text, sizeof f->refusal.text);
	rd_text16(r, f->refusal.hint, sizeof f->refusal.hint);
	read_machine(r, f->enrol.machine, true);
	memcpy(f->attest.claims.machine, f->enrol.machine, NAME_CAP);
}

int facts_write(struct wr *w, const struct facts *f)
{
	struct ask head = {.ticket = f->ticket, .kind = f->kind, .role = f->role};

	memcpy(head.peer, f->peer, NAME_CAP);
	ask_head_write(w, &head);
	wr_bytes(w, f->ask_digest, SHA_LEN);
	wr_u8(w, (uint8_t)f->refusal.why);
	if (f->refusal.why != WHY_NONE)
		write_refusal(w, f);
	else if (f->kind == ASK_ENROL)
		write_enrol(w, &f->enrol);
	else if (f->kind == ASK_ACTIVATE || f->kind == ASK_ATTEST)
		write_attest(w, &f->attest, f->kind == ASK_ACTIVATE);
	else
		wr_view32(w, f->text);
	return wr_ok(w) ? 0 : -1;
}

static void read_text(struct rd *r, struct facts *f)
{
	f->text = rd_view32(r);
	rd_require(r, f->text.n <= (f->kind == ASK_DOCUMENT ? DOCUMENT_MAX : QUERY_MAX));
}

int facts_read(struct view v, struct facts *out, struct err *e)
{
	struct rd r = rd_of(v);
	struct ask head;

	/* Built in place: the struct is too large to keep twice. On -1 it is cleared, so nothing of it can be used. */
	facts_clear(out);
	rd_require(&r, ask_head_read(&r, &head));
	out->ticket = head.ticket;
	out->kind = head.kind;
	out->role = head.role;
	memcpy(out->peer, head.peer, NAME_CAP);
	rd_copy(&r, out->ask_digest, SHA_LEN);
	out->refusal.why = (enum why)rd_upto(&r, rd_u8(&r), WHY_COUNT - 1);
	if (out->refusal.why != WHY_NONE)
		read_refusal(&r, out);
	else if (out->kind == ASK_ENROL)
		read_enrol(&r, &out->enrol);
	else if (out->kind == ASK_ACTIVATE || out->kind == ASK_ATTEST)
		read_attest(&r, &out->attest, out->kind == ASK_ACTIVATE);
	else
		read_text(&r, out);
	if (rd_end(&r))
		return 0;
	facts_clear(out);
	return err_set(e, WHY_MALFORMED, "facts: cut short, too long or out of range");
}
