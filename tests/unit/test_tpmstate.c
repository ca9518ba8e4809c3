#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attest/tpm.h"
#include "base/file.h"

static int setup(void **s)
{
	static char dir[32];
	(void)snprintf(dir, sizeof(dir), "/tmp/merestone-state-XXXXXX");
	*s = dir;
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **s)
{
	int dirfd = open(*s, O_RDONLY | O_DIRECTORY);
	(void)unlinkat(dirfd, "keys", 0);
	close(dirfd);
	return rmdir(*s);
}

static void public_of(struct tpmblob *out, const struct es256 *k)
{
	struct wr w = wr_to(out->b, sizeof(out->b));
	wr_bytes(&w, "\x00\x23\x00\x0b\x00\x04\x04\x72\x00\x00\x00\x10\x00\x10\x00\x03\x00\x10", 18);
	wr_view16(&w, VIEW(k->pub, 32));
	wr_view16(&w, VIEW(k->pub + 32, 32));
	out->n = wr_done(&w).n;
}

static void some_keys(struct tpmkeys *k)
{
	struct err e = {0};
	AUTO(es256_free) struct es256 *key = es256_generate(&e);
	memset(k, 0, sizeof(*k));
	public_of(&k->srk, key);
	public_of(&k->ak, key);
	public_of(&k->id, key);
	k->id_private.n = 126;
	memset(k->id_private.b, 0x66, 126);
	memcpy(k->id_xy, key->pub, ES256_PUB);
}

static void no_file_is_no_state(void **s)
{
	struct err e = {0};
	struct tpmkeys k;
	AUTO(fd_close) int dirfd = open(*s, O_RDONLY | O_DIRECTORY);
	assert_int_equal(tpmstate_read(dirfd, &k, &e), 0);
}

static void what_was_written_is_read(void **s)
{
	struct err e = {0};
	struct tpmkeys k, back;
	AUTO(fd_close) int dirfd = open(*s, O_RDONLY | O_DIRECTORY);
	some_keys(&k);
	assert_int_equal(tpmstate_write(dirfd, &k, &e), 0);
	if (tpmstate_read(dirfd, &back, &e) != 1)
		fail_msg("%s", e.text);
	assert_true(view_equal(TPMBLOB(k.srk), TPMBLOB(back.srk)));
	assert_true(view_equal(TPMBLOB(k.ak), TPMBLOB(back.ak)));
	assert_true(view_equal(TPMBLOB(k.id), TPMBLOB(back.id)));
	assert_true(view_equal(TPMBLOB(k.id_private), TPMBLOB(back.id_private)));
	assert_memory_equal(k.id_xy, back.id_xy, ES256_PUB);
}

static void every_truncation_is_refused_and_so_is_a_byte_to_spare(void **s)
{
	struct err e = {0};
	struct tpmkeys k;
	uint8_t *bytes = NULL;
	size_t n = 0;
	AUTO(fd_close) int dirfd = open(*s, O_RDONLY | O_DIRECTORY);
	some_keys(&k);
	assert_int_equal(tpmstate_write(dirfd, &k, &e), 0);
	assert_int_equal(file_read(dirfd, "keys", 4096, &bytes, &n, &e), 0);
	AUTO(fd_close) int fd = openat(dirfd, "keys", O_RDWR);
	assert_int_equal(ftruncate(fd, (off_t)n + 1), 0);
	assert_int_equal(tpmstate_read(dirfd, &k, &e), -1);
	while (n-- > 0) {
		assert_int_equal(ftruncate(fd, (off_t)n), 0);
		assert_int_equal(tpmstate_read(dirfd, &k, &e), -1);
		assert_int_equal(e.why, WHY_SYSTEM);
	}
	free(bytes);
}

int main(void)
{
#define IT(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	        IT(no_file_is_no_state),
	        IT(what_was_written_is_read),
	        IT(every_truncation_is_refused_and_so_is_a_byte_to_spare),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
