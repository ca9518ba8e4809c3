/* prover: answers the landmarks that measure how far this machine is, under a key that it makes when it starts. The agent
 * that started it is its only client. It is not the locator: what reads a receiver's text holds no key. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "attest/landmark.h"
#include "base/log.h"
#include "base/sandbox.h"

struct prover {
	struct es256 *own;
	int v4, v6; /* -1: this machine has no such network */
	size_t n;
	struct prove measure[BOUNDS_MAX];
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- The network ---- */

/* What cannot be sent is lost, as on the way. */
static void send_last(const struct prover *p, const struct prove *m)
{
	struct sockaddr_storage to;
	socklen_t n = endpoint_sockaddr(&m->target.at, &to);

	(void)sendto(endpoint_is_v4(&m->target.at) ? p->v4 : p->v6, m->last, m->nlast, MSG_DONTWAIT,
	        (const struct sockaddr *)&to, n);
}

static void take(struct prover *p, int fd)
{
	uint8_t buf[BOUNDMSG_MAX];
	struct sockaddr_storage from = {0};
	socklen_t len = sizeof from;
	struct endpoint at;
	ssize_t n = recvfrom(fd, buf, sizeof buf, MSG_DONTWAIT, (struct sockaddr *)&from, &len);

	if (n <= 0 || !endpoint_of(&from, &at))
		return;
	for (size_t i = 0; i < p->n; i++)
		if (endpoint_equal(&at, &p->measure[i].target.at) && prove_take(&p->measure[i], VIEW(buf, (size_t)n)))
			send_last(p, &p->measure[i]);
}

static bool all_done(const struct prover *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (!p->measure[i].done)
			return false;
	return true;
}

static void resend(const struct prover *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (!p->measure[i].done)
			send_last(p, &p->measure[i]);
}

static void measure(struct prover *p)
{
	int64_t end = now_ms() + PROVE_MS, next = 0, now;

	while (!all_done(p) && (now = now_ms()) < end) {
		struct pollfd fds[] = {{.fd = p->v4, .events = POLLIN}, {.fd = p->v6, .events = POLLIN}};
		if (now >= next) {
			resend(p);
			next = now + PROVE_RESEND_MS;
		}
		if (poll(fds, COUNT(fds), (int)(next - now)) < 0 && errno != EINTR)
			return;
		for (size_t i = 0; i < COUNT(fds); i++)
			if (fds[i].revents)
				take(p, fds[i].fd);
	}
}

/* ---- The agent ---- */

static bool read_target(struct rd *r, struct prove_target *t)
{
	rd_text16(r, t->name, sizeof t->name);
	rd_copy(r, t->key, sizeof t->key);
	rd_copy(r, t->at.ip, sizeof t->at.ip);
	t->at.port = rd_be16(r);
	return rd_ok(r) && name_ok(t->name);
}

static bool read_request(struct prover *p, struct view v)
{
	struct rd r = rd_of(v);
	struct view context = rd_view(&r, SHA_LEN);
	size_t n = (size_t)rd_upto(&r, rd_u8(&r), BOUNDS_MAX);

	for (p->n = 0; p->n < n; p->n++) {
		struct prove_target t = {0};
		if (!read_target(&r, &t))
			return false;
		prove_open(&p->measure[p->n], &t, p->own, context.p);
	}
	return rd_end(&r);
}

static bool reply(struct prover *p)
{
	uint8_t buf[BOUNDS_PART_MAX];
	struct wr w = wr_to(buf, sizeof buf);

	wr_bytes(&w, p->own->pub, ES256_PUB);
	for (size_t i = 0; i < p->n; i++) {
		if (p->measure[i].done)
			wr_view16(&w, VIEW(p->measure[i].statement, p->measure[i].nstatement));
		prove_close(&p->measure[i]);
	}
	p->n = 0;
	return send(PROVER_SOCKET, buf, wr_done(&w).n, MSG_NOSIGNAL) == (ssize_t)wr_done(&w).n;
}

static int serve(struct prover *p)
{
	uint8_t buf[PROVER_REQUEST_MAX];
	ssize_t n;

	while ((n = recv(PROVER_SOCKET, buf, sizeof buf, 0)) > 0) {
		if (!read_request(p, VIEW(buf, (size_t)n)))
			return 3;
		measure(p);
		if (!reply(p))
			return 3;
	}
	return 0;
}

/* ---- Start ---- */

/* Everything that opens a file or loads a library, before the sandbox: also what the first ECDH and the first check of a
 * signature would. */
static int prepare(struct prover *p, struct err *e)
{
	AUTO(es256_free) struct es256 *other = NULL;
	uint8_t key[SHA_LEN], sig[ES256_SIG], value[BOUND_CHALLENGE_LEN] = {0};

	sha_init();
	p->own = es256_generate(e);
	other = p->own ? es256_generate(e) : NULL;
	if (!other || bound_key(p->own, p->own->pub, other->pub, key, key, e) != 0)
		return -1;
	bound_answer(value, key, 0, value);
	if (es256_sign(other, VIEW_OF(value), sig, e) != 0)
		return -1;
	sha256(key, VIEW_OF(value));
	if (es256_verify_pub(other->pub, key, sig, e) != 0)
		return -1;
	p->v4 = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	p->v6 = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return p->v4 < 0 && p->v6 < 0 ? err_sys(e, "cannot open a UDP socket") : 0;
}

/* The powers of serve(): two sockets that are open, the agent's, memory and time. */
static const char *const powers[] = {"brk", "clock_gettime", "close", "futex", "getpid", "getrandom", "madvise", "mmap",
        "mremap", "munmap", "poll", "recvfrom", "sendto", NULL};

int main(void)
{
	static struct prover p;
	struct err e = {0};
	bool enforced;

	log_name("merestone-prover");
	if (sandbox_early(&e) == 0 && prepare(&p, &e) == 0 && sandbox_files(-1, &enforced, &e) == 0 &&
	        sandbox_calls(powers, &e) == 0 && send(PROVER_SOCKET, "ready", 5, MSG_NOSIGNAL) == 5)
		return serve(&p);
	log_err(&e);
	return 3;
}
