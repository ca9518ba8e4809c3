#include "base/ring.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/rd.h"
#include "base/wr.h"

enum { PREFIX = RING_PREFIX, RING_START = 16 * 1024 };

void ring_open(struct ring_in *r, int fd)
{
	*r = (struct ring_in){.fd = fd};
}

void ring_close(struct ring_in *r)
{
	mem_wipe(r->buf, r->cap);
	free(r->buf);
	ring_open(r, -1);
}

static int wait_for(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	return poll(&p, 1, -1) < 0 && errno != EINTR ? -1 : 0;
}

/* Bytes of the first message with its prefix, or of the prefix while that is not there; 0: the prefix is refused. */
static size_t wanted(const struct ring_in *r)
{
	if (r->have - r->used < PREFIX)
		return PREFIX;
	struct rd in = rd_of(VIEW(r->buf + r->used, PREFIX));
	size_t n = (size_t)rd_upto(&in, rd_be32(&in), RING_MAX);
	return n > 0 ? n + PREFIX : 0;
}

/* Room for a message of n bytes, which then starts at the front. */
static int make_room(struct ring_in *r, size_t n)
{
	if (r->used > 0) {
		memmove(r->buf, r->buf + r->used, r->have - r->used);
		r->have -= r->used;
		r->used = 0;
	}
	if (n <= r->cap)
		return 0;
	size_t cap = r->cap * 2 > n ? r->cap * 2 : n;
	cap = cap < RING_START ? RING_START : cap > RING_MAX + PREFIX ? RING_MAX + PREFIX : cap;
	uint8_t *p = realloc(r->buf, cap);
	if (!p)
		return -1;
	r->buf = p;
	r->cap = cap;
	return 0;
}

/* One read of whatever is there. 1: something came, 0: the writer is gone, -1: errno. */
static int fill(struct ring_in *r, size_t need)
{
	if (r->cap - r->used < need && make_room(r, need) != 0)
		return -1;
	for (;;) {
		ssize_t got = read(r->fd, r->buf + r->have, r->cap - r->have);
		if (got >= 0) {
			r->have += (size_t)got;
			return got > 0;
		}
		if (errno == EAGAIN ? wait_for(r->fd, POLLIN) != 0 : errno != EINTR)
			return -1;
	}
}

int ring_read(struct ring_in *r, struct view *body, struct err *e)
{
	for (;;) {
		size_t need = wanted(r), left = r->have - r->used;
		if (need == 0)
			return err_set(e, WHY_MALFORMED, "a ring message has no bytes, or more than %d", RING_MAX);
		if (need > PREFIX && left >= need) {
			*body = VIEW(r->buf + r->used + PREFIX, need - PREFIX);
			r->used += need;
			return 1;
		}
		int got = fill(r, need);
		if (got < 0)
			return err_sys(e, "cannot read from the ring");
		if (got == 0 && left > 0)
			return err_set(e, WHY_MALFORMED, "the ring ended within a message");
		if (got == 0)
			return 0;
	}
}

/* A prefix that is refused is something to be read too. */
bool ring_has(const struct ring_in *r)
{
	size_t need = wanted(r);

	return need == 0 || (need > PREFIX && r->have - r->used >= need);
}

bool ring_ready(struct ring_in *r)
{
	struct pollfd p = {.fd = r->fd, .events = POLLIN};

	while (!ring_has(r))
		if (poll(&p, 1, 0) != 1 || !(p.revents & POLLIN) || fill(r, wanted(r)) != 1)
			return false;
	return true;
}

/* Drops what has been written from the front of both parts. */
static void advance(struct iovec v[2], size_t put)
{
	for (size_t i = 0; i < 2; i++) {
		size_t n = put < v[i].iov_len ? put : v[i].iov_len;
		v[i].iov_base = (uint8_t *)v[i].iov_base + n;
		v[i].iov_len -= n;
		put -= n;
	}
}

static int write_both(int fd, struct iovec v[2], struct err *e)
{
	while (v[0].iov_len + v[1].iov_len > 0) {
		ssize_t put = writev(fd, v, 2);
		if (put >= 0)
			advance(v, (size_t)put);
		else if (errno == EAGAIN ? wait_for(fd, POLLOUT) != 0 : errno != EINTR)
			return err_sys(e, "cannot write to the ring");
	}
	return 0;
}

int ring_write(int fd, struct view body, struct err *e)
{
	uint8_t prefix[PREFIX];
	struct iovec v[2] = {{prefix, sizeof prefix}, {(void *)(uintptr_t)body.p, body.n}};

	if (body.n == 0 || body.n > RING_MAX)
		return err_set(e, WHY_SYSTEM, "a ring message of %zu bytes cannot be sent", body.n);
	ring_frame(prefix, body.n);
	return write_both(fd, v, e);
}

int ring_flush(int fd, struct view frames, struct err *e)
{
	struct iovec v[2] = {{(void *)(uintptr_t)frames.p, frames.n}, {0}};

	return write_both(fd, v, e);
}

void ring_frame(uint8_t *p, size_t n)
{
	struct wr w = wr_to(p, PREFIX);

	wr_be32(&w, (uint32_t)n);
}
