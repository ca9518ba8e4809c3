#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "firmware/init/supervisor.h"

#define INTERFACES "/sys/class/net"
enum { LOOKS = 6 };

static struct ifreq request_for(const char *interface)
{
	struct ifreq r = {0};

	(void)snprintf(r.ifr_name, sizeof r.ifr_name, "%.*s", INTERFACE_MAX - 1, interface);
	return r;
}

static int bring_up(int fd, const char *interface)
{
	struct ifreq r = request_for(interface);

	if (ioctl(fd, SIOCGIFFLAGS, &r) != 0)
		return -1;
	r.ifr_flags = (short)(r.ifr_flags | IFF_UP);
	return ioctl(fd, SIOCSIFFLAGS, &r);
}

static int set_address(int fd, const char *interface, unsigned long what, const uint8_t a[IPV4_LEN])
{
	struct ifreq r = request_for(interface);
	struct sockaddr_in in = {.sin_family = AF_INET};

	memcpy(&in.sin_addr, a, IPV4_LEN);
	memcpy(&r.ifr_addr, &in, sizeof in);
	return ioctl(fd, what, &r);
}

static int set_gateway(int fd, const uint8_t a[IPV4_LEN])
{
	struct sockaddr_in any = {.sin_family = AF_INET}, via = any;
	struct rtentry route = {.rt_flags = RTF_UP | RTF_GATEWAY};

	memcpy(&via.sin_addr, a, IPV4_LEN);
	memcpy(&route.rt_dst, &any, sizeof any);
	memcpy(&route.rt_genmask, &any, sizeof any);
	memcpy(&route.rt_gateway, &via, sizeof via);
	return ioctl(fd, SIOCADDRT, &route) != 0 && errno != EEXIST ? -1 : 0;
}

int network_configure(const char *interface, const struct netconf *c, struct err *e)
{
	AUTO(fd_close) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint32_t mask = htonl(~(~0U >> c->prefix));
	uint8_t m[IPV4_LEN];

	memcpy(m, &mask, sizeof m);
	if (fd < 0 || set_address(fd, interface, SIOCSIFADDR, c->address) != 0 ||
	        set_address(fd, interface, SIOCSIFNETMASK, m) != 0 || bring_up(fd, interface) != 0 ||
	        (c->has_gateway && set_gateway(fd, c->gateway) != 0))
		return err_sys(e, "the address of %s", interface);
	return 0;
}

int network_loopback(struct err *e)
{
	AUTO(fd_close) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd < 0 || bring_up(fd, "lo") != 0 ? err_sys(e, "the loopback interface") : 0;
}

static bool ethernet(int fd, const char *interface, uint8_t mac[MAC_LEN])
{
	struct ifreq r = request_for(interface);

	if (ioctl(fd, SIOCGIFHWADDR, &r) != 0 || r.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return false;
	memcpy(mac, r.ifr_hwaddr.sa_data, MAC_LEN);
	return true;
}

static bool has_cable(int fd, const char *interface)
{
	struct ifreq r = request_for(interface);

	return ioctl(fd, SIOCGIFFLAGS, &r) == 0 && (r.ifr_flags & IFF_RUNNING);
}

/* The first with a cable in the order of names, so that two starts of one machine choose alike; out is "" without one.
 * How many there are. */
static size_t look(int fd, char out[INTERFACE_MAX], uint8_t mac[MAC_LEN])
{
	DIR *d = opendir(INTERFACES);
	struct dirent *entry;
	uint8_t its[MAC_LEN];
	size_t seen = 0;

	out[0] = 0;
	while (d && (entry = readdir(d))) {
		if (strlen(entry->d_name) >= INTERFACE_MAX || !ethernet(fd, entry->d_name, its))
			continue;
		seen++;
		if (bring_up(fd, entry->d_name) != 0 || !has_cable(fd, entry->d_name) ||
		        (out[0] && strcmp(out, entry->d_name) < 0))
			continue;
		(void)snprintf(out, INTERFACE_MAX, "%.*s", INTERFACE_MAX - 1, entry->d_name);
		memcpy(mac, its, MAC_LEN);
	}
	if (d)
		closedir(d);
	return seen;
}

int network_interface(char out[INTERFACE_MAX], uint8_t mac[MAC_LEN], struct err *e)
{
	const struct timespec moment = {.tv_nsec = 50 * 1000000};
	AUTO(fd_close) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t seen = look(fd, out, mac);

	for (int i = 0; i < LOOKS && seen > 0 && !out[0]; i++) { /* those of virtual machines come up at once */
		(void)nanosleep(&moment, NULL);
		seen = look(fd, out, mac);
	}
	if (out[0])
		return 0;
	if (seen > 0)
		return err_set(e, WHY_SYSTEM, "there is no network: no cable in any of the machine's interfaces");
	err_set(e, WHY_SYSTEM, "there is no network: the kernel found no interface");
	return err_hint(e, "its driver may not be in this variant of the image");
}
