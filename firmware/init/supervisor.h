/* supervisor: process 1 of the verified root. Private to firmware/init. */
#ifndef FIRMWARE_INIT_SUPERVISOR_H
#define FIRMWARE_INIT_SUPERVISOR_H

#include <sys/types.h>
#include <time.h>

#include "firmware/init/init.h"

/* Whose processes they are; /etc/passwd of the image has the same. */
enum { UID_QUOTER = 61210, UID_AGENT, UID_LOCATOR, UID_UPDATER, UID_DHCP };

/* ---- what people see (screen.c) ---- */

enum { SCREEN_LINE_MAX = 640 };

struct screen {           /* all that status.json and the console say */
	char version[32]; /* of the image */
	char name[NAME_CAP];
	char authority[64];
	char state[24];   /* "open", "in memory only" */
	char network[40]; /* "eth0 10.0.2.15/24", "none" */
	char ek[2 * SHA_LEN + 1];
	char enrolment[SCREEN_LINE_MAX]; /* the agent's last case */
	char sentence[SCREEN_LINE_MAX];  /* the last error, "" when all is well */
};

/* A line on every console, control characters replaced; tty0 shows the whole screen. */
void screen_say(struct screen *s, const char *line);
void screen_trouble(struct screen *s, const struct err *e);
/* A line that a process said: its program name is part of it. */
void screen_heard(struct screen *s, const char *line);
/* RUN_DIR/status.json and the screen of tty0, when something changed. */
void screen_show(struct screen *s);

/* ---- processes (minder.c) ---- */

struct task {
	const char *name;
	const char *argv[16];
	uid_t uid;
	bool wanted;
	int socket; /* given to it as descriptor 3; -1: none */
	pid_t pid;  /* 0: not running */
	int out;    /* what it says */
	unsigned delay_s;
	time_t started, due; /* monotonic seconds */
	size_t said_n;
	char said[SCREEN_LINE_MAX];
};

time_t minder_now(void); /* monotonic seconds */
/* Forks and executes under its own user, without capabilities, with nothing open but its socket and what it says. */
int minder_start(struct task *t, struct err *e);
/* Reads what it said; whole lines go to the screen. False when it closed its end. */
bool minder_hear(struct task *t, struct screen *s);
/* It has ended: the sentence, and when it is due again. Longer each time, unless it ran for a while. */
void minder_ended(struct task *t, int status, struct screen *s);
/* Runs a program as root to its end. -1 unless it ends with status 0: then with the sentence and the hint that it said. */
int minder_run(const char *const argv[], struct err *e);

/* ---- the network (network.c, dhcp.c, dhcprun.c) ---- */

enum { INTERFACE_MAX = 16, MAC_LEN = 6, DHCP_MAX = 1500 };

/* Ethernet interfaces are brought up. The first one with a cable, else WHY_SYSTEM with what is missing. */
int network_interface(char out[INTERFACE_MAX], uint8_t mac[MAC_LEN], struct err *e);
int network_loopback(struct err *e);
int network_configure(const char *interface, const struct netconf *c, struct err *e);

/* RFC 2131, pure. */
enum dhcp_type { DHCP_DISCOVER = 1, DHCP_OFFER, DHCP_REQUEST, DHCP_DECLINE, DHCP_ACK, DHCP_NAK };

struct dhcp {
	uint32_t xid;
	uint8_t mac[MAC_LEN];
	uint8_t server[IPV4_LEN]; /* of the offer */
	struct netconf conf;
};
void dhcp_write(struct wr *w, const struct dhcp *d, enum dhcp_type type);
/* An answer to this xid and mac: its type. DHCP_OFFER and DHCP_ACK fill server and conf. 0: it is not for us, or not one that
 * we take. */
enum dhcp_type dhcp_read(struct view v, struct dhcp *d);

/* Starts a process of its own user that asks for an address and keeps asking; gives the pipe it tells each struct netconf
 * on. */
int dhcprun_start(const char *interface, const uint8_t mac[MAC_LEN], pid_t *pid, struct err *e);

/* ---- the machine (lockdown.c, clockset.c) ---- */

/* No core dumps, no pointers of the kernel, no further modules. Each that fails is told to the screen. */
void lockdown_kernel(struct screen *s);
/* The packet rules. Without them there is no network. */
int lockdown_packets(const struct site *site, struct err *e);

/* A clock before the image's own files were made is unset: it is put to their time, and e says so (-1). */
int clockset_check(struct err *e);

#endif
