#include <fcntl.h>

#include "base/file.h"
#include "tests/unit/mangle.h"
#include "tests/unit/tpmmaker.h"

static struct tpm_key ak;
static struct pcrs pcrs;
static uint8_t nonce[NONCE_LEN] = {9, 8, 7};
static struct attest_shape shape;
static uint8_t buf[2048];
static struct quote q;
static uint8_t rs[ES256_SIG];
static struct err e;

static int make(void **s)
{
	(void)s;
	tpmmaker_key(&ak, TPMMAKER_AK);
	for (size_t i = 0; i < PCR_COUNT; i++)
		memset(pcrs.v[i], (int)i + 1, PCR_LEN);
	return 0;
}

static int drop(void **s)
{
	(void)s;
	tpmmaker_drop(&ak);
	return 0;
}

static int right(void **s)
{
	(void)s;
	tpmmaker_shape(&shape, &ak, VIEW_OF(nonce));
	tpmmaker_registers(&shape, &pcrs);
	return 0;
}

static void said(const char *words)
{
	if (!strstr(e.text, words))
		fail_msg("\"%s\" does not say \"%s\"", e.text, words);
}

static int parsing(void)
{
	struct wr w = wr_to(buf, sizeof buf);

	e = (struct err){0};
	return quote_parse(tpmmaker_attest(&w, &shape), QUOTE_MASK, &q, &e);
}

/* Parses, signs with the AK and checks, as the decider does. */
static int checking(const uint8_t extra[SHA_LEN], const struct pcrs *with)
{
	assert_accepted(parsing(), &e);
	assert_accepted(es256_sign_digest(ak.key, q.hash, rs, &e), &e);
	return quote_check(&q, rs, &ak.pub, extra, with, &e);
}

static void a_right_quote_is_accepted(void **s)
{
	(void)s;
	assert_accepted(checking(nonce, &pcrs), &e);
	assert_int_equal(q.clock.clock_ms, 123456);
	assert_int_equal(q.clock.reset_count, 7);
	assert_int_equal(q.clock.restart_count, 2);
	assert_true(q.clock.safe);
	assert_memory_equal(q.extra, nonce, SHA_LEN);
}

static void attack_A01_pcr_relabel(void **s)
{
	(void)s;
	shape.mask = 1u << 23;
	assert_refused(parsing(), &e, WHY_FORGED);
	said("0x800000 are selected, not 0x005a9f");
}

static void attack_A02_data_signed_by_a_plain_key_is_no_quote(void **s)
{
	(void)s;
	shape.magic = 0x74657874;
	assert_refused(parsing(), &e, WHY_FORGED);
	said("ff544347");
}

static void attack_A03_another_attestation_is_no_quote(void **s)
{
	static const uint16_t types[] = {0x8014, 0x8015, 0x8016, 0x8017, 0x8019, 0x801a, 0x801c, 0, 0xffff};

	(void)s;
	for (size_t i = 0; i < COUNT(types); i++) {
		shape.type = types[i];
		assert_refused(parsing(), &e, WHY_FORGED);
		said("not a quote");
	}
}

static void attack_A13_a_nonce_of_other_case_is_another_nonce(void **s)
{
	static const char lower[] = "0123456789abcdef0123456789abcdef", upper[] = "0123456789ABCDEF0123456789ABCDEF";

	(void)s;
	shape.extra = VIEW(upper, SHA_LEN);
	assert_refused(checking((const uint8_t *)lower, &pcrs), &e, WHY_STALE);
}

static void attack_A12_a_nonce_of_another_length_is_refused(void **s)
{
	uint8_t longer[SHA_LEN + 1] = {9, 8, 7};

	(void)s;
	shape.extra = VIEW(nonce, SHA_LEN - 1);
	assert_refused(parsing(), &e, WHY_MALFORMED);
	shape.extra = VIEW_OF(longer);
	assert_refused(parsing(), &e, WHY_MALFORMED);
	shape.extra = VIEW(nonce, 0);
	assert_refused(parsing(), &e, WHY_MALFORMED);
}

static void attack_A14_another_bank_is_refused(void **s)
{
	(void)s;
	shape.bank = 0x0004;
	assert_refused(parsing(), &e, WHY_FORGED);
	said("not SHA-256");
}

