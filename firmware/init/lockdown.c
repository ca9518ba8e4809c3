#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "firmware/init/supervisor.h"

static const struct {
	const char *path, *value;
} settings[] = {
        {"/proc/sys/kernel/core_pattern", "|/bin/false"},
        {"/proc/sys/fs/suid_dumpable", "0"},
        {"/proc/sys/kernel/kptr_restrict", "2"},
        {"/proc/sys/kernel/dmesg_restrict", "1"},
        {"/proc/sys/kernel/yama/ptrace_scope", "3"},
        {"/proc/sys/kernel/unprivileged_bpf_disabled", "1"},
        {"/proc/sys/kernel/sysrq", "0"},
        {"/proc/sys/kernel/kexec_load_disabled", "1"},
        {"/proc/sys/kernel/io_uring_disabled", "2"}, /* Linux 6.6 */
        {"/proc/sys/user/max_user_namespaces", "0"},
        {"/proc/sys/vm/mmap_min_addr", "65536"},
        {"/proc/sys/net/ipv4/conf/all/accept_redirects", "0"},
        {"/proc/sys/net/ipv4/conf/all/accept_source_route", "0"},
        {"/proc/sys/net/ipv6/conf/all/disable_ipv6", "1"},
        {"/proc/sys/net/ipv6/conf/default/disable_ipv6", "1"},
        {"/proc/sys/kernel/modules_disabled", "1"},
};

static int put(const char *path, const char *value)
{
	AUTO(fd_close) int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value) ? 0 : -1;
}

void lockdown_kernel(struct screen *s)
{
	struct err e;

	for (size_t i = 0; i < COUNT(settings); i++)
		if (put(settings[i].path, settings[i].value) != 0 && errno != ENOENT) {
			err_sys(&e, "%s", settings[i].path);
			screen_trouble(s, &e);
		}
}

/* Without a site there is no authority: an address for documents (RFC 5737) stands in, where nobody is. */
int lockdown_packets(const struct site *site, struct err *e)
{
	char authority[64], port[32];
	const char *const argv[] = {"/usr/sbin/nft", "-D", authority, "-D", port, "-f", "/etc/nftables.conf", NULL};

	(void)snprintf(authority, sizeof authority, "AUTHORITY=%s", site ? site->host : "192.0.2.1");
	(void)snprintf(port, sizeof port, "PORT=%u", site ? site->port : 9U);
	return minder_run(argv, e) == 0 ? 0 : err_in(e, "the packet rules do not hold, so there is no network");
}
