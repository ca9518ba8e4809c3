/* door: the authority's network front. It sees bytes, proves who sent them, and passes them on; it holds no trust key.
 */
#include <event2/bufferevent.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/ring.h"
#include "base/sandbox.h"
#include "federation/doorway.h"

enum { LISTEN_FD = 5, GRACE_S = 5, FILES_BESIDE = 64, KEPT_FREE = 4 * 1024 * 1024 };

struct options {
	const char *trust_domain;
	unsigned connections, per_address, per_peer, scale;
};

/* ---- TLS ---- */

static int tls_failed(struct err *e, const char *what)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return err_set(e, WHY_SYSTEM, "%s: %s", what, why ? why : "no reason given");
}

/* P-256 and SHA-256 are all that our certificates use: a peer cannot make us work on a large RSA key (A46). */
static int tls_rules(SSL_CTX *tls)
{
	(void)SSL_CTX_set_options(tls, SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION);
	(void)SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
	(void)SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_max_cert_list(tls, CERTIFICATES_MAX);
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL); /* a stranger may come in; what for, the route table says */
	SSL_CTX_set_verify_depth(tls, 2);
	return SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) == 1 && SSL_CTX_set_num_tickets(tls, 0) == 1 &&
	                       SSL_CTX_set1_groups_list(tls, "P-256:X25519") == 1 &&
	                       SSL_CTX_set1_sigalgs_list(tls, "ECDSA+SHA256") == 1 &&
	                       SSL_CTX_set1_client_sigalgs_list(tls, "ECDSA+SHA256") == 1 &&
	                       SSL_CTX_set_purpose(tls, X509_PURPOSE_SSL_CLIENT) == 1
	               ? 0
	               : -1;
}

static int tls_files(SSL_CTX *tls, struct err *e)
{
	if (SSL_CTX_use_certificate_chain_file(tls, "tls.pem") != 1)
		return tls_failed(e, "cannot read the certificate tls.pem");
	if (SSL_CTX_use_PrivateKey_file(tls, "tls.key", SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(tls) != 1)
		return tls_failed(e, "cannot use the private key tls.key");
	if (SSL_CTX_load_verify_file(tls, "ca.pem") != 1)
		return tls_failed(e, "cannot read the authority's CA from ca.pem");
	return 0;
}

static SSL_CTX *tls_new(struct err *e)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	if (tls && tls_rules(tls) == 0 && tls_files(tls, e) == 0)
		return tls;
	if (!tls || e->why == WHY_NONE)
		(void)tls_failed(e, "cannot set TLS up");
	SSL_CTX_free(tls);
	return NULL;
}

/* ---- Start ---- */

static int usage(void)
{
	fputs("usage: door --trust-domain TD [--connections N] [--per-address N] [--per-peer N]\n", stderr);
	return 2;
}

static int count(const char *s, unsigned *out)
{
	char *end;
	unsigned long n = strtoul(s, &end, 10);

	if (*s < '0' || *s > '9' || *end || n == 0 || n > 1000000)
		return -1;
	*out = (unsigned)n;
	return 0;
}

static int parse(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {{"trust-domain", required_argument, NULL, 't'},
	        {"connections", required_argument, NULL, 'c'}, {"per-address", required_argument, NULL, 'a'},
	        {"per-peer", required_argument, NULL, 'p'}, {"deadline-scale", required_argument, NULL, 's'}, {0}};
	int c, bad = 0;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 't')
			o->trust_domain = optarg;
		else
			bad |= c == 'c'   ? count(optarg, &o->connections)
			       : c == 'a' ? count(optarg, &o->per_address)
			       : c == 'p' ? count(optarg, &o->per_peer)
			       : c == 's' ? count(optarg, &o->scale)
			                  : -1;
	}
	return bad || optind != argc || !o->trust_domain ? -1 : 0;
}

/* As many descriptors as connections, or as many connections as the system gives descriptors. */
static void fit_descriptors(struct options *o)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) != 0)
		return;
	rlim_t want = o->connections + FILES_BESIDE;
	l.rlim_cur = want < l.rlim_max ? want : l.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < want)
		o->connections = l.rlim_cur > FILES_BESIDE ? (unsigned)(l.rlim_cur - FILES_BESIDE) : 1;
}

