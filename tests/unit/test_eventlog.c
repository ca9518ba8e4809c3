#include <fcntl.h>
#include <stdlib.h>

#include "base/file.h"
#include "tests/unit/logmaker.h"
#include "tests/unit/unit.h"

static uint8_t buf[EVENTLOG_MAX + 64];
static struct err err;

static struct wr fresh(void)
{
	return wr_to(buf, sizeof buf);
}

/* Walks a log: its number of events, or -1 with err set. */
static int walk(struct view log)
{
	struct eventlog l;
	struct event ev;
	int got, n = 0;

	err = (struct err){0};
	if (eventlog_open(&l, log, &err))
		return -1;
	while ((got = eventlog_next(&l, &ev, &err)) > 0)
		assert_int_equal(ev.number, ++n);
	return got < 0 ? -1 : n;
}

static void refused(const struct wr *w, const char *sentence)
{
	assert_true(wr_ok(w));
	assert_int_equal(walk(wr_done(w)), -1);
	assert_int_equal(err.why, WHY_MALFORMED);
	if (!strstr(err.text, sentence))
		fail_msg("\"%s\" does not say \"%s\"", err.text, sentence);
}

static void events_come_in_order_with_their_fields(void **s)
{
	struct wr w = fresh();
	struct eventlog l;
	struct event ev;
	uint8_t digest[32];

	(void)s;
	logmaker_open(&w);
	logmaker_event(&w, 0, 0x8, VIEW("one", 3));
	logmaker_event(&w, 23, 0xd, VIEW("", 0));
	assert_int_equal(eventlog_open(&l, wr_done(&w), &err), 0);
	assert_int_equal(eventlog_next(&l, &ev, &err), 1);
	sha256(digest, VIEW("one", 3));
	assert_memory_equal(ev.digest, digest, 32);
	assert_true(view_is(ev.data, "one"));
	assert_int_equal(ev.type, 8);
	assert_int_equal(eventlog_next(&l, &ev, &err), 1);
	assert_int_equal(ev.pcr, 23);
	assert_int_equal(ev.number, 2);
	assert_int_equal(eventlog_next(&l, &ev, &err), 0);
	assert_int_equal(eventlog_next(&l, &ev, &err), 0);
}

static void the_sha256_digest_is_found_in_any_order_of_banks(void **s)
{
	static const uint16_t banks[] = {LOGMAKER_SHA1, 20, LOGMAKER_SHA256, 32};
	uint8_t one[20], two[32];
	struct wr w = fresh();
	struct eventlog l;
	struct event ev;

	(void)s;
	memset(one, 1, sizeof one);
	memset(two, 2, sizeof two);
	logmaker_header(&w, banks, 2, 2);
	logmaker_le32(&w, 5);
	logmaker_le32(&w, 1);
	logmaker_le32(&w, 2);
	logmaker_le16(&w, LOGMAKER_SHA256);
	wr_bytes(&w, two, sizeof two);
	logmaker_le16(&w, LOGMAKER_SHA1);
	wr_bytes(&w, one, sizeof one);
	logmaker_le32(&w, 0);
	assert_int_equal(eventlog_open(&l, wr_done(&w), &err), 0);
	assert_int_equal(eventlog_next(&l, &ev, &err), 1);
	assert_memory_equal(ev.digest, two, 32);
}

static void a_log_of_the_old_sha1_form_is_refused(void **s)
{
	struct wr w = fresh();

	(void)s;
	logmaker_first(&w, VIEW("Spec ID Event02\0\0\0\0\0", 20));
	refused(&w, "old SHA-1 form");
	w = fresh();
	logmaker_first(&w, VIEW("StartupLocality\0\3", 17));
	refused(&w, "old SHA-1 form");
	w = fresh();
	logmaker_le32(&w, 0);
	logmaker_le32(&w, 8);
	wr_bytes(&w, "a digest of twenty b", 20);
	logmaker_le32(&w, 0);
	refused(&w, "old SHA-1 form");
}

static void attack_A68_a_log_without_a_sha256_bank_is_refused(void **s)
{
	static const uint16_t banks[] = {LOGMAKER_SHA1, 20, LOGMAKER_SHA384, 48};
	struct wr w = fresh();

	(void)s;
	logmaker_header(&w, banks, 2, 2);
	refused(&w, "no sha256 bank");
	w = fresh();
	logmaker_header(&w, banks, 0, 0);
	refused(&w, "no sha256 bank");
}

