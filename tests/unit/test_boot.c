#include "tests/unit/boottest.h"

static void a_whole_boot_is_read(void **s)
{
	uint8_t pcr[32] = {0}, digest[32];
	struct wr w = fresh();

	(void)s;
	logmaker_boot(&w);
	accepted(&w);
	assert_int_equal(boot.events, 11);
	assert_int_equal(boot.secure_boot, SECURE_BOOT_ON);
	sha256(digest, wr_done(&w));
	assert_memory_equal(boot.digest, digest, 32);
	sha256(digest, VIEW_OF(logmaker_zero));
	sha256_2(pcr, VIEW_OF(pcr), VIEW_OF(digest));
	assert_memory_equal(boot.pcrs.v[6], pcr, 32);
	sha256(digest, VIEW("loader", 6));
	sha256_2(pcr, VIEW_OF(pcr), VIEW_OF(digest));
	assert_memory_equal(boot.pcrs.v[4], pcr, 32);
	memset(pcr, 0, 32);
	assert_memory_equal(boot.pcrs.v[8], pcr, 32);
}

static void measured_events_are_those_of_quoted_registers(void **s)
{
	static struct measured m[16];
	struct wr w = fresh();
	size_t n = 0;

	(void)s;
	logmaker_boot(&w); /* 11 events, of which PCR 5 and 6 have one each */
	assert_int_equal(boot_measured(wr_done(&w), m, COUNT(m), &n, &err), 0);
	assert_int_equal(n, 9);
	assert_int_equal(m[0].pcr, 0);
	assert_int_equal(m[0].type, 8);
	assert_int_equal(m[8].pcr, 4);
	assert_int_equal(m[8].number, 11);
	assert_int_equal(boot_measured(wr_done(&w), m, 8, &n, &err), -1);
	assert_int_equal(n, 9);
}

static void on_then_off(struct wr *w)
{
	logmaker_secure_boot(w, 7, 1, 1);
	logmaker_secure_boot(w, 7, 0, 1);
}

static void off(struct wr *w)
{
	logmaker_secure_boot(w, 7, 0, 1);
}

static void empty(struct wr *w)
{
	logmaker_secure_boot(w, 7, 1, 0);
}

static void two(struct wr *w)
{
	logmaker_secure_boot(w, 7, 2, 1);
}

static void longer(struct wr *w)
{
	logmaker_secure_boot(w, 7, 1, 2);
}

static void secure_boot_is_on_off_or_not_known(void **s)
{
	struct wr w = boot_with(off);

	(void)s;
	accepted(&w);
	assert_int_equal(boot.secure_boot, SECURE_BOOT_OFF);
	w = boot_with(empty);
	accepted(&w);
	assert_int_equal(boot.secure_boot, SECURE_BOOT_UNKNOWN);
	w = boot_with(two);
	refused(&w, WHY_MALFORMED, "not one byte of 0 or 1");
	w = boot_with(longer);
	refused(&w, WHY_MALFORMED, "not one byte of 0 or 1");
	w = boot_with(on_then_off);
	refused(&w, WHY_MALFORMED, "measured twice");
}

static void secure_boot_after_the_separator_is_refused(void **s)
{
	struct wr w = fresh();

	(void)s;
	logmaker_open(&w);
	logmaker_version(&w);
	logmaker_separators(&w, 0xff);
	logmaker_secure_boot(&w, 7, 1, 1);
	refused(&w, WHY_MALFORMED, "after the separator of PCR 7");
}

static void other_guid(struct wr *w)
{
	static const uint8_t guid[16] = {0xcb, 0xb2};
	uint8_t tmp[96], on = 1;
	struct wr v = wr_to(tmp, sizeof tmp);

	logmaker_event(w, 7, EV_EFI_VARIABLE_DRIVER_CONFIG, logmaker_variable(&v, guid, "SecureBoot", VIEW(&on, 1)));
}

static void other_register(struct wr *w)
{
	logmaker_secure_boot(w, 1, 1, 1);
}

static void other_type(struct wr *w)
{
	uint8_t tmp[96], on = 1;
	struct wr v = wr_to(tmp, sizeof tmp);
	struct view var = logmaker_variable(&v, UEFI_GLOBAL, "SecureBoot", VIEW(&on, 1));

	logmaker_event(w, 7, 0x800000e0, var);
	logmaker_event(w, 7, 0xd, var);
}

static void attack_A55_secure_boot_counts_only_in_its_own_place(void **s)
{
	void (*const places[])(struct wr *) = {other_guid, other_register, other_type};

	(void)s;
	for (size_t i = 0; i < COUNT(places); i++) {
		struct wr w = boot_with(places[i]);
		accepted(&w);
		assert_int_equal(boot.secure_boot, SECURE_BOOT_UNKNOWN);
	}
}

