/* Tests of lease: every digest of a TPM's trial session is reproduced. The vector was taken from a TPM 2.0 emulator:
 * policy steps in the order registers, geo tag, revocation counter, resetCount, clock. */
#include "tests/unit/unit.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <string.h>

#include "base/hex.h"
#include "keystore/keystore.h"

#define LEASE_XY                                                                                                       \
	"0217e617f0b6443928278f96999e69a23a4f2c152bdf6d6cdf66e5b80282d4ed"                                             \
	"194a7debcb97712d2dda3ca85aa8765a56f45fc758599652f2897c65306e5794"

enum { CC_POLICY_SIGNED = 0x160, OP_EQ = 0, OP_LE = 9, CLOCK = 8, RESET_COUNT = 16 };

static void bytes(void *out, size_t n, const char *hex)
{
	assert_int_equal(hex_get(out, n, hex), 0);
}

static void is(const uint8_t *found, size_t n, const char *expected)
{
	char text[2 * 128 + 1];
	assert_string_equal(hex_put(text, found, n), expected);
}

static void hash_of(uint8_t out[SHA_LEN], const char *text)
{
	sha256(out, VIEW(text, strlen(text)));
}

static void lease_public(uint8_t out[ES256_PUB])
{
	bytes(out, ES256_PUB, LEASE_XY);
}

/* x || y of the key whose private number is 32 times the byte. */
static void public_of(uint8_t out[ES256_PUB], uint8_t repeated)
{
	uint8_t scalar[32], point[1 + ES256_PUB];
	memset(scalar, repeated, sizeof scalar);
	EC_GROUP *g = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *p = EC_POINT_new(g);
	BIGNUM *d = BN_bin2bn(scalar, sizeof scalar, NULL);
	assert_int_equal(EC_POINT_mul(g, p, d, NULL, NULL, NULL), 1);
	assert_int_equal(EC_POINT_point2oct(g, p, POINT_CONVERSION_UNCOMPRESSED, point, sizeof point, NULL), 65);
	memcpy(out, point + 1, ES256_PUB);
	BN_free(d);
	EC_POINT_free(p);
	EC_GROUP_free(g);
}

static void nv_name(uint8_t out[TPM_NAME_LEN], const char *nv_public)
{
	uint8_t area[64];
	size_t n = strlen(nv_public) / 2;
	bytes(area, n, nv_public);
	out[0] = 0;
	out[1] = 0x0b;
	sha256(out + 2, VIEW(area, n));
}

static void the_lease_key_has_the_tpms_public_area_and_name(void **s)
{
	uint8_t xy[ES256_PUB], area[EXTKEY_PUBLIC], name[TPM_NAME_LEN], computed[ES256_PUB];
	(void)s;
	lease_public(xy);
	public_of(computed, 0x11);
	assert_memory_equal(xy, computed, sizeof xy);
	extkey_public(area, xy);
	is(area, sizeof area,
	        "0023000b00040040000000100018000b0003001000200217e617f0b6443928278f96999e69a23a4f2c152bdf6d6cdf66e5b802"
	        "82d4ed"
	        "0020194a7debcb97712d2dda3ca85aa8765a56f45fc758599652f2897c65306e5794");
	extkey_name(name, xy);
	is(name, sizeof name, "000bae7dc400a4d7f81b34194d9675a240616e02a65fb537b1615cfcb4ceacdda05b");
}

static void the_registers_digest_is_that_of_the_vector(void **s)
{
	uint8_t zero[4][SHA_LEN] = {{0}}, digest[SHA_LEN];
	(void)s;
	sha256(digest, VIEW_OF(zero));
	is(digest, sizeof digest, "38723a2e5e8a17aa7950dc008209944e898f69a7bd10a23c839d341e935fd5ca");
}

