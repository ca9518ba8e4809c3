/* Any bytes as the header of a request, and as a target: never past an end, and what finds a route names what is a name. */
#include <stdlib.h>
#include <string.h>

#include "federation/doorway.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void try_target(enum method m, struct view target)
{
	const struct route *r;
	struct route_args a;
	struct err e;

	if (route_find(m, target, &r, &a, &e) != 0)
		return;
	if (r != route_peek(m, target) || r->method != m)
		abort();
	if (strstr(r->pattern, "{name}") && !name_ok(a.name))
		abort();
	if (r->does == DOES_BLOB_PUT && (strlen(a.upload) != 16 || a.last != a.has_sha256))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct scan s;
	struct view target;
	enum method m;
	struct peer peer = {0};
	struct err e;

	scan_start(&s);
	if (scan_feed(&s, VIEW(p, n)) > n)
		abort();
	if (scan_request(&s, &m, &target))
		try_target(m, target);
	try_target(METHOD_GET, VIEW(p, n));
	try_target(METHOD_PUT, VIEW(p, n));
	if (peer_of_uri(VIEW(p, n), "edge.example", &peer, &e) == 0 && !name_ok(peer.name))
		abort();
	return 0;
}
