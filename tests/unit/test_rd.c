#include "tests/unit/unit.h"

#include "base/rd.h"
#include "base/wr.h"
#include "tests/unit/mangle.h"

static void what_was_written_reads_back(void **s)
{
	uint8_t buf[64];
	struct wr w = wr_to(buf, sizeof buf);
	char text[8];

	(void)s;
	wr_u8(&w, 1);
	wr_be16(&w, 0x0203);
	wr_be32(&w, 0x04050607);
	wr_be64(&w, 0x08090a0b0c0d0e0f);
	wr_double(&w, -1.5);
	wr_view16(&w, VIEW("ab", 2));
	wr_view32(&w, VIEW("cde", 3));
	wr_text16(&w, "name");
	struct rd r = rd_of(wr_done(&w));
	assert_int_equal(rd_u8(&r), 1);
	assert_int_equal(rd_be16(&r), 0x0203);
	assert_int_equal(rd_be32(&r), 0x04050607);
	assert_true(rd_be64(&r) == 0x08090a0b0c0d0e0f);
	assert_true(rd_double(&r) == -1.5);
	assert_true(view_is(rd_view16(&r), "ab"));
	assert_true(view_is(rd_view32(&r), "cde"));
	rd_text16(&r, text, sizeof text);
	assert_string_equal(text, "name");
	assert_true(rd_end(&r));
}

static void little_endian_numbers_start_with_their_low_byte(void **s)
{
	static const uint8_t in[] = {1, 2, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8};
	struct rd r = rd_of(VIEW_OF(in));

	(void)s;
	assert_int_equal(rd_le16(&r), 0x0201);
	assert_int_equal(rd_le32(&r), 0x04030201);
	assert_true(rd_le64(&r) == 0x0807060504030201);
	assert_true(rd_end(&r));
}

static void after_a_bad_read_everything_is_zero(void **s)
{
	static const uint8_t in[] = {0xff, 0xff, 0xff};
	struct rd r = rd_of(VIEW_OF(in));
	uint8_t copy[2] = {9, 9};

	(void)s;
	assert_int_equal(rd_be32(&r), 0);
	assert_int_equal(rd_u8(&r), 0);
	assert_null(rd_view(&r, 1).p);
	rd_copy(&r, copy, sizeof copy);
	assert_int_equal(copy[0] | copy[1], 0);
	assert_int_equal(rd_left(&r), 0);
	assert_false(rd_ok(&r));
	assert_false(rd_end(&r));
}

static void a_byte_to_spare_is_noticed(void **s)
{
	struct rd r = rd_of(VIEW("\0\1x", 3));

	(void)s;
	assert_int_equal(rd_be16(&r), 1);
	assert_true(rd_ok(&r));
	assert_int_equal(rd_left(&r), 1);
	assert_false(rd_end(&r));
}

static void a_length_past_the_end_is_bad(void **s)
{
	struct rd a = rd_of(VIEW("\0\3ab", 4)), b = rd_of(VIEW("\xff\xff\xff\xff", 4)), c = rd_of(VIEW("ab", 2));

	(void)s;
	assert_int_equal(rd_view16(&a).n, 0);
	assert_false(rd_ok(&a));
	assert_int_equal(rd_view32(&b).n, 0);
	assert_false(rd_ok(&b));
	assert_int_equal(rd_view(&c, UINT64_MAX).n, 0);
	assert_false(rd_ok(&c));
}

static void a_number_past_its_limit_bounds_nothing(void **s)
{
	struct rd r = rd_of(VIEW("ab", 2));

	(void)s;
	assert_int_equal(rd_upto(&r, 5, 5), 5);
	assert_true(rd_ok(&r));
	assert_int_equal(rd_upto(&r, 6, 5), 0);
	assert_false(rd_ok(&r));
	assert_int_equal(rd_upto(&r, 1, 5), 0);
}

static void a_text_with_a_nul_or_without_room_is_refused(void **s)
{
	struct rd nul = rd_of(VIEW("\0\3a\0b", 5)), tight = rd_of(VIEW("\0\4abcd", 6)),
	          fits = rd_of(VIEW("\0\3abc", 5));
	char text[4] = "???";

	(void)s;
	rd_text16(&nul, text, sizeof text);
	assert_false(rd_ok(&nul));
	assert_string_equal(text, "");
	rd_text16(&tight, text, sizeof text);
	assert_false(rd_ok(&tight));
	rd_text16(&fits, text, sizeof text);
	assert_true(rd_end(&fits));
	assert_string_equal(text, "abc");
}

static void record(struct view v, void *count)
{
	struct rd r = rd_of(v);
	char text[8];
	uint8_t tail[3];
	size_t n = (size_t)rd_upto(&r, rd_u8(&r), 4);

	for (size_t i = 0; i < n; i++)
		rd_view16(&r);
	rd_text16(&r, text, sizeof text);
	rd_copy(&r, tail, sizeof tail);
	*(int *)count += rd_end(&r);
}

static void no_mangled_record_reads_past_its_end(void **s)
{
	static const uint8_t good[] = {2, 0, 1, 'a', 0, 2, 'b', 'c', 0, 2, 'x', 'y', 7, 8, 9};
	int accepted = 0;

	(void)s;
	record(VIEW_OF(good), &accepted);
	assert_int_equal(accepted, 1);
	mangle_each(VIEW_OF(good), record, &accepted);
	/* Flips within the seven bytes that are content leave the form alone; text may not become NUL, which one flip
	 * cannot do. */
	assert_true(accepted >= 1 + 8 * 8 && accepted < 1 + (int)sizeof good * 8);
}

static void a_full_writer_stays_full(void **s)
{
	uint8_t buf[4];
	struct wr w = wr_to(buf, sizeof buf);

	(void)s;
	wr_be16(&w, 1);
	wr_be32(&w, 2);
	wr_u8(&w, 3);
	assert_false(wr_ok(&w));
	assert_int_equal(wr_done(&w).n, 0);
	assert_int_equal(w.n, 2);
}

static void a_format_that_does_not_fit_is_not_half_written(void **s)
{
	char buf[6];
	struct wr w = wr_to(buf, sizeof buf);

	(void)s;
	wr_fmt(&w, "%d", 12345);
	assert_true(wr_ok(&w));
	wr_fmt(&w, "%d", 6);
	assert_false(wr_ok(&w));
	assert_int_equal(w.n, 5);
}

static void a_length_that_its_prefix_cannot_say_does_not_fit(void **s)
{
	static uint8_t big[0x10000], buf[0x10010];
	struct wr w = wr_to(buf, sizeof buf);

	(void)s;
	wr_view16(&w, VIEW(big, 0xffff));
	assert_true(wr_ok(&w));
	w = wr_to(buf, sizeof buf);
	wr_view16(&w, VIEW_OF(big));
	assert_false(wr_ok(&w));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_was_written_reads_back),
	        cmocka_unit_test(little_endian_numbers_start_with_their_low_byte),
	        cmocka_unit_test(after_a_bad_read_everything_is_zero),
	        cmocka_unit_test(a_byte_to_spare_is_noticed),
	        cmocka_unit_test(a_length_past_the_end_is_bad),
	        cmocka_unit_test(a_number_past_its_limit_bounds_nothing),
	        cmocka_unit_test(a_text_with_a_nul_or_without_room_is_refused),
	        cmocka_unit_test(no_mangled_record_reads_past_its_end),
	        cmocka_unit_test(a_full_writer_stays_full),
	        cmocka_unit_test(a_format_that_does_not_fit_is_not_half_written),
	        cmocka_unit_test(a_length_that_its_prefix_cannot_say_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
