/* The locator and its client, with a server that stands for gpsd and says what no receiver would. tests/system/gnss.bats
 * has the real one. */
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "geofence/gpsdaddress.h"
#include "geofence/locatorwire.h"
#include "tests/unit/ubxmaker.h"
#include "tests/unit/unit.h"

#define LIBEXEC "build/san/libexec"

enum { PATIENCE_MS = 10000 };

static struct err e;
static int listener, link_fd;
static char address[32];
static struct locator *l;

static int wait_for(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, PATIENCE_MS) == 1 ? 0 : -1;
}

static int listen_somewhere(void **s)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t n = sizeof a;

	(void)s;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&a, sizeof a) != 0 || listen(listener, 1) != 0 ||
	        getsockname(listener, (struct sockaddr *)&a, &n) != 0)
		return -1;
	(void)snprintf(address, sizeof address, "127.0.0.1:%d", ntohs(a.sin_port));
	return 0;
}

static int stop_listening(void **s)
{
	(void)s;
	return close(listener);
}

/* It connects and says what it wants. */
static void take_link(void)
{
	static const char watch[] = "?WATCH={\"enable\":true,\"json\":true,\"raw\":2};\n";
	char buf[sizeof watch] = "";

	assert_int_equal(wait_for(listener), 0);
	link_fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(link_fd >= 0);
	assert_int_equal(fd_read_all(link_fd, buf, sizeof watch - 1), 1);
	assert_string_equal(buf, watch);
}

static int start(void **s)
{
	(void)s;
	l = locator_start(LIBEXEC, address, true, &e);
	if (l == NULL)
		fail_msg("%s", e.text);
	take_link();
	return 0;
}

static int stop(void **s)
{
	(void)s;
	fd_close(link_fd);
	locator_stop(l);
	return 0;
}

static void gpsd_says(const char *text)
{
	assert_int_equal(fd_write_all(link_fd, text, strlen(text)), 0);
}

