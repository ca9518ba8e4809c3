/* Whose word the decider takes for an endorsement key: vendors by document or file, officers by hash. */
#include "tests/unit/certmaker.h"
#include "tests/unit/endorser.h"
#include "tests/unit/onebox.h"

/* A vendor. leaf: of the machine's EK; chain: the intermediate, as in the evidence. */
static struct {
	struct es256 *root, *middle;
	struct cert leaf;
	uint8_t chain[EK_CERT_MAX];
	size_t nchain;
	char pem[16384]; /* of the root */
	size_t npem;
} vendor;

/* The intermediate ends to_s seconds from now. */
static void vendor_make(long to_s)
{
	struct cert_shape shape = certmaker_middle;
	struct cert root, middle;
	struct wr w = wr_to(vendor.chain, sizeof vendor.chain);

	shape.from_s = -7200;
	shape.to_s = to_s;
	certmaker_der(&root, &certmaker_root, vendor.root->pkey, vendor.root->pkey);
	certmaker_der(&middle, &shape, vendor.middle->pkey, vendor.root->pkey);
	certmaker_der(&vendor.leaf, &certmaker_ek, box.ek.key->pkey, vendor.middle->pkey);
	wr_view16(&w, certmaker_view(&middle));
	vendor.nchain = w.n;
	vendor.npem = certmaker_pem(vendor.pem, sizeof vendor.pem, &root);
}

static int before(void **s)
{
	onebox_new(s);
	vendor.root = es256_generate(&r->e);
	vendor.middle = es256_generate(&r->e);
	vendor_make(3600);
	rig_accept(r, DOC_CLOUDLET, "cloudlet1", 1, "{\"state\":\"admitted\"}");
	r->d->now = (int64_t)time(NULL); /* certmaker's certificates are of today */
	return 0;
}

static int after(void **s)
{
	es256_free(vendor.root);
	es256_free(vendor.middle);
	return onebox_drop(s);
}

static void pin_by_file(void)
{
	rig_stop(r);
	assert_accepted(file_write(AT_FDCWD, "ek-roots.pem", VIEW(vendor.pem, vendor.npem), 0600, &r->e), &r->e);
	rig_start(r);
	r->d->now = (int64_t)time(NULL);
}

static void sign_for(const char *name, uint32_t version, const char *pem, size_t n)
{
	AUTO(json_free) json_t *body = json_pack("{s:s%}", "roots", pem, n);
	AUTO(mem_free) char *text = json_dumps(body, JSON_COMPACT);
	int64_t now = r->d->now;

	r->d->now = NOW; /* rig_sign's time */
	rig_put(r, DOC_VENDOR, name, version, text);
	r->d->now = now;
}

static void pin_by_document(const char *name, uint32_t version)
{
	sign_for(name, version, vendor.pem, vendor.npem);
	assert_verdict(r, VERDICT_RECEIPT);
}

static void ask_for(const struct box *b)
{
	struct facts f = box_enrolment(b);

	f.enrol.ek_cert = certmaker_view(&vendor.leaf);
	f.enrol.ek_chain = VIEW(vendor.chain, vendor.nchain);
	rig_case(r, &f);
}

static void believed(void)
{
	static struct machine m;

	ask_for(&box);
	assert_verdict(r, VERDICT_CREDENTIAL);
	take_nonce(r, &box);
	rig_evidence(r, &box, ASK_ACTIVATE);
	assert_verdict(r, VERDICT_RESULT);
	assert_int_equal(machine_get(&r->d->store, "cloudlet1", &m, &r->e), 1);
	assert_int_equal(m.endorsed, ENDORSED_BY_CERTIFICATE);
}

static void a_vendor_that_the_authority_was_made_with_is_believed(void **s)
{
	(void)s;
	pin_by_file();
	believed();
}

static void a_vendor_that_an_officer_signed_for_is_believed(void **s)
{
	(void)s;
	ask_for(&box);
	assert_denied(r, WHY_UNTRUSTED, "no vendor roots");
	pin_by_document("vendors", 1);
	believed();
}

