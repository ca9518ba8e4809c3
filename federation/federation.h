/* federation: the door of an authority, and the client that walks up to it. */
#ifndef FEDERATION_FEDERATION_H
#define FEDERATION_FEDERATION_H

#include "attest/attest.h"
#include "base/json.h"

/* ---- the door: limits on whoever comes (doorway.h has the workings) ---- */

enum {
	TARGET_MAX = 320,               /* path and query: the longest, a blob's last part, has 180 characters */
	STRANGER_BODY_MAX = 64 * 1024,  /* bodies nobody asked for: enough to answer in words, too little to hurt */
	BLOB_PART_MAX = 1024 * 1024,    /* evhttp holds a body in memory: parts are what bounds it */
	HEADER_MAX = 8 * 1024,          /* our own client sends 300 bytes */
	CERTIFICATES_MAX = 8 * 1024,    /* bytes of a client's chain, before any of it is parsed (A46); ours is 700 */
	CONNECTIONS_MAX = 4096,         /* 35 KB each: 140 MB when all are taken */
	STRANGERS_PER_ADDRESS_MAX = 64, /* without a certificate; a site behind one address has more machines (A42) */
	CONNECTIONS_PER_PEER_MAX = 32,  /* one cloudlet needs two */
	BIG_STRANGERS_MAX = 32,         /* requests above STRANGER_BODY_MAX at one time: 12 MB of enrolments */
	BIG_STRANGERS_PER_ADDRESS_MAX = 8,     /* so that one address cannot have them all */
	BIG_PEERS_MAX = 64,                    /* the same of those with a certificate: 80 MB */
	FORWARD_BACKLOG_MAX = 8 * 1024 * 1024, /* asks the judge has not read yet: beyond it the answer is "busy" */
};

/* ---- routes (route.c): the one table, pure ---- */

enum method { METHOD_OTHER = 0, METHOD_GET = 1, METHOD_POST = 2, METHOD_PUT = 4 };
enum route_does { DOES_ASK, DOES_BLOB_PUT, DOES_BLOB_GET, DOES_UPDATE_PUT, DOES_UPDATE_GET, DOES_HEALTH };

struct route {
	enum method method;
	const char *pattern; /* "/v1/blobs/{name}" */
	unsigned roles;      /* bit per enum role; ROLE_NONE's bit: anyone */
	const char *type;    /* the only Content-Type, or NULL: no body at all */
	size_t body_max;
	enum route_does does;
	enum ask_kind ask; /* of DOES_ASK */
};

struct route_args {
	char name[NAME_CAP]; /* {name}, or "" */
	struct view query;   /* what an ASK_QUERY asks: "list/fences"; a view into the target */
	uint64_t offset;     /* the rest: blobs only */
	bool has_offset, last, has_sha256;
	char upload[17];
	uint8_t sha256[SHA_LEN];
};

const struct route *route_at(size_t i); /* NULL past the end */
enum method route_method(struct view name);
/* The route of a request and its arguments. 0, or the HTTP status of the refusal in *e: 400, 404 or 405. */
int route_find(enum method m, struct view target, const struct route **out, struct route_args *args, struct err *e);
/* The route by method and path alone, for limits that come before judgement; NULL when there is none. */
const struct route *route_peek(enum method m, struct view target);
bool route_public(const struct route *r);

/* ---- who it is (peer.c): the SPIFFE identity of a client certificate ---- */

struct peer {
	enum role role;      /* ROLE_NONE: no certificate */
	char name[NAME_CAP]; /* "" without one */
	time_t not_after;
};

/* spiffe://TD/cloudlet/NAME or spiffe://TD/role/ROLE/NAME and nothing else. WHY_UNTRUSTED. */
int peer_of_uri(struct view uri, const char *trust_domain, struct peer *out, struct err *e);
/* x NULL: a stranger, which is fine. Otherwise one URI name, not a CA, and notAfter still to come. WHY_UNTRUSTED. */
struct x509_st;
int peer_of_cert(struct x509_st *x, const char *trust_domain, time_t now, struct peer *out, struct err *e);
/* 0, or 401 (no certificate) or 403 (not this role) with *e. */
int peer_may(const struct peer *p, const struct route *r, struct err *e);

/* ---- the client (client.c, tlsprovider.c): agent and CLI ---- */

enum {
	REPLY_MAX = 2 * 1024 * 1024, /* the largest answer: a part of a blob is 1 MiB, a listing less */
	CONNECT_S = 10,
	REPLY_S = 60
};

struct client; /* one authority, one connection that is kept alive */

struct client_config {
	const char *url;                  /* https://HOST:PORT */
	const char *ca_file;              /* the authority's CA: the only root that is believed */
	const char *cert_file, *key_file; /* PEM files; NULL: no client certificate, or the one of tlskey_use() */
};

/* A private key that is elsewhere: gives the signature of a TLS 1.3 CertificateVerify content. */
struct tlskey {
	uint8_t pub[ES256_PUB];
	int (*sign)(void *arg, struct view content, uint8_t sig[ES256_SIG], struct err *e);
	void *arg;
};

struct client *client_open(const struct client_config *c, struct err *e);
/* From the next connection on the client shows this certificate and signs with the key, through a provider of ours. */
int client_use_key(struct client *c, const char *cert_pem, const struct tlskey *key, struct err *e);
void client_close(struct client *c);
AUTO_DEFINE(struct client *, client_close)

struct reply {
	int status;          /* HTTP */
	struct view body;    /* valid until the next call */
	uint64_t total_size; /* of a blob, from Merestone-Size; 0 otherwise */
	char sha256[65];     /* of a blob, from Merestone-Sha256; "" otherwise */
};
/* type NULL and body empty: GET. 0: an answer came, whatever its status. -1 WHY_SYSTEM: none came. */
int client_call(struct client *c, const char *method, const char *path, const char *type, struct view body,
        struct reply *out, struct err *e);
/* Turns an answer with an error member, or a status that is not 2xx, into its reason, sentence and hint; 0 for a good
 * one. */
int client_refusal(const struct reply *r, struct err *e);

#endif
