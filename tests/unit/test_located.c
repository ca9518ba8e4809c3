/* Tests of the decider's look at geo tags: whose they are, whether they count, and what they decide. */
#include "tests/unit/onebox.h"

static struct made_tag tag;

#define LEVEL2 "{\"fence\":\"berlin\",\"references\":[\"edge\"],\"lease_s\":60,\"location_level\":2}"

static void give_tag(struct box *b, struct made_tag *m, uint64_t serial)
{
	struct tag t = tagmaker_plain(b->name, &b->ek, serial, NOW);

	tagmaker_sign(m, r->officer, &t);
	b->tag = m;
}

/* A machine without a declared position, in a domain that wants a tag. */
static int before(void **s)
{
	onebox_domain(s);
	rig_accept(r, DOC_DOMAIN, "inner", 2, LEVEL2);
	box.has_fix = false;
	rig_join(r, &box);
	give_tag(&box, &tag, 10);
	return 0;
}

/* The result denies the domain for this reason, in these words. */
static void denied_in_domain(enum why why, const char *words)
{
	assert_verdict(r, VERDICT_RESULT);
	assert_allows(r, false);
	AUTO(json_free) json_t *claims = rig_claims(r);
	const json_t *d = decision_of(claims, "inner");
	assert_string_equal(json_text(d, "reason"), why_name(why));
	if (!strstr(json_text(d, "sentence"), words))
		fail_msg("%s", json_text(d, "sentence"));
}

static void a_tag_inside_is_a_yes_and_stands_in_the_lease(void **s)
{
	uint8_t name[TPM_NAME_LEN];

	(void)s;
	rig_attest(r, &box);
	assert_verdict(r, VERDICT_RESULT);
	assert_allows(r, true);
	assert_true(r->v.has_tag);
	assert_memory_equal(r->v.tag, tag.t.digest, SHA_LEN);
	tagindex_name(name, r->officer->pub, true);
	assert_memory_equal(r->v.tag_name, name, sizeof name);
}

static void a_renewal_shows_the_same_tag_again(void **s)
{
	(void)s;
	for (int i = 0; i < 3; i++) {
		rig_attest(r, &box);
		assert_verdict(r, VERDICT_RESULT);
		assert_allows(r, true);
	}
}

static void a_result_says_by_what_the_place_is_known(void **s)
{
	char digest[2 * SHA_LEN + 1];

	(void)s;
	box.has_fix = true;
	rig_attest(r, &box);
	AUTO(json_free) json_t *claims = rig_claims(r);
	const json_t *l = json_object_get(claims, "merestone_location");
	assert_int_equal(json_integer_value(json_object_get(l, "level")), 2);
	assert_int_equal(json_integer_value(json_object_get(l, "tag_serial")), 10);
	assert_string_equal(json_text(l, "site"), "berlin-hall-7");
	assert_string_equal(json_text(l, "tag"), hex_put(digest, tag.t.digest, SHA_LEN));
	assert_true(json_is_object(json_object_get(l, "declared")));
	const json_t *inner = json_object_get(json_object_get(claims, "submods"), "inner");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(inner, "merestone_place"), "level")), 2);
}

static void a_machine_may_show_its_tag_when_it_activates(void **s)
{
	(void)s;
	rig_enrol(r, &box);
	rig_evidence(r, &box, ASK_ACTIVATE);
	assert_verdict(r, VERDICT_RESULT);
	assert_allows(r, true);
	assert_true(r->v.has_tag);
}

static void no_tag_where_one_is_wanted_is_a_no(void **s)
{
	(void)s;
	box.tag = NULL;
	box.has_fix = true;
	rig_attest(r, &box);
	denied_in_domain(WHY_OUTSIDE, "cloudlet1 shows no geo tag, and domain inner needs one");
	assert_false(r->v.has_tag);
}

static void a_tag_outside_the_fence_is_a_no(void **s)
{
	struct tag t = tagmaker_plain(box.name, &box.ek, 11, NOW);

	(void)s;
	t.fix = (struct fix){48.8566, 2.3522, 100};
	tagmaker_sign(&tag, r->officer, &t);
	rig_attest(r, &box);
	denied_in_domain(WHY_OUTSIDE, "outside fence berlin");
}

