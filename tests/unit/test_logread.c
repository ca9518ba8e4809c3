#include <stdio.h>

#include "cmd/logread.h"
#include "tests/unit/bootmaker.h"
#include "tests/unit/mangle.h"

static struct err err;
static struct logread l;
static uint8_t buf[16384];

static bool warned(const char *text)
{
	for (size_t i = 0; i < l.nwarnings; i++)
		if (strstr(l.warning[i], text))
			return true;
	return false;
}

static int after(void **s)
{
	(void)s;
	logread_free(&l);
	return 0;
}

/* A record of a log of the SHA-1 form. */
static void old_record(struct wr *w, uint32_t pcr, uint32_t type, uint8_t digest, struct view data)
{
	logmaker_le32(w, pcr);
	logmaker_le32(w, type);
	for (int i = 0; i < 20; i++)
		wr_u8(w, digest);
	logmaker_le32(w, (uint32_t)data.n);
	wr_view(w, data);
}

static struct view old_log(void)
{
	struct wr w = wr_to(buf, sizeof buf);

	old_record(&w, 0, EV_S_CRTM_VERSION, 1, bootmaker_text("1.0"));
	old_record(&w, 4, EV_EFI_ACTION, 2, bootmaker_text("Calling EFI Application from Boot Option"));
	old_record(&w, UINT32_MAX, EV_NO_ACTION, 0, bootmaker_text("of no register"));
	return wr_done(&w);
}

static void a_log_of_the_old_form_is_read_and_replayed(void **s)
{
	/* SHA-1 of twenty zeros and twenty ones */
	static const uint8_t first[20] = {0xc3, 0xad, 0x7f, 0x64, 0xb8, 0xd9, 0x76, 0xaa, 0xf2, 0xb3, 0xa9, 0xc9, 0x8f,
	        0x7e, 0xe5, 0x63, 0x1c, 0xde, 0x71, 0x25};

	(void)s;
	assert_accepted(logread_open(&l, old_log(), &err), &err);
	assert_true(l.head.old);
	assert_int_equal(l.n, 3);
	assert_int_equal(l.bank[0].size, 20);
	assert_memory_equal(l.bank[0].value[0], first, 20);
	assert_int_equal(l.bank[0].extended, 1u << 0 | 1u << 4);
	assert_true(warned("the old SHA-1 form"));
}

static void read_or_refused(struct view mangled, void *arg)
{
	struct logread mine;
	char words[256];

	(void)arg;
	if (logread_open(&mine, mangled, &err) == 0)
		for (size_t i = 0; i < mine.n; i++)
			logread_meaning(&mine.line[i], words, sizeof words);
	else
		assert_true(err.text[0] != 0);
	logread_free(&mine);
}

static void a_mangled_log_is_shown_or_refused(void **s)
{
	struct view whole = old_log();
	struct wr w = wr_to(buf + 4096, 4096);

	(void)s;
	mangle_each(whole, read_or_refused, NULL);
	logmaker_boot(&w);
	mangle_each(wr_done(&w), read_or_refused, NULL);
}

static void two_banks(struct wr *w, bool differ)
{
	static const uint16_t pairs[] = {LOGMAKER_SHA256, 32, LOGMAKER_SHA1, 20};
	static const uint8_t sha1[] = {0xda, 0x39, 0xa3, 0xee, 0x5e, 0x6b, 0x4b, 0x0d, 0x32, 0x55, 0xbf, 0xef, 0x95,
	        0x60, 0x18, 0x90, 0xaf, 0xd8, 0x07, 0x09}; /* of nothing */
	uint8_t digest[32];

	logmaker_header(w, pairs, 2, 2);
	for (uint32_t i = 0; i < 9; i++) {
		uint32_t pcr = i == 0 ? 0 : i - 1;
		struct view data = i == 0 ? VIEW(NULL, 0) : VIEW_OF(logmaker_zero);
		logmaker_le32(w, pcr);
		logmaker_le32(w, i == 0 ? EV_S_CRTM_VERSION : EV_SEPARATOR);
		logmaker_le32(w, 2);
		sha256(digest, data);
		logmaker_le16(w, LOGMAKER_SHA256);
		wr_bytes(w, digest, 32);
		logmaker_le16(w, LOGMAKER_SHA1);
		wr_bytes(w, sha1, 19);
		wr_u8(w, differ ? 0 : sha1[19]);
		logmaker_le32(w, (uint32_t)data.n);
		wr_view(w, data);
	}
}

/* A51: the other bank says something else, and nothing is read from it. */
static void attack_A51_a_bank_that_was_altered_is_named(void **s)
{
	struct wr w = wr_to(buf, sizeof buf);

	(void)s;
	two_banks(&w, true);
	assert_accepted(logread_open(&l, wr_done(&w), &err), &err);
	assert_true(warned("event 1: bank sha1 has the digest of something else than bank sha256"));
}

static void banks_that_agree_are_not_named(void **s)
{
	struct wr w = wr_to(buf, sizeof buf);

	(void)s;
	two_banks(&w, false);
	assert_accepted(logread_open(&l, wr_done(&w), &err), &err);
	assert_false(warned("bank sha1"));
	assert_int_equal(l.bank[0].extended, 0xff);
	assert_int_equal(l.bank[1].size, 20);
}

static void shim_without_checks(struct wr *w)
{
	bootmaker_hashed(w, 14, EV_IPL, VIEW("\x01", 1), VIEW("MokSBState", 11));
}

static void attack_A67_shim_that_checks_nothing_is_named(void **s)
{
	(void)s;
	assert_accepted(logread_open(&l,
	                        bootmaker_log(buf, sizeof buf, &(struct bootmaker){.more = shim_without_checks}), &err),
	        &err);
	assert_true(warned("shim checks no signatures"));
}

static void attack_A67_a_debug_mode_is_named(void **s)
{
	(void)s;
	assert_accepted(
	        logread_open(&l, bootmaker_log(buf, sizeof buf, &(struct bootmaker){.debug = true}), &err), &err);
	assert_true(warned("the firmware can be debugged"));
}

static void padding_is_named(void **s)
{
	struct view log = bootmaker_log(buf, sizeof buf - 100, &(struct bootmaker){0});

	(void)s;
	memset(buf + log.n, 0xff, 100);
	assert_accepted(logread_open(&l, VIEW(buf, log.n + 100), &err), &err);
	assert_true(warned("the log ends in 100 bytes of padding"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, after)
	const struct CMUnitTest tests[] = {
	        TEST(a_log_of_the_old_form_is_read_and_replayed),
	        TEST(a_mangled_log_is_shown_or_refused),
	        TEST(attack_A51_a_bank_that_was_altered_is_named),
	        TEST(banks_that_agree_are_not_named),
	        TEST(attack_A67_shim_that_checks_nothing_is_named),
	        TEST(attack_A67_a_debug_mode_is_named),
	        TEST(padding_is_named),
	};
	return cmocka_run_group_tests_name("logread", tests, NULL, NULL);
}
