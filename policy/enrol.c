/* Enrolment: an endorsement key that is believed, a credential that hides the first nonce, and the activation that proves
 * that one TPM holds every key. */
#include <string.h>

#include "base/hex.h"
#include "policy/decider.h"

struct keys {
	struct ek_pub ek;
	struct tpm_pub ak, id, srk;
	uint8_t ek_sha256[SHA_LEN];
};

static int parse_key(struct view v, struct tpm_pub *out, const char *what, struct err *e)
{
	return tpmpub_parse(v, out, e) == 0 ? 0 : err_in(e, "%s", what);
}

/* The judge looked at the attributes already; a software AK must not pass on its word (A04, A05). */
static int parse_keys(const struct facts_enrol *x, struct keys *k, struct err *e)
{
	if (ekpub_parse(x->ek, &k->ek, e) || parse_key(x->ak, &k->ak, "attestation key", e) ||
	        tpmpub_is_ak(&k->ak, e) || parse_key(x->id, &k->id, "TLS key", e) || tpmpub_is_id(&k->id, e) ||
	        parse_key(x->srk, &k->srk, "storage root key", e) || tpmpub_is_srk(&k->srk, e))
		return -1;
	sha256(k->ek_sha256, x->ek);
	return 0;
}

/* By the vendors that officers signed for, and those that the authority was made with: one is enough. */
static int check_certificate(struct decider *d, const struct facts_enrol *x, const struct ek_pub *ek, struct err *e)
{
	struct view chain[EK_CHAIN_MAX];
	bool *expired = &d->issuer_expired;
	size_t n = 0;

	if (ekcert_chain(x->ek_chain, chain, &n, e))
		return -1;
	err_set(e, WHY_UNTRUSTED, "this authority has no vendor roots, so it believes no EK certificate");
	for (uint32_t i = 0; i < d->book.n[DOC_VENDOR]; i++) {
		const struct document *v = d->book.doc[DOC_VENDOR][i];
		if (ekcert_check(v->vendor, x->ek_cert, chain, n, ek, (time_t)d->now, expired, e) == 0)
			return 0;
	}
	return d->roots ? ekcert_check(d->roots, x->ek_cert, chain, n, ek, (time_t)d->now, expired, e) : -1;
}

static int disbelieved(const char *machine, const uint8_t ek[SHA_LEN], struct err *e)
{
	char hex[2 * SHA_LEN + 1];

	if (e->why == WHY_NONE)
		err_set(e, WHY_UNTRUSTED,
		        "the TPM of %s has no certificate for its endorsement key, and nobody has approved the key",
		        machine);
	return err_hint(
	        e, "if it is the right machine: merestone ek approve %s %s", machine, hex_put(hex, ek, SHA_LEN));
}

/* By the officer's pin, by an approval, or by the vendor's chain. A pin excludes every other key. */
static int endorse(
        struct decider *d, const struct facts_enrol *x, const struct keys *k, enum endorsed *by, struct err *e)
{
	const struct doc_cloudlet *c = &d->cloudlet.doc;
	uint8_t approved[SHA_LEN];
	struct err why = {0};

	if (c->has_ek && !mem_equal(c->ek_sha256, k->ek_sha256, SHA_LEN)) {
		err_set(e, WHY_REFUSED, "cloudlet %s is pinned to another endorsement key", x->machine);
		return -1;
	}
	int got = shelf_ek(&d->store, x->machine, approved, e);
	if (got < 0)
		return -1;
	bool hash = c->has_ek || (got == 1 && mem_equal(approved, k->ek_sha256, SHA_LEN));
	if (x->ek_cert.n > 0 && check_certificate(d, x, &k->ek, &why) == 0) {
		*by = ENDORSED_BY_CERTIFICATE;
		return 0;
	}
	*by = ENDORSED_BY_HASH;
	if (hash)
		return 0;
	*e = why;
	return disbelieved(x->machine, k->ek_sha256, e);
}

