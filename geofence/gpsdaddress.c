#include "geofence/gpsdaddress.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static bool port_of(const char *text, in_port_t *out)
{
	char *end;
	long port = strtol(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != 0 || port < 1 || port > 65535)
		return false;
	*out = htons((uint16_t)port);
	return true;
}

int gpsdaddress_read(const char *text, struct gpsdaddress *out, struct err *e)
{
	struct gpsdaddress got = {0};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&got.at;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&got.at;
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN] = "";
	size_t n = colon != NULL ? (size_t)(colon - text) : 0;
	bool six = n > 2 && text[0] == '[' && colon[-1] == ']';
	size_t skip = six ? 1 : 0;

	if (n - 2 * skip < sizeof host)
		memcpy(host, text + skip, n - 2 * skip);
	if (six && inet_pton(AF_INET6, host, &v6->sin6_addr) == 1 && port_of(colon + 1, &v6->sin6_port)) {
		v6->sin6_family = AF_INET6;
		got.n = sizeof *v6;
		*out = got;
		return 0;
	}
	if (!six && inet_pton(AF_INET, host, &v4->sin_addr) == 1 && port_of(colon + 1, &v4->sin_port)) {
		v4->sin_family = AF_INET;
		got.n = sizeof *v4;
		*out = got;
		return 0;
	}
	err_set(e, WHY_MALFORMED, "gpsd: %.80s is no address and port", text);
	return err_hint(e, "for example 127.0.0.1:2947 or [::1]:2947");
}
