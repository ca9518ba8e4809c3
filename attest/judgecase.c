#include <stdlib.h>
#include <string.h>

#include "attest/attest.h"
#include "base/json.h"
#include "base/jws.h"

#define PART(kind) (1u << (kind))

enum {
	PARTS_ENROL = PART(PART_CLAIMS) | PART(PART_AK) | PART(PART_EK) | PART(PART_ID) | PART(PART_SRK),
	PARTS_ENROL_TOO = PART(PART_EK_CERT) | PART(PART_EK_CHAIN),
	PARTS_ATTEST = PART(PART_CLAIMS) | PART(PART_QUOTE) | PART(PART_QUOTE_SIG) | PART(PART_PCRS) | PART(PART_AK),
	PARTS_TAG = PART(PART_TAG) | PART(PART_TAG_CERTIFY) | PART(PART_TAG_CERTIFY_SIG),
	PARTS_COUNTER = PART(PART_COUNTER_CERTIFY) | PART(PART_COUNTER_CERTIFY_SIG),
	PARTS_ATTEST_TOO = PART(PART_EVENTLOG) | PART(PART_IMA) | PARTS_TAG | PARTS_COUNTER | PART(PART_BOUNDS),
	PARTS_ACTIVATE = PARTS_ATTEST | PART(PART_ID) | PART(PART_SRK) | PART(PART_ID_CERTIFY) |
	                 PART(PART_ID_CERTIFY_SIG) | PART(PART_SRK_CERTIFY) | PART(PART_SRK_CERTIFY_SIG),
};

static const char *const part_names[PART_COUNT] = {
        [PART_CLAIMS] = "claims",
        [PART_QUOTE] = "quote",
        [PART_QUOTE_SIG] = "quote signature",
        [PART_PCRS] = "register values",
        [PART_EVENTLOG] = "event log",
        [PART_AK] = "attestation key",
        [PART_EK] = "endorsement key",
        [PART_ID] = "TLS key",
        [PART_SRK] = "storage root key",
        [PART_ID_CERTIFY] = "certification of the TLS key",
        [PART_ID_CERTIFY_SIG] = "signature over the TLS key's certification",
        [PART_SRK_CERTIFY] = "certification of the storage root key",
        [PART_SRK_CERTIFY_SIG] = "signature over the storage root key's certification",
        [PART_EK_CERT] = "endorsement certificate",
        [PART_EK_CHAIN] = "endorsement chain",
        [PART_IMA] = "runtime list",
        [PART_TAG] = "geo tag",
        [PART_TAG_CERTIFY] = "certification of the geo tag",
        [PART_TAG_CERTIFY_SIG] = "signature over the geo tag's certification",
        [PART_BOUNDS] = "landmarks' statements",
        [PART_COUNTER_CERTIFY] = "certification of the revocation counter",
        [PART_COUNTER_CERTIFY_SIG] = "signature over the revocation counter's certification",
};

static int parts_ok(const struct evidence *ev, uint32_t must, uint32_t may, struct err *e)
{
	for (size_t kind = 1; kind < PART_COUNT; kind++) {
		if ((must & PART(kind)) && !ev->part[kind].p)
			return err_set(e, WHY_MALFORMED, "evidence: the %s is missing", part_names[kind]);
		if (ev->part[kind].p && !((must | may) & PART(kind)))
			return err_set(
			        e, WHY_MALFORMED, "evidence: there is no place for the %s here", part_names[kind]);
	}
	return 0;
}

/* The claims name the TLS key, so that who speaks to the door is who attests. */
static int tls_key_ok(const struct claims *c, const struct tpm_pub *id, struct err *e)
{
	uint8_t digest[SHA_LEN];

	sha256(digest, VIEW_OF(id->xy));
	if (!mem_equal(digest, c->tls_key, SHA_LEN))
		return err_set(e, WHY_FORGED, "claims: tls_key is not the digest of the TLS key");
	return 0;
}

static int named_parse(struct view v, struct tpm_pub *out, const char *what, struct err *e)
{
	return tpmpub_parse(v, out, e) == 0 ? 0 : err_in(e, "%s", what);
}

/* ---- Attestation ---- */

static int read_pcrs(struct view v, uint32_t mask, struct pcrs *out, struct err *e)
{
	struct rd r = rd_of(v);

	for (size_t i = 0; i < PCR_COUNT; i++)
		if (mask >> i & 1)
			rd_copy(&r, out->v[i], PCR_LEN);
	if (!rd_end(&r))
		return err_set(e, WHY_MALFORMED, "register values: %zu bytes, not %d", v.n,
		        PCR_LEN * (1 + (mask == QUOTE_MASK ? PCR_QUOTED : IMA_QUOTED)));
	return 0;
}