/* A fix of now, and some seconds. */
static void gpsd_fix(int seconds, const char *more)
{
	time_t at = time(NULL) + seconds;
	struct tm t;
	char when[32], text[400];

	assert_non_null(gmtime_r(&at, &t));
	assert_true(strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S.000Z", &t) > 0);
	(void)snprintf(text, sizeof text,
	        "{\"class\":\"TPV\",\"mode\":3,\"time\":\"%s\",\"lat\":52.52,\"lon\":13.405%d,\"altHAE\":74,\"epv\":20,"
	        "%s}\r\n",
	        when, seconds & 1, more);
	gpsd_says(text);
}

static void gpsd_sky(void)
{
	char text[1000] = "{\"class\":\"SKY\",\"satellites\":[";
	size_t n = strlen(text);

	for (int i = 0; i < 8; i++)
		n += (size_t)snprintf(
		        text + n, sizeof text - n, "%s{\"ss\":%d,\"used\":true}", i ? "," : "", 30 + 2 * i);
	(void)snprintf(text + n, sizeof text - n, "]}\r\n");
	gpsd_says(text);
}

/* Until it has seen what was sent: what came before an epoch's report is known when that epoch is. */
static struct gnss ask_until(bool (*done)(const struct gnss *g))
{
	const struct timespec step = {.tv_nsec = 10 * 1000 * 1000};
	struct gnss g;

	for (int ms = 0; ms < PATIENCE_MS; ms += 10) {
		assert_accepted(locator_ask(l, &g, &e), &e);
		if (done(&g))
			return g;
		(void)nanosleep(&step, NULL);
	}
	fail_msg("not in time: doubts 0x%x", g.doubts);
	return g;
}

static bool certain(const struct gnss *g)
{
	return g->has_fix && g->doubts == 0;
}

static bool spoofed(const struct gnss *g)
{
	return g->doubts & GNSS_BIT(GNSS_SPOOFED);
}

static bool moved(const struct gnss *g)
{
	return g->doubts & GNSS_BIT(GNSS_MOVED);
}

static bool few(const struct gnss *g)
{
	return g->doubts & GNSS_BIT(GNSS_FEW);
}

static void become_certain(void)
{
	gpsd_sky();
	gpsd_fix(-1, "\"eph\":10");
	gpsd_fix(0, "\"eph\":10");
	(void)ask_until(certain);
}

static void without_a_fix_the_answer_is_that_there_is_none(void **s)
{
	struct gnss g;

	(void)s;
	assert_accepted(locator_ask(l, &g, &e), &e);
	assert_false(g.has_fix);
	assert_int_equal(g.doubts, GNSS_BIT(GNSS_NO_FIX) | GNSS_BIT(GNSS_FEW));
}

static void the_answer_is_what_gpsd_said(void **s)
{
	(void)s;
	become_certain();
	struct gnss g = ask_until(certain);
	assert_true(g.lat_deg == 52.52 && g.eph_m == 10 && g.has_eph && g.alt_m == 74 && g.has_alt && g.epv_m == 20);
	assert_int_equal(g.satellites, 8);
	assert_in_range(g.age_ms, 0, PATIENCE_MS);
	assert_int_equal(locator_alarmed(l, &e), 0);
}

static void a_doubt_that_appears_is_an_alarm(void **s)
{
	struct ubx_made m = ubxmaker_status(2);

	(void)s;
	become_certain();
	assert_int_equal(locator_alarmed(l, &e), 0);
	assert_int_equal(fd_write_all(link_fd, m.b, m.n), 0);
	assert_int_equal(wait_for(locator_alarm_fd(l)), 0);
	assert_int_equal(locator_alarmed(l, &e), 1);
	assert_int_equal(locator_alarmed(l, &e), 0);
	(void)ask_until(spoofed);
}

static void an_alarm_before_an_answer_is_in_the_answer(void **s)
{
	struct ubx_made m = ubxmaker_status(3);
	struct gnss g;

	(void)s;
	become_certain();
	assert_int_equal(fd_write_all(link_fd, m.b, m.n), 0);
	assert_int_equal(wait_for(locator_alarm_fd(l)), 0);
	assert_accepted(locator_ask(l, &g, &e), &e);
	assert_true(spoofed(&g));
	assert_int_equal(locator_alarmed(l, &e), 0);
}

static void a_site_that_the_fixes_are_not_at_has_moved(void **s)
{
	const struct fix site = {52.6, 13.405, 100}, nowhere = {91, 0, 0};

	(void)s;
	assert_accepted(locator_site(l, &site, &e), &e);
	gpsd_sky();
	for (int i = -5; i <= 0; i++)
		gpsd_fix(i, "\"eph\":10");
	(void)ask_until(moved);
	assert_refused(locator_site(l, &nowhere, &e), &e, WHY_MALFORMED);
	assert_accepted(locator_site(l, NULL, &e), &e);
	gpsd_fix(1, "\"eph\":10");
	(void)ask_until(certain);
}

static void nonsense_is_passed_over_and_the_next_report_is_read(void **s)
{
	(void)s;
	gpsd_says("{\"class\":\"TPV\",\"lat\":99}\r\n$GPRMC,nonsense\r\n\xb5\x62\x01\x03\xff\xff\xff{\"class\":}"
	          "\n[[[\r\n");
	become_certain();
}

static void when_gpsd_goes_away_it_is_called_again(void **s)
{
	(void)s;
	become_certain();
	assert_int_equal(close(link_fd), 0);
	take_link();
	gpsd_says("{\"class\":\"SKY\",\"satellites\":[]}\n{\"class\":\"SKY\",\"satellites\":[]}\n");
	gpsd_says("{\"class\":\"SKY\",\"satellites\":[]}\n");
	(void)ask_until(few);
}

static void a_site_that_is_no_packet_ends_the_locator(void **s)
{
	static const uint8_t half[] = {LOCATOR_SITE, 1, 0};
	struct gnss g;

	(void)s;
	assert_int_equal(send(locator_alarm_fd(l), half, sizeof half, MSG_NOSIGNAL), sizeof half);
	assert_int_equal(wait_for(locator_alarm_fd(l)), 0);
	assert_refused(locator_alarmed(l, &e), &e, WHY_SYSTEM);
	assert_int_equal(locator_alarm_fd(l), -1);
	assert_refused(locator_ask(l, &g, &e), &e, WHY_SYSTEM);
	assert_refused(locator_site(l, NULL, &e), &e, WHY_SYSTEM);
}

static void what_is_no_address_is_refused(void **s)
{
	static const char *const bad[] = {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536",
	        "127.0.0.1:29x", "127.0.0.1: 2947", "localhost:2947", "::1:2947", "[::1:2947", "[127.0.0.1]:2947",
	        "[]:2947", "]:2947", "[:2947", "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:2947"};
	struct gpsdaddress a;

	(void)s;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_refused(gpsdaddress_read(bad[i], &a, &e), &e, WHY_MALFORMED);
		assert_null(locator_start(LIBEXEC, bad[i], true, &e));
		assert_string_equal(why_name(e.why), "malformed");
	}
	assert_accepted(gpsdaddress_read("127.0.0.1:2947", &a, &e), &e);
	assert_int_equal(a.at.ss_family, AF_INET);
	assert_accepted(gpsdaddress_read("[::1]:65535", &a, &e), &e);
	assert_int_equal(a.at.ss_family, AF_INET6);
	assert_int_equal(((struct sockaddr_in6 *)&a.at)->sin6_port, 0xffff);
}

