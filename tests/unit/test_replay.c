#include "tests/unit/boottest.h"

static void attack_A50_a_changed_digest_is_not_explained(void **s)
{
	struct pcrs quoted = honest();
	struct wr w = fresh();

	(void)s;
	assert_int_equal(explained(&quoted), 0);
	logmaker_boot(&w);
	buf[last_byte(wr_done(&w), 11) - 6 - 8] ^= 1; /* in the digest of the loader */
	accepted(&w);
	assert_int_equal(explained(&quoted), -1);
	assert_int_equal(err.why, WHY_FORGED);
	assert_non_null(strstr(err.text, "PCR 4: the event log gives "));
	assert_non_null(strstr(err.text, ".., the quote has "));
}

static void attack_A51_a_digest_of_another_bank_means_nothing(void **s)
{
	static const uint16_t banks[] = {LOGMAKER_SHA1, 20, LOGMAKER_SHA256, 32};
	static uint8_t sha1[20], first[sizeof(struct pcrs)];
	uint8_t one[2048];
	struct wr w, single = wr_to(one, sizeof one);
	struct eventlog l;
	struct event ev;

	(void)s;
	logmaker_boot(&single);
	for (uint8_t fill = 0; fill < 2; fill++) {
		memset(sha1, fill, sizeof sha1);
		w = fresh();
		logmaker_header(&w, banks, 2, 2);
		assert_int_equal(eventlog_open(&l, wr_done(&single), &err), 0);
		while (eventlog_next(&l, &ev, &err) > 0) {
			logmaker_le32(&w, ev.pcr);
			logmaker_le32(&w, ev.type);
			logmaker_le32(&w, 2);
			logmaker_le16(&w, LOGMAKER_SHA1);
			wr_bytes(&w, sha1, sizeof sha1);
			logmaker_le16(&w, LOGMAKER_SHA256);
			wr_bytes(&w, ev.digest, 32);
			logmaker_le32(&w, (uint32_t)ev.data.n);
			wr_view(&w, ev.data);
		}
		accepted(&w);
		assert_int_equal(boot.secure_boot, SECURE_BOOT_ON);
		if (fill)
			assert_memory_equal(first, &boot.pcrs, sizeof first);
		memcpy(first, &boot.pcrs, sizeof first);
	}
}

static void attack_A54_an_event_hidden_by_its_type_is_missed(void **s)
{
	struct pcrs quoted = honest();
	struct wr w = fresh();

	(void)s;
	logmaker_boot(&w);
	size_t type = last_byte(wr_done(&w), 11) - 5 - 4 - 32 - 2 - 4 - 4;
	assert_int_equal(buf[type], 0x03);
	assert_int_equal(buf[type + 3], 0x80);
	buf[type + 3] = 0; /* EV_EFI_BOOT_SERVICES_APPLICATION becomes EV_NO_ACTION */
	accepted(&w);
	assert_int_equal(explained(&quoted), -1);

	w = fresh();
	logmaker_boot(&w);
	logmaker_event(&w, 4, EV_NO_ACTION, VIEW("loader", 6));
	accepted(&w);
	assert_int_equal(explained(&quoted), 0);
	buf[w.n - 6 - 4 - 32 - 2 - 4 - 4] = 0xd; /* and the other way round */
	accepted(&w);
	assert_int_equal(explained(&quoted), -1);
}

/* PCR 0 of a boot whose first records are those of start. */
static struct wr started(void (*start)(struct wr *w))
{
	struct wr w = fresh();

	logmaker_open(&w);
	start(&w);
	logmaker_version(&w);
	logmaker_separators(&w, 0xff);
	return w;
}

static void locality_3(struct wr *w)
{
	logmaker_locality(w, 0, 3);
}

static void locality_4(struct wr *w)
{
	logmaker_locality(w, 0, 4);
}

static void locality_7(struct wr *w)
{
	logmaker_locality(w, 0, 7);
}

static void locality_twice(struct wr *w)
{
	logmaker_locality(w, 0, 3);
	logmaker_locality(w, 0, 3);
}

