#include "base/hex.h"
#include "firmware/cbor.h"
#include "tests/unit/diagmaker.h"
#include "tests/unit/mangle.h"
#include "tests/unit/unit.h"

static struct err err;
static uint8_t raw[4096];

static struct view bytes(const char *hex)
{
	size_t n = strlen(hex) / 2;

	assert_int_equal(hex_get(raw, n, hex), 0);
	return VIEW(raw, n);
}

static void refused(const char *hex, const char *sentence)
{
	struct cbor c;

	assert_refused(cbor_open(&c, bytes(hex), &err), &err, WHY_MALFORMED);
	if (!strstr(err.text, sentence))
		fail_msg("%s: \"%s\" does not say \"%s\"", hex, err.text, sentence);
}

/* RFC 8949, appendix A. */
static void the_examples_in_deterministic_form_are_read(void **s)
{
	static const char *const good[] = {"00", "17", "1818", "1864", "1903e8", "1a000f4240", "1b000000e8d4a51000",
	        "1bffffffffffffffff", "20", "3863", "3bffffffffffffffff", "f4", "f5", "f6", "c11a514b67b0",
	        "d818456449455446", "40", "4401020304", "60", "6161", "62c3bc", "64f0908591", "80", "83010203",
	        "8301820203820405", "a0", "a201020304", "a26161016162820203", "826161a161626163"};
	struct cbor c;

	(void)s;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_accepted(cbor_open(&c, bytes(good[i]), &err), &err);
}

static void a_number_longer_than_it_is_is_refused(void **s)
{
	static const char *const bad[] = {"1800", "1817", "190018", "1900ff", "1a0000ffff", "1b00000000ffffffff",
	        "3817", "580161", "780161", "980100", "b8010000", "d80100"};

	(void)s;
	for (size_t i = 0; i < COUNT(bad); i++)
		refused(bad[i], "a number is written longer than it is");
}

static void an_open_length_is_refused(void **s)
{
	static const char *const bad[] = {"5f42010243030405ff", "7f657374726561646d696e67ff", "9fff",
	        "9f018202039f0405ffff", "bf61610161629f0203ffff", "1f", "3f", "df00"};

	(void)s;
	for (size_t i = 0; i < COUNT(bad); i++)
		refused(bad[i], "a length is left open");
}

static void a_simple_value_or_a_fraction_is_refused(void **s)
{
	static const char *const bad[] = {"f7", "e0", "f0", "f8ff", "f90000", "fa47c35000", "fb3ff199999999999a", "ff"};

	(void)s;
	for (size_t i = 0; i < COUNT(bad); i++)
		refused(bad[i], "neither false nor true nor null");
	refused("1c", "reserved form");
	refused("5d", "reserved form");
	refused("9e", "reserved form");
}

static void keys_ascend_and_come_once(void **s)
{
	struct cbor c;

	(void)s;
	refused("a201000100", "one comes twice");
	refused("a202000100", "do not ascend");
	refused("a20000a201000100f6", "one comes twice");
	refused("a2616100616100", "one comes twice");
	refused("a2616200616100", "do not ascend");
	refused("a26005"
	        "1864"
	        "05",
	        "do not ascend"); /* by their bytes, not by their lengths */
	assert_accepted(cbor_open(&c,
	                        bytes("a2186405"
	                              "2005"),
	                        &err),
	        &err);
	assert_accepted(cbor_open(&c,
	                        bytes("a2616100626161"
	                              "00"),
	                        &err),
	        &err);
}

static void nothing_follows_behind_the_end(void **s)
{
	(void)s;
	refused("0000", "something follows behind the end");
	refused("80f6", "something follows behind the end");
	refused("", "cut short");
}

static void text_is_utf8(void **s)
{
	(void)s;
	refused("61ff", "text is not UTF-8");
	refused("62c080", "text is not UTF-8");
	refused("61c3", "text is not UTF-8");
}

/* Nine bytes that claim 2^27 entries make libcbor 0.8 touch a gigabyte. */
static void attack_a_claim_of_many_entries_costs_nothing(void **s)
{
	(void)s;
	refused("9a0800000000000000", "an array claims more than there is");
	refused("9bffffffffffffffff", "an array claims more than there is");
	refused("bbffffffffffffffff", "a map claims more than there is");
	refused("ba0400000000000000", "a map claims more than there is");
	refused("5bffffffffffffffff", "a string is longer than what is left");
	refused("7a4000000061", "a string is longer than what is left");
	refused("a100", "a map claims more than there is");
}

