#include "tests/unit/unit.h"

#include <string.h>

#include "base/hex.h"
#include "base/sha.h"

static void assert_hex(const uint8_t got[SHA_LEN], const char *expected)
{
	char text[2 * SHA_LEN + 1];

	assert_string_equal(hex_put(text, got, SHA_LEN), expected);
}

static void the_vectors_of_fips_180_4_hold(void **s)
{
	uint8_t out[SHA_LEN];

	(void)s;
	sha256(out, VIEW(NULL, 0));
	assert_hex(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	sha256(out, VIEW("abc", 3));
	assert_hex(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void a_hash_does_not_depend_on_how_its_input_is_cut(void **s)
{
	uint8_t whole[SHA_LEN], out[SHA_LEN];
	struct view parts[] = {VIEW("a", 1), VIEW(NULL, 0), VIEW("bc", 2)};
	struct sha h;

	(void)s;
	sha256(whole, VIEW("abc", 3));
	sha256_2(out, VIEW("ab", 2), VIEW("c", 1));
	assert_memory_equal(out, whole, SHA_LEN);
	sha256_n(out, parts, COUNT(parts));
	assert_memory_equal(out, whole, SHA_LEN);
	sha_start(&h);
	sha_add(&h, parts[0]);
	sha256(out, VIEW("in between", 10));
	sha_add(&h, parts[1]);
	sha_add(&h, parts[2]);
	sha_end(&h, out);
	assert_memory_equal(out, whole, SHA_LEN);
}

/* RFC 4231 4.2, 4.3, 4.7 */
static void the_vectors_of_rfc_4231_hold(void **s)
{
	uint8_t key[131], out[SHA_LEN];
	struct view first = VIEW("Hi There", 8), parts[] = {VIEW("what do ya want ", 16), VIEW("for nothing?", 12)};
	struct view large = VIEW("Test Using Larger Than Block-Size Key - Hash Key First", 54);

	(void)s;
	memset(key, 0x0b, sizeof key);
	hmac256(out, VIEW(key, 20), &first, 1);
	assert_hex(out, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	hmac256(out, VIEW("Jefe", 4), parts, 2);
	assert_hex(out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof key);
	hmac256(out, VIEW_OF(key), &large, 1);
	assert_hex(out, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/* RFC 5869 A.3, of whose 42 bytes we make the first 32. */
static void the_vector_of_rfc_5869_holds(void **s)
{
	uint8_t ikm[22], out[SHA_LEN];

	(void)s;
	memset(ikm, 0x0b, sizeof ikm);
	hkdf256(out, VIEW_OF(ikm), VIEW(NULL, 0));
	assert_hex(out, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_vectors_of_fips_180_4_hold),
	        cmocka_unit_test(a_hash_does_not_depend_on_how_its_input_is_cut),
	        cmocka_unit_test(the_vectors_of_rfc_4231_hold),
	        cmocka_unit_test(the_vector_of_rfc_5869_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
