/* supervisor: process 1. It opens the state, locks the machine down, and keeps the quoter, the agent and the updater
 * running, each as its own user. What goes wrong is said, and tried again. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "firmware/init/appliance.h"

enum { READING_TIME_S = 10, END_S = 5 };
enum { QUOTER, AGENT, UPDATER, TASKS };

static struct task tasks[TASKS] = {
        [QUOTER] = {.name = "the quoter",
                .argv = {"/usr/libexec/merestone/quoter", "--state", QUOTER_STATE, "--tcti", "device:" TPM_SHARED,
                        "--eventlog", RUN_EVENTLOG, "--ima", IMA_LIST},
                .uid = UID_QUOTER,
                .socket = -1,
                .out = -1},
        [AGENT] = {.name = "the agent",
                .argv = {"/usr/bin/merestone-agent", "--config", RUN_DIR "/agent.json", "--quoter-fd", "3", "run"},
                .uid = UID_AGENT,
                .socket = -1,
                .out = -1},
        [UPDATER] = {.name = "the updater",
                .argv = {"/usr/libexec/merestone/updater", "run"},
                .uid = UID_UPDATER,
                .socket = -1,
                .out = -1},
};

/* ---- starting ---- */

static void start_one(struct task *t, struct screen *s)
{
	struct err e;

	if (minder_start(t, &e) != 0)
		screen_trouble(s, &e);
}

/* The two are one: a new quoter is a new socket, and an agent without its quoter can do nothing. */
static void start_pair(struct screen *s)
{
	struct task *quoter = &tasks[QUOTER], *agent = &tasks[AGENT];
	time_t now = minder_now();
	int pair[2];

	if (!agent->wanted || !appliance_network_ready() || quoter->pid || agent->pid || quoter->due > now ||
	        agent->due > now || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return;
	quoter->socket = pair[0];
	agent->socket = pair[1];
	start_one(quoter, s);
	if (quoter->pid)
		start_one(agent, s);
	fd_close(pair[0]);
	fd_close(pair[1]);
}

static void start_due(struct screen *s)
{
	start_pair(s);
	if (tasks[UPDATER].wanted && !tasks[UPDATER].pid && tasks[UPDATER].due <= minder_now())
		start_one(&tasks[UPDATER], s);
}

/* ---- ending ---- */

static void ended(pid_t pid, int status, struct screen *s)
{
	for (size_t i = 0; i < TASKS; i++)
		if (tasks[i].pid == pid) {
			minder_ended(&tasks[i], status, s);
			if (i == QUOTER && tasks[AGENT].pid)
				(void)kill(tasks[AGENT].pid, SIGTERM);
			if (i == AGENT && tasks[QUOTER].pid)
				(void)kill(tasks[QUOTER].pid, SIGTERM);
			return;
		}
	appliance_ended(pid, s);
}

static void reap(struct screen *s)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		ended(pid, status, s);
}

static _Noreturn void start_anew(struct screen *s, const char *why)
{
	char line[SCREEN_LINE_MAX];
	const time_t end = minder_now() + END_S;

	(void)snprintf(line, sizeof line, "merestone: this machine starts again: %s", why);
	screen_say(s, line);
	(void)kill(-1, SIGTERM);
	while (minder_now() < end && (waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD))
		(void)usleep(100 * 1000);
	(void)kill(-1, SIGKILL);
	sync();
	appliance_close();
	(void)reboot(RB_AUTOBOOT);
	for (;;)
		(void)pause(); /* the watchdog is not fed */
}

/* ---- the loop ---- */

static void listen_all(int signals, struct screen *s)
{
	struct pollfd p[TASKS + 2] = {
	        {.fd = signals, .events = POLLIN}, {.fd = appliance_network_fd(), .events = POLLIN}};
	struct signalfd_siginfo info;

	for (size_t i = 0; i < TASKS; i++)
		p[i + 2] = (struct pollfd){.fd = tasks[i].out, .events = POLLIN};
	if (poll(p, COUNT(p), 1000) <= 0)
		return;
	for (size_t i = 0; i < TASKS; i++)
		if (p[i + 2].revents && !minder_hear(&tasks[i], s)) {
			fd_close(tasks[i].out);
			tasks[i].out = -1;
		}
	if (p[1].revents)
		appliance_network_hear(s);
	if (p[0].revents && read(signals, &info, sizeof info) == (ssize_t)sizeof info && info.ssi_signo != SIGCHLD)
		start_anew(s, "it was asked to");
}

static _Noreturn void mind(int signals, struct screen *s)
{
	char why[SCREEN_LINE_MAX];
	time_t fed = 0;

	for (;;) {
		reap(s);
		appliance_network_step(s);
		start_due(s);
		if (tasks[UPDATER].wanted)
			stick_look(s);
		screen_show(s);
		if (minder_now() - fed >= WATCHDOG_FEED_S) {
			watchdog_feed();
			fed = minder_now();
		}
		if (appliance_request(why, s))
			start_anew(s, why);
		listen_all(signals, s);
	}
}

static int signals_open(void)
{
	sigset_t all;

	(void)sigemptyset(&all);
	(void)sigaddset(&all, SIGCHLD);
	(void)sigaddset(&all, SIGINT);
	(void)sigaddset(&all, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)reboot(RB_DISABLE_CAD);
	return signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
}

int main(void)
{
	static struct screen s;
	struct err e = {0};

	if (getpid() != 1)
		return 2;
	umask(022);
	int signals = signals_open();
	appliance_facts(&s);
	watchdog_open();
	/* Nothing may unseal behind this point: a machine that cannot promise that does not go on. */
	if (appliance_state(&s, &e) != 0) {
		screen_trouble(&s, &e);
		watchdog_feed();
		sleep(READING_TIME_S);
		start_anew(&s, "its TPM could not be told that it is up");
	}
	lockdown_kernel(&s);
	tasks[AGENT].wanted = appliance_site(&s);
	tasks[UPDATER].wanted = appliance_slots(&s) && access(tasks[UPDATER].argv[0], X_OK) == 0;
	screen_say(&s, "merestone: up");
	mind(signals, &s);
}