/* Only once the quote is known to be signed does anybody look at what it is about. */
static int judge_quote(
        const struct evidence *ev, struct facts_attest *a, struct quote *q, struct tpm_pub *ak, struct err *e)
{
	uint32_t mask = claims_mask(&a->claims);

	if (named_parse(ev->part[PART_AK], ak, "attestation key", e) != 0 || tpmpub_is_ak(ak, e) != 0 ||
	        quote_parse(ev->part[PART_QUOTE], mask, q, e) != 0 ||
	        quote_signature(ev->part[PART_QUOTE_SIG], a->quote_sig, e) != 0 ||
	        quote_signed(q, a->quote_sig, ak, e) != 0 || read_pcrs(ev->part[PART_PCRS], mask, &a->pcrs, e) != 0 ||
	        quote_registers(q, &a->pcrs, e) != 0)
		return -1;
	a->quote = ev->part[PART_QUOTE];
	a->ak = ev->part[PART_AK];
	return 0;
}

static int judge_log(struct view log, struct facts_attest *a, struct err *e)
{
	size_t n = 0;

	if (!log.p)
		return 0;
	if (boot_walk(log, &a->boot, a->measured, MEASURED_MAX, &n, e) != 0)
		return err_in(e, "event log");
	if (!mem_equal(a->boot.digest, a->claims.eventlog, SHA_LEN))
		return err_set(e, WHY_FORGED, "claims: eventlog is not the digest of the event log");
	if (boot_explains(&a->boot, &a->pcrs, PCR_MASK, e) != 0)
		return -1;
	a->nmeasured = (uint32_t)n;
	a->has_log = true;
	return 0;
}

/* Form alone: what the entries say, and whether they reach the register, is for the one to find out who keeps how far
 * they had come. */
static int judge_ima(struct view part, struct facts_attest *a, struct err *e)
{
	struct rd r = rd_of(part);
	struct ima_entry x;
	int got;

	if (!part.p)
		return 0;
	if (!a->claims.has_ima)
		return err_set(e, WHY_MALFORMED, "evidence: a runtime list that the claims do not mention");
	if (part.n > IMA_PART_MAX + 1)
		return err_set(e, WHY_MALFORMED, "runtime list: %zu bytes, at most %d are read at once", part.n - 1,
		        IMA_PART_MAX);
	a->ima_more = rd_upto(&r, rd_u8(&r), 1) == 1;
	a->ima = rd_view(&r, rd_left(&r));
	if (!rd_end(&r) || a->ima.n == 0)
		return err_set(e, WHY_MALFORMED, "runtime list: it has no entries");
	struct ima l = ima_open(a->ima, a->claims.ima_offset);
	while ((got = ima_next(&l, &x, e)) == 1)
		;
	return got;
}

/* The tag, and the TPM's word under this nonce that it holds the digest of it. Whose tag it is, and whether an officer
 * signed it, the decider knows. */
static int judge_tag(const struct evidence *ev, struct facts_attest *a, const struct quote *q, const struct tpm_pub *ak,
        struct err *e)
{
	uint8_t name[TPM_NAME_LEN];
	struct tag t;

	if (!ev->part[PART_TAG].p && !ev->part[PART_TAG_CERTIFY].p && !ev->part[PART_TAG_CERTIFY_SIG].p)
		return 0;
	if (parts_ok(ev, PARTS_TAG, UINT32_MAX, e) != 0 || tag_parse(ev->part[PART_TAG], &t, e) != 0)
		return -1;
	tagindex_name(name, t.officer, true);
	if (certify_nv(ev->part[PART_TAG_CERTIFY], ev->part[PART_TAG_CERTIFY_SIG], ak, q->extra, name, t.digest, e) !=
	        0)
		return err_in(e, "geo tag");
	a->tag = ev->part[PART_TAG];
	a->tag_certify = ev->part[PART_TAG_CERTIFY];
	a->tag_certify_sig = ev->part[PART_TAG_CERTIFY_SIG];
	return 0;
}

