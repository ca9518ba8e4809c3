/* The encrypted volume in a file: its header and slots need no device mapper. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <libcryptsetup.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "firmware/state/statedisk.h"

enum { VOLUME_LEN = 32 * 1024 * 1024 };

static char path[64];
static struct statedisk disk;
static struct secret *key, *phrase;
static struct err err;

static int setup(void **s)
{
	(void)s;
	(void)snprintf(path, sizeof path, "/tmp/merestone-volume-XXXXXX");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, VOLUME_LEN), 0);
	fd_close(fd);
	key = secret_new();
	phrase = secret_new();
	memset(key->b, 0x5a, SECRET_LEN);
	memset(phrase->b, 0xa5, SECRET_LEN);
	return 0;
}

static int teardown(void **s)
{
	(void)s;
	statedisk_close(disk);
	disk = (struct statedisk){0};
	secret_free(key);
	secret_free(phrase);
	return unlink(path);
}

static void again(void)
{
	statedisk_close(disk);
	disk = (struct statedisk){0};
	assert_accepted(statedisk_open(path, &disk, &err), &err);
}

static void spoil(off_t at)
{
	AUTO(fd_close) int fd = open(path, O_WRONLY);

	assert_int_equal(pwrite(fd, "data", 4, at), 4);
}

static void finish(void)
{
	struct sealedkey k = {.npublic = 3, .nprivate = 3, .public = "abc", .private = "def"};
	uint8_t box[RECOVERY_BOX] = {1};

	assert_accepted(statedisk_finish(&disk, &k, box, &err), &err);
}

static void zeros_are_blank(void **s)
{
	(void)s;
	again();
	assert_int_equal(disk.kind, STATEDISK_BLANK);
}

static void a_single_byte_anywhere_makes_it_somebodys(void **s)
{
	(void)s;
	spoil(VOLUME_LEN - 4);
	again();
	assert_int_equal(disk.kind, STATEDISK_OTHER);
	assert_refused(statedisk_format(&disk, key, phrase, &err), &err, WHY_REFUSED);
}

static void a_volume_opens_by_both_of_its_slots_and_by_nothing_else(void **s)
{
	char text[RECOVERY_PHRASE + 1];

	(void)s;
	again();
	assert_accepted(statedisk_format(&disk, key, phrase, &err), &err);
	finish();
	again();
	assert_int_equal(disk.kind, STATEDISK_OURS);
	assert_memory_equal(disk.sealed.private, "def", 3);
	recovery_phrase(phrase, text);
	assert_int_equal(
	        crypt_activate_by_passphrase(disk.volume, NULL, CRYPT_ANY_SLOT, (const char *)key->b, SECRET_LEN, 0),
	        0);
	assert_int_equal(crypt_activate_by_passphrase(disk.volume, NULL, CRYPT_ANY_SLOT, text, RECOVERY_PHRASE, 0), 1);
	assert_true(crypt_activate_by_passphrase(disk.volume, NULL, CRYPT_ANY_SLOT, text, RECOVERY_PHRASE - 1, 0) < 0);
}

static void a_first_boot_that_was_cut_off_begins_again(void **s)
{
	(void)s;
	again();
	assert_accepted(statedisk_format(&disk, key, phrase, &err), &err);
	again();
	assert_int_equal(disk.kind, STATEDISK_HALF);
	assert_accepted(statedisk_format(&disk, key, phrase, &err), &err);
	finish();
	again();
	assert_int_equal(disk.kind, STATEDISK_OURS);
}

static void a_volume_that_holds_something_is_never_formatted(void **s)
{
	(void)s;
	again();
	assert_accepted(statedisk_format(&disk, key, phrase, &err), &err);
	finish();
	again();
	assert_refused(statedisk_format(&disk, key, phrase, &err), &err, WHY_REFUSED);
}

/* LUKS2 keeps two copies of its header; without both, it is data that does not open. */
static void a_volume_whose_headers_are_damaged_is_never_formatted(void **s)
{
	(void)s;
	again();
	assert_accepted(statedisk_format(&disk, key, phrase, &err), &err);
	finish();
	spoil(0);
	spoil(16384);
	again();
	assert_int_equal(disk.kind, STATEDISK_OTHER);
	assert_refused(statedisk_format(&disk, key, phrase, &err), &err, WHY_REFUSED);
}

static void a_volume_of_somebody_else_is_never_formatted(void **s)
{
	struct crypt_device *other = NULL;
	struct crypt_pbkdf_type fast = {
	        .type = CRYPT_KDF_PBKDF2, .hash = "sha256", .iterations = 1000, .flags = CRYPT_PBKDF_NO_BENCHMARK};
	struct crypt_params_luks2 params = {.pbkdf = &fast, .sector_size = 512, .label = "backup"};

	(void)s;
	assert_int_equal(crypt_init(&other, path), 0);
	assert_int_equal(crypt_format(other, CRYPT_LUKS2, "aes", "xts-plain64", NULL, NULL, 64, &params), 0);
	crypt_free(other);
	again();
	assert_int_equal(disk.kind, STATEDISK_OTHER);
	assert_refused(statedisk_format(&disk, key, phrase, &err), &err, WHY_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(zeros_are_blank, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_single_byte_anywhere_makes_it_somebodys, setup, teardown),
	        cmocka_unit_test_setup_teardown(
	                a_volume_opens_by_both_of_its_slots_and_by_nothing_else, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_first_boot_that_was_cut_off_begins_again, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_volume_that_holds_something_is_never_formatted, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_volume_whose_headers_are_damaged_is_never_formatted, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_volume_of_somebody_else_is_never_formatted, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
