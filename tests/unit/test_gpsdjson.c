#include <math.h>
#include <stdio.h>

#include "geofence/gnsswatch.h"
#include "tests/unit/mangle.h"
#include "tests/unit/unit.h"

/* As gpsd 3.22 writes it. */
#define TPV                                                                                                            \
	"{\"class\":\"TPV\",\"device\":\"/dev/pts/1\",\"status\":8,\"mode\":3,\"time\":\"2026-11-25T12:00:01.250Z\","  \
	"\"ept\":0.005,\"lat\":52.520000167,\"lon\":13.405000167,\"altHAE\":74.5000,\"altMSL\":34.5000,\"alt\":34.5,"  \
	"\"epx\":17.240,\"epy\":15.217,\"epv\":32.200,\"track\":0.0000,\"speed\":0.051,\"eps\":34.48,\"eph\":17.100}"
#define SKY                                                                                                            \
	"{\"class\":\"SKY\",\"device\":\"/dev/pts/1\",\"hdop\":0.90,\"nSat\":4,\"uSat\":3,\"satellites\":["            \
	"{\"PRN\":1,\"el\":40.0,\"az\":83.0,\"ss\":46.0,\"used\":true,\"gnssid\":0,\"svid\":1},"                       \
	"{\"PRN\":2,\"ss\":42.0,\"used\":true},{\"PRN\":3,\"ss\":12.0,\"used\":false},{\"PRN\":4,\"used\":true}]}"

static struct err e;

static int read_text(const char *text, struct gnss_report *r)
{
	return gpsdjson_read(VIEW(text, strlen(text)), r, &e);
}

static int read_tpv(const char *members, struct gnss_report *r)
{
	char text[400];

	(void)snprintf(text, sizeof text, "{\"class\":\"TPV\",%s}", members);
	return read_text(text, r);
}

static void a_fix_is_read_with_its_errors(void **s)
{
	struct gnss_report r;

	(void)s;
	assert_accepted(read_text(TPV, &r), &e);
	assert_int_equal(r.kind, REPORT_FIX);
	assert_true(r.tpv.mode == 3 && r.tpv.status == 8);
	assert_true(r.tpv.has_time && r.tpv.time_ms == INT64_C(1795608001250));
	assert_true(r.tpv.has_place && r.tpv.lat_deg == 52.520000167 && r.tpv.lon_deg == 13.405000167);
	assert_true(r.tpv.has_alt && r.tpv.alt_m == 74.5); /* above the ellipsoid */
	assert_true(r.tpv.has_eph && r.tpv.eph_m == 17.1 && r.tpv.has_epv && r.tpv.epv_m == 32.2);
	assert_true(r.tpv.has_eps && r.tpv.eps_m_s == 34.48);
}

static void what_is_not_said_is_not_there(void **s)
{
	struct gnss_report r;

	(void)s;
	assert_accepted(read_text("{\"class\":\"TPV\"}", &r), &e);
	assert_int_equal(r.tpv.mode, 0);
	assert_false(
	        r.tpv.has_time || r.tpv.has_place || r.tpv.has_alt || r.tpv.has_eph || r.tpv.has_epv || r.tpv.has_eps);
	assert_accepted(read_tpv("\"lat\":52.5", &r), &e);
	assert_false(r.tpv.has_place);
}

static void a_time_is_of_any_year_since_1970(void **s)
{
	static const struct {
		const char *text;
		int64_t ms;
	} times[] = {{"1970-01-01T00:00:00.000Z", 0}, {"2000-02-29T23:59:60.999Z", INT64_C(951868800999)},
	        {"2026-11-25T12:00:00Z", INT64_C(1795608000000)}, {"9999-12-31T23:59:59.999Z", GNSS_TIME_MAX_MS}};
	struct gnss_report r;

	(void)s;
	for (size_t i = 0; i < COUNT(times); i++) {
		char text[80];
		(void)snprintf(text, sizeof text, "\"time\":\"%s\"", times[i].text);
		assert_accepted(read_tpv(text, &r), &e);
		assert_true(r.tpv.time_ms == times[i].ms);
	}
}

static void wrong_members_of_a_fix_are_refused(void **s)
{
	static const char *const bad[] = {"\"lat\":90.1,\"lon\":0", "\"lat\":0,\"lon\":-180.1", "\"lat\":\"52\"",
	        "\"lat\":null", "\"mode\":4", "\"mode\":2.5", "\"mode\":-1", "\"status\":256", "\"eph\":-1",
	        "\"eph\":1e99", "\"eph\":NaN", "\"epv\":-0.1", "\"eps\":-1", "\"altHAE\":2e5", "\"altHAE\":-13000",
	        "\"time\":0", "\"time\":\"2026-11-25 12:00:00.000Z\"", "\"time\":\"2026-13-25T12:00:00.000Z\"",
	        "\"time\":\"2026-11-25T24:00:00.000Z\"", "\"time\":\"2026-11-25T12:00:00.0Z\"",
	        "\"time\":\"2026-11-25T12:00:00.000\"", "\"time\":\"1969-12-31T23:59:59.999Z\"", "\"lat\":1,\"lat\":2"};
	struct gnss_report r;

	(void)s;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_refused(read_tpv(bad[i], &r), &e, WHY_MALFORMED);
}

