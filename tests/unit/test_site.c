#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/jws.h"
#include "firmware/init/init.h"
#include "tests/unit/mangle.h"

#define HEAD  "\"format\":\"merestone-site/1\",\"name\":\"edge-1\",\"trust_domain\":\"edge.example\""
#define CA    "\"ca\":\"-----BEGIN CERTIFICATE-----\\n\""
#define WHERE "\"authority\":\"https://10.0.2.2:8443\""
#define DHCP  "\"network\":{\"dhcp\":true}"
#define GOOD  "{" HEAD "," WHERE "," CA "," DHCP "}"

static struct es256 *officer, *other;
static struct err e;
static uint8_t buf[SITE_MAX];

static int make(void **s)
{
	(void)s;
	officer = es256_generate(&e);
	other = es256_generate(&e);
	return officer && other ? 0 : -1;
}

static int drop(void **s)
{
	(void)s;
	es256_free(officer);
	es256_free(other);
	return 0;
}

static struct view signed_by(const struct es256 *key, const char *typ, const char *payload)
{
	struct wr w = wr_to(buf, sizeof buf);

	assert_accepted(jws_sign(&w, key, typ, VIEW(payload, strlen(payload)), &e), &e);
	return wr_done(&w);
}

static int parse(const char *payload, struct site *s)
{
	return site_parse(signed_by(officer, SITE_TYP, payload), VIEW("", 0), s, &e);
}

static void a_site_file_says_where_a_machine_belongs(void **s)
{
	struct site site;

	(void)s;
	assert_accepted(parse(GOOD, &site), &e);
	assert_string_equal(site.name, "edge-1");
	assert_string_equal(site.host, "10.0.2.2");
	assert_int_equal(site.port, 8443);
	assert_true(site.dhcp);
	assert_false(site.has_location);
	assert_string_equal(site.officer, officer->kid);
}

static void an_address_by_hand_and_datasets_are_taken(void **s)
{
	struct site site;

	(void)s;
	assert_accepted(
	        parse("{" HEAD "," WHERE "," CA ",\"network\":{\"address\":\"10.0.2.15/24\",\"gateway\":\"10.0.2.2\"},"
	              "\"location\":{\"latitude_deg\":52.5,\"longitude_deg\":13.4,\"uncertainty_m\":100},"
	              "\"data\":[\"geoA\",\"geoB\"]}",
	                &site),
	        &e);
	assert_int_equal(site.network.prefix, 24);
	assert_int_equal(site.network.gateway[3], 2);
	assert_int_equal(site.ndata, 2);
	assert_string_equal(site.data[1], "geoB");
	assert_true(site.has_location && site.uncertainty_m > 99);
}

static void refused(const char *payload, const char *word)
{
	struct site site;

	assert_refused(parse(payload, &site), &e, WHY_MALFORMED);
	if (!strstr(e.text, word))
		fail_msg("\"%s\" does not name %s", e.text, word);
}

static void a_member_too_many_or_too_few_is_named(void **s)
{
	(void)s;
	refused("{" HEAD "," WHERE "," CA "," DHCP ",\"dns\":\"10.0.2.3\"}", "dns");
	refused("{" HEAD "," WHERE "," DHCP "}", "ca");
	refused("{" HEAD "," CA "," DHCP "}", "authority");
	refused("{" HEAD "," WHERE "," CA "}", "network");
	refused("{\"format\":\"merestone-site/2\"}", "merestone-site/1");
}

static void an_authority_that_is_no_number_is_refused(void **s)
{
	static const char *const urls[] = {"https://authority.example:8443", "http://10.0.2.2:8443", "https://10.0.2.2",
	        "https://10.0.2.2:0", "https://10.0.2.2:65536", "https://10.0.2.2:8443/", "https://10.0.2.2: 8443",
	        "https://10.0.2.2:+8443", "https://10.0.2.2:08443", "https://10.0.2:8443", "https://10.0.2.256:1"};
	char payload[512];

	(void)s;
	for (size_t i = 0; i < COUNT(urls); i++) {
		(void)snprintf(payload, sizeof payload, "{" HEAD ",\"authority\":\"%s\"," CA "," DHCP "}", urls[i]);
		refused(payload, "authority");
	}
}

