#include "base/jws.h"
#include "tests/unit/certmaker.h"
#include "tests/unit/machinemaker.h"
#include "tests/unit/mangle.h"

static struct machine m;
static struct facts f;
static struct es256 *vendor;
static uint8_t ask[64 * 1024];
static const uint8_t nonce[NONCE_LEN] = {5};
static struct err e;

static int make(void **s)
{
	(void)s;
	machinemaker_new(&m);
	vendor = es256_generate(&e);
	return vendor ? 0 : -1;
}

static int drop(void **s)
{
	(void)s;
	machinemaker_drop(&m);
	es256_free(vendor);
	return 0;
}

static int honest(void **s)
{
	(void)s;
	machinemaker_claims(&m);
	tpmmaker_key(&m.ak, TPMMAKER_AK);
	m.tag = NULL;
	return 0;
}

static void judging(enum ask_kind kind)
{
	assert_accepted(judge_ask(machinemaker_ask(&m, kind, ask, sizeof ask), &f, &e), &e);
}

static void accepted(enum ask_kind kind)
{
	judging(kind);
	if (f.refusal.why != WHY_NONE)
		fail_msg("%s: %s", why_name(f.refusal.why), f.refusal.text);
}

static void refused(enum ask_kind kind, enum why why, const char *words)
{
	judging(kind);
	assert_string_equal(why_name(f.refusal.why), why_name(why));
	if (!strstr(f.refusal.text, words))
		fail_msg("\"%s\" does not say \"%s\"", f.refusal.text, words);
}

/* ---- Attestation ---- */

static void an_honest_attestation_becomes_facts(void **s)
{
	uint8_t binding[SHA_LEN];
	struct quote q;

	(void)s;
	machinemaker_attest(&m, nonce, true);
	accepted(ASK_ATTEST);
	assert_string_equal(f.attest.claims.machine, "cloudlet1");
	assert_true(f.attest.has_log);
	assert_int_equal(f.attest.boot.secure_boot, SECURE_BOOT_ON);
	assert_memory_equal(&f.attest.pcrs.v[4], &m.pcrs.v[4], PCR_LEN);
	assert_true(f.attest.nmeasured > 0);
	/* what the decider does with them */
	evidence_binding_of(binding, nonce, (const uint8_t(*)[SHA_LEN])f.attest.digests, f.attest.ndigests);
	assert_accepted(quote_parse(f.attest.quote, QUOTE_MASK, &q, &e), &e);
	assert_accepted(quote_check(&q, f.attest.quote_sig, &m.ak.pub, binding, &f.attest.pcrs, &e), &e);
}

static void a_renewal_needs_no_log(void **s)
{
	(void)s;
	machinemaker_attest(&m, nonce, false);
	accepted(ASK_ATTEST);
	assert_false(f.attest.has_log);
}

static void attack_A13_changed_claims_do_not_fit_the_binding(void **s)
{
	uint8_t binding[SHA_LEN], changed[CLAIMS_MAX];
	struct wr w = wr_to(changed, sizeof changed);
	struct quote q;

	(void)s;
	machinemaker_attest(&m, nonce, true);
	m.claims.fix.lat_deg = 48.8566; /* somewhere else, once the quote is made (A112) */
	assert_accepted(claims_write(&w, &m.claims, &e), &e);
	m.ev.part[PART_CLAIMS] = wr_done(&w);
	accepted(ASK_ATTEST);
	evidence_binding_of(binding, nonce, (const uint8_t(*)[SHA_LEN])f.attest.digests, f.attest.ndigests);
	assert_accepted(quote_parse(f.attest.quote, QUOTE_MASK, &q, &e), &e);
	assert_refused(quote_check(&q, f.attest.quote_sig, &m.ak.pub, binding, &f.attest.pcrs, &e), &e, WHY_STALE);
}

