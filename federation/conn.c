/* One timer per connection, armed once per phase. It never frees what is evhttp's: it shuts the socket, evhttp meets
 * the end and frees by its own path, and this state dies with the SSL object, in the call that closes the descriptor.
 */
#include "federation/doorway.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum phase { P_NEW, P_HANDSHAKE, P_IDLE, P_HEADER, P_BODY, P_ANSWER, P_DRAIN, P_CUT };

/* What a peer with a certificate may exceed a body limit by, so that it gets our sentence and not evhttp's page. */
enum { BODY_SLACK = 64 * 1024 };

struct conn {
	struct conns *cs;
	struct conn *next, *prev;
	SSL *ssl;
	struct bufferevent *bev;
	struct event *timer;
	enum phase phase;
	bool big;
	struct peer peer; /* as of the handshake */
	uint8_t address[16];
	struct scan scan;
	void (*late)(void *arg);
	void *late_arg;
};

struct conns {
	struct conns_config config;
	struct evconnlistener *listener;
	struct conn *first;
	unsigned total, big_strangers, big_peers;
	bool paused, closed;
};

static int ex_conn = -1; /* OpenSSL's index is the process's, not ours to choose */

static unsigned phase_ms(const struct conn *c, enum phase p)
{
	const struct deadlines *d = &c->cs->config.due;

	switch (p) {
	case P_HANDSHAKE:
		return d->handshake;
	case P_IDLE:
		return c->peer.role == ROLE_NONE ? d->idle_stranger : d->idle;
	case P_HEADER:
		return d->header;
	case P_BODY:
		return d->body;
	case P_ANSWER:
		return d->answer;
	default:
		return d->drain;
	}
}

static void enter(struct conn *c, enum phase p)
{
	unsigned ms = phase_ms(c, p);
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};

	c->phase = p;
	evtimer_add(c->timer, &tv);
}

/* Linger zero makes it a reset: the kernel throws away what a slow reader has not taken. */
static void cut(struct conn *c)
{
	const struct linger now = {1, 0};
	int fd = SSL_get_fd(c->ssl);

	c->phase = P_CUT;
	evtimer_del(c->timer);
	if (fd < 0)
		return;
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	(void)shutdown(fd, SHUT_RDWR);
}

/* ---- Caps ---- */

static unsigned strangers_from(const struct conns *cs, const uint8_t address[16])
{
	unsigned n = 0;

	for (const struct conn *c = cs->first; c; c = c->next)
		n += c->phase != P_NEW && c->phase != P_CUT && c->peer.role == ROLE_NONE &&
		     memcmp(c->address, address, sizeof c->address) == 0;
	return n;
}

static unsigned big_from(const struct conns *cs, const uint8_t address[16])
{
	unsigned n = 0;

	for (const struct conn *c = cs->first; c; c = c->next)
		n += c->big && c->peer.role == ROLE_NONE && memcmp(c->address, address, sizeof c->address) == 0;
	return n;
}

static unsigned connections_of(const struct conns *cs, const struct peer *p)
{
	unsigned n = 0;

	for (const struct conn *c = cs->first; c; c = c->next)
		n += c->phase != P_CUT && c->peer.role == p->role && strcmp(c->peer.name, p->name) == 0;
	return n;
}

