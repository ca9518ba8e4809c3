#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/hex.h"
#include "base/json.h"
#include "cmd/kit.h"
#include "policy/policy.h"
#include "tests/bench/bench.h"

enum { DOCUMENT_SMALL = 4096 };

int recruit_make(struct recruit *r, const struct scene *s, struct player *p, struct err *e)
{
	*r = (struct recruit){.actor = {.scene = s, .player = p}};
	return softtpm_key(&r->actor.ak, SOFTTPM_AK, NULL, e) != 0 ||
	                       softtpm_key(&r->actor.id, SOFTTPM_ID, NULL, e) != 0 ||
	                       softtpm_key(&r->ek, SOFTTPM_EK, NULL, e) != 0 ||
	                       softtpm_key(&r->srk, SOFTTPM_SRK, NULL, e) != 0
	               ? -1
	               : 0;
}

void recruit_drop(struct recruit *r)
{
	actor_close(&r->actor);
	softtpm_drop(&r->ek);
	softtpm_drop(&r->srk);
}

/* ---- The officer ---- */

/* A new version each time would be stale or not by what an earlier, unfinished run left: the clock always moves on. */
static int put(struct kit *kit, const struct es256 *officer, enum doc_kind kind, const char *name, const char *body,
        struct err *e)
{
	uint8_t text[DOCUMENT_SMALL];
	struct wr w = wr_to(text, sizeof text);
	int64_t now = (int64_t)time(NULL);

	if (document_sign(&w, officer, kind, name, (uint32_t)now, now, VIEW(body, strlen(body)), e) != 0)
		return -1;
	AUTO(json_free) json_t *receipt = kit_post(kit, wr_done(&w), e);
	return receipt ? 0 : err_in(e, "%s %s", doc_kind_name(kind), name);
}

int recruit_admit(const struct recruit *r, struct kit *kit, const struct es256 *officer, struct err *e)
{
	const char *name = r->actor.player->name;
	char hex[2 * SHA_LEN + 1], body[128];
	uint8_t digest[SHA_LEN];

	sha256(digest, softtpm_view(&r->ek));
	snprintf(body, sizeof body, "{\"ek_sha256\":\"%s\"}", hex_put(hex, digest, SHA_LEN));
	return put(kit, officer, DOC_CLOUDLET, name, "{\"state\":\"admitted\"}", e) != 0
	               ? -1
	               : put(kit, officer, DOC_EK, name, body, e);
}

/* ---- The machine ---- */

static int open_credential(const struct recruit *r, struct view answer, struct err *e)
{
	AUTO(json_free) json_t *j = json_read(answer, WIRE_MAX, e);
	const json_t *o = json_object_get(j, "credential");
	const struct actor *a = &r->actor;
	struct credential c;

	if (!o)
		return err_set(e, WHY_MALFORMED, "the answer has no credential");
	if (json_get_b64(o, "blob", c.blob, sizeof c.blob, &c.nblob, e) != 0 ||
	        json_get_b64(o, "secret", c.secret, sizeof c.secret, &c.nsecret, e) != 0)
		return -1;
	return softtpm_activate(
	        &r->ek, &a->ak.pub, VIEW(c.blob, c.nblob), VIEW(c.secret, c.nsecret), a->player->nonce, e);
}

static int ask_credential(const struct recruit *r, struct wire *wire, struct err *e)
{
	uint8_t claims[CLAIMS_MAX], body[CLAIMS_MAX + 4 * TPM_PUBLIC_MAX + 64];
	struct evidence ev = {.part = {[PART_AK] = softtpm_view(&r->actor.ak),
	                              [PART_EK] = softtpm_view(&r->ek),
	                              [PART_ID] = softtpm_view(&r->actor.id),
	                              [PART_SRK] = softtpm_view(&r->srk)}};
	struct wr w = wr_to(body, sizeof body);
	struct view answer;
	int status;

	if (actor_claims(&r->actor, true, claims, &ev.part[PART_CLAIMS], e) != 0)
		return -1;
	evidence_write(&w, &ev);
	return wire_post(wire, "/v1/enrol", wr_done(&w), &status, &answer, e) != 0 ? -1 : open_credential(r, answer, e);
}

static int keep_text(char *to, size_t cap, const char *text, struct err *e)
{
	size_t n = text ? strlen(text) : 0;

	if (n == 0 || n >= cap)
		return err_set(e, WHY_SYSTEM, "a key or certificate has %zu characters, not 1 to %zu", n, cap - 1);
	memcpy(to, text, n + 1);
	return 0;
}

static int keep_key(char to[FLEET_KEY], const struct es256 *k, struct err *e)
{
	AUTO(mem_free) char *pem = NULL;
	size_t n;

	return es256_private_pem(k, VIEW("", 0), &pem, &n, e) != 0 ? -1 : keep_text(to, FLEET_KEY, pem, e);
}

static int activate(const struct recruit *r, struct wire *wire, struct err *e)
{
	static uint8_t body[ACTOR_EVIDENCE_MAX];
	struct wr w = wr_to(body, sizeof body);
	struct player *p = r->actor.player;
	struct view answer;
	int status;

	if (actor_evidence(&r->actor, ACTOR_WITH_LOG, &r->srk, &w, e) != 0 ||
	        wire_post(wire, "/v1/activate", wr_done(&w), &status, &answer, e) != 0 ||
	        actor_result(p, answer, e) != 0)
		return -1;
	AUTO(json_free) json_t *j = json_read(answer, WIRE_MAX, e);
	return keep_key(p->ak, r->actor.ak.key, e) != 0 || keep_key(p->id, r->actor.id.key, e) != 0
	               ? -1
	               : keep_text(p->certificate, sizeof p->certificate,
	                         json_string_value(json_object_get(j, "certificate")), e);
}

int recruit_enrol(const struct recruit *r, struct wire *stranger, struct err *e)
{
	if (ask_credential(r, stranger, e) != 0 || activate(r, stranger, e) != 0)
		return err_in(e, "%s", r->actor.player->name);
	return 0;
}
