/* Tests of dataset: what was encrypted comes back, and whatever was done to it on the way is refused. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "keystore/keystore.h"

enum { SEALED = DATASET_CHUNK + DATASET_TAG };

struct bytes {
	uint8_t *p;
	size_t n;
};

static void bytes_free(struct bytes b)
{
	free(b.p);
}
AUTO_DEFINE(struct bytes, bytes_free)

static struct secret *key;

static int setup(void **s)
{
	(void)s;
	key = secret_new();
	if (!key)
		return -1;
	memset(key->b, 0x31, SECRET_LEN);
	return 0;
}

static int teardown(void **s)
{
	(void)s;
	secret_free(key);
	return 0;
}

static int file_with(struct view v)
{
	int fd = memfd_create("dataset", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, v.p, v.n), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static struct bytes contents(int fd)
{
	off_t n = lseek(fd, 0, SEEK_END);
	struct bytes b = {malloc((size_t)n + 1), (size_t)n};
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	if (n > 0)
		assert_int_equal(fd_read_all(fd, b.p, b.n), 1);
	return b;
}

/* Bytes with a pattern that no two chunks share. */
static struct bytes plain_of(size_t n)
{
	struct bytes b = {malloc(n + 1), n};
	for (size_t i = 0; i < n; i++)
		b.p[i] = (uint8_t)(i ^ i >> 8 ^ i >> 16 ^ i >> 13);
	return b;
}

static struct bytes encrypted(size_t n)
{
	AUTO(bytes_free) struct bytes plain = plain_of(n);
	AUTO(fd_close) int in = file_with(VIEW(plain.p, plain.n)), out = file_with(VIEW("", 0));
	struct err e = {0};
	assert_accepted(dataset_encrypt(in, out, key, "geoa", "maps", 5, &e), &e);
	return contents(out);
}

static int decrypt_as(struct view v, const char *domain, const char *dataset, const struct secret *k,
        struct bytes *plain, uint32_t *epoch, struct err *e)
{
	AUTO(fd_close) int in = file_with(v), out = file_with(VIEW("", 0));
	int result = dataset_decrypt(in, out, k, domain, dataset, epoch, e);
	*plain = contents(out);
	return result;
}

static int decrypt(struct view v, struct bytes *plain, struct err *e)
{
	uint32_t epoch = 0;
	int result = decrypt_as(v, "geoa", "maps", key, plain, &epoch, e);
	assert_int_equal(epoch, result == 0 ? 5 : 0);
	return result;
}

static void refused(struct view v, enum why why)
{
	AUTO(bytes_free) struct bytes plain = {0};
	struct err e = {0};
	assert_refused(decrypt(v, &plain, &e), &e, why);
}

static void round_trip(size_t n, size_t size)
{
	AUTO(bytes_free) struct bytes plain = plain_of(n), cipher = encrypted(n), back = {0};
	struct err e = {0};
	assert_int_equal(cipher.n, size);
	assert_accepted(decrypt(VIEW(cipher.p, cipher.n), &back, &e), &e);
	assert_int_equal(back.n, n);
	assert_memory_equal(back.p, plain.p, n);
}

static void an_empty_file_has_one_empty_chunk(void **s)
{
	(void)s;
	round_trip(0, DATASET_HEADER + DATASET_TAG);
}

static void sizes_around_a_chunk_come_back(void **s)
{
	(void)s;
	round_trip(1, DATASET_HEADER + DATASET_TAG + 1);
	round_trip(DATASET_CHUNK - 1, DATASET_HEADER + SEALED - 1);
	round_trip(DATASET_CHUNK, DATASET_HEADER + SEALED);
	round_trip(DATASET_CHUNK + 1, DATASET_HEADER + SEALED + DATASET_TAG + 1);
	round_trip(3 * DATASET_CHUNK, DATASET_HEADER + 3 * SEALED);
	round_trip(3 * DATASET_CHUNK + 777, DATASET_HEADER + 3 * SEALED + DATASET_TAG + 777);
}

static void the_header_is_the_one_in_the_manual(void **s)
{
	AUTO(bytes_free) struct bytes c = encrypted(10);
	static const uint8_t head[24] = {'M', 'S', 'T', 'N', 'D', 'A', 'T', 'A', 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 5};
	static const uint8_t zero[8];
	(void)s;
	assert_memory_equal(c.p, head, sizeof head);
	assert_memory_equal(c.p + 56, zero, sizeof zero);
}

static void two_encryptions_of_the_same_bytes_differ(void **s)
{
	AUTO(bytes_free) struct bytes a = encrypted(100), b = encrypted(100);
	(void)s;
	assert_memory_not_equal(a.p + 24, b.p + 24, 32);
	assert_memory_not_equal(a.p + DATASET_HEADER, b.p + DATASET_HEADER, 100);
}

static void every_truncation_of_a_small_file_is_refused(void **s)
{
	AUTO(bytes_free) struct bytes c = encrypted(50);
	(void)s;
	for (size_t n = 0; n < c.n; n++)
		refused(VIEW(c.p, n), n < DATASET_HEADER + DATASET_TAG ? WHY_MALFORMED : WHY_FORGED);
}

