/* locator: reads the receiver, and knows no keys and no files. The agent that started it asks where the machine is; when a
 * doubt appears it says so unasked. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/sandbox.h"
#include "geofence/gpsdlink.h"
#include "geofence/locatorwire.h"

enum { TICK_MS = 1000 }; /* how late "stale" may be seen */

struct locating {
	struct gnss_watch watch;
	struct gpsdlink gpsd;
	uint32_t known; /* doubts that the agent was told, or were there when it asked */
	bool reached;   /* gpsd; the log says when that changes */
	bool ended;     /* the agent has */
};

struct options {
	const char *gpsd;
	bool fixed;
};

static int options_read(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {
	        {"gpsd", required_argument, NULL, 'g'},
	        {"fixed", no_argument, NULL, 'f'},
	        {NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 'g')
			o->gpsd = optarg;
		else if (c == 'f')
			o->fixed = true;
		else
			return -1;
	}
	return optind == argc && o->gpsd != NULL ? 0 : -1;
}

static int64_t clock_ms(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* CLOCK_BOOTTIME goes on while the machine sleeps. */
static struct gnss_moment moment(void)
{
	return (struct gnss_moment){.wall_ms = clock_ms(CLOCK_REALTIME), .mono_ms = clock_ms(CLOCK_BOOTTIME)};
}

static void say(struct locating *l, const struct wr *packet, int flags)
{
	struct view v = wr_done(packet);

	if (send(LOCATOR_SOCKET, v.p, v.n, MSG_NOSIGNAL | flags) < 0 && errno != EAGAIN)
		l->ended = true;
}

/* An agent that does not hear has enough of these waiting. */
static void say_kind(struct locating *l, enum locator_say kind)
{
	uint8_t buf[1];
	struct wr w = wr_to(buf, sizeof buf);

	wr_u8(&w, (uint8_t)kind);
	say(l, &w, MSG_DONTWAIT);
}

static void answer_fix(struct locating *l)
{
	uint8_t buf[LOCATOR_PACKET_MAX];
	struct wr w = wr_to(buf, sizeof buf);
	struct gnss g;

	gnss_now(&l->watch, moment(), &g);
	l->known = g.doubts;
	wr_u8(&w, LOCATOR_HERE);
	fixwire_put_gnss(&w, &g);
	say(l, &w, 0);
}

static void take_site(struct locating *l, struct rd *r)
{
	struct fix site;
	struct err e;
	bool has = locatorwire_get_site(r, &site);

	if (!rd_end(r) || (has && fix_ok(&site, &e) != 0))
		l->ended = true; /* the agent is not itself: nothing is believed any more */
	else
		gnss_watch_site(&l->watch, has ? &site : NULL);
}

static void serve_agent(struct locating *l)
{
	uint8_t buf[LOCATOR_PACKET_MAX];
	ssize_t n = recv(LOCATOR_SOCKET, buf, sizeof buf, MSG_DONTWAIT);
	struct rd r = rd_of(VIEW(buf, n > 0 ? (size_t)n : 0));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	switch (rd_u8(&r)) {
	case LOCATOR_FIX:
		answer_fix(l);
		break;
	case LOCATOR_SITE:
		take_site(l, &r);
		break;
	default:
		l->ended = true;
	}
}

static void serve_gpsd(struct locating *l)
{
	struct gnss_moment now = moment();
	struct gnss_report report;
	struct err e;

	if (gpsdlink_ready(&l->gpsd, now.mono_ms, &e) != 0) {
		if (l->reached)
			log_err(&e);
		l->reached = false;
		return;
	}
	while (gpsdlink_report(&l->gpsd, &report)) {
		l->reached = true;
		gnss_feed(&l->watch, &report, now);
	}
}

static void alarm_if_new(struct locating *l)
{
	struct gnss g;

	gnss_now(&l->watch, moment(), &g);
	if (g.doubts & ~l->known)
		say_kind(l, LOCATOR_ALARM);
	l->known = g.doubts;
}

/* The powers of the loop below: one kind of connection to one address, and the agent. */
static const char *const powers[] = {
        "clock_gettime", "close", "connect", "getsockopt", "poll", "recvfrom", "sendto", "socket", "write", NULL};

static void serve(struct locating *l)
{
	struct gnss g;

	gnss_now(&l->watch, moment(), &g);
	l->known = g.doubts;
	say_kind(l, LOCATOR_READY);
	while (!l->ended) {
		gpsdlink_tick(&l->gpsd, moment().mono_ms);
		struct pollfd p[] = {{.fd = LOCATOR_SOCKET, .events = POLLIN},
		        {.fd = l->gpsd.fd, .events = gpsdlink_events(&l->gpsd)}};
		if (poll(p, COUNT(p), TICK_MS) < 0 && errno != EINTR)
			return;
		if (p[0].revents)
			serve_agent(l);
		if (p[1].revents)
			serve_gpsd(l);
		alarm_if_new(l);
	}
}

int main(int argc, char **argv)
{
	static struct locating l;
	struct options o = {0};
	struct err e = {0};
	bool enforced;

	log_name("merestone-locator");
	if (options_read(argc, argv, &o) != 0) {
		log_warn("usage: locator --gpsd IP:PORT [--fixed], with a socket as descriptor 3");
		return 2;
	}
	gnss_watch_start(&l.watch, o.fixed);
	if (sandbox_early(&e) == 0 && gpsdlink_start(&l.gpsd, o.gpsd, &e) == 0 &&
	        sandbox_files(-1, &enforced, &e) == 0 && sandbox_calls(powers, &e) == 0) {
		serve(&l);
		return 0;
	}
	log_err(&e);
	return 3;
}
