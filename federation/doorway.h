/* doorway: the workings of the door, for its own files and their tests. One thread, one event loop, nothing blocks. */
#ifndef FEDERATION_DOORWAY_H
#define FEDERATION_DOORWAY_H

#include <event2/event.h>
#include <event2/http.h>
#include <openssl/ssl.h>

#include "federation/federation.h"

/* ---- scan.c: watches a request's header go by, pure ---- */

/* evhttp is lenient and shows a request only when all of it is there. This sees the raw bytes first: where the header
 * ends (for the deadlines), the request line (for the body limit), and what evhttp would let pass in silence. */
struct scan {
	char line[TARGET_MAX + 32]; /* the request line, cut when longer */
	size_t nline;
	size_t column; /* of the line being read */
	bool first;    /* still in the request line */
	bool cr;       /* the last byte was one */
	bool odd;      /* bare CR or LF, a folded line, a NUL: no honest client sends them (A89) */
	bool ended;    /* the empty line was met */
};

void scan_start(struct scan *s);
size_t scan_feed(struct scan *s, struct view v); /* bytes used: up to and with the empty line */
/* Method and target of the request line; false while it is not whole, or when it is not one. */
bool scan_request(const struct scan *s, enum method *m, struct view *target);

/* ---- httpcheck.c: what evhttp accepts and we do not (A89) ---- */

struct evkeyvalq;
/* Refuses what two readers could read differently. type: the only Content-Type, NULL for a request without a body.
 * WHY_MALFORMED; after any refusal the connection is closed. */
int httpcheck_framing(const struct evkeyvalq *headers, const char *uri, struct err *e);
int httpcheck_body(const struct evkeyvalq *headers, const char *type, size_t n, struct err *e);

/* ---- conn.c: each connection's identity, deadlines and caps ---- */

struct deadlines { /* milliseconds, absolute for each phase: a drip gains nothing (A42) */
	unsigned handshake;
	unsigned idle_stranger, idle; /* between requests */
	unsigned header, body;
	unsigned answer; /* of the judge, the decider and the keeper together: ends in 503 */
	unsigned drain;  /* our reply, until the peer's kernel has it */
};

struct conns_config {
	struct event_base *base;
	SSL_CTX *tls;
	const char *trust_domain;
	struct deadlines due;
	unsigned total, per_address, per_peer;
};

struct conns;
struct conn;

/* Listens on fd (taken over) and puts its connections under config's rules. http must outlive nothing: free it first.
 */
struct conns *conns_new(const struct conns_config *config, struct evhttp *http, int fd, struct err *e);
void conns_free(struct conns *cs);
void conns_close(struct conns *cs);          /* no new connections */
unsigned conns_busy(const struct conns *cs); /* how many are in the middle of a request or reply */

struct conn *conn_of(struct evhttp_request *req);  /* NULL: the client is gone */
const uint8_t *conn_address(const struct conn *c); /* 16 bytes, as bucket_address() made them */
bool conn_odd(const struct conn *c);
/* Asks for one of the few places for requests or replies above STRANGER_BODY_MAX; given back when the reply is sent. */
bool conn_big(struct conn *c);
/* Both for the whole request: first wait (late(arg) must answer), then drain just before evhttp_send_reply(). */
void conn_wait(struct conn *c, void (*late)(void *arg), void *arg);
void conn_drain(struct conn *c, struct evhttp_request *req);
/* Who it is, now: the certificate may have expired since the handshake. */
int conn_peer(const struct conn *c, const char *trust_domain, time_t now, struct peer *out, struct err *e);

/* ---- bucket.c: how often a stranger may make the judge work (A47) ---- */

enum { BUCKETS = 4096, BUCKET_BURST = 256, BUCKET_PER_S = 16 }; /* a rack enrols at once; a flood does not */
struct buckets {
	uint8_t seed[SHA_LEN]; /* random: nobody can aim at a neighbour's bucket */
	struct bucket {
		uint64_t full_at_ms; /* when the bucket would be full again */
	} b[BUCKETS];
};
/* Whose bucket a connection draws from: its IPv4 address, or the /64 of its IPv6 address. */
int bucket_address(int fd, uint8_t out[16]);
bool bucket_take(struct buckets *bs, const uint8_t address[16], uint64_t now_ms);

