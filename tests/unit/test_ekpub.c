#include "tests/unit/endorser.h"

#include <fcntl.h>

#include "attest/ekpub.h"
#include "base/file.h"
#include "base/hex.h"
#include "tests/unit/mangle.h"

static struct endorser made[ENDORSER_COUNT];
static uint8_t buf[TPM_PUBLIC_MAX];
static struct err e;

static int make(void **s)
{
	(void)s;
	for (size_t i = 0; i < ENDORSER_COUNT; i++)
		endorser_make(&made[i], i);
	return 0;
}

static int drop(void **s)
{
	(void)s;
	for (size_t i = 0; i < ENDORSER_COUNT; i++)
		endorser_drop(&made[i]);
	return 0;
}

static void each_template_of_the_profile_is_an_endorsement_key(void **s)
{
	static const int types[ENDORSER_COUNT] = {EK_RSA2048, EK_P256, EK_RSA2048, EK_P256, EK_P384, EK_RSA3072};
	static const size_t sizes[ENDORSER_COUNT] = {256, 64, 256, 64, 96, 384};

	(void)s;
	for (size_t i = 0; i < ENDORSER_COUNT; i++) {
		assert_int_equal(made[i].pub.type, types[i]);
		assert_int_equal(made[i].pub.nkey, sizes[i]);
		assert_int_equal(made[i].pub.high, i >= 2);
		assert_int_equal(made[i].pub.name_alg, i >= 4 ? 0x000c : 0x000b);
	}
}

static int parsing(const struct endorser_shape *s, size_t i)
{
	struct ek_pub k;

	e = (struct err){0};
	return ekpub_parse(endorser_area(buf, s, made[i].pub.key, made[i].pub.nkey), &k, &e);
}

static void refuses(const struct endorser_shape *s, size_t i, const char *says)
{
	assert_refused(parsing(s, i), &e, WHY_UNTRUSTED);
	if (!strstr(e.text, says))
		fail_msg("%s: %s", s->name, e.text);
}

static void a_template_is_checked_to_the_last_bit(void **s)
{
	static const uint8_t odd[48] = {1};

	(void)s;
	for (size_t i = 0; i < ENDORSER_COUNT; i++) {
		const struct endorser_shape good = endorser_shape(i);
		struct endorser_shape bad = good;
		bad.name_alg = i >= 4 ? ALG_SHA256 : ALG_SHA384;
		refuses(&bad, i, "its name's hash is not that of template");
		bad = good;
		bad.policy = VIEW(odd, good.policy.n);
		refuses(&bad, i, "its policy");
		bad.policy = VIEW(NULL, 0);
		refuses(&bad, i, "its policy");
		bad = good;
		bad.aes_bits = i >= 4 ? 128 : 256;
		refuses(&bad, i, "its symmetric algorithm");
		bad = good;
		bad.mode = 0x0042; /* CBC */
		refuses(&bad, i, "its symmetric algorithm");
		bad = good;
		bad.kdf = 0x0020;
		bad.exponent = 3;
		refuses(&bad, i, good.alg == ALG_RSA ? "its exponent" : "its scheme");
		bad.exponent = 65537;
		bad.kdf = ALG_NULL;
		assert_accepted(parsing(&bad, i), &e);
	}
}

static void attack_A04_an_endorsement_key_with_other_attributes_is_refused_by_name(void **s)
{
	(void)s;
	for (size_t i = 0; i < ENDORSER_COUNT; i++)
		for (unsigned bit = 0; bit < 32; bit++) {
			struct endorser_shape bad = endorser_shape(i);
			bad.attributes ^= 1u << bit;
			refuses(&bad, i, bit == 6 ? "template" : "attribute");
		}
}

/* userWithAuth tells the range, so without it a key of the high range has a policy that is not of its range. */
static void what_only_the_high_range_has_is_refused_in_the_low_one(void **s)
{
	(void)s;
	for (size_t i = 4; i < ENDORSER_COUNT; i++) {
		struct endorser_shape bad = endorser_shape(i);
		bad.attributes = ENDORSER_LOW;
		refuses(&bad, i, "in no template of its range");
	}
	struct endorser_shape other = endorser_shape(0);
	other.size = 1024;
	refuses(&other, 0, "RSA of size 0x0400");
	other = endorser_shape(1);
	other.size = 0x0010; /* BN-256 */
	refuses(&other, 1, "curve 0x0010");
	other.alg = ALG_KEYEDHASH;
	refuses(&other, 1, "neither RSA nor ECC");
}

static void a_modulus_is_odd_and_as_long_as_it_says(void **s)
{
	const struct endorser_shape shape = endorser_shape(0);
	uint8_t n[256];
	struct ek_pub k;

	(void)s;
	memcpy(n, made[0].pub.key, sizeof n);
	n[255] &= 0xfe;
	assert_refused(ekpub_parse(endorser_area(buf, &shape, n, 256), &k, &e), &e, WHY_MALFORMED);
	memcpy(n, made[0].pub.key, sizeof n);
	assert_refused(ekpub_parse(endorser_area(buf, &shape, n + 1, 255), &k, &e), &e, WHY_MALFORMED);
}