/* One identity per TPM, one TPM per identity (A39, A40). An officer's pin of this very EK permits a new AK or TPM. */
static int unclaimed(struct decider *d, const char *name, const uint8_t ek[SHA_LEN], struct view ak, struct err *e)
{
	struct machine *m = &d->machine;
	char other[NAME_CAP];
	int got = machine_of_ek(&d->store, ek, other, e);

	if (got < 0)
		return -1;
	if (got == 1 && strcmp(other, name) != 0) {
		err_set(e, WHY_REFUSED, "this TPM is enrolled as %s already, and a TPM has one name", other);
		return err_hint(e, "enrol it as %s", other);
	}
	got = machine_get(&d->store, name, m, e);
	if (got <= 0)
		return got;
	if (d->cloudlet.doc.has_ek || (mem_equal(m->ek, ek, SHA_LEN) && view_equal(public_view(&m->ak), ak)))
		return 0;
	err_set(e, WHY_REFUSED, "%s is enrolled with other keys, which stay in force", name);
	return err_hint(e, "to let it change its TPM, pin the new key: merestone cloudlet add %s --ek SHA256", name);
}

static void fill_pending(struct pending *p, const struct facts_enrol *x, const struct keys *k, int64_t now)
{
	memcpy(p->name, x->machine, sizeof p->name);
	memcpy(p->ak_name, k->ak.name, sizeof p->ak_name);
	memcpy(p->ek, k->ek_sha256, sizeof p->ek);
	p->time = now;
}

/* The same keys that ask again get the same secret: a stranger's repetition must not spoil an activation under way. */
static int wait_for_activation(struct decider *d, const struct facts_enrol *x, const struct keys *k, enum endorsed by,
        struct pending *p, struct err *e)
{
	int got = pending_get(&d->store, x->machine, k->ak.name, d->now, p, e);

	if (got < 0)
		return -1;
	if (got == 1 && mem_equal(p->ek, k->ek_sha256, SHA_LEN) && view_equal(public_view(&p->id), x->id) &&
	        view_equal(public_view(&p->srk), x->srk) && p->endorsed == by)
		return 0;
	memset(p, 0, sizeof *p);
	fill_pending(p, x, k, d->now);
	p->endorsed = by;
	if (!public_set(&p->ak, x->ak) || !public_set(&p->id, x->id) || !public_set(&p->srk, x->srk))
		return err_set(e, WHY_MALFORMED, "a public area is longer than %d bytes", TPM_PUBLIC_MAX);
	return nonce_new(p->nonce, e) ? -1 : pending_put(&d->store, p, e);
}

int enrol_ask(struct decider *d, const struct facts *f, struct verdict *v, struct err *e)
{
	const struct facts_enrol *x = &f->enrol;
	struct keys k;
	struct pending p;
	enum endorsed by;

	if (appraise_admitted(d, x->machine, e) || parse_keys(x, &k, e) || endorse(d, x, &k, &by, e) ||
	        unclaimed(d, x->machine, k.ek_sha256, x->ak, e) || wait_for_activation(d, x, &k, by, &p, e))
		return -1;
	v->kind = VERDICT_CREDENTIAL;
	v->has_nonce = true;
	memcpy(v->nonce, p.nonce, NONCE_LEN);
	v->ek = x->ek;
	v->ak = x->ak;
	mem_wipe(&p, sizeof p);
	return 0;
}

/* ---- Activation ---- */

static int find_pending(struct decider *d, const struct facts_attest *a, struct pending *p, struct err *e)
{
	const char *name = a->claims.machine;
	struct tpm_pub ak;

	if (appraise_admitted(d, name, e) || tpmpub_parse(a->ak, &ak, e))
		return -1;
	int got = pending_get(&d->store, name, ak.name, d->now, p, e);
	if (got < 0)
		return -1;
	if (got == 0) {
		err_set(e, WHY_STALE, "no enrolment of %s with this attestation key waits to be activated", name);
		return err_hint(e, "merestone-agent enrol");
	}
	const struct doc_cloudlet *c = &d->cloudlet.doc;
	if (c->has_ek && !mem_equal(c->ek_sha256, p->ek, SHA_LEN))
		return err_set(e, WHY_REFUSED, "cloudlet %s is pinned to another endorsement key", name);
	if (!view_equal(a->id, public_view(&p->id)) || !view_equal(a->srk, public_view(&p->srk)))
		return err_set(e, WHY_FORGED, "the keys to be activated are not those that %s enrolled with", name);
	return 0;
}