static void locality_late(struct wr *w)
{
	logmaker_version(w);
	logmaker_locality(w, 0, 3);
}

static void locality_elsewhere(struct wr *w)
{
	logmaker_locality(w, 1, 3);
}

static void locality_too_long(struct wr *w)
{
	logmaker_event(w, 0, EV_NO_ACTION, VIEW("StartupLocality\0\3", 18));
}

static void measured_by_the_tpm(struct wr *w)
{
	logmaker_event(w, 0, EV_EFI_HCRTM_EVENT, VIEW("HCRTM", 5));
}

static void measured_by_the_tpm_late(struct wr *w)
{
	logmaker_version(w);
	measured_by_the_tpm(w);
}

static void the_start_value_of_pcr_0_is_its_startup_locality(void **s)
{
	uint8_t pcr[32] = {[31] = 3}, digest[32];
	struct wr w = started(locality_3);

	(void)s;
	accepted(&w);
	sha256(digest, VIEW("v\0001\0", 4));
	sha256_2(pcr, VIEW_OF(pcr), VIEW_OF(digest));
	sha256(digest, VIEW_OF(logmaker_zero));
	sha256_2(pcr, VIEW_OF(pcr), VIEW_OF(digest));
	assert_memory_equal(boot.pcrs.v[0], pcr, 32);
	w = started(locality_4);
	accepted(&w);
	assert_memory_not_equal(boot.pcrs.v[0], pcr, 32);
}

static void an_hcrtm_event_starts_pcr_0_at_4(void **s)
{
	uint8_t pcr[32] = {[31] = 4};
	struct wr w = started(measured_by_the_tpm);
	const char *const in_order[] = {"HCRTM", "v\0001\0", "\0\0\0\0"};
	const size_t sizes[] = {5, 4, 4};

	(void)s;
	accepted(&w);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		uint8_t digest[32];
		sha256(digest, VIEW(in_order[i], sizes[i]));
		sha256_2(pcr, VIEW_OF(pcr), VIEW_OF(digest));
	}
	assert_memory_equal(boot.pcrs.v[0], pcr, 32);
	w = started(measured_by_the_tpm_late);
	refused(&w, WHY_MALFORMED, "the first of PCR 0");
}

static void attack_A59_startup_locality_is_said_once_early_and_rightly(void **s)
{
	struct wr w = started(locality_twice);

	(void)s;
	refused(&w, WHY_MALFORMED, "said twice");
	w = started(locality_late);
	refused(&w, WHY_MALFORMED, "after PCR 0 was extended");
	w = started(locality_7);
	refused(&w, WHY_MALFORMED, "not started from this locality");
	w = started(locality_elsewhere);
	refused(&w, WHY_MALFORMED, "not a startup locality event");
	w = started(locality_too_long);
	refused(&w, WHY_MALFORMED, "not a startup locality event");
}

static void attack_A63_every_quoted_register_must_be_explained(void **s)
{
	struct pcrs quoted = honest(), changed;

	(void)s;
	assert_int_equal(explained(&quoted), 0);
	for (uint32_t pcr = 0; pcr < PCR_COUNT; pcr++) {
		changed = quoted;
		changed.v[pcr][31] ^= 1;
		assert_int_equal(explained(&changed), PCR_MASK & 1u << pcr ? -1 : 0);
		memset(changed.v[pcr], 0, 32);
		assert_int_equal(explained(&changed), PCR_MASK & 1u << pcr && quoted.v[pcr][0] ? -1 : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(attack_A50_a_changed_digest_is_not_explained),
	        cmocka_unit_test(attack_A51_a_digest_of_another_bank_means_nothing),
	        cmocka_unit_test(attack_A54_an_event_hidden_by_its_type_is_missed),
	        cmocka_unit_test(the_start_value_of_pcr_0_is_its_startup_locality),
	        cmocka_unit_test(an_hcrtm_event_starts_pcr_0_at_4),
	        cmocka_unit_test(attack_A59_startup_locality_is_said_once_early_and_rightly),
	        cmocka_unit_test(attack_A63_every_quoted_register_must_be_explained),
	};
	return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
