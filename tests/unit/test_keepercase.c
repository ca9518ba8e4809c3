/* Tests of keepercase: each kind of verdict to its answer, read back as a cloudlet would. */
#include "tests/unit/unit.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/b64.h"
#include "base/json.h"
#include "keystore/keystore.h"
#include "tests/unit/publicmaker.h"

enum { NOW = 1800000000, JWS_MAX = 2048 };

/* TCG EK Credential Profile 2.5 B.3: PolicyA of template L-2. */
static const uint8_t POLICY_A[SHA_LEN] = {0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46,
        0xa5, 0xd7, 0x24, 0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69,
        0xaa};

struct bench {
	struct keyring keys;
	char *ca_pem;
	struct es256 *tpm; /* every key of the machine: only the public areas differ */
	uint8_t ek[MADE_PUBLIC_MAX], ak[MADE_PUBLIC_MAX], srk[MADE_PUBLIC_MAX], id[MADE_PUBLIC_MAX];
	struct verdict v;
	uint8_t body[ANSWER_BODY_MAX];
	struct wr w;
	enum why why;
	struct err e;
};

static int setup(void **s)
{
	static struct bench b;
	b.keys.ca = es256_generate(&b.e);
	b.keys.lease = es256_generate(&b.e);
	b.keys.result = es256_generate(&b.e);
	b.keys.dataset = secret_new();
	b.tpm = es256_generate(&b.e);
	*s = &b;
	if (!b.keys.dataset || !b.tpm)
		return -1;
	memset(b.keys.dataset->b, 0x61, SECRET_LEN);
	return ca_self(b.keys.ca, "edge.example", NOW, &b.ca_pem, &b.e);
}

static int teardown(void **s)
{
	struct bench *b = *s;
	keyring_close(&b->keys);
	es256_free(b->tpm);
	free(b->ca_pem);
	return 0;
}

static void fresh(struct bench *b, enum verdict_kind kind)
{
	b->v = (struct verdict){
	        .ticket = 5, .case_no = 17, .kind = kind, .machine = "berlin-1", .has_nonce = true, .counter = 3};
	memset(b->v.nonce, 0x4e, NONCE_LEN);
	b->v.ek = public_make(b->ek, MADE_EK, VIEW_OF(POLICY_A), true, b->tpm->pub);
	b->v.ak = public_make(b->ak, MADE_AK, VIEW("", 0), false, b->tpm->pub);
	b->v.srk = public_srk(b->srk, b->tpm);
	b->v.id = public_make(b->id, MADE_ID, VIEW("", 0), false, b->tpm->pub);
	b->v.body = VIEW("{\"sub\":\"berlin-1\"}", 18);
	b->w = wr_to(b->body, sizeof b->body);
	b->e = (struct err){0};
}

static struct grant *granted(struct bench *b, const char *domain, const char *dataset, bool with_key)
{
	struct grant *g = &b->v.grants[b->v.ngrants++];
	*g = (struct grant){.epoch = 2, .generation = 3, .deadline_ms = 999000, .with_key = with_key};
	memcpy(g->domain, domain, strlen(domain) + 1);
	memcpy(g->dataset, dataset, strlen(dataset) + 1);
	return g;
}

static int answer(struct bench *b)
{
	return keeper_answer(
	        &b->keys, VIEW(b->ca_pem, strlen(b->ca_pem)), "edge.example", &b->v, NOW, &b->w, &b->why, &b->e);
}

static json_t *answered(struct bench *b, enum why why)
{
	assert_accepted(answer(b), &b->e);
	assert_int_equal(b->why, why);
	json_t *j = json_read(wr_done(&b->w), ANSWER_BODY_MAX, &b->e);
	assert_non_null(j);
	assert_int_equal(json_integer_value(json_object_get(j, "case")), 17);
	return j;
}

static void not_answered(struct bench *b, enum why why)
{
	assert_refused(answer(b), &b->e, why);
	assert_int_equal(b->w.n, 0);
	assert_true(wr_ok(&b->w));
}

static const char *text(const json_t *j, const char *name)
{
	const char *s = json_string_value(json_object_get(j, name));
	assert_non_null(s);
	return s;
}

static size_t decoded(const json_t *j, const char *name, void *out, size_t cap)
{
	const char *s = text(j, name);
	long n = b64_get(out, cap, VIEW(s, strlen(s)));
	assert_true(n >= 0);
	return (size_t)n;
}

/* ---- Refusals, receipts, listings ---- */

