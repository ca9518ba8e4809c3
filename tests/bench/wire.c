#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "federation/federation.h"
#include "tests/bench/bench.h"

enum { HEAD_MAX = 512, ANSWER_S = 60 };

struct wire {
	SSL_CTX *tls;
	SSL *ssl;
	int fd;
	unsigned port;
	uint8_t out[HEAD_MAX + WIRE_MAX];
	char in[WIRE_MAX + 1];
};

static struct sockaddr_in address(uint32_t host, unsigned port)
{
	return (struct sockaddr_in){
	        .sin_family = AF_INET, .sin_addr.s_addr = htonl(host), .sin_port = htons((uint16_t)port)};
}

static int reach(struct wire *w, const struct wire_to *to, struct err *e)
{
	const struct sockaddr_in from = address(to->source, 0), there = address(INADDR_LOOPBACK, to->port);
	const struct timeval patience = {ANSWER_S, 0};
	int on = 1;

	w->port = to->port;
	w->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (w->fd < 0 || (to->source && bind(w->fd, (const struct sockaddr *)&from, sizeof from) != 0) ||
	        connect(w->fd, (const struct sockaddr *)&there, sizeof there) != 0)
		return err_sys(e, "port %u of 127.0.0.1", to->port);
	(void)setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	(void)setsockopt(w->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	return 0;
}

static bool identify(SSL_CTX *tls, const char *cert, const char *key)
{
	BIO *c = BIO_new_mem_buf(cert, -1), *k = BIO_new_mem_buf(key, -1);
	X509 *x = PEM_read_bio_X509(c, NULL, NULL, NULL);
	EVP_PKEY *p = PEM_read_bio_PrivateKey(k, NULL, NULL, NULL);
	bool good = x && p && SSL_CTX_use_certificate(tls, x) == 1 && SSL_CTX_use_PrivateKey(tls, p) == 1;

	EVP_PKEY_free(p);
	X509_free(x);
	BIO_free(k);
	BIO_free(c);
	return good;
}

static int shake_hands(struct wire *w, const struct wire_to *to, struct err *e)
{
	w->tls = SSL_CTX_new(TLS_client_method());
	if (!w->tls || SSL_CTX_set_min_proto_version(w->tls, TLS1_3_VERSION) != 1 ||
	        SSL_CTX_load_verify_file(w->tls, to->ca_file) != 1 ||
	        (to->cert && !identify(w->tls, to->cert, to->key)))
		return err_set(e, WHY_SYSTEM, "cannot set TLS up");
	SSL_CTX_set_verify(w->tls, SSL_VERIFY_PEER, NULL);
	w->ssl = SSL_new(w->tls);
	if (!w->ssl || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(w->ssl), "127.0.0.1") != 1 ||
	        SSL_set_fd(w->ssl, w->fd) != 1 || SSL_connect(w->ssl) != 1)
		return err_set(e, WHY_SYSTEM, "the TLS handshake failed");
	return 0;
}

struct wire *wire_open(const struct wire_to *to, struct err *e)
{
	struct wire *w = calloc(1, sizeof *w);

	if (!w) {
		err_sys(e, "memory for a connection");
		return NULL;
	}
	if (reach(w, to, e) == 0 && shake_hands(w, to, e) == 0)
		return w;
	wire_close(w);
	return NULL;
}

void wire_close(struct wire *w)
{
	if (!w)
		return;
	SSL_free(w->ssl);
	SSL_CTX_free(w->tls);
	fd_close(w->fd);
	free(w);
}

static int send_request(struct wire *w, const char *path, struct view body, struct err *e)
{
	struct wr out = wr_to(w->out, sizeof w->out);

	wr_fmt(&out,
	        "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: application/octet-stream\r\n"
	        "Content-Length: %zu\r\n\r\n",
	        path, w->port, body.n);
	wr_view(&out, body);
	struct view all = wr_done(&out);
	if (all.n == 0 || SSL_write(w->ssl, all.p, (int)all.n) != (int)all.n)
		return err_set(e, WHY_SYSTEM, "%s could not be sent", path);
	return 0;
}

static size_t content_length(const char *head)
{
	for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n"))
		if (strncasecmp(line + 2, "Content-Length:", 15) == 0)
			return strtoul(line + 17, NULL, 10);
	return 0;
}

/* The header to its empty line, then as much as it says. */
static int receive(struct wire *w, int *status, struct view *body, struct err *e)
{
	size_t have = 0, want = 0, head = 0;

	while (!head || have < want) {
		int got = have < WIRE_MAX ? SSL_read(w->ssl, w->in + have, (int)(WIRE_MAX - have)) : 0;
		if (got <= 0)
			return err_set(e, WHY_SYSTEM, "the connection ended before the answer did");
		have += (size_t)got;
		w->in[have] = '\0';
		const char *end = head ? NULL : strstr(w->in, "\r\n\r\n");
		if (end) {
			head = (size_t)(end - w->in) + 4;
			want = head + content_length(w->in);
		}
	}
	if (strncmp(w->in, "HTTP/1.1 ", 9) != 0)
		return err_set(e, WHY_MALFORMED, "the answer is not HTTP/1.1");
	*status = (int)strtol(w->in + 9, NULL, 10);
	*body = VIEW(w->in + head, want - head);
	return 0;
}

int wire_post(struct wire *w, const char *path, struct view body, int *status, struct view *answer, struct err *e)
{
	struct reply r = {0};

	*status = 0;
	if (send_request(w, path, body, e) != 0 || receive(w, status, answer, e) != 0)
		return -1;
	r.status = *status;
	r.body = *answer;
	return client_refusal(&r, e);
}