/* ---- reply.c: every answer is JSON ---- */

void reply_json(struct evhttp_request *req, int status, struct view json);
/* status 0: the one of the reason. Anything that casts doubt on the framing also closes the connection. */
void reply_refuse(struct evhttp_request *req, int status, const struct err *e);
void reply_close(struct evhttp_request *req); /* the connection ends with this reply */
/* Takes p (malloc'd). */
void reply_octets(struct evhttp_request *req, uint8_t *p, size_t n);

/* ---- forward.c: asks out, answers in ---- */

struct forward;
/* ended(arg, fault) is called once: the answers have ended (no fault), or a pipe or a message is broken. */
struct forward *forward_new(struct event_base *base, int in, int out, unsigned waiting_max,
        void (*ended)(void *arg, bool fault), void *arg, struct err *e);
void forward_free(struct forward *f);
/* Writes the ask and keeps req until its answer or its deadline. -1 (WHY_SYSTEM, busy): req is still the caller's. */
int forward_ask(struct forward *f, struct evhttp_request *req, const struct ask *a, struct err *e);
void forward_stop(struct forward *f); /* no more asks; the judge sees our end when all are written */

/* ---- blob.c: ciphertext that any cloudlet may read, in parts ---- */

struct blob_limits {
	uint64_t blob_max, total_max;
	unsigned blobs_max;
	unsigned uploads_max, uploads_per_peer; /* at one time, at most BLOB_UPLOADS */
	unsigned idle_s;                        /* an upload that rests longer may be dropped */
};
enum { BLOB_UPLOADS = 32 };
#define BLOB_LIMITS                                                                                                    \
	((struct blob_limits){.blob_max = 4ULL << 30,                                                                  \
	        .total_max = 64ULL << 30,                                                                              \
	        .blobs_max = 4096,                                                                                     \
	        .uploads_max = BLOB_UPLOADS,                                                                           \
	        .uploads_per_peer = 4,                                                                                 \
	        .idle_s = 600})

/* What the machines are to run, of few people: beside the blobs, where no machine can write. */
#define UPDATES_DIR ".updates"
#define UPDATE_LIMITS                                                                                                  \
	((struct blob_limits){.blob_max = 1ULL << 30,                                                                  \
	        .total_max = 16ULL << 30,                                                                              \
	        .blobs_max = 96,                                                                                       \
	        .uploads_max = 8,                                                                                      \
	        .uploads_per_peer = 4,                                                                                 \
	        .idle_s = 600})

struct blobs;
/* dirfd stays the caller's. Throws away parts of uploads that an earlier process left. */
struct blobs *blobs_open(int dirfd, const struct blob_limits *limits, struct err *e);
void blobs_close(struct blobs *b);
AUTO_DEFINE(struct blobs *, blobs_close)
/* One part. *size: what is there now, also after WHY_STALE (the offset is another), so the sender can go on. */
int blobs_put(struct blobs *b, const char *peer, const struct route_args *a, struct view part, uint64_t now_s,
        uint64_t *size, struct err *e);
struct blob_part {
	uint8_t *p; /* malloc'd, the caller's */
	size_t n;
	uint64_t size; /* of the whole */
	uint8_t sha256[SHA_LEN];
};
int blobs_get(const struct blobs *b, const char *name, uint64_t offset, struct blob_part *out, struct err *e);

/* ---- serve.c: one request, from whole to answered ---- */

struct door {
	const char *trust_domain;
	struct event_base *base;
	struct evhttp *http;
	struct conns *conns;
	struct forward *forward;
	struct blobs *blobs, *updates;
	struct buckets *buckets;
	bool stopping;
	bool broken; /* the ring is: the exit status says so */
};
void serve_request(struct evhttp_request *req, void *door); /* evhttp's general callback */

#endif
