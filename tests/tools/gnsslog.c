/* gnsslog: what a receiver says in each second, genuine or attacked: a log for gpsfake, or live as a TCP source of gpsd.
 * usage: gnsslog [--ubx] [--at LAT,LON] [--after N] [--for N] [--live PORTFILE] SCENARIO
 * N seconds are genuine before the scenario begins; live, SIGUSR1 begins it too. Live, the port is written to PORTFILE, and
 * each client hears the present. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/wr.h"
#include "tests/unit/noise.h"
#include "tests/unit/ubxmaker.h"

enum scenario {
	GENUINE,
	JUMP,
	FROZEN,
	FLAT,
	FEW,
	CLOCK,
	ALTITUDE,
	NO_ESTIMATE,
	SIMULATED,
	SPOOFED,
	JAMMED,
	MOVED,
	NO_FIX,
	SCENARIOS
};

static const char *const scenarios[SCENARIOS] = {"genuine", "jump", "frozen", "flat", "few", "clock", "altitude",
        "no-estimate", "simulated", "spoofed", "jammed", "moved", "no-fix"};

enum { SATELLITES = 9, EPOCH_MAX = 4096 };

#define JUMP_DEG 0.0845 /* 9.4 km of latitude */
#define MOVE_DEG 0.0006 /* 67 m: slower than a jump */

struct options {
	bool ubx;
	double lat, lon;
	long after, count; /* 0: without end */
	const char *port_file;
	enum scenario scenario;
};

struct epoch {
	time_t at;
	double lat, lon, alt;
	enum scenario s;
	unsigned n;
};

static const unsigned elevation[SATELLITES] = {71, 55, 44, 38, 31, 25, 19, 14, 8};
static const unsigned azimuth[SATELLITES] = {20, 110, 205, 300, 64, 158, 250, 342, 90};
static const unsigned strength[SATELLITES] = {47, 46, 44, 45, 41, 38, 36, 33, 29};

static volatile sig_atomic_t begun;

static void begin(int signal_number)
{
	(void)signal_number;
	begun = 1;
}

static unsigned used(const struct epoch *p)
{
	return p->s == FEW ? 4 : SATELLITES;
}

static unsigned strength_of(const struct epoch *p, unsigned i)
{
	return p->s == FLAT ? 45 : strength[i] + (p->n + i) % 2;
}

/* ---- NMEA 0183 ---- */

static void sentence(struct wr *w, const char *text)
{
	uint8_t sum = 0;

	for (const char *c = text; *c != 0; c++)
		sum ^= (uint8_t)*c;
	wr_fmt(w, "$%s*%02X\r\n", text, sum);
}

static void angle(char *out, size_t cap, double deg, int width, char plus, char minus)
{
	double a = fabs(deg), whole = floor(a);

	(void)snprintf(out, cap, "%0*.0f%09.6f,%c", width, whole, (a - whole) * 60, deg < 0 ? minus : plus);
}

static void put_rmc_gga(struct wr *w, const struct epoch *p, const struct tm *t)
{
	char lat[24], lon[24], text[160];
	bool fix = p->s != NO_FIX;

	angle(lat, sizeof lat, p->lat, 2, 'N', 'S');
	angle(lon, sizeof lon, p->lon, 3, 'E', 'W');
	(void)snprintf(text, sizeof text, "GPRMC,%02d%02d%02d.00,%c,%s,%s,0.0,0.0,%02d%02d%02d,,,%c", t->tm_hour,
	        t->tm_min, t->tm_sec, fix ? 'A' : 'V', fix ? lat : ",", fix ? lon : ",", t->tm_mday, t->tm_mon + 1,
	        t->tm_year % 100, fix ? 'A' : 'N');
	sentence(w, text);
	(void)snprintf(text, sizeof text, "GPGGA,%02d%02d%02d.00,%s,%s,%d,%02u,%s,%.1f,M,40.0,M,,", t->tm_hour,
	        t->tm_min, t->tm_sec, fix ? lat : ",", fix ? lon : ",",
	        !fix                ? 0
	        : p->s == SIMULATED ? 8
	                            : 1,
	        used(p), p->s == NO_ESTIMATE ? "" : "0.9", p->alt - 40);
	sentence(w, text);
}

static void put_gsa_gsv(struct wr *w, const struct epoch *p)
{
	char text[160];
	struct wr t = wr_to(text, sizeof text);

	wr_fmt(&t, "GPGSA,A,%d,", p->s == NO_FIX ? 1 : 3);
	for (unsigned i = 0; i < 12; i++)
		wr_fmt(&t, i < used(p) ? "%02u," : ",", i + 1);
	wr_fmt(&t, "%s", p->s == NO_ESTIMATE ? ",," : "1.7,0.9,1.4");
	text[t.n] = 0;
	sentence(w, text);
	for (unsigned i = 0; i < SATELLITES; i++) {
		if (i % 4 == 0) {
			t = wr_to(text, sizeof text);
			wr_fmt(&t, "GPGSV,%d,%u,%02d", (SATELLITES + 3) / 4, i / 4 + 1, SATELLITES);
		}
		if (p->s == NO_ESTIMATE) /* or gpsd estimates by itself from where they stand */
			wr_fmt(&t, ",%02u,,,%02u", i + 1, strength_of(p, i));
		else
			wr_fmt(&t, ",%02u,%02u,%03u,%02u", i + 1, elevation[i], azimuth[i], strength_of(p, i));
		text[t.n] = 0;
		if (i % 4 == 3 || i == SATELLITES - 1)
			sentence(w, text);
	}
}

