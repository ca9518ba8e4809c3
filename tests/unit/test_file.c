#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static int dir = -1;
static char where[] = "/tmp/merestone-test-XXXXXX";

static int set_up(void **s)
{
	(void)s;
	if (!mkdtemp(where))
		return -1;
	dir = open(where, O_RDONLY | O_DIRECTORY);
	return dir < 0 ? -1 : 0;
}

static int tear_down(void **s)
{
	static const char *const files[] = {"a", "a.tmp", "link", "fifo", "outside"};

	(void)s;
	for (size_t i = 0; i < COUNT(files); i++)
		unlinkat(dir, files[i], 0);
	unlinkat(dir, "sub", AT_REMOVEDIR);
	close(dir);
	return rmdir(where);
}

static void assert_holds(const char *path, const char *text)
{
	uint8_t *p;
	size_t n;
	struct err e;

	assert_accepted(file_read(dir, path, 4096, &p, &n, &e), &e);
	assert_string_equal((char *)p, text);
	assert_int_equal(n, strlen(text));
	free(p);
}

static void a_written_file_reads_back_with_its_mode(void **s)
{
	struct err e;
	struct stat st;
	mode_t old = umask(077);

	(void)s;
	assert_accepted(file_write(dir, "a", VIEW("first", 5), 0644, &e), &e);
	umask(old);
	assert_holds("a", "first");
	assert_int_equal(fstatat(dir, "a", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_accepted(file_write(dir, "a", VIEW(NULL, 0), 0600, &e), &e);
	assert_holds("a", "");
	assert_int_equal(faccessat(dir, "a.tmp", F_OK, 0), -1);
}

static void a_crash_before_the_rename_leaves_the_old_file(void **s)
{
	struct err e;

	(void)s;
	assert_accepted(file_write(dir, "a", VIEW("old", 3), 0600, &e), &e);
	assert_accepted(file_write(dir, "outside", VIEW("mine", 4), 0600, &e), &e);
	assert_int_equal(symlinkat("outside", dir, "a.tmp"), 0);
	assert_holds("a", "old");
	assert_accepted(file_write(dir, "a", VIEW("new", 3), 0600, &e), &e);
	assert_holds("a", "new");
	assert_holds("outside", "mine");
}

static void a_file_past_its_limit_is_refused(void **s)
{
	uint8_t *p = NULL;
	size_t n = 7;
	struct err e;

	(void)s;
	assert_accepted(file_write(dir, "a", VIEW("12345", 5), 0600, &e), &e);
	assert_refused(file_read(dir, "a", 4, &p, &n, &e), &e, WHY_MALFORMED);
	assert_null(p);
	assert_int_equal(n, 7);
	assert_accepted(file_read(dir, "a", 5, &p, &n, &e), &e);
	free(p);
}

static void what_is_no_regular_file_is_not_read(void **s)
{
	uint8_t *p;
	size_t n;
	struct err e;

	(void)s;
	assert_accepted(file_write(dir, "a", VIEW("x", 1), 0600, &e), &e);
	assert_int_equal(symlinkat("a", dir, "link"), 0);
	assert_int_equal(mkfifoat(dir, "fifo", 0600), 0);
	assert_refused(file_read(dir, "link", 9, &p, &n, &e), &e, WHY_SYSTEM);
	assert_refused(file_read(dir, "fifo", 9, &p, &n, &e), &e, WHY_SYSTEM);
	assert_refused(file_read(dir, ".", 9, &p, &n, &e), &e, WHY_SYSTEM);
	assert_refused(file_read(dir, "none", 9, &p, &n, &e), &e, WHY_SYSTEM);
	assert_int_equal(errno, ENOENT);
}

/* As securityfs does for the measurement logs. */
static void a_file_that_hides_its_size_is_read_whole(void **s)
{
	uint8_t *p;
	size_t n;
	struct err e;

	(void)s;
	assert_accepted(file_read(AT_FDCWD, "/proc/self/maps", 1 << 24, &p, &n, &e), &e);
	assert_true(n > 1000 && p[n - 1] == '\n' && p[n] == 0);
	free(p);
}

static void a_directory_that_cannot_be_written_is_an_error(void **s)
{
	struct err e;

	(void)s;
	assert_refused(file_write(dir, "none/a", VIEW("x", 1), 0600, &e), &e, WHY_SYSTEM);
	assert_accepted(file_mkdir(dir, "sub", 0700, &e), &e);
	assert_accepted(file_mkdir(dir, "sub", 0700, &e), &e);
	assert_refused(file_mkdir(dir, "a", 0700, &e), &e, WHY_SYSTEM);
	assert_refused(file_mkdir(dir, "none/sub", 0700, &e), &e, WHY_SYSTEM);
}

static void half_of_what_was_asked_is_not_enough(void **s)
{
	char buf[4];
	int fds[2];

	(void)s;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(fd_write_all(fds[1], "abcdef", 6), 0);
	fd_close(fds[1]);
	assert_int_equal(fd_read_all(fds[0], buf, 4), 1);
	assert_int_equal(fd_read_all(fds[0], buf, 4), -1);
	assert_int_equal(fd_read_all(fds[0], buf, 4), 0);
	fd_close(fds[0]);
	assert_int_equal(fd_read_all(fds[0], buf, 4), -1);
	fd_close(-1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_written_file_reads_back_with_its_mode),
	        cmocka_unit_test(a_crash_before_the_rename_leaves_the_old_file),
	        cmocka_unit_test(a_file_past_its_limit_is_refused),
	        cmocka_unit_test(what_is_no_regular_file_is_not_read),
	        cmocka_unit_test(a_file_that_hides_its_size_is_read_whole),
	        cmocka_unit_test(a_directory_that_cannot_be_written_is_an_error),
	        cmocka_unit_test(half_of_what_was_asked_is_not_enough),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
