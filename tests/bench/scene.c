#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cmd/kit.h"
#include "tests/bench/bench.h"

static int port_of(const char *url, unsigned *port, struct err *e)
{
	const char *colon = strrchr(url, ':');
	unsigned long n = colon ? strtoul(colon + 1, NULL, 10) : 0;

	if (n == 0 || n > 65535)
		return err_set(e, WHY_MALFORMED, "the kit's address %s has no port", url);
	*port = (unsigned)n;
	return 0;
}

int scene_open(struct scene *s, const char *authority, const char *log, struct err *e)
{
	struct kit kit;

	if (snprintf(s->ca_file, sizeof s->ca_file, "%s/ca.pem", authority) >= (int)sizeof s->ca_file ||
	        snprintf(s->kit, sizeof s->kit, "%s/officer", authority) >= (int)sizeof s->kit)
		return err_set(e, WHY_MALFORMED, "the path of the authority is too long");
	if (kit_open(s->kit, &kit, e) != 0)
		return -1;
	s->authority = TAKE(kit.authority);
	int bad = port_of(kit.url, &s->port, e);
	kit_close(&kit);
	if (bad || file_read(AT_FDCWD, log, EVENTLOG_MAX, &s->log, &s->nlog, e) != 0)
		return -1;
	return boot_read(VIEW(s->log, s->nlog), &s->boot, e);
}

void scene_close(struct scene *s)
{
	es256_free(s->authority);
	free(s->log);
}
