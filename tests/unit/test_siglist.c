#include "tests/unit/bootmaker.h"
#include "tests/unit/mangle.h"

static uint8_t buf[1024];
static struct err err;

/* Entries until the end, or -1. */
static int count(struct view v)
{
	struct siglist l = siglist_of(v);
	struct signature s;
	int got, n = 0;

	while ((got = siglist_next(&l, &s, &err)) > 0)
		n++;
	return got < 0 ? -1 : n;
}

static void head(struct wr *w, uint32_t size, uint32_t header, uint32_t each)
{
	wr_bytes(w, bootmaker_x509, UEFI_GUID_LEN);
	logmaker_le32(w, size);
	logmaker_le32(w, header);
	logmaker_le32(w, each);
}

static void lists_follow_each_other(void **s)
{
	struct wr w = wr_to(buf, sizeof buf);
	uint8_t hash[32] = {1};
	struct siglist l;
	struct signature key;

	(void)s;
	bootmaker_list(&w, bootmaker_x509, bootmaker_text("certificate"));
	bootmaker_list(&w, bootmaker_sha256, VIEW_OF(hash));
	bootmaker_list(&w, bootmaker_owner, bootmaker_text("something else"));
	l = siglist_of(wr_done(&w));
	assert_int_equal(siglist_next(&l, &key, &err), 1);
	assert_int_equal(key.kind, SIGNATURE_X509);
	assert_true(view_is(key.data, "certificate"));
	sha256(hash, bootmaker_text("certificate"));
	assert_memory_equal(key.name, hash, 32);
	assert_int_equal(siglist_next(&l, &key, &err), 1);
	assert_int_equal(key.kind, SIGNATURE_SHA256);
	assert_int_equal(key.name[0], 1);
	assert_int_equal(siglist_next(&l, &key, &err), 1);
	assert_int_equal(key.kind, SIGNATURE_OTHER);
	assert_int_equal(siglist_next(&l, &key, &err), 0);
	assert_int_equal(siglist_next(&l, &key, &err), 0);
}

static void an_empty_variable_has_no_entry(void **s)
{
	struct wr w = wr_to(buf, sizeof buf);

	(void)s;
	assert_int_equal(count(VIEW(NULL, 0)), 0);
	head(&w, 28, 0, 17);
	assert_int_equal(count(wr_done(&w)), 0);
}

static void one_list_has_many_entries(void **s)
{
	struct wr w = wr_to(buf, sizeof buf);
	static const uint8_t entries[4 + 3 * 20];

	(void)s;
	head(&w, 28 + 4 + 3 * 20, 4, 20);
	wr_bytes(&w, entries, sizeof entries);
	assert_int_equal(count(wr_done(&w)), 3);
}

/* A53: sizes of 0, 1 and 2^32 - 1, a header longer than its list, entries that do not come out even. */
static void attack_A53_sizes_of_signature_lists(void **s)
{
	static const uint32_t sizes[][3] = {{0, 0, 17}, {28, 0, 0}, {28, 0, 1}, {28, 0, 16}, {0xffffffff, 0, 17},
	        {27, 0, 17}, {28, 1, 17}, {45, 0xffffffff, 17}, {45, 0, 0xffffffff}, {46, 0, 17}, {60, 0, 17}};

	(void)s;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct wr w = wr_to(buf, sizeof buf);
		head(&w, sizes[i][0], sizes[i][1], sizes[i][2]);
		wr_bytes(&w, "0123456789abcdefg", 17);
		if (sizes[i][0] == 28 && sizes[i][2] == 17 && sizes[i][1] == 0)
			continue;
		assert_int_equal(count(wr_done(&w)), -1);
		assert_int_equal(err.why, WHY_MALFORMED);
	}
}

static void a_refused_list_stays_refused(void **s)
{
	struct siglist l = siglist_of(VIEW("short", 5));
	struct signature key;

	(void)s;
	assert_refused(siglist_next(&l, &key, &err), &err, WHY_MALFORMED);
	assert_refused(siglist_next(&l, &key, &err), &err, WHY_MALFORMED);
}

static void a_hash_of_another_length_is_refused(void **s)
{
	struct wr w = wr_to(buf, sizeof buf);

	(void)s;
	bootmaker_list(&w, bootmaker_sha256, bootmaker_text("20 bytes of a SHA-1."));
	assert_int_equal(count(wr_done(&w)), -1);
	assert_non_null(strstr(err.text, "a list of SHA-256 has entries of 36 bytes"));
}

static void an_authority_is_named_with_and_without_its_owner(void **s)
{
	static const uint8_t bare[] = {0x30, 0x82, 0x00, 0x01, 0x05};
	uint8_t owned[UEFI_GUID_LEN + sizeof bare] = {9};
	struct signature a, b;

	(void)s;
	memcpy(owned + UEFI_GUID_LEN, bare, sizeof bare);
	siglist_authority(VIEW_OF(bare), &a);
	siglist_authority(VIEW_OF(owned), &b);
	assert_memory_equal(a.name, b.name, PCR_LEN);
	siglist_authority(VIEW(NULL, 0), &a);
	siglist_authority(VIEW("x", 1), &b);
}

static void no_more_than(struct view mangled, void *max)
{
	assert_true(count(mangled) <= *(int *)max);
}

static void mangled_lists_have_no_more_entries_than_bytes_for_them(void **s)
{
	struct wr w = wr_to(buf, sizeof buf);
	uint8_t hash[32] = {1};
	int max = 256 / 17;

	(void)s;
	bootmaker_list(&w, bootmaker_x509, bootmaker_text("certificate"));
	bootmaker_list(&w, bootmaker_sha256, VIEW_OF(hash));
	mangle_each(wr_done(&w), no_more_than, &max);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(lists_follow_each_other),
	        cmocka_unit_test(an_empty_variable_has_no_entry),
	        cmocka_unit_test(one_list_has_many_entries),
	        cmocka_unit_test(attack_A53_sizes_of_signature_lists),
	        cmocka_unit_test(a_refused_list_stays_refused),
	        cmocka_unit_test(a_hash_of_another_length_is_refused),
	        cmocka_unit_test(an_authority_is_named_with_and_without_its_owner),
	        cmocka_unit_test(mangled_lists_have_no_more_entries_than_bytes_for_them),
	};
	return cmocka_run_group_tests_name("siglist", tests, NULL, NULL);
}