/* That the counter is what it should be, and what the TPM says now; how it stood before, the decider knows. */
static int judge_counter(const struct evidence *ev, struct facts_attest *a, const struct quote *q,
        const struct tpm_pub *ak, struct err *e)
{
	struct view attest = ev->part[PART_COUNTER_CERTIFY], sig = ev->part[PART_COUNTER_CERTIFY_SIG];
	uint64_t value;

	if (!attest.p && !sig.p)
		return 0;
	if (parts_ok(ev, PARTS_COUNTER, UINT32_MAX, e) != 0 ||
	        certify_counter(attest, sig, ak, q->extra, &value, e) != 0)
		return -1;
	a->counter_certify = attest;
	a->counter_certify_sig = sig;
	return 0;
}

/* Form alone: landmarks' keys are the decider's. */
static int judge_bounds(struct view part, struct facts_attest *a, struct err *e)
{
	struct bounds b;

	if (part.p && bounds_parse(part, &b, e) != 0)
		return -1;
	a->bounds = part;
	return 0;
}

static int judge_attest(
        const struct evidence *ev, struct facts_attest *a, struct quote *q, struct tpm_pub *ak, struct err *e)
{
	if (judge_quote(ev, a, q, ak, e) != 0 || judge_log(ev->part[PART_EVENTLOG], a, e) != 0)
		return -1;
	a->ndigests = (uint32_t)evidence_digests(ev, a->has_log ? a->boot.digest : NULL, a->digests);
	if (judge_tag(ev, a, q, ak, e) != 0 || judge_counter(ev, a, q, ak, e) != 0 ||
	        judge_bounds(ev->part[PART_BOUNDS], a, e) != 0)
		return -1;
	return judge_ima(ev->part[PART_IMA], a, e);
}

/* The other keys are of the same TPM because its attestation key says so, under the same nonce as the quote. */
static int judge_keys(const struct evidence *ev, struct facts_attest *a, const struct quote *q,
        const struct tpm_pub *ak, struct err *e)
{
	struct tpm_pub id, srk;

	if (named_parse(ev->part[PART_ID], &id, "TLS key", e) != 0 || tpmpub_is_id(&id, e) != 0 ||
	        named_parse(ev->part[PART_SRK], &srk, "storage root key", e) != 0 || tpmpub_is_srk(&srk, e) != 0 ||
	        tls_key_ok(&a->claims, &id, e) != 0)
		return -1;
	if (certify_check(ev->part[PART_ID_CERTIFY], ev->part[PART_ID_CERTIFY_SIG], ak, &id, q->extra, e) != 0)
		return err_in(e, "TLS key");
	if (certify_check(ev->part[PART_SRK_CERTIFY], ev->part[PART_SRK_CERTIFY_SIG], ak, &srk, q->extra, e) != 0)
		return err_in(e, "storage root key");
	a->id = ev->part[PART_ID];
	a->srk = ev->part[PART_SRK];
	a->id_certify = ev->part[PART_ID_CERTIFY];
	a->id_certify_sig = ev->part[PART_ID_CERTIFY_SIG];
	a->srk_certify = ev->part[PART_SRK_CERTIFY];
	a->srk_certify_sig = ev->part[PART_SRK_CERTIFY_SIG];
	return 0;
}

/* ---- Enrolment ---- */

/* Attributes before any challenge: activation also works for a key that was made in software (A04, A05). */
static int judge_publics(const struct evidence *ev, const struct claims *c, struct ek_pub *ek, struct err *e)
{
	struct tpm_pub ak, id, srk;

	if (named_parse(ev->part[PART_AK], &ak, "attestation key", e) != 0 || tpmpub_is_ak(&ak, e) != 0 ||
	        ekpub_parse(ev->part[PART_EK], ek, e) != 0 || named_parse(ev->part[PART_ID], &id, "TLS key", e) != 0 ||
	        tpmpub_is_id(&id, e) != 0 || named_parse(ev->part[PART_SRK], &srk, "storage root key", e) != 0 ||
	        tpmpub_is_srk(&srk, e) != 0)
		return -1;
	return tls_key_ok(c, &id, e);
}

/* A certificate that nobody can believe is no refusal yet: an officer may have approved this key by its hash, which the
 * decider knows, as it knows the vendors. */
static int judge_certificate(const struct evidence *ev, const struct ek_pub *ek, struct err *e)
{
	struct view chain[EK_CHAIN_MAX];
	size_t n = 0;

	if (!ev->part[PART_EK_CERT].p)
		return ev->part[PART_EK_CHAIN].p
		               ? err_set(e, WHY_MALFORMED, "evidence: an endorsement chain without a certificate")
		               : 0;
	if (ekcert_chain(ev->part[PART_EK_CHAIN], chain, &n, e) != 0)
		return -1;
	int bad = ekcert_form(ev->part[PART_EK_CERT], chain, n, ek, e);
	return bad && e->why != WHY_UNTRUSTED ? -1 : 0;
}

