/* Tests of keyring: four keys in files of their own, made once, opened by their owner. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "keystore/keystore.h"

static const char *const FILES[] = {"ca.key", "lease.key", "result.key", "dataset.key"};
static const struct view NO_PASS = {(const uint8_t *)"", 0};

struct tray {
	char path[64];
	int dir;
};

static int setup(void **s)
{
	static struct tray p;
	struct wr w = wr_to(p.path, sizeof p.path);
	wr_str(&w, "/tmp/keyring-XXXXXX");
	wr_u8(&w, 0);
	if (!mkdtemp(p.path))
		return -1;
	p.dir = open(p.path, O_RDONLY | O_DIRECTORY);
	*s = &p;
	return p.dir < 0;
}

static int teardown(void **s)
{
	struct tray *p = *s;
	for (size_t i = 0; i < COUNT(FILES); i++)
		unlinkat(p->dir, FILES[i], 0);
	close(p->dir);
	return rmdir(p->path);
}

static void dataset_key(const struct keyring *k, const char *dataset, uint32_t epoch, uint8_t out[SECRET_LEN])
{
	struct err e = {0};
	AUTO(secret_free) struct secret *key = secret_new();
	assert_non_null(key);
	assert_accepted(keyring_dataset_key(k, "geoa", dataset, epoch, key, &e), &e);
	memcpy(out, key->b, SECRET_LEN);
}

static void keys_that_were_made_are_opened(void **s)
{
	struct tray *p = *s;
	struct keyring k = {0}, again = {0};
	struct err e = {0};
	uint8_t first[SECRET_LEN], second[SECRET_LEN];
	assert_accepted(keyring_create(p->dir, NO_PASS, &e), &e);
	assert_accepted(keyring_open(p->dir, NO_PASS, &k, &e), &e);
	assert_accepted(keyring_open(p->dir, NO_PASS, &again, &e), &e);
	assert_string_equal(k.lease->kid, again.lease->kid);
	assert_string_not_equal(k.lease->kid, k.result->kid);
	assert_string_not_equal(k.ca->kid, k.lease->kid);
	dataset_key(&k, "maps", 1, first);
	dataset_key(&again, "maps", 1, second);
	assert_memory_equal(first, second, SECRET_LEN);
	keyring_close(&k);
	keyring_close(&again);
	keyring_close(&k);
}

static void each_dataset_and_epoch_has_its_own_key(void **s)
{
	struct tray *p = *s;
	struct keyring k = {0};
	struct err e = {0};
	uint8_t a[SECRET_LEN], b[SECRET_LEN];
	assert_accepted(keyring_create(p->dir, NO_PASS, &e), &e);
	assert_accepted(keyring_open(p->dir, NO_PASS, &k, &e), &e);
	dataset_key(&k, "maps", 1, a);
	dataset_key(&k, "maps", 2, b);
	assert_memory_not_equal(a, b, SECRET_LEN);
	dataset_key(&k, "map", 1, b);
	assert_memory_not_equal(a, b, SECRET_LEN);
	keyring_close(&k);
}

static void a_dataset_with_a_bad_name_has_no_key(void **s)
{
	struct tray *p = *s;
	struct keyring k = {0};
	struct err e = {0};
	AUTO(secret_free) struct secret *out = secret_new();
	assert_accepted(keyring_create(p->dir, NO_PASS, &e), &e);
	assert_accepted(keyring_open(p->dir, NO_PASS, &k, &e), &e);
	assert_refused(keyring_dataset_key(&k, "geoa", "../maps", 1, out, &e), &e, WHY_MALFORMED);
	keyring_close(&k);
}

static void attack_A106_key_files_are_for_their_owner_alone(void **s)
{
	struct tray *p = *s;
	struct err e = {0};
	struct stat st;
	mode_t old = umask(0);
	assert_accepted(keyring_create(p->dir, NO_PASS, &e), &e);
	umask(old);
	for (size_t i = 0; i < COUNT(FILES); i++) {
		assert_int_equal(fstatat(p->dir, FILES[i], &st, 0), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
}

static void attack_A106_a_key_that_others_can_read_is_not_used(void **s)
{
	struct tray *p = *s;
	struct keyring k = {0};
	struct err e = {0};
	assert_accepted(keyring_create(p->dir, NO_PASS, &e), &e);
	assert_int_equal(fchmodat(p->dir, "lease.key", 0640, 0), 0);
	assert_refused(keyring_open(p->dir, NO_PASS, &k, &e), &e, WHY_SYSTEM);
	assert_string_equal(e.hint, "chmod 600 lease.key");
	assert_null(k.ca);
}

static void attack_A106_a_link_in_a_keys_place_is_not_followed(void **s)
{
	struct tray *p = *s;
	struct keyring k = {0};
	struct err e = {0};
	assert_accepted(keyring_create(p->dir, NO_PASS, &e), &e);
	assert_int_equal(unlinkat(p->dir, "ca.key", 0), 0);
	assert_int_equal(symlinkat("result.key", p->dir, "ca.key"), 0);
	assert_refused(keyring_open(p->dir, NO_PASS, &k, &e), &e, WHY_SYSTEM);
}

static void keys_are_never_replaced(void **s)
{
	struct tray *p = *s;
	struct keyring before = {0}, after = {0};
	struct err e = {0};
	assert_accepted(keyring_create(p->dir, NO_PASS, &e), &e);
	assert_accepted(keyring_open(p->dir, NO_PASS, &before, &e), &e);
	assert_refused(keyring_create(p->dir, NO_PASS, &e), &e, WHY_REFUSED);
	assert_accepted(keyring_open(p->dir, NO_PASS, &after, &e), &e);
	assert_string_equal(before.ca->kid, after.ca->kid);
	keyring_close(&before);
	keyring_close(&after);
}

static void a_half_made_ring_is_taken_back(void **s)
{
	struct tray *p = *s;
	struct err e = {0};
	int fd = openat(p->dir, "result.key", O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_refused(keyring_create(p->dir, NO_PASS, &e), &e, WHY_REFUSED);
	assert_int_equal(faccessat(p->dir, "ca.key", F_OK, 0), -1);
	assert_int_equal(faccessat(p->dir, "lease.key", F_OK, 0), -1);
	assert_int_equal(faccessat(p->dir, "result.key", F_OK, 0), 0);
}

static void a_passphrase_protects_every_key(void **s)
{
	struct tray *p = *s;
	struct keyring k = {0};
	struct err e = {0};
	struct view pass = VIEW("correct horse", 13), wrong = VIEW("correct house", 13);
	assert_accepted(keyring_create(p->dir, pass, &e), &e);
	for (size_t i = 0; i < COUNT(FILES); i++) {
		uint8_t *pem = NULL;
		size_t n = 0;
		assert_accepted(file_read(p->dir, FILES[i], 8192, &pem, &n, &e), &e);
		assert_non_null(strstr((const char *)pem, "BEGIN ENCRYPTED PRIVATE KEY"));
		free(pem);
	}
	assert_int_equal(keyring_open(p->dir, wrong, &k, &e), -1);
	assert_int_equal(keyring_open(p->dir, NO_PASS, &k, &e), -1);
	assert_null(k.ca);
	assert_accepted(keyring_open(p->dir, pass, &k, &e), &e);
	keyring_close(&k);
}

static void a_missing_key_is_named(void **s)
{
	struct tray *p = *s;
	struct keyring k = {0};
	struct err e = {0};
	assert_refused(keyring_open(p->dir, NO_PASS, &k, &e), &e, WHY_SYSTEM);
	assert_non_null(strstr(e.text, "ca.key"));
}

static void a_public_key_is_no_root_of_datasets(void **s)
{
	struct tray *p = *s;
	struct keyring k = {0};
	struct err e = {0};
	char *pem = NULL;
	size_t n = 0;
	AUTO(es256_free) struct es256 *other = es256_generate(&e);
	assert_accepted(keyring_create(p->dir, NO_PASS, &e), &e);
	assert_accepted(es256_public_pem(other, &pem, &n, &e), &e);
	assert_accepted(file_write(p->dir, "dataset.key", VIEW(pem, n), 0600, &e), &e);
	free(pem);
	assert_int_equal(keyring_open(p->dir, NO_PASS, &k, &e), -1);
	assert_null(k.ca);
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        IN_A_PLACE(keys_that_were_made_are_opened),
	        IN_A_PLACE(each_dataset_and_epoch_has_its_own_key),
	        IN_A_PLACE(a_dataset_with_a_bad_name_has_no_key),
	        IN_A_PLACE(attack_A106_key_files_are_for_their_owner_alone),
	        IN_A_PLACE(attack_A106_a_key_that_others_can_read_is_not_used),
	        IN_A_PLACE(attack_A106_a_link_in_a_keys_place_is_not_followed),
	        IN_A_PLACE(keys_are_never_replaced),
	        IN_A_PLACE(a_half_made_ring_is_taken_back),
	        IN_A_PLACE(a_passphrase_protects_every_key),
	        IN_A_PLACE(a_missing_key_is_named),
	        IN_A_PLACE(a_public_key_is_no_root_of_datasets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