/* PolicySigned makes the officer's policy on the tag; its steps differ from PolicyAuthorize's only in the code. */
static void the_tag_and_counter_have_the_vectors_names(void **s)
{
	uint8_t xy[ES256_PUB], officer[TPM_NAME_LEN], d[SHA_LEN] = {0}, ref[SHA_LEN], name[TPM_NAME_LEN];
	const uint8_t code[] = {0, 0, CC_POLICY_SIGNED >> 8, CC_POLICY_SIGNED & 0xff};
	(void)s;
	public_of(xy, 0x22);
	extkey_name(officer, xy);
	is(officer, sizeof officer, "000b09d96aab3416ecd4a20f83f65126d9f1c1595e321e5f29e7c4e0d6ad36ab1d13");
	hash_of(ref, "tag-write");
	struct view parts[] = {VIEW_OF(d), VIEW_OF(code), VIEW_OF(officer)};
	sha256_n(d, parts, COUNT(parts));
	sha256_2(d, VIEW_OF(d), VIEW_OF(ref));
	is(d, sizeof d, "7bc4931212e395c2e0a2097eee2191709355dddfee1642ae61c6858b91100c11");
	nv_name(name, "01800100000b2204000800207bc4931212e395c2e0a2097eee2191709355dddfee1642ae61c6858b91100c110020");
	is(name, sizeof name, "000b1da498038dbf3cf883d0c230ace3cd79ae2959f0e3aca0918b4454dc38740a8e");
	nv_name(name, "01800101000b2204001400000008");
	is(name, sizeof name, "000bf485b556b50018e4212c5af58d99f80643e7cd46ecb55cb138bd9ffbd53e9a88");
}

/* H(operandB || offset || operation) stands inside the steps; here by itself. */
static void args_are(struct view operand, uint16_t offset, uint16_t op, const char *expected)
{
	uint8_t tail[4] = {(uint8_t)(offset >> 8), (uint8_t)offset, (uint8_t)(op >> 8), (uint8_t)op}, out[SHA_LEN];
	sha256_2(out, operand, VIEW_OF(tail));
	is(out, sizeof out, expected);
}

static void the_argument_hashes_are_those_of_the_vector(void **s)
{
	uint8_t tag[SHA_LEN];
	const uint8_t one8[8] = {[7] = 1}, one4[4] = {[3] = 1}, hour[8] = {[5] = 0x36, [6] = 0xee, [7] = 0x80};
	(void)s;
	hash_of(tag, "tag");
	is(tag, sizeof tag, "2a1073a6e67f0e5f09a5957c659503c690efe7272be8313df872556a9a684d8c");
	args_are(VIEW_OF(tag), 0, OP_EQ, "6dccc0c097e6032c396241150d5c7ff0b5428c40f58cd6ad8d73beb481f75783");
	args_are(VIEW_OF(one8), 0, OP_EQ, "249df6debaad7a2916207fb7f0563ec678fb776144049f157259afadda1dc127");
	args_are(VIEW_OF(one4), RESET_COUNT, OP_EQ, "da666f8932098a37843ab5b496fe84d8c6221ac9a9d4e8223fbff24649f22f9c");
	args_are(VIEW_OF(hour), CLOCK, OP_LE, "7f07b3253992353d46b5bb2db4056c00e5e28ed09bb029a95c318f250e77665f");
}