static void a_refusal_carries_reason_sentence_hint_and_nonce(void **s)
{
	struct bench *b = *s;
	uint8_t nonce[NONCE_LEN];
	fresh(b, VERDICT_REFUSAL);
	err_set(&b->v.refusal, WHY_STALE, "the nonce is old");
	err_hint(&b->v.refusal, "attest again");
	AUTO(json_free) json_t *j = answered(b, WHY_STALE);
	json_t *error = json_object_get(j, "error");
	assert_string_equal(text(error, "reason"), "stale");
	assert_string_equal(text(error, "sentence"), "the nonce is old");
	assert_string_equal(text(error, "hint"), "attest again");
	assert_int_equal(decoded(j, "nonce", nonce, sizeof nonce), NONCE_LEN);
	assert_memory_equal(nonce, b->v.nonce, NONCE_LEN);
}

static void a_refusal_without_hint_or_nonce_has_neither(void **s)
{
	struct bench *b = *s;
	fresh(b, VERDICT_REFUSAL);
	b->v.has_nonce = false;
	err_set(&b->v.refusal, WHY_OUTSIDE, "too far \"away\"");
	AUTO(json_free) json_t *j = answered(b, WHY_OUTSIDE);
	assert_null(json_object_get(j, "nonce"));
	assert_null(json_object_get(json_object_get(j, "error"), "hint"));
}

static void a_receipt_is_passed_on_as_it_is(void **s)
{
	struct bench *b = *s;
	fresh(b, VERDICT_RECEIPT);
	b->v.body = VIEW("{\"case\":17,\"kind\":\"fence\"}", 26);
	AUTO(json_free) json_t *j = answered(b, WHY_NONE);
	assert_string_equal(text(j, "kind"), "fence");
	assert_true(view_equal(wr_done(&b->w), b->v.body));
}

static void a_listing_is_signed_by_the_result_key(void **s)
{
	struct bench *b = *s;
	uint8_t scratch[JWS_MAX];
	struct jws j;
	fresh(b, VERDICT_SIGNED);
	memcpy(b->v.typ, TYP_LISTING, sizeof TYP_LISTING);
	assert_accepted(answer(b), &b->e);
	assert_accepted(jws_flat_parse(wr_done(&b->w), TYP_LISTING, scratch, sizeof scratch, &j, &b->e), &b->e);
	assert_accepted(jws_verify(&j, b->keys.result, &b->e), &b->e);
	assert_true(view_equal(j.payload, b->v.body));
}

static void nothing_is_signed_as_a_document_or_a_result_on_request(void **s)
{
	static const char *const typs[] = {TYP_DOCUMENT, TYP_EAR, "", "JWT"};
	struct bench *b = *s;
	for (size_t i = 0; i < COUNT(typs); i++) {
		fresh(b, VERDICT_SIGNED);
		memcpy(b->v.typ, typs[i], strlen(typs[i]) + 1);
		not_answered(b, WHY_SYSTEM);
	}
}

/* ---- Credentials ---- */

static void a_credential_hides_the_nonce(void **s)
{
	struct bench *b = *s;
	uint8_t blob[128], secret[128];
	fresh(b, VERDICT_CREDENTIAL);
	AUTO(json_free) json_t *j = answered(b, WHY_NONE);
	json_t *c = json_object_get(j, "credential");
	assert_true(decoded(c, "blob", blob, sizeof blob) > NONCE_LEN);
	assert_true(decoded(c, "secret", secret, sizeof secret) > ES256_PUB);
	assert_null(json_object_get(j, "nonce"));
	assert_null(memmem(b->w.p, b->w.n, "Tk5OTk5O", 8)); /* the nonce in base64url */
	assert_null(memmem(blob, sizeof blob, b->v.nonce, 8));
}

static void attack_A05_a_credential_for_a_wrong_kind_of_key_is_not_made(void **s)
{
	struct bench *b = *s;
	fresh(b, VERDICT_CREDENTIAL);
	b->v.ak = b->v.id;
	not_answered(b, WHY_UNTRUSTED);
	fresh(b, VERDICT_CREDENTIAL);
	b->v.ek = b->v.srk;
	not_answered(b, WHY_UNTRUSTED);
	fresh(b, VERDICT_CREDENTIAL);
	b->v.ek.n--;
	not_answered(b, WHY_MALFORMED);
	fresh(b, VERDICT_CREDENTIAL);
	b->v.has_nonce = false;
	not_answered(b, WHY_SYSTEM);
}

/* ---- Results ---- */