static void attack_A27_a_signature_that_does_not_hold_is_a_refusal(void **s)
{
	struct tpm_key other = {0};

	(void)s;
	tpmmaker_key(&other, TPMMAKER_AK);
	machinemaker_attest(&m, nonce, true);
	m.ev.part[PART_AK] = tpmmaker_view(&other);
	refused(ASK_ATTEST, WHY_FORGED, "quote");
	assert_string_equal(f.attest.claims.machine, "cloudlet1");
	tpmmaker_drop(&other);
}

static void attack_A02_A04_a_quote_of_a_plain_key_is_refused(void **s)
{
	(void)s;
	tpmmaker_key(&m.ak, TPMMAKER_ID);
	machinemaker_attest(&m, nonce, true);
	refused(ASK_ATTEST, WHY_UNTRUSTED, "restricted is not set");
}

static void attack_A01_register_values_of_another_state_are_refused(void **s)
{
	static uint8_t values[(PCR_QUOTED + 1) * PCR_LEN];

	(void)s;
	machinemaker_attest(&m, nonce, true);
	m.ev.part[PART_PCRS] = VIEW_OF(values);
	refused(ASK_ATTEST, WHY_FORGED, "register values");
	m.ev.part[PART_PCRS] = VIEW(values, sizeof values - 1);
	refused(ASK_ATTEST, WHY_MALFORMED, "register values");
}

static void attack_A54_a_log_that_does_not_explain_the_quote_is_refused(void **s)
{
	struct pcrs kept = m.pcrs;

	(void)s;
	m.pcrs.v[4][0] ^= 1;
	machinemaker_attest(&m, nonce, true);
	refused(ASK_ATTEST, WHY_FORGED, "PCR 4");
	m.pcrs = kept;
}

static void a_log_that_is_not_the_claimed_one_is_refused(void **s)
{
	(void)s;
	m.claims.eventlog[0] ^= 1;
	machinemaker_attest(&m, nonce, true);
	refused(ASK_ATTEST, WHY_FORGED, "eventlog");
}

static void attack_A48_a_log_that_is_cut_short_is_refused(void **s)
{
	(void)s;
	machinemaker_attest(&m, nonce, true);
	m.ev.part[PART_EVENTLOG].n -= 3;
	refused(ASK_ATTEST, WHY_MALFORMED, "event log");
}

static void parts_that_are_missing_or_have_no_place_are_refused(void **s)
{
	(void)s;
	machinemaker_attest(&m, nonce, true);
	m.ev.part[PART_EK_CERT] = VIEW("x", 1);
	refused(ASK_ATTEST, WHY_MALFORMED, "no place for the endorsement certificate");
	machinemaker_attest(&m, nonce, true);
	m.ev.part[PART_QUOTE_SIG] = VIEW(NULL, 0);
	refused(ASK_ATTEST, WHY_MALFORMED, "quote signature is missing");
	machinemaker_attest(&m, nonce, true);
	refused(ASK_ACTIVATE, WHY_MALFORMED, "missing");
	refused(ASK_ENROL, WHY_MALFORMED, "no place for the quote");
}

/* ---- Activation ---- */

/* ---- Geo tags ---- */

static struct made_tag tag;

static int tagged(void **s)
{
	AUTO(es256_free) struct es256 *officer = es256_generate(&e);
	struct tag t = tagmaker_plain("cloudlet1", &m.ek, 3, time(NULL));

	honest(s);
	tagmaker_sign(&tag, officer, &t);
	m.tag = &tag;
	machinemaker_attest(&m, nonce, true);
	return 0;
}

static void a_certified_tag_becomes_facts(void **s)
{
	(void)s;
	accepted(ASK_ATTEST);
	assert_true(view_equal(f.attest.tag, tagmaker_view(&tag)));
	assert_true(view_equal(f.attest.tag_certify, m.ev.part[PART_TAG_CERTIFY]));
	assert_true(f.attest.tag_certify_sig.n > 0);
}

