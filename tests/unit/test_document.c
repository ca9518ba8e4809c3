#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy.h"
#include "tests/unit/mangle.h"
#include "tests/unit/unit.h"

static struct document d;
static struct err e;

static int parse(const char *text)
{
	memset(&e, 0, sizeof e);
	memset(&d, 0, sizeof d);
	return document_parse(VIEW(text, strlen(text)), &d, &e);
}

static int parse_body(const char *kind, const char *body)
{
	static char text[65536];

	snprintf(text, sizeof text, "{\"kind\":\"%s\",\"name\":\"x\",\"version\":1,\"issued\":5,\"body\":%s}", kind,
	        body);
	return parse(text);
}

static void refused(const char *kind, const char *body, const char *says)
{
	assert_refused(parse_body(kind, body), &e, WHY_MALFORMED);
	if (!strstr(e.text, says))
		fail_msg("%s", e.text);
}

#define DOMAIN "{\"fence\":\"f\",\"references\":[\"a\",\"b\"],\"lease_s\":60,\"location_level\":1"

static void a_domain_names_its_fence_references_and_members(void **s)
{
	(void)s;
	assert_accepted(parse_body("domain", DOMAIN ",\"members\":[\"m1\",\"m2\"]}"), &e);
	assert_int_equal(d.kind, DOC_DOMAIN);
	assert_string_equal(d.domain.fence, "f");
	assert_int_equal(d.domain.nreferences, 2);
	assert_string_equal(d.domain.references[1], "b");
	assert_int_equal(d.domain.lease_s, 60);
	assert_int_equal(d.domain.nmembers, 2);
	assert_string_equal(d.domain.members[1], "m2");
	document_free(&d);
}

static void a_domain_may_demand_that_what_runs_is_approved(void **s)
{
	(void)s;
	assert_accepted(parse_body("domain", DOMAIN ",\"runtimes\":[\"os\",\"apps\"]}"), &e);
	assert_int_equal(d.domain.nruntimes, 2);
	assert_string_equal(d.domain.runtimes[1], "apps");
	document_free(&d);
	assert_int_equal(d.domain.nruntimes, 0);
	refused("domain", DOMAIN ",\"runtimes\":[]}", "runtimes: expected an array of 1 to 32 names");
	refused("domain", DOMAIN ",\"members\":[\"m\"],\"runtimes\":[\"a\",\"a\"]}", "runtimes: a stands there twice");
}

static void a_runtime_set_is_a_document(void **s)
{
	(void)s;
	assert_accepted(parse_body("runtime", "{\"files\":{\"/a\":\""
	                                      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}}"),
	        &e);
	assert_int_equal(d.kind, DOC_RUNTIME);
	assert_non_null(d.runtime);
	document_free(&d);
	assert_null(d.runtime);
	refused("runtime", "{}", "runtime x version 1: the runtime set approves nothing");
}

static void a_domain_without_members_means_every_cloudlet(void **s)
{
	(void)s;
	assert_accepted(parse_body("domain", DOMAIN "}"), &e);
	assert_int_equal(d.domain.nmembers, 0);
	document_free(&d);
}

static void an_empty_member_list_is_refused(void **s)
{
	(void)s;
	refused("domain", DOMAIN ",\"members\":[]}", "members: expected an array of 1 to 256 names");
}

static void attack_A64_a_domain_without_references(void **s)
{
	(void)s;
	refused("domain", "{\"fence\":\"f\",\"references\":[],\"lease_s\":60,\"location_level\":1}", "references");
	refused("domain", "{\"fence\":\"f\",\"lease_s\":60,\"location_level\":1}", "references");
	refused("reference", "{}", "pcrs");
}

static void a_lease_has_bounds(void **s)
{
	(void)s;
	refused("domain", "{\"fence\":\"f\",\"references\":[\"a\"],\"lease_s\":4,\"location_level\":1}", "lease_s");
	refused("domain", "{\"fence\":\"f\",\"references\":[\"a\"],\"lease_s\":2592001,\"location_level\":1}",
	        "lease_s");
	refused("domain", "{\"fence\":\"f\",\"references\":[\"a\"],\"lease_s\":6.5,\"location_level\":1}", "lease_s");
}

#define AT_LEVEL "{\"fence\":\"f\",\"references\":[\"a\"],\"lease_s\":60,\"location_level\":"

static void a_location_level_is_one_of_four(void **s)
{
	(void)s;
	assert_accepted(parse_body("domain", AT_LEVEL "1}"), &e);
	assert_accepted(parse_body("domain", AT_LEVEL "4}"), &e);
	assert_int_equal(d.domain.location_level, LOCATION_BOUNDS);
	refused("domain", AT_LEVEL "0}", "location_level");
	refused("domain", AT_LEVEL "5}", "location_level");
}

