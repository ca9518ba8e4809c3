#include "geofence/gnsswatch.h"
#include "tests/unit/ubxmaker.h"
#include "tests/unit/unit.h"

static size_t next(const void *p, size_t n, struct gpsd_item *item)
{
	return gpsdstream_next(VIEW(p, n), item);
}

static void a_line_is_an_item_without_its_end(void **s)
{
	struct gpsd_item item;

	(void)s;
	assert_int_equal(next("{\"a\":1}\r\n{", 10, &item), 9);
	assert_int_equal(item.kind, GPSD_JSON);
	assert_true(view_is(item.v, "{\"a\":1}"));
	assert_int_equal(next("{}\n", 3, &item), 3);
	assert_true(view_is(item.v, "{}"));
}

static void half_an_item_waits_for_the_rest(void **s)
{
	struct ubx_made m = ubxmaker_status(1);
	struct gpsd_item item;

	(void)s;
	assert_int_equal(next("", 0, &item), 0);
	assert_int_equal(next("{\"a\":1}\r", 8, &item), 0);
	for (size_t n = 1; n < m.n; n++)
		assert_int_equal(next(m.b, n, &item), 0);
	assert_int_equal(next(m.b, m.n, &item), m.n);
}

static void a_frame_is_taken_whole_though_a_line_seems_to_be_in_it(void **s)
{
	struct ubx_made m = ubxmaker(0x0213, VIEW("{\"class\":\"TPV\"}\n", 16));
	struct gpsd_item item;

	(void)s;
	assert_int_equal(next(m.b, m.n, &item), m.n);
	assert_int_equal(item.kind, GPSD_UBX);
	assert_int_equal(item.v.n, m.n);
}

static void what_means_nothing_is_passed_over_up_to_the_next_item(void **s)
{
	struct gpsd_item item;

	(void)s;
	assert_int_equal(next("$GPRMC,1*00\r\n{}\n", 16, &item), 13);
	assert_int_equal(item.kind, GPSD_NOTHING);
	assert_int_equal(next("\xb5\x63{}\n", 5, &item), 1);
	assert_int_equal(item.kind, GPSD_NOTHING);
}

static void what_is_too_long_means_nothing(void **s)
{
	static uint8_t line[GPSD_LINE_MAX + 1];
	uint8_t frame[] = {0xb5, 0x62, 1, 3, 0x01, 0x10}; /* 4097 bytes of payload */
	struct gpsd_item item;

	(void)s;
	memset(line, 'x', sizeof line);
	line[0] = '{';
	assert_int_equal(next(line, GPSD_LINE_MAX - 1, &item), 0);
	assert_int_equal(next(line, GPSD_LINE_MAX, &item), 1);
	assert_int_equal(item.kind, GPSD_NOTHING);
	line[GPSD_LINE_MAX] = '\n';
	assert_int_equal(next(line, sizeof line, &item), 1);
	assert_int_equal(next(frame, sizeof frame, &item), 1);
	assert_int_equal(item.kind, GPSD_NOTHING);
	frame[4] = 0; /* 4096: it may still come */
	assert_int_equal(next(frame, sizeof frame, &item), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_line_is_an_item_without_its_end),
	        cmocka_unit_test(half_an_item_waits_for_the_rest),
	        cmocka_unit_test(a_frame_is_taken_whole_though_a_line_seems_to_be_in_it),
	        cmocka_unit_test(what_means_nothing_is_passed_over_up_to_the_next_item),
	        cmocka_unit_test(what_is_too_long_means_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
