#include "tests/unit/bootmaker.h"

static struct meaning m;
static char text[EVENT_TEXT_MAX];

/* What an event with that payload says; hashed: what its digest is of. */
static enum meaning_kind means(uint32_t pcr, uint32_t type, struct view hashed, struct view data)
{
	struct measured ev = {.pcr = (uint8_t)pcr, .type = type, .number = 1, .data = data};
	uint8_t section = SECTION_NONE;

	sha256(ev.digest, hashed);
	meaning_of(&ev, &section, &m);
	return m.kind;
}

static void says(const char *wanted)
{
	assert_int_equal(meaning_text(&m, text, sizeof text), 0);
	assert_string_equal(text, wanted);
}

#define T(s) bootmaker_text(s)

/* GRUB measures the text behind its word, with a NUL or without, and has spelled the words in two ways. */
static void what_grub_does_is_read_in_each_spelling(void **s)
{
	(void)s;
	assert_int_equal(means(8, EV_IPL, T("set a=b"), VIEW("grub_cmd: set a=b", 18)), MEANS_GRUB_COMMAND);
	assert_true(m.bound);
	says("set a=b");
	assert_int_equal(means(8, EV_IPL, VIEW("set a=b", 8), VIEW("grub_cmd set a=b", 16)), MEANS_GRUB_COMMAND);
	assert_true(m.bound);
	assert_int_equal(
	        means(8, EV_IPL, T("/vmlinuz quiet"), VIEW("kernel_cmdline: /vmlinuz quiet", 31)), MEANS_COMMAND_LINE);
	assert_true(m.bound);
	says("/vmlinuz quiet");
	assert_int_equal(means(8, EV_IPL, T("/vmlinuz"), VIEW("grub_kernel_cmdline /vmlinuz", 28)), MEANS_COMMAND_LINE);
	assert_true(m.bound);
	assert_int_equal(means(9, EV_IPL, T("contents"), T("/boot/initrd")), MEANS_GRUB_FILE);
}

static void a_text_that_was_not_measured_is_not_bound(void **s)
{
	(void)s;
	means(8, EV_IPL, T("kernel_cmdline: /vmlinuz"), T("kernel_cmdline: /vmlinuz"));
	assert_false(m.bound);
	means(8, EV_IPL, T("/vmlinuz"), T("kernel_cmdline: /vmlinuz evil"));
	assert_false(m.bound);
	/* A last character that is no NUL may not be left out. */
	means(8, EV_IPL, T("/vmlinu"), T("kernel_cmdline: /vmlinuz"));
	assert_false(m.bound);
}

static void a_command_line_is_read_with_and_without_its_end(void **s)
{
	uint8_t a[64], b[64];
	struct view with = bootmaker_wide(a, "quiet", true), without = bootmaker_wide(b, "quiet", false);

	(void)s;
	assert_int_equal(means(12, EV_IPL, with, with), MEANS_COMMAND_LINE);
	assert_true(m.bound);
	says("quiet");
	means(12, EV_IPL, with, without);
	assert_true(m.bound);
	means(12, EV_IPL, without, with);
	assert_true(m.bound);
	means(12, EV_IPL, without, VIEW(with.p, with.n - 1));
	assert_false(m.bound);
}

static void a_firmware_version_is_text_or_a_guid(void **s)
{
	uint8_t wide[64];
	struct view v = bootmaker_wide(wide, "GCE v1", true);

	(void)s;
	assert_int_equal(means(0, EV_S_CRTM_VERSION, v, v), MEANS_FIRMWARE_VERSION);
	says("GCE v1");
	means(0, EV_S_CRTM_VERSION, T("1.2"), T("1.2"));
	says("1.2");
	v = VIEW("\x1e\xfbkT\x0c\x1dU@\xa4\xadN\xf4\xbf\x17\xb8:", 16);
	means(0, EV_S_CRTM_VERSION, v, v);
	says("546bfb1e-1d0c-4055-a4ad-4ef4bf17b83a");
	means(0, EV_S_CRTM_VERSION, VIEW("\x01\x02\x03", 3), VIEW("\x01\x02\x03", 3));
	assert_int_equal(meaning_text(&m, text, sizeof text), -1);
}

static void sections_come_as_name_and_contents(void **s)
{
	uint8_t section = SECTION_NONE;
	struct measured name = {.pcr = 11, .type = EV_IPL}, contents = {.pcr = 11, .type = EV_IPL};

	(void)s;
	sha256(name.digest, VIEW(".linux", 7));
	meaning_of(&name, &section, &m);
	assert_int_equal(m.kind, MEANS_SECTION_NAME);
	assert_string_equal(meaning_section(m.which), ".linux");
	meaning_of(&contents, &section, &m);
	assert_int_equal(m.kind, MEANS_SECTION);
	assert_string_equal(meaning_section(m.which), ".linux");
	meaning_of(&contents, &section, &m);
	assert_int_equal(m.kind, MEANS_UNKNOWN);
	/* Even when the contents are the name of another. */
	meaning_of(&name, &section, &m);
	meaning_of(&name, &section, &m);
	assert_int_equal(m.kind, MEANS_SECTION);
	assert_null(meaning_section(SECTIONS));
	assert_int_equal(meaning_section_of(".text"), SECTION_NONE);
}