static void a_locator_that_is_not_there_is_not_started(void **s)
{
	(void)s;
	assert_null(locator_start("/nowhere", "127.0.0.1:2947", false, &e));
	assert_string_equal(why_name(e.why), "system");
}

static void a_fix_crosses_the_socket_as_it_was(void **s)
{
	const struct gnss g = {.time_ms = 1800000000123,
	        .lat_deg = -54.8,
	        .lon_deg = -68.3,
	        .alt_m = -1.5,
	        .eph_m = 2.25,
	        .epv_m = 1e-3,
	        .age_ms = 4000000000,
	        .satellites = 11,
	        .doubts = 0x1fff,
	        .has_fix = true,
	        .has_epv = true};
	uint8_t buf[LOCATOR_PACKET_MAX];
	struct wr w = wr_to(buf, sizeof buf);
	struct gnss got;

	(void)s;
	fixwire_put_gnss(&w, &g);
	for (size_t n = 0; n < w.n; n++) {
		struct rd cut = rd_of(VIEW(buf, n));
		fixwire_get_gnss(&cut, &got);
		assert_false(rd_end(&cut));
	}
	struct rd r = rd_of(wr_done(&w));
	fixwire_get_gnss(&r, &got);
	assert_true(rd_end(&r));
	assert_true(got.time_ms == g.time_ms && got.lat_deg == g.lat_deg && got.lon_deg == g.lon_deg &&
	            got.alt_m == g.alt_m);
	assert_true(got.eph_m == g.eph_m && got.epv_m == g.epv_m && got.age_ms == g.age_ms && got.doubts == g.doubts);
	assert_true(got.has_fix && !got.has_alt && !got.has_eph && got.has_epv && got.satellites == 11);
}

#define with_gpsd(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        with_gpsd(without_a_fix_the_answer_is_that_there_is_none),
	        with_gpsd(the_answer_is_what_gpsd_said),
	        with_gpsd(a_doubt_that_appears_is_an_alarm),
	        with_gpsd(an_alarm_before_an_answer_is_in_the_answer),
	        with_gpsd(a_site_that_the_fixes_are_not_at_has_moved),
	        with_gpsd(nonsense_is_passed_over_and_the_next_report_is_read),
	        with_gpsd(when_gpsd_goes_away_it_is_called_again),
	        with_gpsd(a_site_that_is_no_packet_ends_the_locator),
	        cmocka_unit_test(what_is_no_address_is_refused),
	        cmocka_unit_test(a_locator_that_is_not_there_is_not_started),
	        cmocka_unit_test(a_fix_crosses_the_socket_as_it_was),
	};

	return cmocka_run_group_tests(tests, listen_somewhere, stop_listening);
}
