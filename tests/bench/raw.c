/* The transport alone: a loop around SSL_read and SSL_write, with the authority's own certificate. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/bench/bench.h"

enum { TURNS = 5, REQUESTS = 1000, PATIENCE_S = 60 };

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int listen_any(unsigned *port, struct err *e)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(fd, 1) == 0 &&
	        getsockname(fd, (struct sockaddr *)&a, &n) == 0) {
		*port = ntohs(a.sin_port);
		return fd;
	}
	err_sys(e, "cannot listen");
	fd_close(fd);
	return -1;
}

static SSL *accept_one(int listener, const char *authority)
{
	char cert[1100], key[1100];
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	int on = 1, fd = accept(listener, NULL, NULL);

	snprintf(cert, sizeof cert, "%s/door/tls.pem", authority);
	snprintf(key, sizeof key, "%s/door/tls.key", authority);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (!tls || SSL_CTX_use_certificate_chain_file(tls, cert) != 1 ||
	        SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1 || SSL_CTX_set_num_tickets(tls, 0) != 1)
		return NULL;
	SSL *ssl = SSL_new(tls);
	return ssl && SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1 ? ssl : NULL;
}

/* A request ends where its header says; the requests are all alike, so the length of the first is that of all. */
static bool take_request(SSL *ssl, char *in, size_t *length)
{
	size_t have = 0;
	const char *end, *said;

	while (*length == 0 || have < *length) {
		int got = SSL_read(ssl, in + have, (int)(WIRE_MAX - have));
		if (got <= 0)
			return false;
		have += (size_t)got;
		in[have] = '\0';
		end = *length ? NULL : strstr(in, "\r\n\r\n");
		said = end ? strstr(in, "Content-Length: ") : NULL;
		if (said)
			*length = (size_t)(end - in) + 4 + strtoul(said + 16, NULL, 10);
	}
	return true;
}

/* Runs in the child; the figure goes to fd when the client is gone. */
static int serve(int listener, const char *authority, size_t answer, int fd)
{
	static char in[WIRE_MAX + 1], out[WIRE_MAX];
	int head = snprintf(out, 256, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", answer);
	SSL *ssl = accept_one(listener, authority);
	size_t n = (size_t)head + answer, length = 0;
	unsigned served = 0;

	if (!ssl || n > sizeof out)
		return 1;
	memset(out + head, ' ', answer);
	double from = cpu_us();
	while (take_request(ssl, in, &length) && SSL_write(ssl, out, (int)n) == (int)n)
		served++;
	double us = served ? (cpu_us() - from) / served : 0;
	return write(fd, &us, sizeof us) == sizeof us ? 0 : 1;
}

static int ask(const struct scene *s, unsigned port, size_t n, struct err *e)
{
	const struct wire_to to = {.ca_file = s->ca_file, .port = port};
	AUTO(wire_close) struct wire *w = wire_open(&to, e);
	AUTO(mem_free) char *body = calloc(1, n);
	struct view answer;
	int status;

	for (int i = 0; w && body && i < REQUESTS; i++)
		if (wire_post(w, "/v1/attest", VIEW(body, n), &status, &answer, e) != 0)
			return -1;
	return w && body ? 0 : -1;
}

static int turn(const struct scene *s, const char *authority, size_t n, size_t answer, double *us, struct err *e)
{
	unsigned port = 0;
	AUTO(fd_close) int listener = listen_any(&port, e);
	int result[2], status;

	if (listener < 0)
		return -1;
	if (pipe(result) != 0)
		return err_sys(e, "pipe");
	pid_t pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(PATIENCE_S);
		_exit(serve(listener, authority, answer, result[1]));
	}
	close(result[1]);
	int bad = pid < 0 ? err_sys(e, "fork") : ask(s, port, n, e);
	if (!bad && read(result[0], us, sizeof *us) != sizeof *us)
		bad = err_set(e, WHY_SYSTEM, "the bare server failed");
	close(result[0]);
	if (pid > 0)
		(void)waitpid(pid, &status, 0);
	return bad;
}

/* How the kernel places two processes matters more than what they do: the least of five turns is the floor. */
int raw_cpu(const struct scene *s, const char *authority, size_t n, size_t answer, double *us, struct err *e)
{
	double once;

	for (int i = 0; i < TURNS; i++) {
		if (turn(s, authority, n, answer, &once, e) != 0)
			return -1;
		if (i == 0 || once < *us)
			*us = once;
	}
	return 0;
}
