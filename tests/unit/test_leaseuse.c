/* Tests of leaseuse: what the agent writes is what the quoter reads. */
#include "tests/unit/unit.h"

#include <string.h>

#include "keystore/keystore.h"
#include "tests/unit/mangle.h"

static struct lease_use sample(void)
{
	struct lease_use u = {.domain = "geob",
	        .dataset = "maps",
	        .epoch = 3,
	        .generation = 4,
	        .terms = {.pcr_mask = PCR_MASK,
	                .reset_count = 9,
	                .restart_count = 1,
	                .counter = 5,
	                .deadline_ms = 1234567},
	        .sealed = {.npublic = 78, .nduplicate = 108, .nseed = 68}};
	memset(u.terms.pcr_digest, 1, sizeof u.terms.pcr_digest);
	memset(u.signature, 2, sizeof u.signature);
	memset(u.lease_key, 3, sizeof u.lease_key);
	memset(u.sealed.public, 4, u.sealed.npublic);
	memset(u.sealed.duplicate, 5, u.sealed.nduplicate);
	memset(u.sealed.seed, 6, u.sealed.nseed);
	return u;
}

static struct view written(uint8_t *buf, size_t cap, const struct lease_use *u)
{
	struct wr w = wr_to(buf, cap);
	assert_int_equal(lease_use_write(&w, u), 0);
	return wr_done(&w);
}

static void what_was_written_is_read(void **s)
{
	struct lease_use u = sample(), back;
	struct err e = {0};
	uint8_t buf[1024], again[1024];
	(void)s;
	struct view v = written(buf, sizeof buf, &u);
	assert_accepted(lease_use_read(v, &back, &e), &e);
	assert_string_equal(back.domain, "geob");
	assert_string_equal(back.dataset, "maps");
	assert_int_equal(back.terms.counter, 5);
	assert_int_equal(back.terms.deadline_ms, 1234567);
	assert_int_equal(back.sealed.nduplicate, 108);
	assert_true(view_equal(written(again, sizeof again, &back), v));
}

static void with_tag(struct lease_use *u)
{
	u->terms.has_tag = true;
	memset(u->terms.tag, 7, sizeof u->terms.tag);
	memset(u->terms.tag_name, 8, sizeof u->terms.tag_name);
}

static void the_tag_that_a_lease_demands_is_read(void **s)
{
	struct lease_use u = sample(), back;
	struct err e = {0};
	uint8_t buf[1024];
	(void)s;
	with_tag(&u);
	assert_accepted(lease_use_read(written(buf, sizeof buf, &u), &back, &e), &e);
	assert_true(back.terms.has_tag);
	assert_memory_equal(back.terms.tag, u.terms.tag, sizeof u.terms.tag);
	assert_memory_equal(back.terms.tag_name, u.terms.tag_name, sizeof u.terms.tag_name);
}

static void a_buffer_too_small_is_said(void **s)
{
	struct lease_use u = sample();
	uint8_t buf[300];
	struct wr w = wr_to(buf, sizeof buf);
	(void)s;
	assert_int_equal(lease_use_write(&w, &u), -1);
}

/* No byte is free: whatever is read is written back as the very same bytes. */
static void same_or_refused(struct view v, void *arg)
{
	struct lease_use u;
	struct err e = {0};
	uint8_t buf[1024];
	(void)arg;
	if (lease_use_read(v, &u, &e) == 0)
		assert_true(view_equal(written(buf, sizeof buf, &u), v));
	else
		assert_refused(-1, &e, WHY_MALFORMED);
}

static void every_mangled_lease_is_refused_or_means_what_it_says(void **s)
{
	struct lease_use u = sample();
	uint8_t buf[1024];
	(void)s;
	mangle_each(written(buf, sizeof buf, &u), same_or_refused, NULL);
	with_tag(&u);
	mangle_each(written(buf, sizeof buf, &u), same_or_refused, NULL);
}

static void a_name_that_is_a_path_is_refused(void **s)
{
	struct lease_use u = sample(), back;
	struct err e = {0};
	uint8_t buf[1024];
	(void)s;
	memcpy(u.dataset, "../x", 5);
	assert_refused(lease_use_read(written(buf, sizeof buf, &u), &back, &e), &e, WHY_MALFORMED);
}

static void other_registers_than_ours_are_refused(void **s)
{
	static const uint32_t masks[] = {0, PCR_MASK & ~(1u << 7), PCR_MASK | 1u << 23, UINT32_MAX};
	(void)s;
	for (size_t i = 0; i < COUNT(masks); i++) {
		struct lease_use u = sample(), back;
		struct err e = {0};
		uint8_t buf[1024];
		u.terms.pcr_mask = masks[i];
		assert_refused(lease_use_read(written(buf, sizeof buf, &u), &back, &e), &e, WHY_MALFORMED);
	}
}

static void a_length_past_its_field_is_refused(void **s)
{
	struct lease_use u = sample(), back;
	struct err e = {0};
	uint8_t buf[1024];
	(void)s;
	struct view v = written(buf, sizeof buf, &u);
	size_t at = v.n - (2 + 68) - (2 + 108); /* length of the duplicate */
	assert_int_equal(buf[at + 1], 108);
	buf[at + 1] = 161;
	assert_refused(lease_use_read(VIEW(buf, sizeof buf), &back, &e), &e, WHY_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_was_written_is_read),
	        cmocka_unit_test(the_tag_that_a_lease_demands_is_read),
	        cmocka_unit_test(a_buffer_too_small_is_said),
	        cmocka_unit_test(every_mangled_lease_is_refused_or_means_what_it_says),
	        cmocka_unit_test(a_name_that_is_a_path_is_refused),
	        cmocka_unit_test(other_registers_than_ours_are_refused),
	        cmocka_unit_test(a_length_past_its_field_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
