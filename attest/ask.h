/* ask: the head that an ask and its facts have in common, byte for byte, so that the judge's supervisor can compare
 * them without reading on. For ask.c, facts.c and judge.c only. */
#ifndef ATTEST_ASK_H
#define ATTEST_ASK_H

#include "attest/attest.h"

/* be64 ticket, u8 kind, u8 role, be16-prefixed peer */
enum { ASK_HEAD_MAX = 8 + 1 + 1 + 2 + NAME_CAP };

void ask_head_write(struct wr *w, const struct ask *a);
/* Sets everything but the body. */
bool ask_head_read(struct rd *r, struct ask *a);

#endif