static void truncation_at_and_around_each_boundary_is_refused(void **s)
{
	AUTO(bytes_free) struct bytes c = encrypted(3 * DATASET_CHUNK + 5);
	(void)s;
	for (size_t chunk = 0; chunk <= 3; chunk++) {
		size_t at = DATASET_HEADER + chunk * SEALED;
		refused(VIEW(c.p, at), chunk == 0 ? WHY_MALFORMED : WHY_FORGED);
		refused(VIEW(c.p, at + 1), WHY_MALFORMED);
		refused(VIEW(c.p, at + DATASET_TAG), chunk == 0 ? WHY_FORGED : WHY_MALFORMED);
		refused(VIEW(c.p, at + DATASET_TAG + 1), WHY_FORGED);
		if (chunk > 0)
			refused(VIEW(c.p, at - 1), WHY_FORGED);
	}
}

/* The cut falls between chunks: every remaining tag is good, only the mark of the last one is missing. */
static void truncation_by_whole_chunks_is_refused(void **s)
{
	AUTO(bytes_free) struct bytes c = encrypted(3 * DATASET_CHUNK);
	(void)s;
	refused(VIEW(c.p, DATASET_HEADER + 2 * SEALED), WHY_FORGED);
	refused(VIEW(c.p, DATASET_HEADER + SEALED), WHY_FORGED);
}

