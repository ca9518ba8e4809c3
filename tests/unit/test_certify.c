#include "tests/unit/mangle.h"
#include "tests/unit/tpmmaker.h"

static struct tpm_key ak, id;
static uint8_t extra[SHA_LEN] = {4, 5, 6};
static struct attest_shape shape;
static uint8_t buf[1024];
static struct err e;

static int make(void **s)
{
	(void)s;
	tpmmaker_key(&ak, TPMMAKER_AK);
	tpmmaker_key(&id, TPMMAKER_ID);
	return 0;
}

static int drop(void **s)
{
	(void)s;
	tpmmaker_drop(&ak);
	tpmmaker_drop(&id);
	return 0;
}

static int right(void **s)
{
	(void)s;
	tpmmaker_shape(&shape, &ak, VIEW_OF(extra));
	tpmmaker_subject(&shape, &id);
	return 0;
}

static int checking_signed_by(const struct tpm_key *signer)
{
	struct wr w = wr_to(buf, sizeof buf);
	struct view attest = tpmmaker_attest(&w, &shape);
	struct view sig = tpmmaker_sign(&w, signer, attest);

	e = (struct err){0};
	return certify_check(attest, sig, &ak.pub, &id.pub, extra, &e);
}

static int checking(void)
{
	return checking_signed_by(&ak);
}

static void a_right_certification_is_accepted(void **s)
{
	(void)s;
	assert_accepted(checking(), &e);
}

static void attack_A03_a_quote_is_no_certification(void **s)
{
	(void)s;
	shape.type = TPMMAKER_QUOTE;
	assert_refused(checking(), &e, WHY_FORGED);
}

static void a_certification_of_another_key_is_refused(void **s)
{
	struct tpm_key other = {0};

	(void)s;
	tpmmaker_key(&other, TPMMAKER_ID);
	tpmmaker_subject(&shape, &other);
	assert_refused(checking(), &e, WHY_FORGED);
	tpmmaker_drop(&other);
}

static void a_certification_by_another_key_is_refused(void **s)
{
	struct tpm_key other = {0};

	(void)s;
	tpmmaker_key(&other, TPMMAKER_AK);
	assert_refused(checking_signed_by(&other), &e, WHY_FORGED);
	tpmpub_qualified(shape.signer_room, 0x4000000b, other.pub.name);
	assert_refused(checking(), &e, WHY_FORGED);
	tpmmaker_drop(&other);
}

static void a_certification_of_another_moment_is_stale(void **s)
{
	uint8_t old[SHA_LEN] = {1};

	(void)s;
	shape.extra = VIEW_OF(old);
	assert_refused(checking(), &e, WHY_STALE);
}

static void a_qualified_name_of_another_length_is_refused(void **s)
{
	(void)s;
	shape.qualified = VIEW(shape.qualified_room, 4);
	assert_refused(checking(), &e, WHY_MALFORMED);
}

static void changed(struct view v, void *arg)
{
	if (certify_check(v, *(struct view *)arg, &ak.pub, &id.pub, extra, &e) == 0)
		fail_msg("a mangled certification is accepted");
}

static void a_mangled_certification_is_refused(void **s)
{
	struct wr w = wr_to(buf, sizeof buf);
	struct view attest = tpmmaker_attest(&w, &shape);
	struct view sig = tpmmaker_sign(&w, &ak, attest);

	(void)s;
	mangle_each(attest, changed, &sig);
	wr_u8(&w, 0);
	assert_refused(certify_check(VIEW(buf, attest.n + 1), sig, &ak.pub, &id.pub, extra, &e), &e, WHY_MALFORMED);
}

/* ---- An NV index ---- */

static const uint8_t name[TPM_NAME_LEN] = {0, 11, 3}, held[SHA_LEN] = {9};

static int right_index(void **s)
{
	right(s);
	tpmmaker_index(&shape, VIEW_OF(name), VIEW_OF(held));
	return 0;
}