/* A TPM that keeps SHA-1 registers alone: its quote has the right shape, its digest is by the signature's hash. */
static void attack_A15_a_bank_of_sha1_alone_is_refused(void **s)
{
	(void)s;
	for (unsigned bank = 0; bank < 0x28; bank++) {
		shape.bank = (uint16_t)bank;
		if (bank == 0x000b)
			assert_accepted(parsing(), &e);
		else
			assert_refused(parsing(), &e, WHY_FORGED);
	}
	right(s);
	shape.digest = VIEW(shape.digest_room, 20);
	assert_refused(parsing(), &e, WHY_MALFORMED);
}

static void attack_A17_no_bank_two_banks_or_another_width_is_refused(void **s)
{
	static const uint8_t sizes[] = {0, 1, 2, 4, 255};

	(void)s;
	shape.banks = 0;
	assert_refused(parsing(), &e, WHY_FORGED);
	shape.banks = 2;
	assert_refused(parsing(), &e, WHY_FORGED);
	shape.banks = 0xffffffff;
	assert_refused(parsing(), &e, WHY_FORGED);
	shape.banks = 1;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		shape.select_size = sizes[i];
		assert_refused(parsing(), &e, WHY_MALFORMED);
	}
	shape.select_size = 3;
	shape.mask = 0;
	assert_refused(parsing(), &e, WHY_FORGED);
}

static void attack_A18_a_register_digest_must_be_the_right_one(void **s)
{
	struct view parts[(PCR_QUOTED + 1)];
	size_t n = 0;

	(void)s;
	for (size_t i = PCR_COUNT; i-- > 0;)
		if (QUOTE_MASK >> i & 1)
			parts[n++] = VIEW_OF(pcrs.v[i]);
	sha256_n(shape.digest_room, parts, n);
	assert_refused(checking(nonce, &pcrs), &e, WHY_FORGED);
	shape.digest = VIEW(shape.digest_room, 20);
	assert_refused(parsing(), &e, WHY_MALFORMED);
	shape.digest = VIEW(shape.digest_room, 0);
	assert_refused(parsing(), &e, WHY_MALFORMED);
}

static void each_quoted_register_counts(void **s)
{
	(void)s;
	for (size_t i = 0; i < PCR_COUNT; i++) {
		struct pcrs other = pcrs;
		other.v[i][31] ^= 1;
		if (QUOTE_MASK >> i & 1)
			assert_refused(checking(nonce, &other), &e, WHY_FORGED);
		else
			assert_accepted(checking(nonce, &other), &e);
	}
}

static void attack_A19_bytes_to_spare_and_wrong_lengths_are_refused(void **s)
{
	struct wr w = wr_to(buf, sizeof buf);
	struct view v = tpmmaker_attest(&w, &shape);
	static uint8_t big[0xffff];

	(void)s;
	wr_u8(&w, 0);
	assert_refused(quote_parse(wr_done(&w), QUOTE_MASK, &q, &e), &e, WHY_MALFORMED);
	said("left over");
	buf[6] = 0xff; /* length of the signer's name */
	assert_refused(quote_parse(v, QUOTE_MASK, &q, &e), &e, WHY_MALFORMED);
	assert_refused(quote_parse(VIEW_OF(big), QUOTE_MASK, &q, &e), &e, WHY_MALFORMED);
}

static void a_signer_with_another_hash_is_refused(void **s)
{
	(void)s;
	shape.signer_room[1] = 0x0c;
	assert_refused(parsing(), &e, WHY_MALFORMED);
	right(s);
	shape.signer = VIEW(shape.signer_room, 4);
	assert_refused(parsing(), &e, WHY_MALFORMED);
}

static void attack_A26_the_qualified_signer_must_be_the_ak(void **s)
{
	struct tpm_key other = {0};

	(void)s;
	tpmmaker_key(&other, TPMMAKER_AK);
	tpmpub_qualified(shape.signer_room, 0x4000000b, other.pub.name);
	assert_refused(checking(nonce, &pcrs), &e, WHY_FORGED);
	said("another signer");
	tpmpub_qualified(shape.signer_room, 0x40000001, ak.pub.name); /* the owner hierarchy */
	assert_refused(checking(nonce, &pcrs), &e, WHY_FORGED);
	tpmmaker_drop(&other);
}

static void attack_A27_a_signature_of_another_key_is_refused(void **s)
{
	struct tpm_key other = {0};

	(void)s;
	tpmmaker_key(&other, TPMMAKER_AK);
	assert_accepted(parsing(), &e);
	assert_accepted(es256_sign_digest(other.key, q.hash, rs, &e), &e);
	assert_refused(quote_check(&q, rs, &ak.pub, nonce, &pcrs, &e), &e, WHY_FORGED);
	tpmmaker_drop(&other);
}

