/* Tests of client: what becomes of an answer, and what is refused before anything is sent. */
#include "tests/unit/unit.h"

#include <string.h>

#include "federation/federation.h"

static int refusal(int status, const char *body, struct err *e)
{
	struct reply r = {.status = status, .body = VIEW(body, strlen(body))};

	return client_refusal(&r, e);
}

static void a_good_answer_is_no_refusal_whatever_its_body(void **s)
{
	static const char *const bodies[] = {
	        "", "{}", "not JSON", "{\"error\":{\"reason\":\"stale\",\"sentence\":\"x\"}}"};
	struct err e = {0};
	(void)s;
	for (size_t i = 0; i < COUNT(bodies); i++)
		for (int status = 200; status < 300; status += 33)
			assert_accepted(refusal(status, bodies[i], &e), &e);
	assert_string_equal(why_name(e.why), "none");
}

static void a_refusal_is_carried_with_its_reason_sentence_and_hint(void **s)
{
	struct err e = {0};
	(void)s;
	assert_refused(refusal(403,
	                       "{\"case\":17,\"error\":{\"reason\":\"outside\",\"sentence\":\"3 km outside of geoA\","
	                       "\"hint\":\"move\"}}",
	                       &e),
	        &e, WHY_OUTSIDE);
	assert_string_equal(e.text, "3 km outside of geoA");
	assert_string_equal(e.hint, "move");
}

static void a_refusal_without_a_hint_has_none(void **s)
{
	struct err e = {.hint = "left over"};
	(void)s;
	assert_refused(refusal(409, "{\"error\":{\"reason\":\"stale\",\"sentence\":\"too late\"}}", &e), &e, WHY_STALE);
	assert_string_equal(e.hint, "");
	assert_refused(refusal(409, "{\"error\":{\"reason\":\"stale\",\"sentence\":\"too late\",\"hint\":7}}", &e), &e,
	        WHY_STALE);
	assert_string_equal(e.hint, "");
}

static void a_reason_that_nobody_knows_is_that_of_the_status(void **s)
{
	struct err e = {0};
	(void)s;
	assert_refused(refusal(403, "{\"error\":{\"reason\":\"weather\",\"sentence\":\"rain\"}}", &e), &e, WHY_REFUSED);
	assert_string_equal(e.text, "rain");
	assert_refused(refusal(404, "{\"error\":{\"reason\":\"none\",\"sentence\":\"rain\"}}", &e), &e, WHY_UNKNOWN);
}

static void an_answer_without_a_sentence_says_its_status(void **s)
{
	static const char *const bodies[] = {"", "<html>", "{}", "[]", "{\"error\":7}", "{\"error\":{}}",
	        "{\"error\":{\"reason\":\"stale\"}}", "{\"error\":{\"sentence\":\"x\"}}",
	        "{\"error\":{\"reason\":\"stale\",\"reason\":\"forged\",\"sentence\":\"x\"}}"};
	struct err e = {0};
	(void)s;
	for (size_t i = 0; i < COUNT(bodies); i++) {
		assert_refused(refusal(503, bodies[i], &e), &e, WHY_SYSTEM);
		assert_non_null(strstr(e.text, "503"));
	}
}

static void every_status_has_its_reason(void **s)
{
	static const struct {
		int status;
		enum why why;
	} table[] = {{400, WHY_MALFORMED}, {405, WHY_MALFORMED}, {413, WHY_MALFORMED}, {401, WHY_REFUSED},
	        {403, WHY_REFUSED}, {404, WHY_UNKNOWN}, {409, WHY_STALE}, {500, WHY_SYSTEM}, {503, WHY_SYSTEM},
	        {302, WHY_SYSTEM}, {100, WHY_SYSTEM}, {0, WHY_SYSTEM}};
	struct err e = {0};
	(void)s;
	for (size_t i = 0; i < COUNT(table); i++)
		assert_refused(refusal(table[i].status, "", &e), &e, table[i].why);
}

static void a_sentence_cannot_move_the_terminal(void **s)
{
	struct err e = {0};
	(void)s;
	assert_refused(refusal(400, "{\"error\":{\"reason\":\"forged\",\"sentence\":\"a\\u001b[2Jb\\nc\"}}", &e), &e,
	        WHY_FORGED);
	for (const char *c = e.text; *c; c++)
		assert_true((unsigned char)*c >= 0x20);
}

static void only_https_is_spoken(void **s)
{
	static const char *const urls[] = {
	        "", "http://127.0.0.1:1", "HTTPS://127.0.0.1:1", "127.0.0.1:1", "file:///etc/passwd"};
	struct err e = {0};
	(void)s;
	for (size_t i = 0; i < COUNT(urls); i++) {
		const struct client_config c = {.url = urls[i], .ca_file = "/dev/null"};
		assert_null(client_open(&c, &e));
		assert_string_equal(why_name(e.why), "malformed");
	}
}

static void nobody_there_is_a_sentence_with_the_address(void **s)
{
	const struct client_config c = {.url = "https://127.0.0.1:1", .ca_file = "/dev/null"};
	struct err e = {0};
	struct reply r;
	AUTO(client_close) struct client *client = client_open(&c, &e);
	(void)s;
	assert_non_null(client);
	assert_refused(client_call(client, "GET", "/v1/health", NULL, VIEW("", 0), &r, &e), &e, WHY_SYSTEM);
	assert_non_null(strstr(e.text, "https://127.0.0.1:1"));
	assert_true(e.hint[0]);
}

static void a_path_that_does_not_fit_is_refused(void **s)
{
	const struct client_config c = {.url = "https://127.0.0.1:1", .ca_file = "/dev/null"};
	char path[2000];
	struct err e = {0};
	struct reply r;
	AUTO(client_close) struct client *client = client_open(&c, &e);
	(void)s;
	assert_non_null(client);
	memset(path, 'a', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	assert_refused(client_call(client, "GET", path, NULL, VIEW("", 0), &r, &e), &e, WHY_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_good_answer_is_no_refusal_whatever_its_body),
	        cmocka_unit_test(a_refusal_is_carried_with_its_reason_sentence_and_hint),
	        cmocka_unit_test(a_refusal_without_a_hint_has_none),
	        cmocka_unit_test(a_reason_that_nobody_knows_is_that_of_the_status),
	        cmocka_unit_test(an_answer_without_a_sentence_says_its_status),
	        cmocka_unit_test(every_status_has_its_reason),
	        cmocka_unit_test(a_sentence_cannot_move_the_terminal),
	        cmocka_unit_test(only_https_is_spoken),
	        cmocka_unit_test(nobody_there_is_a_sentence_with_the_address),
	        cmocka_unit_test(a_path_that_does_not_fit_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