static void a_tag_without_the_tpms_word_is_refused(void **s)
{
	(void)s;
	m.ev.part[PART_TAG_CERTIFY_SIG] = VIEW(NULL, 0);
	refused(ASK_ATTEST, WHY_MALFORMED, "signature over the geo tag's certification is missing");
	m.ev.part[PART_TAG_CERTIFY] = VIEW(NULL, 0);
	refused(ASK_ATTEST, WHY_MALFORMED, "certification of the geo tag is missing");
	tagged(s);
	m.ev.part[PART_TAG] = VIEW(NULL, 0);
	refused(ASK_ATTEST, WHY_MALFORMED, "the geo tag is missing");
}

static void attack_A110_another_tag_than_the_tpm_holds_is_refused(void **s)
{
	struct made_tag other = tag;

	(void)s;
	other.bytes[other.n - 1] ^= 1;
	m.ev.part[PART_TAG] = tagmaker_view(&other);
	refused(ASK_ATTEST, WHY_FORGED, "geo tag: certification: the NV index holds something else than was sent");
}

static void a_tag_that_is_none_is_refused(void **s)
{
	(void)s;
	m.ev.part[PART_TAG] = VIEW("berlin", 6);
	refused(ASK_ATTEST, WHY_MALFORMED, "geo tag:");
}

static void a_certified_counter_becomes_facts(void **s)
{
	(void)s;
	accepted(ASK_ATTEST);
	assert_true(view_equal(f.attest.counter_certify, m.ev.part[PART_COUNTER_CERTIFY]));
	assert_true(view_equal(f.attest.counter_certify_sig, m.ev.part[PART_COUNTER_CERTIFY_SIG]));
}

/* Whether a machine without a counter gets anything, the decider says. */
static void a_counter_comes_whole_or_not_at_all(void **s)
{
	struct view sig = m.ev.part[PART_COUNTER_CERTIFY_SIG];

	(void)s;
	m.ev.part[PART_COUNTER_CERTIFY_SIG] = VIEW(NULL, 0);
	refused(ASK_ATTEST, WHY_MALFORMED, "signature over the revocation counter's certification is missing");
	m.ev.part[PART_COUNTER_CERTIFY] = VIEW(NULL, 0);
	accepted(ASK_ATTEST);
	assert_int_equal(f.attest.counter_certify.n, 0);
	m.ev.part[PART_COUNTER_CERTIFY_SIG] = sig;
	refused(ASK_ATTEST, WHY_MALFORMED, "certification of the revocation counter is missing");
}

static void another_certification_in_the_counters_place_is_refused(void **s)
{
	(void)s;
	m.ev.part[PART_COUNTER_CERTIFY] = m.ev.part[PART_TAG_CERTIFY];
	m.ev.part[PART_COUNTER_CERTIFY_SIG] = m.ev.part[PART_TAG_CERTIFY_SIG];
	refused(ASK_ATTEST, WHY_FORGED, "revocation counter: certification: the NV index is another one");
}

static void an_enrolment_has_no_place_for_a_tag(void **s)
{
	(void)s;
	machinemaker_enrol(&m);
	m.ev.part[PART_TAG] = tagmaker_view(&tag);
	refused(ASK_ENROL, WHY_MALFORMED, "no place for the geo tag here");
}

static void landmarks_statements_that_are_none_are_refused(void **s)
{
	(void)s;
	m.bounds = VIEW("berlin", 6);
	machinemaker_attest(&m, nonce, true);
	refused(ASK_ATTEST, WHY_MALFORMED, "landmark statements: cut short");
	m.bounds = VIEW(NULL, 0);
	machinemaker_enrol(&m);
	m.ev.part[PART_BOUNDS] = VIEW("berlin", 6);
	refused(ASK_ENROL, WHY_MALFORMED, "no place for the landmarks' statements here");
}

static void an_honest_activation_becomes_facts(void **s)
{
	(void)s;
	machinemaker_activate(&m, nonce);
	accepted(ASK_ACTIVATE);
	assert_true(view_equal(f.attest.id, tpmmaker_view(&m.id)));
	assert_true(view_equal(f.attest.srk, tpmmaker_view(&m.srk)));
}