static void every_bit_flip_is_refused(void **s)
{
	AUTO(bytes_free) struct bytes c = encrypted(20);
	(void)s;
	for (size_t bit = 0; bit < c.n * 8; bit++) {
		AUTO(bytes_free) struct bytes plain = {0};
		struct err e = {0};
		c.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(decrypt(VIEW(c.p, c.n), &plain, &e), -1);
		assert_true(e.why == WHY_MALFORMED || e.why == WHY_FORGED);
		assert_int_equal(plain.n, 0);
		c.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void each_wrong_header_field_has_its_sentence(void **s)
{
	static const struct {
		size_t at;
		const char *says;
	} fields[] = {{0, "not an encrypted dataset"}, {8, "version 0"}, {9, "reserved"}, {11, "reserved"},
	        {13, "chunks of"}, {15, "chunks of"}, {20, "reserved"}, {56, "reserved"}, {63, "reserved"}};
	AUTO(bytes_free) struct bytes c = encrypted(20);
	(void)s;
	for (size_t i = 0; i < COUNT(fields); i++) {
		AUTO(bytes_free) struct bytes plain = {0};
		struct err e = {0};
		c.p[fields[i].at] ^= 1;
		assert_refused(decrypt(VIEW(c.p, c.n), &plain, &e), &e, WHY_MALFORMED);
		assert_non_null(strstr(e.text, fields[i].says));
		c.p[fields[i].at] ^= 1;
	}
}

static void chunks_in_another_order_are_refused(void **s)
{
	AUTO(bytes_free) struct bytes c = encrypted(3 * DATASET_CHUNK + 5), first = {malloc(SEALED), SEALED};
	uint8_t *one = c.p + DATASET_HEADER, *two = one + SEALED;
	(void)s;
	memcpy(first.p, one, SEALED);
	memcpy(one, two, SEALED);
	memcpy(two, first.p, SEALED);
	refused(VIEW(c.p, c.n), WHY_FORGED);
}

static void a_chunk_twice_or_left_out_is_refused(void **s)
{
	AUTO(bytes_free) struct bytes c = encrypted(3 * DATASET_CHUNK + 5);
	uint8_t *one = c.p + DATASET_HEADER, *two = one + SEALED;
	(void)s;
	memmove(one, two, c.n - DATASET_HEADER - SEALED);
	refused(VIEW(c.p, c.n - SEALED), WHY_FORGED);
	memcpy(two, one, SEALED);
	refused(VIEW(c.p, c.n), WHY_FORGED);
}

static void a_chunk_of_another_file_is_refused(void **s)
{
	AUTO(bytes_free) struct bytes c = encrypted(2 * DATASET_CHUNK), other = encrypted(2 * DATASET_CHUNK);
	(void)s;
	memcpy(c.p + DATASET_HEADER + SEALED, other.p + DATASET_HEADER + SEALED, SEALED);
	refused(VIEW(c.p, c.n), WHY_FORGED);
}

static void what_is_added_behind_the_end_is_refused(void **s)
{
	AUTO(bytes_free) struct bytes c = encrypted(DATASET_CHUNK), longer = {malloc(c.n + SEALED), c.n + SEALED};
	(void)s;
	memcpy(longer.p, c.p, c.n);
	memcpy(longer.p + c.n, c.p + DATASET_HEADER, SEALED);
	refused(VIEW(longer.p, c.n + 1), WHY_FORGED);
	refused(VIEW(longer.p, c.n + DATASET_TAG), WHY_FORGED);
	refused(VIEW(longer.p, longer.n), WHY_FORGED);
}

static void another_domain_dataset_or_key_is_refused(void **s)
{
	AUTO(bytes_free) struct bytes c = encrypted(20), p1 = {0}, p2 = {0}, p3 = {0}, p4 = {0};
	AUTO(secret_free) struct secret *other = secret_new();
	struct view v = VIEW(c.p, c.n);
	struct err e = {0};
	uint32_t epoch = 0;
	(void)s;
	assert_refused(decrypt_as(v, "geob", "maps", key, &p1, &epoch, &e), &e, WHY_FORGED);
	assert_refused(decrypt_as(v, "geoa", "map", key, &p2, &epoch, &e), &e, WHY_FORGED);
	assert_refused(decrypt_as(v, "geoam", "aps", key, &p3, &epoch, &e), &e, WHY_FORGED);
	assert_refused(decrypt_as(v, "geoa", "maps", other, &p4, &epoch, &e), &e, WHY_FORGED);
	assert_non_null(strstr(e.text, "epoch 5"));
	assert_int_equal(epoch, 0);
}

static void names_that_are_no_names_are_refused(void **s)
{
	AUTO(fd_close) int in = file_with(VIEW("x", 1)), out = file_with(VIEW("", 0));
	struct err e = {0};
	(void)s;
	assert_refused(dataset_encrypt(in, out, key, "geoa", "", 1, &e), &e, WHY_MALFORMED);
	assert_refused(dataset_encrypt(in, out, key, "Geo A", "maps", 1, &e), &e, WHY_MALFORMED);
	AUTO(bytes_free) struct bytes none = contents(out);
	assert_int_equal(none.n, 0);
}

static void plaintext_before_a_bad_chunk_is_all_that_is_written(void **s)
{
	AUTO(bytes_free) struct bytes c = encrypted(3 * DATASET_CHUNK), plain = {0};
	struct err e = {0};
	(void)s;
	c.p[DATASET_HEADER + 2 * SEALED + 9] ^= 1;
	assert_refused(decrypt(VIEW(c.p, c.n), &plain, &e), &e, WHY_FORGED);
	assert_int_equal(plain.n, 2 * DATASET_CHUNK);
}

/* Encrypts in a child, from a pipe that gives few bytes at a time. */
static void feed(int to, struct view v)
{
	for (size_t at = 0; at < v.n;) {
		size_t n = v.n - at < 1000 ? v.n - at : 1000;
		if (fd_write_all(to, v.p + at, n) != 0)
			_exit(1);
		at += n;
	}
	_exit(0);
}

static void pipes_will_do(void **s)
{
	AUTO(bytes_free) struct bytes plain = plain_of(DATASET_CHUNK * 2 + 3), back = {0};
	AUTO(fd_close) int out = file_with(VIEW("", 0));
	struct err e = {0};
	int p[2], status = 0;
	(void)s;
	assert_int_equal(pipe(p), 0);
	pid_t child = fork();
	if (child == 0)
		feed(p[1], VIEW(plain.p, plain.n));
	close(p[1]);
	assert_accepted(dataset_encrypt(p[0], out, key, "geoa", "maps", 5, &e), &e);
	close(p[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	AUTO(bytes_free) struct bytes cipher = contents(out);
	assert_accepted(decrypt(VIEW(cipher.p, cipher.n), &back, &e), &e);
	assert_int_equal(back.n, plain.n);
	assert_memory_equal(back.p, plain.p, plain.n);
}

static void a_disk_that_takes_no_more_is_said(void **s)
{
	AUTO(bytes_free) struct bytes plain = plain_of(DATASET_CHUNK * 2);
	AUTO(fd_close) int in = file_with(VIEW(plain.p, plain.n)), out = open("/dev/full", O_WRONLY);
	struct err e = {0};
	(void)s;
	assert_refused(dataset_encrypt(in, out, key, "geoa", "maps", 5, &e), &e, WHY_SYSTEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_empty_file_has_one_empty_chunk),
	        cmocka_unit_test(sizes_around_a_chunk_come_back),
	        cmocka_unit_test(the_header_is_the_one_in_the_manual),
	        cmocka_unit_test(two_encryptions_of_the_same_bytes_differ),
	        cmocka_unit_test(every_truncation_of_a_small_file_is_refused),
	        cmocka_unit_test(truncation_at_and_around_each_boundary_is_refused),
	        cmocka_unit_test(truncation_by_whole_chunks_is_refused),
	        cmocka_unit_test(every_bit_flip_is_refused),
	        cmocka_unit_test(each_wrong_header_field_has_its_sentence),
	        cmocka_unit_test(chunks_in_another_order_are_refused),
	        cmocka_unit_test(a_chunk_twice_or_left_out_is_refused),
	        cmocka_unit_test(a_chunk_of_another_file_is_refused),
	        cmocka_unit_test(what_is_added_behind_the_end_is_refused),
	        cmocka_unit_test(another_domain_dataset_or_key_is_refused),
	        cmocka_unit_test(names_that_are_no_names_are_refused),
	        cmocka_unit_test(plaintext_before_a_bad_chunk_is_all_that_is_written),
	        cmocka_unit_test(pipes_will_do),
	        cmocka_unit_test(a_disk_that_takes_no_more_is_said),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