/* A55: a variable's name only counts under its own vendor, in register 7. */
static void attack_A55_variables_of_another_vendor(void **s)
{
	uint8_t buf[128];
	struct wr w = wr_to(buf, sizeof buf);
	struct view v = logmaker_variable(&w, UEFI_SHIM, "db", T("x"));

	(void)s;
	assert_int_equal(means(7, EV_EFI_VARIABLE_DRIVER_CONFIG, v, v), MEANS_VARIABLE);
	assert_int_equal(means(7, EV_EFI_VARIABLE_AUTHORITY, v, v), MEANS_VARIABLE);
	w = wr_to(buf, sizeof buf);
	v = logmaker_variable(&w, UEFI_GLOBAL, "SecureBoot", T("\x01"));
	assert_int_equal(means(7, EV_EFI_VARIABLE_DRIVER_CONFIG, v, v), MEANS_SECURE_BOOT);
	assert_int_equal(means(1, EV_EFI_VARIABLE_DRIVER_CONFIG, v, v), MEANS_VARIABLE);
	assert_int_equal(means(5, EV_EFI_VARIABLE_DRIVER_CONFIG, v, v), MEANS_VARIABLE);
}

static void boot_entries_are_told_by_their_names(void **s)
{
	static const char *const yes[] = {"BootOrder", "Boot0000", "Boot00aF"}, *const no[] = {"Boot", "Boot00G0",
	                                                                                "Boot00000", "BootNext",
	                                                                                "boot0000"};

	(void)s;
	for (size_t i = 0; i < COUNT(yes) + COUNT(no); i++) {
		uint8_t buf[128];
		struct wr w = wr_to(buf, sizeof buf);
		bool good = i < COUNT(yes);
		struct view v = logmaker_variable(&w, UEFI_GLOBAL, good ? yes[i] : no[i - COUNT(yes)], T("x"));
		assert_int_equal(means(1, EV_EFI_VARIABLE_BOOT, v, v), good ? MEANS_BOOT_VARIABLE : MEANS_VARIABLE);
		assert_true(m.bound);
		means(1, EV_EFI_VARIABLE_BOOT, T("x"), v); /* firmware that measures the contents alone */
		assert_int_equal(m.bound, good);
	}
}

static void dates_of_sbat_levels(void **s)
{
	(void)s;
	assert_int_equal(meaning_sbat(T("sbat,1,2021030218\n")), 2021030218);
	assert_int_equal(meaning_sbat(T("sbat,1,2024010900\nshim,4\n")), 2024010900);
	assert_int_equal(meaning_sbat(T("sbat,1")), 0);
	assert_int_equal(meaning_sbat(T("sbat,1,")), 0);
	assert_int_equal(meaning_sbat(T("shim,1,2021030218")), 0);
	assert_int_equal(meaning_sbat(T("sbat,1,99999999999999999999")), 0);
	assert_int_equal(meaning_sbat(T("sbat,1,4294967296")), 0);
	assert_int_equal(meaning_sbat(VIEW(NULL, 0)), 0);
}

static void an_event_without_a_payload_has_a_meaning_too(void **s)
{
	(void)s;
	for (uint32_t pcr = 0; pcr < PCR_COUNT; pcr++)
		for (uint32_t type = 0; type < 0x20; type++)
			for (uint32_t high = 0; high < 2; high++) {
				means(pcr, type | (high ? 0x80000000u : 0), T(""), VIEW(NULL, 0));
				(void)meaning_text(&m, text, sizeof text);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_grub_does_is_read_in_each_spelling),
	        cmocka_unit_test(a_text_that_was_not_measured_is_not_bound),
	        cmocka_unit_test(a_command_line_is_read_with_and_without_its_end),
	        cmocka_unit_test(a_firmware_version_is_text_or_a_guid),
	        cmocka_unit_test(sections_come_as_name_and_contents),
	        cmocka_unit_test(attack_A55_variables_of_another_vendor),
	        cmocka_unit_test(boot_entries_are_told_by_their_names),
	        cmocka_unit_test(dates_of_sbat_levels),
	        cmocka_unit_test(an_event_without_a_payload_has_a_meaning_too),
	};
	return cmocka_run_group_tests_name("meaning", tests, NULL, NULL);
}
