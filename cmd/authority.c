#include "cmd/authority.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"

enum { AUTHORITY_JSON_MAX = 16 * 1024, WORKERS_MAX = 64, BACKLOG = 512, GIVE_DEPTH = 4 };

static int copy(char *to, size_t cap, const char *from, const char *what, struct err *e)
{
	size_t n = strlen(from);

	if (n == 0 || n >= cap)
		return err_set(e, WHY_MALFORMED, "%s is empty or longer than %zu characters", what, cap - 1);
	memcpy(to, from, n + 1);
	return 0;
}

static int parse(const json_t *j, struct authority *out, struct err *e)
{
	static const char *const members[] = {"format", "trust_domain", "listen", "hosts", "workers", NULL};
	const char *format, *domain, *address;
	int64_t workers;

	if (json_only(j, members, e) || json_get_str(j, "format", &format, e) ||
	        json_get_str(j, "trust_domain", &domain, e) || json_get_str(j, "listen", &address, e) ||
	        json_get_int(j, "workers", 1, WORKERS_MAX, &workers, e))
		return -1;
	if (strcmp(format, "merestone-authority/1") != 0)
		return err_set(e, WHY_MALFORMED, "format is \"%s\", expected \"merestone-authority/1\"", format);
	if (copy(out->trust_domain, sizeof out->trust_domain, domain, "trust_domain", e) ||
	        copy(out->listen, sizeof out->listen, address, "listen", e))
		return -1;
	out->workers = (unsigned)workers;
	return 0;
}

int authority_read(int dir, struct authority *out, struct err *e)
{
	AUTO(json_free) json_t *j = json_file(dir, "authority.json", AUTHORITY_JSON_MAX, e);

	if (!j)
		return err_hint(e, "make an authority with: merestone init DIR --trust-domain NAME");
	return parse(j, out, e) ? err_in(e, "authority.json") : 0;
}

/* "127.0.0.1:8443" or "[::1]:8443"; names are not looked up: an authority says where it stands. */
static int address_of(const char *text, struct sockaddr_storage *sa, socklen_t *len, struct err *e)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)sa;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)sa;
	const char *colon = strrchr(text, ':');
	char host[64] = "", *end = NULL;
	size_t n = colon ? (size_t)(colon - text) : 0;
	unsigned long port = colon ? strtoul(colon + 1, &end, 10) : 0;

	memset(sa, 0, sizeof *sa);
	if (!colon || n == 0 || n >= sizeof host || !end || *end || port == 0 || port > 65535)
		return err_set(
		        e, WHY_MALFORMED, "listen is \"%s\", expected an address and a port like 127.0.0.1:8443", text);
	memcpy(host, text, n);
	if (host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		*len = sizeof *v6;
		if (inet_pton(AF_INET6, host + 1, &v6->sin6_addr) == 1)
			return 0;
	} else {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		*len = sizeof *v4;
		if (inet_pton(AF_INET, host, &v4->sin_addr) == 1)
			return 0;
	}
	return err_set(e, WHY_MALFORMED, "listen is \"%s\": the address must be numeric", text);
}

int authority_listen(const struct authority *a, int *out, struct err *e)
{
	AUTO(fd_close) int fd = -1;
	struct sockaddr_storage sa;
	socklen_t len = 0;
	int one = 1;

	if (address_of(a->listen, &sa, &len, e))
		return -1;
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(e, "socket for %s", a->listen);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) ||
	        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one))
		return err_sys(e, "socket options for %s", a->listen);
	if (bind(fd, (struct sockaddr *)&sa, len) || listen(fd, BACKLOG)) {
		int busy = errno == EADDRINUSE;

		err_sys(e, "cannot listen on %s", a->listen);
		return busy ? err_hint(e, "another program holds this port: stop it, or change \"listen\" in "
		                          "authority.json")
		            : -1;
	}
	*out = fd;
	fd = -1;
	return 0;
}

static int give_entry(int dir, const char *name, uid_t uid, int depth, struct err *e);

static int give_below(int dir, uid_t uid, int depth, struct err *e)
{
	int again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = again < 0 ? NULL : fdopendir(again);
	struct dirent *entry;
	int rc = 0;

	if (!d) {
		err_sys(e, "cannot list a directory of the authority");
		fd_close(again);
		return -1;
	}
	while (rc == 0 && (entry = readdir(d)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			rc = give_entry(dir, entry->d_name, uid, depth, e);
	closedir(d);
	return rc;
}

static int give_entry(int dir, const char *name, uid_t uid, int depth, struct err *e)
{
	AUTO(fd_close) int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return err_sys(e, "%s", name);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return err_set(e, WHY_SYSTEM, "%s is neither a file nor a directory", name);
	if (fchown(fd, uid, uid) || fchmod(fd, S_ISDIR(st.st_mode) ? 0700 : 0600))
		return err_sys(e, "%s", name);
	if (S_ISDIR(st.st_mode) && depth > 0)
		return give_below(fd, uid, depth - 1, e);
	return 0;
}

int authority_give(int dir, uid_t uid, struct err *e)
{
	if (geteuid() != 0)
		return 0;
	if (fchown(dir, uid, uid) || fchmod(dir, 0700))
		return err_sys(e, "cannot give a directory to user %u", (unsigned)uid);
	return give_below(dir, uid, GIVE_DEPTH, e);
}
