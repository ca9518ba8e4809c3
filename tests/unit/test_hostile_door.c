/* X004: whoever has taken over the door can delay and drop. Here is one who tries more: it says to the real judge, decider
 * and keeper what it likes, and reads every answer. */
#include "base/b64.h"
#include "tests/unit/authoritymaker.h"

/* ---- Documents ---- */

static void refused_document(struct view jws, enum why why)
{
	ringmaker_document(r, jws);
	assert_answered(r, why);
}

static struct view unsigned_document(void)
{
	static const char head[] = "{\"alg\":\"none\",\"typ\":\"" TYP_DOCUMENT "\"}",
	                  payload[] =
	                          "{\"kind\":\"fence\",\"name\":\"berlin\",\"version\":9,\"issued\":1,\"body\":" FENCE(
	                                  "9000000") "}";
	struct wr w = wr_to(r->text, sizeof r->text);

	b64_put(&w, VIEW(head, sizeof head - 1));
	wr_str(&w, ".");
	b64_put(&w, VIEW(payload, sizeof payload - 1));
	wr_str(&w, ".");
	return wr_done(&w);
}

static void attack_X004_a_document_that_no_officer_signed_changes_nothing(void **s)
{
	AUTO(es256_free) struct es256 *forger = es256_generate(&r->e);

	(void)s;
	need_ring();
	AUTO(json_free) json_t *before = ringmaker_list(r, "list/fences");
	refused_document(unsigned_document(), WHY_MALFORMED);
	refused_document(ringmaker_sign(r, forger, DOC_FENCE, "berlin", 2, FENCE("9000000")), WHY_UNTRUSTED);
	memcpy(forger->kid, r->officer->kid, sizeof forger->kid);
	refused_document(ringmaker_sign(r, forger, DOC_FENCE, "berlin", 2, FENCE("9000000")), WHY_FORGED);
	AUTO(json_free) json_t *after = ringmaker_list(r, "list/fences");
	assert_true(json_equal(json_object_get(before, "items"), json_object_get(after, "items")));
}

static void attack_X004_a_document_of_an_older_version_changes_nothing(void **s)
{
	(void)s;
	need_ring();
	struct view old = recorded(ringmaker_sign(r, r->officer, DOC_FENCE, "berlin", 2, FENCE("200000")));
	refused_document(old, WHY_NONE);
	ringmaker_put(r, DOC_FENCE, "berlin", 3, FENCE("50000"));
	AUTO(json_free) json_t *before = ringmaker_list(r, "list/fences");
	refused_document(old, WHY_STALE);
	refused_document(ringmaker_sign(r, r->officer, DOC_FENCE, "berlin", 3, FENCE("200000")), WHY_STALE);
	AUTO(json_free) json_t *after = ringmaker_list(r, "list/fences");
	assert_true(json_equal(json_object_get(before, "items"), json_object_get(after, "items")));
}

/* ---- Evidence ---- */

static void attack_X004_evidence_of_one_machine_is_not_anothers(void **s)
{
	(void)s;
	need_ring();
	give_evidence("berlin-2", evidence_of(&a));
	assert_answered(r, WHY_REFUSED);
	releases_nothing();
	/* the claims say so too: then the quote is over other claims */
	machinemaker_attest(&a.m, a.nonce, true);
	char *name = memmem(a.m.room, a.m.w.n, "berlin-1", 8);
	assert_non_null(name);
	name[7] = '2';
	give_evidence("berlin-2", container(&a.m));
	assert_answered(r, WHY_FORGED);
	releases_nothing();
	is_well(&a);
	is_well(&b);
}

static void attack_X004_evidence_that_was_recorded_is_stale(void **s)
{
	(void)s;
	need_ring();
	struct view old = recorded(evidence_of(&a));
	give_evidence("berlin-1", old);
	assert_answered(r, WHY_NONE);
	take_nonce(&a);
	give_evidence("berlin-1", old);
	assert_answered(r, WHY_STALE);
	releases_nothing();
	is_well(&a);
}

static void attack_X004_a_role_or_peer_of_the_doors_making_opens_nothing(void **s)
{
	static const enum role roles[] = {ROLE_NONE, ROLE_OFFICER, ROLE_OPERATOR, ROLE_AUDITOR};

	(void)s;
	need_ring();
	struct view v = recorded(evidence_of(&a));
	for (size_t i = 0; i < COUNT(roles); i++) {
		ringmaker_ask(r, ASK_ATTEST, roles[i], "berlin-1", v);
		assert_answered(r, WHY_REFUSED);
		releases_nothing();
	}
	ringmaker_ask(r, ASK_ATTEST, ROLE_CLOUDLET, "", v);
	assert_answered(r, WHY_REFUSED);
	ringmaker_ask(r, ASK_QUERY, ROLE_CLOUDLET, "berlin-1", VIEW("list/cloudlets", 14));
	assert_answered(r, WHY_REFUSED);
	give_evidence("berlin-1", v);
	assert_answered(r, WHY_NONE);
}

static void attack_X004_a_tpm_of_the_doors_own_gets_no_admitted_name(void **s)
{
	(void)s;
	need_ring();
	ringmaker_put(r, DOC_CLOUDLET, "berlin-3", 1, "{\"state\":\"admitted\"}");
	enrol(&stranger);
	assert_answered(r, WHY_UNTRUSTED);
	assert_null(json_object_get(r->json, "credential"));
	snprintf(stranger.m.claims.machine, sizeof stranger.m.claims.machine, "berlin-1");
	enrol(&stranger);
	assert_answered(r, WHY_REFUSED);
	assert_null(json_object_get(r->json, "credential"));
	is_well(&a);
}

