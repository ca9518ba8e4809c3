/* PE images, as far as Secure Boot and the stub read them. */
#include "tests/unit/unit.h"

#include "base/hex.h"
#include "tests/unit/mangle.h"
#include "tests/unit/pemaker.h"

static struct pemaker image;
static struct pe pe;
static struct err err;

static int fresh(void **s)
{
	(void)s;
	pemaker_start(&image);
	pemaker_text(&image, ".text", "code");
	pemaker_text(&image, ".osrel", "ID=merestone\n");
	return 0;
}

static int answer(void)
{
	return pe_parse(pemaker_view(&image), &pe, &err);
}

static void digest(uint8_t out[SHA_LEN])
{
	assert_accepted(answer(), &err);
	pe_authenticode(&pe, out);
}

static void a_section_is_found_by_its_name_and_has_the_bytes_that_are_loaded(void **s)
{
	const struct pe_section *osrel;

	(void)s;
	assert_accepted(answer(), &err);
	osrel = pe_section(&pe, ".osrel");
	assert_non_null(osrel);
	assert_int_equal(osrel->data.n, strlen("ID=merestone\n"));
	assert_memory_equal(osrel->data.p, "ID=merestone\n", osrel->data.n);
	assert_int_equal(osrel->raw.n, PEMAKER_ALIGN);
	assert_null(pe_section(&pe, ".osre"));
	assert_null(pe_section(&pe, ".initrd"));
}

static void a_signature_does_not_change_what_is_signed(void **s)
{
	uint8_t before[SHA_LEN], after[SHA_LEN];

	(void)s;
	digest(before);
	pemaker_sign(&image, 1024);
	digest(after);
	assert_memory_equal(before, after, SHA_LEN);
}

/* By hand: the whole file but for eight bytes of the directory and four of the checksum. */
static void the_digest_is_over_the_file_without_two_fields(void **s)
{
	uint8_t expected[SHA_LEN], got[SHA_LEN];
	const struct view parts[] = {VIEW(image.b, PEMAKER_CHECKSUM),
	        VIEW(image.b + PEMAKER_CHECKSUM + 4, PEMAKER_DIRECTORY - PEMAKER_CHECKSUM - 4),
	        VIEW(image.b + PEMAKER_DIRECTORY + 8, image.n - PEMAKER_DIRECTORY - 8)};

	(void)s;
	sha256_n(expected, parts, COUNT(parts));
	digest(got);
	assert_memory_equal(expected, got, SHA_LEN);
}

static void a_byte_of_any_section_changes_the_digest_and_so_does_one_behind_the_last(void **s)
{
	uint8_t before[SHA_LEN], after[SHA_LEN];

	(void)s;
	digest(before);
	for (size_t at = PEMAKER_HEADERS; at < image.n; at += 97) {
		image.b[at] ^= 1;
		digest(after);
		assert_memory_not_equal(before, after, SHA_LEN);
		image.b[at] ^= 1;
	}
	image.n += 8;
	digest(after);
	assert_memory_not_equal(before, after, SHA_LEN);
}

static void sections_that_overlap_are_refused(void **s)
{
	(void)s;
	pemaker_le(image.b + PEMAKER_SECTIONS + 40 + 20, PEMAKER_HEADERS, 4);
	assert_refused(answer(), &err, WHY_MALFORMED);
}

static void a_section_within_the_headers_is_refused(void **s)
{
	(void)s;
	pemaker_le(image.b + PEMAKER_SECTIONS + 20, 64, 4);
	assert_refused(answer(), &err, WHY_MALFORMED);
}

static void a_section_past_the_end_is_refused(void **s)
{
	(void)s;
	image.n -= 1;
	assert_refused(answer(), &err, WHY_MALFORMED);
}

static void signatures_that_do_not_end_the_file_are_refused(void **s)
{
	(void)s;
	pemaker_sign(&image, 512);
	image.n += 8;
	assert_refused(answer(), &err, WHY_MALFORMED);
}

static void signatures_within_a_section_are_refused(void **s)
{
	(void)s;
	pemaker_le(image.b + PEMAKER_DIRECTORY, image.n - 8, 4);
	pemaker_le(image.b + PEMAKER_DIRECTORY + 4, 8, 4);
	assert_refused(answer(), &err, WHY_MALFORMED);
}

static void more_sections_than_anybody_writes_are_refused(void **s)
{
	(void)s;
	pemaker_le(image.b + PEMAKER_PE + 6, PE_SECTIONS_MAX + 1, 2);
	assert_refused(answer(), &err, WHY_MALFORMED);
}

static void an_image_for_32_bits_is_refused(void **s)
{
	(void)s;
	pemaker_le(image.b + PEMAKER_OPTIONAL, 0x10b, 2);
	assert_refused(answer(), &err, WHY_MALFORMED);
}

/* Everything but checksum and signature is under the digest, and nothing is read outside the file. */
static void try_mangled(struct view mangled, void *arg)
{
	uint8_t out[SHA_LEN];

	(void)arg;
	if (pe_parse(mangled, &pe, &err) != 0) {
		assert_int_equal(err.why, WHY_MALFORMED);
		return;
	}
	pe_authenticode(&pe, out);
	for (size_t i = 0; i < pe.n; i++)
		assert_true(pe.section[i].raw.n == 0 ||
		            (pe.section[i].raw.p >= mangled.p &&
		                    pe.section[i].raw.p + pe.section[i].raw.n <= mangled.p + mangled.n));
}

static void no_cut_and_no_flipped_bit_is_read_outside_the_file(void **s)
{
	(void)s;
	pemaker_sign(&image, 64);
	mangle_each(pemaker_view(&image), try_mangled, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(a_section_is_found_by_its_name_and_has_the_bytes_that_are_loaded, fresh),
	        cmocka_unit_test_setup(a_signature_does_not_change_what_is_signed, fresh),
	        cmocka_unit_test_setup(the_digest_is_over_the_file_without_two_fields, fresh),
	        cmocka_unit_test_setup(a_byte_of_any_section_changes_the_digest_and_so_does_one_behind_the_last, fresh),
	        cmocka_unit_test_setup(sections_that_overlap_are_refused, fresh),
	        cmocka_unit_test_setup(a_section_within_the_headers_is_refused, fresh),
	        cmocka_unit_test_setup(a_section_past_the_end_is_refused, fresh),
	        cmocka_unit_test_setup(signatures_that_do_not_end_the_file_are_refused, fresh),
	        cmocka_unit_test_setup(signatures_within_a_section_are_refused, fresh),
	        cmocka_unit_test_setup(more_sections_than_anybody_writes_are_refused, fresh),
	        cmocka_unit_test_setup(an_image_for_32_bits_is_refused, fresh),
	        cmocka_unit_test_setup(no_cut_and_no_flipped_bit_is_read_outside_the_file, fresh),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
