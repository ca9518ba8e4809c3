#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "firmware/init/init.h"
#include "tests/unit/mangle.h"

#define ROOT_HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define GOOD     "merestone.root=" ROOT_HEX " merestone.salt=0a0b merestone.blocks=3157 lockdown=integrity quiet\n"

static struct err e;

static int parse(const char *line, struct bootline *b)
{
	return bootline_parse(VIEW(line, strlen(line)), b, &e);
}

static void the_command_line_names_a_root(void **s)
{
	struct bootline b;

	(void)s;
	assert_accepted(parse(GOOD, &b), &e);
	assert_int_equal(b.root[1], 0x11);
	assert_int_equal(b.root[31], 0xff);
	assert_int_equal(b.nsalt, 2);
	assert_int_equal(b.salt[1], 0x0b);
	assert_int_equal(b.blocks, 3157);
	assert_false(b.debug);
	assert_accepted(parse("merestone.debug " GOOD, &b), &e);
	assert_true(b.debug);
}

static void a_command_line_without_one_of_its_words_is_refused(void **s)
{
	static const char *const lines[] = {"", "quiet", "merestone.root=" ROOT_HEX " merestone.salt=0a",
	        "merestone.root=" ROOT_HEX " merestone.blocks=1", "merestone.salt=0a merestone.blocks=1"};
	struct bootline b;

	(void)s;
	for (size_t i = 0; i < COUNT(lines); i++)
		assert_refused(parse(lines[i], &b), &e, WHY_MALFORMED);
}

static void a_word_that_comes_twice_is_refused(void **s)
{
	struct bootline b;

	(void)s;
	assert_refused(parse("merestone.salt=0b " GOOD, &b), &e, WHY_MALFORMED);
	assert_non_null(strstr(e.text, "second time"));
}

static void a_word_of_ours_that_is_unknown_is_refused(void **s)
{
	static const char *const words[] = {"merestone.shell", "merestone.root", "merestone.root=00",
	        "merestone.blocks=0", "merestone.blocks=-1", "merestone.blocks=0x10",
	        "merestone.blocks=9999999999999999", "merestone.salt=", "merestone.salt=0", "merestone.salt=zz",
	        "merestone."};
	struct bootline b;
	char line[512];

	(void)s;
	for (size_t i = 0; i < COUNT(words); i++) {
		(void)snprintf(line, sizeof line, "%s " GOOD, words[i]);
		assert_refused(parse(line, &b), &e, WHY_MALFORMED);
		assert_non_null(strstr(e.text, words[i]));
	}
}

/* Whatever a mangled line says, it is a root of 32 bytes and at least one block, or a refusal. */
static void look(struct view v, void *arg)
{
	struct bootline b = {0};

	(void)arg;
	if (bootline_parse(v, &b, &e) == 0)
		assert_true(b.blocks > 0 && b.nsalt > 0 && b.nsalt <= SALT_MAX);
}

static void every_mangled_line_is_a_root_or_a_refusal(void **s)
{
	(void)s;
	mangle_each(VIEW(GOOD, sizeof GOOD - 1), look, NULL);
}

/* ---- verity ---- */

static void the_root_whose_top_block_fits_is_the_one(void **s)
{
	static uint8_t top[VERITY_BLOCK];
	struct bootline b;

	(void)s;
	assert_accepted(parse(GOOD, &b), &e);
	memset(top, 7, sizeof top);
	sha256_2(b.root, VIEW(b.salt, b.nsalt), VIEW_OF(top));
	assert_true(verity_fits(&b, top));
	top[4095] ^= 1;
	assert_false(verity_fits(&b, top));
	top[4095] ^= 1;
	b.salt[0] ^= 1;
	assert_false(verity_fits(&b, top));
}

static void the_kernel_is_told_to_panic_when_a_block_does_not_fit(void **s)
{
	struct bootline b;
	char line[512];
	struct wr w = wr_to(line, sizeof line);

	(void)s;
	assert_accepted(parse(GOOD, &b), &e);
	verity_table(&b, "/dev/vda2", &w);
	assert_true(wr_ok(&w));
	assert_string_equal(
	        line, "1 /dev/vda2 /dev/vda2 4096 4096 3157 3157 sha256 " ROOT_HEX " 0a0b 1 panic_on_corruption");
}

static void our_sha256_is_that_of_openssl(void **s)
{
	uint8_t bytes[300], ours[SHA_LEN], theirs[SHA_LEN];

	(void)s;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 37);
	for (size_t n = 0; n < sizeof bytes; n++) {
		const struct view parts[] = {{bytes, n / 3}, {bytes + n / 3, n - n / 3}};

		sha2_256(ours, parts, 2);
		sha256(theirs, VIEW(bytes, n));
		assert_memory_equal(ours, theirs, SHA_LEN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_command_line_names_a_root),
	        cmocka_unit_test(a_command_line_without_one_of_its_words_is_refused),
	        cmocka_unit_test(a_word_that_comes_twice_is_refused),
	        cmocka_unit_test(a_word_of_ours_that_is_unknown_is_refused),
	        cmocka_unit_test(every_mangled_line_is_a_root_or_a_refusal),
	        cmocka_unit_test(the_root_whose_top_block_fits_is_the_one),
	        cmocka_unit_test(the_kernel_is_told_to_panic_when_a_block_does_not_fit),
	        cmocka_unit_test(our_sha256_is_that_of_openssl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