static void a_header_with_a_bank_twice_unknown_or_of_wrong_size_is_refused(void **s)
{
	static const uint16_t twice[] = {LOGMAKER_SHA256, 32, LOGMAKER_SHA256, 32};
	static const uint16_t unknown[] = {0x77, 32}, wrong[] = {LOGMAKER_SHA256, 20};
	struct wr w = fresh();

	(void)s;
	logmaker_header(&w, twice, 2, 2);
	refused(&w, "named twice");
	w = fresh();
	logmaker_header(&w, unknown, 1, 1);
	refused(&w, "not known");
	w = fresh();
	logmaker_header(&w, wrong, 1, 1);
	refused(&w, "not known");
}

static void a_header_with_a_byte_to_spare_is_refused(void **s)
{
	struct wr w = fresh();

	(void)s;
	logmaker_first(&w, VIEW("Spec ID Event03\0\0\0\0\0\0\2\0\2\1\0\0\0\13\0\40\0\0x", 34));
	refused(&w, "not the size it claims");
}

static void attack_A62_an_empty_or_too_big_log_is_refused(void **s)
{
	struct wr w = fresh();

	(void)s;
	refused(&w, "ends inside its header");
	w.n = EVENTLOG_MAX + 1;
	refused(&w, "the most we read");
}

static void too_many_events_are_refused(void **s)
{
	struct wr w = fresh();

	(void)s;
	logmaker_open(&w);
	for (int i = 0; i < EVENT_MAX; i++)
		logmaker_event(&w, 1, 1, VIEW("", 0));
	assert_int_equal(walk(wr_done(&w)), EVENT_MAX);
	logmaker_event(&w, 1, 1, VIEW("", 0));
	refused(&w, "more than 4096 events");
}

static void a_register_past_the_last_is_refused(void **s)
{
	struct wr w = fresh();

	(void)s;
	logmaker_open(&w);
	logmaker_event(&w, 24, 1, VIEW("", 0));
	refused(&w, "event 1: TCG PFP 10.2.2: there is no such register");
}

/* A record with n digests of one bank, where the header names sha1 and sha256. */
static struct wr two_banks(uint32_t count, uint16_t first, uint16_t second)
{
	static const uint16_t banks[] = {LOGMAKER_SHA1, 20, LOGMAKER_SHA256, 32};
	static const uint8_t zero[64];
	struct wr w = fresh();

	logmaker_header(&w, banks, 2, 2);
	logmaker_le32(&w, 1);
	logmaker_le32(&w, 1);
	logmaker_le32(&w, count);
	for (uint32_t i = 0; i < count; i++) {
		uint16_t id = i ? second : first;
		logmaker_le16(&w, id);
		wr_bytes(&w, zero, id == LOGMAKER_SHA1 ? 20 : 32);
	}
	logmaker_le32(&w, 0);
	return w;
}

static void an_event_has_exactly_one_digest_for_each_bank(void **s)
{
	struct wr w = two_banks(2, LOGMAKER_SHA1, LOGMAKER_SHA256);

	(void)s;
	assert_int_equal(walk(wr_done(&w)), 1);
	w = two_banks(1, LOGMAKER_SHA256, 0);
	refused(&w, "not one digest for each bank");
	w = two_banks(0, 0, 0);
	refused(&w, "not one digest for each bank");
	w = two_banks(3, LOGMAKER_SHA1, LOGMAKER_SHA256);
	refused(&w, "not one digest for each bank");
	w = two_banks(2, LOGMAKER_SHA256, LOGMAKER_SHA256);
	refused(&w, "same bank");
	w = two_banks(2, LOGMAKER_SHA1, LOGMAKER_SHA384);
	refused(&w, "does not name");
}

static void attack_A53_huge_sizes_are_refused_at_once(void **s)
{
	static const uint16_t banks[] = {LOGMAKER_SHA256, 32};
	struct wr w = fresh();

	(void)s;
	logmaker_header(&w, banks, 1, 0x80000000);
	refused(&w, "not the size it claims");
	w = fresh();
	logmaker_open(&w);
	logmaker_event(&w, 1, 1, VIEW("", 0));
	memset(buf + w.n - 4, 0xff, 4);
	refused(&w, "past the end");
	w = fresh();
	logmaker_open(&w);
	memset(buf + 28, 0xff, 4);
	refused(&w, "ends inside its header");
}

