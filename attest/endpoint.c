#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "attest/landmark.h"

enum { TEXT_MAX = 64 };

static const uint8_t MAPPED[12] = {[10] = 0xff, [11] = 0xff}; /* RFC 4291 2.5.5.2 */

static bool port_of(const char *s, uint16_t *out)
{
	char *end;

	if (*s < '0' || *s > '9' || strlen(s) > 5)
		return false;
	unsigned long n = strtoul(s, &end, 10);
	*out = (uint16_t)n;
	return *end == '\0' && n <= UINT16_MAX;
}

static bool ip_of(const char *s, uint8_t out[16])
{
	size_t n = strlen(s);
	char v6[TEXT_MAX];

	if (n > 2 && n < sizeof v6 && s[0] == '[' && s[n - 1] == ']') {
		memcpy(v6, s + 1, n - 2);
		v6[n - 2] = '\0';
		return inet_pton(AF_INET6, v6, out) == 1;
	}
	memcpy(out, MAPPED, sizeof MAPPED);
	return inet_pton(AF_INET, s, out + sizeof MAPPED) == 1;
}

int endpoint_parse(const char *s, struct endpoint *out, struct err *e)
{
	const char *colon = strrchr(s, ':');
	char ip[TEXT_MAX] = "";
	struct endpoint p;

	if (colon && (size_t)(colon - s) < sizeof ip)
		memcpy(ip, s, (size_t)(colon - s));
	if (!ip[0] || !ip_of(ip, p.ip) || !port_of(colon + 1, &p.port)) {
		err_set(e, WHY_MALFORMED, "\"%.80s\" is not an address and a port", s);
		return err_hint(e, "as in 192.0.2.1:5684 or [2001:db8::1]:5684");
	}
	*out = p;
	return 0;
}

bool endpoint_is_v4(const struct endpoint *p)
{
	return memcmp(p->ip, MAPPED, sizeof MAPPED) == 0;
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

socklen_t endpoint_sockaddr(const struct endpoint *p, struct sockaddr_storage *out)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(p->port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(p->port)};

	memset(out, 0, sizeof *out);
	if (endpoint_is_v4(p)) {
		memcpy(&v4.sin_addr, p->ip + sizeof MAPPED, sizeof v4.sin_addr);
		memcpy(out, &v4, sizeof v4);
		return sizeof v4;
	}
	memcpy(&v6.sin6_addr, p->ip, sizeof v6.sin6_addr);
	memcpy(out, &v6, sizeof v6);
	return sizeof v6;
}

bool endpoint_of(const struct sockaddr_storage *s, struct endpoint *out)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (s->ss_family == AF_INET) {
		memcpy(&v4, s, sizeof v4);
		memcpy(out->ip, MAPPED, sizeof MAPPED);
		memcpy(out->ip + sizeof MAPPED, &v4.sin_addr, sizeof v4.sin_addr);
		out->port = ntohs(v4.sin_port);
		return true;
	}
	memcpy(&v6, s, sizeof v6);
	memcpy(out->ip, &v6.sin6_addr, sizeof out->ip);
	out->port = ntohs(v6.sin6_port);
	return s->ss_family == AF_INET6;
}