static void a_clock_that_is_neither_safe_nor_unsafe_is_refused(void **s)
{
	(void)s;
	shape.safe = 0;
	assert_accepted(parsing(), &e);
	assert_false(q.clock.safe);
	shape.safe = 2;
	assert_refused(parsing(), &e, WHY_MALFORMED);
}

static int signature(uint16_t alg, uint16_t hash, struct view r, struct view t)
{
	struct wr w = wr_to(buf, sizeof buf);

	wr_be16(&w, alg);
	wr_be16(&w, hash);
	wr_view16(&w, r);
	wr_view16(&w, t);
	e = (struct err){0};
	return quote_signature(wr_done(&w), rs, &e);
}

static void attack_A20_other_signatures_are_refused(void **s)
{
	static const uint8_t half[33] = {1}, zero[32];
	static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	        0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
	static const struct {
		struct view r, t;
	} bad[] = {{VIEW_OF(zero), VIEW(half, 32)}, {VIEW(half, 32), VIEW_OF(zero)}, {VIEW_OF(order), VIEW(half, 32)},
	        {VIEW(half, 32), VIEW_OF(order)}};

	(void)s;
	assert_refused(signature(0x0014, 0x000b, VIEW(half, 32), VIEW(half, 32)), &e, WHY_FORGED);
	assert_refused(signature(0x0016, 0x000b, VIEW(half, 32), VIEW(half, 32)), &e, WHY_FORGED);
	assert_refused(signature(0x0018, 0x0004, VIEW(half, 32), VIEW(half, 32)), &e, WHY_FORGED);
	assert_refused(signature(0x0018, 0x000c, VIEW(half, 32), VIEW(half, 32)), &e, WHY_FORGED);
	assert_refused(signature(0x0018, 0x000b, VIEW(half, 33), VIEW(half, 32)), &e, WHY_MALFORMED);
	assert_refused(signature(0x0018, 0x000b, VIEW(half, 32), VIEW(half, 0)), &e, WHY_MALFORMED);
	assert_accepted(parsing(), &e);
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_accepted(signature(0x0018, 0x000b, bad[i].r, bad[i].t), &e);
		assert_refused(quote_check(&q, rs, &ak.pub, nonce, &pcrs, &e), &e, WHY_FORGED);
	}
}

static void short_halves_of_a_signature_are_padded(void **s)
{
	(void)s;
	assert_accepted(signature(0x0018, 0x000b, VIEW("\x07", 1), VIEW("\x01\x02", 2)), &e);
	assert_int_equal(rs[31], 7);
	assert_int_equal(rs[62], 1);
	assert_int_equal(rs[63], 2);
	assert_int_equal(rs[0], 0);
}

static void changed_quote(struct view v, void *arg)
{
	struct quote m;

	if (quote_parse(v, QUOTE_MASK, &m, &e) == 0 && quote_check(&m, arg, &ak.pub, nonce, &pcrs, &e) == 0)
		fail_msg("a mangled quote is accepted");
}

static void a_mangled_quote_is_refused(void **s)
{
	uint8_t sig[ES256_SIG], good[TPM_ATTEST_MAX];
	struct wr w = wr_to(good, sizeof good);
	struct view v = tpmmaker_attest(&w, &shape);

	(void)s;
	assert_accepted(es256_sign(ak.key, v, sig, &e), &e);
	mangle_each(v, changed_quote, sig);
}

static void changed_signature(struct view v, void *arg)
{
	uint8_t m[ES256_SIG];

	if (quote_signature(v, m, &e) == 0 && memcmp(m, arg, sizeof m) == 0)
		fail_msg("a mangled signature means the same");
}

static void a_mangled_signature_is_refused_or_another(void **s)
{
	uint8_t good[TPM_SIGNATURE_MAX], same[ES256_SIG];
	struct wr w = wr_to(good, sizeof good);
	struct view v = tpmmaker_sign(&w, &ak, VIEW_OF(nonce));

	(void)s;
	assert_accepted(quote_signature(v, same, &e), &e);
	mangle_each(v, changed_signature, same);
}

static struct view vector(const char *path)
{
	uint8_t *p = NULL;
	size_t n = 0;

	if (file_read(AT_FDCWD, path, 4096, &p, &n, &e) != 0)
		return VIEW(NULL, 0);
	return VIEW(p, n);
}

static void drop_vector(struct view v)
{
	free((void *)(uintptr_t)v.p);
}