/* The TPM that opened the credential says of the TLS key and the storage key: they are mine. */
static int certified(const struct facts_attest *a, const struct pending *p, const uint8_t extra[SHA_LEN], struct err *e)
{
	struct tpm_pub ak, id, srk;

	if (tpmpub_parse(public_view(&p->ak), &ak, e) || tpmpub_parse(public_view(&p->id), &id, e) ||
	        tpmpub_parse(public_view(&p->srk), &srk, e))
		return err_in(e, "stored keys");
	if (certify_check(a->id_certify, a->id_certify_sig, &ak, &id, extra, e))
		return err_in(e, "certification of the TLS key");
	if (certify_check(a->srk_certify, a->srk_certify_sig, &ak, &srk, extra, e))
		return err_in(e, "certification of the storage root key");
	return 0;
}

static int prove(struct decider *d, const struct facts_attest *a, const struct pending *p, struct quote *q,
        uint8_t extra[SHA_LEN], struct err *e)
{
	if (appraise_evidence(a, public_view(&p->ak), public_view(&p->id), p->nonce, q, extra, e) ||
	        certified(a, p, extra, e) || unclaimed(d, p->name, p->ek, public_view(&p->ak), e))
		return -1;
	if (!a->has_log)
		return err_set(e, WHY_STALE, "send the event log of this boot: an enrolment begins with it");
	return 0;
}

static int new_machine(struct decider *d, const struct pending *p, const struct quote *q, struct err *e)
{
	struct machine *m = &d->machine;
	int got = machine_get(&d->store, p->name, m, e);

	if (got < 0)
		return -1;
	if (got == 0 || !mem_equal(m->ek, p->ek, SHA_LEN)) {
		memset(&m->leased, 0, sizeof m->leased);
		placestate_clear(&m->place);
	}
	memset(m, 0, offsetof(struct machine, leased));
	if (machine_next(&d->store, &m->generation, e))
		return -1;
	memcpy(m->name, p->name, sizeof m->name);
	memcpy(m->ek, p->ek, sizeof m->ek);
	m->endorsed = p->endorsed;
	m->ak = p->ak;
	m->id = p->id;
	m->srk = p->srk;
	m->clock = q->clock;
	m->has_nonce = true;
	m->nonce_time = d->now;
	return nonce_new(m->nonce, e);
}

int enrol_activate(struct decider *d, const struct facts *f, struct verdict *v, struct err *e)
{
	const struct facts_attest *a = &f->attest;
	uint8_t extra[SHA_LEN];
	struct pending p;
	struct quote q;
	int changed;

	if (find_pending(d, a, &p, e) || prove(d, a, &p, &q, extra, e) || new_machine(d, &p, &q, e) ||
	        located_check(d, a, extra, &d->machine, e) || bounds_check(d, a, p.nonce, e) ||
	        leased_begin(d, a, extra, &d->machine, e) || appraise_log(d, a, &d->machine, e) ||
	        imatrack_take(d, a, &q, e) || outcome_decide(d, f, &d->machine, e) ||
	        pending_take(&d->store, &p, &changed, e))
		return -1;
	if (changed != 1)
		return err_set(e, WHY_STALE, "this enrolment was activated a moment ago");
	if (machine_put(&d->store, &d->machine, e) || imatrack_keep(d, e))
		return -1;
	v->with_certificate = true;
	return outcome_result(d, f, &q, p.nonce, v, e);
}
