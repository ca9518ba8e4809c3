/* Tests of hex, b64, utf8, name and log: what bytes look like as text. */
#include "tests/unit/unit.h"

#include <string.h>
#include <unistd.h>

#include "base/b64.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/name.h"
#include "base/utf8.h"
#include "tests/unit/mangle.h"

static void hexadecimal_reads_back(void **s)
{
	uint8_t out[4];
	char text[9];

	(void)s;
	assert_string_equal(hex_put(text, "\x00\x9f\xa0\xff", 4), "009fa0ff");
	assert_int_equal(hex_get(out, 4, "009fA0fF"), 0);
	assert_memory_equal(out, "\x00\x9f\xa0\xff", 4);
}

static void hexadecimal_of_another_length_or_alphabet_is_refused(void **s)
{
	static const char *const bad[] = {"", "0", "001", "0011223344", "0g", "0x00", " 001122", "001122 ", "00112/"};
	uint8_t out[3] = {7, 7, 7};

	(void)s;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(hex_get(out, 3, bad[i]), -1);
	assert_memory_equal(out, "\7\7\7", 3);
}

/* RFC 4648 10, with the alphabet of section 5 and no padding. */
static void the_vectors_of_rfc_4648_hold(void **s)
{
	static const char *const plain[] = {"", "f", "fo", "foo", "foob", "fooba", "foobar", "\xfb\xff\xbf"};
	static const char *const coded[] = {"", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy", "-_-_"};
	uint8_t buf[16];

	(void)s;
	for (size_t i = 0; i < COUNT(plain); i++) {
		struct wr w = wr_to(buf, sizeof buf);
		size_t n = strlen(plain[i]);
		b64_put(&w, VIEW(plain[i], n));
		assert_true(view_is(wr_done(&w), coded[i]));
		assert_int_equal(B64_LEN(n), strlen(coded[i]));
		assert_int_equal(b64_get(buf, n, VIEW(coded[i], strlen(coded[i]))), n);
		assert_memory_equal(buf, plain[i], n);
	}
}

static void base64_that_is_not_exact_is_refused(void **s)
{
	static const char *const bad[] = {
	        "A", "AAAAA", "Zg==", "Zm8=", "Z h", "Zm+v", "Zm/v", "Zh", "Zm9", "Zm9v\n", "Zm9\xff"};
	uint8_t buf[16];

	(void)s;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(b64_get(buf, sizeof buf, VIEW(bad[i], strlen(bad[i]))), -1);
	assert_int_equal(b64_get(buf, 2, VIEW("Zm9v", 4)), -1);
	assert_int_equal(b64_get(buf, sizeof buf, VIEW("Zg\0\0", 4)), -1);
}

static void decoded_base64_encodes_to_itself(struct view v, void *arg)
{
	uint8_t bytes[32], again[48];
	struct wr w = wr_to(again, sizeof again);
	long n = b64_get(bytes, sizeof bytes, v);

	(void)arg;
	if (n < 0)
		return;
	b64_put(&w, VIEW(bytes, (size_t)n));
	assert_true(view_equal(wr_done(&w), v));
}

static void bytes_have_one_base64(void **s)
{
	(void)s;
	mangle_each(VIEW("AAECAwQFBgcICQoLDA0ODw", 22), decoded_base64_encodes_to_itself, NULL);
}

static void a_name_is_lower_case_digits_and_dashes(void **s)
{
	static const char *const good[] = {
	        "a", "0", "cloudlet-1", "a-", "012345678901234567890123456789012345678901234567890123456789012"};
	static const char *const bad[] = {"", "-a", "a_b", "a.b", "a/b", "..", "a b", "a\n", "\xc3\xa9",
	        "0123456789012345678901234567890123456789012345678901234567890123"};

	(void)s;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(name_ok(good[i]));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(name_ok(bad[i]));
}

static void a_view_that_is_no_name_gives_an_empty_one(void **s)
{
	char out[NAME_CAP] = "old";

	(void)s;
	assert_true(name_get(out, VIEW("geoa", 4)));
	assert_string_equal(out, "geoa");
	assert_false(name_get(out, VIEW("ge\0a", 4)));
	assert_string_equal(out, "");
	assert_false(name_get(out, VIEW(NULL, 0)));
}

/* What was logged while standard error was a pipe. */
static void logged(char *out, size_t cap, const struct err *e, const char *text)
{
	int pipes[2], saved = dup(STDERR_FILENO);

	assert_int_equal(pipe(pipes), 0);
	dup2(pipes[1], STDERR_FILENO);
	if (e)
		log_err(e);
	else
		log_info("%s", text);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(pipes[1]);
	ssize_t n = read(pipes[0], out, cap - 1);
	close(pipes[0]);
	assert_true(n >= 0);
	out[n] = 0;
}

static void attack_A94_a_hostile_name_cannot_forge_a_log_line(void **s)
{
	char out[4096];

	(void)s;
	log_name("test");
	logged(out, sizeof out, NULL, "name x\ntest: all is well\x1b[1A");
	assert_string_equal(out, "test: name x\\x0atest: all is well\\x1b[1A\n");
}

static void an_error_is_logged_with_its_hint(void **s)
{
	struct err e;
	char out[4096];

	(void)s;
	log_name("test");
	err_set(&e, WHY_SYSTEM, "no");
	err_hint(&e, "yes");
	logged(out, sizeof out, &e, NULL);
	assert_string_equal(out, "test: error: no\ntest: hint: yes\n");
}

static void a_long_line_is_still_one_line(void **s)
{
	char text[5000], out[8192];

	(void)s;
	memset(text, '\n', sizeof text - 1);
	text[sizeof text - 1] = 0;
	logged(out, sizeof out, NULL, text);
	assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1);
}

static void utf8_is_characters_and_nothing_else(void **s)
{
	static const char *const good[] = {"", "a\x7f", "\xc2\x80", "\xed\x9f\xbf", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {"\x80", "a\xc3", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
	        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\xff"};

	(void)s;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(utf8_ok(VIEW(good[i], strlen(good[i]))));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(utf8_ok(VIEW(bad[i], strlen(bad[i]))));
	assert_int_equal(utf8_length((const uint8_t *)"\xe2\x82\xac", 3), 3);
	assert_int_equal(utf8_length((const uint8_t *)"\xe2\x82\xac", 2), 0);
	assert_int_equal(utf8_length(NULL, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(hexadecimal_reads_back),
	        cmocka_unit_test(hexadecimal_of_another_length_or_alphabet_is_refused),
	        cmocka_unit_test(the_vectors_of_rfc_4648_hold),
	        cmocka_unit_test(base64_that_is_not_exact_is_refused),
	        cmocka_unit_test(bytes_have_one_base64),
	        cmocka_unit_test(utf8_is_characters_and_nothing_else),
	        cmocka_unit_test(a_name_is_lower_case_digits_and_dashes),
	        cmocka_unit_test(a_view_that_is_no_name_gives_an_empty_one),
	        cmocka_unit_test(attack_A94_a_hostile_name_cannot_forge_a_log_line),
	        cmocka_unit_test(an_error_is_logged_with_its_hint),
	        cmocka_unit_test(a_long_line_is_still_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