/* A TPM made this one: the emulator, in a guest that booted with Secure Boot. */
static void a_quote_of_a_real_tpm_is_accepted(void **s)
{
	struct view msg = vector("tests/vectors/quote/ovmf.quote"), sig = vector("tests/vectors/quote/ovmf.signature");
	struct view pub = vector("tests/vectors/quote/ovmf.ak"), name = vector("tests/vectors/quote/ovmf.akname");
	struct view values = vector("tests/vectors/quote/ovmf.registers");
	struct tpm_pub k;
	uint8_t digest[SHA_LEN];

	(void)s;
	assert_accepted(quote_parse(msg, 0x1eff, &q, &e), &e);
	assert_accepted(quote_signature(sig, rs, &e), &e);
	assert_accepted(tpmpub_parse(pub, &k, &e), &e);
	assert_true(view_equal(name, VIEW_OF(k.name)));
	assert_accepted(es256_verify_pub(k.xy, q.hash, rs, &e), &e);
	sha256(digest, values);
	assert_memory_equal(digest, q.pcr_digest, SHA_LEN);
	assert_refused(quote_parse(msg, QUOTE_MASK, &q, &e), &e, WHY_FORGED);
	assert_refused(tpmpub_is_ak(&k, &e), &e, WHY_UNTRUSTED);
	drop_vector(msg);
	drop_vector(sig);
	drop_vector(pub);
	drop_vector(name);
	drop_vector(values);
}

/* An RSA key with a nonce of 20 bytes: real, and not of our kind. */
static void a_quote_of_another_verifier_is_refused_for_what_it_is(void **s)
{
	struct view msg = vector("../shared/fixtures/quotes/keylime-quote.out");
	struct view sig = vector("../shared/fixtures/quotes/keylime-quotesig.out");
	struct view key = vector("../shared/fixtures/quotes/keylime-ak.pub");
	struct tpm_pub k;

	(void)s;
	if (!msg.p) {
		print_message("no ../shared/fixtures/quotes: skipped\n");
		skip();
	}
	assert_refused(quote_parse(msg, 0x4180, &q, &e), &e, WHY_MALFORMED);
	said("extraData has 20 bytes");
	assert_refused(quote_signature(sig, rs, &e), &e, WHY_FORGED);
	assert_refused(tpmpub_parse(VIEW(key.p + 2, key.n - 2), &k, &e), &e, WHY_UNTRUSTED);
	said("RSA");
	drop_vector(msg);
	drop_vector(sig);
	drop_vector(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(a_right_quote_is_accepted, right),
	        cmocka_unit_test_setup(attack_A01_pcr_relabel, right),
	        cmocka_unit_test_setup(attack_A02_data_signed_by_a_plain_key_is_no_quote, right),
	        cmocka_unit_test_setup(attack_A03_another_attestation_is_no_quote, right),
	        cmocka_unit_test_setup(attack_A12_a_nonce_of_another_length_is_refused, right),
	        cmocka_unit_test_setup(attack_A13_a_nonce_of_other_case_is_another_nonce, right),
	        cmocka_unit_test_setup(attack_A14_another_bank_is_refused, right),
	        cmocka_unit_test_setup(attack_A15_a_bank_of_sha1_alone_is_refused, right),
	        cmocka_unit_test_setup(attack_A17_no_bank_two_banks_or_another_width_is_refused, right),
	        cmocka_unit_test_setup(attack_A18_a_register_digest_must_be_the_right_one, right),
	        cmocka_unit_test_setup(each_quoted_register_counts, right),
	        cmocka_unit_test_setup(attack_A19_bytes_to_spare_and_wrong_lengths_are_refused, right),
	        cmocka_unit_test_setup(a_signer_with_another_hash_is_refused, right),
	        cmocka_unit_test_setup(attack_A26_the_qualified_signer_must_be_the_ak, right),
	        cmocka_unit_test_setup(attack_A27_a_signature_of_another_key_is_refused, right),
	        cmocka_unit_test_setup(a_clock_that_is_neither_safe_nor_unsafe_is_refused, right),
	        cmocka_unit_test_setup(attack_A20_other_signatures_are_refused, right),
	        cmocka_unit_test_setup(short_halves_of_a_signature_are_padded, right),
	        cmocka_unit_test_setup(a_mangled_quote_is_refused, right),
	        cmocka_unit_test_setup(a_mangled_signature_is_refused_or_another, right),
	        cmocka_unit_test(a_quote_of_a_real_tpm_is_accepted),
	        cmocka_unit_test(a_quote_of_another_verifier_is_refused_for_what_it_is),
	};
	return cmocka_run_group_tests(tests, make, drop);
}