static void attack_A49_only_pure_padding_may_follow(void **s)
{
	struct wr w = fresh();

	(void)s;
	logmaker_boot(&w);
	int n = walk(wr_done(&w));
	size_t end = w.n;
	memset(buf + end, 0, 64);
	w.n = end + 64;
	assert_int_equal(walk(wr_done(&w)), n);
	buf[w.n - 1] = 1;
	refused(&w, "not one digest for each bank");
	memset(buf + end, 0xff, 64);
	assert_int_equal(walk(wr_done(&w)), n);
	buf[w.n - 1] = 0;
	refused(&w, "no such register");
	w.n = end + 11; /* as short as this it may be a record that was cut */
	refused(&w, "past the end");
}

static void attack_A48_a_log_cut_inside_a_record_is_refused(void **s)
{
	static bool whole[4096]; /* lengths at which a record ends */
	struct wr w = fresh();
	struct eventlog l;
	struct event ev;

	(void)s;
	logmaker_boot(&w);
	struct view log = wr_done(&w);
	assert_true(log.n < COUNT(whole));
	assert_int_equal(eventlog_open(&l, log, &err), 0);
	do
		whole[log.n - l.rest.n] = true;
	while (eventlog_next(&l, &ev, &err) > 0);
	for (size_t n = 0; n < log.n; n++) {
		uint8_t *cut = malloc(n + !n); /* its own block, so that a read past the end is seen */
		assert_non_null(cut);
		memcpy(cut, log.p, n);
		int events = walk(VIEW(cut, n));
		free(cut);
		assert_true(whole[n] ? events >= 0 : events == -1);
	}
}

static void a_refused_log_stays_refused(void **s)
{
	struct wr w = fresh();
	struct eventlog l;
	struct event ev;

	(void)s;
	logmaker_open(&w);
	logmaker_event(&w, 24, 1, VIEW("", 0));
	assert_int_equal(eventlog_open(&l, wr_done(&w), &err), 0);
	assert_int_equal(eventlog_next(&l, &ev, &err), -1);
	assert_int_equal(eventlog_next(&l, &ev, &err), -1);
}

static void a_variable_is_read_exactly(void **s)
{
	uint8_t one = 1;
	struct wr w = fresh();
	struct uefivar u;
	struct view v = logmaker_variable(&w, UEFI_GLOBAL, "SecureBoot", VIEW(&one, 1));

	(void)s;
	assert_int_equal(uefivar_parse(v, &u, &err), 0);
	assert_true(uefivar_is(&u, UEFI_GLOBAL, "SecureBoot"));
	assert_false(uefivar_is(&u, UEFI_GLOBAL, "SecureBoo"));
	assert_false(uefivar_is(&u, UEFI_GLOBAL, "secureBoot"));
	assert_false(uefivar_is(&u, (const uint8_t[16]){0}, "SecureBoot"));
	assert_int_equal(u.data.n, 1);
	assert_int_equal(uefivar_parse(VIEW(v.p, v.n + 1), &u, &err), -1);
	for (size_t n = 0; n < v.n; n++)
		assert_int_equal(uefivar_parse(VIEW(v.p, n), &u, &err), -1);
}

static void attack_A53_a_name_of_2_to_the_63_characters_is_refused(void **s)
{
	struct wr w = fresh();
	struct uefivar u;

	(void)s;
	wr_bytes(&w, UEFI_GLOBAL, 16);
	logmaker_le64(&w, UINT64_C(1) << 63);
	logmaker_le64(&w, 0);
	assert_int_equal(uefivar_parse(wr_done(&w), &u, &err), -1);
	assert_int_equal(err.why, WHY_MALFORMED);
}

static void event_types_have_their_names(void **s)
{
	(void)s;
	assert_string_equal(event_type_name(EV_SEPARATOR), "EV_SEPARATOR");
	assert_string_equal(event_type_name(EV_EFI_HCRTM_EVENT), "EV_EFI_HCRTM_EVENT");
	assert_string_equal(event_type_name(0x12345678), "unknown type");
}

