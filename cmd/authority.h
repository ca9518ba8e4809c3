/* authority: what merestoned reads before it starts anybody: authority.json and the table of powers. */
#ifndef CMD_AUTHORITY_H
#define CMD_AUTHORITY_H

#include <sys/types.h>

#include "base/err.h"

enum { RING_MEMBERS = 4, UID_BASE = 61200 }; /* systemd's range of users that need no entry in /etc/passwd */

struct authority {
	char trust_domain[256];
	char listen[128]; /* numeric address and port, "127.0.0.1:8443" or "[::1]:8443" */
	unsigned workers; /* judges in the pool */
};

/* Reads authority.json in the directory dir. */
int authority_read(int dir, struct authority *out, struct err *e);
/* A listening socket with TCP_NODELAY; the sentence names the address when it is in use. */
int authority_listen(const struct authority *a, int *fd, struct err *e);
/* When we are root: the member's directory and all in it belong to uid from now on, 0700 and 0600. */
int authority_give(int dir, uid_t uid, struct err *e);

#endif