static void each_step_gives_the_tpms_digest(void **s)
{
	uint8_t d[SHA_LEN] = {0}, pcr_digest[SHA_LEN], tag[SHA_LEN], tag_name[TPM_NAME_LEN], counter_name[TPM_NAME_LEN];
	const uint8_t one8[8] = {[7] = 1}, one4[4] = {[3] = 1}, hour[8] = {[5] = 0x36, [6] = 0xee, [7] = 0x80};
	(void)s;
	bytes(pcr_digest, sizeof pcr_digest, "38723a2e5e8a17aa7950dc008209944e898f69a7bd10a23c839d341e935fd5ca");
	bytes(tag_name, sizeof tag_name, "000b1da498038dbf3cf883d0c230ace3cd79ae2959f0e3aca0918b4454dc38740a8e");
	bytes(counter_name, sizeof counter_name,
	        "000bf485b556b50018e4212c5af58d99f80643e7cd46ecb55cb138bd9ffbd53e9a88");
	hash_of(tag, "tag");

	lease_policy_pcr(d, 1u << 0 | 1u << 2 | 1u << 4 | 1u << 7, pcr_digest);
	is(d, sizeof d, "4f04c837291ac05d8c8fceb5d03ac530d3189c1dd24dc744f2145cf71eaa9cf6");
	lease_policy_nv(d, VIEW_OF(tag), 0, OP_EQ, VIEW_OF(tag_name));
	is(d, sizeof d, "fc9c0c9b112260a7e72e12c51bf550435c747333f782b45738aba1edac6f3fbc");
	lease_policy_nv(d, VIEW_OF(one8), 0, OP_EQ, VIEW_OF(counter_name));
	is(d, sizeof d, "58bdc5c46c2a9ee019aca862ced2d9190595c2801d514f9342b9beb8de917b0c");
	lease_policy_counter_timer(d, VIEW_OF(one4), RESET_COUNT, OP_EQ);
	is(d, sizeof d, "a24ad38477c897819476acb3edb75e4ccd67bd6dbdb6ba2563175767d21641e9");
	lease_policy_counter_timer(d, VIEW_OF(hour), CLOCK, OP_LE);
	is(d, sizeof d, "d0ca62fbdd79ad5ace35e1da4abb1428652f9cc38686d8b08fb5d2e99fe2b19f");

	const uint8_t unseal[] = {0, 0, 0x01, 0x6c, 0, 0, 0x01, 0x5e}; /* PolicyCommandCode, Unseal */
	sha256_2(d, VIEW_OF(d), VIEW_OF(unseal));
	is(d, sizeof d, "8ef129a9e25f89827cb2caab88c74140f93a10c2a4c7309cd78dded0b585c68b");
}

static void the_signed_digest_and_the_objects_policy_are_those_of_the_vector(void **s)
{
	uint8_t xy[ES256_PUB], name[TPM_NAME_LEN], approved[SHA_LEN], ref[SHA_LEN], out[SHA_LEN];
	(void)s;
	hash_of(ref, "dataset-1");
	is(ref, sizeof ref, "8b39793d95ce9e9571a79b45048e3731c480de5d80ed4536c2ff461ef0df7dc1");
	bytes(approved, sizeof approved, "d0ca62fbdd79ad5ace35e1da4abb1428652f9cc38686d8b08fb5d2e99fe2b19f");
	lease_digest(out, approved, ref);
	is(out, sizeof out, "358a463328b5310e0e9195153dbf822beb39a452b9db66f352baa048d51c6935");
	lease_public(xy);
	extkey_name(name, xy);
	memset(out, 0xff, sizeof out); /* whatever was there: PolicyAuthorize starts anew */
	lease_policy_authorize(out, name, VIEW(ref, SHA_LEN));
	is(out, sizeof out, "e00035300c2e54ec639e560c7dc0570f508efd1705d3f0bd8e622eb5a4825028");
}

#define COUNTER_NAME "000bf485b556b50018e4212c5af58d99f80643e7cd46ecb55cb138bd9ffbd53e9a88"

/* The lease of this version: registers, counter, both boot counters in one operand, the deadline. */
static void an_approved_policy_is_its_four_steps(void **s)
{
	struct lease_terms t = {.pcr_mask = PCR_MASK, .reset_count = 7, .restart_count = 2, .deadline_ms = 0x36ee80};
	const uint8_t boots[8] = {[3] = 7, [7] = 2}, hour[8] = {[5] = 0x36, [6] = 0xee, [7] = 0x80}, one[8] = {[7] = 1};
	uint8_t expected[SHA_LEN] = {0}, found[SHA_LEN], counter[TPM_NAME_LEN];
	(void)s;
	t.counter = 1;
	memset(t.pcr_digest, 0x5a, sizeof t.pcr_digest);
	bytes(counter, TPM_NAME_LEN, COUNTER_NAME);
	lease_policy_pcr(expected, PCR_MASK, t.pcr_digest);
	lease_policy_nv(expected, VIEW_OF(one), 0, OP_EQ, VIEW_OF(counter));
	lease_policy_counter_timer(expected, VIEW_OF(boots), RESET_COUNT, OP_EQ);
	lease_policy_counter_timer(expected, VIEW_OF(hour), CLOCK, OP_LE);
	lease_approved(found, &t);
	assert_memory_equal(found, expected, SHA_LEN);
}