static void a_sky_counts_what_is_in_use_and_how_strong_it_is(void **s)
{
	struct gnss_report r;

	(void)s;
	assert_accepted(read_text(SKY, &r), &e);
	assert_int_equal(r.kind, REPORT_SKY);
	assert_int_equal(r.sky.used, 3);
	assert_int_equal(r.sky.strengths, 2);
	assert_true(r.sky.mean_db == 44 && r.sky.spread_db == 2);
	assert_accepted(read_text("{\"class\":\"SKY\",\"satellites\":[]}", &r), &e);
	assert_true(r.kind == REPORT_SKY && r.sky.used == 0 && r.sky.spread_db == 0);
}

static void a_sky_that_only_says_how_good_places_are_is_no_sky(void **s)
{
	struct gnss_report r;

	(void)s;
	assert_accepted(read_text("{\"class\":\"SKY\",\"hdop\":0.9}", &r), &e);
	assert_int_equal(r.kind, REPORT_OTHER);
}

static void more_satellites_than_there_are_are_refused(void **s)
{
	static char text[GPSD_LINE_MAX];
	struct gnss_report r;
	int n = snprintf(text, sizeof text, "{\"class\":\"SKY\",\"satellites\":[{}");

	(void)s;
	for (int i = 1; i < SKY_MAX; i++)
		n += snprintf(text + n, sizeof text - (size_t)n, ",{}");
	(void)snprintf(text + n, sizeof text - (size_t)n, "]}");
	assert_accepted(read_text(text, &r), &e);
	(void)snprintf(text + n, sizeof text - (size_t)n, ",{}]}");
	assert_refused(read_text(text, &r), &e, WHY_MALFORMED);
	assert_refused(read_text("{\"class\":\"SKY\",\"satellites\":[1]}", &r), &e, WHY_MALFORMED);
	assert_refused(read_text("{\"class\":\"SKY\",\"satellites\":{}}", &r), &e, WHY_MALFORMED);
	assert_refused(read_text("{\"class\":\"SKY\",\"satellites\":[{\"ss\":-1}]}", &r), &e, WHY_MALFORMED);
}

static void other_reports_are_passed_over(void **s)
{
	struct gnss_report r;

	(void)s;
	assert_accepted(read_text("{\"class\":\"VERSION\",\"release\":\"3.22\"}", &r), &e);
	assert_int_equal(r.kind, REPORT_OTHER);
	assert_accepted(read_text("{}", &r), &e);
	assert_int_equal(r.kind, REPORT_OTHER);
	assert_refused(read_text("[]", &r), &e, WHY_MALFORMED);
	assert_refused(read_text("{}{}", &r), &e, WHY_MALFORMED);
}

/* Half a report is none. A flipped bit may make another number, which still is one that can be. */
static void is_refused_or_sound(struct view mangled, void *whole)
{
	struct gnss_report r;

	if (gpsdjson_read(mangled, &r, &e) != 0) {
		assert_int_equal(e.why, WHY_MALFORMED);
		return;
	}
	assert_int_equal(mangled.n, strlen(whole));
	assert_true(r.kind != REPORT_SKY || (r.sky.used <= SKY_MAX && r.sky.spread_db >= 0));
	if (r.kind == REPORT_FIX && r.tpv.has_place)
		assert_true(fabs(r.tpv.lat_deg) <= 90 && fabs(r.tpv.lon_deg) <= 180);
}

static void a_mangled_report_is_refused_or_sound(void **s)
{
	static char tpv[] = TPV, sky[] = SKY;

	(void)s;
	mangle_each(VIEW(tpv, strlen(tpv)), is_refused_or_sound, tpv);
	mangle_each(VIEW(sky, strlen(sky)), is_refused_or_sound, sky);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_fix_is_read_with_its_errors),
	        cmocka_unit_test(what_is_not_said_is_not_there),
	        cmocka_unit_test(a_time_is_of_any_year_since_1970),
	        cmocka_unit_test(wrong_members_of_a_fix_are_refused),
	        cmocka_unit_test(a_sky_counts_what_is_in_use_and_how_strong_it_is),
	        cmocka_unit_test(a_sky_that_only_says_how_good_places_are_is_no_sky),
	        cmocka_unit_test(more_satellites_than_there_are_are_refused),
	        cmocka_unit_test(other_reports_are_passed_over),
	        cmocka_unit_test(a_mangled_report_is_refused_or_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