static int judge_enrol(const struct evidence *ev, const struct claims *c, struct facts_enrol *f, struct err *e)
{
	struct ek_pub ek;

	if (judge_publics(ev, c, &ek, e) != 0 || judge_certificate(ev, &ek, e) != 0)
		return -1;
	f->ek = ev->part[PART_EK];
	f->ak = ev->part[PART_AK];
	f->id = ev->part[PART_ID];
	f->srk = ev->part[PART_SRK];
	f->ek_cert = ev->part[PART_EK_CERT];
	f->ek_chain = ev->part[PART_EK_CHAIN];
	return 0;
}

static int judge_evidence(struct view body, struct facts *f, struct err *e)
{
	struct evidence ev;
	struct quote q;
	struct tpm_pub ak;
	uint32_t must = f->kind == ASK_ENROL ? PARTS_ENROL : f->kind == ASK_ACTIVATE ? PARTS_ACTIVATE : PARTS_ATTEST;
	uint32_t may = f->kind == ASK_ENROL ? PARTS_ENROL_TOO : PARTS_ATTEST_TOO;

	if (evidence_parse(body, &ev, e) != 0 || parts_ok(&ev, must, may, e) != 0 ||
	        claims_parse(ev.part[PART_CLAIMS], &f->attest.claims, e) != 0)
		return -1;
	memcpy(f->enrol.machine, f->attest.claims.machine, NAME_CAP);
	if (f->kind == ASK_ENROL)
		return judge_enrol(&ev, &f->attest.claims, &f->enrol, e);
	if (judge_attest(&ev, &f->attest, &q, &ak, e) != 0)
		return -1;
	return f->kind == ASK_ACTIVATE ? judge_keys(&ev, &f->attest, &q, &ak, e) : 0;
}

/* ---- Documents and queries ---- */

/* Whether the signature is an officer's, and what the document means, only the decider can say. */
static int judge_document(struct view text, struct err *e)
{
	AUTO(mem_free) char *scratch = malloc(text.n + 1);
	struct jws j;

	if (!scratch)
		return err_set(e, WHY_SYSTEM, "document: no memory to read it");
	if (jws_parse(text, ASK_DOCUMENT_TYP, scratch, text.n + 1, &j, e) != 0)
		return err_in(e, "document");
	AUTO(json_free) json_t *o = json_read(j.payload, DOCUMENT_MAX, e);
	return o ? 0 : err_in(e, "document");
}

static bool in_name(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

static size_t span(struct view v, size_t at, bool names)
{
	size_t from = at;

	while (at < v.n && ((v.p[at] >= 'a' && v.p[at] <= 'z') || (names && in_name(v.p[at]))))
		at++;
	return at - from;
}

/* ^[a-z]+(/[A-Za-z0-9-]+){1,2}$ (A90) */
static int judge_query(struct view v, struct err *e)
{
	size_t at = span(v, 0, false);
	size_t words = at > 0 ? 1 : 0;

	while (words > 0 && words < 3 && at < v.n && v.p[at] == '/') {
		size_t n = span(v, at + 1, true);
		if (n == 0)
			break;
		at += 1 + n;
		words++;
	}
	return words >= 2 && at == v.n ? 0
	                               : err_set(e, WHY_MALFORMED, "query: it is not words with slashes between them");
}

static int judge_kind(const struct ask *a, struct facts *f, struct err *e)
{
	switch (a->kind) {
	case ASK_DOCUMENT:
		f->text = a->body;
		return judge_document(a->body, e);
	case ASK_QUERY:
		f->text = a->body;
		return judge_query(a->body, e);
	default:
		return judge_evidence(a->body, f, e);
	}
}

int judge_ask(struct view ask, struct facts *out, struct err *e)
{
	struct ask a;
	struct err why;

	if (ask_read(ask, &a, e) != 0)
		return -1;
	facts_clear(out);
	out->ticket = a.ticket;
	out->kind = a.kind;
	out->role = a.role;
	memcpy(out->peer, a.peer, NAME_CAP);
	if (judge_kind(&a, out, &why) != 0)
		out->refusal = why;
	return 0;
}
