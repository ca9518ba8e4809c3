/* The process that asks for an address. What comes from the network is read here and nowhere else of ours but in the agent:
 * it has its own user, no file and few system calls. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sandbox.h"
#include "firmware/init/supervisor.h"

enum { PORT_CLIENT = 68, PORT_SERVER = 67, ANSWER_MS = 4000, TRIES = 3, RETRY_S = 10, OTHERS = 256 };

static int socket_open(const char *interface, struct err *e)
{
	const struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(PORT_CLIENT)};
	AUTO(fd_close) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int on = 1, own;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on) != 0 ||
	        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen(interface) + 1) != 0 ||
	        bind(fd, (const struct sockaddr *)&here, sizeof here) != 0)
		return err_sys(e, "the DHCP socket of %s", interface);
	own = fd;
	fd = -1;
	return own;
}

static bool say(int fd, const struct dhcp *d, enum dhcp_type type)
{
	const struct sockaddr_in all = {
	        .sin_family = AF_INET, .sin_port = htons(PORT_SERVER), .sin_addr.s_addr = htonl(INADDR_BROADCAST)};
	uint8_t packet[DHCP_MAX];
	struct wr w = wr_to(packet, sizeof packet);

	dhcp_write(&w, d, type);
	return sendto(fd, w.p, w.n, 0, (const struct sockaddr *)&all, sizeof all) == (ssize_t)w.n;
}

/* The type of the first answer that is ours; 0 when none comes in time. At most a handful of others is listened to. */
static enum dhcp_type hear(int fd, struct dhcp *d)
{
	uint8_t packet[DHCP_MAX + 1];
	struct pollfd p = {.fd = fd, .events = POLLIN};

	for (int i = 0; i < 32 && poll(&p, 1, ANSWER_MS) == 1; i++) {
		ssize_t n = recv(fd, packet, sizeof packet, 0);
		enum dhcp_type type = n > 0 ? dhcp_read(VIEW(packet, (size_t)n), d) : 0;

		if (type != 0)
			return type;
	}
	return 0;
}

static bool ask(int fd, struct dhcp *d, enum dhcp_type what, enum dhcp_type expected)
{
	for (int i = 0; i < TRIES; i++) {
		enum dhcp_type got = say(fd, d, what) ? hear(fd, d) : 0;

		if (got == expected)
			return true;
		if (got == DHCP_NAK)
			return false;
	}
	return false;
}

static bool lease_get(int fd, struct dhcp *d)
{
	return ask(fd, d, DHCP_DISCOVER, DHCP_OFFER) && ask(fd, d, DHCP_REQUEST, DHCP_ACK);
}

/* An address of zeros says that nobody answered. */
static _Noreturn void keep_asking(int fd, int out, struct dhcp *d)
{
	static const struct netconf none;
	bool held = false;

	for (;;) {
		held = (held && ask(fd, d, DHCP_REQUEST, DHCP_ACK)) || lease_get(fd, d);
		if (write(out, held ? &d->conf : &none, sizeof none) != (ssize_t)sizeof none)
			_exit(0);
		sleep(held ? d->conf.lease_s / 2 : RETRY_S);
	}
}

static const char *const powers[] = {"clock_nanosleep", "poll", "recvfrom", "sendto", "write", NULL};

static _Noreturn void become(int fd, int out, struct dhcp *d)
{
	struct err e;

	for (int other = 3; other < OTHERS; other++)
		if (other != fd && other != out)
			(void)close(other); /* the supervisor's */
	if (setgroups(0, NULL) == 0 && setgid(UID_DHCP) == 0 && setuid(UID_DHCP) == 0 && sandbox_early(&e) == 0 &&
	        sandbox_calls(powers, &e) == 0)
		keep_asking(fd, out, d);
	_exit(3);
}

int dhcprun_start(const char *interface, const uint8_t mac[MAC_LEN], pid_t *pid, struct err *e)
{
	AUTO(fd_close) int fd = socket_open(interface, e);
	struct dhcp d = {0};
	int pipes[2];

	if (fd < 0)
		return -1;
	memcpy(d.mac, mac, MAC_LEN);
	if (getrandom(&d.xid, sizeof d.xid, 0) != (ssize_t)sizeof d.xid || pipe2(pipes, O_CLOEXEC) != 0)
		return err_sys(e, "cannot ask for an address");
	*pid = fork();
	if (*pid == 0)
		become(fd, pipes[1], &d);
	fd_close(pipes[1]);
	if (*pid > 0)
		return pipes[0];
	fd_close(pipes[0]);
	return err_sys(e, "cannot ask for an address");
}