static void put_nmea(struct wr *w, const struct epoch *p)
{
	struct tm t;

	(void)gmtime_r(&p->at, &t);
	put_rmc_gga(w, p, &t);
	put_gsa_gsv(w, p);
}

/* ---- UBX, protocol 18 to 27 ---- */

static void le(struct wr *w, int n, int64_t v)
{
	while (n-- > 0) {
		wr_u8(w, (uint8_t)v);
		v >>= 8;
	}
}

static void frame(struct wr *w, uint16_t id, const struct wr *payload)
{
	struct ubx_made m = ubxmaker(id, wr_done(payload));

	wr_view(w, ubxmaker_view(&m));
}

static int64_t tow_ms(const struct epoch *p) /* GPS began on a Sunday, and has 18 leap seconds less */
{
	return (p->at + 18 - 315964800) % 604800 * 1000;
}

static void put_pvt(struct wr *w, const struct epoch *p)
{
	uint8_t buf[128];
	struct wr v = wr_to(buf, sizeof buf);
	struct tm t;
	bool fix = p->s != NO_FIX;

	(void)gmtime_r(&p->at, &t);
	le(&v, 4, tow_ms(p));
	le(&v, 2, t.tm_year + 1900);
	le(&v, 1, t.tm_mon + 1);
	le(&v, 1, t.tm_mday);
	le(&v, 1, t.tm_hour);
	le(&v, 1, t.tm_min);
	le(&v, 1, t.tm_sec);
	le(&v, 1, 7); /* date and time are valid and resolved */
	le(&v, 4, 30);
	le(&v, 4, 0);
	le(&v, 1, fix ? 3 : 0);
	le(&v, 1, fix ? 1 : 0);
	le(&v, 1, 0);
	le(&v, 1, used(p));
	le(&v, 4, (int64_t)(p->lon * 1e7));
	le(&v, 4, (int64_t)(p->lat * 1e7));
	le(&v, 4, (int64_t)(p->alt * 1e3));
	le(&v, 4, (int64_t)(p->alt * 1e3) - 40000);
	le(&v, 4, 2500); /* hAcc, vAcc */
	le(&v, 4, 4000);
	le(&v, 8, 0);  /* velocity */
	le(&v, 12, 0); /* down, ground speed, heading */
	le(&v, 4, 300);
	le(&v, 4, 1000000);
	le(&v, 2, 170);
	le(&v, 14, 0);
	frame(w, 0x0107, &v);
}

static void put_sat(struct wr *w, const struct epoch *p)
{
	uint8_t buf[256];
	struct wr v = wr_to(buf, sizeof buf);

	le(&v, 4, tow_ms(p));
	le(&v, 1, 1);
	le(&v, 1, SATELLITES);
	le(&v, 2, 0);
	for (unsigned i = 0; i < SATELLITES; i++) {
		le(&v, 1, 0);
		le(&v, 1, i + 1);
		le(&v, 1, strength_of(p, i));
		le(&v, 1, elevation[i]);
		le(&v, 2, azimuth[i]);
		le(&v, 2, 0);
		le(&v, 4, i < used(p) ? 0x1f : 0x17); /* bit 3: used */
	}
	frame(w, 0x0135, &v);
}

static void put_ubx(struct wr *w, const struct epoch *p)
{
	uint8_t buf[64];
	struct wr v = wr_to(buf, sizeof buf);

	put_pvt(w, p);
	le(&v, 4, tow_ms(p));
	le(&v, 1, p->s == NO_FIX ? 0 : 3);
	le(&v, 1, 0xdd);
	le(&v, 1, 0);
	le(&v, 1, (p->s == SPOOFED ? 2 : 1) << 3);
	le(&v, 8, 100000);
	frame(w, 0x0103, &v);
	put_sat(w, p);
	v = wr_to(buf, sizeof buf);
	le(&v, 1, 0);
	le(&v, 1, 1);
	le(&v, 3, 0);
	le(&v, 1, p->s == JAMMED ? 3 : 1);
	le(&v, 22, 0);
	frame(w, 0x0a38, &v);
	v = wr_to(buf, sizeof buf);
	le(&v, 4, tow_ms(p));
	frame(w, 0x0161, &v);
}

/* ---- Seconds ---- */

