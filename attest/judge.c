/* judge: asks on descriptor 3 become facts on descriptor 4. This process reads nothing but the head of an ask; workers
 * meet the rest, and one that dies of it is a refusal. merestone-judge is started by merestoned, in its own directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attest/ask.h"
#include "attest/judgeworker.h"
#include "base/file.h"
#include "base/log.h"
#include "base/ring.h"
#include "base/sandbox.h"

enum {
	WORKERS_MAX = 64,
	CASE_MS = 10 * 1000,    /* the costliest honest case takes some 30 ms */
	KEEP_BYTES = 64 * 1024, /* larger buffers go back when their case is done */
	USUAL = 16 * 1024,      /* facts are seldom more */
	BAD_STARTS_MAX = 16,    /* workers that die with no case in their hands, in a row: something is wrong with us */
	PREFIX = 4,
};

struct bytes {
	uint8_t *p;
	size_t n, cap, at; /* n: of the message, once it is known; at: already written or read */
};

struct slot { /* one worker and the case it has */
	pid_t pid;
	int to, from;
	bool busy;
	int64_t deadline_ms;
	struct ask ask;             /* the head; its body is not kept */
	uint8_t head[ASK_HEAD_MAX]; /* what its facts must begin with; the digest behind is ours */
	size_t nhead;
	uint8_t digest[SHA_LEN];
	struct bytes out, in; /* with the ring's length in front */
};

struct judge {
	struct slot slot[WORKERS_MAX];
	size_t workers;
	bool fork_each, ended;
	unsigned bad_starts;
	struct ring_in asks;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int reserve(struct bytes *b, size_t n, struct err *e)
{
	if (n > b->cap) {
		uint8_t *p = realloc(b->p, n);
		if (!p)
			return err_set(e, WHY_SYSTEM, "no memory for a message of %zu bytes", n);
		b->p = p;
		b->cap = n;
	}
	b->n = n;
	return 0;
}

static void release(struct bytes *b)
{
	if (b->cap > KEEP_BYTES) {
		free(b->p);
		*b = (struct bytes){0};
	}
	b->n = b->at = 0;
}

/* ---- Workers ---- */

static int run_child(struct judge *j, int in, int out)
{
	for (size_t i = 0; i < j->workers; i++) {
		fd_close(j->slot[i].to);
		fd_close(j->slot[i].from);
	}
	fd_close(RING_IN);
	fd_close(RING_OUT);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* one that no longer listens must not outlive us */
	return judgeworker_run(in, out);
}

static int start(struct judge *j, struct slot *s, struct err *e)
{
	int to[2], from[2];

	if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0)
		return err_sys(e, "cannot make a worker's pipes");
	pid_t pid = fork();
	if (pid < 0)
		return err_sys(e, "cannot start a worker");
	if (pid == 0) {
		close(to[1]);
		close(from[0]);
		_exit(run_child(j, to[0], from[1]));
	}
	close(to[0]);
	close(from[1]);
	s->pid = pid;
	s->to = to[1];
	s->from = from[0];
	if (fcntl(s->to, F_SETFL, O_NONBLOCK) != 0 || fcntl(s->from, F_SETFL, O_NONBLOCK) != 0)
		return err_sys(e, "cannot set up a worker's pipes");
	return 0;
}

static void stop(struct slot *s)
{
	fd_close(s->to);
	fd_close(s->from);
	s->to = s->from = -1;
	kill(s->pid, SIGKILL);
	while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
		;
	s->pid = 0;
	s->busy = false;
	release(&s->out);
	release(&s->in);
}

static int restart(struct judge *j, struct slot *s, struct err *e)
{
	stop(s);
	return start(j, s, e);
}

/* The answer of a case that cannot answer for itself. */
static int refuse(struct judge *j, struct slot *s, const char *sentence, struct err *e)
{
	static struct facts f;
	uint8_t message[ASK_HEAD_MAX + SHA_LEN + 1 + 3 * 2 + ERR_TEXT_MAX + ERR_HINT_MAX + NAME_CAP];
	struct wr w = wr_to(message, sizeof message);

	f = (struct facts){.ticket = s->ask.ticket, .kind = s->ask.kind, .role = s->ask.role};
	memcpy(f.peer, s->ask.peer, NAME_CAP);
	memcpy(f.ask_digest, s->digest, SHA_LEN);
	err_set(&f.refusal, WHY_MALFORMED, "%s", sentence);
	log_warn("%s (%s from \"%s\")", sentence, ask_kind_name(f.kind), f.peer);
	facts_write(&w, &f);
	if (ring_write(RING_OUT, wr_done(&w), e) != 0)
		return -1;
	return restart(j, s, e);
}