static void the_result_is_a_token_signed_by_the_result_key(void **s)
{
	struct bench *b = *s;
	uint8_t scratch[JWS_MAX];
	struct jws t;
	fresh(b, VERDICT_RESULT);
	AUTO(json_free) json_t *j = answered(b, WHY_NONE);
	const char *token = text(j, "result");
	assert_accepted(jws_parse(VIEW(token, strlen(token)), TYP_EAR, scratch, sizeof scratch, &t, &b->e), &b->e);
	assert_accepted(jws_verify(&t, b->keys.result, &b->e), &b->e);
	assert_true(view_equal(t.payload, b->v.body));
}

static void a_result_says_allow_unless_all_was_denied(void **s)
{
	struct bench *b = *s;
	fresh(b, VERDICT_RESULT);
	AUTO(json_free) json_t *none_denied = answered(b, WHY_NONE);
	assert_string_equal(text(none_denied, "decision"), "allow");
	fresh(b, VERDICT_RESULT);
	b->v.refusal.why = WHY_OUTSIDE;
	AUTO(json_free) json_t *denied = answered(b, WHY_NONE);
	assert_string_equal(text(denied, "decision"), "deny");
	fresh(b, VERDICT_RESULT);
	b->v.refusal.why = WHY_OUTSIDE;
	granted(b, "geoa", "maps", false);
	AUTO(json_free) json_t *one_granted = answered(b, WHY_NONE);
	assert_string_equal(text(one_granted, "decision"), "allow");
}

/* The digest that the TPM will verify, computed from the lease's own words. */
static void lease_digest_of(const json_t *lease, uint8_t out[SHA_LEN])
{
	struct lease_terms t = {.pcr_mask = PCR_MASK};
	uint8_t approved[SHA_LEN], ref[SHA_LEN];
	struct err e = {0};
	t.reset_count = (uint32_t)json_integer_value(json_object_get(lease, "reset_count"));
	t.restart_count = (uint32_t)json_integer_value(json_object_get(lease, "restart_count"));
	t.counter = (uint64_t)json_integer_value(json_object_get(lease, "counter"));
	t.deadline_ms = (uint64_t)json_integer_value(json_object_get(lease, "deadline_ms"));
	assert_accepted(json_get_hex(lease, "pcr_digest", t.pcr_digest, SHA_LEN, &e), &e);
	t.has_tag = json_object_get(lease, "tag") != NULL;
	if (t.has_tag) {
		assert_accepted(json_get_hex(lease, "tag", t.tag, SHA_LEN, &e), &e);
		assert_accepted(json_get_hex(lease, "tag_name", t.tag_name, TPM_NAME_LEN, &e), &e);
	}
	lease_approved(approved, &t);
	policyref(ref, text(lease, "domain"), text(lease, "dataset"),
	        (uint32_t)json_integer_value(json_object_get(lease, "epoch")),
	        (uint32_t)json_integer_value(json_object_get(lease, "generation")));
	lease_digest(out, approved, ref);
}

static void every_lease_is_signed_over_its_own_terms(void **s)
{
	struct bench *b = *s;
	uint8_t pub[ES256_PUB], digest[SHA_LEN], sig[ES256_SIG];
	fresh(b, VERDICT_RESULT);
	memset(b->v.pcr_digest, 0x70, SHA_LEN);
	b->v.reset_count = 4;
	b->v.restart_count = 1;
	granted(b, "geoa", "maps", false);
	granted(b, "geob", "plans", false)->deadline_ms = 777;
	AUTO(json_free) json_t *j = answered(b, WHY_NONE);
	json_t *leases = json_object_get(j, "leases");
	assert_int_equal(json_array_size(leases), 2);
	assert_int_equal(json_array_size(json_object_get(j, "keys")), 0);
	assert_int_equal(decoded(j, "lease_key", pub, sizeof pub), ES256_PUB);
	assert_memory_equal(pub, b->keys.lease->pub, ES256_PUB);
	for (size_t i = 0; i < 2; i++) {
		const json_t *lease = json_array_get(leases, i);
		assert_int_equal(decoded(lease, "signature", sig, sizeof sig), ES256_SIG);
		lease_digest_of(lease, digest);
		assert_accepted(es256_verify_pub(pub, digest, sig, &b->e), &b->e);
	}
	assert_string_equal(text(json_array_get(leases, 1), "dataset"), "plans");
}

