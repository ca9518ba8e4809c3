/* landmark: how a distance is measured, merestone-bound(5). Two ends of one exchange over UDP, both without I/O and
 * clock: they take a datagram and give the next one. Private to attest and cmd/merestone-landmark. */
#ifndef ATTEST_LANDMARK_H
#define ATTEST_LANDMARK_H

#include <netinet/in.h>

#include "attest/attest.h"

/* ---- Addresses (endpoint.c) ---- */

struct endpoint {
	uint8_t ip[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint16_t port;
};
/* "192.0.2.1:5684" or "[2001:db8::1]:5684"; port 0 lets the system choose. WHY_MALFORMED. */
int endpoint_parse(const char *s, struct endpoint *out, struct err *e);
bool endpoint_is_v4(const struct endpoint *p);
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);
socklen_t endpoint_sockaddr(const struct endpoint *p, struct sockaddr_storage *out);
bool endpoint_of(const struct sockaddr_storage *s, struct endpoint *out); /* false: neither IPv4 nor IPv6 */

/* ---- Datagrams (boundmsg.c) ---- */

enum boundmsg_kind {
	BOUND_HELLO = 1, /* prover: its key, the context, a cookie or zero */
	BOUND_COOKIE,    /* landmark: show me that you get what I send */
	BOUND_START,     /* landmark: its key for this session, and the challenge of round 0 */
	BOUND_CHALLENGE,
	BOUND_ANSWER, /* prover */
	BOUND_STATEMENT,
	BOUND_KINDS
};
enum {
	BOUND_CHALLENGE_LEN = 16, /* nobody guesses it */
	BOUND_COOKIE_LEN = SHA_LEN,
	BOUNDMSG_MAX = 320, /* a statement of 279 bytes and what is around it */
};

struct boundmsg {
	enum boundmsg_kind kind;
	uint8_t key[ES256_PUB];             /* HELLO, START */
	uint8_t context[SHA_LEN];           /* HELLO */
	uint8_t cookie[BOUND_COOKIE_LEN];   /* HELLO, COOKIE */
	uint64_t session;                   /* from START on */
	uint16_t round;                     /* CHALLENGE, ANSWER */
	uint8_t value[BOUND_CHALLENGE_LEN]; /* START, CHALLENGE, ANSWER */
	struct view statement;              /* STATEMENT; points into what was read */
};

bool boundmsg_read(struct view v, struct boundmsg *out); /* false: it is none */
void boundmsg_write(struct wr *w, const struct boundmsg *m);

/* ---- What both ends compute (boundkey.c) ---- */

/* ECDH of the two keys of this session, tied to them and to the context. */
int bound_key(const struct es256 *own, const uint8_t prover[ES256_PUB], const uint8_t landmark[ES256_PUB],
        const uint8_t context[SHA_LEN], uint8_t out[SHA_LEN], struct err *e);
void bound_answer(uint8_t out[BOUND_CHALLENGE_LEN], const uint8_t key[SHA_LEN], uint16_t round,
        const uint8_t challenge[BOUND_CHALLENGE_LEN]);

/* ---- The landmark (landmark.c) ---- */

enum {
	LANDMARK_ROUNDS = 24,
	LANDMARK_LOST_MAX = 12,     /* rounds without an answer; then the network is not one to measure with */
	LANDMARK_SESSIONS = 64,     /* at once */
	LANDMARK_HOST_SESSIONS = 8, /* of one IPv4 address or one IPv6 network of 64 bits */
	LANDMARK_ROUND_MS = 400,    /* light goes around the earth three times */
	LANDMARK_SESSION_MS = 20000,
	LANDMARK_COOKIE_S = 30,
};

struct landmark_now {
	uint64_t ns;    /* a clock that nobody sets */
	int64_t wall_s; /* since the epoch */
};

struct landmark_session {
	bool used, done;
	uint64_t id;
	struct endpoint peer;
	uint64_t began_ns, sent_ns; /* sent: the challenge that is out */
	uint8_t prover[ES256_PUB], own[ES256_PUB], context[SHA_LEN];
	uint8_t key[SHA_LEN];
	uint16_t round;
	uint32_t lost, rounds;
	uint8_t challenge[BOUND_CHALLENGE_LEN];
	uint64_t rtt_ns;
	uint8_t transcript[SHA_LEN];
	uint8_t statement[BOUND_MAX];
	size_t nstatement;
};

struct landmark {
	char name[NAME_CAP];
	struct es256 *key; /* borrowed */
	uint8_t cookie_key[SHA_LEN];
	struct landmark_session session[LANDMARK_SESSIONS];
};

/* What is to be sent, n 0 for nothing. */
struct landmark_out {
	uint8_t bytes[BOUNDMSG_MAX];
	size_t n;
	struct endpoint to;
	struct landmark_session *timed; /* a challenge goes out: set its sent_ns right before it does; NULL otherwise */
};

int landmark_open(struct landmark *l, const char *name, struct es256 *key, struct err *e);
void landmark_close(struct landmark *l); /* wipes */
/* A datagram that came at now.ns. What is not understood, not expected or wrong is answered by nothing, and a wrong
 * answer ends its session. */
void landmark_take(struct landmark *l, const struct endpoint *from, struct view datagram, struct landmark_now now,
        struct landmark_out *out);
/* Looks after one session that waited for too long; call it until it gives nothing. */
void landmark_late(struct landmark *l, struct landmark_now now, struct landmark_out *out);
/* Milliseconds until somebody may be late; -1: nobody is there. */
int landmark_wait_ms(const struct landmark *l, uint64_t now_ns);

/* ---- The prover (prove.c) ---- */

enum {
	PROVE_RESEND_MS = 250,
	PROVE_MS = 6000, /* for all landmarks together */
};

struct prove_target {
	char name[NAME_CAP];
	struct endpoint at;
	uint8_t key[ES256_PUB]; /* of the landmark */
};

struct prove { /* one measurement */
	struct prove_target target;
	const struct es256 *own; /* borrowed */
	uint8_t context[SHA_LEN], cookie[BOUND_COOKIE_LEN];
	bool started, done;
	uint64_t session;
	uint8_t session_key[SHA_LEN];
	uint8_t last[BOUNDMSG_MAX]; /* what was sent, for when nothing comes */
	size_t nlast;
	uint8_t statement[BOUND_MAX];
	size_t nstatement; /* when done */
};

/* p->last is then the first datagram. */
void prove_open(struct prove *p, const struct prove_target *t, const struct es256 *own, const uint8_t context[SHA_LEN]);
void prove_close(struct prove *p); /* wipes */
/* True: p->last is to be sent now. */
bool prove_take(struct prove *p, struct view datagram);

/* ---- The prover's process, between proverclient.c and prover.c: messages on a SOCK_SEQPACKET pair ----
 * First from the prover: "ready", or a sentence. Then each request is context || u8 n || n times
 * {text16 name, key, ip, be16 port}, and each answer what PART_BOUNDS holds, or the key alone when nobody measured. */
enum {
	PROVER_SOCKET = 3,
	PROVER_REQUEST_MAX = SHA_LEN + 1 + BOUNDS_MAX * (2 + NAME_CAP + ES256_PUB + 16 + 2),
};

#endif
