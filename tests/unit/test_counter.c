/* Tests of counter against a TPM's own digests. */
#include "tests/unit/unit.h"

#include <string.h>

#include "attest/attest.h"
#include "base/hex.h"

static void the_index_has_the_vectors_name(void **s)
{
	uint8_t name[TPM_NAME_LEN];
	char text[2 * TPM_NAME_LEN + 1];

	(void)s;
	counter_name(name);
	assert_string_equal(hex_put(text, name, sizeof name),
	        "000bf485b556b50018e4212c5af58d99f80643e7cd46ecb55cb138bd9ffbd53e9a88");
}

static void the_mark_is_of_the_words_and_the_value(void **s)
{
	static const char bytes[] = "merestone lease end\0\0\0\0\0\0\1\2";
	uint8_t mark[SHA_LEN], expected[SHA_LEN];

	(void)s;
	counter_mark(mark, 258);
	sha256(expected, VIEW(bytes, sizeof bytes - 1));
	assert_memory_equal(mark, expected, SHA_LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_index_has_the_vectors_name),
	        cmocka_unit_test(the_mark_is_of_the_words_and_the_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