static void attack_A06_keys_of_another_tpm_are_not_certified_by_this_one(void **s)
{
	struct machine other = {0};

	(void)s;
	machinemaker_new(&other);
	machinemaker_activate(&m, nonce);
	m.ev.part[PART_SRK] = tpmmaker_view(&other.srk);
	refused(ASK_ACTIVATE, WHY_FORGED, "about another key");
	machinemaker_activate(&m, nonce);
	m.ev.part[PART_ID] = tpmmaker_view(&other.id);
	refused(ASK_ACTIVATE, WHY_FORGED, "tls_key");
	machinemaker_activate(&other, nonce);
	struct evidence theirs = other.ev;
	machinemaker_activate(&m, nonce);
	for (size_t k = PART_ID; k <= PART_SRK_CERTIFY_SIG; k++)
		m.ev.part[k] = theirs.part[k];
	memcpy(m.claims.tls_key, other.claims.tls_key, SHA_LEN);
	m.ev.part[PART_CLAIMS] = theirs.part[PART_CLAIMS];
	refused(ASK_ACTIVATE, WHY_FORGED, "certification");
	machinemaker_drop(&other);
}

static void a_certification_of_another_moment_is_refused(void **s)
{
	static const uint8_t old[SHA_LEN] = {1};

	(void)s;
	machinemaker_activate(&m, nonce);
	machinemaker_certify(&m, PART_SRK_CERTIFY, &m.srk, VIEW_OF(old));
	refused(ASK_ACTIVATE, WHY_STALE, "storage root key");
}

static void the_tls_key_is_the_one_the_claims_name(void **s)
{
	(void)s;
	m.claims.tls_key[31] ^= 1;
	machinemaker_activate(&m, nonce);
	refused(ASK_ACTIVATE, WHY_FORGED, "tls_key");
	machinemaker_enrol(&m);
	refused(ASK_ENROL, WHY_FORGED, "tls_key");
}

/* ---- Enrolment ---- */

static void an_honest_enrolment_becomes_facts(void **s)
{
	struct cert_shape shape = certmaker_ek;
	struct cert c;

	(void)s;
	shape.issuer = "Vendor Root";
	certmaker_der(&c, &shape, m.ek.key->pkey, vendor->pkey);
	machinemaker_enrol(&m);
	accepted(ASK_ENROL);
	assert_string_equal(f.enrol.machine, "cloudlet1");
	m.ev.part[PART_EK_CERT] = certmaker_view(&c);
	accepted(ASK_ENROL);
	assert_true(view_equal(f.enrol.ek_cert, certmaker_view(&c)));
}

static void attack_A04_A05_an_ak_is_judged_before_any_challenge(void **s)
{
	static const uint32_t attributes[] = {
	        TPMMAKER_AK & ~0x10000u, TPMMAKER_AK & ~2u, TPMMAKER_AK & ~0x20u, 0x00050040};

	(void)s;
	for (size_t i = 0; i < COUNT(attributes); i++) {
		tpmmaker_key(&m.ak, attributes[i]);
		machinemaker_enrol(&m);
		refused(ASK_ENROL, WHY_UNTRUSTED, "attestation key: attribute");
	}
}

static void attack_A07_the_certificate_of_another_key_is_refused(void **s)
{
	struct cert_shape shape = certmaker_ek;
	struct cert c;

	(void)s;
	shape.issuer = "Vendor Root";
	certmaker_der(&c, &shape, m.ak.key->pkey, vendor->pkey);
	machinemaker_enrol(&m);
	m.ev.part[PART_EK_CERT] = certmaker_view(&c);
	refused(ASK_ENROL, WHY_FORGED, "another key");
}

/* Its key may be one that an officer approved by hash: the decider knows, and checks the chain itself. */
static void an_unknown_vendor_is_left_to_the_decider(void **s)
{
	struct cert_shape shape = certmaker_ek;
	struct cert c;

	(void)s;
	certmaker_der(&c, &shape, m.ek.key->pkey, m.ak.key->pkey);
	machinemaker_enrol(&m);
	m.ev.part[PART_EK_CERT] = certmaker_view(&c);
	accepted(ASK_ENROL);
	assert_true(view_equal(f.enrol.ek_cert, certmaker_view(&c)));
	m.ev.part[PART_EK_CERT] = VIEW("garbage", 7);
	refused(ASK_ENROL, WHY_MALFORMED, "certificate");
	m.ev.part[PART_EK_CERT] = VIEW(NULL, 0);
	m.ev.part[PART_EK_CHAIN] = VIEW("\0\1x", 3);
	refused(ASK_ENROL, WHY_MALFORMED, "chain without a certificate");
}

