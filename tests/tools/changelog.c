/* changelog LOG PCR: prints the log with one bit of the last measured event of that register changed, in its sha256 digest:
 * another boot loader, as far as anybody can tell from the measurements. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "firmware/firmware.h"

/* Where the digest of the register's last event that is not a separator stands, found by walking the log. */
static int find(struct view log, uint32_t pcr, size_t *at, struct err *e)
{
	struct eventlog l;
	struct event ev;
	bool found = false;
	int rc;

	if (eventlog_open(&l, log, e))
		return -1;
	while ((rc = eventlog_next(&l, &ev, e)) == 1) {
		const uint8_t *p = memmem(log.p, log.n, ev.digest, sizeof ev.digest);

		if (ev.pcr == pcr && ev.type != EV_SEPARATOR && ev.type != EV_NO_ACTION && p) {
			*at = (size_t)(p - log.p);
			found = true;
		}
	}
	if (rc == 0 && !found)
		return err_set(e, WHY_UNKNOWN, "the log has no event for PCR %u", pcr);
	return rc;
}

int main(int argc, char **argv)
{
	struct err e = {0};
	uint8_t *log = NULL;
	size_t n = 0, at = 0;

	log_name("changelog");
	if (argc != 3) {
		fputs("usage: changelog LOG PCR\n", stderr);
		return 2;
	}
	if (file_read(AT_FDCWD, argv[1], EVENTLOG_MAX, &log, &n, &e) ||
	        find(VIEW(log, n), (uint32_t)strtoul(argv[2], NULL, 10), &at, &e)) {
		log_err(&e);
		free(log);
		return 1;
	}
	log[at] ^= 1;
	if (fwrite(log, 1, n, stdout) != n)
		return 1;
	free(log);
	return 0;
}
