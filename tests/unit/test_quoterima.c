#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "attest/quoterops.h"
#include "tests/unit/imamaker.h"
#include "tests/unit/unit.h"

enum { MANY = 4000 };

static uint8_t list[MANY * 128], *part;
static size_t nlist, n;
static int fd;
static struct err err;

static int set_up(void **s)
{
	char path[] = "/tmp/merestone-list-XXXXXX", name[32];
	struct wr w = wr_to(list, sizeof list);

	(void)s;
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "/bin/%d", i);
		imamaker_file(&w, name);
	}
	nlist = wr_done(&w).n;
	fd = mkstemp(path);
	unlink(path);
	return fd < 0 || write(fd, list, nlist) != (ssize_t)nlist;
}

static int tear_down(void **s)
{
	(void)s;
	return close(fd);
}

static void take(uint64_t at, size_t room)
{
	free(part);
	part = NULL;
	assert_accepted(quoterima_read(fd, at, room, &part, &n, &err), &err);
}

static void a_long_list_comes_in_whole_entries_that_join(void **s)
{
	uint64_t at = 0;
	int parts = 0;

	(void)s;
	do {
		take(at, SIZE_MAX);
		assert_true(n > 1 && n <= 1 + IMA_PART_MAX);
		assert_int_equal(ima_whole(VIEW(part + 1, n - 1)), n - 1);
		assert_memory_equal(part + 1, list + at, n - 1);
		at += n - 1;
		parts++;
	} while (part[0] == 1);
	assert_int_equal(at, nlist);
	assert_int_equal(parts, 2);
}

static void no_more_is_read_than_there_is_room_for(void **s)
{
	(void)s;
	take(0, 1000);
	assert_true(n <= 1001 && part[0] == 1);
}

static void nothing_new_is_no_part(void **s)
{
	(void)s;
	take(nlist, SIZE_MAX);
	assert_int_equal(n, 0);
	take(nlist + 100, SIZE_MAX); /* a list that shrank */
	assert_int_equal(n, 0);
}

static void a_place_between_entries_is_refused(void **s)
{
	(void)s;
	assert_refused(quoterima_read(fd, nlist - 5, SIZE_MAX, &part, &n, &err), &err, WHY_SYSTEM);
	assert_non_null(strstr(err.text, "no whole entry"));
	assert_refused(quoterima_read(-1, 0, SIZE_MAX, &part, &n, &err), &err, WHY_SYSTEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_long_list_comes_in_whole_entries_that_join),
	        cmocka_unit_test(no_more_is_read_than_there_is_room_for),
	        cmocka_unit_test(nothing_new_is_no_part),
	        cmocka_unit_test(a_place_between_entries_is_refused),
	};
	int bad = cmocka_run_group_tests(tests, set_up, tear_down);

	free(part);
	return bad;
}