static void a_declared_position_that_contradicts_the_tag_is_a_no_everywhere(void **s)
{
	(void)s;
	rig_accept(r, DOC_DOMAIN, "inner", 3,
	        "{\"fence\":\"berlin\",\"references\":[\"edge\"],\"lease_s\":60,\"location_level\":1}");
	box.has_fix = true;
	box.fix = (struct fix){52.2297, 21.0122, 1000};
	rig_attest(r, &box);
	denied_in_domain(WHY_OUTSIDE, "from where its geo tag has it");
}

static void the_tag_counts_also_where_a_declaration_would_do(void **s)
{
	(void)s;
	rig_accept(r, DOC_DOMAIN, "inner", 3,
	        "{\"fence\":\"berlin\",\"references\":[\"edge\"],\"lease_s\":60,\"location_level\":1}");
	rig_attest(r, &box);
	assert_verdict(r, VERDICT_RESULT);
	assert_allows(r, true);
}

/* ---- In force ---- */

static void a_tag_that_ended_or_has_not_begun_does_not_count(void **s)
{
	(void)s;
	r->d->now = NOW + 1000;
	rig_attest(r, &box);
	denied_in_domain(WHY_STALE, "the geo tag of site berlin-hall-7 ended 0 s ago");
	assert_false(r->v.has_tag);
	r->d->now = NOW - 1001;
	rig_attest(r, &box);
	denied_in_domain(WHY_STALE, "begins in 1 s");
}

static void a_lease_does_not_outlive_its_tag(void **s)
{
	(void)s;
	r->d->now = NOW + 990;
	rig_attest(r, &box);
	assert_allows(r, true);
	assert_int_equal(r->v.grants[0].deadline_ms, box.clock.clock_ms + 10 * 857);
}

static void a_tag_of_someone_who_is_no_officer_does_not_count(void **s)
{
	AUTO(es256_free) struct es256 *other = es256_generate(&r->e);
	struct tag t = tagmaker_plain(box.name, &box.ek, 11, NOW);

	(void)s;
	tagmaker_sign(&tag, other, &t);
	rig_attest(r, &box);
	denied_in_domain(WHY_UNTRUSTED, "is signed by no security officer");
	assert_false(r->v.has_tag);
	/* Nor does its serial stand in the way of the officer's. */
	give_tag(&box, &tag, 11);
	rig_attest(r, &box);
	assert_allows(r, true);
}

/* ---- Whose it is ---- */

static void attack_A110_the_tag_of_another_machine_is_refused(void **s)
{
	struct tpm_key ek = {0};
	struct tag t = tagmaker_plain("cloudlet2", &box.ek, 11, NOW);

	(void)s;
	tagmaker_sign(&tag, r->officer, &t);
	rig_attest(r, &box);
	assert_denied(r, WHY_FORGED, "is cloudlet2's, and cloudlet1 shows it");
	tpmmaker_key(&ek, TPMMAKER_EK);
	t = tagmaker_plain(box.name, &ek, 11, NOW);
	tagmaker_sign(&tag, r->officer, &t);
	rig_attest(r, &box);
	assert_denied(r, WHY_FORGED, "made for another TPM than that of cloudlet1");
	tpmmaker_drop(&ek);
}

static void attack_A110_a_serial_that_another_machine_shows_is_refused(void **s)
{
	struct box second;
	struct made_tag its;

	(void)s;
	rig_attest(r, &box);
	box_make(&second, "cloudlet2");
	rig_join(r, &second);
	give_tag(&second, &its, 10);
	rig_attest(r, &second);
	assert_denied(r, WHY_REFUSED, "the geo tag's serial 10 is that of cloudlet1 already");
	give_tag(&second, &its, 11);
	rig_attest(r, &second);
	assert_allows(r, true);
	box_drop(&second);
}

