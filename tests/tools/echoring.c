/* echoring: stands where the judge, the decider and the keeper stand, so that a door can be tested alone.
 * usage: echoring PORT DIRECTORY COMMAND...
 * Binds 127.0.0.1:PORT (0: any), writes the port to DIRECTORY/port, starts COMMAND in DIRECTORY with descriptors 3, 4
 * and 5 as merestoned would, and answers each ask with what it was. A query about case 404 is refused as unknown, one
 * about case 99 is never answered, one about case 13 breaks the ring. Ends with the command's exit status. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attest/attest.h"
#include "base/file.h"
#include "base/json.h"
#include "base/ring.h"
#include "keystore/keystore.h"

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static int listen_on(const char *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
	        bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 512) != 0)
		die("listen");
	return fd;
}

static void tell_port(int fd, int dirfd)
{
	struct sockaddr_in a;
	socklen_t n = sizeof a;
	char text[16];
	struct err e;

	if (getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		die("getsockname");
	(void)snprintf(text, sizeof text, "%u\n", ntohs(a.sin_port));
	if (file_write(dirfd, "port", VIEW(text, strlen(text)), 0600, &e) != 0)
		die("port");
}

/* Descriptors are moved above 9 first, so that none of the three is in another's place. */
static void start(int in, int out, int sock, int dirfd, char **command)
{
	const int from[] = {fcntl(in, F_DUPFD, 10), fcntl(out, F_DUPFD, 10), fcntl(sock, F_DUPFD, 10)};

	if (fchdir(dirfd) != 0)
		die("fchdir");
	for (int i = 0; i < 3; i++)
		if (dup2(from[i], RING_IN + i) < 0)
			die("dup2");
	if (close_range(6, ~0U, 0) != 0)
		die("close_range");
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	execv(command[0], command);
	die(command[0]);
}

static void answer(int fd, const struct ask *a)
{
	static uint8_t text[4096], frame[8192];
	struct wr body = wr_to(text, sizeof text), w = wr_to(frame, sizeof frame);
	struct jw j = jw_to(&body);
	struct answer out = {.ticket = a->ticket};
	struct err e;

	jw_obj(&j, NULL);
	jw_str(&j, "kind", ask_kind_name(a->kind));
	jw_str(&j, "role", role_name(a->role));
	jw_str(&j, "peer", a->peer);
	jw_int(&j, "size", (int64_t)a->body.n);
	if (a->kind == ASK_QUERY)
		jw_text(&j, "query", a->body);
	jw_end_obj(&j);
	out.body = wr_done(&body);
	if (a->kind == ASK_QUERY && view_is(a->body, "report/404"))
		out.why = WHY_UNKNOWN;
	if (answer_write(&w, &out) != 0 || ring_write(fd, wr_done(&w), &e) != 0)
		exit(2);
}

static void serve(int in, int out)
{
	struct ring_in ring;
	struct view message;
	struct ask a;
	struct err e;

	ring_open(&ring, in);
	while (ring_read(&ring, &message, &e) == 1) {
		if (ask_read(message, &a, &e) != 0) {
			fprintf(stderr, "echoring: %s\n", e.text);
			exit(2);
		}
		if (a.kind == ASK_QUERY && view_is(a.body, "explain/13"))
			(void)ring_write(out, VIEW("not an answer", 13), &e);
		else if (a.kind != ASK_QUERY || !view_is(a.body, "explain/99"))
			answer(out, &a);
	}
	ring_close(&ring);
}

static pid_t door;

static void pass_on(int sig)
{
	(void)kill(door, sig);
}

int main(int argc, char **argv)
{
	int asks[2], answers[2], status;

	if (argc < 4)
		return 2;
	int dirfd = open(argv[2], O_RDONLY | O_DIRECTORY), sock = listen_on(argv[1]);
	if (dirfd < 0 || pipe2(asks, O_CLOEXEC) != 0 || pipe2(answers, O_CLOEXEC) != 0)
		die("set-up");
	tell_port(sock, dirfd);
	door = fork();
	if (door == 0)
		start(answers[0], asks[1], sock, dirfd, argv + 3);
	(void)signal(SIGTERM, pass_on);
	(void)signal(SIGPIPE, SIG_IGN);
	close(answers[0]);
	close(asks[1]);
	close(sock);
	serve(asks[0], answers[1]);
	close(answers[1]);
	while (waitpid(door, &status, 0) < 0)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
