/* sandbox: what a process gives up before it meets hostile bytes. The allowlist stands above the loop it guards. */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include <stdbool.h>

#include "base/err.h"

/* No core dumps, no ptrace by the same user, no new privileges, umask 077, SIGPIPE ignored. Call first. */
int sandbox_early(struct err *e);
/* Landlock: from now on files only beneath the directory dirfd (read and write), or none at all when dirfd is -1.
 * A kernel without Landlock is not an error; *enforced says which it is. */
int sandbox_files(int dirfd, bool *enforced, struct err *e);
/* seccomp: kill the process at any system call that is not in the list (libseccomp names, NULL-terminated).
 * exit_group and the return from a signal are always allowed; what sanitizers need is added in sanitized builds only.
 * openat gives ENOENT unless it is listed. */
int sandbox_calls(const char *const allowed[], struct err *e);

#endif
