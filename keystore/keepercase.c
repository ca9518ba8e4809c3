/* One verdict to its answer. The JSON is written straight into the answer: a renewal is two signatures and no parsing.
 */
#include <string.h>

#include "base/json.h"
#include "keystore/keystore.h"

enum {
	BACKDATE_S = 60, /* clocks of cloudlets may be a little behind */
	SPIFFE_PATH = 16 + NAME_CAP,
};

struct keeping { /* one case at work */
	const struct keyring *k;
	const struct verdict *v;
	struct view ca_pem;
	const char *trust_domain;
	time_t now;
	struct jw j;
};

void keeper_refuse(struct wr *w, uint64_t case_no, const struct err *refusal, const uint8_t *nonce)
{
	struct jw j = jw_to(w);
	jw_obj(&j, NULL);
	jw_int(&j, "case", (int64_t)case_no);
	jw_obj(&j, "error");
	jw_str(&j, "reason", why_name(refusal->why));
	jw_str(&j, "sentence", refusal->text);
	if (refusal->hint[0])
		jw_str(&j, "hint", refusal->hint);
	jw_end_obj(&j);
	if (nonce)
		jw_b64(&j, "nonce", VIEW(nonce, NONCE_LEN));
	jw_end_obj(&j);
}

static int malformed(struct err *e, const char *what)
{
	return err_set(e, WHY_SYSTEM, "the verdict has %s", what);
}

/* ---- Enrolment ---- */

static int answer_credential(struct keeping *c, struct err *e)
{
	struct ek_pub ek;
	struct tpm_pub ak;
	struct credential made;
	if (!c->v->has_nonce)
		return malformed(e, "no nonce to hide");
	if (ekpub_parse(c->v->ek, &ek, e) != 0)
		return -1;
	if (tpmpub_parse(c->v->ak, &ak, e) != 0 || tpmpub_is_ak(&ak, e) != 0)
		return err_in(e, "attestation key");
	if (credential_make(&ek, ak.name, c->v->nonce, &made, e) != 0)
		return -1;
	jw_obj(&c->j, NULL);
	jw_int(&c->j, "case", (int64_t)c->v->case_no);
	jw_obj(&c->j, "credential");
	jw_b64(&c->j, "blob", VIEW(made.blob, made.nblob));
	jw_b64(&c->j, "secret", VIEW(made.secret, made.nsecret));
	jw_end_obj(&c->j);
	jw_end_obj(&c->j);
	return 0;
}

/* ---- Leases and keys ---- */

static void put_grant(struct jw *j, const struct grant *g)
{
	jw_str(j, "domain", g->domain);
	jw_str(j, "dataset", g->dataset);
	jw_int(j, "epoch", g->epoch);
	jw_int(j, "generation", g->generation);
}

static struct lease_terms grant_terms(const struct verdict *v, const struct grant *g)
{
	struct lease_terms t = {
	        .pcr_mask = PCR_MASK,
	        .reset_count = v->reset_count,
	        .restart_count = v->restart_count,
	        .counter = v->counter,
	        .deadline_ms = g->deadline_ms,
	        .has_tag = v->has_tag,
	};
	memcpy(t.pcr_digest, v->pcr_digest, SHA_LEN);
	memcpy(t.tag, v->tag, SHA_LEN);
	memcpy(t.tag_name, v->tag_name, TPM_NAME_LEN);
	return t;
}

static int put_lease(struct keeping *c, const struct grant *g, struct err *e)
{
	struct lease_terms t = grant_terms(c->v, g);
	uint8_t approved[SHA_LEN], ref[SHA_LEN], digest[SHA_LEN], sig[ES256_SIG];
	lease_approved(approved, &t);
	policyref(ref, g->domain, g->dataset, g->epoch, g->generation);
	lease_digest(digest, approved, ref);
	if (es256_sign_digest(c->k->lease, digest, sig, e) != 0)
		return err_in(e, "lease of %s", g->dataset);
	jw_obj(&c->j, NULL);
	put_grant(&c->j, g);
	jw_hex(&c->j, "pcr_digest", VIEW_OF(t.pcr_digest));
	jw_int(&c->j, "reset_count", t.reset_count);
	jw_int(&c->j, "restart_count", t.restart_count);
	jw_int(&c->j, "counter", (int64_t)t.counter);
	jw_int(&c->j, "deadline_ms", (int64_t)t.deadline_ms);
	if (t.has_tag) {
		jw_hex(&c->j, "tag", VIEW_OF(t.tag));
		jw_hex(&c->j, "tag_name", VIEW_OF(t.tag_name));
	}
	jw_b64(&c->j, "signature", VIEW_OF(sig));
	jw_end_obj(&c->j);
	return 0;
}

