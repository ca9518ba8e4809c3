/* Two pipes and a bounded table. A ticket names one wait of one slot: an answer that comes too late finds nobody. */
#include "federation/doorway.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/ring.h"
#include "keystore/keystore.h"

enum {
	FRAME = 4,           /* be32 length, as in ring.h */
	ASK_HEAD_MAX = 1024, /* of an ask, everything but its body */
	PIPE_WANTED = 1024 * 1024
};

struct slot {
	struct forward *f;
	uint64_t ticket;            /* 0: free */
	struct evhttp_request *req; /* kept by us until answered */
	struct slot *next;          /* free list */
};

struct forward {
	struct bufferevent *in, *out;
	void (*ended)(void *arg, bool fault);
	void *arg;
	uint64_t last; /* ticket */
	unsigned n;
	bool stopping;
	struct slot *free;
	struct slot slot[];
};

static struct evhttp_request *release(struct slot *s)
{
	struct evhttp_request *req = s->req;

	s->ticket = 0;
	s->req = NULL;
	s->next = s->f->free;
	s->f->free = s;
	return req;
}

static void on_late(void *arg)
{
	struct slot *s = arg;
	struct err e;

	err_set(&e, WHY_SYSTEM, "the authority did not decide in time");
	err_hint(&e, "ask again");
	reply_refuse(release(s), 0, &e);
}

static void deliver(struct forward *f, const struct answer *a)
{
	struct slot *s = &f->slot[a->ticket % f->n];

	if (s->ticket != a->ticket)
		return; /* its deadline passed */
	reply_json(release(s), why_http(a->why), a->body);
}

static void end(struct forward *f, bool fault, const char *what)
{
	struct err e;

	if (fault)
		log_warn("%s", what);
	else
		log_info("%s", what);
	bufferevent_disable(f->in, EV_READ);
	err_set(&e, WHY_SYSTEM, "the authority is restarting");
	err_hint(&e, "ask again");
	for (unsigned i = 0; i < f->n; i++)
		if (f->slot[i].ticket)
			reply_refuse(release(&f->slot[i]), 0, &e);
	if (f->ended)
		f->ended(f->arg, fault);
	f->ended = NULL;
}

/* One whole answer off the front of the buffer: 1; none yet: 0; -1 when the bytes are not ours. */
static int next_answer(struct forward *f, struct evbuffer *b)
{
	uint8_t head[FRAME];
	struct answer a;
	struct err e;

	if (evbuffer_copyout(b, head, sizeof head) < FRAME)
		return 0;
	struct rd r = rd_of(VIEW_OF(head));
	size_t n = rd_be32(&r);
	if (n > RING_MAX)
		return -1;
	if (evbuffer_get_length(b) < FRAME + n)
		return 0;
	const uint8_t *p = evbuffer_pullup(b, (ev_ssize_t)(FRAME + n));
	if (!p || answer_read(VIEW(p + FRAME, n), &a, &e) != 0)
		return -1;
	deliver(f, &a);
	evbuffer_drain(b, FRAME + n);
	return 1;
}

static void on_answers(struct bufferevent *bev, void *arg)
{
	int more;

	do
		more = next_answer(arg, bufferevent_get_input(bev));
	while (more > 0);
	if (more < 0)
		end(arg, true, "the keeper sent something that is not an answer");
}

static void on_in_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	end(arg, !(what & BEV_EVENT_EOF), "there are no more answers");
}

static void on_out_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	(void)what;
	end(arg, true, "the judge is gone");
}

/* All asks are written: closing our end is how the judge learns that there are no more. */
static void on_written(struct bufferevent *bev, void *arg)
{
	struct forward *f = arg;

	if (!f->stopping || !f->out || evbuffer_get_length(bufferevent_get_output(bev)) > 0)
		return;
	bufferevent_free(f->out);
	f->out = NULL;
}