/* The first turn of the loop after accept(): only now is the descriptor known. */
static void admit(struct conn *c)
{
	int on = 1, fd = SSL_get_fd(c->ssl);

	if (fd < 0 || bucket_address(fd, c->address) != 0 ||
	        strangers_from(c->cs, c->address) >= c->cs->config.per_address) {
		cut(c);
		return;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	enter(c, P_HANDSHAKE);
}

static void on_handshake(const SSL *ssl, int where, int ret)
{
	struct conn *c = SSL_get_ex_data(ssl, ex_conn);
	struct err e;

	(void)ret;
	if (where != SSL_CB_HANDSHAKE_DONE || !c)
		return;
	if (c->phase == P_NEW)
		admit(c);
	if (c->phase != P_HANDSHAKE)
		return;
	struct peer p = {0};
	if (conn_peer(c, c->cs->config.trust_domain, time(NULL), &p, &e) == 0 && p.role != ROLE_NONE) {
		if (connections_of(c->cs, &p) >= c->cs->config.per_peer) {
			cut(c);
			return;
		}
		c->peer = p;
	}
	enter(c, P_IDLE);
}

bool conn_big(struct conn *c)
{
	bool stranger = c->peer.role == ROLE_NONE;
	unsigned *taken = stranger ? &c->cs->big_strangers : &c->cs->big_peers;

	if (c->big)
		return true;
	if (*taken >= (stranger ? BIG_STRANGERS_MAX : BIG_PEERS_MAX))
		return false;
	if (stranger && big_from(c->cs, c->address) >= BIG_STRANGERS_PER_ADDRESS_MAX)
		return false;
	(*taken)++;
	return c->big = true;
}

static void give_back_big(struct conn *c)
{
	if (c->big)
		(*(c->peer.role == ROLE_NONE ? &c->cs->big_strangers : &c->cs->big_peers))--;
	c->big = false;
}

/* ---- A request goes by ---- */

/* In a connection that evhttp 2.1 made, the callback argument of its bufferevent is the evhttp_connection; there is no
 * public way to it before the whole body is in. conns_new() refuses another libevent; a system test holds it down. */
static struct evhttp_connection *evcon_of(struct conn *c)
{
	void *arg = NULL;

	bufferevent_getcb(c->bev, NULL, NULL, NULL, &arg);
	return arg;
}

/* Without a place for a large body most evidence still fits; a part of a blob does not, and is to come again. */
static void limit_body(struct conn *c)
{
	size_t max = STRANGER_BODY_MAX;
	enum method m;
	struct view target;
	const struct route *r = scan_request(&c->scan, &m, &target) ? route_peek(m, target) : NULL;

	if (r && r->body_max > max && (r->roles & (1u << c->peer.role))) {
		if (conn_big(c))
			max = r->body_max + (c->peer.role == ROLE_NONE ? 0 : BODY_SLACK);
		else if (r->does == DOES_BLOB_PUT)
			cut(c);
	}
	evhttp_connection_set_max_body_size(evcon_of(c), (ev_ssize_t)max);
}

static void watch(struct conn *c, struct evbuffer *b, size_t from)
{
	struct evbuffer_ptr at;
	struct evbuffer_iovec v;

	while (!c->scan.ended && from < evbuffer_get_length(b)) {
		bool first = c->scan.first;
		if (evbuffer_ptr_set(b, &at, from, EVBUFFER_PTR_SET) != 0 || evbuffer_peek(b, -1, &at, &v, 1) < 1 ||
		        v.iov_len == 0)
			return;
		from += scan_feed(&c->scan, VIEW(v.iov_base, v.iov_len));
		if (first && !c->scan.first)
			limit_body(c);
	}
	if (c->scan.ended && c->phase == P_HEADER)
		enter(c, P_BODY);
}

static void begin_request(struct conn *c, struct evbuffer *b, size_t from)
{
	enter(c, P_HEADER);
	scan_start(&c->scan);
	watch(c, b, from);
}

/* Looks at the bytes as they come: evhttp takes header lines away at once. */
static void on_input(struct evbuffer *b, const struct evbuffer_cb_info *info, void *arg)
{
	struct conn *c = arg;

	if (info->n_added == 0)
		return;
	size_t from = evbuffer_get_length(b) - info->n_added;
	if (c->phase == P_IDLE)
		begin_request(c, b, from);
	else if (c->phase == P_HEADER)
		watch(c, b, from);
}

static void on_complete(struct evhttp_request *req, void *arg)
{
	struct conn *c = arg;
	struct evbuffer *input = bufferevent_get_input(c->bev);

	(void)req;
	give_back_big(c);
	if (evbuffer_get_length(input) > 0)
		begin_request(c, input, 0); /* pipelined */
	else
		enter(c, P_IDLE);
}

void conn_wait(struct conn *c, void (*late)(void *arg), void *arg)
{
	c->late = late;
	c->late_arg = arg;
	enter(c, P_ANSWER);
}

void conn_drain(struct conn *c, struct evhttp_request *req)
{
	evhttp_request_set_on_complete_cb(req, on_complete, c);
	enter(c, P_DRAIN);
}

/* While an answer is awaited evhttp neither reads nor writes: a shut socket would wake nobody, so that deadline
 * answers.
 */
static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	if (c->phase == P_NEW)
		admit(c);
	else if (c->phase == P_ANSWER)
		c->late(c->late_arg);
	else
		cut(c);
}

/* ---- Birth and death ---- */

static void link_conn(struct conn *c)
{
	struct conns *cs = c->cs;

	c->next = cs->first;
	if (c->next)
		c->next->prev = c;
	cs->first = c;
	if (++cs->total >= cs->config.total && !cs->paused) {
		cs->paused = true; /* newcomers wait in the kernel's queue */
		evconnlistener_disable(cs->listener);
	}
}