static int checking_index_signed_by(const struct tpm_key *signer)
{
	struct wr w = wr_to(buf, sizeof buf);
	struct view attest = tpmmaker_attest(&w, &shape);
	struct view sig = tpmmaker_sign(&w, signer, attest);

	e = (struct err){0};
	return certify_nv(attest, sig, &ak.pub, extra, name, held, &e);
}

static void a_right_index_is_accepted(void **s)
{
	(void)s;
	assert_accepted(checking_index_signed_by(&ak), &e);
}

static void a_quote_or_a_key_certification_is_no_word_about_an_index(void **s)
{
	(void)s;
	shape.type = TPMMAKER_QUOTE;
	assert_refused(checking_index_signed_by(&ak), &e, WHY_FORGED);
	tpmmaker_subject(&shape, &id);
	assert_refused(checking_index_signed_by(&ak), &e, WHY_FORGED);
}

/* Attributes are in the Name: one that anybody may write is another index (A111). */
static void attack_A111_an_index_of_another_name_is_refused(void **s)
{
	uint8_t other[TPM_NAME_LEN] = {0, 11, 4};

	(void)s;
	shape.name = VIEW_OF(other);
	assert_refused(checking_index_signed_by(&ak), &e, WHY_FORGED);
	shape.name = VIEW(name, TPM_NAME_LEN - 1);
	assert_refused(checking_index_signed_by(&ak), &e, WHY_FORGED);
}

static void an_index_that_holds_something_else_is_refused(void **s)
{
	uint8_t other[SHA_LEN + 1] = {9};

	(void)s;
	other[31] = 1;
	shape.digest = VIEW(other, SHA_LEN);
	assert_refused(checking_index_signed_by(&ak), &e, WHY_FORGED);
	other[31] = 0;
	shape.digest = VIEW_OF(other);
	assert_refused(checking_index_signed_by(&ak), &e, WHY_FORGED);
	shape.digest = VIEW(held, SHA_LEN);
	shape.offset = 1;
	assert_refused(checking_index_signed_by(&ak), &e, WHY_FORGED);
}

static void attack_A110_an_index_certified_by_another_tpm_is_refused(void **s)
{
	struct tpm_key other = {0};

	(void)s;
	tpmmaker_key(&other, TPMMAKER_AK);
	assert_refused(checking_index_signed_by(&other), &e, WHY_FORGED);
	tpmpub_qualified(shape.signer_room, 0x4000000b, other.pub.name);
	assert_refused(checking_index_signed_by(&ak), &e, WHY_FORGED);
	tpmmaker_drop(&other);
}

static void an_index_certified_at_another_moment_is_stale(void **s)
{
	uint8_t old[SHA_LEN] = {1};

	(void)s;
	shape.extra = VIEW_OF(old);
	assert_refused(checking_index_signed_by(&ak), &e, WHY_STALE);
}

static void changed_index(struct view v, void *arg)
{
	if (certify_nv(v, *(struct view *)arg, &ak.pub, extra, name, held, &e) == 0)
		fail_msg("a mangled certification is accepted");
}

static void a_mangled_certification_of_an_index_is_refused(void **s)
{
	struct wr w = wr_to(buf, sizeof buf);
	struct view attest = tpmmaker_attest(&w, &shape);
	struct view sig = tpmmaker_sign(&w, &ak, attest);

	(void)s;
	mangle_each(attest, changed_index, &sig);
}

/* ---- The revocation counter ---- */

static uint8_t counter[TPM_NAME_LEN], value[COUNTER_LEN];

static int right_counter(void **s)
{
	right(s);
	tpmmaker_counter(&shape, 258, counter, value);
	return 0;
}

static int checking_counter(uint64_t *found)
{
	struct wr w = wr_to(buf, sizeof buf);
	struct view attest = tpmmaker_attest(&w, &shape);
	struct view sig = tpmmaker_sign(&w, &ak, attest);

	e = (struct err){0};
	return certify_counter(attest, sig, &ak.pub, extra, found, &e);
}

