/* The agent's end of the quoter: starts it, asks it one thing at a time, and stops it. */
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

#include "attest/quoterwire.h"
#include "base/file.h"
#include "keystore/keystore.h"

enum {
	ANSWER_MS = 60 * 1000, /* a slow TPM makes a key in seconds, and another process may hold it meanwhile */
	FOREVER = -1,          /* a dataset takes as long as it takes */
	STOP_MS = 2000,
};

struct quoter {
	int fd; /* -1 after the first failure: the two are out of step then */
	pid_t pid;
};

struct reply { /* the body behind its reason */
	uint8_t *bytes;
	struct view v;
};

static void reply_free(struct reply r)
{
	free(r.bytes);
}
AUTO_DEFINE(struct reply, reply_free)

static int broken(struct quoter *q, struct err *e, const char *what)
{
	fd_close(q->fd);
	q->fd = -1;
	return err_set(e, WHY_SYSTEM, "the quoter %s", what);
}

static int send_all(int fd, const uint8_t *p, size_t n)
{
	for (size_t at = 0; at < n;) {
		ssize_t put = send(fd, p + at, n - at, MSG_NOSIGNAL);
		if (put < 0 && errno != EINTR)
			return -1;
		at += put > 0 ? (size_t)put : 0;
	}
	return 0;
}

static int request_send(struct quoter *q, struct view request)
{
	uint8_t head[4];
	struct wr w = wr_to(head, sizeof(head));
	wr_be32(&w, (uint32_t)request.n);
	return send_all(q->fd, head, sizeof(head)) == 0 ? send_all(q->fd, request.p, request.n) : -1;
}

static int wait_readable(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int n;
	do
		n = poll(&p, 1, ms);
	while (n < 0 && errno == EINTR);
	return n;
}

static int refusal(struct quoter *q, struct rd *r, uint8_t why, struct err *e)
{
	char text[ERR_TEXT_MAX], hint[ERR_HINT_MAX];
	rd_text16(r, text, sizeof(text));
	rd_text16(r, hint, sizeof(hint));
	if (!rd_end(r) || why >= WHY_COUNT)
		return broken(q, e, "gave an answer that can not be read");
	err_set(e, (enum why)why, "%s", text);
	return hint[0] ? err_hint(e, "%s", hint) : -1;
}

static int reply_take(struct quoter *q, int ms, struct reply *out, struct err *e)
{
	AUTO(reply_free) struct reply got = {0};
	uint8_t head[4];
	if (wait_readable(q->fd, ms) == 0)
		return broken(q, e, "does not answer");
	if (fd_read_all(q->fd, head, sizeof(head)) != 1)
		return broken(q, e, "has ended");
	struct rd h = rd_of(VIEW_OF(head));
	size_t n = rd_upto(&h, rd_be32(&h), QUOTER_REPLY_MAX);
	if (!rd_end(&h) || n == 0)
		return broken(q, e, "gave an answer that can not be read");
	got.bytes = malloc(n);
	if (!got.bytes || fd_read_all(q->fd, got.bytes, n) != 1)
		return broken(q, e, "has ended in the middle of an answer");
	struct rd r = rd_of(VIEW(got.bytes, n));
	uint8_t why = rd_u8(&r);
	if (why != WHY_NONE)
		return refusal(q, &r, why, e);
	got.v = rd_view(&r, n - 1);
	*out = got;
	got.bytes = NULL;
	return 0;
}

static int ask(struct quoter *q, const struct wr *request, int ms, struct reply *out, struct err *e)
{
	if (q->fd < 0)
		return err_set(e, WHY_SYSTEM, "the quoter has ended");
	if (!wr_ok(request))
		return err_set(e, WHY_MALFORMED, "the request to the quoter is too large");
	if (request_send(q, wr_done(request)) != 0)
		return broken(q, e, "has ended");
	return reply_take(q, ms, out, e);
}

static _Noreturn void become(const char *program, int socket, char *const argv[])
{
	char *const environment[] = {NULL};
	/* dup2 onto itself would leave the descriptor closed at exec. */
	int high = socket == QUOTER_SOCKET ? dup(socket) : socket;
	if (high >= 0 && dup2(high, QUOTER_SOCKET) == QUOTER_SOCKET && close_range(QUOTER_SOCKET + 1, ~0U, 0) == 0)
		execve(program, argv, environment);
	_exit(3);
}

static int spawn(struct quoter *q, const char *program, char *const argv[], struct err *e)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return err_sys(e, "cannot start the quoter");
	q->pid = fork();
	if (q->pid == 0)
		become(program, pair[1], argv);
	fd_close(pair[1]);
	q->fd = pair[0];
	return q->pid > 0 ? 0 : err_sys(e, "cannot start the quoter");
}

