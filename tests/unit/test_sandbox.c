#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sandbox.h"

/* The wait status of a child that does fn and ends with what it returns. */
static int in_child(int (*fn)(void))
{
	int status = -1;
	pid_t child = fork();

	if (child == 0)
		_exit(fn());
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static int gave_up_early(void)
{
	struct err e;
	struct rlimit core;

	if (sandbox_early(&e) != 0 || getrlimit(RLIMIT_CORE, &core) != 0)
		return 1;
	return core.rlim_max != 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || umask(0) != 077 ||
	       signal(SIGPIPE, SIG_DFL) != SIG_IGN;
}

static void core_dumps_and_new_privileges_are_given_up(void **s)
{
	(void)s;
	assert_int_equal(in_child(gave_up_early), 0);
}

static const char *const few[] = {"write", "close", NULL};

static int stays_within_its_list(void)
{
	struct err e;

	return sandbox_calls(few, &e) != 0 || write(STDERR_FILENO, "", 0) != 0;
}

static int opens_a_socket(void)
{
	struct err e;

	if (sandbox_calls(few, &e) != 0)
		return 1;
	return socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? 2 : 3;
}

static int opens_a_file(void)
{
	struct err e;

	if (sandbox_calls(few, &e) != 0)
		return 1;
	return open("/dev/null", O_RDONLY | O_CLOEXEC) == -1 && errno == ENOENT ? 0 : 2;
}

static int starts_a_program(void)
{
	struct err e;
	char *argv[] = {NULL};

	if (sandbox_calls(few, &e) != 0)
		return 1;
	execve("/bin/true", argv, argv);
	return 2;
}

static void a_call_that_is_listed_works(void **s)
{
	(void)s;
	assert_int_equal(in_child(stays_within_its_list), 0);
}

static void a_call_that_is_not_listed_kills(void **s)
{
	int status[2] = {in_child(opens_a_socket), in_child(starts_a_program)};

	(void)s;
	for (int i = 0; i < 2; i++) {
		assert_true(WIFSIGNALED(status[i]));
		assert_int_equal(WTERMSIG(status[i]), SIGSYS);
	}
}

static void a_file_is_absent_unless_opening_is_listed(void **s)
{
	(void)s;
	assert_int_equal(in_child(opens_a_file), 0);
}

static void a_list_with_an_unknown_call_is_refused(void **s)
{
	static const char *const wrong[] = {"wriet", NULL};
	struct err e;

	(void)s;
	assert_refused(sandbox_calls(wrong, &e), &e, WHY_SYSTEM);
	assert_string_equal(e.text, "no system call is called wriet");
}

static char where[] = "/tmp/merestone-test-XXXXXX";

/* 77: this kernel has no Landlock. */
static int works_beneath_one_directory(void)
{
	struct err e;
	bool enforced;
	int dir = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0 || sandbox_files(dir, &enforced, &e) != 0)
		return 1;
	if (!enforced)
		return 77;
	if (openat(dir, "a", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0 || renameat(dir, "a", dir, "b") != 0 ||
	        unlinkat(dir, "b", 0) != 0)
		return 2;
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC) == -1 && errno == EACCES ? 0 : 3;
}

static int works_without_files(void)
{
	struct err e;
	bool enforced;

	if (sandbox_files(-1, &enforced, &e) != 0)
		return 1;
	if (!enforced)
		return 77;
	return open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC) == -1 && errno == EACCES ? 0 : 3;
}

static void files_stay_beneath_their_directory(void **s)
{
	(void)s;
	assert_non_null(mkdtemp(where));
	int one = in_child(works_beneath_one_directory), none = in_child(works_without_files);
	rmdir(where);
	if (WEXITSTATUS(one) == 77)
		skip();
	assert_int_equal(one, 0);
	assert_int_equal(none, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(core_dumps_and_new_privileges_are_given_up),
	        cmocka_unit_test(a_call_that_is_listed_works),
	        cmocka_unit_test(a_call_that_is_not_listed_kills),
	        cmocka_unit_test(a_file_is_absent_unless_opening_is_listed),
	        cmocka_unit_test(a_list_with_an_unknown_call_is_refused),
	        cmocka_unit_test(files_stay_beneath_their_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