static void attack_nesting_has_a_bottom(void **s)
{
	struct cbor c;

	(void)s;
	memset(raw, 0x81, sizeof raw);
	raw[15] = 0;
	assert_accepted(cbor_open(&c, VIEW(raw, 16), &err), &err);
	raw[15] = 0x81;
	raw[16] = 0;
	assert_refused(cbor_open(&c, VIEW(raw, 17), &err), &err, WHY_MALFORMED);
	assert_non_null(strstr(err.text, "nested deeper than 16 levels"));
	memset(raw, 0xc6, sizeof raw);
	assert_refused(cbor_open(&c, VIEW_OF(raw), &err), &err, WHY_MALFORMED);
	assert_non_null(strstr(err.text, "nested deeper than 16 levels"));
}

static void items_are_read_one_after_the_other(void **s)
{
	struct cbor c;

	(void)s;
	assert_accepted(cbor_open(&c, diag("[7, h'0102', \"ab\", {1: -2}, 501(null)]"), &err), &err);
	assert_int_equal(cbor_array(&c), 5);
	assert_true(cbor_is(&c, CBOR_UINT));
	assert_int_equal(cbor_uint(&c), 7);
	assert_true(view_equal(cbor_bytes(&c), VIEW("\1\2", 2)));
	assert_true(view_is(cbor_text(&c), "ab"));
	assert_int_equal(cbor_map(&c), 1);
	assert_int_equal(cbor_uint(&c), 1);
	assert_true(cbor_is(&c, CBOR_NEGATIVE));
	assert_true(view_equal(cbor_any(&c), VIEW("\x21", 1)));
	assert_int_equal(cbor_tag(&c), 501);
	assert_true(cbor_is(&c, CBOR_SIMPLE));
	assert_true(view_equal(cbor_any(&c), VIEW("\xf6", 1)));
	assert_false(cbor_is(&c, CBOR_UINT));
	assert_int_equal(cbor_ok(&c, &err), 0);
}

static void the_first_wrong_type_is_kept(void **s)
{
	struct cbor c;

	(void)s;
	assert_accepted(cbor_open(&c, diag("[1, \"a\"]"), &err), &err);
	assert_int_equal(cbor_array(&c), 2);
	assert_int_equal(cbor_map(&c), 0);
	assert_int_equal(cbor_uint(&c), 0);
	assert_int_equal(cbor_any(&c).n, 0);
	assert_refused(cbor_ok(&c, &err), &err, WHY_MALFORMED);
	assert_string_equal(err.text, "CBOR: expected a map, at byte 1");
}

/* What is read is read whole, and has one encoding only. */
static void whole_or_refused(struct view mangled, void *arg)
{
	struct cbor c;

	(void)arg;
	if (cbor_open(&c, mangled, &err))
		return;
	assert_true(view_equal(cbor_any(&c), mangled));
	assert_int_equal(cbor_ok(&c, &err), 0);
}

static void mangled_cbor_is_refused_or_read_whole(void **s)
{
	(void)s;
	uint8_t good[256];
	struct view v = diag("{0: \"id\", 1: [506(<<{1: #a}>>), -500, true], 24: {1: 1(1700000000)}, 1000: [[], {}]}");

	memcpy(good, v.p, v.n);
	mangle_each(VIEW(good, v.n), whole_or_refused, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_examples_in_deterministic_form_are_read),
	        cmocka_unit_test(a_number_longer_than_it_is_is_refused),
	        cmocka_unit_test(an_open_length_is_refused),
	        cmocka_unit_test(a_simple_value_or_a_fraction_is_refused),
	        cmocka_unit_test(keys_ascend_and_come_once),
	        cmocka_unit_test(nothing_follows_behind_the_end),
	        cmocka_unit_test(text_is_utf8),
	        cmocka_unit_test(attack_a_claim_of_many_entries_costs_nothing),
	        cmocka_unit_test(attack_nesting_has_a_bottom),
	        cmocka_unit_test(items_are_read_one_after_the_other),
	        cmocka_unit_test(the_first_wrong_type_is_kept),
	        cmocka_unit_test(mangled_cbor_is_refused_or_read_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