struct quoter *quoter_start(const char *libexec_dir, const char *state_dir, const char *tcti, const char *eventlog,
        const char *ima, struct err *e)
{
	char program[PATH_MAX];
	AUTO(quoter_stop) struct quoter *q = calloc(1, sizeof(*q));
	AUTO(reply_free) struct reply ready = {0};
	char *argv[] = {"merestone-quoter", "--state", (char *)state_dir, "--tcti", (char *)tcti, "--eventlog",
	        (char *)eventlog, "--ima", (char *)ima, NULL};
	int n = snprintf(program, sizeof(program), "%s/quoter", libexec_dir);
	if (!q || n < 0 || (size_t)n >= sizeof(program))
		return err_set(e, WHY_SYSTEM, "cannot start the quoter in %s", libexec_dir), NULL;
	q->fd = -1;
	if (access(program, X_OK) != 0)
		return err_sys(e, "cannot start %s", program), NULL;
	if (spawn(q, program, argv, e) != 0 || reply_take(q, ANSWER_MS, &ready, e) != 0)
		return NULL;
	return TAKE(q);
}

struct quoter *quoter_attach(int fd, struct err *e)
{
	AUTO(quoter_stop) struct quoter *q = calloc(1, sizeof(*q));
	AUTO(reply_free) struct reply ready = {0};
	if (!q)
		return err_set(e, WHY_SYSTEM, "no memory for the quoter"), NULL;
	q->fd = fd;
	return reply_take(q, ANSWER_MS, &ready, e) == 0 ? TAKE(q) : NULL;
}

void quoter_stop(struct quoter *q)
{
	if (!q)
		return;
	fd_close(q->fd); /* the quoter ends when its socket does */
	const struct timespec step = {.tv_nsec = 5 * 1000 * 1000};
	int ms = q->pid > 0 ? 0 : STOP_MS;
	for (; ms < STOP_MS && waitpid(q->pid, NULL, WNOHANG) == 0; ms += 5)
		(void)nanosleep(&step, NULL);
	if (q->pid > 0 && ms >= STOP_MS) {
		(void)kill(q->pid, SIGKILL);
		(void)waitpid(q->pid, NULL, 0);
	}
	free(q);
}

bool quoter_ended(const struct quoter *q)
{
	return q->fd < 0;
}

int quoter_status(struct quoter *q, struct quoter_status *out, struct err *e)
{
	uint8_t buf[1];
	AUTO(reply_free) struct reply reply = {0};
	struct wr w = wr_to(buf, sizeof(buf));
	wr_u8(&w, QUOTER_STATUS);
	if (ask(q, &w, ANSWER_MS, &reply, e) != 0)
		return -1;
	struct quoter_status s = {0};
	struct rd r = rd_of(reply.v);
	s.clock.clock_ms = rd_be64(&r);
	s.clock.reset_count = rd_be32(&r);
	s.clock.restart_count = rd_be32(&r);
	s.clock.safe = rd_upto(&r, rd_u8(&r), 1) == 1;
	rd_copy(&r, s.id, sizeof(s.id));
	rd_copy(&r, s.eventlog, sizeof(s.eventlog));
	s.has_ima = rd_upto(&r, rd_u8(&r), 1) == 1;
	if (!rd_end(&r))
		return broken(q, e, "gave an answer that can not be read");
	*out = s;
	return 0;
}

/* The container is the whole reply; it is moved to the front of its own memory. */
static void container_take(struct reply *reply, uint8_t **container, size_t *n)
{
	memmove(reply->bytes, reply->v.p, reply->v.n);
	*n = reply->v.n;
	*container = TAKE(reply->bytes);
}

int quoter_keys(struct quoter *q, struct view claims, uint8_t **container, size_t *n, struct err *e)
{
	uint8_t buf[QUOTER_REQUEST_MAX];
	AUTO(reply_free) struct reply reply = {0};
	struct wr w = wr_to(buf, sizeof(buf));
	wr_u8(&w, QUOTER_KEYS);
	wr_view32(&w, claims);
	if (ask(q, &w, ANSWER_MS, &reply, e) != 0)
		return -1;
	container_take(&reply, container, n);
	return 0;
}

int quoter_evidence(struct quoter *q, unsigned flags, const uint8_t nonce[NONCE_LEN], uint64_t ima_at, uint64_t counter,
        struct view claims, struct view tag, struct view bounds, uint8_t **container, size_t *n, struct err *e)
{
	uint8_t buf[QUOTER_REQUEST_MAX];
	AUTO(reply_free) struct reply reply = {0};
	struct wr w = wr_to(buf, sizeof(buf));
	wr_u8(&w, QUOTER_EVIDENCE);
	wr_u8(&w, (uint8_t)flags);
	wr_bytes(&w, nonce, NONCE_LEN);
	wr_be64(&w, ima_at);
	wr_be64(&w, counter);
	wr_view32(&w, claims);
	wr_view16(&w, tag);
	wr_view16(&w, bounds);
	if (ask(q, &w, ANSWER_MS, &reply, e) != 0)
		return -1;
	container_take(&reply, container, n);
	return 0;
}

