#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/hex.h"
#include "firmware/firmware.h"
#include "tests/unit/mangle.h"
#include "tests/unit/unit.h"

static struct err err;
static struct boot boot;

/* Reads a file that may be absent when it lies outside the project. */
static bool have(const char *path, uint8_t **p, size_t *n)
{
	if (file_read(AT_FDCWD, path, EVENTLOG_MAX, p, n, &err) == 0)
		return true;
	assert_true(path[0] == '.');
	print_message("not here, left out: %s\n", path);
	return false;
}

/* A file of lines "sha256:4: hex". */
static struct pcrs registers(const char *path)
{
	struct pcrs out = {0};
	uint8_t *p;
	size_t n;

	assert_true(have(path, &p, &n));
	for (char *line = (char *)p; *line; line = strchr(line, '\n') + 1) {
		char hex[65];
		unsigned pcr;
		assert_int_equal(sscanf(line, "sha256:%u: %64s", &pcr, hex), 2);
		assert_true(pcr < PCR_COUNT);
		assert_int_equal(hex_get(out.v[pcr], 32, hex), 0);
	}
	free(p);
	return out;
}

static const struct {
	const char *log, *pcrs;
	enum secure_boot sb;
} captures[] = {
        {"tests/vectors/eventlog/ovmf-secureboot.eventlog", "tests/vectors/eventlog/ovmf-secureboot.pcrs",
                SECURE_BOOT_ON},
        {"tests/vectors/eventlog/ovmf-secureboot-sdboot.eventlog", "tests/vectors/eventlog/ovmf-secureboot-sdboot.pcrs",
                SECURE_BOOT_ON},
        {"tests/vectors/eventlog/ovmf-nosecureboot-direct.eventlog",
                "tests/vectors/eventlog/ovmf-nosecureboot-direct.pcrs", SECURE_BOOT_OFF},
};

static void our_captures_replay_to_what_their_tpm_had(void **s)
{
	(void)s;
	for (size_t i = 0; i < COUNT(captures); i++) {
		struct pcrs quoted = registers(captures[i].pcrs);
		uint8_t *p;
		size_t n;

		assert_true(have(captures[i].log, &p, &n));
		if (boot_read(VIEW(p, n), &boot, &err) ||
		        boot_explains(&boot, &quoted, PCR_MASK | 1u << 5 | 1u << 6, &err))
			fail_msg("%s: %s", captures[i].log, err.text);
		assert_int_equal(boot.secure_boot, captures[i].sb);
		free(p);
	}
}

/* A mangled log claims nothing that the quote does not bear out. */
static void harmless(struct view log, void *quoted)
{
	struct boot b;

	if (boot_read(log, &b, &err) || boot_explains(&b, quoted, PCR_MASK, &err))
		return;
	assert_true(b.secure_boot == SECURE_BOOT_OFF || b.secure_boot == SECURE_BOOT_UNKNOWN);
}

static void a_mangled_log_is_refused_or_means_the_same(void **s)
{
	struct pcrs quoted = registers(captures[2].pcrs);
	uint8_t *p;
	size_t n;

	(void)s;
	assert_true(have(captures[2].log, &p, &n));
	mangle_each(VIEW(p, n), harmless, &quoted);
	free(p);
}

#define LOGS "../shared/fixtures/eventlogs/"

/* Logs of real machines. */
static const struct {
	const char *path;
	const char *refusal;
	enum secure_boot sb;
} machines[] = {
        {LOGS "goattest-crypto_agile_eventlog.bin", NULL, SECURE_BOOT_UNKNOWN},
        {LOGS "goattest-ubuntu_2104_shielded_vm_no_secure_boot_eventlog.bin", NULL, SECURE_BOOT_OFF},
        {LOGS "goeventlog-arch-linux-workstation.bin", NULL, SECURE_BOOT_UNKNOWN},
        {LOGS "goeventlog-rhel8-uefi.bin", NULL, SECURE_BOOT_ON},
        {LOGS "keylime-baremetal.bin", NULL, SECURE_BOOT_OFF},
        {LOGS "keylime-secureboot.bin", NULL, SECURE_BOOT_ON},
        {LOGS "tpm2tools-event-bootorder.bin", NULL, SECURE_BOOT_OFF},
        {LOGS "tpm2tools-event-moklisttrusted.bin", NULL, SECURE_BOOT_ON},
        {LOGS "tpm2tools-event-postcode.bin", NULL, SECURE_BOOT_ON},
        {LOGS "tpm2tools-event-sd-boot-fedora37.bin", NULL, SECURE_BOOT_UNKNOWN},
        {LOGS "goattest-sb_cert_eventlog.bin", "PCR 0 has no separator", 0}, /* shortened by its authors */
        {LOGS "goattest-ebs_event_missing_eventlog.bin", "old SHA-1 form", 0},
        {LOGS "goattest-option_rom_eventlog.bin", "old SHA-1 form", 0},
        {LOGS "goattest-short_no_action_eventlog.bin", "old SHA-1 form", 0},
        {LOGS "keylime-bogus.bin", "ends inside its header", 0},
};

static void logs_of_real_machines_are_read_or_refused_for_their_reason(void **s)
{
	(void)s;
	for (size_t i = 0; i < COUNT(machines); i++) {
		uint8_t *p;
		size_t n;

		if (!have(machines[i].path, &p, &n))
			continue;
		int rc = boot_read(VIEW(p, n), &boot, &err);
		free(p);
		if (machines[i].refusal ? rc == 0 || !strstr(err.text, machines[i].refusal) : rc != 0)
			fail_msg("%s: %s", machines[i].path, rc ? err.text : "was read");
		if (rc == 0)
			assert_int_equal(boot.secure_boot, machines[i].sb);
	}
}

/* Replayed apart from this code. tpm2_eventlog 5.4 differs on PCR 0: it extends the EV_NO_ACTION event that says
 * locality 3. */
static void a_machine_started_from_locality_3_replays_exactly(void **s)
{
	uint8_t *p, expected[32];
	size_t n;

	(void)s;
	if (!have(LOGS "keylime-baremetal.bin", &p, &n))
		skip();
	assert_int_equal(boot_read(VIEW(p, n), &boot, &err), 0);
	free(p);
	assert_int_equal(hex_get(expected, 32, "0ee9a7feba8f4172f1a7451594aa5731665a4d353ac61814042ce107a00742f2"), 0);
	assert_memory_equal(boot.pcrs.v[0], expected, 32);
	assert_int_equal(hex_get(expected, 32, "d268196b8d9585b41e6de98d7b2af9cc2fcc5b8ae5923b354105bf7c4d73b9cc"), 0);
	assert_memory_equal(boot.pcrs.v[1], expected, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(our_captures_replay_to_what_their_tpm_had),
	        cmocka_unit_test(a_mangled_log_is_refused_or_means_the_same),
	        cmocka_unit_test(logs_of_real_machines_are_read_or_refused_for_their_reason),
	        cmocka_unit_test(a_machine_started_from_locality_3_replays_exactly),
	};
	return cmocka_run_group_tests_name("bootlogs", tests, NULL, NULL);
}
