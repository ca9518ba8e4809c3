/* askgnss: asks a locator again and again, and prints its doubts when they change.
 * usage: askgnss [--site LAT,LON,RADIUS] [--alarm] [--until DOUBT] LIBEXEC IP:PORT SECONDS
 * --until ends with 0 when that doubt is there ("certain": a fix and none), and with 1 after SECONDS.
 * --alarm asks no more once it was certain, until there is an alarm. */
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/wr.h"
#include "geofence/geofence.h"

enum { STEP_MS = 50 };

struct options {
	struct fix site;
	bool has_site, alarm;
	const char *until, *libexec, *gpsd;
	long seconds;
};

static int options_read(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {
	        {"site", required_argument, NULL, 's'},
	        {"alarm", no_argument, NULL, 'a'},
	        {"until", required_argument, NULL, 'u'},
	        {NULL, 0, NULL, 0},
	};
	struct fix *s = &o->site;
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 's' && sscanf(optarg, "%lf,%lf,%lf", &s->lat_deg, &s->lon_deg, &s->uncertainty_m) == 3)
			o->has_site = true;
		else if (c == 'a')
			o->alarm = true;
		else if (c == 'u')
			o->until = optarg;
		else
			return -1;
	}
	if (optind != argc - 3)
		return -1;
	o->libexec = argv[optind];
	o->gpsd = argv[optind + 1];
	o->seconds = strtol(argv[optind + 2], NULL, 10);
	return 0;
}

/* " jump few " or " certain " */
static void describe(const struct gnss *g, char *out, size_t cap)
{
	struct wr w = wr_to(out, cap - 1);

	wr_str(&w, g->has_fix && g->doubts == 0 ? " certain " : " ");
	for (unsigned d = 0; d < GNSS_DOUBTS; d++) {
		if (!(g->doubts & GNSS_BIT(d)))
			continue;
		wr_str(&w, gnss_doubt_name((enum gnss_doubt)d));
		wr_str(&w, " ");
	}
	out[w.n] = 0;
}

static bool has_word(const char *words, const char *word)
{
	char spaced[32];

	(void)snprintf(spaced, sizeof spaced, " %s ", word);
	return strstr(words, spaced) != NULL;
}

static int wait_for_alarm(struct locator *l, long ms, struct err *e)
{
	struct pollfd p = {.fd = locator_alarm_fd(l), .events = POLLIN};

	if (poll(&p, 1, (int)ms) != 1)
		return 0;
	puts("alarm");
	return locator_alarmed(l, e) == 1 ? 0 : -1;
}

/* 1: seen; 0: not in time; -1. */
static int watch(struct locator *l, const struct options *o, struct err *e)
{
	const struct timespec step = {.tv_nsec = STEP_MS * 1000000L};
	char last[200] = "", is[200];
	struct gnss g;
	bool alarm = o->alarm;

	for (long ms = 0; ms < o->seconds * 1000; ms += STEP_MS) {
		if (locator_ask(l, &g, e) != 0)
			return -1;
		describe(&g, is, sizeof is);
		if (strcmp(is, last) != 0)
			printf("doubts:%s\n", is);
		memcpy(last, is, sizeof last);
		if (o->until != NULL && has_word(is, o->until)) {
			printf("fix: %.4f %.4f %.1f m, %u satellites\n", g.lat_deg, g.lon_deg, g.eph_m, g.satellites);
			return 1;
		}
		if (alarm && has_word(is, "certain")) {
			alarm = false;
			if (wait_for_alarm(l, o->seconds * 1000 - ms, e) != 0)
				return -1;
			continue;
		}
		(void)nanosleep(&step, NULL);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = {0};
	struct err e = {0};

	if (options_read(argc, argv, &o) != 0) {
		fprintf(stderr,
		        "usage: askgnss [--site LAT,LON,RADIUS] [--alarm] [--until DOUBT] LIBEXEC IP:PORT SECONDS\n");
		return 2;
	}
	AUTO(locator_stop) struct locator *l = locator_start(o.libexec, o.gpsd, true, &e);
	int seen = l == NULL || (o.has_site && locator_site(l, &o.site, &e) != 0) ? -1 : watch(l, &o, &e);
	if (seen < 0)
		fprintf(stderr, "askgnss: %s\n", e.text);
	return seen < 0 ? 3 : o.until != NULL && seen == 0 ? 1 : 0;
}