static void what_a_domain_says_of_receivers_and_landmarks_has_defaults_and_limits(void **s)
{
	(void)s;
	assert_accepted(parse_body("domain", AT_LEVEL "3}"), &e);
	assert_true(d.domain.gnss_k == 2 && d.domain.dwell_s == 0 && d.domain.landmarks == 3);
	assert_accepted(parse_body("domain", AT_LEVEL "3,\"gnss_k\":3.5,\"dwell_s\":60,\"landmarks\":5}"), &e);
	assert_true(d.domain.gnss_k == 3.5 && d.domain.dwell_s == 60 && d.domain.landmarks == 5);
	refused("domain", AT_LEVEL "3,\"gnss_k\":0.9}", "gnss_k");
	refused("domain", AT_LEVEL "3,\"gnss_k\":101}", "gnss_k");
	refused("domain", AT_LEVEL "3,\"dwell_s\":0}", "dwell_s");
	refused("domain", AT_LEVEL "3,\"landmarks\":0}", "landmarks");
	refused("domain", AT_LEVEL "3,\"landmarks\":17}", "landmarks");
}

static void a_name_twice_is_refused(void **s)
{
	(void)s;
	refused("domain", DOMAIN ",\"members\":[\"m\",\"m\"]}", "members: m stands there twice");
}

static void a_cloudlet_is_admitted_or_revoked(void **s)
{
	(void)s;
	assert_accepted(parse_body("cloudlet", "{\"state\":\"admitted\"}"), &e);
	assert_false(d.cloudlet.revoked || d.cloudlet.has_ek);
	assert_accepted(parse_body("cloudlet", "{\"state\":\"revoked\",\"reason\":\"stolen\"}"), &e);
	assert_true(d.cloudlet.revoked);
	assert_string_equal(d.cloudlet.reason, "stolen");
	refused("cloudlet", "{\"state\":\"perhaps\"}", "state");
	refused("cloudlet", "{}", "state: missing");
}

static void a_pin_is_a_whole_digest(void **s)
{
	(void)s;
	refused("cloudlet", "{\"state\":\"admitted\",\"ek_sha256\":\"abcd\"}", "ek_sha256");
	refused("ek", "{\"ek_sha256\":\"abcd\"}", "ek_sha256");
	assert_accepted(parse_body("ek",
	                        "{\"ek_sha256\":\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"}"),
	        &e);
	assert_int_equal(d.ek.ek_sha256[31], 0xff);
}

static void a_dataset_has_a_domain_and_an_epoch(void **s)
{
	(void)s;
	assert_accepted(parse_body("dataset", "{\"domain\":\"inner\",\"epoch\":4}"), &e);
	assert_int_equal(d.dataset.epoch, 4);
	refused("dataset", "{\"domain\":\"inner\",\"epoch\":0}", "epoch");
	refused("dataset", "{\"domain\":\"../x\",\"epoch\":1}", "domain: expected a name");
}

static void a_fence_is_imported(void **s)
{
	(void)s;
	assert_accepted(
	        parse_body("fence", "{\"geometry\":{\"type\":\"Circle\",\"center\":[13.4,52.5],\"radius_m\":1000},"
	                            "\"map_accuracy_m\":10}"),
	        &e);
	assert_non_null(d.fence);
	document_free(&d);
	document_free(&d);
	refused("fence", "{}", "fence x version 1");
}

static void unknown_members_and_kinds_are_refused(void **s)
{
	(void)s;
	refused("ek", "{\"ek_sha256\":\"00\",\"also\":1}", "also: unknown member");
	refused("bird", "{}", "kind");
	assert_refused(parse("{\"kind\":\"ek\",\"name\":\"x\",\"version\":1,\"issued\":5,\"body\":{},\"extra\":1}"), &e,
	        WHY_MALFORMED);
}

static void attack_A87_a_member_twice(void **s)
{
	(void)s;
	refused("cloudlet", "{\"state\":\"revoked\",\"state\":\"admitted\"}", "duplicate");
}

static void a_version_counts_from_one(void **s)
{
	(void)s;
	assert_refused(
	        parse("{\"kind\":\"dataset\",\"name\":\"x\",\"version\":0,\"issued\":5,\"body\":{\"domain\":\"a\","
	              "\"epoch\":1}}"),
	        &e, WHY_MALFORMED);
	assert_refused(
	        parse("{\"kind\":\"dataset\",\"name\":\"x\",\"version\":2147483648,\"issued\":5,\"body\":{\"domain\":"
	              "\"a\",\"epoch\":1}}"),
	        &e, WHY_MALFORMED);
}

