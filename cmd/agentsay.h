/* What merestone-agent says on standard output; with --json the same members for a yes and for a no. */
#ifndef CMD_AGENTSAY_H
#define CMD_AGENTSAY_H

#include "cmd/cli.h"
#include "federation/agent.h"

/* The last result with the leases that are here. 0 when it admits the machine somewhere, else -1 and refused. */
int agentsay_result(const struct cli *c, const struct agent *a, struct err *e);
/* -1, always. A refusal for programs; the sentence for people goes to standard error as always. */
int agentsay_refusal(const struct cli *c, const json_t *answer, const struct err *e);
/* rc, with which a dataset was put or got; e is why when it is not 0. */
int agentsay_data(const struct cli *c, const struct agent *a, const char *dataset, int rc, const struct err *e);
/* -1, always. Nothing could be asked: programs get the same members as of a refusal. */
int agentsay_closed(const struct cli *c, const struct err *e);

#endif
