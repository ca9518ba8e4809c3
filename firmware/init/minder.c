#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "firmware/init/supervisor.h"

enum { DELAY_MIN_S = 2, DELAY_MAX_S = 300, STEADY_S = 60, GIVEN = 3, HIGH = 16 };

time_t minder_now(void)
{
	struct timespec t;

	return clock_gettime(CLOCK_MONOTONIC, &t) == 0 ? t.tv_sec : 0;
}

/* ---- in the child ---- */

static bool give_up_root(uid_t uid)
{
	static const struct rlimit none = {0, 0};

	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0); /* those this kernel does not know fail */
	return setrlimit(RLIMIT_CORE, &none) == 0 && setgroups(0, NULL) == 0 && setgid(uid) == 0 && setuid(uid) == 0 &&
	       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

/* Descriptors 0, 1 and 2, and 3 when there is one to give. */
static bool descriptors_set(int out, int socket)
{
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	int high_out = fcntl(out, F_DUPFD_CLOEXEC, HIGH),
	    high_socket = socket < 0 ? -1 : fcntl(socket, F_DUPFD_CLOEXEC, HIGH);

	if (nothing < 0 || high_out < 0 || (socket >= 0 && high_socket < 0) || dup2(nothing, 0) != 0 ||
	        dup2(high_out, 1) != 1 || dup2(high_out, 2) != 2)
		return false;
	if (socket >= 0 && dup2(high_socket, GIVEN) != GIVEN)
		return false;
	return close_range(socket >= 0 ? GIVEN + 1 : GIVEN, ~0U, 0) == 0;
}

static _Noreturn void become(const char *const argv[], uid_t uid, int out, int socket)
{
	char *const environment[] = {NULL};
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)setsid();
	if (descriptors_set(out, socket) && (uid == 0 || give_up_root(uid)))
		execve(argv[0], (char *const *)(uintptr_t)argv, environment);
	_exit(127);
}

/* ---- in the supervisor ---- */

static pid_t start(const char *const argv[], uid_t uid, int socket, int *out, struct err *e)
{
	int pipes[2];
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) != 0)
		return err_sys(e, "cannot start %s", argv[0]);
	pid = fork();
	if (pid == 0)
		become(argv, uid, pipes[1], socket);
	fd_close(pipes[1]);
	if (pid < 0) {
		err_sys(e, "cannot start %s", argv[0]);
		fd_close(pipes[0]);
		return -1;
	}
	*out = pipes[0];
	return pid;
}

int minder_start(struct task *t, struct err *e)
{
	int out = -1;
	pid_t pid = start(t->argv, t->uid, t->socket, &out, e);

	if (pid < 0)
		return -1;
	fd_close(t->out); /* something that it left behind may hold the other end */
	t->out = out;
	t->pid = pid;
	t->started = minder_now();
	t->said_n = 0;
	return 0;
}

static void line_end(struct task *t, struct screen *s)
{
	t->said[t->said_n] = 0;
	if (t->said_n > 0)
		screen_heard(s, t->said);
	t->said_n = 0;
}

bool minder_hear(struct task *t, struct screen *s)
{
	char buf[1024];
	ssize_t n = read(t->out, buf, sizeof buf);

	if (n <= 0)
		return n < 0 && errno == EINTR;
	for (ssize_t i = 0; i < n; i++) {
		if (buf[i] == '\n' || t->said_n == sizeof t->said - 1)
			line_end(t, s);
		if (buf[i] != '\n')
			t->said[t->said_n++] = buf[i];
	}
	return true;
}

void minder_ended(struct task *t, int status, struct screen *s)
{
	struct err e;
	time_t now = minder_now();

	t->pid = 0;
	t->delay_s = now - t->started > STEADY_S || t->delay_s == 0 ? DELAY_MIN_S
	             : t->delay_s * 2 > DELAY_MAX_S                 ? DELAY_MAX_S
	                                                            : t->delay_s * 2;
	t->due = now + (time_t)t->delay_s;
	if (!t->wanted)
		return;
	if (WIFSIGNALED(status))
		err_set(&e, WHY_SYSTEM, "%s was ended by signal %d; it starts again in %u s", t->name, WTERMSIG(status),
		        t->delay_s);
	else
		err_set(&e, WHY_SYSTEM, "%s ended with status %d; it starts again in %u s", t->name,
		        WEXITSTATUS(status), t->delay_s);
	screen_trouble(s, &e);
}

/* Our programs say "name: error: sentence", then perhaps "name: hint: way out"; others say what they like. */
static void keep_line(struct err *e, const char *line)
{
	const char *error = strstr(line, "error: "), *hint = strstr(line, "hint: ");

	if (error)
		err_set(e, WHY_REFUSED, "%s", error + strlen("error: "));
	else if (hint && e->why != WHY_NONE)
		err_hint(e, "%s", hint + strlen("hint: "));
	else if (*line && e->why == WHY_NONE)
		err_set(e, WHY_REFUSED, "%s", line);
}

static void hear_all(int fd, struct err *e)
{
	FILE *f = fdopen(fd, "r");
	char line[SCREEN_LINE_MAX];

	if (!f) {
		fd_close(fd);
		return;
	}
	while (fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = 0;
		keep_line(e, line);
	}
	(void)fclose(f);
}

int minder_run(const char *const argv[], struct err *e)
{
	struct err said = {0};
	int out = -1, status = 0;
	pid_t pid = start(argv, 0, -1, &out, e);

	if (pid < 0)
		return -1;
	hear_all(out, &said);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (said.why == WHY_NONE)
		return err_set(e, WHY_SYSTEM, "%s ended without a word", argv[0]);
	*e = said;
	return -1;
}
