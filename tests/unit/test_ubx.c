#include "geofence/gnsswatch.h"
#include "tests/unit/mangle.h"
#include "tests/unit/ubxmaker.h"
#include "tests/unit/unit.h"

static struct err e;

static void a_status_says_what_the_receiver_thinks_of_spoofing(void **s)
{
	(void)s;
	for (uint8_t state = 0; state <= 3; state++) {
		struct ubx_made m = ubxmaker_status(state);
		struct gnss_report r;
		assert_accepted(ubx_read(ubxmaker_view(&m), &r, &e), &e);
		assert_int_equal(r.kind, REPORT_RECEIVER);
		assert_true(r.receiver.has_spoofing && !r.receiver.has_jamming);
		assert_int_equal(r.receiver.spoofing, state);
	}
}

static void the_worst_antenna_says_how_much_is_jammed(void **s)
{
	struct ubx_made m = ubxmaker_rf(1, 3), n = ubxmaker_rf(2, 1);
	struct gnss_report r;

	(void)s;
	assert_accepted(ubx_read(ubxmaker_view(&m), &r, &e), &e);
	assert_true(r.receiver.has_jamming && !r.receiver.has_spoofing);
	assert_int_equal(r.receiver.jamming, 3);
	assert_accepted(ubx_read(ubxmaker_view(&n), &r, &e), &e);
	assert_int_equal(r.receiver.jamming, 2);
}

static void other_frames_are_passed_over(void **s)
{
	struct ubx_made m = ubxmaker(0x0161, VIEW("abcd", 4)), none = ubxmaker(0x0501, VIEW("", 0));
	struct gnss_report r;

	(void)s;
	assert_accepted(ubx_read(ubxmaker_view(&m), &r, &e), &e);
	assert_int_equal(r.kind, REPORT_OTHER);
	assert_accepted(ubx_read(ubxmaker_view(&none), &r, &e), &e);
	assert_int_equal(r.kind, REPORT_OTHER);
}

static void a_frame_of_another_length_than_its_kind_is_refused(void **s)
{
	uint8_t payload[28] = {0};
	struct ubx_made shorter = ubxmaker(0x0103, VIEW(payload, 15)), longer = ubxmaker(0x0103, VIEW(payload, 17));
	struct gnss_report r;

	(void)s;
	assert_refused(ubx_read(ubxmaker_view(&shorter), &r, &e), &e, WHY_MALFORMED);
	assert_refused(ubx_read(ubxmaker_view(&longer), &r, &e), &e, WHY_MALFORMED);
	payload[1] = 2; /* blocks, and there is room for one */
	struct ubx_made lying = ubxmaker(0x0a38, VIEW(payload, 28));
	assert_refused(ubx_read(ubxmaker_view(&lying), &r, &e), &e, WHY_MALFORMED);
	payload[1] = 0;
	struct ubx_made empty = ubxmaker(0x0a38, VIEW(payload, 4));
	assert_refused(ubx_read(ubxmaker_view(&empty), &r, &e), &e, WHY_MALFORMED);
}

static void a_wrong_checksum_is_refused(void **s)
{
	struct ubx_made m = ubxmaker_status(1);
	struct gnss_report r;

	(void)s;
	m.b[m.n - 1] ^= 1;
	assert_refused(ubx_read(ubxmaker_view(&m), &r, &e), &e, WHY_MALFORMED);
	assert_non_null(strstr(e.text, "checksum"));
}

static void is_refused(struct view mangled, void *arg)
{
	struct gnss_report r;

	(void)arg;
	assert_refused(ubx_read(mangled, &r, &e), &e, WHY_MALFORMED);
}

/* Fletcher's sums see every single bit. */
static void a_mangled_frame_is_refused(void **s)
{
	struct ubx_made status = ubxmaker_status(2), rf = ubxmaker_rf(1, 2);

	(void)s;
	mangle_each(ubxmaker_view(&status), is_refused, NULL);
	mangle_each(ubxmaker_view(&rf), is_refused, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_status_says_what_the_receiver_thinks_of_spoofing),
	        cmocka_unit_test(the_worst_antenna_says_how_much_is_jammed),
	        cmocka_unit_test(other_frames_are_passed_over),
	        cmocka_unit_test(a_frame_of_another_length_than_its_kind_is_refused),
	        cmocka_unit_test(a_wrong_checksum_is_refused),
	        cmocka_unit_test(a_mangled_frame_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