static void refused_or_complete(struct view mangled, void *arg)
{
	struct err why = {0};
	struct document x;

	(void)arg;
	if (document_parse(mangled, &x, &why) != 0) {
		assert_true(why.why != WHY_NONE && why.text[0] != 0);
		return;
	}
	assert_true(name_ok(x.name) && x.version >= 1);
	assert_int_equal(x.domain.nreferences, 1);
	document_free(&x);
}

static void every_truncation_and_bit_flip_is_refused_or_a_whole_document(void **s)
{
	static const char good[] =
	        "{\"kind\":\"domain\",\"name\":\"x\",\"version\":1,\"issued\":5,\"body\":{\"fence\":\"f\","
	        "\"references\":[\"a\"],\"lease_s\":60,\"location_level\":1,\"members\":[\"m1\"]}}";

	(void)s;
	mangle_each(VIEW(good, sizeof good - 1), refused_or_complete, NULL);
}

static void what_an_officer_signs_can_be_read_back(void **s)
{
	static uint8_t text[4096], payload[4096];
	static const char body[] = "{\"domain\":\"inner\",\"epoch\":4}";
	AUTO(es256_free) struct es256 *officer = es256_generate(&e);
	struct wr w = wr_to(text, sizeof text);
	struct jws j;

	(void)s;
	assert_accepted(document_sign(&w, officer, DOC_DATASET, "maps", 7, 99, VIEW(body, sizeof body - 1), &e), &e);
	assert_accepted(jws_parse(wr_done(&w), TYP_DOCUMENT, payload, sizeof payload, &j, &e), &e);
	assert_accepted(jws_verify(&j, officer, &e), &e);
	assert_accepted(document_parse(j.payload, &d, &e), &e);
	assert_string_equal(d.name, "maps");
	assert_int_equal(d.version, 7);
	assert_int_equal(d.issued, 99);
}

static void what_the_authority_would_refuse_is_not_signed(void **s)
{
	static uint8_t text[4096];
	AUTO(es256_free) struct es256 *officer = es256_generate(&e);
	struct wr w = wr_to(text, sizeof text);

	(void)s;
	assert_refused(document_sign(&w, officer, DOC_DATASET, "maps", 7, 99, VIEW("{\"epoch\":1}", 11), &e), &e,
	        WHY_MALFORMED);
	assert_int_equal(w.n, 0);
}

static void kinds_have_names_both_ways(void **s)
{
	(void)s;
	for (unsigned k = DOC_FENCE; k < DOC_KINDS; k++)
		assert_int_equal(doc_kind_parse(doc_kind_name((enum doc_kind)k)), k);
	assert_int_equal(doc_kind_parse("unknown"), DOC_KINDS);
	assert_string_equal(doc_kind_name(DOC_KINDS), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_domain_names_its_fence_references_and_members),
	        cmocka_unit_test(a_domain_may_demand_that_what_runs_is_approved),
	        cmocka_unit_test(a_runtime_set_is_a_document),
	        cmocka_unit_test(a_domain_without_members_means_every_cloudlet),
	        cmocka_unit_test(an_empty_member_list_is_refused),
	        cmocka_unit_test(attack_A64_a_domain_without_references),
	        cmocka_unit_test(a_lease_has_bounds),
	        cmocka_unit_test(a_location_level_is_one_of_four),
	        cmocka_unit_test(what_a_domain_says_of_receivers_and_landmarks_has_defaults_and_limits),
	        cmocka_unit_test(a_name_twice_is_refused),
	        cmocka_unit_test(a_cloudlet_is_admitted_or_revoked),
	        cmocka_unit_test(a_pin_is_a_whole_digest),
	        cmocka_unit_test(a_dataset_has_a_domain_and_an_epoch),
	        cmocka_unit_test(a_fence_is_imported),
	        cmocka_unit_test(unknown_members_and_kinds_are_refused),
	        cmocka_unit_test(attack_A87_a_member_twice),
	        cmocka_unit_test(a_version_counts_from_one),
	        cmocka_unit_test(every_truncation_and_bit_flip_is_refused_or_a_whole_document),
	        cmocka_unit_test(what_an_officer_signs_can_be_read_back),
	        cmocka_unit_test(what_the_authority_would_refuse_is_not_signed),
	        cmocka_unit_test(kinds_have_names_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
