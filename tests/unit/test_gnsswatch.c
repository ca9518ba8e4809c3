#include <string.h>

#include "geofence/gnsswatch.h"
#include "tests/unit/noise.h"
#include "tests/unit/unit.h"

#define START INT64_C(1800000000000)

/* A receiver in Berlin, one epoch a second; what a test changes lies in `next`. */
struct stream {
	struct gnss_watch w;
	struct noise z;
	struct gnss_tpv next;
	struct gnss_sky sky;
	int64_t ms;      /* since the start */
	int64_t skew_ms; /* of the machine's clock */
	bool silent;     /* the sky is not reported */
};

static struct stream stream_of(bool fixed)
{
	struct stream s = {.z = {.state = 42, .sigma_m = 1, .wander_m = 2, .tau_s = 300}};

	gnss_watch_start(&s.w, fixed);
	s.next = (struct gnss_tpv){.mode = 3,
	        .lat_deg = 52.52,
	        .lon_deg = 13.405,
	        .alt_m = 74,
	        .eph_m = 17.1,
	        .epv_m = 32.2,
	        .eps_m_s = 34.5,
	        .has_time = true,
	        .has_place = true,
	        .has_alt = true,
	        .has_eph = true,
	        .has_epv = true,
	        .has_eps = true};
	s.sky = (struct gnss_sky){.used = 9, .strengths = 9, .mean_db = 42, .spread_db = 5.7};
	return s;
}

static struct gnss_moment moment(const struct stream *s)
{
	return (struct gnss_moment){.wall_ms = START + s->ms + s->skew_ms + 400, .mono_ms = 7000 + s->ms};
}

static void feed(struct stream *s, const struct gnss_tpv *t)
{
	struct gnss_report r = {.kind = REPORT_FIX, .tpv = *t};

	gnss_feed(&s->w, &r, moment(s));
}

/* As gpsd does: first without errors, then with. */
static void epoch(struct stream *s)
{
	struct gnss_report sky = {.kind = REPORT_SKY, .sky = s->sky};
	struct gnss_tpv t = s->next, half;
	double north, east;

	noise_next(&s->z, &north, &east);
	t.time_ms = START + s->ms;
	t.lat_deg += north / 111200;
	t.lon_deg += east / 67800;
	half = t;
	half.mode = 2;
	half.has_eph = half.has_alt = half.has_epv = false;
	feed(s, &half);
	feed(s, &t);
	if (!s->silent)
		gnss_feed(&s->w, &sky, moment(s));
	s->ms += 1000;
}

static void epochs(struct stream *s, int n)
{
	while (n-- > 0)
		epoch(s);
}

static struct gnss now(const struct stream *s)
{
	struct gnss g;
	struct err e;

	gnss_now(&s->w, moment(s), &g);
	assert_accepted(gnss_ok(&g, &e), &e);
	return g;
}

static bool doubted(const struct stream *s, enum gnss_doubt d)
{
	return now(s).doubts & GNSS_BIT(d);
}

/* Exactly that one. */
static void assert_doubt(const struct stream *s, enum gnss_doubt d)
{
	assert_int_equal(now(s).doubts, GNSS_BIT(d));
}

static void assert_certain(const struct stream *s)
{
	assert_int_equal(now(s).doubts, 0);
}

static void receiver_says(struct stream *s, struct gnss_receiver said)
{
	struct gnss_report r = {.kind = REPORT_RECEIVER, .receiver = said};

	gnss_feed(&s->w, &r, moment(s));
}

static void before_the_first_fix_there_is_none(void **state)
{
	struct stream s = stream_of(true);

	(void)state;
	assert_false(now(&s).has_fix);
	assert_int_equal(now(&s).doubts, GNSS_BIT(GNSS_NO_FIX) | GNSS_BIT(GNSS_FEW));
}

static void a_genuine_day_raises_no_doubt(void **state)
{
	struct stream s = stream_of(true);
	const struct fix site = {52.52, 13.405, 20};

	(void)state;
	gnss_watch_site(&s.w, &site);
	epochs(&s, 2);
	for (int i = 0; i < 24 * 3600; i++) {
		epoch(&s);
		assert_certain(&s);
	}
}

