/* appliance: what the supervisor makes of the machine before and while its processes run. */
#ifndef FIRMWARE_INIT_APPLIANCE_H
#define FIRMWARE_INIT_APPLIANCE_H

#include "firmware/init/supervisor.h"

/* What there is to know and to complain of: version, clock, TPM, and what first had to say (appliance.c). */
void appliance_facts(struct screen *s);
/* Opens and mounts the state, or goes on without one; then register 11 is extended with UP_EVENT. -1 when a TPM that is
 * there could not be told that. */
int appliance_state(struct screen *s, struct err *e);
/* Reads the site file, writes what the agent needs, sets the packet rules. False: the agent has nothing to run for. */
bool appliance_site(struct screen *s);
/* Gives the updater the idle slot and the ESP. False when they are not there. */
bool appliance_slots(struct screen *s);
/* What the updater asks for: a floor is set at once; true when it wants another start, and why. */
bool appliance_request(char why[SCREEN_LINE_MAX], struct screen *s);
/* Mounts a stick for it, and lets one go that was pulled (stick.c). */
void stick_look(struct screen *s);
void appliance_close(void); /* unmounts */

/* The network (appliancenet.c). */
void appliance_network(const struct site *site);
void appliance_network_step(struct screen *s); /* looks for an interface, tries again */
bool appliance_network_ready(void);            /* or given up waiting for: the agent works without one, too */
int appliance_network_fd(void);                /* what the DHCP process says comes here; -1: none */
void appliance_network_hear(struct screen *s);
void appliance_ended(pid_t pid, struct screen *s);

#endif
