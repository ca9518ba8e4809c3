/* merestoned: starts the ring of an authority and watches it. It reads no request and holds no key.
 *
 * The table of powers. Each member is an executable of its own, started with an empty environment, its own directory as
 * the current one, its own user when we are root, and exactly the descriptors below; its system calls are the allowlist
 * that stands above its loop.
 *
 *   member   meets                 reads and writes           descriptors             may
 *   door     the network           door/    TLS key, blobs    3 answers 4 asks 5 TCP  accept, read, write
 *   judge    hostile bytes         judge/   nothing           3 asks    4 facts       fork workers that only compute
 *   decider  facts                 decider/ trust.db          3 facts   4 verdicts    files below its directory
 *   keeper   verdicts              keeper/  keys, once        3 verdicts 4 answers    compute, nothing else
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/ring.h"
#include "cmd/authority.h"
#include "cmd/libexec.h"

enum member { DOOR, JUDGE, DECIDER, KEEPER };
enum { EXTRA_FD = 5, PIPE_BYTES = 1 << 20, STOP_S = 10, CRASHES_MAX = 5, CRASHES_S = 60 };

static const struct power {
	const char *name;
	rlim_t files; /* RLIMIT_NOFILE */
} powers[RING_MEMBERS] = {
        [DOOR] = {"door", 16384},
        [JUDGE] = {"judge", 512},
        [DECIDER] = {"decider", 64},
        [KEEPER] = {"keeper", 32},
};

struct house {
	struct authority authority;
	int dir[RING_MEMBERS];    /* each member's directory */
	int binary[RING_MEMBERS]; /* each member's executable, opened before anybody loses rights */
	int listener;
	int passphrase; /* -1 without one */
	bool fork_each;
	pid_t pid[RING_MEMBERS];
};

static int open_house(struct house *h, const char *dir, const char *libexec, struct err *e)
{
	AUTO(fd_close) int base = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char path[PATH_MAX];

	if (base < 0)
		return err_sys(e, "authority directory %s", dir);
	if (authority_read(base, &h->authority, e))
		return err_in(e, "%s", dir);
	for (int i = 0; i < RING_MEMBERS; i++) {
		h->dir[i] = openat(base, powers[i].name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (h->dir[i] < 0)
			return err_sys(e, "%s/%s", dir, powers[i].name);
		if (authority_give(h->dir[i], (uid_t)(UID_BASE + i), e))
			return err_in(e, "%s/%s", dir, powers[i].name);
		if (snprintf(path, sizeof path, "%s/%s", libexec, powers[i].name) >= (int)sizeof path)
			return err_set(e, WHY_SYSTEM, "the path of %s is too long", powers[i].name);
		h->binary[i] = open(path, O_RDONLY | O_CLOEXEC);
		if (h->binary[i] < 0)
			return err_sys(e, "%s", path);
	}
	return authority_listen(&h->authority, &h->listener, e);
}

static void limit(__rlimit_resource_t resource, rlim_t most)
{
	struct rlimit r = {most, most}, now;

	if (getrlimit(resource, &now) == 0 && now.rlim_max < most)
		r.rlim_cur = r.rlim_max = now.rlim_max;
	if (setrlimit(resource, &r))
		_exit(126);
}

/* Descriptors are first moved out of the way, so that none is overwritten before it stands in its place. */
static void place_descriptors(int in, int out, int extra)
{
	int from[3] = {in, out, extra}, safe[3];

	for (int i = 0; i < 3; i++)
		safe[i] = from[i] < 0 ? -1 : fcntl(from[i], F_DUPFD_CLOEXEC, 16);
	for (int i = 0; i < 3; i++)
		if (safe[i] >= 0 && dup2(safe[i], RING_IN + i) < 0)
			_exit(126);
	for (int i = 0; i < 3; i++)
		if (safe[i] < 0)
			close(RING_IN + i);
}

/* Runs in the child; does not return. */
static void become(const struct house *h, enum member m, pid_t parent, int in, int out)
{
	int extra = m == DOOR ? h->listener : m == KEEPER ? h->passphrase : -1;
	int binary = fcntl(h->binary[m], F_DUPFD_CLOEXEC, 32);
	char workers[16];
	char *argv[8] = {(char *)powers[m].name, "--trust-domain", (char *)h->authority.trust_domain};
	char *envp[] = {NULL};
	sigset_t none;
	int n = 3;

	snprintf(workers, sizeof workers, "%u", h->authority.workers);
	if (m == JUDGE) {
		argv[1] = "--workers";
		argv[2] = workers;
		if (h->fork_each)
			argv[n++] = "--fork";
	} else if (m == KEEPER && h->passphrase >= 0) {
		argv[n++] = "--passphrase-fd";
		argv[n++] = "5";
	}
	sigemptyset(&none);
	if (binary < 0 || sigprocmask(SIG_SETMASK, &none, NULL) || fchdir(h->dir[m]))
		_exit(126);
	place_descriptors(in, out, extra);
	/* what whoever started us forgot to close is not for members */
	if (close_range(EXTRA_FD + 1, ~0U, CLOSE_RANGE_CLOEXEC))
		_exit(126);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NOFILE, powers[m].files);
	if (geteuid() == 0) {
		uid_t uid = (uid_t)(UID_BASE + (int)m);

		if (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
			_exit(126);
	}
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) || getppid() != parent)
		_exit(126);
	fexecve(binary, argv, envp);
	_exit(127);
}