static void the_fix_is_the_last_report_of_the_last_whole_epoch(void **state)
{
	struct stream s = stream_of(true);

	(void)state;
	epochs(&s, 3);
	struct gnss g = now(&s);
	assert_true(g.has_fix && g.has_eph && g.has_alt && g.has_epv);
	assert_true(g.time_ms == START + 1000 && g.eph_m == 17.1 && g.satellites == 9);
	assert_int_equal(g.age_ms, 2000);
	assert_true(fabs(g.lat_deg - 52.52) < 1e-4 && fabs(g.lon_deg - 13.405) < 1e-4);
}

static void a_fix_of_more_than_ten_seconds_is_stale_until_the_next(void **state)
{
	struct stream s = stream_of(true);

	(void)state;
	epochs(&s, 3);
	s.ms += 8000;
	assert_certain(&s);
	s.ms += 1;
	assert_doubt(&s, GNSS_STALE);
	epochs(&s, 2);
	assert_certain(&s);
}

static void an_epoch_without_a_fix_is_no_fix_until_the_next(void **state)
{
	struct stream s = stream_of(true);

	(void)state;
	epochs(&s, 3);
	s.next.mode = 1;
	feed(&s, &(struct gnss_tpv){.mode = 1});
	epoch(&s); /* closes it; it is of mode 1 itself */
	assert_doubt(&s, GNSS_NO_FIX);
	assert_true(now(&s).has_fix); /* the one before */
	s.next.mode = 3;
	epochs(&s, 2);
	assert_certain(&s);
}

static void dead_reckoning_is_no_fix(void **state)
{
	struct stream s = stream_of(true);

	(void)state;
	s.next.status = GPSD_STATUS_RECKONED;
	epochs(&s, 3);
	assert_doubt(&s, GNSS_NO_FIX);
}

static void a_simulated_fix_is_doubted(void **state)
{
	struct stream s = stream_of(true);

	(void)state;
	s.next.status = GPSD_STATUS_SIMULATED;
	epochs(&s, 3);
	assert_doubt(&s, GNSS_SIMULATED);
}

static void a_fix_without_an_error_is_doubted(void **state)
{
	struct stream s = stream_of(true);

	(void)state;
	s.next.has_eph = false;
	epochs(&s, 3);
	assert_doubt(&s, GNSS_NO_ESTIMATE);
}

static void a_jump_of_9400_m_is_doubted_and_remembered_for_five_minutes(void **state)
{
	struct stream s = stream_of(false);

	(void)state;
	epochs(&s, 20);
	s.next.lat_deg += 0.0845;
	epochs(&s, 2);
	assert_doubt(&s, GNSS_JUMP);
	epochs(&s, 290);
	assert_doubt(&s, GNSS_JUMP);
	epochs(&s, 12);
	assert_certain(&s);
}

static void a_fast_train_does_not_jump_and_a_fixed_site_that_rides_has_moved(void **state)
{
	struct stream train = stream_of(false), site = stream_of(true);

	(void)state;
	for (int i = 0; i < 200; i++) {
		train.next.lat_deg += 89.0 / 111200;
		site.next.lat_deg += i < 150 ? 0 : 89.0 / 111200;
		epoch(&train);
		epoch(&site);
	}
	assert_certain(&train);
	assert_doubt(&site, GNSS_MOVED);
}

static void after_a_gap_the_way_may_be_longer(void **state)
{
	struct stream s = stream_of(false);

	(void)state;
	epochs(&s, 20);
	s.ms += 600 * 1000;
	s.next.lat_deg += 0.0845; /* 9.4 km in ten minutes */
	epochs(&s, 4);
	assert_certain(&s);
}

static void a_receiver_that_excuses_every_speed_is_not_believed(void **state)
{
	struct stream s = stream_of(false);

	(void)state;
	s.next.eps_m_s = (double)INFINITY;
	epochs(&s, 20);
	s.next.lat_deg += 0.0845;
	epochs(&s, 2);
	assert_doubt(&s, GNSS_JUMP);
}

