#include "base/file.h"
#include "tests/unit/imamaker.h"
#include "tests/unit/mangle.h"
#include "tests/unit/unit.h"

#include <fcntl.h>

static uint8_t buf[64 * 1024];
static struct err err;
static struct ima_entry x;

static struct wr fresh(void)
{
	return wr_to(buf, sizeof buf);
}

static int first(const struct wr *w)
{
	struct ima l = ima_open(wr_done(w), 0);

	assert_true(wr_ok(w));
	return ima_next(&l, &x, &err);
}

static void refused(const struct wr *w, const char *sentence)
{
	assert_refused(first(w), &err, WHY_MALFORMED);
	if (!strstr(err.text, sentence))
		fail_msg("\"%s\" does not say \"%s\"", err.text, sentence);
}

static void every_template_is_read(void **s)
{
	static const char *const names[] = {
	        "ima-ng", "ima-sig", "ima-buf", "ima-modsig", "ima-ngv2", "ima-sigv2", "evm-sig"};
	static const int more[] = {0, 1, 1, 3, 0, 1, 7};
	uint8_t data[512], digest[SHA_LEN];

	(void)s;
	memset(digest, 7, sizeof digest);
	for (size_t i = 0; i < COUNT(names); i++) {
		struct wr w = fresh(), d = wr_to(data, sizeof data);
		bool two = strstr(names[i], "v2") != NULL;
		imamaker_digest(&d, two ? "verity:sha256:" : "sha256:", digest);
		imamaker_name(&d, "/bin/true");
		for (int k = 0; k < more[i]; k++)
			imamaker_field(&d, VIEW("sig", 3));
		imamaker_record(&w, names[i], wr_done(&d), false);
		assert_int_equal(first(&w), 1);
		assert_true(view_is(x.name, "/bin/true") && view_is(x.alg, "sha256"));
		assert_memory_equal(x.digest.p, digest, SHA_LEN);
		assert_int_equal(x.verity, two);
		assert_int_equal(x.sig.n, strstr(names[i], "sig") && names[i][0] == 'i' ? 3 : 0);
		assert_int_equal(x.buf.n, strcmp(names[i], "ima-buf") == 0 ? 3 : 0);
	}
}

static void the_old_template_hashes_its_name_padded(void **s)
{
	uint8_t padded[IMA_SHA1 + 256] = {0}, want[IMA_SHA1], got[IMA_SHA1], digest[IMA_SHA1];
	struct wr w = fresh();

	(void)s;
	memset(digest, 9, sizeof digest);
	memcpy(padded, digest, sizeof digest);
	memcpy(padded + IMA_SHA1, "/init", 5);
	struct view all = VIEW_OF(padded);
	sha1_n(want, &all, 1);
	wr_le32(&w, IMA_PCR);
	wr_bytes(&w, want, sizeof want);
	imamaker_field(&w, VIEW("ima", 3));
	wr_bytes(&w, digest, sizeof digest);
	imamaker_field(&w, VIEW("/init", 5));
	assert_int_equal(first(&w), 1);
	ima_sha1(got, &x);
	assert_memory_equal(got, want, IMA_SHA1);
	assert_true(view_is(x.name, "/init"));
	assert_int_equal(ima_whole(wr_done(&w)), w.n);
}

static void a_hash_of_zeros_is_a_violation(void **s)
{
	struct wr w = fresh();

	(void)s;
	imamaker_violation(&w, "/var/log/x");
	assert_int_equal(first(&w), 1);
	assert_true(x.violation);
	w = fresh();
	imamaker_file(&w, "/bin/x");
	assert_int_equal(first(&w), 1);
	assert_false(x.violation);
}

static void an_entry_of_another_register_is_refused(void **s)
{
	struct wr w = fresh();

	(void)s;
	imamaker_file(&w, "/bin/x");
	buf[0] = 11;
	refused(&w, "entry 1 is not of PCR 10");
}

static void an_unknown_template_is_refused(void **s)
{
	struct wr w = fresh();

	(void)s;
	imamaker_record(&w, "ima-xx", VIEW("data", 4), false);
	refused(&w, "is of a template that is not known");
}

static void lengths_past_the_limits_are_refused(void **s)
{
	static const size_t at[] = {24, 34, 38}; /* of the template's name, of its data, of its digest */

	(void)s;
	for (size_t i = 0; i < COUNT(at); i++) {
		struct wr w = fresh();
		imamaker_file(&w, "/bin/x");
		memset(buf + at[i], 0xff, 4);
		refused(&w, "entry 1");
	}
}

