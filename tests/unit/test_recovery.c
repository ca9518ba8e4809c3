/* The way in without the machine's TPM. */
#include "tests/unit/unit.h"

#include <string.h>

#include "base/es256.h"
#include "firmware/state/state.h"

static struct es256 *key;
static struct secret *phrase;
static uint8_t box[RECOVERY_BOX];
static struct err err;

static int setup(void **s)
{
	(void)s;
	key = es256_generate(&err);
	phrase = secret_new();
	assert_non_null(key);
	assert_non_null(phrase);
	for (size_t i = 0; i < SECRET_LEN; i++)
		phrase->b[i] = (uint8_t)i;
	return recovery_put(key->pub, phrase, box, &err);
}

static int teardown(void **s)
{
	(void)s;
	es256_free(key);
	secret_free(phrase);
	return 0;
}

static int answer(const struct es256 *by)
{
	AUTO(secret_free) struct secret *out = NULL;
	int rc = recovery_get(by, box, &out, &err);

	if (rc == 0)
		assert_memory_equal(out->b, phrase->b, SECRET_LEN);
	else
		assert_null(out);
	return rc;
}

static void the_holder_of_the_recovery_key_gets_the_phrase(void **s)
{
	(void)s;
	assert_accepted(answer(key), &err);
}

static void another_key_gets_nothing(void **s)
{
	AUTO(es256_free) struct es256 *other = es256_generate(&err);

	(void)s;
	assert_refused(answer(other), &err, WHY_FORGED);
}

static void the_public_half_alone_gets_nothing(void **s)
{
	AUTO(es256_free) struct es256 *half = es256_from_pub(key->pub, &err);

	(void)s;
	assert_refused(answer(half), &err, WHY_MALFORMED);
}

static void two_boxes_of_one_phrase_have_nothing_in_common(void **s)
{
	uint8_t again[RECOVERY_BOX];

	(void)s;
	assert_accepted(recovery_put(key->pub, phrase, again, &err), &err);
	assert_memory_not_equal(again, box, 64);
	assert_memory_not_equal(again + 64, box + 64, RECOVERY_LEN);
	assert_memory_not_equal(again + 64 + RECOVERY_LEN, box + 64 + RECOVERY_LEN, SHA_LEN);
}

static void a_flipped_bit_anywhere_is_refused(void **s)
{
	(void)s;
	for (size_t bit = 0; bit < sizeof box * 8; bit++) {
		box[bit / 8] = (uint8_t)(box[bit / 8] ^ 1u << bit % 8);
		assert_int_equal(answer(key), -1);
		box[bit / 8] = (uint8_t)(box[bit / 8] ^ 1u << bit % 8);
	}
	assert_accepted(answer(key), &err);
}

static void the_phrase_is_hexadecimal(void **s)
{
	char text[RECOVERY_PHRASE + 1];

	(void)s;
	recovery_phrase(phrase, text);
	assert_string_equal(text, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(the_holder_of_the_recovery_key_gets_the_phrase, setup, teardown),
	        cmocka_unit_test_setup_teardown(another_key_gets_nothing, setup, teardown),
	        cmocka_unit_test_setup_teardown(the_public_half_alone_gets_nothing, setup, teardown),
	        cmocka_unit_test_setup_teardown(two_boxes_of_one_phrase_have_nothing_in_common, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_flipped_bit_anywhere_is_refused, setup, teardown),
	        cmocka_unit_test_setup_teardown(the_phrase_is_hexadecimal, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
