/* cmddocument: the last step of every verb that changes what an authority believes. */
#ifndef CMD_CMDDOCUMENT_H
#define CMD_CMDDOCUMENT_H

#include "cmd/cli.h"
#include "policy/policy.h"

/* Signs the next version of the document (or the one that `version` says), sends it and tells what became of it. body is
 * borrowed; NULL when an argument could not be put into JSON. */
int cmddocument_put(
        struct cli *c, enum doc_kind kind, const char *name, const char *version, const json_t *body, struct err *e);

#endif