static void attack(struct epoch *p)
{
	switch (p->s) {
	case JUMP:
		p->lat += JUMP_DEG;
		break;
	case MOVED:
		p->lat += MOVE_DEG;
		break;
	case CLOCK:
		p->at += 30;
		break;
	case ALTITUDE:
		p->alt += 400;
		break;
	default:
		break;
	}
}

static struct view second(const struct options *o, struct noise *z, struct wr *w, time_t at, long n)
{
	static struct epoch last;
	double north, east;
	bool on = n >= o->after || begun;

	noise_next(z, &north, &east);
	struct epoch p = {.at = at,
	        .lat = o->lat + north / 111200,
	        .lon = o->lon + east / (111320 * cos(o->lat * 3.14159265358979323846 / 180)),
	        .alt = 74.5 + 0.1 * north,
	        .s = on ? o->scenario : GENUINE,
	        .n = (unsigned)n};
	if (p.s == FROZEN && last.at != 0) {
		p.lat = last.lat;
		p.lon = last.lon;
	}
	last = p;
	attack(&p);
	if (o->ubx)
		put_ubx(w, &p);
	else
		put_nmea(w, &p);
	return wr_done(w);
}

static int listen_here(const char *port_file)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char text[16];
	struct err e;

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 4) != 0 ||
	        getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		return -1;
	int len = snprintf(text, sizeof text, "%d\n", ntohs(a.sin_port));
	return file_write(AT_FDCWD, port_file, VIEW(text, (size_t)len), 0644, &e) == 0 ? fd : -1;
}

/* Until the next whole second; takes a client meanwhile, and reads what gpsd would tell the receiver. */
static void wait_second(int listener, int *client, time_t until)
{
	for (;;) {
		struct timespec t;
		char sink[512];
		(void)clock_gettime(CLOCK_REALTIME, &t);
		if (t.tv_sec >= until)
			return;
		struct pollfd p[] = {{.fd = listener, .events = POLLIN}, {.fd = *client, .events = POLLIN}};
		(void)poll(p, 2, (int)(1000 - t.tv_nsec / 1000000) + 1);
		if (p[0].revents) {
			fd_close(*client);
			*client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		} else if (p[1].revents && recv(*client, sink, sizeof sink, 0) <= 0) {
			fd_close(*client);
			*client = -1;
		}
	}
}

static int live(const struct options *o, struct noise *z)
{
	int listener = listen_here(o->port_file), client = -1;
	struct timespec now;

	if (listener < 0)
		return 1;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	for (long n = 0; o->count == 0 || n < o->count; n++) {
		char buf[EPOCH_MAX];
		struct wr w = wr_to(buf, sizeof buf);
		wait_second(listener, &client, now.tv_sec + 1);
		(void)clock_gettime(CLOCK_REALTIME, &now);
		struct view v = second(o, z, &w, now.tv_sec, n);
		if (client >= 0)
			(void)send(client, v.p, v.n, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	return 0;
}

static int log_only(const struct options *o, struct noise *z)
{
	time_t start = time(NULL);

	for (long n = 0; n < o->count; n++) {
		char buf[EPOCH_MAX];
		struct wr w = wr_to(buf, sizeof buf);
		struct view v = second(o, z, &w, start + n, n);
		if (fd_write_all(STDOUT_FILENO, v.p, v.n) != 0)
			return 1;
	}
	return 0;
}

static int options_read(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {
	        {"ubx", no_argument, NULL, 'u'},
	        {"at", required_argument, NULL, 'a'},
	        {"after", required_argument, NULL, 'n'},
	        {"for", required_argument, NULL, 'f'},
	        {"live", required_argument, NULL, 'l'},
	        {NULL, 0, NULL, 0},
	};
	int c, s = 0;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 'u')
			o->ubx = true;
		else if (c == 'a' && sscanf(optarg, "%lf,%lf", &o->lat, &o->lon) == 2)
			continue;
		else if (c == 'n')
			o->after = strtol(optarg, NULL, 10);
		else if (c == 'f')
			o->count = strtol(optarg, NULL, 10);
		else if (c == 'l')
			o->port_file = optarg;
		else
			return -1;
	}
	while (optind == argc - 1 && s < SCENARIOS && strcmp(argv[optind], scenarios[s]) != 0)
		s++;
	o->scenario = (enum scenario)s;
	return optind == argc - 1 && s < SCENARIOS && (o->port_file != NULL || o->count > 0) ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct options o = {.lat = 52.52, .lon = 13.405};
	struct noise z = {.state = 20261125, .sigma_m = 0.5, .wander_m = 1.5, .tau_s = 300};

	if (options_read(argc, argv, &o) != 0) {
		fprintf(stderr,
		        "usage: gnsslog [--ubx] [--at LAT,LON] [--after N] [--for N] [--live PORTFILE] SCENARIO\n");
		return 2;
	}
	(void)signal(SIGUSR1, begin);
	return o.port_file != NULL ? live(&o, &z) : log_only(&o, &z);
}