static void the_same_digits_for_more_than_a_minute_are_a_replay(void **state)
{
	struct stream s = stream_of(true);

	(void)state;
	s.z = (struct noise){.state = 1};
	epochs(&s, 62);
	assert_certain(&s);
	epochs(&s, 1);
	assert_doubt(&s, GNSS_FROZEN);
	s.next.lon_deg += 1e-7;
	epochs(&s, 2);
	assert_certain(&s);
}

static void satellites_that_are_all_equally_strong_are_one_transmitter(void **state)
{
	struct stream s = stream_of(true);

	(void)state;
	epochs(&s, 3);
	s.sky.spread_db = 1.4;
	epochs(&s, 9);
	assert_certain(&s);
	epochs(&s, 1);
	assert_doubt(&s, GNSS_FLAT);
	s.sky.mean_db = 39; /* all of them at the floor */
	epochs(&s, 1);
	assert_certain(&s);
}

static void fewer_than_five_satellites_three_times_are_few(void **state)
{
	struct stream s = stream_of(true);

	(void)state;
	epochs(&s, 3);
	s.sky.used = 4;
	epochs(&s, 2);
	assert_certain(&s);
	epochs(&s, 1);
	assert_doubt(&s, GNSS_FEW);
	assert_int_equal(now(&s).satellites, 4);
	s.sky.used = 5;
	epochs(&s, 1);
	assert_certain(&s);
}

static void a_sky_that_is_not_reported_has_few_satellites(void **state)
{
	struct stream s = stream_of(true);

	(void)state;
	epochs(&s, 3);
	s.silent = true;
	epochs(&s, 29);
	assert_certain(&s);
	epochs(&s, 1);
	assert_doubt(&s, GNSS_FEW);
}

static void a_time_that_is_not_the_machines_three_times_is_doubted(void **state)
{
	static const int64_t skews[] = {-1500, 2500, 30000};

	(void)state;
	for (size_t i = 0; i < COUNT(skews); i++) {
		struct stream s = stream_of(true);
		epochs(&s, 3);
		s.skew_ms = skews[i];
		epochs(&s, 3); /* two of them are whole */
		assert_certain(&s);
		epochs(&s, 1);
		assert_doubt(&s, GNSS_CLOCK);
		s.skew_ms = 0;
		epochs(&s, 2);
		assert_certain(&s);
	}
}

static void a_report_that_was_a_second_on_its_way_is_no_wrong_clock(void **state)
{
	struct stream s = stream_of(true);

	(void)state;
	s.skew_ms = 1000;
	epochs(&s, 20);
	assert_certain(&s);
}

static void a_time_that_goes_back_is_doubted(void **state)
{
	struct stream s = stream_of(true);

	(void)state;
	epochs(&s, 20);
	s.w.fix.time_ms += 60000;
	epochs(&s, 1);
	assert_true(doubted(&s, GNSS_CLOCK));
}

static void a_site_that_rises_like_no_lift_is_doubted(void **state)
{
	struct stream s = stream_of(true);

	(void)state;
	epochs(&s, 20);
	s.next.alt_m += 220; /* 5 * hypot(32.2, 32.2) is 227.7 */
	epochs(&s, 2);
	assert_certain(&s);
	s.next.alt_m += 240;
	epochs(&s, 2);
	assert_doubt(&s, GNSS_ALTITUDE);
}

static void what_the_receiver_itself_finds_is_doubted(void **state)
{
	struct stream s = stream_of(true);

	(void)state;
	epochs(&s, 3);
	receiver_says(&s, (struct gnss_receiver){.has_spoofing = true, .spoofing = 1});
	receiver_says(&s, (struct gnss_receiver){.has_jamming = true, .jamming = 1});
	assert_certain(&s);
	receiver_says(&s, (struct gnss_receiver){.has_spoofing = true, .spoofing = 2});
	assert_doubt(&s, GNSS_SPOOFED);
	receiver_says(&s, (struct gnss_receiver){.has_jamming = true, .jamming = 2});
	assert_true(doubted(&s, GNSS_SPOOFED) && doubted(&s, GNSS_JAMMED));
	receiver_says(&s, (struct gnss_receiver){.has_spoofing = true, .spoofing = 1});
	assert_doubt(&s, GNSS_JAMMED);
}

