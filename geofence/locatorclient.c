/* The agent's end of the locator: starts it, asks it, and stops it. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "geofence/gpsdaddress.h"
#include "geofence/locatorwire.h"

enum { ANSWER_MS = 5000 }; /* it waits for nobody */

struct locator {
	int fd; /* -1 after the first failure */
	pid_t pid;
};

static int broken(struct locator *l, struct err *e, const char *what)
{
	fd_close(l->fd);
	l->fd = -1;
	return err_set(e, WHY_SYSTEM, "the locator %s", what);
}

static int say(struct locator *l, const struct wr *packet, struct err *e)
{
	struct view v = wr_done(packet);

	if (l->fd < 0)
		return err_set(e, WHY_SYSTEM, "the locator has ended");
	return send(l->fd, v.p, v.n, MSG_NOSIGNAL) == (ssize_t)v.n ? 0 : broken(l, e, "has ended");
}

/* 1: a packet of *n bytes; 0: none within ms; -1. */
static int hear(struct locator *l, int ms, uint8_t buf[LOCATOR_PACKET_MAX], size_t *n, struct err *e)
{
	struct pollfd p = {.fd = l->fd, .events = POLLIN};
	int ready;

	if (l->fd < 0)
		return err_set(e, WHY_SYSTEM, "the locator has ended");
	do
		ready = poll(&p, 1, ms);
	while (ready < 0 && errno == EINTR);
	if (ready == 0)
		return 0;
	ssize_t got = recv(l->fd, buf, LOCATOR_PACKET_MAX, 0);
	if (got <= 0)
		return broken(l, e, "has ended");
	*n = (size_t)got;
	return 1;
}

/* The next packet of that kind. An alarm that came before it is older than what it says. */
static int answer(
        struct locator *l, enum locator_say kind, uint8_t buf[LOCATOR_PACKET_MAX], struct rd *r, struct err *e)
{
	uint8_t got;

	do {
		size_t n;
		int some = hear(l, ANSWER_MS, buf, &n, e);
		if (some < 0)
			return -1;
		if (some == 0)
			return broken(l, e, "does not answer");
		*r = rd_of(VIEW(buf, n));
		got = rd_u8(r);
	} while (got == LOCATOR_ALARM);
	return got == kind ? 0 : broken(l, e, "gave an answer that can not be read");
}

static _Noreturn void become(const char *program, int socket, char *const argv[])
{
	char *const environment[] = {NULL};
	/* dup2 onto itself would leave the descriptor closed at exec. */
	int high = socket == LOCATOR_SOCKET ? dup(socket) : socket;

	if (high >= 0 && dup2(high, LOCATOR_SOCKET) == LOCATOR_SOCKET && close_range(LOCATOR_SOCKET + 1, ~0U, 0) == 0)
		execve(program, argv, environment);
	_exit(3);
}

static int spawn(struct locator *l, const char *program, char *const argv[], struct err *e)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return err_sys(e, "cannot start the locator");
	l->fd = pair[0];
	l->pid = fork();
	if (l->pid == 0)
		become(program, pair[1], argv);
	fd_close(pair[1]);
	return l->pid > 0 ? 0 : err_sys(e, "cannot start the locator");
}

struct locator *locator_start(const char *libexec_dir, const char *gpsd, bool fixed, struct err *e)
{
	char program[PATH_MAX];
	uint8_t buf[LOCATOR_PACKET_MAX];
	char *argv[] = {"merestone-locator", "--gpsd", (char *)gpsd, fixed ? "--fixed" : NULL, NULL};
	AUTO(locator_stop) struct locator *l = calloc(1, sizeof *l);
	struct gpsdaddress address;
	struct rd r;
	int n = snprintf(program, sizeof program, "%s/locator", libexec_dir);

	if (l == NULL || n < 0 || (size_t)n >= sizeof program)
		return err_set(e, WHY_SYSTEM, "cannot start the locator in %s", libexec_dir), NULL;
	l->fd = -1;
	if (gpsdaddress_read(gpsd, &address, e) != 0)
		return NULL;
	if (access(program, X_OK) != 0)
		return err_sys(e, "cannot start %s", program), NULL;
	if (spawn(l, program, argv, e) != 0 || answer(l, LOCATOR_READY, buf, &r, e) != 0)
		return NULL;
	return TAKE(l);
}

void locator_stop(struct locator *l)
{
	if (l == NULL)
		return;
	fd_close(l->fd);
	if (l->pid > 0) {
		(void)kill(l->pid, SIGKILL); /* it keeps nothing */
		(void)waitpid(l->pid, NULL, 0);
	}
	free(l);
}

int locator_site(struct locator *l, const struct fix *site, struct err *e)
{
	uint8_t buf[LOCATOR_PACKET_MAX];
	struct wr w = wr_to(buf, sizeof buf);

	if (site != NULL && fix_ok(site, e) != 0)
		return -1;
	wr_u8(&w, LOCATOR_SITE);
	locatorwire_put_site(&w, site);
	return say(l, &w, e);
}

int locator_ask(struct locator *l, struct gnss *out, struct err *e)
{
	uint8_t buf[LOCATOR_PACKET_MAX];
	struct wr w = wr_to(buf, sizeof buf);
	struct gnss g;
	struct rd r;

	wr_u8(&w, LOCATOR_FIX);
	if (say(l, &w, e) != 0 || answer(l, LOCATOR_HERE, buf, &r, e) != 0)
		return -1;
	fixwire_get_gnss(&r, &g);
	if (!rd_end(&r) || gnss_ok(&g, e) != 0)
		return broken(l, e, "gave an answer that can not be read");
	*out = g;
	return 0;
}

int locator_alarm_fd(const struct locator *l)
{
	return l->fd;
}

int locator_alarmed(struct locator *l, struct err *e)
{
	uint8_t buf[LOCATOR_PACKET_MAX];
	int alarmed = 0, some;
	size_t n;

	while ((some = hear(l, 0, buf, &n, e)) == 1) {
		if (n != 1 || buf[0] != LOCATOR_ALARM)
			return broken(l, e, "said something unasked");
		alarmed = 1;
	}
	return some < 0 ? -1 : alarmed;
}