static struct deadlines deadlines(unsigned scale)
{
	struct deadlines d = {.handshake = 10000,
	        .idle_stranger = 10000,
	        .idle = 75000,
	        .header = 5000,
	        .body = 20000,
	        .answer = 30000,
	        .drain = 20000};
	unsigned *const each[] = {&d.handshake, &d.idle_stranger, &d.idle, &d.header, &d.body, &d.answer, &d.drain};

	for (size_t i = 0; i < COUNT(each); i++)
		*each[i] = (unsigned)((uint64_t)*each[i] * scale / 100);
	return d;
}

/* With a change list the many changes of interest in a request cost one system call: no descriptor here is a dup. */
static struct event_base *base_new(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config && event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST) == 0)
		base = event_base_new_with_config(config);
	if (config)
		event_config_free(config);
	return base;
}

static int http_new(struct door *d, struct err *e)
{
	/* Methods without a route are let in to be refused in our words; CONNECT and TRACE are evhttp's to refuse. */
	const ev_uint16_t methods = EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_HEAD |
	                            EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH;

	d->base = base_new();
	d->http = d->base ? evhttp_new(d->base) : NULL;
	if (!d->http)
		return err_set(e, WHY_SYSTEM, "cannot make an event loop");
	evhttp_set_allowed_methods(d->http, methods);
	evhttp_set_max_headers_size(d->http, HEADER_MAX);
	evhttp_set_max_body_size(d->http, STRANGER_BODY_MAX);
	evhttp_set_timeout(d->http, 300); /* an outer net, longer than each deadline */
	evhttp_set_default_content_type(d->http, NULL);
	evhttp_set_gencb(d->http, serve_request, d);
	return 0;
}

static int listener(const struct options *o, struct door *d, SSL_CTX *tls, struct err *e)
{
	const struct conns_config config = {.base = d->base,
	        .tls = tls,
	        .trust_domain = o->trust_domain,
	        .due = deadlines(o->scale),
	        .total = o->connections,
	        .per_address = o->per_address,
	        .per_peer = o->per_peer};
	int on = 1;

	(void)setsockopt(LISTEN_FD, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* connections inherit it */
	if (evutil_make_socket_nonblocking(LISTEN_FD) != 0 || evutil_make_socket_closeonexec(LISTEN_FD) != 0)
		return err_sys(e, "descriptor %d is not a socket", LISTEN_FD);
	d->conns = conns_new(&config, d->http, LISTEN_FD, e);
	return d->conns ? 0 : -1;
}

/* ---- Stop ---- */

/* Replies that are on their way get there, unless their readers are slow. */
static void until_quiet(evutil_socket_t fd, short what, void *arg)
{
	struct door *d = arg;

	(void)fd;
	(void)what;
	if (conns_busy(d->conns) == 0)
		event_base_loopbreak(d->base);
}

static void wind_down(struct door *d)
{
	const struct timeval soon = {0, 20000}, last = {GRACE_S, 0};
	struct event *tick = event_new(d->base, -1, EV_PERSIST, until_quiet, d);

	conns_close(d->conns);
	if (tick)
		event_add(tick, &soon);
	event_base_loopexit(d->base, &last);
	event_base_dispatch(d->base);
	if (tick)
		event_free(tick);
}

static void on_ring_end(void *arg, bool fault)
{
	struct door *d = arg;

	d->broken = fault;
	if (!d->stopping)
		event_base_loopbreak(d->base);
	d->stopping = true;
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct signalfd_siginfo info;
	struct door *d = arg;

	(void)what;
	if (read(fd, &info, sizeof info) != sizeof info)
		return;
	d->stopping = true;
	event_base_loopbreak(d->base);
}

static struct event *watch_signals(struct door *d)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return NULL;
	int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	struct event *ev = fd >= 0 ? event_new(d->base, fd, EV_READ | EV_PERSIST, on_signal, d) : NULL;
	if (ev)
		event_add(ev, NULL);
	return ev;
}

