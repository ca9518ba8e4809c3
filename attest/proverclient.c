/* The agent's end of the prover. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attest/landmark.h"
#include "base/file.h"

enum {
	START_MS = 10 * 1000,
	ANSWER_MS = PROVE_MS + 10 * 1000,
	STOP_MS = 500,
};

struct prover {
	int fd; /* -1 after the first failure */
	pid_t pid;
};

static int broken(struct prover *p, struct err *e, const char *what)
{
	fd_close(p->fd);
	p->fd = -1;
	return err_set(e, WHY_SYSTEM, "the prover %s", what);
}

static _Noreturn void become(const char *program, int socket)
{
	char *const argv[] = {"merestone-prover", NULL}, *const environment[] = {NULL};
	/* dup2 onto itself would leave the descriptor closed at exec. */
	int high = socket == PROVER_SOCKET ? dup(socket) : socket;

	if (high >= 0 && dup2(high, PROVER_SOCKET) == PROVER_SOCKET && close_range(PROVER_SOCKET + 1, ~0U, 0) == 0)
		execve(program, argv, environment);
	_exit(3);
}

static int spawn(struct prover *p, const char *program, struct err *e)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return err_sys(e, "cannot start the prover");
	p->pid = fork();
	if (p->pid == 0)
		become(program, pair[1]);
	fd_close(pair[1]);
	p->fd = pair[0];
	return p->pid > 0 ? 0 : err_sys(e, "cannot start the prover");
}

/* One message; how long it is, or -1. */
static ssize_t message(struct prover *p, void *buf, size_t cap, int ms, struct err *e)
{
	struct pollfd fd = {.fd = p->fd, .events = POLLIN};
	int got;

	do
		got = poll(&fd, 1, ms);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return broken(p, e, "does not answer");
	ssize_t n = recv(p->fd, buf, cap, 0);
	return n > 0 ? n : broken(p, e, "has ended");
}

struct prover *prover_start(const char *libexec_dir, struct err *e)
{
	char program[PATH_MAX], ready[16];
	AUTO(prover_stop) struct prover *p = calloc(1, sizeof *p);
	int n = snprintf(program, sizeof program, "%s/prover", libexec_dir);

	if (!p || n < 0 || (size_t)n >= sizeof program)
		return err_set(e, WHY_SYSTEM, "cannot start the prover in %s", libexec_dir), NULL;
	p->fd = -1;
	if (access(program, X_OK) != 0)
		return err_sys(e, "cannot start %s", program), NULL;
	if (spawn(p, program, e) != 0 || message(p, ready, sizeof ready, START_MS, e) < 0)
		return NULL;
	return TAKE(p);
}

void prover_stop(struct prover *p)
{
	const struct timespec step = {.tv_nsec = 5 * 1000 * 1000};
	int ms = 0;

	if (!p)
		return;
	fd_close(p->fd); /* it ends when its socket does */
	while (p->pid > 0 && ms < STOP_MS && waitpid(p->pid, NULL, WNOHANG) == 0) {
		(void)nanosleep(&step, NULL);
		ms += 5;
	}
	if (p->pid > 0 && ms >= STOP_MS) {
		(void)kill(p->pid, SIGKILL);
		(void)waitpid(p->pid, NULL, 0);
	}
	free(p);
}

static int write_target(struct wr *w, const struct prover_landmark *l, struct err *e)
{
	struct endpoint at;

	if (endpoint_parse(l->address, &at, e) != 0)
		return err_in(e, "landmark %s", l->name);
	wr_text16(w, l->name);
	wr_bytes(w, l->key, ES256_PUB);
	wr_bytes(w, at.ip, sizeof at.ip);
	wr_be16(w, at.port);
	return 0;
}

int prover_measure(struct prover *p, const uint8_t context[SHA_LEN], const struct prover_landmark *l, size_t n,
        uint8_t part[BOUNDS_PART_MAX], size_t *npart, struct err *e)
{
	uint8_t buf[PROVER_REQUEST_MAX];
	struct wr w = wr_to(buf, sizeof buf);

	if (p->fd < 0)
		return err_set(e, WHY_SYSTEM, "the prover has ended");
	if (n > BOUNDS_MAX)
		return err_set(e, WHY_MALFORMED, "more than %d landmarks", BOUNDS_MAX);
	wr_bytes(&w, context, SHA_LEN);
	wr_u8(&w, (uint8_t)n);
	for (size_t i = 0; i < n; i++)
		if (write_target(&w, &l[i], e) != 0)
			return -1;
	if (send(p->fd, buf, wr_done(&w).n, MSG_NOSIGNAL) < 0)
		return broken(p, e, "has ended");
	ssize_t got = message(p, part, BOUNDS_PART_MAX, ANSWER_MS, e);
	if (got < ES256_PUB)
		return got < 0 ? -1 : broken(p, e, "gave an answer that can not be read");
	*npart = got > ES256_PUB ? (size_t)got : 0;
	return 0;
}