static void a_counter_says_what_it_stands_at(void **s)
{
	uint64_t found = 0;

	(void)s;
	assert_accepted(checking_counter(&found), &e);
	assert_int_equal(found, 258);
}

/* An ordinary index that holds eight bytes has other attributes, so another Name. */
static void attack_A108_another_index_is_no_counter(void **s)
{
	uint64_t found = 0;

	(void)s;
	counter[7] ^= 1;
	assert_refused(checking_counter(&found), &e, WHY_FORGED);
	assert_int_equal(found, 0);
}

static void a_counter_of_no_value_or_of_another_size_is_refused(void **s)
{
	static const uint8_t zero[COUNTER_LEN], above[COUNTER_LEN] = {0x80}, more[COUNTER_LEN + 1] = {1};
	const struct view wrong[] = {VIEW_OF(zero), VIEW_OF(above), VIEW_OF(more), VIEW(more, COUNTER_LEN - 1)};
	uint64_t found = 0;

	(void)s;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		shape.digest = wrong[i];
		assert_refused(checking_counter(&found), &e, WHY_FORGED);
	}
	assert_int_equal(found, 0);
}

static void a_counter_of_another_moment_is_stale(void **s)
{
	uint8_t old[SHA_LEN] = {1};
	uint64_t found = 0;

	(void)s;
	shape.extra = VIEW_OF(old);
	assert_refused(checking_counter(&found), &e, WHY_STALE);
}

static void changed_counter(struct view v, void *arg)
{
	uint64_t found = 0;

	if (certify_counter(v, *(struct view *)arg, &ak.pub, extra, &found, &e) == 0 || found != 0)
		fail_msg("a mangled certification is accepted");
}

static void a_mangled_certification_of_a_counter_is_refused(void **s)
{
	struct wr w = wr_to(buf, sizeof buf);
	struct view attest = tpmmaker_attest(&w, &shape);
	struct view sig = tpmmaker_sign(&w, &ak, attest);

	(void)s;
	mangle_each(attest, changed_counter, &sig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(a_right_certification_is_accepted, right),
	        cmocka_unit_test_setup(attack_A03_a_quote_is_no_certification, right),
	        cmocka_unit_test_setup(a_certification_of_another_key_is_refused, right),
	        cmocka_unit_test_setup(a_certification_by_another_key_is_refused, right),
	        cmocka_unit_test_setup(a_certification_of_another_moment_is_stale, right),
	        cmocka_unit_test_setup(a_qualified_name_of_another_length_is_refused, right),
	        cmocka_unit_test_setup(a_mangled_certification_is_refused, right),
	        cmocka_unit_test_setup(a_right_index_is_accepted, right_index),
	        cmocka_unit_test_setup(a_quote_or_a_key_certification_is_no_word_about_an_index, right_index),
	        cmocka_unit_test_setup(attack_A111_an_index_of_another_name_is_refused, right_index),
	        cmocka_unit_test_setup(an_index_that_holds_something_else_is_refused, right_index),
	        cmocka_unit_test_setup(attack_A110_an_index_certified_by_another_tpm_is_refused, right_index),
	        cmocka_unit_test_setup(an_index_certified_at_another_moment_is_stale, right_index),
	        cmocka_unit_test_setup(a_mangled_certification_of_an_index_is_refused, right_index),
	        cmocka_unit_test_setup(a_counter_says_what_it_stands_at, right_counter),
	        cmocka_unit_test_setup(attack_A108_another_index_is_no_counter, right_counter),
	        cmocka_unit_test_setup(a_counter_of_no_value_or_of_another_size_is_refused, right_counter),
	        cmocka_unit_test_setup(a_counter_of_another_moment_is_stale, right_counter),
	        cmocka_unit_test_setup(a_mangled_certification_of_a_counter_is_refused, right_counter),
	};
	return cmocka_run_group_tests(tests, make, drop);
}