static void attack_A111_an_older_tag_than_the_last_is_refused(void **s)
{
	struct made_tag newer;

	(void)s;
	give_tag(&box, &newer, 12);
	rig_attest(r, &box);
	assert_allows(r, true);
	box.tag = &tag;
	rig_attest(r, &box);
	assert_denied(r, WHY_STALE, "showed geo tag 12 already");
	give_tag(&box, &tag, 12); /* the same number, another text */
	struct tag t = tag.t;
	t.fix.lat_deg += 1;
	tagmaker_sign(&tag, r->officer, &t);
	rig_attest(r, &box);
	assert_denied(r, WHY_STALE, "showed geo tag 12 already");
	box.tag = &newer;
	rig_attest(r, &box);
	assert_allows(r, true);
}

static void attack_A111_an_index_that_anybody_writes_is_refused(void **s)
{
	uint8_t area[] = {0x01, 0x80, 0x01, 0x00, 0, 0x0b, 0x22, 0x04, 0, 0x04, 0, 0, 0, 0x20},
	        name[TPM_NAME_LEN] = {0, 11};

	(void)s;
	sha256(name + 2, VIEW_OF(area));
	box.index = VIEW_OF(name);
	rig_attest(r, &box);
	assert_denied(r, WHY_FORGED, "the NV index is another one, or has other attributes");
}

static void attack_A111_an_index_with_another_digest_is_refused(void **s)
{
	uint8_t other[SHA_LEN] = {1};

	(void)s;
	box.held = VIEW_OF(other);
	rig_attest(r, &box);
	assert_denied(r, WHY_FORGED, "holds something else than was sent");
}

static void attack_A112_a_tag_that_the_tpm_did_not_certify_now_is_refused(void **s)
{
	static struct facts f, old;
	static uint8_t certify[TPM_ATTEST_MAX], sig[TPM_SIGNATURE_MAX];

	(void)s;
	box_evidence(&box, &old, ASK_ATTEST);
	memcpy(certify, old.attest.tag_certify.p, old.attest.tag_certify.n);
	memcpy(sig, old.attest.tag_certify_sig.p, old.attest.tag_certify_sig.n);
	rig_attest(r, &box); /* the nonce is another one now */
	box_evidence(&box, &f, ASK_ATTEST);
	f.attest.tag_certify = VIEW(certify, old.attest.tag_certify.n);
	f.attest.tag_certify_sig = VIEW(sig, old.attest.tag_certify_sig.n);
	rig_case(r, &f);
	assert_denied(r, WHY_STALE, "does not answer this nonce");
}

static void a_lying_judge_cannot_pass_a_tag_that_its_officer_did_not_sign(void **s)
{
	static struct facts f;

	(void)s;
	tag.bytes[tag.n - 1] ^= 1;
	sha256(tag.t.digest, tagmaker_view(&tag));
	box_evidence(&box, &f, ASK_ATTEST);
	rig_case(r, &f);
	assert_denied(r, WHY_FORGED, "geo tag: the signature");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, before, onebox_drop)
	const struct CMUnitTest tests[] = {
	        T(a_tag_inside_is_a_yes_and_stands_in_the_lease),
	        T(a_renewal_shows_the_same_tag_again),
	        T(a_result_says_by_what_the_place_is_known),
	        T(a_machine_may_show_its_tag_when_it_activates),
	        T(no_tag_where_one_is_wanted_is_a_no),
	        T(a_tag_outside_the_fence_is_a_no),
	        T(a_declared_position_that_contradicts_the_tag_is_a_no_everywhere),
	        T(the_tag_counts_also_where_a_declaration_would_do),
	        T(a_tag_that_ended_or_has_not_begun_does_not_count),
	        T(a_lease_does_not_outlive_its_tag),
	        T(a_tag_of_someone_who_is_no_officer_does_not_count),
	        T(attack_A110_the_tag_of_another_machine_is_refused),
	        T(attack_A110_a_serial_that_another_machine_shows_is_refused),
	        T(attack_A111_an_older_tag_than_the_last_is_refused),
	        T(attack_A111_an_index_that_anybody_writes_is_refused),
	        T(attack_A111_an_index_with_another_digest_is_refused),
	        T(attack_A112_a_tag_that_the_tpm_did_not_certify_now_is_refused),
	        T(a_lying_judge_cannot_pass_a_tag_that_its_officer_did_not_sign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