/* A reply of exactly n bytes. */
static int exactly(struct quoter *q, const struct reply *reply, void *out, size_t n, struct err *e)
{
	if (reply->v.n != n)
		return broken(q, e, "gave an answer that can not be read");
	memcpy(out, reply->v.p, n);
	return 0;
}

int quoter_activate(struct quoter *q, struct view blob, struct view secret, uint8_t nonce[NONCE_LEN], struct err *e)
{
	uint8_t buf[1024];
	AUTO(reply_free) struct reply reply = {0};
	struct wr w = wr_to(buf, sizeof(buf));
	wr_u8(&w, QUOTER_ACTIVATE);
	wr_view16(&w, blob);
	wr_view16(&w, secret);
	if (ask(q, &w, ANSWER_MS, &reply, e) != 0)
		return -1;
	return exactly(q, &reply, nonce, NONCE_LEN, e);
}

int quoter_sign(struct quoter *q, struct view content, uint8_t sig[ES256_SIG], struct err *e)
{
	uint8_t buf[1024];
	AUTO(reply_free) struct reply reply = {0};
	struct wr w = wr_to(buf, sizeof(buf));
	wr_u8(&w, QUOTER_SIGN);
	wr_view16(&w, content);
	if (ask(q, &w, ANSWER_MS, &reply, e) != 0)
		return -1;
	return exactly(q, &reply, sig, ES256_SIG, e);
}

int quoter_tag_request(struct quoter *q, struct quoter_tag *out, struct err *e)
{
	uint8_t buf[1];
	AUTO(reply_free) struct reply reply = {0};
	struct wr w = wr_to(buf, sizeof(buf));
	struct quoter_tag t = {0};
	wr_u8(&w, QUOTER_TAG_REQUEST);
	if (ask(q, &w, ANSWER_MS, &reply, e) != 0)
		return -1;
	struct rd r = rd_of(reply.v);
	rd_copy(&r, t.ek, sizeof(t.ek));
	rd_copy(&r, t.nonce, sizeof(t.nonce));
	t.nindex = rd_upto(&r, rd_be16(&r), sizeof(t.index));
	rd_copy(&r, t.index, t.nindex);
	if (!rd_end(&r))
		return broken(q, e, "gave an answer that can not be read");
	*out = t;
	return 0;
}

int quoter_tag_write(struct quoter *q, struct view tag, const uint8_t permission[ES256_SIG], struct err *e)
{
	uint8_t buf[1024];
	AUTO(reply_free) struct reply reply = {0};
	struct wr w = wr_to(buf, sizeof(buf));
	wr_u8(&w, QUOTER_TAG_WRITE);
	wr_view16(&w, tag);
	wr_bytes(&w, permission, ES256_SIG);
	return ask(q, &w, ANSWER_MS, &reply, e);
}

int quoter_end_leases(struct quoter *q, struct err *e)
{
	uint8_t buf[1];
	AUTO(reply_free) struct reply reply = {0};
	struct wr w = wr_to(buf, sizeof(buf));
	wr_u8(&w, QUOTER_END_LEASES);
	return ask(q, &w, ANSWER_MS, &reply, e);
}

static int send_descriptors(int socket, int in, int out)
{
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	char byte = 0;
	const int fds[2] = {in, out};
	struct iovec io = {.iov_base = &byte, .iov_len = 1};
	struct msghdr m = {
	        .msg_iov = &io, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(c), fds, sizeof(fds));
	return sendmsg(socket, &m, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

int quoter_stream(struct quoter *q, bool encrypt, int in, int out, const struct lease_use *use, struct err *e)
{
	uint8_t buf[4096], lease[2048];
	AUTO(reply_free) struct reply reply = {0};
	struct wr l = wr_to(lease, sizeof(lease)), w = wr_to(buf, sizeof(buf));
	if (lease_use_write(&l, use) != 0)
		return err_set(e, WHY_MALFORMED, "the lease for %s/%s is too large", use->domain, use->dataset);
	wr_u8(&w, encrypt ? QUOTER_ENCRYPT : QUOTER_DECRYPT);
	wr_view32(&w, wr_done(&l));
	if (q->fd < 0)
		return err_set(e, WHY_SYSTEM, "the quoter has ended");
	if (request_send(q, wr_done(&w)) != 0 || send_descriptors(q->fd, in, out) != 0)
		return broken(q, e, "has ended");
	return reply_take(q, FOREVER, &reply, e);
}