/* A whole message in one turn of the loop, not 16 KiB of it. */
static struct bufferevent *pipe_end(struct event_base *base, int fd)
{
	(void)fcntl(fd, F_SETPIPE_SZ, PIPE_WANTED); /* the default will do too */
	if (evutil_make_socket_nonblocking(fd) != 0)
		return NULL;
	struct bufferevent *bev = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (bev && (bufferevent_set_max_single_read(bev, RING_MAX) != 0 ||
	                   bufferevent_set_max_single_write(bev, RING_MAX) != 0)) {
		bufferevent_free(bev);
		return NULL;
	}
	return bev;
}

struct forward *forward_new(struct event_base *base, int in, int out, unsigned waiting_max,
        void (*ended)(void *arg, bool fault), void *arg, struct err *e)
{
	struct forward *f = calloc(1, sizeof *f + waiting_max * sizeof f->slot[0]);

	if (!f || !(f->in = pipe_end(base, in)) || !(f->out = pipe_end(base, out))) {
		err_set(e, WHY_SYSTEM, "cannot watch the pipes to the judge and from the keeper");
		forward_free(f);
		return NULL;
	}
	f->ended = ended;
	f->arg = arg;
	f->n = waiting_max;
	for (unsigned i = waiting_max; i-- > 0;) {
		f->slot[i].f = f;
		f->slot[i].next = f->free;
		f->free = &f->slot[i];
	}
	bufferevent_setcb(f->in, on_answers, NULL, on_in_event, f);
	bufferevent_setwatermark(f->in, EV_READ, 0, RING_MAX + FRAME);
	bufferevent_setcb(f->out, NULL, on_written, on_out_event, f);
	bufferevent_disable(f->out, EV_READ);
	if (bufferevent_enable(f->in, EV_READ) == 0 && bufferevent_enable(f->out, EV_WRITE) == 0)
		return f;
	err_set(e, WHY_SYSTEM, "cannot wait for the pipes");
	forward_free(f);
	return NULL;
}

void forward_free(struct forward *f)
{
	if (!f)
		return;
	if (f->in)
		bufferevent_free(f->in);
	if (f->out)
		bufferevent_free(f->out);
	free(f);
}

/* Straight into the pipe's buffer: a body is copied once. */
static int append(struct evbuffer *b, const struct ask *a)
{
	struct evbuffer_iovec v;
	size_t room = FRAME + ASK_HEAD_MAX + a->body.n;

	if (evbuffer_get_length(b) + room > FORWARD_BACKLOG_MAX ||
	        evbuffer_reserve_space(b, (ev_ssize_t)room, &v, 1) < 1)
		return -1;
	struct wr w = wr_to((uint8_t *)v.iov_base + FRAME, v.iov_len - FRAME);
	if (ask_write(&w, a) != 0 || w.n > RING_MAX)
		return -1;
	struct wr frame = wr_to(v.iov_base, FRAME);
	wr_be32(&frame, (uint32_t)w.n);
	v.iov_len = FRAME + w.n;
	return evbuffer_commit_space(b, &v, 1);
}

int forward_ask(struct forward *f, struct evhttp_request *req, const struct ask *a, struct err *e)
{
	struct conn *c = conn_of(req);
	struct slot *s = f->free;
	struct ask sent = *a;

	if (f->stopping || !f->out)
		return err_set(e, WHY_SYSTEM, "the authority is stopping");
	if (!c || !s)
		return err_set(e, WHY_SYSTEM, "the authority is busy: too many requests wait for their answers");
	sent.ticket = (f->last / f->n + 1) * f->n + (uint64_t)(s - f->slot);
	if (append(bufferevent_get_output(f->out), &sent) != 0)
		return err_set(e, WHY_SYSTEM, "the authority is busy: the judge is behind");
	f->last = sent.ticket;
	f->free = s->next;
	s->ticket = sent.ticket;
	s->req = req;
	conn_wait(c, on_late, s);
	return 0;
}

void forward_stop(struct forward *f)
{
	f->stopping = true;
	if (f->out)
		on_written(f->out, f);
}