static void an_address_that_no_machine_can_have_is_refused(void **s)
{
	static const char *const nets[] = {"{\"address\":\"10.0.2.0/24\"}", "{\"address\":\"10.0.2.255/24\"}",
	        "{\"address\":\"127.0.0.1/8\"}", "{\"address\":\"224.0.0.1/24\"}", "{\"address\":\"10.0.2.15\"}",
	        "{\"address\":\"10.0.2.15/7\"}", "{\"address\":\"10.0.2.15/31\"}", "{\"address\":\"10.0.2.15/ 24\"}",
	        "{\"address\":\"10.0.2.15/24\",\"gateway\":\"10.0.3.2\"}",
	        "{\"address\":\"10.0.2.15/24\",\"gateway\":\"10.0.2.15\"}",
	        "{\"address\":\"10.0.2.15/24\",\"dhcp\":true}", "{\"dhcp\":false}", "{}"};
	char payload[512];

	(void)s;
	for (size_t i = 0; i < COUNT(nets); i++) {
		(void)snprintf(payload, sizeof payload, "{" HEAD "," WHERE "," CA ",\"network\":%s}", nets[i]);
		refused(payload, "network");
	}
}

static void a_dataset_that_is_a_path_is_refused(void **s)
{
	(void)s;
	refused("{" HEAD "," WHERE "," CA "," DHCP ",\"data\":[\"../geoA\"]}", "data");
	refused("{" HEAD "," WHERE "," CA "," DHCP ",\"data\":\"geoA\"}", "data");
}

static void a_document_of_another_kind_is_no_site_file(void **s)
{
	struct site site;

	(void)s;
	assert_refused(site_parse(signed_by(officer, "merestone-document+jws", GOOD), VIEW("", 0), &site, &e), &e,
	        WHY_MALFORMED);
}

static void attack_A116_where_the_image_pins_an_officer_no_other_counts(void **s)
{
	char *pem = NULL;
	size_t n = 0;
	struct site site;

	(void)s;
	assert_accepted(es256_public_pem(officer, &pem, &n, &e), &e);
	assert_accepted(site_parse(signed_by(officer, SITE_TYP, GOOD), VIEW(pem, n), &site, &e), &e);
	assert_refused(site_parse(signed_by(other, SITE_TYP, GOOD), VIEW(pem, n), &site, &e), &e, WHY_UNKNOWN);
	struct view v = signed_by(officer, SITE_TYP, GOOD);
	buf[v.n - 10] = buf[v.n - 10] == 'A' ? 'B' : 'A';
	assert_refused(site_parse(v, VIEW(pem, n), &site, &e), &e, WHY_FORGED);
	mem_free(pem);
}

static void the_agent_gets_its_configuration(void **s)
{
	char text[4096];
	struct wr w = wr_to(text, sizeof text);
	struct site site;

	(void)s;
	assert_accepted(parse("{" HEAD "," WHERE "," CA "," DHCP ",\"data\":[\"geoA\"]}", &site), &e);
	site_agent(&site, "cloud", &w);
	AUTO(json_free) json_t *j = json_read(wr_done(&w), sizeof text, &e);
	assert_non_null(j);
	assert_string_equal(json_text(j, "name"), "edge-1");
	assert_string_equal(json_text(j, "tcti"), "device:/dev/tpmrm0");
	assert_null(json_object_get(j, "location"));
	assert_string_equal(json_text(json_object_get(j, "data"), "directory"), "/run/merestone/data");
	assert_string_equal(json_text(json_object_get(j, "update"), "variant"), "cloud");
	assert_string_equal(json_text(json_object_get(j, "update"), "spool"), "/state/update");
}

/* Without a pinned officer the bytes alone decide; what is taken has a name, an authority and a way to it. */
static void look(struct view v, void *arg)
{
	struct site site;

	(void)arg;
	if (site_parse(v, VIEW("", 0), &site, &e) != 0)
		return;
	assert_true(name_ok(site.name) && site.port != 0 && site.ca[0] != 0);
	if (!site.dhcp)
		assert_accepted(netconf_check(&site.network, &e), &e);
}

static void every_mangled_site_file_is_whole_or_refused(void **s)
{
	static uint8_t good[1024];
	struct view v = signed_by(officer, SITE_TYP, GOOD);

	(void)s;
	assert_true(v.n < sizeof good);
	memcpy(good, v.p, v.n);
	mangle_each(VIEW(good, v.n), look, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_site_file_says_where_a_machine_belongs),
	        cmocka_unit_test(an_address_by_hand_and_datasets_are_taken),
	        cmocka_unit_test(a_member_too_many_or_too_few_is_named),
	        cmocka_unit_test(an_authority_that_is_no_number_is_refused),
	        cmocka_unit_test(an_address_that_no_machine_can_have_is_refused),
	        cmocka_unit_test(a_dataset_that_is_a_path_is_refused),
	        cmocka_unit_test(a_document_of_another_kind_is_no_site_file),
	        cmocka_unit_test(attack_A116_where_the_image_pins_an_officer_no_other_counts),
	        cmocka_unit_test(the_agent_gets_its_configuration),
	        cmocka_unit_test(every_mangled_site_file_is_whole_or_refused),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
