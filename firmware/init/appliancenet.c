#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "firmware/init/appliance.h"

enum { RETRY_S = 2, PATIENCE = 3 }; /* links take a moment to come up */

static struct {
	bool wanted, dhcp, configured;
	unsigned missed; /* tries since it was there */
	struct netconf conf;
	char interface[INTERFACE_MAX];
	pid_t pid;
	int fd;
	time_t due;
} net = {.fd = -1};

void appliance_network(const struct site *site)
{
	net.wanted = true;
	net.dhcp = site->dhcp;
	net.conf = site->network;
}

bool appliance_network_ready(void)
{
	return net.configured || net.missed >= PATIENCE;
}

int appliance_network_fd(void)
{
	return net.fd;
}

static void missing(struct screen *s, const struct err *e)
{
	if (++net.missed == PATIENCE)
		screen_trouble(s, e);
	(void)snprintf(s->network, sizeof s->network, "none");
}

static void configure(struct screen *s, const struct netconf *c)
{
	char line[SCREEN_LINE_MAX], had[sizeof s->network];
	struct err e;

	if (network_configure(net.interface, c, &e) != 0) {
		missing(s, &e);
		return;
	}
	net.configured = true;
	net.missed = 0;
	memcpy(had, s->network, sizeof had);
	(void)snprintf(s->network, sizeof s->network, "%s %u.%u.%u.%u/%u", net.interface, c->address[0], c->address[1],
	        c->address[2], c->address[3], c->prefix);
	(void)snprintf(line, sizeof line, "merestone: the network is %s", s->network);
	if (strcmp(had, s->network) != 0)
		screen_say(s, line);
}

static void forget(void)
{
	fd_close(net.fd);
	net.fd = -1;
	net.due = minder_now() + RETRY_S;
}

void appliance_network_step(struct screen *s)
{
	uint8_t mac[MAC_LEN];
	struct err e;

	if (!net.wanted || net.pid || (net.configured && !net.dhcp) || net.due > minder_now())
		return;
	net.due = minder_now() + RETRY_S;
	if (network_interface(net.interface, mac, &e) != 0)
		missing(s, &e);
	else if (!net.dhcp)
		configure(s, &net.conf);
	else if ((net.fd = dhcprun_start(net.interface, mac, &net.pid, &e)) < 0)
		missing(s, &e);
}

/* The process that says it has read what anybody may send: its words are checked once more. */
void appliance_network_hear(struct screen *s)
{
	struct netconf c;
	struct err e;

	if (read(net.fd, &c, sizeof c) != (ssize_t)sizeof c) {
		forget();
		return;
	}
	if (c.prefix == 0) {
		err_set(&e, WHY_SYSTEM, "there is no network: nobody gives %s an address", net.interface);
		err_hint(&e, "a DHCP server, or an address in the site file");
		net.missed = net.missed < PATIENCE ? PATIENCE - 1 : net.missed; /* it was waited for */
		missing(s, &e);
	} else if (netconf_check(&c, &e) == 0) {
		configure(s, &c);
	}
}

void appliance_ended(pid_t pid, struct screen *s)
{
	struct err e;

	if (pid != net.pid)
		return;
	net.pid = 0;
	forget();
	err_set(&e, WHY_SYSTEM, "there is no network: the process that asks for an address has ended");
	missing(s, &e);
}