static void every_lease_of_a_machine_with_a_tag_demands_the_tag(void **s)
{
	struct bench *b = *s;
	uint8_t digest[SHA_LEN], sig[ES256_SIG], tag[SHA_LEN];
	fresh(b, VERDICT_RESULT);
	b->v.has_tag = true;
	memset(b->v.tag, 0x2a, SHA_LEN);
	memset(b->v.tag_name, 0x2b, TPM_NAME_LEN);
	granted(b, "geoa", "maps", false);
	granted(b, "geob", "plans", false);
	AUTO(json_free) json_t *j = answered(b, WHY_NONE);
	for (size_t i = 0; i < 2; i++) {
		const json_t *lease = json_array_get(json_object_get(j, "leases"), i);
		assert_accepted(json_get_hex(lease, "tag", tag, SHA_LEN, &b->e), &b->e);
		assert_memory_equal(tag, b->v.tag, SHA_LEN);
		assert_int_equal(decoded(lease, "signature", sig, sizeof sig), ES256_SIG);
		lease_digest_of(lease, digest);
		assert_accepted(es256_verify_pub(b->keys.lease->pub, digest, sig, &b->e), &b->e);
	}
}

static void a_sealed_key_demands_a_lease_of_its_own_reference(void **s)
{
	struct bench *b = *s;
	uint8_t area[96], ref[SHA_LEN], name[TPM_NAME_LEN], policy[SHA_LEN] = {0}, dup[160], seed[72];
	fresh(b, VERDICT_RESULT);
	granted(b, "geoa", "maps", true);
	granted(b, "geob", "plans", false);
	AUTO(json_free) json_t *j = answered(b, WHY_NONE);
	json_t *keys = json_object_get(j, "keys");
	assert_int_equal(json_array_size(keys), 1);
	json_t *k = json_array_get(keys, 0);
	assert_int_equal(decoded(k, "public", area, sizeof area), 78);
	assert_int_equal(decoded(k, "duplicate", dup, sizeof dup), 108);
	assert_int_equal(decoded(k, "seed", seed, sizeof seed), 68);
	policyref(ref, "geoa", "maps", 2, 3);
	extkey_name(name, b->keys.lease->pub);
	lease_policy_authorize(policy, name, VIEW(ref, SHA_LEN));
	assert_memory_equal(area + 10, policy, SHA_LEN);
}

static void attack_A104_a_key_is_sealed_to_a_storage_key_only(void **s)
{
	struct bench *b = *s;
	fresh(b, VERDICT_RESULT);
	granted(b, "geoa", "maps", true);
	b->v.srk = b->v.id;
	not_answered(b, WHY_UNTRUSTED);
	fresh(b, VERDICT_RESULT);
	granted(b, "geoa", "maps", true);
	b->v.srk = VIEW("", 0);
	not_answered(b, WHY_MALFORMED);
}

static void a_certificate_names_the_machine_and_its_key(void **s)
{
	struct bench *b = *s;
	fresh(b, VERDICT_RESULT);
	b->v.with_certificate = true;
	b->v.certificate_s = 3600;
	AUTO(json_free) json_t *j = answered(b, WHY_NONE);
	BIO *io = BIO_new_mem_buf(text(j, "certificate"), -1);
	X509 *x = PEM_read_bio_X509(io, NULL, NULL, NULL);
	assert_non_null(x);
	assert_int_equal(X509_verify(x, b->keys.ca->pkey), 1);
	assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(x), b->tpm->pkey), 1);
	GENERAL_NAMES *g = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	const ASN1_STRING *uri = sk_GENERAL_NAME_value(g, 0)->d.uniformResourceIdentifier;
	assert_true(view_is(VIEW(ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri)),
	        "spiffe://edge.example/cloudlet/berlin-1"));
	time_t end = NOW + 3600;
	assert_true(X509_cmp_time(X509_get0_notAfter(x), &(time_t){end + 1}) < 0);
	assert_true(X509_cmp_time(X509_get0_notAfter(x), &(time_t){end - 1}) > 0);
	GENERAL_NAMES_free(g);
	X509_free(x);
	BIO_free(io);
}

static void a_certificate_of_too_long_a_life_or_a_wrong_key_is_refused(void **s)
{
	struct bench *b = *s;
	fresh(b, VERDICT_RESULT);
	b->v.with_certificate = true;
	b->v.certificate_s = CERTIFICATE_S + 1;
	not_answered(b, WHY_SYSTEM);
	fresh(b, VERDICT_RESULT);
	b->v.with_certificate = true;
	b->v.certificate_s = 3600;
	b->v.id = b->v.ak;
	not_answered(b, WHY_UNTRUSTED);
}

/* ---- Verdicts whose form is wrong ---- */