/* Logs of real machines, with the number of events that tpm2_eventlog counts behind the header. */
static const struct {
	const char *path;
	int events;
} real[] = {
        {"tests/vectors/eventlog/ovmf-secureboot.eventlog", 36},
        {"tests/vectors/eventlog/ovmf-secureboot-sdboot.eventlog", 38},
        {"tests/vectors/eventlog/ovmf-nosecureboot-direct.eventlog", 36},
        {"../shared/fixtures/eventlogs/goattest-crypto_agile_eventlog.bin", 26},
        {"../shared/fixtures/eventlogs/goattest-ubuntu_2104_shielded_vm_no_secure_boot_eventlog.bin", 105},
        {"../shared/fixtures/eventlogs/goattest-sb_cert_eventlog.bin", 14},
        {"../shared/fixtures/eventlogs/goeventlog-arch-linux-workstation.bin", 24},
        {"../shared/fixtures/eventlogs/goeventlog-rhel8-uefi.bin", 82},
        {"../shared/fixtures/eventlogs/keylime-baremetal.bin", 120},
        {"../shared/fixtures/eventlogs/keylime-secureboot.bin", 98},
        {"../shared/fixtures/eventlogs/tpm2tools-event-bootorder.bin", 103},
        {"../shared/fixtures/eventlogs/tpm2tools-event-moklisttrusted.bin", 96},
        {"../shared/fixtures/eventlogs/tpm2tools-event-postcode.bin", 58},
        {"../shared/fixtures/eventlogs/tpm2tools-event-sd-boot-fedora37.bin", 27},
        /* of the old SHA-1 form, or no logs at all */
        {"../shared/fixtures/eventlogs/goattest-ebs_event_missing_eventlog.bin", -1},
        {"../shared/fixtures/eventlogs/goattest-option_rom_eventlog.bin", -1},
        {"../shared/fixtures/eventlogs/goattest-short_no_action_eventlog.bin", -1},
        {"../shared/fixtures/eventlogs/keylime-bogus.bin", -1},
};

static void logs_of_real_machines_have_the_events_that_others_count(void **s)
{
	(void)s;
	for (size_t i = 0; i < COUNT(real); i++) {
		uint8_t *p;
		size_t n;

		if (file_read(AT_FDCWD, real[i].path, EVENTLOG_MAX, &p, &n, &err)) {
			assert_true(real[i].path[0] == '.');
			print_message("not here, left out: %s\n", real[i].path);
			continue;
		}
		int events = walk(VIEW(p, n));
		free(p);
		if (events != real[i].events)
			fail_msg("%s: %d events: %s", real[i].path, events, err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(events_come_in_order_with_their_fields),
	        cmocka_unit_test(the_sha256_digest_is_found_in_any_order_of_banks),
	        cmocka_unit_test(a_log_of_the_old_sha1_form_is_refused),
	        cmocka_unit_test(attack_A68_a_log_without_a_sha256_bank_is_refused),
	        cmocka_unit_test(a_header_with_a_bank_twice_unknown_or_of_wrong_size_is_refused),
	        cmocka_unit_test(a_header_with_a_byte_to_spare_is_refused),
	        cmocka_unit_test(attack_A62_an_empty_or_too_big_log_is_refused),
	        cmocka_unit_test(too_many_events_are_refused),
	        cmocka_unit_test(a_register_past_the_last_is_refused),
	        cmocka_unit_test(an_event_has_exactly_one_digest_for_each_bank),
	        cmocka_unit_test(attack_A53_huge_sizes_are_refused_at_once),
	        cmocka_unit_test(attack_A49_only_pure_padding_may_follow),
	        cmocka_unit_test(attack_A48_a_log_cut_inside_a_record_is_refused),
	        cmocka_unit_test(a_refused_log_stays_refused),
	        cmocka_unit_test(a_variable_is_read_exactly),
	        cmocka_unit_test(attack_A53_a_name_of_2_to_the_63_characters_is_refused),
	        cmocka_unit_test(event_types_have_their_names),
	        cmocka_unit_test(logs_of_real_machines_have_the_events_that_others_count),
	};
	return cmocka_run_group_tests_name("eventlog", tests, NULL, NULL);
}