/* ---- Documents and queries ---- */

static void judging_text(enum ask_kind kind, struct view body)
{
	struct wr w = wr_to(ask, sizeof ask);
	struct ask a = {.ticket = 1, .kind = kind, .role = ROLE_OFFICER, .peer = "officer", .body = body};

	assert_int_equal(ask_write(&w, &a), 0);
	assert_accepted(judge_ask(wr_done(&w), &f, &e), &e);
}

static enum why document(const char *typ, const char *payload)
{
	static uint8_t text[8192];
	struct wr w = wr_to(text, sizeof text);

	assert_accepted(jws_sign(&w, vendor, typ, VIEW(payload, strlen(payload)), &e), &e);
	judging_text(ASK_DOCUMENT, wr_done(&w));
	if (f.refusal.why == WHY_NONE)
		assert_true(view_equal(f.text, wr_done(&w)));
	return f.refusal.why;
}

static void a_document_is_strict_json_in_a_signature_of_its_type(void **s)
{
	(void)s;
	assert_int_equal(document(ASK_DOCUMENT_TYP, "{\"kind\":\"fence\"}"), WHY_NONE);
	assert_int_equal(document("ear+jwt", "{}"), WHY_MALFORMED);
	assert_int_equal(document(ASK_DOCUMENT_TYP, "[]"), WHY_MALFORMED);
	assert_int_equal(document(ASK_DOCUMENT_TYP, "{\"a\":1,\"a\":2}"), WHY_MALFORMED);
	assert_int_equal(document(ASK_DOCUMENT_TYP, "{} "), WHY_NONE);
	assert_int_equal(document(ASK_DOCUMENT_TYP, "{}x"), WHY_MALFORMED);
	judging_text(ASK_DOCUMENT, VIEW("a.b.c", 5));
	assert_int_equal(f.refusal.why, WHY_MALFORMED);
	judging_text(ASK_DOCUMENT, VIEW("", 0));
	assert_int_equal(f.refusal.why, WHY_MALFORMED);
}

static void attack_A90_a_query_is_plain_words(void **s)
{
	static const char *const good[] = {
	        "list/fences", "report/17", "explain/9", "document/fence/geo-a", "document/fence/geoA"};
	static const char *const bad[] = {"", "list", "list/", "/list", "List/fences", "list/../x", "list/a/b/c",
	        "list//a", "list/a/", "1st/a", "list/a b", "list/%2e", "li-st/a"};

	(void)s;
	for (size_t i = 0; i < COUNT(good); i++) {
		judging_text(ASK_QUERY, VIEW(good[i], strlen(good[i])));
		assert_int_equal(f.refusal.why, WHY_NONE);
		assert_true(view_is(f.text, good[i]));
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		judging_text(ASK_QUERY, VIEW(bad[i], strlen(bad[i])));
		assert_int_equal(f.refusal.why, WHY_MALFORMED);
	}
	judging_text(ASK_QUERY, VIEW("list/a\0", 7));
	assert_int_equal(f.refusal.why, WHY_MALFORMED);
}

/* ---- All of it, mangled ---- */