/* A tag stands between registers and counter, as in the vector. */
static void an_approved_policy_with_a_tag_is_its_five_steps(void **s)
{
	struct lease_terms t = {.pcr_mask = PCR_MASK, .reset_count = 7, .deadline_ms = 0x36ee80, .has_tag = true};
	const uint8_t boots[8] = {[3] = 7}, hour[8] = {[5] = 0x36, [6] = 0xee, [7] = 0x80}, two[8] = {[7] = 2};
	uint8_t expected[SHA_LEN] = {0}, found[SHA_LEN], counter[TPM_NAME_LEN];
	(void)s;
	t.counter = 2;
	bytes(counter, TPM_NAME_LEN, COUNTER_NAME);
	hash_of(t.tag, "tag");
	bytes(t.tag_name, TPM_NAME_LEN, "000b1da498038dbf3cf883d0c230ace3cd79ae2959f0e3aca0918b4454dc38740a8e");
	lease_policy_pcr(expected, PCR_MASK, t.pcr_digest);
	lease_policy_nv(expected, VIEW_OF(t.tag), 0, OP_EQ, VIEW_OF(t.tag_name));
	lease_policy_nv(expected, VIEW_OF(two), 0, OP_EQ, VIEW_OF(counter));
	lease_policy_counter_timer(expected, VIEW_OF(boots), RESET_COUNT, OP_EQ);
	lease_policy_counter_timer(expected, VIEW_OF(hour), CLOCK, OP_LE);
	lease_approved(found, &t);
	assert_memory_equal(found, expected, SHA_LEN);
}

static void every_term_changes_the_approved_policy(void **s)
{
	struct lease_terms base = {.pcr_mask = PCR_MASK, .reset_count = 7, .restart_count = 2, .deadline_ms = 1000};
	struct lease_terms other[9] = {base, base, base, base, base, base, base, base, base};
	uint8_t first[SHA_LEN], found[SHA_LEN];
	(void)s;
	other[0].pcr_digest[31] ^= 1;
	other[1].pcr_mask ^= 1u << 8;
	other[2].reset_count++;
	other[3].restart_count++;
	other[4].deadline_ms++;
	other[5].has_tag = other[6].has_tag = other[7].has_tag = true;
	other[6].tag[0]++;
	other[7].tag_name[33]++;
	other[8].counter++;
	lease_approved(first, &base);
	for (size_t i = 0; i < COUNT(other); i++) {
		lease_approved(found, &other[i]);
		assert_memory_not_equal(found, first, SHA_LEN);
	}
	lease_approved(first, &other[5]);
	for (size_t i = 6; i < 8; i++) {
		lease_approved(found, &other[i]);
		assert_memory_not_equal(found, first, SHA_LEN);
	}
}

/* Length prefixes: what moves from one name to its neighbour is another reference. */
static void references_of_different_grants_differ(void **s)
{
	uint8_t a[SHA_LEN], b[SHA_LEN];
	static const struct {
		const char *domain, *dataset;
		uint32_t epoch, generation;
	} others[] = {{"geo", "adata", 1, 1}, {"geoa", "dat", 1, 1}, {"geoa", "data", 2, 1}, {"geoa", "data", 1, 2},
	        {"data", "geoa", 1, 1}};
	(void)s;
	policyref(a, "geoa", "data", 1, 1);
	for (size_t i = 0; i < COUNT(others); i++) {
		policyref(b, others[i].domain, others[i].dataset, others[i].epoch, others[i].generation);
		assert_memory_not_equal(a, b, SHA_LEN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_lease_key_has_the_tpms_public_area_and_name),
	        cmocka_unit_test(the_registers_digest_is_that_of_the_vector),
	        cmocka_unit_test(the_tag_and_counter_have_the_vectors_names),
	        cmocka_unit_test(the_argument_hashes_are_those_of_the_vector),
	        cmocka_unit_test(each_step_gives_the_tpms_digest),
	        cmocka_unit_test(the_signed_digest_and_the_objects_policy_are_those_of_the_vector),
	        cmocka_unit_test(an_approved_policy_is_its_four_steps),
	        cmocka_unit_test(an_approved_policy_with_a_tag_is_its_five_steps),
	        cmocka_unit_test(every_term_changes_the_approved_policy),
	        cmocka_unit_test(references_of_different_grants_differ),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
