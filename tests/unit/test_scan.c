#include <string.h>

#include "federation/doorway.h"
#include "tests/unit/mangle.h"
#include "tests/unit/unit.h"

static const char good[] = "PUT /v1/blobs/geoa?offset=0 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
enum { HEADER = sizeof good - 1 - 3 };

static size_t scan(struct scan *s, const char *text)
{
	scan_start(s);
	return scan_feed(s, VIEW(text, strlen(text)));
}

static void a_header_ends_at_its_empty_line_and_not_before(void **state)
{
	(void)state;
	struct scan s;

	assert_int_equal(scan(&s, good), HEADER);
	assert_true(s.ended && !s.odd);
}

static void the_request_line_is_kept(void **state)
{
	(void)state;
	struct scan s;
	enum method m;
	struct view target;

	(void)scan(&s, good);
	assert_true(scan_request(&s, &m, &target));
	assert_int_equal(m, METHOD_PUT);
	assert_true(view_is(target, "/v1/blobs/geoa?offset=0"));
}

static void bytes_one_by_one_are_the_same_as_all_at_once(void **state)
{
	(void)state;
	struct scan one, all;
	size_t used = 0;

	(void)scan(&all, good);
	scan_start(&one);
	for (size_t i = 0; i < sizeof good - 1; i++)
		used += scan_feed(&one, VIEW(good + i, 1));
	assert_int_equal(used, HEADER);
	assert_int_equal(one.nline, all.nline);
	assert_memory_equal(one.line, all.line, all.nline);
}

static void what_evhttp_forgives_is_seen(void **state)
{
	(void)state;
	static const char *const odd[] = {"GET / HTTP/1.1\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\n\r\n",
	        "GET / HTTP/1.1\r\nHost: x\r\n\n", "GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n",
	        "GET / HTTP/1.1\r\nX: a\r\n\tb\r\n\r\n", "GET / HTTP/1.1\r\nX: a\rb\r\n\r\n",
	        "GET / HTTP/1.1\r\nX: a\r\r\n\r\n"};
	struct scan s;

	for (size_t i = 0; i < COUNT(odd); i++) {
		(void)scan(&s, odd[i]);
		assert_true(s.ended && s.odd);
	}
	scan_start(&s);
	(void)scan_feed(&s, VIEW("GET /\0 HTTP/1.1\r\n\r\n", 20));
	assert_true(s.odd);
}

static void a_request_line_too_long_to_keep_is_none(void **state)
{
	(void)state;
	char text[1024];
	struct scan s;
	enum method m;
	struct view target;

	memset(text, 'a', sizeof text);
	memcpy(text, "GET /", 5);
	memcpy(text + sizeof text - 12, " HTTP/1.1\r\n", 12);
	(void)scan(&s, text);
	assert_false(s.first);
	assert_false(scan_request(&s, &m, &target));
}

static void mangled_header(struct view v, void *arg)
{
	struct scan s;
	enum method m;
	struct view target;

	(void)arg;
	scan_start(&s);
	assert_true(scan_feed(&s, v) <= v.n);
	if (scan_request(&s, &m, &target))
		assert_true((const char *)target.p >= s.line && (const char *)target.p + target.n <= s.line + s.nline);
}

static void a_mangled_header_is_never_read_past_its_end(void **state)
{
	(void)state;
	mangle_each(VIEW(good, sizeof good - 1), mangled_header, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_header_ends_at_its_empty_line_and_not_before),
	        cmocka_unit_test(the_request_line_is_kept),
	        cmocka_unit_test(bytes_one_by_one_are_the_same_as_all_at_once),
	        cmocka_unit_test(what_evhttp_forgives_is_seen),
	        cmocka_unit_test(a_request_line_too_long_to_keep_is_none),
	        cmocka_unit_test(a_mangled_header_is_never_read_past_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