static int put_leases(struct keeping *c, struct err *e)
{
	jw_arr(&c->j, "leases");
	for (size_t i = 0; i < c->v->ngrants; i++)
		if (put_lease(c, &c->v->grants[i], e) != 0)
			return -1;
	jw_end_arr(&c->j);
	return 0;
}

static int seal_grant(
        const struct keyring *k, const struct grant *g, const struct tpm_pub *srk, struct sealed *out, struct err *e)
{
	AUTO(secret_free) struct secret *key = secret_new();
	uint8_t policy[SHA_LEN] = {0}, ref[SHA_LEN], name[TPM_NAME_LEN];
	if (!key)
		return err_sys(e, "no locked memory for a dataset's key");
	if (keyring_dataset_key(k, g->domain, g->dataset, g->epoch, key, e) != 0)
		return -1;
	policyref(ref, g->domain, g->dataset, g->epoch, g->generation);
	extkey_name(name, k->lease->pub);
	lease_policy_authorize(policy, name, VIEW(ref, SHA_LEN));
	return seal_to(srk, policy, key, out, e);
}

static int put_key(struct keeping *c, const struct grant *g, const struct tpm_pub *srk, struct err *e)
{
	struct sealed s;
	if (seal_grant(c->k, g, srk, &s, e) != 0)
		return err_in(e, "key of %s", g->dataset);
	jw_obj(&c->j, NULL);
	put_grant(&c->j, g);
	jw_b64(&c->j, "public", VIEW(s.public, s.npublic));
	jw_b64(&c->j, "duplicate", VIEW(s.duplicate, s.nduplicate));
	jw_b64(&c->j, "seed", VIEW(s.seed, s.nseed));
	jw_end_obj(&c->j);
	return 0;
}

static int put_keys(struct keeping *c, struct err *e)
{
	struct tpm_pub srk;
	bool parsed = false;
	jw_arr(&c->j, "keys");
	for (size_t i = 0; i < c->v->ngrants; i++) {
		const struct grant *g = &c->v->grants[i];
		if (!g->with_key)
			continue;
		if (!parsed && tpmpub_parse(c->v->srk, &srk, e) != 0)
			return err_in(e, "storage key");
		parsed = true;
		if (put_key(c, g, &srk, e) != 0)
			return -1;
	}
	jw_end_arr(&c->j);
	return 0;
}

/* ---- The result ---- */

/* Straight into the answer: base64url and dots need no escape. */
static int put_result_token(struct keeping *c, struct err *e)
{
	jw_raw(&c->j, "result", VIEW("\"", 1));
	if (jws_sign(c->j.w, c->k->result, TYP_EAR, c->v->body, e) != 0)
		return err_in(e, "result");
	wr_u8(c->j.w, '"');
	return 0;
}

static int put_certificate(struct keeping *c, struct err *e)
{
	struct tpm_pub id;
	char path[SPIFFE_PATH];
	AUTO(mem_free) char *pem = NULL;
	struct wr w = wr_to(path, sizeof path);
	if (c->v->certificate_s == 0 || c->v->certificate_s > CERTIFICATE_S)
		return malformed(e, "a certificate of no proper life");
	if (tpmpub_parse(c->v->id, &id, e) != 0 || tpmpub_is_id(&id, e) != 0)
		return err_in(e, "TLS key");
	wr_fmt(&w, "cloudlet/%s", c->v->machine);
	wr_u8(&w, 0);
	struct ca_request q = {
	        .trust_domain = c->trust_domain,
	        .path = path,
	        .pub = id.xy,
	        .not_before = c->now - BACKDATE_S,
	        .not_after = c->now + (time_t)c->v->certificate_s,
	};
	if (ca_issue(c->k->ca, c->ca_pem, &q, &pem, e) != 0)
		return -1;
	jw_str(&c->j, "certificate", pem);
	return 0;
}