static int start(struct house *h, struct err *e)
{
	int ends[RING_MEMBERS][2]; /* pipe i carries what member i reads */

	for (int i = 0; i < RING_MEMBERS; i++) {
		if (pipe2(ends[i], O_CLOEXEC))
			return err_sys(e, "pipe");
		(void)fcntl(ends[i][0], F_SETPIPE_SZ, PIPE_BYTES); /* speed only: the kernel may say no */
	}
	if (h->passphrase >= 0 && lseek(h->passphrase, 0, SEEK_SET) != 0)
		return err_sys(e, "the passphrase file can not be read again");
	for (int i = 0; i < RING_MEMBERS; i++) {
		pid_t parent = getpid();

		h->pid[i] = fork();
		if (h->pid[i] < 0)
			return err_sys(e, "fork for %s", powers[i].name);
		if (h->pid[i] == 0)
			become(h, (enum member)i, parent, ends[i][0], ends[(i + 1) % RING_MEMBERS][1]);
	}
	for (int i = 0; i < RING_MEMBERS; i++) {
		close(ends[i][0]);
		close(ends[i][1]);
	}
	return 0;
}

static void say_how_it_ended(const char *name, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		log_warn("%s was killed: it asked for a system call that is not in its allowlist", name);
	else if (WIFSIGNALED(status))
		log_warn("%s was killed by signal %d", name, WTERMSIG(status));
	else if (WEXITSTATUS(status) == 127)
		log_warn("%s could not be started", name);
	else
		log_warn("%s ended with status %d", name, WEXITSTATUS(status));
}

/* Reaps whoever has ended. Gives how many members are gone. */
static int reap(struct house *h, bool say)
{
	int status, gone = 0;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int i = 0; i < RING_MEMBERS; i++)
			if (h->pid[i] == pid) {
				h->pid[i] = 0;
				if (say)
					say_how_it_ended(powers[i].name, status);
			}
	for (int i = 0; i < RING_MEMBERS; i++)
		gone += h->pid[i] == 0;
	return gone;
}

/* The door goes first; the others end when their input does. Whoever is left after STOP_S is killed. */
static void stop(struct house *h, const sigset_t *signals)
{
	const struct timespec second = {1, 0};

	if (h->pid[DOOR] > 0)
		kill(h->pid[DOOR], SIGTERM);
	for (int i = 0; i < STOP_S && reap(h, false) < RING_MEMBERS; i++)
		sigtimedwait(signals, NULL, &second);
	for (int i = 0; i < RING_MEMBERS; i++)
		if (h->pid[i] > 0) {
			kill(h->pid[i], SIGKILL);
			waitpid(h->pid[i], NULL, 0);
			h->pid[i] = 0;
		}
}

/* A member that dies takes the ring with it: what was in flight is answered by nobody, so nothing half-done goes on. */
static int watch(struct house *h, struct err *e)
{
	time_t crashed[CRASHES_MAX] = {0};
	unsigned crashes = 0;
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	if (start(h, e))
		return -1;
	log_info("the authority of %s listens on %s", h->authority.trust_domain, h->authority.listen);
	for (;;) {
		int sig = sigwaitinfo(&signals, NULL);

		if (sig == SIGTERM || sig == SIGINT)
			break;
		if (sig != SIGCHLD || reap(h, true) == 0)
			continue;
		stop(h, &signals);
		time_t *oldest = &crashed[crashes++ % CRASHES_MAX], now = time(NULL);
		if (*oldest && now - *oldest < CRASHES_S)
			return err_set(
			        e, WHY_SYSTEM, "the ring broke %d times in %d seconds", CRASHES_MAX + 1, CRASHES_S);
		*oldest = now;
		log_warn("starting the ring again");
		if (start(h, e))
			return -1;
	}
	stop(h, &signals);
	log_info("stopped");
	return 0;
}

static int usage(void)
{
	fputs("usage: merestoned [--judge=pool|fork] [--passphrase-file FILE] DIRECTORY\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	        {"judge", required_argument, NULL, 'j'}, {"passphrase-file", required_argument, NULL, 'p'}, {0}};
	static struct house h = {.listener = -1, .passphrase = -1};
	char libexec[PATH_MAX];
	struct err e = {0};
	int opt;

	log_name("merestoned");
	signal(SIGPIPE, SIG_IGN);
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'j' && (strcmp(optarg, "fork") == 0 || strcmp(optarg, "pool") == 0)) {
			h.fork_each = optarg[0] == 'f';
		} else if (opt == 'p') {
			h.passphrase = open(optarg, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
			if (h.passphrase < 0) {
				err_sys(&e, "passphrase file %s", optarg);
				log_err(&e);
				return 3;
			}
		} else {
			return usage();
		}
	}
	if (optind + 1 != argc)
		return usage();
	libexec_find(libexec);
	if (open_house(&h, argv[optind], libexec, &e) || watch(&h, &e)) {
		log_err(&e);
		return 3;
	}
	return 0;
}
