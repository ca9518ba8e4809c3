#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"
#include "policy/decider.h"

enum { LINE = 20 + 1 + 2 * SHA_LEN + 1 }; /* case number, space, hash, newline */

static int rolled_back(const struct audit_head *anchor, const struct audit_head *head, struct err *e)
{
	err_set(e, WHY_SYSTEM,
	        "the store ends at case %" PRIu64 " and does not hold case %" PRIu64 " as it was answered",
	        head->case_no, anchor->case_no);
	return err_hint(e, "an old copy of trust.db would revive what was revoked; put the newest one in its place");
}

static int parse(const char *line, struct audit_head *out, struct err *e)
{
	if (line[20] != ' ' || line[LINE - 1] != '\n' || strspn(line, "0123456789") != 20 ||
	        (sscanf(line, "%20" SCNu64, &out->case_no)) != 1)
		return err_set(e, WHY_SYSTEM, "trust.head is not a case number and a hash");
	char hex[2 * SHA_LEN + 1];
	memcpy(hex, line + 21, 2 * SHA_LEN);
	hex[2 * SHA_LEN] = 0;
	return hex_get(out->hash, SHA_LEN, hex) ? err_set(e, WHY_SYSTEM, "trust.head is not a case number and a hash")
	                                        : 0;
}

static int compare(struct store *s, const struct audit_head *anchor, const struct audit_head *head, struct err *e)
{
	uint8_t previous[SHA_LEN], hash[SHA_LEN];
	struct view record;

	if (anchor->case_no > head->case_no)
		return rolled_back(anchor, head, e);
	if (anchor->case_no == 0)
		return 0;
	int got = audit_get(s, anchor->case_no, &record, previous, hash, e);
	sqlite3_reset(s->st[SQL_AUDIT_GET]);
	if (got < 0)
		return -1;
	return got == 1 && memcmp(hash, anchor->hash, SHA_LEN) == 0 ? 0 : rolled_back(anchor, head, e);
}

int anchor_open(struct store *s, const struct audit_head *head, struct err *e)
{
	int fd = open("trust.head", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	char line[LINE + 1] = "";
	struct audit_head anchor = {0};

	if (fd < 0)
		return err_sys(e, "cannot open trust.head");
	/* Shorter: never written, or a power cut came before the disk had it. The store has its own commits. */
	if (pread(fd, line, LINE, 0) == LINE && (parse(line, &anchor, e) || compare(s, &anchor, head, e))) {
		fd_close(fd);
		return -1;
	}
	return fd;
}

/* Not synced: behind a commit that is, it may lag and never leads. */
void anchor_move(int fd, const struct audit_head *head)
{
	char line[LINE + 1], hex[2 * SHA_LEN + 1];

	snprintf(line, sizeof line, "%020" PRIu64 " %s\n", head->case_no, hex_put(hex, head->hash, SHA_LEN));
	if (pwrite(fd, line, LINE, 0) != LINE)
		log_warn("trust.head could not be written: a store put back in time would not be noticed");
}
