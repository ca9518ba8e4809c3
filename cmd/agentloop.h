/* The verb `run` of merestone-agent. */
#ifndef CMD_AGENTLOOP_H
#define CMD_AGENTLOOP_H

#include "cmd/cli.h"
#include "federation/agent.h"

/* Until SIGTERM or SIGINT: 0. -1 when a helper has ended: who started us can start all of us again. A refusal or a
 * network that is away is logged, and tried again. CLI_USAGE when there are arguments. */
int agentloop_run(struct cli *c, struct agent *a, struct err *e);

#endif
