#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <string.h>
#include <sys/queue.h>

#include "federation/doorway.h"
#include "tests/unit/unit.h"

/* Names and values in turn, NULL at the end. */
static void fill(struct evkeyvalq *q, const char *const pairs[])
{
	TAILQ_INIT(q);
	for (; pairs[0]; pairs += 2)
		assert_int_equal(evhttp_add_header(q, pairs[0], pairs[1]), 0);
}

static int framing(const char *const pairs[], const char *uri, struct err *e)
{
	struct evkeyvalq q;

	fill(&q, pairs);
	int r = httpcheck_framing(&q, uri, e);
	evhttp_clear_headers(&q);
	return r;
}

static int body(const char *const pairs[], const char *type, size_t n, struct err *e)
{
	struct evkeyvalq q;

	fill(&q, pairs);
	int r = httpcheck_body(&q, type, n, e);
	evhttp_clear_headers(&q);
	return r;
}

#define HEADERS(...)                                                                                                   \
	(const char *const[])                                                                                          \
	{                                                                                                              \
		"Host", "x", __VA_ARGS__, NULL, NULL                                                                   \
	}

static void an_ordinary_request_is_accepted(void **s)
{
	(void)s;
	struct err e = {0};

	assert_accepted(framing(HEADERS("Content-Length", "12", "Accept", "*/*"), "/v1/health", &e), &e);
}

static void attack_A89_a_transfer_encoding_is_refused_whatever_it_is(void **s)
{
	(void)s;
	struct err e;

	assert_refused(framing(HEADERS("Transfer-Encoding", "chunked"), "/", &e), &e, WHY_MALFORMED);
	assert_refused(framing(HEADERS("transfer-encoding", "identity"), "/", &e), &e, WHY_MALFORMED);
}

static void attack_A89_two_lengths_are_refused_even_when_equal(void **s)
{
	(void)s;
	struct err e;

	assert_refused(framing(HEADERS("Content-Length", "3", "content-length", "3"), "/", &e), &e, WHY_MALFORMED);
}

static void attack_A89_a_length_is_digits_and_nothing_else(void **s)
{
	(void)s;
	static const char *const bad[] = {"", "+3", "-3", "3, 3", "3 3", "0x3", "3\t", "12345678901", "3a"};
	struct err e;

	for (size_t i = 0; i < COUNT(bad); i++)
		assert_refused(framing(HEADERS("Content-Length", bad[i]), "/", &e), &e, WHY_MALFORMED);
}

static void attack_A89_a_name_that_is_not_a_token_is_refused(void **s)
{
	(void)s;
	static const char *const bad[] = {"Content-Length ", "", "X(", "X\x80", "a b"};
	struct err e;

	for (size_t i = 0; i < COUNT(bad); i++)
		assert_refused(framing(HEADERS(bad[i], "3"), "/", &e), &e, WHY_MALFORMED);
}

static void a_value_with_control_characters_is_refused(void **s)
{
	(void)s;
	struct err e;

	assert_refused(framing(HEADERS("X", "a\001b"), "/", &e), &e, WHY_MALFORMED);
	assert_refused(framing(HEADERS("X", "a\177"), "/", &e), &e, WHY_MALFORMED);
}

static void there_is_exactly_one_host(void **s)
{
	(void)s;
	struct err e;

	assert_refused(framing(HEADERS("Host", "y"), "/", &e), &e, WHY_MALFORMED);
	assert_refused(framing((const char *const[]){NULL}, "/", &e), &e, WHY_MALFORMED);
}

static void a_target_with_scheme_or_host_is_refused(void **s)
{
	(void)s;
	struct err e;

	assert_refused(framing(HEADERS("X", "y"), "https://x/v1/health", &e), &e, WHY_MALFORMED);
	assert_refused(framing(HEADERS("X", "y"), "*", &e), &e, WHY_MALFORMED);
	assert_refused(framing(HEADERS("X", "y"), NULL, &e), &e, WHY_MALFORMED);
}

static void a_change_of_protocol_is_refused(void **s)
{
	(void)s;
	struct err e;

	assert_refused(framing(HEADERS("Upgrade", "h2c"), "/", &e), &e, WHY_MALFORMED);
}

static void a_body_has_its_type_and_its_length(void **s)
{
	(void)s;
	struct err e = {0};

	assert_accepted(
	        body(HEADERS("Content-Type", "application/jose", "Content-Length", "3"), "application/jose", 3, &e),
	        &e);
	assert_refused(body(HEADERS("Content-Type", "text/html", "Content-Length", "3"), "application/jose", 3, &e), &e,
	        WHY_MALFORMED);
	assert_refused(body(HEADERS("Content-Type", "application/jose"), "application/jose", 0, &e), &e, WHY_MALFORMED);
	assert_refused(body(HEADERS("Content-Length", "3"), "application/jose", 3, &e), &e, WHY_MALFORMED);
}

static void two_types_are_refused(void **s)
{
	(void)s;
	struct err e;

	assert_refused(body(HEADERS("Content-Type", "a/b", "Content-Type", "a/b", "Content-Length", "1"), "a/b", 1, &e),
	        &e, WHY_MALFORMED);
}

static void a_route_without_body_takes_none(void **s)
{
	(void)s;
	struct err e = {0};

	assert_accepted(body(HEADERS("X", "y"), NULL, 0, &e), &e);
	assert_refused(body(HEADERS("Content-Length", "1"), NULL, 1, &e), &e, WHY_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_ordinary_request_is_accepted),
	        cmocka_unit_test(attack_A89_a_transfer_encoding_is_refused_whatever_it_is),
	        cmocka_unit_test(attack_A89_two_lengths_are_refused_even_when_equal),
	        cmocka_unit_test(attack_A89_a_length_is_digits_and_nothing_else),
	        cmocka_unit_test(attack_A89_a_name_that_is_not_a_token_is_refused),
	        cmocka_unit_test(a_value_with_control_characters_is_refused),
	        cmocka_unit_test(there_is_exactly_one_host),
	        cmocka_unit_test(a_target_with_scheme_or_host_is_refused),
	        cmocka_unit_test(a_change_of_protocol_is_refused),
	        cmocka_unit_test(a_body_has_its_type_and_its_length),
	        cmocka_unit_test(two_types_are_refused),
	        cmocka_unit_test(a_route_without_body_takes_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