/* What libraries would look for later, when they no longer may. */
static void warm_up(struct door *d)
{
	tzset();
	(void)mallopt(
	        M_TRIM_THRESHOLD, KEPT_FREE); /* giving pages back after each request costs more than the request */
	sha_init();
	if (RAND_bytes(d->buckets->seed, sizeof d->buckets->seed) != 1)
		abort();
}

/* Two stores in one directory: Landlock knows one. */
static int open_stores(struct door *d, int blobs, int *updates, struct err *e)
{
	if (file_mkdir(blobs, UPDATES_DIR, 0700, e))
		return -1;
	*updates = openat(blobs, UPDATES_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*updates < 0)
		return err_sys(e, "cannot open the directory blobs/" UPDATES_DIR);
	d->blobs = blobs_open(blobs, &BLOB_LIMITS, e);
	d->updates = d->blobs ? blobs_open(*updates, &UPDATE_LIMITS, e) : NULL;
	return d->updates ? 0 : -1;
}

static int set_up(const struct options *o, struct door *d, SSL_CTX *tls, int blobs, int *updates, struct err *e)
{
	if (http_new(d, e) != 0 || listener(o, d, tls, e) != 0)
		return -1;
	if (!(d->forward = forward_new(d->base, RING_IN, RING_OUT, o->connections, on_ring_end, d, e)))
		return -1;
	if (open_stores(d, blobs, updates, e) != 0)
		return -1;
	if (!(d->buckets = calloc(1, sizeof *d->buckets)))
		return err_set(e, WHY_SYSTEM, "no memory to start with");
	if (!watch_signals(d))
		return err_sys(e, "cannot watch for signals");
	warm_up(d);
	return 0;
}

/* The allowlist: sockets that were accepted here, two pipes, a signal descriptor, and files beneath blobs/. */
static int loop(struct door *d, int blobs, struct err *e)
{
	static const char *const calls[] = {"epoll_wait", "epoll_pwait", "epoll_ctl", "accept4", "read", "readv",
	        "write", "writev", "close", "shutdown", "setsockopt", "getpeername", "ioctl",
	        "fcntl", /* network and pipes */
	        "openat", "fstat", "newfstatat", "pread64", "fdatasync", "fsync", "renameat", "unlinkat", /* blobs */
	        "brk", "mmap", "munmap", "mremap", "madvise", "getrandom", "getpid", "futex", "clock_gettime",
	        "gettimeofday", "rt_sigaction", "rt_sigprocmask", NULL};
	bool enforced;

	if (sandbox_files(blobs, &enforced, e) != 0 || sandbox_calls(calls, e) != 0)
		return -1;
	event_base_dispatch(d->base);
	forward_stop(d->forward);
	wind_down(d); /* whoever waits still gets the answer, if the ring still gives one */
	return d->broken ? err_set(e, WHY_SYSTEM, "the ring is broken") : 0;
}

static void tear_down(struct door *d)
{
	if (d->http)
		evhttp_free(d->http);
	conns_free(d->conns);
	forward_free(d->forward);
	blobs_close(d->blobs);
	blobs_close(d->updates);
	free(d->buckets);
}

int main(int argc, char **argv)
{
	struct options o = {.connections = CONNECTIONS_MAX,
	        .per_address = STRANGERS_PER_ADDRESS_MAX,
	        .per_peer = CONNECTIONS_PER_PEER_MAX,
	        .scale = 100};
	struct err e = {0};
	int bad, blobs, updates = -1;

	log_name("merestone-door");
	if (parse(argc, argv, &o) != 0)
		return usage();
	struct door d = {.trust_domain = o.trust_domain};
	fit_descriptors(&o);
	bad = sandbox_early(&e);
	SSL_CTX *tls = bad ? NULL : tls_new(&e);
	blobs = tls ? open("blobs", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
	if (tls && blobs < 0)
		err_sys(&e, "cannot open the directory blobs");
	bad = blobs < 0 || set_up(&o, &d, tls, blobs, &updates, &e) != 0 || loop(&d, blobs, &e) != 0;
	if (bad)
		log_err(&e);
	tear_down(&d);
	SSL_CTX_free(tls);
	fd_close(updates);
	fd_close(blobs);
	return bad ? 3 : 0;
}