static void a_name_with_a_nul_in_it_is_refused(void **s)
{
	struct wr w = fresh();

	(void)s;
	imamaker_file(&w, "/bin/xy");
	buf[w.n - 2] = 0;
	refused(&w, "a name in it is wrong");
}

static void a_digest_of_the_wrong_length_for_its_algorithm_is_refused(void **s)
{
	uint8_t data[256], digest[SHA_LEN] = {1};
	struct wr w = fresh(), d = wr_to(data, sizeof data);

	(void)s;
	imamaker_digest(&d, "sha512:", digest);
	imamaker_name(&d, "/x");
	imamaker_record(&w, "ima-ng", wr_done(&d), false);
	refused(&w, "wrong");
}

static void after_a_refusal_nothing_more_is_read(void **s)
{
	struct wr w = fresh();

	(void)s;
	imamaker_file(&w, "/bin/x");
	buf[0] = 11;
	struct ima l = ima_open(wr_done(&w), 41);
	assert_int_equal(ima_next(&l, &x, &err), -1);
	assert_non_null(strstr(err.text, "entry 42"));
	assert_int_equal(ima_next(&l, &x, &err), -1);
}

static void whole_entries_are_counted_and_half_ones_are_not(void **s)
{
	struct wr w = fresh();

	(void)s;
	imamaker_file(&w, "/bin/a");
	size_t one = w.n;
	imamaker_more(&w, "ima-sig", "/bin/b", buf, VIEW("s", 1));
	for (size_t n = 0; n < w.n; n++)
		assert_int_equal(ima_whole(VIEW(buf, n)), n < one ? 0 : one);
	assert_int_equal(ima_whole(wr_done(&w)), w.n);
}

struct extended {
	uint8_t pcr[PCR_LEN];
	bool taken;
};

/* Whatever is accepted and extends to the same register says the same: only the SHA-1 is covered by nothing. */
static void compare(struct view mangled, void *arg)
{
	const struct extended *good = arg;
	struct ima l = ima_open(mangled, 0);
	struct ima_run r = imarun_start();
	struct err e;
	struct ima_entry m;
	int got;

	r.banks = IMA_OWN;
	while ((got = ima_next(&l, &m, &e)) == 1)
		imarun_add(&r, &m);
	if (got == 0 && r.entries == 2 && memcmp(r.pcr[0], good->pcr, PCR_LEN) == 0)
		assert_true(view_is(m.name, "/bin/b") && m.digest.n == SHA_LEN && !m.violation);
}

static void mangled_entries_are_refused_or_extend_otherwise_or_mean_the_same(void **s)
{
	uint8_t digest[SHA_LEN] = {3};
	struct extended m = {.taken = false};
	struct wr w = fresh();

	(void)s;
	imamaker_file(&w, "/bin/a");
	imamaker_more(&w, "ima-sig", "/bin/b", digest, VIEW("signature", 9));
	imamaker_register(wr_done(&w), m.pcr);
	mangle_each(wr_done(&w), compare, &m);
}

static void attack_A74_hostile_names_cannot_move_a_terminal_or_a_line(void **s)
{
	char longer[3000];

	(void)s;
	assert_string_equal(ima_text(VIEW("/tmp/a b\n\x1b[2J\x7f\\", 15)).s, "/tmp/a\\x20b\\x0a\\x1b[2J\\x7f\\x5c");
	memset(longer, 'a', sizeof longer);
	struct ima_text t = ima_text(VIEW(longer, sizeof longer));
	assert_true(strlen(t.s) < sizeof t.s && strcmp(t.s + strlen(t.s) - 3, "a..") == 0);
	memset(longer, '\n', sizeof longer);
	t = ima_text(VIEW(longer, sizeof longer));
	assert_null(strchr(t.s, '\n'));
	assert_true(strlen(t.s) < sizeof t.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_template_is_read),
	        cmocka_unit_test(the_old_template_hashes_its_name_padded),
	        cmocka_unit_test(a_hash_of_zeros_is_a_violation),
	        cmocka_unit_test(an_entry_of_another_register_is_refused),
	        cmocka_unit_test(an_unknown_template_is_refused),
	        cmocka_unit_test(lengths_past_the_limits_are_refused),
	        cmocka_unit_test(a_name_with_a_nul_in_it_is_refused),
	        cmocka_unit_test(a_digest_of_the_wrong_length_for_its_algorithm_is_refused),
	        cmocka_unit_test(after_a_refusal_nothing_more_is_read),
	        cmocka_unit_test(whole_entries_are_counted_and_half_ones_are_not),
	        cmocka_unit_test(mangled_entries_are_refused_or_extend_otherwise_or_mean_the_same),
	        cmocka_unit_test(attack_A74_hostile_names_cannot_move_a_terminal_or_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
