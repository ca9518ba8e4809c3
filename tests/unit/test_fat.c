/* FAT32, as far as one file needs it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/image/image.h"
#include "tests/unit/mangle.h"

enum { CLUSTERS = 100 };

static uint8_t sector[FAT_SECTOR], table[FAT_SECTOR];
static struct fat fat;
static struct err err;

static void le(uint8_t *to, uint32_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)(v >> (8 * i));
}

/* 32 sectors in front, two tables of a sector, 98 clusters of a sector each. */
static int fresh(void **s)
{
	(void)s;
	memset(sector, 0, sizeof sector);
	memset(table, 0, sizeof table);
	le(sector + 11, FAT_SECTOR, 2);
	sector[13] = 1;
	le(sector + 14, 32, 2);
	sector[16] = 2;
	le(sector + 32, 34 + CLUSTERS - 2, 4);
	le(sector + 36, 1, 4);
	le(sector + 44, 2, 4);
	le(sector + 48, 1, 2);
	le(table + 8, 0x0fffffff, 4);
	return fat_open(VIEW_OF(sector), &fat, &err);
}

static uint32_t next(uint32_t cluster)
{
	const uint8_t *p = table + (size_t)cluster * 4;

	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void the_first_sector_says_where_everything_is(void **s)
{
	(void)s;
	assert_int_equal(fat.first, 32);
	assert_int_equal(fat.data, 34);
	assert_int_equal(fat.clusters, CLUSTERS);
	assert_int_equal(fat_at(&fat, 2), 34 * FAT_SECTOR);
	assert_int_equal(fat_at(&fat, 5), 37 * FAT_SECTOR);
}

static void numbers_that_do_not_fit_each_other_are_refused(void **s)
{
	static const struct {
		size_t at, n;
		uint32_t v;
	} wrong[] = {{11, 2, 4096}, {13, 1, 0}, {13, 1, 129}, {16, 1, 1}, {17, 2, 512}, {32, 4, 34}, {32, 4, 1000},
	        {36, 4, 0}, {36, 4, 8193}, {44, 4, 1}, {44, 4, CLUSTERS}, {48, 2, 0}, {48, 2, 32}};

	(void)s;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		(void)fresh(NULL);
		le(sector + wrong[i].at, wrong[i].v, wrong[i].n);
		assert_int_equal(fat_open(VIEW_OF(sector), &fat, &err), -1);
		assert_int_equal(err.why, WHY_MALFORMED);
	}
}

static void what_is_taken_is_a_chain_and_what_is_freed_is_free(void **s)
{
	uint32_t c[3];

	(void)s;
	le(table + 16, 0x0fffffff, 4); /* cluster 4 */
	assert_int_equal(fat_vacancy(&fat, table), CLUSTERS - 4);
	assert_int_equal(fat_take(&fat, table, c, 3), 0);
	assert_int_equal(c[0], 3);
	assert_int_equal(c[1], 5);
	assert_int_equal(next(3), 5);
	assert_int_equal(next(5), 6);
	assert_int_equal(next(6), 0x0ffffff8);
	fat_free(&fat, table, 3);
	assert_int_equal(next(3) + next(5) + next(6), 0);
	assert_int_equal(next(4), 0x0fffffff);
}

static void without_room_nothing_is_taken(void **s)
{
	uint32_t c[CLUSTERS];
	uint8_t before[sizeof table];

	(void)s;
	memcpy(before, table, sizeof table);
	assert_int_equal(fat_take(&fat, table, c, CLUSTERS - 2), -1);
	assert_memory_equal(before, table, sizeof table);
	assert_int_equal(fat_take(&fat, table, c, CLUSTERS - 3), 0);
	assert_int_equal(fat_vacancy(&fat, table), 0);
}

static void a_chain_that_is_a_ring_or_leaves_the_table_ends(void **s)
{
	(void)s;
	le(table + 40, 11, 4);
	le(table + 44, 10, 4);
	fat_free(&fat, table, 10);
	assert_int_equal(next(10) + next(11), 0);
	le(table + 40, CLUSTERS, 4);
	fat_free(&fat, table, 10);
	assert_int_equal(next(10), 0);
}

static void a_name_is_found_where_it_is_one_and_before_the_end(void **s)
{
	uint8_t dir[4 * FAT_ENTRY] = {0};

	(void)s;
	memcpy(dir, "SITE    JWS", 11);
	dir[11] = 0x0f; /* part of a long name */
	fat_entry(dir + FAT_ENTRY, "SITE    JWS", 0x10003, 77);
	assert_ptr_equal(fat_find(dir, sizeof dir, "SITE    JWS"), dir + FAT_ENTRY);
	assert_false(fat_is_directory(dir + FAT_ENTRY));
	assert_int_equal(fat_cluster(&fat, dir + FAT_ENTRY), 0); /* there is no such cluster */
	fat_entry(dir + FAT_ENTRY, "SITE    JWS", 3, 77);
	assert_int_equal(fat_cluster(&fat, dir + FAT_ENTRY), 3);
	assert_ptr_equal(fat_vacant(dir, sizeof dir), dir + 2 * FAT_ENTRY);
	fat_entry(dir + 3 * FAT_ENTRY, "BEHIND  END", 3, 1);
	assert_null(fat_find(dir, sizeof dir, "BEHIND  END"));
	assert_null(fat_vacant(dir, 2 * FAT_ENTRY));
}

static void within(struct view mangled, void *arg)
{
	struct fat f;

	(void)arg;
	if (fat_open(mangled, &f, &err) == 0)
		assert_true(f.clusters <= f.length * (FAT_SECTOR / 4) && f.root < f.clusters && f.info < f.first);
}

static void every_truncation_and_flip_is_refused_or_stays_within_its_table(void **s)
{
	(void)s;
	mangle_each(VIEW_OF(sector), within, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(the_first_sector_says_where_everything_is, fresh),
	        cmocka_unit_test_setup(numbers_that_do_not_fit_each_other_are_refused, fresh),
	        cmocka_unit_test_setup(what_is_taken_is_a_chain_and_what_is_freed_is_free, fresh),
	        cmocka_unit_test_setup(without_room_nothing_is_taken, fresh),
	        cmocka_unit_test_setup(a_chain_that_is_a_ring_or_leaves_the_table_ends, fresh),
	        cmocka_unit_test_setup(a_name_is_found_where_it_is_one_and_before_the_end, fresh),
	        cmocka_unit_test_setup(every_truncation_and_flip_is_refused_or_stays_within_its_table, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
