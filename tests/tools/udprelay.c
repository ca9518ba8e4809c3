/* udprelay: stands between a machine and a landmark, and holds every datagram up for some milliseconds.
 * With --guess it also answers the landmark's challenges itself, before the machine can: it does not know the key.
 * usage: udprelay PORTFILE IP:PORT DELAY_MS [--guess] */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "attest/landmark.h"

enum { QUEUE = 4096 };

struct datagram {
	uint8_t bytes[BOUNDMSG_MAX];
	size_t n;
	bool to_landmark;
	int64_t due_us;
};

struct relay {
	int front, back; /* the machine's side and the landmark's */
	struct sockaddr_storage machine, landmark;
	socklen_t nmachine, nlandmark;
	int64_t delay_us;
	bool guess;
	struct datagram queue[QUEUE]; /* in the order in which they came, and so are due */
	size_t first, next;
};

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void guess_answer(struct relay *r, struct view challenge)
{
	struct boundmsg m;
	uint8_t buf[BOUNDMSG_MAX];
	struct wr w = wr_to(buf, sizeof buf);

	if (!boundmsg_read(challenge, &m) || (m.kind != BOUND_START && m.kind != BOUND_CHALLENGE))
		return;
	m.kind = BOUND_ANSWER;
	memset(m.value, 0, sizeof m.value);
	boundmsg_write(&w, &m);
	(void)sendto(r->back, buf, wr_done(&w).n, 0, (struct sockaddr *)&r->landmark, r->nlandmark);
}

static void take(struct relay *r, bool from_machine)
{
	struct datagram *d = &r->queue[r->next % QUEUE];
	struct sockaddr_storage from;
	socklen_t n = sizeof from;
	ssize_t got = recvfrom(from_machine ? r->front : r->back, d->bytes, sizeof d->bytes, MSG_DONTWAIT,
	        (struct sockaddr *)&from, &n);

	if (got <= 0 || r->next - r->first == QUEUE)
		return;
	if (from_machine) {
		r->machine = from;
		r->nmachine = n;
	} else if (r->guess) {
		guess_answer(r, VIEW(d->bytes, (size_t)got));
	}
	d->n = (size_t)got;
	d->to_landmark = from_machine;
	d->due_us = now_us() + r->delay_us;
	r->next++;
}

static void pass_on(struct relay *r)
{
	while (r->first < r->next && r->queue[r->first % QUEUE].due_us <= now_us()) {
		const struct datagram *d = &r->queue[r->first++ % QUEUE];
		if (d->to_landmark)
			(void)sendto(r->back, d->bytes, d->n, 0, (struct sockaddr *)&r->landmark, r->nlandmark);
		else
			(void)sendto(r->front, d->bytes, d->n, 0, (struct sockaddr *)&r->machine, r->nmachine);
	}
}

static void wait_some(const struct relay *r, struct pollfd p[2])
{
	struct timespec t, *limit = NULL;

	if (r->first < r->next) {
		int64_t left = r->queue[r->first % QUEUE].due_us - now_us();
		t = (struct timespec){
		        .tv_sec = left > 0 ? left / 1000000 : 0, .tv_nsec = left > 0 ? left % 1000000 * 1000 : 0};
		limit = &t;
	}
	if (ppoll(p, 2, limit, NULL) < 0 && errno != EINTR)
		exit(3);
}

static int open_front(const char *portfile)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t n = sizeof at;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	FILE *f;

	at.sin_addr.s_addr = htonl(INADDR_ANY);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, n) != 0 || getsockname(fd, (struct sockaddr *)&at, &n) != 0)
		return -1;
	f = fopen(portfile, "w");
	if (!f || fprintf(f, "%u\n", ntohs(at.sin_port)) < 0 || fclose(f) != 0)
		return -1;
	return fd;
}

int main(int argc, char **argv)
{
	static struct relay r;
	struct endpoint to;
	struct err e;

	if (argc < 4 || endpoint_parse(argv[2], &to, &e) != 0) {
		fprintf(stderr, "usage: udprelay PORTFILE IP:PORT DELAY_MS [--guess]\n");
		return 2;
	}
	r.nlandmark = endpoint_sockaddr(&to, &r.landmark);
	r.delay_us = strtol(argv[3], NULL, 10) * 1000;
	r.guess = argc > 4 && strcmp(argv[4], "--guess") == 0;
	r.back = socket(AF_INET, SOCK_DGRAM, 0);
	r.front = open_front(argv[1]);
	if (r.back < 0 || r.front < 0)
		return 3;
	for (;;) {
		struct pollfd p[2] = {{.fd = r.front, .events = POLLIN}, {.fd = r.back, .events = POLLIN}};
		wait_some(&r, p);
		if (p[0].revents)
			take(&r, true);
		if (p[1].revents)
			take(&r, false);
		pass_on(&r);
	}
}