static int answer_result(struct keeping *c, struct err *e)
{
	const struct verdict *v = c->v;
	jw_obj(&c->j, NULL);
	jw_int(&c->j, "case", (int64_t)v->case_no);
	jw_str(&c->j, "decision", v->ngrants > 0 || v->refusal.why == WHY_NONE ? "allow" : "deny");
	if (put_result_token(c, e) != 0)
		return -1;
	if (v->has_nonce)
		jw_b64(&c->j, "nonce", VIEW_OF(v->nonce));
	jw_b64(&c->j, "lease_key", VIEW_OF(c->k->lease->pub));
	if (put_leases(c, e) != 0 || put_keys(c, e) != 0)
		return -1;
	if (v->with_certificate && put_certificate(c, e) != 0)
		return -1;
	jw_end_obj(&c->j);
	return 0;
}

/* ---- Documents, listings, reports ---- */

/* The result key signs three things for three readers; a typ of ours that means trust is not among them. */
static int answer_signed(struct keeping *c, struct err *e)
{
	struct view typ = VIEW(c->v->typ, strnlen(c->v->typ, sizeof c->v->typ));
	if (!view_is(typ, TYP_LISTING) && !view_is(typ, TYP_REPORT))
		return malformed(e, "a type that is not signed on request");
	return jws_flat_sign(c->j.w, c->k->result, c->v->typ, c->v->body, e);
}

static int answer_refusal(struct keeping *c, struct err *e)
{
	if (c->v->refusal.why == WHY_NONE)
		return malformed(e, "a refusal without a reason");
	keeper_refuse(c->j.w, c->v->case_no, &c->v->refusal, c->v->has_nonce ? c->v->nonce : NULL);
	return 0;
}

/* ---- One case ---- */

static bool is_object(struct view v)
{
	return v.n > 2 && v.p[0] == '{' && v.p[v.n - 1] == '}';
}

static int check_grants(const struct verdict *v, struct err *e)
{
	if (v->ngrants > DATASETS_MAX)
		return malformed(e, "too many grants");
	if (v->ngrants > 0 && (v->counter == 0 || v->counter > INT64_MAX))
		return malformed(e, "grants for no value of a revocation counter");
	for (size_t i = 0; i < v->ngrants; i++) {
		const struct grant *g = &v->grants[i];
		if (!name_ok(g->domain) || !name_ok(g->dataset))
			return malformed(e, "a grant without proper names");
		if (g->deadline_ms == 0 || g->deadline_ms > INT64_MAX)
			return malformed(e, "a grant without a deadline");
	}
	return 0;
}

static int check(const struct verdict *v, struct err *e)
{
	bool about_machine = v->kind == VERDICT_CREDENTIAL || v->kind == VERDICT_RESULT;
	bool with_body = v->kind == VERDICT_RESULT || v->kind == VERDICT_RECEIPT || v->kind == VERDICT_SIGNED;
	if (about_machine && !name_ok(v->machine))
		return malformed(e, "no proper machine name");
	if (with_body && !is_object(v->body))
		return malformed(e, "a body that is no JSON object");
	if (v->kind != VERDICT_RESULT && v->ngrants > 0)
		return malformed(e, "grants that it can not give");
	return check_grants(v, e);
}

static int answer_kind(struct keeping *c, struct err *e)
{
	switch (c->v->kind) {
	case VERDICT_REFUSAL:
		return answer_refusal(c, e);
	case VERDICT_CREDENTIAL:
		return answer_credential(c, e);
	case VERDICT_RESULT:
		return answer_result(c, e);
	case VERDICT_RECEIPT:
		wr_view(c->j.w, c->v->body);
		return 0;
	case VERDICT_SIGNED:
		return answer_signed(c, e);
	default:
		return malformed(e, "no kind");
	}
}

int keeper_answer(const struct keyring *k, struct view ca_pem, const char *trust_domain, const struct verdict *v,
        time_t now, struct wr *w, enum why *why, struct err *e)
{
	struct wr before = *w;
	struct keeping c = {.k = k, .v = v, .ca_pem = ca_pem, .trust_domain = trust_domain, .now = now, .j = jw_to(w)};
	int result = check(v, e) == 0 ? answer_kind(&c, e) : -1;
	if (result == 0 && !wr_ok(w))
		result = err_set(e, WHY_SYSTEM, "the answer is larger than %d bytes", ANSWER_BODY_MAX);
	if (result != 0) {
		*w = before;
		return -1;
	}
	*why = v->kind == VERDICT_REFUSAL ? v->refusal.why : WHY_NONE;
	return 0;
}
