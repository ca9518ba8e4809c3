#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "federation/doorway.h"
#include "tests/unit/unit.h"

struct store {
	char path[64];
	int dirfd;
	struct blobs *b;
	struct blob_limits limits;
};

static void reopen(struct store *t)
{
	struct err e = {0};

	blobs_close(t->b);
	t->b = blobs_open(t->dirfd, &t->limits, &e);
	assert_accepted(t->b ? 0 : -1, &e);
}

static int set_up(void **s)
{
	struct store *t = calloc(1, sizeof *t);

	assert_non_null(t);
	(void)snprintf(t->path, sizeof t->path, "/tmp/test_blob.XXXXXX");
	assert_non_null(mkdtemp(t->path));
	t->dirfd = open(t->path, O_RDONLY | O_DIRECTORY);
	t->limits = BLOB_LIMITS;
	reopen(t);
	*s = t;
	return 0;
}

/* How many there are; and none afterwards when they are to be removed. */
static unsigned each_file(const struct store *t, bool remove)
{
	DIR *d = opendir(t->path);
	const struct dirent *entry;
	unsigned n = 0;

	assert_non_null(d);
	while ((entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		n++;
		if (remove)
			unlinkat(t->dirfd, entry->d_name, 0);
	}
	closedir(d);
	return n;
}

static int tear_down(void **s)
{
	struct store *t = *s;

	blobs_close(t->b);
	(void)each_file(t, true);
	close(t->dirfd);
	rmdir(t->path);
	free(t);
	return 0;
}

static struct route_args args(const char *name, const char *upload, uint64_t offset)
{
	struct route_args a = {.offset = offset, .has_offset = true};

	(void)snprintf(a.name, sizeof a.name, "%s", name);
	(void)snprintf(a.upload, sizeof a.upload, "%s", upload);
	return a;
}

static void last_of(struct route_args *a, const char *whole)
{
	a->last = a->has_sha256 = true;
	sha256(a->sha256, VIEW(whole, strlen(whole)));
}

static int put(
        struct store *t, const char *peer, const struct route_args *a, const char *text, uint64_t *size, struct err *e)
{
	return blobs_put(t->b, peer, a, VIEW(text, strlen(text)), 1000, size, e);
}

static int put_whole(struct store *t, const char *name, const char *text, struct err *e)
{
	struct route_args a = args(name, "00000000000000ff", 0);
	uint64_t size;

	last_of(&a, text);
	return put(t, "m", &a, text, &size, e);
}

static void assert_holds(struct store *t, const char *name, const char *text)
{
	struct blob_part part;
	struct err e = {0};
	uint8_t sha[SHA_LEN];

	assert_accepted(blobs_get(t->b, name, 0, &part, &e), &e);
	assert_int_equal(part.n, strlen(text));
	assert_int_equal(part.size, part.n);
	assert_memory_equal(part.p, text, part.n);
	sha256(sha, VIEW(text, strlen(text)));
	assert_memory_equal(part.sha256, sha, SHA_LEN);
	free(part.p);
}

static void parts_make_a_whole(void **s)
{
	struct store *t = *s;
	struct route_args a = args("x", "0000000000000001", 0);
	uint64_t size;
	struct err e = {0};

	assert_accepted(put(t, "m", &a, "hello ", &size, &e), &e);
	assert_int_equal(size, 6);
	a.offset = 6;
	last_of(&a, "hello world");
	assert_accepted(put(t, "m", &a, "world", &size, &e), &e);
	assert_int_equal(size, 11);
	assert_holds(t, "x", "hello world");
}

static void a_blob_is_not_there_before_its_last_part(void **s)
{
	struct store *t = *s;
	struct route_args a = args("x", "0000000000000001", 0);
	struct blob_part part;
	uint64_t size;
	struct err e = {0};

	assert_accepted(put(t, "m", &a, "hello", &size, &e), &e);
	assert_refused(blobs_get(t->b, "x", 0, &part, &e), &e, WHY_UNKNOWN);
}

static void a_part_at_another_offset_is_stale_and_tells_the_right_one(void **s)
{
	struct store *t = *s;
	struct route_args a = args("x", "0000000000000001", 0);
	uint64_t size;
	struct err e = {0};

	assert_accepted(put(t, "m", &a, "hello", &size, &e), &e);
	for (a.offset = 0; a.offset < 8; a.offset += 4) {
		size = 0;
		assert_refused(put(t, "m", &a, "xx", &size, &e), &e, WHY_STALE);
		assert_int_equal(size, 5);
	}
	a = args("y", "0000000000000002", 7);
	assert_refused(put(t, "m", &a, "xx", &size, &e), &e, WHY_STALE);
	assert_int_equal(size, 0);
}

static void bytes_with_another_hash_leave_the_old_blob(void **s)
{
	struct store *t = *s;
	struct route_args a = args("x", "0000000000000001", 0);
	uint64_t size;
	struct err e = {0};

	assert_accepted(put_whole(t, "x", "old", &e), &e);
	last_of(&a, "new");
	assert_refused(put(t, "m", &a, "nex", &size, &e), &e, WHY_FORGED);
	assert_holds(t, "x", "old");
	assert_int_equal(each_file(t, false), 1);
}

static void a_new_blob_takes_the_place_of_the_old(void **s)
{
	struct store *t = *s;
	struct err e = {0};

	assert_accepted(put_whole(t, "x", "old", &e), &e);
	assert_accepted(put_whole(t, "x", "newer", &e), &e);
	assert_holds(t, "x", "newer");
	assert_int_equal(each_file(t, false), 1);
}

static void the_last_part_sent_again_is_answered_again(void **s)
{
	struct store *t = *s;
	struct route_args a = args("x", "0000000000000001", 0);
	uint64_t size = 0;
	struct err e = {0};

	last_of(&a, "whole");
	for (int i = 0; i < 2; i++) {
		assert_accepted(put(t, "m", &a, "whole", &size, &e), &e);
		assert_int_equal(size, 5);
	}
}

static void an_upload_belongs_to_who_began_it(void **s)
{
	struct store *t = *s;
	struct route_args a = args("x", "0000000000000001", 0);
	uint64_t size;
	struct err e = {0};

	assert_accepted(put(t, "m", &a, "hello", &size, &e), &e);
	assert_refused(put(t, "other", &a, "xx", &size, &e), &e, WHY_REFUSED);
	a.offset = 5;
	assert_refused(put(t, "other", &a, "xx", &size, &e), &e, WHY_STALE);
	assert_accepted(put(t, "m", &a, "!", &size, &e), &e);
}

static void parts_of_an_earlier_process_are_thrown_away_and_blobs_are_kept(void **s)
{
	struct store *t = *s;
	struct err e = {0};

	assert_accepted(put_whole(t, "x", "kept", &e), &e);
	assert_int_equal(file_write(t->dirfd, "y.0000000000000001.part", VIEW("left", 4), 0600, &e), 0);
	reopen(t);
	assert_holds(t, "x", "kept");
	assert_int_equal(each_file(t, false), 1);
}

static void a_blob_has_a_largest_size(void **s)
{
	struct store *t = *s;
	struct route_args a = args("x", "0000000000000001", 0);
	uint64_t size;
	struct err e = {0};

	t->limits.blob_max = 8;
	reopen(t);
	assert_accepted(put(t, "m", &a, "12345678", &size, &e), &e);
	a.offset = 8;
	assert_refused(put(t, "m", &a, "9", &size, &e), &e, WHY_REFUSED);
	assert_int_equal(each_file(t, false), 0);
}

static void the_store_has_a_largest_size_and_gets_it_back(void **s)
{
	struct store *t = *s;
	struct err e = {0};

	t->limits.total_max = 10;
	reopen(t);
	assert_accepted(put_whole(t, "x", "12345", &e), &e);
	assert_refused(put_whole(t, "y", "123456", &e), &e, WHY_SYSTEM);
	for (int i = 0; i < 3; i++) /* replaced: old and new are there at one time, then only the new */
		assert_accepted(put_whole(t, "x", i % 2 ? "12345" : "54321", &e), &e);
	reopen(t);
	assert_refused(put_whole(t, "y", "123456", &e), &e, WHY_SYSTEM);
	assert_accepted(put_whole(t, "y", "12345", &e), &e);
}

static void the_store_has_a_largest_number_of_names(void **s)
{
	struct store *t = *s;
	struct err e = {0};

	t->limits.blobs_max = 1;
	reopen(t);
	assert_accepted(put_whole(t, "x", "1", &e), &e);
	assert_refused(put_whole(t, "y", "1", &e), &e, WHY_SYSTEM);
	assert_accepted(put_whole(t, "x", "2", &e), &e);
}

static void one_machine_cannot_take_all_uploads(void **s)
{
	struct store *t = *s;
	struct route_args a;
	uint64_t size;
	struct err e = {0};
	char id[32];

	for (unsigned i = 0; i < t->limits.uploads_per_peer; i++) {
		(void)snprintf(id, sizeof id, "%016u", i);
		a = args("x", id, 0);
		assert_accepted(put(t, "m", &a, "1", &size, &e), &e);
	}
	a = args("x", "00000000000000aa", 0);
	assert_refused(put(t, "m", &a, "1", &size, &e), &e, WHY_SYSTEM);
	assert_accepted(put(t, "other", &a, "1", &size, &e), &e);
}

static void an_upload_that_rests_too_long_makes_room(void **s)
{
	struct store *t = *s;
	struct route_args a = args("x", "0000000000000001", 0), later = args("y", "0000000000000002", 0);
	uint64_t size;
	struct err e = {0};

	t->limits.uploads_max = 1;
	reopen(t);
	assert_accepted(put(t, "m", &a, "1", &size, &e), &e);
	assert_refused(put(t, "other", &later, "1", &size, &e), &e, WHY_SYSTEM);
	assert_accepted(blobs_put(t->b, "other", &later, VIEW("1", 1), 1000 + t->limits.idle_s, &size, &e), &e);
}

static void attack_A93_a_link_in_the_store_is_not_followed(void **s)
{
	struct store *t = *s;
	struct blob_part part;
	struct err e;

	assert_int_equal(symlinkat("/etc/passwd", t->dirfd, "x"), 0);
	assert_refused(blobs_get(t->b, "x", 0, &part, &e), &e, WHY_SYSTEM);
	assert_accepted(put_whole(t, "x", "mine", &e), &e);
	assert_holds(t, "x", "mine");
}

static void files_are_for_their_owner_only(void **s)
{
	struct store *t = *s;
	struct err e = {0};
	struct stat st;

	assert_accepted(put_whole(t, "x", "1", &e), &e);
	assert_int_equal(fstatat(t->dirfd, "x", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void reading_past_the_end_is_stale_and_at_the_end_is_empty(void **s)
{
	struct store *t = *s;
	struct blob_part part;
	struct err e = {0};

	assert_accepted(put_whole(t, "x", "12345", &e), &e);
	assert_accepted(blobs_get(t->b, "x", 5, &part, &e), &e);
	assert_int_equal(part.n, 0);
	free(part.p);
	assert_refused(blobs_get(t->b, "x", 6, &part, &e), &e, WHY_STALE);
}

int main(void)
{
#define ONE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        ONE(parts_make_a_whole),
	        ONE(a_blob_is_not_there_before_its_last_part),
	        ONE(a_part_at_another_offset_is_stale_and_tells_the_right_one),
	        ONE(bytes_with_another_hash_leave_the_old_blob),
	        ONE(a_new_blob_takes_the_place_of_the_old),
	        ONE(the_last_part_sent_again_is_answered_again),
	        ONE(an_upload_belongs_to_who_began_it),
	        ONE(parts_of_an_earlier_process_are_thrown_away_and_blobs_are_kept),
	        ONE(a_blob_has_a_largest_size),
	        ONE(the_store_has_a_largest_size_and_gets_it_back),
	        ONE(the_store_has_a_largest_number_of_names),
	        ONE(one_machine_cannot_take_all_uploads),
	        ONE(an_upload_that_rests_too_long_makes_room),
	        ONE(attack_A93_a_link_in_the_store_is_not_followed),
	        ONE(files_are_for_their_owner_only),
	        ONE(reading_past_the_end_is_stale_and_at_the_end_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