static void names_and_deadlines_are_checked_again(void **s)
{
	struct bench *b = *s;
	fresh(b, VERDICT_RESULT);
	memcpy(b->v.machine, "../x", 5);
	not_answered(b, WHY_SYSTEM);
	fresh(b, VERDICT_RESULT);
	memcpy(granted(b, "geoa", "maps", false)->dataset, "a/b", 4);
	not_answered(b, WHY_SYSTEM);
	fresh(b, VERDICT_RESULT);
	granted(b, "geoa", "maps", false)->deadline_ms = 0;
	not_answered(b, WHY_SYSTEM);
	fresh(b, VERDICT_RESULT);
	granted(b, "geoa", "maps", false)->deadline_ms = UINT64_MAX;
	not_answered(b, WHY_SYSTEM);
	fresh(b, VERDICT_RESULT);
	b->v.ngrants = DATASETS_MAX + 1;
	not_answered(b, WHY_SYSTEM);
}

static void bodies_that_are_no_object_are_refused(void **s)
{
	static const char *const bodies[] = {"", "{}", "[1]", "{\"a\":1", "\"x\""};
	struct bench *b = *s;
	for (size_t i = 0; i < COUNT(bodies); i++) {
		fresh(b, VERDICT_RECEIPT);
		b->v.body = VIEW(bodies[i], strlen(bodies[i]));
		not_answered(b, WHY_SYSTEM);
	}
}

static void kinds_that_grant_nothing_grant_nothing(void **s)
{
	struct bench *b = *s;
	fresh(b, VERDICT_CREDENTIAL);
	granted(b, "geoa", "maps", false);
	not_answered(b, WHY_SYSTEM);
	fresh(b, VERDICT_REFUSAL);
	not_answered(b, WHY_SYSTEM);
	fresh(b, VERDICT_KINDS);
	not_answered(b, WHY_SYSTEM);
}

static void the_largest_result_fits(void **s)
{
	static char claims[CLAIMS_JSON_MAX + 1];
	struct bench *b = *s;
	char longest[NAME_CAP];
	memset(longest, 'n', sizeof longest - 1);
	longest[NAME_CAP - 1] = 0;
	memset(claims, 'c', CLAIMS_JSON_MAX);
	claims[0] = '{';
	claims[CLAIMS_JSON_MAX - 1] = '}';
	fresh(b, VERDICT_RESULT);
	b->v.body = VIEW(claims, CLAIMS_JSON_MAX);
	for (size_t i = 0; i < DATASETS_MAX; i++) {
		struct grant *g = granted(b, longest, longest, true);
		g->epoch = g->generation = UINT32_MAX;
		g->deadline_ms = INT64_MAX;
	}
	b->v.with_certificate = true;
	b->v.certificate_s = CERTIFICATE_S;
	AUTO(json_free) json_t *j = answered(b, WHY_NONE);
	assert_int_equal(json_array_size(json_object_get(j, "keys")), DATASETS_MAX);
}

static void an_answer_too_large_leaves_nothing_behind(void **s)
{
	struct bench *b = *s;
	fresh(b, VERDICT_RESULT);
	b->w = wr_to(b->body, 100);
	not_answered(b, WHY_SYSTEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_refusal_carries_reason_sentence_hint_and_nonce),
	        cmocka_unit_test(a_refusal_without_hint_or_nonce_has_neither),
	        cmocka_unit_test(a_receipt_is_passed_on_as_it_is),
	        cmocka_unit_test(a_listing_is_signed_by_the_result_key),
	        cmocka_unit_test(nothing_is_signed_as_a_document_or_a_result_on_request),
	        cmocka_unit_test(a_credential_hides_the_nonce),
	        cmocka_unit_test(attack_A05_a_credential_for_a_wrong_kind_of_key_is_not_made),
	        cmocka_unit_test(the_result_is_a_token_signed_by_the_result_key),
	        cmocka_unit_test(a_result_says_allow_unless_all_was_denied),
	        cmocka_unit_test(every_lease_is_signed_over_its_own_terms),
	        cmocka_unit_test(every_lease_of_a_machine_with_a_tag_demands_the_tag),
	        cmocka_unit_test(a_sealed_key_demands_a_lease_of_its_own_reference),
	        cmocka_unit_test(attack_A104_a_key_is_sealed_to_a_storage_key_only),
	        cmocka_unit_test(a_certificate_names_the_machine_and_its_key),
	        cmocka_unit_test(a_certificate_of_too_long_a_life_or_a_wrong_key_is_refused),
	        cmocka_unit_test(names_and_deadlines_are_checked_again),
	        cmocka_unit_test(bodies_that_are_no_object_are_refused),
	        cmocka_unit_test(kinds_that_grant_nothing_grant_nothing),
	        cmocka_unit_test(the_largest_result_fits),
	        cmocka_unit_test(an_answer_too_large_leaves_nothing_behind),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