static void one_of_several_vendors_is_enough(void **s)
{
	char ours[16384];
	size_t n = vendor.npem;

	(void)s;
	memcpy(ours, vendor.pem, n);
	struct cert root;
	AUTO(es256_free) struct es256 *other = es256_generate(&r->e);
	certmaker_der(&root, &certmaker_root, other->pkey, other->pkey);
	size_t theirs = certmaker_pem(vendor.pem, sizeof vendor.pem, &root);
	sign_for("aaa", 1, vendor.pem, theirs);
	assert_verdict(r, VERDICT_RECEIPT);
	ask_for(&box);
	assert_denied(r, WHY_UNTRUSTED, "no pinned vendor root");
	sign_for("bbb", 1, ours, n);
	sign_for("ccc", 1, vendor.pem, theirs);
	believed();
}

static void a_newer_document_takes_a_vendor_away(void **s)
{
	(void)s;
	pin_by_document("vendors", 1);
	sign_for("vendors", 2, "", 0);
	assert_verdict(r, VERDICT_RECEIPT);
	ask_for(&box);
	assert_denied(r, WHY_UNTRUSTED, "no pinned vendor root");
}

static void vendors_survive_a_restart(void **s)
{
	(void)s;
	pin_by_document("vendors", 1);
	rig_stop(r);
	rig_start(r);
	r->d->now = (int64_t)time(NULL);
	believed();
}

static void vendors_are_listed_with_their_number(void **s)
{
	(void)s;
	pin_by_document("infineon", 3);
	rig_ask(r, "list/vendors");
	assert_verdict(r, VERDICT_SIGNED);
	AUTO(json_free) json_t *j = json_read(r->v.body, LISTING_MAX, &r->e);
	const json_t *item = json_array_get(json_object_get(j, "items"), 0);
	assert_string_equal(json_string_value(json_object_get(item, "name")), "infineon");
	assert_int_equal(json_integer_value(json_object_get(item, "version")), 3);
	assert_int_equal(json_integer_value(json_object_get(item, "certificates")), 1);
}

static bool recorded(const char *text)
{
	char question[32];

	snprintf(question, sizeof question, "explain/%llu", (unsigned long long)r->v.case_no);
	rig_ask(r, question);
	return memmem(r->v.body.p, r->v.body.n, text, strlen(text)) != NULL;
}

static void an_issuer_that_has_expired_stands_in_the_record(void **s)
{
	(void)s;
	pin_by_document("vendors", 1);
	vendor_make(-60);
	ask_for(&box);
	assert_verdict(r, VERDICT_CREDENTIAL);
	assert_true(recorded("\"issuer_expired\":true"));
	vendor_make(3600);
	ask_for(&box);
	assert_false(recorded("issuer_expired"));
}

static void a_key_of_another_template_is_given_a_credential_too(void **s)
{
	static const size_t rows[] = {0, 4}; /* RSA-2048 of the low range, P-384 */

	(void)s;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct endorser d;
		char hex[2 * SHA_LEN + 1], body[128];
		endorser_make(&d, rows[i]);
		memcpy(box.ek.public, d.pub.bytes.p, d.pub.bytes.n);
		box.ek.n = d.pub.bytes.n;
		box_ek(&box, hex);
		snprintf(body, sizeof body, "{\"ek_sha256\":\"%s\"}", hex);
		r->d->now = NOW;
		rig_accept(r, DOC_EK, "cloudlet1", (uint32_t)i + 1, body);
		rig_enrol(r, &box);
		assert_verdict(r, VERDICT_CREDENTIAL);
		assert_true(view_equal(r->v.ek, tpmmaker_view(&box.ek)));
		endorser_drop(&d);
	}
}

static void attack_A07_a_certificate_is_not_believed_on_the_judges_word(void **s)
{
	struct facts f = box_enrolment(&box);

	(void)s;
	f.enrol.ek_cert = VIEW("\x30\x00", 2);
	rig_case(r, &f);
	assert_denied(r, WHY_UNTRUSTED, "no vendor roots");
	pin_by_document("vendors", 1);
	rig_case(r, &f);
	assert_denied(r, WHY_MALFORMED, "certificate");
}

static void attack_A32_a_certificate_of_another_key(void **s)
{
	static struct box other;

	(void)s;
	box_make(&other, "cloudlet1");
	pin_by_document("vendors", 1);
	ask_for(&other);
	assert_denied(r, WHY_FORGED, "another key");
	box_drop(&other);
}