static void attack_A52_a_payload_that_was_not_measured_is_not_read(void **s)
{
	struct wr w = fresh();

	(void)s;
	logmaker_boot(&w);
	buf[last_byte(wr_done(&w), 2)] ^= 1; /* SecureBoot */
	refused(&w, WHY_FORGED,
	        "event 2 (EV_EFI_VARIABLE_DRIVER_CONFIG on PCR 7): its payload is not what was measured");
	w = fresh();
	logmaker_boot(&w);
	buf[last_byte(wr_done(&w), 5)] ^= 1; /* a separator */
	refused(&w, WHY_FORGED, "payload is not what was measured");
}

static void attack_A57_a_missing_or_double_separator_is_refused(void **s)
{
	struct wr w;

	(void)s;
	for (uint32_t pcr = 0; pcr < 8; pcr++) {
		w = fresh();
		logmaker_open(&w);
		logmaker_version(&w);
		logmaker_separators(&w, 0xff & ~(1u << pcr));
		refused(&w, WHY_MALFORMED, "has no separator");
		logmaker_separator(&w, pcr);
		accepted(&w);
		logmaker_separator(&w, pcr);
		refused(&w, WHY_MALFORMED, "second separator");
	}
}

static void disguised(struct wr *w)
{
	logmaker_event(w, 4, 0xd, VIEW_OF(logmaker_zero));
}

static void hidden(struct wr *w)
{
	logmaker_event(w, 4, EV_NO_ACTION, VIEW_OF(logmaker_zero));
}

static void failed(struct wr *w)
{
	logmaker_event(w, 4, EV_SEPARATOR, VIEW("\xff\xff\xff\xff", 4));
}

static void failed_of_old(struct wr *w)
{
	logmaker_event(w, 4, EV_SEPARATOR, VIEW("\1\0\0\0", 4));
}

static void wordy(struct wr *w)
{
	logmaker_event(w, 4, EV_SEPARATOR, VIEW("WBCL", 4));
}

static void a_separator_is_a_separator_by_type_and_digest(void **s)
{
	struct wr w = boot_with(disguised);

	(void)s;
	refused(&w, WHY_MALFORMED, "under another type");
	w = boot_with(hidden);
	refused(&w, WHY_MALFORMED, "under another type");
	w = boot_with(failed);
	refused(&w, WHY_UNTRUSTED, "the firmware reports an error on PCR 4");
	w = boot_with(failed_of_old);
	refused(&w, WHY_UNTRUSTED, "the firmware reports an error on PCR 4");
	w = boot_with(wordy);
	refused(&w, WHY_MALFORMED, "four zero bytes");
}

static void attack_A16_separators_without_firmware_are_refused(void **s)
{
	struct wr w = fresh();

	(void)s;
	logmaker_open(&w);
	logmaker_separators(&w, 0xff);
	refused(&w, WHY_MALFORMED, "no measurement of the firmware");
}

static void rim(struct wr *w)
{
	static const char lie[] = "SP800-155 Event3 https://example.org/all-is-well.rim";

	logmaker_event(w, 0, EV_NO_ACTION, VIEW(lie, sizeof lie));
	logmaker_event(w, 4, EV_NO_ACTION, VIEW("", 0));
}

static void nothing(struct wr *w)
{
	(void)w;
}

static void attack_A61_what_no_action_events_say_is_ignored(void **s)
{
	struct pcrs without;
	struct wr w = boot_with(nothing);

	(void)s;
	accepted(&w);
	without = boot.pcrs;
	w = boot_with(rim);
	accepted(&w);
	assert_memory_equal(&without, &boot.pcrs, sizeof without);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_whole_boot_is_read),
	        cmocka_unit_test(measured_events_are_those_of_quoted_registers),
	        cmocka_unit_test(secure_boot_is_on_off_or_not_known),
	        cmocka_unit_test(secure_boot_after_the_separator_is_refused),
	        cmocka_unit_test(attack_A55_secure_boot_counts_only_in_its_own_place),
	        cmocka_unit_test(attack_A52_a_payload_that_was_not_measured_is_not_read),
	        cmocka_unit_test(attack_A57_a_missing_or_double_separator_is_refused),
	        cmocka_unit_test(a_separator_is_a_separator_by_type_and_digest),
	        cmocka_unit_test(attack_A16_separators_without_firmware_are_refused),
	        cmocka_unit_test(attack_A61_what_no_action_events_say_is_ignored),
	};
	return cmocka_run_group_tests_name("boot", tests, NULL, NULL);
}