/* A worker with no case has no reason to end. */
static int died(struct judge *j, struct slot *s, struct err *e)
{
	if (s->busy)
		return refuse(j, s, "evidence killed its judge", e);
	if (++j->bad_starts > BAD_STARTS_MAX)
		return err_set(e, WHY_SYSTEM, "workers keep dying with no case in their hands");
	return restart(j, s, e);
}

/* ---- One case ---- */

/* A dead worker shows on the other pipe. */
static void send_some(struct slot *s)
{
	ssize_t put = write(s->to, s->out.p + s->out.at, s->out.n - s->out.at);

	if (put > 0)
		s->out.at += (size_t)put;
}

static int give(struct slot *s, struct view message, struct err *e)
{
	struct wr head = wr_to(s->head, sizeof s->head);

	if (ask_read(message, &s->ask, e) != 0)
		return err_in(e, "the door");
	sha256(s->digest, s->ask.body);
	ask_head_write(&head, &s->ask);
	s->nhead = wr_done(&head).n;
	if (reserve(&s->out, PREFIX + message.n, e) != 0)
		return -1;
	struct wr w = wr_to(s->out.p, s->out.n);
	wr_view32(&w, message);
	s->ask.body = (struct view){0};
	s->deadline_ms = now_ms() + CASE_MS;
	s->busy = true;
	send_some(s);
	return 0;
}

/* The facts are this case's and say so, whatever became of the worker, and the record names what came in, not what the
 * worker says of it. Behind that is the reason of a refusal. */
static int finish(struct judge *j, struct slot *s, struct err *e)
{
	uint8_t *facts = s->in.p + PREFIX, *digest = facts + s->nhead;
	size_t n = s->in.n - PREFIX;

	if (n <= s->nhead + SHA_LEN || memcmp(facts, s->head, s->nhead) != 0)
		return refuse(j, s, "evidence killed its judge", e);
	memcpy(digest, s->digest, SHA_LEN);
	bool malformed = digest[SHA_LEN] == WHY_MALFORMED;
	if (ring_write(RING_OUT, VIEW(facts, n), e) != 0)
		return -1;
	j->bad_starts = 0;
	s->busy = false;
	release(&s->out);
	release(&s->in);
	return malformed || j->fork_each ? restart(j, s, e) : 0;
}

/* The length of what comes, once it is there: 1; a length that cannot be: 0. */
static int measure(struct slot *s, struct err *e)
{
	struct rd r = rd_of(VIEW(s->in.p, PREFIX));
	size_t n = (size_t)rd_upto(&r, rd_be32(&r), RING_MAX);

	return n == 0 ? 0 : reserve(&s->in, PREFIX + n, e) != 0 ? -1 : 1;
}

/* One message and no more: a worker has one case. */
static int receive_some(struct judge *j, struct slot *s, struct err *e)
{
	struct bytes *b = &s->in;

	if (b->cap == 0 && reserve(b, USUAL, e) != 0)
		return -1;
	ssize_t got = read(s->from, b->p + b->at, b->cap - b->at);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got <= 0 || !s->busy)
		return died(j, s, e);
	b->at += (size_t)got;
	if (b->at < PREFIX)
		return 0;
	int known = measure(s, e);
	if (known < 0)
		return -1;
	if (!known || b->at > b->n)
		return died(j, s, e);
	return b->at == b->n ? finish(j, s, e) : 0;
}

/* ---- The loop ---- */

static struct slot *idle(struct judge *j)
{
	for (size_t i = 0; i < j->workers; i++)
		if (!j->slot[i].busy)
			return &j->slot[i];
	return NULL;
}

static bool all_idle(const struct judge *j)
{
	for (size_t i = 0; i < j->workers; i++)
		if (j->slot[i].busy)
			return false;
	return true;
}

