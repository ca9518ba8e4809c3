/* Tables of disks, written by anybody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/gptmaker.h"
#include "tests/unit/mangle.h"

static struct gptmaker disk;
static struct gpt table;
static struct err err;

static int fresh(void **s)
{
	(void)s;
	gptmaker_start(&disk);
	gptmaker_part(&disk, "esp", 34, 99);
	gptmaker_part(&disk, "root-a", 100, 199);
	gptmaker_seal(&disk);
	return 0;
}

static int answer(void)
{
	return gpt_read(VIEW_OF(disk.b), &table, &err);
}

static void the_partitions_of_a_table_are_those_in_use(void **s)
{
	(void)s;
	assert_int_equal(answer(), 0);
	assert_int_equal(table.n, 2);
	assert_int_equal(table.sectors, GPTMAKER_SECTORS);
	assert_string_equal(table.part[1].name, "root-a");
	assert_int_equal(table.part[1].first, 100);
	assert_int_equal(table.part[1].last, 199);
}

static void the_sum_is_the_one_of_png_and_gzip(void **s)
{
	static const struct view none;

	(void)s;
	assert_int_equal(gpt_crc(VIEW("123456789", 9), none, none), 0xcbf43926);
	assert_int_equal(gpt_crc(VIEW("123", 3), VIEW("4567", 4), VIEW("89", 2)), 0xcbf43926);
}

static void a_disk_without_a_table_is_told_from_a_broken_one(void **s)
{
	static const uint8_t blank[GPT_HEAD];

	(void)s;
	assert_int_equal(gpt_read(VIEW_OF(blank), &table, &err), -1);
	assert_int_equal(err.why, WHY_UNKNOWN);
	disk.b[GPT_SECTOR + 40] ^= 1;
	assert_int_equal(answer(), -1);
	assert_int_equal(err.why, WHY_MALFORMED);
}

static void letters_that_move_a_terminal_are_not_shown(void **s)
{
	(void)s;
	gptmaker_part(&disk, "\x1b[2Jroot", 200, 201);
	gptmaker_seal(&disk);
	assert_int_equal(answer(), 0);
	assert_string_equal(table.part[2].name, "?[2Jroot");
}

static void a_name_that_is_no_text_is_shown_as_none(void **s)
{
	(void)s;
	gptmaker_part(&disk, "x", 200, 201);
	disk.b[2 * GPT_SECTOR + 2 * 128 + 57] = 0xd8;
	gptmaker_seal(&disk);
	assert_int_equal(answer(), 0);
	assert_string_equal(table.part[2].name, "");
}

static void a_partition_outside_of_the_disk_is_refused(void **s)
{
	(void)s;
	gptmaker_part(&disk, "far", 900, GPTMAKER_SECTORS - 33);
	gptmaker_seal(&disk);
	assert_int_equal(answer(), -1);
	assert_int_equal(err.why, WHY_MALFORMED);
}

static void a_partition_that_ends_before_it_begins_is_refused(void **s)
{
	(void)s;
	gptmaker_part(&disk, "back", 300, 299);
	gptmaker_seal(&disk);
	assert_int_equal(answer(), -1);
}

static void more_entries_than_there_are_bytes_for_are_refused(void **s)
{
	(void)s;
	gptmaker_le(disk.b + GPT_SECTOR + 80, GPTMAKER_ENTRIES + 1, 4);
	gptmaker_seal(&disk);
	assert_int_equal(answer(), -1);
	assert_int_equal(err.why, WHY_MALFORMED);
}

/* A table with all its entries, as disks have it. */
static void whole(uint8_t head[GPT_HEAD])
{
	static const struct view none;

	memset(head, 0, GPT_HEAD);
	memcpy(head, disk.b, sizeof disk.b);
	gptmaker_le(head + GPT_SECTOR + 80, GPT_PARTS_MAX, 4);
	gptmaker_le(head + GPT_SECTOR + 88, gpt_crc(VIEW(head + 2 * GPT_SECTOR, 128 * GPT_PARTS_MAX), none, none), 4);
	gptmaker_le(head + GPT_SECTOR + 16, 0, 4);
	gptmaker_le(head + GPT_SECTOR + 16, gpt_crc(VIEW(head + GPT_SECTOR, 92), none, none), 4);
}

static void a_table_is_fitted_to_a_larger_disk(void **s)
{
	static uint8_t head[GPT_HEAD], tail[GPT_TAIL];

	(void)s;
	whole(head);
	assert_int_equal(gpt_fit(head, 5000, tail, &err), 0);
	assert_int_equal(gpt_read(VIEW_OF(head), &table, &err), 0);
	assert_int_equal(table.sectors, 5000);
	assert_int_equal(table.n, 2);
	assert_string_equal(table.part[1].name, "root-a");
	assert_memory_equal(tail, head + 2 * GPT_SECTOR, GPT_TAIL - GPT_SECTOR);
	assert_memory_equal(tail + GPT_TAIL - GPT_SECTOR, "EFI PART", 8);
}

static void a_table_is_not_fitted_to_a_smaller_disk_nor_without_room_for_its_entries(void **s)
{
	static uint8_t head[GPT_HEAD], tail[GPT_TAIL];

	(void)s;
	whole(head);
	assert_int_equal(gpt_fit(head, GPTMAKER_SECTORS - 1, tail, &err), -1);
	assert_int_equal(err.why, WHY_REFUSED);
	memcpy(head, disk.b, sizeof disk.b);
	assert_int_equal(gpt_fit(head, 5000, tail, &err), -1);
	assert_int_equal(err.why, WHY_MALFORMED);
}

/* The protective MBR and what is behind the header are no part of any sum. */
static void same_or_refused(struct view mangled, void *arg)
{
	const struct gpt *good = arg;

	if (gpt_read(mangled, &table, &err) == 0)
		assert_memory_equal(&table, good, offsetof(struct gpt, part) + good->n * sizeof(struct gpt_part));
}

static void every_truncation_and_flip_is_refused_or_the_same(void **s)
{
	static struct gpt good;

	(void)s;
	assert_int_equal(gpt_read(VIEW_OF(disk.b), &good, &err), 0);
	mangle_each(VIEW_OF(disk.b), same_or_refused, &good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(the_partitions_of_a_table_are_those_in_use, fresh),
	        cmocka_unit_test(the_sum_is_the_one_of_png_and_gzip),
	        cmocka_unit_test_setup(a_disk_without_a_table_is_told_from_a_broken_one, fresh),
	        cmocka_unit_test_setup(letters_that_move_a_terminal_are_not_shown, fresh),
	        cmocka_unit_test_setup(a_name_that_is_no_text_is_shown_as_none, fresh),
	        cmocka_unit_test_setup(a_partition_outside_of_the_disk_is_refused, fresh),
	        cmocka_unit_test_setup(a_partition_that_ends_before_it_begins_is_refused, fresh),
	        cmocka_unit_test_setup(more_entries_than_there_are_bytes_for_are_refused, fresh),
	        cmocka_unit_test_setup(a_table_is_fitted_to_a_larger_disk, fresh),
	        cmocka_unit_test_setup(a_table_is_not_fitted_to_a_smaller_disk_nor_without_room_for_its_entries, fresh),
	        cmocka_unit_test_setup(every_truncation_and_flip_is_refused_or_the_same, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
