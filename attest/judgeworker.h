/* judgeworker: the process that meets hostile bytes. For judge.c only. */
#ifndef ATTEST_JUDGEWORKER_H
#define ATTEST_JUDGEWORKER_H

#include "attest/attest.h"

/* What must be opened, fetched and seeded while that is still possible: before any filter, once, in the supervisor. */
int judgeworker_warm(struct err *e);
/* Takes its own sandbox, then reads asks from `in` and writes facts to `out` until `in` ends. Leaves after a case that
 * it refused as malformed: whatever that was, it meets nobody else. Returns the exit status. */
int judgeworker_run(int in, int out);

#endif