static void a_fixed_site_away_from_its_tag_has_moved(void **state)
{
	struct stream s = stream_of(true);
	const struct fix near = {52.5203, 13.405, 10}, far = {52.521, 13.405, 10}; /* 33 and 111 m */

	(void)state;
	gnss_watch_site(&s.w, &near);
	epochs(&s, 10);
	assert_certain(&s); /* 2 * hypot(10, 17.1) is 39.6 m */
	gnss_watch_site(&s.w, &far);
	epochs(&s, 1);
	assert_doubt(&s, GNSS_MOVED);
	gnss_watch_site(&s.w, NULL);
	epochs(&s, 1);
	assert_certain(&s);
}

static void a_fixed_site_that_creeps_20_m_has_moved_though_its_tag_is_wide(void **state)
{
	struct stream s = stream_of(true);
	const struct fix site = {52.52, 13.405, 1000};

	(void)state;
	gnss_watch_site(&s.w, &site);
	epochs(&s, 200);
	for (int i = 0; i < 60; i++) {
		s.next.lat_deg += i < 20 ? 1.0 / 111200 : 0;
		epoch(&s);
	}
	assert_doubt(&s, GNSS_MOVED);
}

static void what_was_before_a_gap_is_not_compared_with(void **state)
{
	struct stream s = stream_of(true);

	(void)state;
	epochs(&s, 200);
	s.ms += 3600 * 1000;
	s.next.lat_deg += 30.0 / 111200; /* as far as a receiver may wander in an hour */
	epochs(&s, 200);
	assert_certain(&s);
}

static void a_machine_that_may_move_is_not_held_to_a_site(void **state)
{
	struct stream s = stream_of(false);
	const struct fix site = {52.521, 13.405, 10};

	(void)state;
	gnss_watch_site(&s.w, &site);
	epochs(&s, 10);
	assert_certain(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(before_the_first_fix_there_is_none),
	        cmocka_unit_test(a_genuine_day_raises_no_doubt),
	        cmocka_unit_test(the_fix_is_the_last_report_of_the_last_whole_epoch),
	        cmocka_unit_test(a_fix_of_more_than_ten_seconds_is_stale_until_the_next),
	        cmocka_unit_test(an_epoch_without_a_fix_is_no_fix_until_the_next),
	        cmocka_unit_test(dead_reckoning_is_no_fix),
	        cmocka_unit_test(a_simulated_fix_is_doubted),
	        cmocka_unit_test(a_fix_without_an_error_is_doubted),
	        cmocka_unit_test(a_jump_of_9400_m_is_doubted_and_remembered_for_five_minutes),
	        cmocka_unit_test(a_fast_train_does_not_jump_and_a_fixed_site_that_rides_has_moved),
	        cmocka_unit_test(after_a_gap_the_way_may_be_longer),
	        cmocka_unit_test(a_receiver_that_excuses_every_speed_is_not_believed),
	        cmocka_unit_test(the_same_digits_for_more_than_a_minute_are_a_replay),
	        cmocka_unit_test(satellites_that_are_all_equally_strong_are_one_transmitter),
	        cmocka_unit_test(fewer_than_five_satellites_three_times_are_few),
	        cmocka_unit_test(a_sky_that_is_not_reported_has_few_satellites),
	        cmocka_unit_test(a_time_that_is_not_the_machines_three_times_is_doubted),
	        cmocka_unit_test(a_report_that_was_a_second_on_its_way_is_no_wrong_clock),
	        cmocka_unit_test(a_time_that_goes_back_is_doubted),
	        cmocka_unit_test(a_site_that_rises_like_no_lift_is_doubted),
	        cmocka_unit_test(what_the_receiver_itself_finds_is_doubted),
	        cmocka_unit_test(a_fixed_site_away_from_its_tag_has_moved),
	        cmocka_unit_test(a_fixed_site_that_creeps_20_m_has_moved_though_its_tag_is_wide),
	        cmocka_unit_test(what_was_before_a_gap_is_not_compared_with),
	        cmocka_unit_test(a_machine_that_may_move_is_not_held_to_a_site),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
