/* fencebody: the body of a fence document, from a file or from the authority. */
#ifndef CMD_FENCEBODY_H
#define CMD_FENCEBODY_H

#include "base/sha.h"
#include "cmd/cli.h"

/* What `fence` names: a fence that the authority holds, or a file. NULL with the sentence; the caller frees. */
json_t *fencebody_open(struct cli *c, const char *fence, struct err *e);
/* SHA-256 in hexadecimal over the body in one form: members in order, no blanks. */
int fencebody_digest(const json_t *body, char out[2 * SHA_LEN + 1], struct err *e);

#endif