static void a_coordinate_without_its_leading_zeros_is_padded(void **s)
{
	struct endorser_shape shape = endorser_shape(4);
	uint8_t key[96];
	struct ek_pub k;

	(void)s;
	memcpy(key, made[4].pub.key, sizeof key);
	struct view v = endorser_area(buf, &shape, key, 94); /* 47 bytes in each: TPMs leave zeros out */
	assert_accepted(ekpub_parse(v, &k, &e), &e);
	assert_int_equal(k.key[0], 0);
	assert_memory_equal(k.key + 1, key, 47);
	assert_int_equal(k.key[48], 0);
}

/* Keylime's fixture: an RSA-2048 key of a software TPM, in a TPM2B. */
static void the_key_of_another_project_is_one_of_template_L1(void **s)
{
	AUTO(mem_free) char *bytes = NULL;
	uint8_t *p = NULL;
	struct ek_pub k;
	size_t n = 0;

	(void)s;
	if (file_read(AT_FDCWD, "../shared/fixtures/quotes/keylime-ek.pub", 4096, &p, &n, &e) != 0)
		skip();
	bytes = (char *)p;
	struct rd r = rd_of(VIEW(p, n));
	assert_accepted(ekpub_parse(rd_view16(&r), &k, &e), &e);
	assert_int_equal(k.type, EK_RSA2048);
	assert_false(k.high);
}

/* n = k * M + 65537^a mod M with M the product of the odd primes to 167: the mark, without the work of finding primes. */
static void marked(uint8_t *out, size_t bytes)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *m = BN_new(), *n = BN_new(), *power = BN_new(), *base = BN_new();

	BN_one(m);
	for (unsigned p = 3; p <= 167; p += 2) {
		unsigned d = 3;
		while (d * d <= p && p % d)
			d += 2;
		if (d * d > p)
			BN_mul_word(m, p);
	}
	BN_set_word(base, 65537);
	BN_rand(n, (int)bytes * 8, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ANY);
	BN_rand(power, 100, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
	BN_mod_exp(base, base, power, m, ctx);
	BN_mod(power, n, m, ctx);
	BN_sub(n, n, power);
	BN_add(n, n, base);
	if (!BN_is_odd(n)) /* M is odd: one more of it changes this, and nothing modulo its primes */
		BN_add(n, n, m);
	assert_int_equal(BN_bn2binpad(n, out, (int)bytes), bytes);
	BN_free(m);
	BN_free(n);
	BN_free(power);
	BN_free(base);
	BN_CTX_free(ctx);
}

static void attack_A29_a_key_of_the_faulty_generator_is_refused(void **s)
{
	uint8_t n[384];
	struct ek_pub k;

	(void)s;
	for (size_t i = 0; i < ENDORSER_COUNT; i++) {
		const struct endorser_shape shape = endorser_shape(i);
		if (shape.alg != ALG_RSA)
			continue;
		marked(n, made[i].pub.nkey);
		e = (struct err){0};
		assert_refused(ekpub_parse(endorser_area(buf, &shape, n, made[i].pub.nkey), &k, &e), &e, WHY_UNTRUSTED);
		assert_non_null(strstr(e.text, "CVE-2017-15361"));
		assert_false(roca_suspect(VIEW(made[i].pub.key, made[i].pub.nkey)));
	}
}

static void changed(struct view v, void *arg)
{
	const struct ek_pub *good = arg;
	bool rsa = good->type == EK_RSA2048 || good->type == EK_RSA3072;
	size_t front = good->bytes.n - good->nkey - (rsa ? 2 : 4);
	struct ek_pub k;

	if (ekpub_parse(v, &k, &e) != 0)
		return;
	if (v.n != good->bytes.n || memcmp(v.p, good->bytes.p, front) != 0)
		fail_msg("a mangled template is accepted");
	if (memcmp(k.key, good->key, good->nkey) == 0)
		fail_msg("another public area means the same key");
}

static void a_mangled_public_area_is_refused_or_another_key(void **s)
{
	(void)s;
	for (size_t i = 0; i < ENDORSER_COUNT; i++)
		mangle_each(made[i].pub.bytes, changed, &made[i].pub);
}

static void a_byte_to_spare_is_refused(void **s)
{
	struct ek_pub k;

	(void)s;
	for (size_t i = 0; i < ENDORSER_COUNT; i++) {
		memcpy(buf, made[i].area, made[i].pub.bytes.n);
		buf[made[i].pub.bytes.n] = 0;
		assert_refused(ekpub_parse(VIEW(buf, made[i].pub.bytes.n + 1), &k, &e), &e, WHY_MALFORMED);
	}
	assert_refused(ekpub_parse(VIEW(buf, TPM_PUBLIC_MAX + 1), &k, &e), &e, WHY_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_template_of_the_profile_is_an_endorsement_key),
	        cmocka_unit_test(a_template_is_checked_to_the_last_bit),
	        cmocka_unit_test(attack_A04_an_endorsement_key_with_other_attributes_is_refused_by_name),
	        cmocka_unit_test(what_only_the_high_range_has_is_refused_in_the_low_one),
	        cmocka_unit_test(a_modulus_is_odd_and_as_long_as_it_says),
	        cmocka_unit_test(a_coordinate_without_its_leading_zeros_is_padded),
	        cmocka_unit_test(the_key_of_another_project_is_one_of_template_L1),
	        cmocka_unit_test(attack_A29_a_key_of_the_faulty_generator_is_refused),
	        cmocka_unit_test(a_mangled_public_area_is_refused_or_another_key),
	        cmocka_unit_test(a_byte_to_spare_is_refused),
	};
	return cmocka_run_group_tests(tests, make, drop);
}