static void unlink_conn(struct conn *c)
{
	struct conns *cs = c->cs;

	*(c->prev ? &c->prev->next : &cs->first) = c->next;
	if (c->next)
		c->next->prev = c->prev;
	cs->total--;
	if (cs->paused && !cs->closed) {
		cs->paused = false;
		evconnlistener_enable(cs->listener);
	}
}

static void on_ssl_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index, long argl, void *argp)
{
	struct conn *c = ptr;

	(void)parent, (void)ad, (void)index, (void)argl, (void)argp;
	if (!c)
		return;
	give_back_big(c);
	unlink_conn(c);
	event_free(c->timer);
	free(c);
}

/* Never NULL: evhttp would take that as a wish for a connection without TLS. No memory ends the process. */
static struct bufferevent *on_accept(struct event_base *base, void *arg)
{
	static const struct timeval at_once = {0, 0};
	struct conns *cs = arg;
	struct conn *c = calloc(1, sizeof *c);
	SSL *ssl = SSL_new(cs->config.tls);

	if (!c || !ssl)
		abort();
	*c = (struct conn){.cs = cs, .ssl = ssl, .phase = P_NEW};
	c->timer = evtimer_new(base, on_timer, c);
	c->bev = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (!c->timer || !c->bev || SSL_set_ex_data(ssl, ex_conn, c) != 1 ||
	        !evbuffer_add_cb(bufferevent_get_input(c->bev), on_input, c))
		abort();
	bufferevent_openssl_set_allow_dirty_shutdown(c->bev, 1);
	link_conn(c);
	evtimer_add(c->timer, &at_once);
	return c->bev;
}

struct conns *conns_new(const struct conns_config *config, struct evhttp *http, int fd, struct err *e)
{
	if (event_get_version_number() >> 16 != 0x0201) {
		err_set(e, WHY_SYSTEM, "this program knows libevent 2.1, and this is %s", event_get_version());
		return NULL;
	}
	if (ex_conn < 0)
		ex_conn = SSL_get_ex_new_index(0, NULL, NULL, NULL, on_ssl_free);
	struct conns *cs = calloc(1, sizeof *cs);
	struct evhttp_bound_socket *bound = cs ? evhttp_accept_socket_with_handle(http, fd) : NULL;
	if (ex_conn < 0 || !bound) {
		err_set(e, WHY_SYSTEM, "cannot listen on descriptor %d", fd);
		free(cs);
		return NULL;
	}
	cs->config = *config;
	cs->listener = evhttp_bound_socket_get_listener(bound);
	SSL_CTX_set_info_callback(config->tls, on_handshake);
	evhttp_set_bevcb(http, on_accept, cs);
	return cs;
}

void conns_free(struct conns *cs)
{
	free(cs);
}

void conns_close(struct conns *cs)
{
	cs->closed = true;
	evconnlistener_disable(cs->listener);
}

unsigned conns_busy(const struct conns *cs)
{
	unsigned n = 0;

	for (const struct conn *c = cs->first; c; c = c->next)
		n += c->phase >= P_HEADER && c->phase <= P_DRAIN;
	return n;
}

/* ---- What a request may ask of its connection ---- */

struct conn *conn_of(struct evhttp_request *req)
{
	struct evhttp_connection *ec = evhttp_request_get_connection(req);
	SSL *ssl = ec ? bufferevent_openssl_get_ssl(evhttp_connection_get_bufferevent(ec)) : NULL;

	return ssl ? SSL_get_ex_data(ssl, ex_conn) : NULL;
}

const uint8_t *conn_address(const struct conn *c)
{
	return c->address;
}

bool conn_odd(const struct conn *c)
{
	return c->scan.odd;
}

int conn_peer(const struct conn *c, const char *trust_domain, time_t now, struct peer *out, struct err *e)
{
	if (c->peer.role != ROLE_NONE && now <= c->peer.not_after) { /* nothing else changes while a connection lasts */
		*out = c->peer;
		return 0;
	}
	X509 *x = SSL_get0_peer_certificate(c->ssl);

	if (x && SSL_get_verify_result(c->ssl) != X509_V_OK)
		return err_set(e, WHY_UNTRUSTED, "the client certificate is not one of this authority");
	return peer_of_cert(x, trust_domain, now, out, e);
}
