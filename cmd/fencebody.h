/* fencebody: the body of a fence document, from a file or from the authority. */
#ifndef CMD_FENCEBODY_H
#define CMD_FENCEBODY_H

#include "cmd/cli.h"

/* What `fence` names: a fence that the authority holds, or a file. NULL with the sentence; the caller frees. */
json_t *fencebody_open(struct cli *c, const char *fence, struct err *e);

#endif