static void attack_A08_only_the_attestation_key_of_the_enrolment_counts(void **s)
{
	static struct facts f;
	static struct box thief;

	(void)s;
	pin_by_document("vendors", 1);
	believed();
	box_make(&thief, "cloudlet1");
	memcpy(thief.nonce, box.nonce, NONCE_LEN);
	struct tpm_key own = thief.id;
	thief.id = box.id;                    /* so that only the attestation key differs */
	box_evidence(&thief, &f, ASK_ATTEST); /* judged with the key that it brought, which is sound in itself */
	rig_case(r, &f);
	assert_denied(r, WHY_FORGED, "");
	assert_false(r->v.has_nonce);
	rig_attest(r, &box);
	assert_verdict(r, VERDICT_RESULT);
	thief.id = own;
	box_drop(&thief);
}

static void attack_A09_an_activation_can_not_be_posted_again(void **s)
{
	static struct facts f;

	(void)s;
	pin_by_document("vendors", 1);
	ask_for(&box);
	take_nonce(r, &box);
	box_evidence(&box, &f, ASK_ACTIVATE);
	rig_case(r, &f);
	assert_verdict(r, VERDICT_RESULT);
	take_nonce(r, &box);
	rig_case(r, &f);
	assert_denied(r, WHY_STALE, "no enrolment");
	rig_attest(r, &box); /* and what it had stays in force */
	assert_verdict(r, VERDICT_RESULT);
}

/* Two TPMs of one vendor under one name, both with a credential in their hands. */
static void attack_A39_two_tpms_that_race_for_a_name_give_one_winner(void **s)
{
	static struct box twin;
	struct cert own = vendor.leaf;

	(void)s;
	pin_by_document("vendors", 1);
	box_make(&twin, "cloudlet1");
	ask_for(&box);
	assert_verdict(r, VERDICT_CREDENTIAL);
	take_nonce(r, &box);
	certmaker_der(&vendor.leaf, &certmaker_ek, twin.ek.key->pkey, vendor.middle->pkey);
	ask_for(&twin);
	assert_verdict(r, VERDICT_CREDENTIAL);
	take_nonce(r, &twin);
	rig_evidence(r, &twin, ASK_ACTIVATE);
	assert_verdict(r, VERDICT_RESULT);
	rig_evidence(r, &box, ASK_ACTIVATE);
	assert_denied(r, WHY_REFUSED, "stay in force");
	vendor.leaf = own;
	rig_attest(r, &twin);
	assert_verdict(r, VERDICT_RESULT);
	box_drop(&twin);
}

static void a_chain_that_is_cut_short_is_refused(void **s)
{
	(void)s;
	pin_by_document("vendors", 1);
	vendor.nchain--;
	ask_for(&box);
	assert_denied(r, WHY_MALFORMED, "chain");
}

static void a_document_with_what_is_no_root_is_refused(void **s)
{
	static char pem[16384];

	(void)s;
	size_t n = certmaker_pem(pem, sizeof pem, &vendor.leaf);
	AUTO(json_free) json_t *body = json_pack("{s:s%}", "roots", pem, n);
	AUTO(mem_free) char *text = json_dumps(body, JSON_COMPACT);
	struct wr w = wr_to(r->text, sizeof r->text);
	assert_refused(document_sign(&w, r->officer, DOC_VENDOR, "vendors", 1, NOW, VIEW(text, strlen(text)), &r->e),
	        &r->e, WHY_UNTRUSTED);
	assert_non_null(strstr(r->e.text, "not a certification authority"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, before, after)
	const struct CMUnitTest tests[] = {
	        T(a_vendor_that_the_authority_was_made_with_is_believed),
	        T(a_vendor_that_an_officer_signed_for_is_believed),
	        T(one_of_several_vendors_is_enough),
	        T(a_newer_document_takes_a_vendor_away),
	        T(vendors_survive_a_restart),
	        T(vendors_are_listed_with_their_number),
	        T(an_issuer_that_has_expired_stands_in_the_record),
	        T(a_key_of_another_template_is_given_a_credential_too),
	        T(attack_A07_a_certificate_is_not_believed_on_the_judges_word),
	        T(attack_A32_a_certificate_of_another_key),
	        T(attack_A08_only_the_attestation_key_of_the_enrolment_counts),
	        T(attack_A09_an_activation_can_not_be_posted_again),
	        T(attack_A39_two_tpms_that_race_for_a_name_give_one_winner),
	        T(a_chain_that_is_cut_short_is_refused),
	        T(a_document_with_what_is_no_root_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