/* What is not refused must still be what the TPM signed for this nonce, or the decider finds out. */
static void changed(struct view v, void *arg)
{
	uint8_t binding[SHA_LEN];
	struct quote q;

	(void)arg;
	if (judge_ask(v, &f, &e) != 0 || f.refusal.why != WHY_NONE || f.kind != ASK_ATTEST)
		return;
	assert_accepted(quote_parse(f.attest.quote, QUOTE_MASK, &q, &e), &e);
	evidence_binding_of(binding, nonce, (const uint8_t(*)[SHA_LEN])f.attest.digests, f.attest.ndigests);
	if (quote_check(&q, f.attest.quote_sig, &m.ak.pub, binding, &f.attest.pcrs, &e) != 0)
		return;
	struct claims c;
	struct ask a;
	struct evidence ev;
	assert_accepted(ask_read(v, &a, &e), &e);
	assert_accepted(evidence_parse(a.body, &ev, &e), &e);
	assert_accepted(claims_parse(ev.part[PART_CLAIMS], &c, &e), &e);
	assert_memory_equal(&c, &m.claims, sizeof c);
}

static void a_mangled_attestation_is_refused_or_means_the_same(void **s)
{
	static uint8_t copy[16 * 1024];

	(void)s;
	machinemaker_attest(&m, nonce, false);
	struct view v = machinemaker_ask(&m, ASK_ATTEST, ask, sizeof ask);
	memcpy(copy, v.p, v.n);
	mangle_each(VIEW(copy, v.n), changed, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(an_honest_attestation_becomes_facts, honest),
	        cmocka_unit_test_setup(a_renewal_needs_no_log, honest),
	        cmocka_unit_test_setup(attack_A13_changed_claims_do_not_fit_the_binding, honest),
	        cmocka_unit_test_setup(attack_A27_a_signature_that_does_not_hold_is_a_refusal, honest),
	        cmocka_unit_test_setup(attack_A02_A04_a_quote_of_a_plain_key_is_refused, honest),
	        cmocka_unit_test_setup(attack_A01_register_values_of_another_state_are_refused, honest),
	        cmocka_unit_test_setup(attack_A54_a_log_that_does_not_explain_the_quote_is_refused, honest),
	        cmocka_unit_test_setup(a_log_that_is_not_the_claimed_one_is_refused, honest),
	        cmocka_unit_test_setup(attack_A48_a_log_that_is_cut_short_is_refused, honest),
	        cmocka_unit_test_setup(parts_that_are_missing_or_have_no_place_are_refused, honest),
	        cmocka_unit_test_setup(a_certified_tag_becomes_facts, tagged),
	        cmocka_unit_test_setup(a_tag_without_the_tpms_word_is_refused, tagged),
	        cmocka_unit_test_setup(attack_A110_another_tag_than_the_tpm_holds_is_refused, tagged),
	        cmocka_unit_test_setup(a_tag_that_is_none_is_refused, tagged),
	        cmocka_unit_test_setup(an_enrolment_has_no_place_for_a_tag, tagged),
	        cmocka_unit_test_setup(landmarks_statements_that_are_none_are_refused, honest),
	        cmocka_unit_test_setup(a_certified_counter_becomes_facts, tagged),
	        cmocka_unit_test_setup(a_counter_comes_whole_or_not_at_all, tagged),
	        cmocka_unit_test_setup(another_certification_in_the_counters_place_is_refused, tagged),
	        cmocka_unit_test_setup(an_honest_activation_becomes_facts, honest),
	        cmocka_unit_test_setup(attack_A06_keys_of_another_tpm_are_not_certified_by_this_one, honest),
	        cmocka_unit_test_setup(a_certification_of_another_moment_is_refused, honest),
	        cmocka_unit_test_setup(the_tls_key_is_the_one_the_claims_name, honest),
	        cmocka_unit_test_setup(an_honest_enrolment_becomes_facts, honest),
	        cmocka_unit_test_setup(attack_A04_A05_an_ak_is_judged_before_any_challenge, honest),
	        cmocka_unit_test_setup(attack_A07_the_certificate_of_another_key_is_refused, honest),
	        cmocka_unit_test_setup(an_unknown_vendor_is_left_to_the_decider, honest),
	        cmocka_unit_test_setup(a_document_is_strict_json_in_a_signature_of_its_type, honest),
	        cmocka_unit_test_setup(attack_A90_a_query_is_plain_words, honest),
	        cmocka_unit_test_setup(a_mangled_attestation_is_refused_or_means_the_same, honest),
	};
	return cmocka_run_group_tests(tests, make, drop);
}
