/* Tests of agentconfig: the one file that a cloudlet's operator writes. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "federation/agent.h"

#define MUST "\"name\":\"berlin-1\",\"authority\":\"https://127.0.0.1:8443\",\"ca\":\"ca.pem\",\"state\":\"state\""

static char dir[] = "/tmp/test_agentconfig.XXXXXX", path[64];

static int setup(void **s)
{
	(void)s;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof path, "%s/agent.json", dir);
	return 0;
}

static int teardown(void **s)
{
	(void)s;
	unlink(path);
	return rmdir(dir);
}

static int read_config(const char *text, struct agent_config *out, struct err *e)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	fclose(f);
	return agentconfig_read(path, out, e);
}

static void what_is_not_said_has_its_default(void **s)
{
	struct agent_config c;
	struct err e = {0};
	(void)s;
	assert_accepted(read_config("{" MUST "}", &c, &e), &e);
	assert_string_equal(c.name, "berlin-1");
	assert_string_equal(c.authority, "https://127.0.0.1:8443");
	assert_string_equal(c.tcti, "device:/dev/tpmrm0");
	assert_string_equal(c.eventlog, "/sys/kernel/security/tpm0/binary_bios_measurements");
	assert_false(c.has_fix);
}

static void a_path_starts_at_the_directory_of_the_file_unless_it_is_absolute(void **s)
{
	struct agent_config c;
	char expected[128];
	struct err e = {0};
	(void)s;
	assert_accepted(read_config("{" MUST ",\"eventlog\":\"/a/log\"}", &c, &e), &e);
	snprintf(expected, sizeof expected, "%s/state", dir);
	assert_string_equal(c.state, expected);
	snprintf(expected, sizeof expected, "%s/ca.pem", dir);
	assert_string_equal(c.ca, expected);
	assert_string_equal(c.eventlog, "/a/log");
}

static void the_kernels_runtime_list_goes_with_the_kernels_boot_log(void **s)
{
	struct agent_config c;
	char expected[128];
	struct err e = {0};
	(void)s;
	assert_accepted(read_config("{" MUST "}", &c, &e), &e);
	assert_string_equal(c.ima, "/sys/kernel/security/ima/binary_runtime_measurements");
	assert_accepted(read_config("{" MUST ",\"eventlog\":\"/a/log\"}", &c, &e), &e);
	assert_string_equal(c.ima, "");
	assert_accepted(read_config("{" MUST ",\"eventlog\":\"/a/log\",\"ima\":\"list\"}", &c, &e), &e);
	snprintf(expected, sizeof expected, "%s/list", dir);
	assert_string_equal(c.ima, expected);
	assert_accepted(read_config("{" MUST ",\"ima\":\"\"}", &c, &e), &e);
	assert_string_equal(c.ima, "");
}

static void a_place_is_three_numbers_in_range(void **s)
{
	struct agent_config c;
	struct err e = {0};
	(void)s;
	assert_accepted(read_config("{" MUST ",\"location\":{\"latitude_deg\":52.52,\"longitude_deg\":13.405,"
	                            "\"uncertainty_m\":1000}}",
	                        &c, &e),
	        &e);
	assert_true(c.has_fix && c.fix.lat_deg > 52.5 && c.fix.lon_deg < 13.5 && c.fix.uncertainty_m > 999);
}

static void a_receiver_is_gpsd_here_and_the_machine_stands_still_unless_it_is_said(void **s)
{
	struct agent_config c;
	struct err e = {0};
	(void)s;
	assert_accepted(read_config("{" MUST "}", &c, &e), &e);
	assert_string_equal(c.gpsd, "");
	assert_accepted(read_config("{" MUST ",\"gnss\":{}}", &c, &e), &e);
	assert_string_equal(c.gpsd, "127.0.0.1:2947");
	assert_true(c.fixed);
	assert_accepted(read_config("{" MUST ",\"gnss\":{\"gpsd\":\"[::1]:7\",\"fixed\":false}}", &c, &e), &e);
	assert_string_equal(c.gpsd, "[::1]:7");
	assert_false(c.fixed);
}

static void whatever_else_stands_there_is_refused_by_name(void **s)
{
	static const struct {
		const char *text, *named;
	} bad[] = {
	        {"{" MUST ",\"colour\":\"red\"}", "colour"},
	        {"{" MUST ",\"name\":\"berlin-1\"}", "agent.json"},
	        {"{\"name\":\"berlin-1\"}", "authority"},
	        {"{\"name\":\"../berlin\",\"authority\":\"x\",\"ca\":\"x\",\"state\":\"x\"}", "name"},
	        {"{" MUST ",\"tcti\":7}", "tcti"},
	        {"{" MUST ",\"location\":[]}", "location"},
	        {"{" MUST ",\"location\":{\"latitude_deg\":52}}", "longitude_deg"},
	        {"{" MUST ",\"location\":{\"latitude_deg\":91,\"longitude_deg\":0,\"uncertainty_m\":0}}",
	                "latitude_deg"},
	        {"{" MUST ",\"location\":{\"latitude_deg\":0,\"longitude_deg\":181,\"uncertainty_m\":0}}",
	                "longitude_deg"},
	        {"{" MUST ",\"location\":{\"latitude_deg\":0,\"longitude_deg\":0,\"uncertainty_m\":-1}}",
	                "uncertainty_m"},
	        {"{" MUST ",\"location\":{\"latitude_deg\":0,\"longitude_deg\":0,\"uncertainty_m\":0,\"height\":1}}",
	                "height"},
	        {"{" MUST ",\"gnss\":\"127.0.0.1:2947\"}", "gnss"},
	        {"{" MUST ",\"gnss\":{\"gpsd\":\"\"}}", "gpsd"},
	        {"{" MUST ",\"gnss\":{\"fixed\":1}}", "fixed"},
	        {"{" MUST ",\"gnss\":{\"baud\":9600}}", "baud"},
	        {"", "agent.json"},
	};
	struct agent_config c;
	struct err e = {0};
	(void)s;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_refused(read_config(bad[i].text, &c, &e), &e, WHY_MALFORMED);
		assert_non_null(strstr(e.text, bad[i].named));
	}
}

static void a_path_that_does_not_fit_is_refused(void **s)
{
	char text[AGENT_PATH_MAX + 256], eventlog[AGENT_PATH_MAX + 1];
	struct agent_config c;
	struct err e = {0};
	(void)s;
	memset(eventlog, 'a', sizeof eventlog - 1);
	eventlog[sizeof eventlog - 1] = '\0';
	snprintf(text, sizeof text, "{" MUST ",\"eventlog\":\"%s\"}", eventlog);
	assert_refused(read_config(text, &c, &e), &e, WHY_MALFORMED);
}

static void a_file_that_is_not_there_is_the_systems_fault(void **s)
{
	struct agent_config c;
	struct err e = {0};
	(void)s;
	assert_refused(agentconfig_read("/tmp/there/is/no/agent.json", &c, &e), &e, WHY_SYSTEM);
}

#define KEY                                                                                                            \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"                                             \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void landmarks_have_a_name_an_address_and_a_key(void **s)
{
	static const char *const bad[] = {"{}", "[1]", "[{}]", "[{\"name\":\"a\",\"address\":\"1.2.3.4:5\"}]",
	        "[{\"name\":\"a\",\"address\":\"1.2.3.4:5\",\"key\":\"00\"}]",
	        "[{\"name\":\"-\",\"address\":\"1.2.3.4:5\",\"key\":\"" KEY "\"}]",
	        "[{\"name\":\"a\",\"address\":\"1.2.3.4:5\",\"key\":\"" KEY "\",\"more\":1}]"};
	struct agent_config c;
	struct err e = {0};
	char text[1024];

	(void)s;
	assert_accepted(read_config("{" MUST ",\"landmarks\":[{\"name\":\"spree\",\"address\":\"192.0.2.1:5684\","
	                            "\"key\":\"" KEY "\"}]}",
	                        &c, &e),
	        &e);
	assert_int_equal(c.nlandmarks, 1);
	assert_string_equal(c.landmark[0].name, "spree");
	assert_string_equal(c.landmark[0].address, "192.0.2.1:5684");
	assert_int_equal(c.landmark[0].key[1], 0x23);
	for (size_t i = 0; i < COUNT(bad); i++) {
		snprintf(text, sizeof text, "{" MUST ",\"landmarks\":%s}", bad[i]);
		assert_refused(read_config(text, &c, &e), &e, WHY_MALFORMED);
		assert_non_null(strstr(e.text, "landmarks"));
	}
}

static void what_is_opened_by_itself_has_names_and_one_directory(void **s)
{
	static const char *const bad[] = {"[]", "{\"directory\":\"d\"}", "{\"datasets\":[\"geoA\"]}",
	        "{\"directory\":\"d\",\"datasets\":[\"../geoA\"]}", "{\"directory\":\"d\",\"datasets\":[7]}",
	        "{\"directory\":\"d\",\"datasets\":[],\"more\":1}"};
	struct agent_config c;
	char text[512];
	struct err e = {0};
	(void)s;
	assert_accepted(
	        read_config(
	                "{" MUST ",\"data\":{\"directory\":\"/run/data\",\"datasets\":[\"geoA\",\"geoB\"]}}", &c, &e),
	        &e);
	assert_string_equal(c.data_dir, "/run/data");
	assert_int_equal(c.ndata, 2);
	assert_string_equal(c.data[1], "geoB");
	for (size_t i = 0; i < COUNT(bad); i++) {
		snprintf(text, sizeof text, "{" MUST ",\"data\":%s}", bad[i]);
		assert_refused(read_config(text, &c, &e), &e, WHY_MALFORMED);
	}
}

static void updates_have_a_variant_and_a_spool(void **s)
{
	static const char *const bad[] = {"{}", "[]", "{\"variant\":\"cloud\"}", "{\"spool\":\"x\"}",
	        "{\"variant\":\"a b\",\"spool\":\"x\"}", "{\"variant\":\"cloud\",\"spool\":\"x\",\"more\":1}"};
	char expected[128], text[512];
	struct agent_config c;
	struct err e = {0};
	(void)s;
	assert_accepted(read_config("{" MUST "}", &c, &e), &e);
	assert_string_equal(c.variant, "");
	assert_accepted(read_config("{" MUST ",\"update\":{\"variant\":\"cloud\",\"spool\":\"spool\"}}", &c, &e), &e);
	assert_string_equal(c.variant, "cloud");
	snprintf(expected, sizeof expected, "%s/spool", dir);
	assert_string_equal(c.spool, expected);
	for (size_t i = 0; i < COUNT(bad); i++) {
		snprintf(text, sizeof text, "{" MUST ",\"update\":%s}", bad[i]);
		assert_refused(read_config(text, &c, &e), &e, WHY_MALFORMED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(landmarks_have_a_name_an_address_and_a_key),
	        cmocka_unit_test(what_is_not_said_has_its_default),
	        cmocka_unit_test(updates_have_a_variant_and_a_spool),
	        cmocka_unit_test(what_is_opened_by_itself_has_names_and_one_directory),
	        cmocka_unit_test(a_path_starts_at_the_directory_of_the_file_unless_it_is_absolute),
	        cmocka_unit_test(the_kernels_runtime_list_goes_with_the_kernels_boot_log),
	        cmocka_unit_test(a_place_is_three_numbers_in_range),
	        cmocka_unit_test(a_receiver_is_gpsd_here_and_the_machine_stands_still_unless_it_is_said),
	        cmocka_unit_test(whatever_else_stands_there_is_refused_by_name),
	        cmocka_unit_test(a_path_that_does_not_fit_is_refused),
	        cmocka_unit_test(a_file_that_is_not_there_is_the_systems_fault),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