/* Takes messages for as long as somebody is free to have them. */
static int take_asks(struct judge *j, struct err *e)
{
	struct view message;
	struct slot *s;

	while (!j->ended && (s = idle(j)) && ring_ready(&j->asks)) {
		int got = ring_read(&j->asks, &message, e);
		if (got < 0 || (got > 0 && give(s, message, e) != 0))
			return -1;
		j->ended = got == 0;
	}
	return 0;
}

static int wait_ms(const struct judge *j)
{
	int64_t now = now_ms(), first = INT64_MAX;

	for (size_t i = 0; i < j->workers; i++)
		if (j->slot[i].busy && j->slot[i].deadline_ms < first)
			first = j->slot[i].deadline_ms;
	return first == INT64_MAX ? -1 : first > now ? (int)(first - now) : 0;
}

static int serve_slot(struct judge *j, struct slot *s, short in, short out, struct err *e)
{
	if (out)
		send_some(s);
	if (in && receive_some(j, s, e) != 0)
		return -1;
	if (s->busy && now_ms() >= s->deadline_ms)
		return refuse(j, s, "evidence outlasted its judge", e);
	return 0;
}

static int turn(struct judge *j, struct err *e)
{
	struct pollfd p[1 + 2 * WORKERS_MAX];

	p[0] = (struct pollfd){.fd = idle(j) && !j->ended ? RING_IN : -1, .events = POLLIN};
	for (size_t i = 0; i < j->workers; i++) {
		const struct slot *s = &j->slot[i];
		p[1 + 2 * i] = (struct pollfd){.fd = s->from, .events = POLLIN};
		p[2 + 2 * i] = (struct pollfd){.fd = s->busy && s->out.at < s->out.n ? s->to : -1, .events = POLLOUT};
	}
	if (poll(p, 1 + 2 * j->workers, wait_ms(j)) < 0 && errno != EINTR)
		return err_sys(e, "cannot wait");
	if (p[0].revents & POLLHUP && !(p[0].revents & POLLIN))
		j->ended = true;
	for (size_t i = 0; i < j->workers; i++)
		if (serve_slot(j, &j->slot[i], p[1 + 2 * i].revents, p[2 + 2 * i].revents, e) != 0)
			return -1;
	return take_asks(j, e);
}

/* It makes processes, gives them messages and ends them. Opening, connecting and executing are over; seccomp and prctl
 * are there for the narrower filter that each worker puts on. */
static const char *const supervisor_calls[] = {"read", "write", "writev", "poll", "close", "pipe2", "fcntl", "clone",
        "clone3", "set_robust_list", "rt_sigprocmask", "wait4", "kill", "seccomp", "prctl", "brk", "mmap", "munmap",
        "mremap", "madvise", "futex", "getpid", "gettid", "getrandom", "clock_gettime", NULL};

static int judge_run(struct judge *j, struct err *e)
{
	bool enforced;

	if (sandbox_files(-1, &enforced, e) != 0 || sandbox_calls(supervisor_calls, e) != 0)
		return -1;
	ring_open(&j->asks, RING_IN);
	for (size_t i = 0; i < j->workers; i++)
		if (start(j, &j->slot[i], e) != 0)
			return -1;
	while (!j->ended || !all_idle(j))
		if (turn(j, e) != 0)
			return -1;
	for (size_t i = 0; i < j->workers; i++)
		stop(&j->slot[i]);
	return 0;
}

/* ---- Start ---- */

static bool parse_args(struct judge *j, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--fork") == 0) {
			j->fork_each = true;
		} else if (strcmp(argv[i], "--workers") == 0 && i + 1 < argc) {
			char *end;
			unsigned long n = strtoul(argv[++i], &end, 10);
			if (*end != '\0' || n < 1 || n > WORKERS_MAX)
				return false;
			j->workers = n;
		} else {
			return false;
		}
	}
	return j->workers > 0;
}

int main(int argc, char **argv)
{
	static struct judge j;
	struct err e;

	log_name("merestone-judge");
	for (size_t i = 0; i < WORKERS_MAX; i++)
		j.slot[i].to = j.slot[i].from = -1;
	if (!parse_args(&j, argc, argv)) {
		log_warn("usage: judge --workers N [--fork], N from 1 to %d; merestoned starts it", WORKERS_MAX);
		return 2;
	}
	if (sandbox_early(&e) != 0 || judgeworker_warm(&e) != 0 || judge_run(&j, &e) != 0) {
		log_err(&e);
		return 3;
	}
	return 0;
}
