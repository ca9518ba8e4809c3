#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/bench/bench.h"

static int run(struct crew *c, unsigned number, int (*work)(struct crew *, unsigned, void *, struct err *), void *arg)
{
	struct err e = {0};

	for (unsigned i = 0; i < c->n; i++)
		close(c->fd[i]);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && work(c, number, arg, &e) == 0)
		return 0;
	log_err(&e);
	return 1;
}

static int start_one(
        struct crew *c, int (*work)(struct crew *, unsigned, void *, struct err *), void *arg, struct err *e)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return err_sys(e, "socketpair");
	pid_t pid = fork();
	if (pid == 0) {
		close(pair[0]);
		c->own = pair[1];
		_exit(run(c, c->n, work, arg));
	}
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return err_sys(e, "fork");
	}
	c->fd[c->n] = pair[0];
	c->pid[c->n++] = pid;
	return 0;
}

int crew_start(struct crew *c, unsigned n, int (*work)(struct crew *c, unsigned number, void *arg, struct err *e),
        void *arg, struct err *e)
{
	memset(c, 0, sizeof *c);
	if (n > CREW_MAX)
		return err_set(e, WHY_MALFORMED, "%u workers, at most %d", n, CREW_MAX);
	while (c->n < n)
		if (start_one(c, work, arg, e) != 0)
			return -1;
	return 0;
}

int crew_meet(struct crew *c, struct err *e)
{
	char go = 'r';

	if (write(c->own, &go, 1) != 1 || read(c->own, &go, 1) != 1)
		return err_set(e, WHY_SYSTEM, "the other workers are gone");
	return 0;
}

int crew_gather(struct crew *c, struct err *e)
{
	char ready;

	for (unsigned i = 0; i < c->n; i++) {
		struct pollfd p = {.fd = c->fd[i], .events = POLLIN};
		int got = poll(&p, 1, CREW_WAIT_S * 1000);
		if (got == 0)
			return err_set(e, WHY_SYSTEM, "a worker did not get there in %d seconds", CREW_WAIT_S);
		if (got < 0 || read(c->fd[i], &ready, 1) != 1)
			return err_set(e, WHY_SYSTEM, "a worker failed");
	}
	return 0;
}

void crew_release(struct crew *c)
{
	for (unsigned i = 0; i < c->n; i++)
		(void)send(c->fd[i], "g", 1, MSG_NOSIGNAL);
}

int crew_end(struct crew *c, struct err *e)
{
	unsigned bad = 0;
	int status;

	for (unsigned i = 0; i < c->n; i++)
		close(c->fd[i]); /* whoever still waits for a release waits in vain, and ends */
	for (unsigned i = 0; i < c->n; i++)
		bad += waitpid(c->pid[i], &status, 0) != c->pid[i] || status != 0;
	return bad ? err_set(e, WHY_SYSTEM, "%u of %u workers failed", bad, c->n) : 0;
}
