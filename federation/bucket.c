#include "federation/doorway.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

int bucket_address(int fd, uint8_t out[16])
{
	struct sockaddr_storage ss = {0};
	socklen_t n = sizeof ss;

	memset(out, 0, 16);
	if (getpeername(fd, (struct sockaddr *)&ss, &n) != 0)
		return -1;
	if (ss.ss_family == AF_INET6)
		memcpy(out, &((struct sockaddr_in6 *)&ss)->sin6_addr, 8); /* a /64 is one customer */
	else
		memcpy(out + 12, &((struct sockaddr_in *)&ss)->sin_addr, 4);
	return 0;
}

/* Two addresses may share a bucket: then they share its patience. The table never grows. */
bool bucket_take(struct buckets *bs, const uint8_t address[16], uint64_t now_ms)
{
	const uint64_t cost_ms = 1000 / BUCKET_PER_S, depth_ms = BUCKET_BURST * cost_ms;
	const struct view seeded[] = {VIEW_OF(bs->seed), VIEW(address, 16)};
	uint8_t d[SHA_LEN];

	sha256_n(d, seeded, COUNT(seeded));
	struct bucket *b = &bs->b[(d[0] << 8 | d[1]) % BUCKETS];
	uint64_t from = b->full_at_ms > now_ms ? b->full_at_ms : now_ms;
	if (from + cost_ms > now_ms + depth_ms)
		return false;
	b->full_at_ms = from + cost_ms;
	return true;
}
