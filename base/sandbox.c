#include "base/sandbox.h"

#include <errno.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define SANITIZED 1
#endif

#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14) /* Linux 6.2 */
#endif

#ifdef SANITIZED
/* What the run-time needs to manage its shadow and to print a report. */
static const char *const sanitizer_calls[] = {"brk", "close", "exit", "fstat", "futex", "getpid", "getrlimit", "gettid",
        "kill", "lseek", "madvise", "mmap", "mprotect", "mremap", "munmap", "newfstatat", "prlimit64", "read",
        "readlink", "rt_sigaction", "rt_sigprocmask", "sched_getaffinity", "sched_yield", "sigaltstack", "sysinfo",
        "tgkill", "write", "writev", NULL};

/* The leak check starts a thread that traces this one, which no sandbox here allows. */
static int sealed;
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
	return sealed;
}
#endif

int sandbox_early(struct err *e)
{
	static const struct rlimit none = {0, 0};

	umask(077);
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return err_sys(e, "cannot ignore SIGPIPE");
	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return err_sys(e, "cannot forbid core dumps");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_sys(e, "cannot give up new privileges");
#ifndef SANITIZED
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return err_sys(e, "cannot forbid tracing");
#endif
	return 0;
}

/* The rights that the kernel knows: asking for one that it does not is an error. */
static uint64_t known_rights(long abi)
{
	uint64_t rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;

	if (abi >= 2)
		rights |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		rights |= LANDLOCK_ACCESS_FS_TRUNCATE;
	return rights;
}

/* Files and directories may be made, read, written, renamed and removed; nothing executed, no device, no socket. */
static int allow_beneath(int ruleset, int dirfd, uint64_t known)
{
	struct landlock_path_beneath_attr beneath = {
	        .allowed_access = known & (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
	                                          LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
	                                          LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
	                                          LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REFER |
	                                          LANDLOCK_ACCESS_FS_TRUNCATE),
	        .parent_fd = dirfd,
	};

	return (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
}

int sandbox_files(int dirfd, bool *enforced, struct err *e)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	*enforced = false;
	if (abi < 1)
		return 0;
	struct landlock_ruleset_attr attr = {.handled_access_fs = known_rights(abi)};
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
	if (ruleset < 0)
		return err_sys(e, "cannot make a Landlock ruleset");
	int bad = (dirfd >= 0 && allow_beneath(ruleset, dirfd, attr.handled_access_fs) != 0) ||
	          prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || syscall(SYS_landlock_restrict_self, ruleset, 0) != 0;
	if (bad)
		err_sys(e, "cannot enforce a Landlock ruleset");
	close(ruleset);
	if (bad)
		return -1;
	*enforced = true;
	return 0;
}

static int allow(scmp_filter_ctx ctx, const char *name, struct err *e)
{
	int nr = seccomp_syscall_resolve_name(name);

	if (nr == __NR_SCMP_ERROR)
		return err_set(e, WHY_SYSTEM, "no system call is called %s", name);
	int bad = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0);
	if (bad != 0 && bad != -EEXIST) {
		errno = -bad;
		return err_sys(e, "cannot allow the system call %s", name);
	}
	return 0;
}

static int allow_all(scmp_filter_ctx ctx, const char *const names[], struct err *e)
{
	for (; *names; names++)
		if (allow(ctx, *names, e) != 0)
			return -1;
	return 0;
}

/* OpenSSL and libc look for optional files at odd moments; "there is none" is an answer they can live with. */
static int files_are_absent(scmp_filter_ctx ctx, const char *const allowed[], struct err *e)
{
	for (; *allowed; allowed++)
		if (strcmp(*allowed, "openat") == 0)
			return 0;
	int bad = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOENT), SCMP_SYS(openat), 0);
	if (bad != 0) {
		errno = -bad;
		return err_sys(e, "cannot refuse the system call openat");
	}
	return 0;
}

static int build(scmp_filter_ctx ctx, const char *const allowed[], struct err *e)
{
	/* A process can always end, and come back from a signal. */
	static const char *const always[] = {"exit_group", "rt_sigreturn", "restart_syscall", NULL};

	seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree: the list's order costs nothing */
	if (allow_all(ctx, allowed, e) != 0 || allow_all(ctx, always, e) != 0 || files_are_absent(ctx, allowed, e) != 0)
		return -1;
#ifdef SANITIZED
	if (allow_all(ctx, sanitizer_calls, e) != 0)
		return -1;
#endif
	int bad = seccomp_load(ctx);
	if (bad != 0) {
		errno = -bad;
		return err_sys(e, "cannot load the system call filter");
	}
	return 0;
}

int sandbox_calls(const char *const allowed[], struct err *e)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);

	if (!ctx)
		return err_set(e, WHY_SYSTEM, "cannot make a system call filter");
	int bad = build(ctx, allowed, e);
	seccomp_release(ctx);
#ifdef SANITIZED
	sealed = bad == 0;
#endif
	return bad;
}