/* Between a machine that enrols and the authority, the door puts a storage key of which it holds the private half. */
static void attack_X004_a_door_slips_in_no_key_of_its_own(void **s)
{
	struct tpm_key own = {0};

	(void)s;
	need_ring();
	tpmmaker_key(&own, TPMMAKER_SRK);
	admit(&stranger);
	machinemaker_enrol(&stranger.m);
	stranger.m.ev.part[PART_SRK] = tpmmaker_view(&own);
	ringmaker_ask(r, ASK_ENROL, ROLE_NONE, "", container(&stranger.m));
	take_credential(&stranger);
	machinemaker_activate(&stranger.m, stranger.nonce);
	ringmaker_ask(r, ASK_ACTIVATE, ROLE_NONE, "", container(&stranger.m));
	assert_answered(r, WHY_FORGED);
	releases_nothing();
	machinemaker_activate(&stranger.m, stranger.nonce);
	stranger.m.ev.part[PART_SRK] = tpmmaker_view(&own);
	ringmaker_ask(r, ASK_ACTIVATE, ROLE_NONE, "", container(&stranger.m));
	assert_int_not_equal(r->answer.why, WHY_NONE);
	releases_nothing();
	tpmmaker_drop(&own);
}

/* ---- Answers ---- */

static bool heard(struct view v)
{
	return memmem(r->heard, r->nheard, v.p, v.n) != NULL;
}

/* As bytes, in hexadecimal, or in base64url at each of the three places where it may start in a text. */
static bool heard_in_any_form(const uint8_t secret[SECRET_LEN])
{
	uint8_t shifted[2 + SECRET_LEN] = {0}, text[64];
	char hex[2 * SECRET_LEN + 1];

	if (heard(VIEW(secret, SECRET_LEN)) || heard(VIEW(hex_put(hex, secret, SECRET_LEN), (size_t)2 * SECRET_LEN)))
		return true;
	memcpy(shifted + 2, secret, SECRET_LEN);
	for (size_t before = 0; before < 3; before++) {
		struct wr w = wr_to(text, sizeof text);
		b64_put(&w, VIEW(shifted + 2 - before, before + SECRET_LEN - (before + SECRET_LEN) % 3));
		size_t skip_n = before > 0 ? 4 : 0; /* they depend on what stands in front */
		if (heard(VIEW(text + skip_n, w.n - skip_n)))
			return true;
	}
	return false;
}

static void read_sealed(const json_t *key, struct sealed *out)
{
	read_b64(key, "public", out->public, sizeof out->public, &out->npublic);
	read_b64(key, "duplicate", out->duplicate, sizeof out->duplicate, &out->nduplicate);
	read_b64(key, "seed", out->seed, sizeof out->seed, &out->nseed);
}

static void attack_X004_no_answer_shows_a_key_or_a_hidden_nonce(void **s)
{
	AUTO(secret_free) struct secret *key = secret_new();
	uint8_t opened[SECRET_LEN];
	struct sealed sealed;
	struct keyring k;

	(void)s;
	need_ring();
	assert_accepted(ringmaker_open_keys(r, &k, &r->e), &r->e);
	assert_accepted(keyring_dataset_key(&k, "inner", "maps", 1, key, &r->e), &r->e);
	give_evidence("berlin-1", evidence_of(&a));
	assert_answered(r, WHY_NONE);
	read_sealed(json_array_get(json_object_get(r->json, "keys"), 0), &sealed);
	assert_true(opener_sealed(a.m.srk.key, &sealed, opened)); /* so this is the key to look for */
	assert_memory_equal(opened, key->b, SECRET_LEN);
	assert_false(opener_sealed(b.m.srk.key, &sealed, opened));
	assert_true(heard(VIEW("\"leases\"", 8)));
	assert_false(heard_in_any_form(key->b));
	assert_false(heard_in_any_form(k.dataset->b));
	assert_false(heard_in_any_form(a.first));
	assert_false(heard_in_any_form(b.first));
	keyring_close(&k);
}

/* What the search above finds when it is there. */
static void a_key_that_is_shown_would_be_found(void **s)
{
	uint8_t secret[SECRET_LEN];

	(void)s;
	need_ring();
	for (size_t before = 0; before < 3; before++) {
		uint8_t text[80], bytes[2 + SECRET_LEN] = {0};
		struct wr w = wr_to(text, sizeof text);

		memset(secret, (int)(0x51 + before), sizeof secret);
		memcpy(bytes + before, secret, sizeof secret);
		b64_put(&w, VIEW(bytes, before + sizeof secret));
		memcpy(r->heard + r->nheard, text, w.n);
		r->nheard += w.n;
		assert_true(heard_in_any_form(secret));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        SENTENCE(attack_X004_a_document_that_no_officer_signed_changes_nothing),
	        SENTENCE(attack_X004_a_document_of_an_older_version_changes_nothing),
	        SENTENCE(attack_X004_evidence_of_one_machine_is_not_anothers),
	        SENTENCE(attack_X004_evidence_that_was_recorded_is_stale),
	        SENTENCE(attack_X004_a_role_or_peer_of_the_doors_making_opens_nothing),
	        SENTENCE(attack_X004_a_tpm_of_the_doors_own_gets_no_admitted_name),
	        SENTENCE(attack_X004_a_door_slips_in_no_key_of_its_own),
	        SENTENCE(attack_X004_no_answer_shows_a_key_or_a_hidden_nonce),
	        SENTENCE(a_key_that_is_shown_would_be_found),
	};
	return cmocka_run_group_tests_name("hostile_door", tests, NULL, NULL);
}
