#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "firmware/firmware.h"
#include "tests/unit/unit.h"

#define LOGS "../shared/fixtures/eventlogs/"
#define OURS "tests/vectors/eventlog/"

static struct err err;

static const struct {
	const char *path, *refusal;
} logs[] = {
        {OURS "ovmf-secureboot.eventlog", NULL},
        {OURS "ovmf-secureboot-sdboot.eventlog", NULL},
        {OURS "ovmf-nosecureboot-direct.eventlog", NULL},
        {LOGS "goattest-ubuntu_2104_shielded_vm_no_secure_boot_eventlog.bin", NULL},
        {LOGS "goeventlog-rhel8-uefi.bin", NULL},
        {LOGS "keylime-baremetal.bin", NULL},
        {LOGS "keylime-secureboot.bin", NULL},
        {LOGS "tpm2tools-event-bootorder.bin", NULL},
        {LOGS "tpm2tools-event-moklisttrusted.bin", NULL},
        {LOGS "tpm2tools-event-postcode.bin", NULL},
        {LOGS "goattest-crypto_agile_eventlog.bin", "does not say whether Secure Boot is on"},
        {LOGS "tpm2tools-event-sd-boot-fedora37.bin", "does not say whether Secure Boot is on"},
        {LOGS "keylime-bogus.bin", "ends inside its header"},
};

static bool have(const char *path, uint8_t **p, size_t *n)
{
	if (file_read(AT_FDCWD, path, EVENTLOG_MAX, p, n, &err) == 0)
		return true;
	assert_true(path[0] == '.');
	print_message("not here, left out: %s\n", path);
	return false;
}

static struct reference *learnt(struct view log)
{
	static uint8_t text[256 * 1024];
	struct wr w = wr_to(text, sizeof text);

	if (reference_learn_meaning(log, &w, &err))
		return NULL;
	AUTO(json_free) json_t *body = json_read(wr_done(&w), sizeof text, &err);
	assert_non_null(body);
	struct reference *r = reference_import(body, &err);
	if (!r)
		fail_msg("%s", err.text);
	return r;
}

static int approves(const struct reference *r, struct view log)
{
	static struct measured m[MEASURED_MAX];
	static struct story story;
	struct boot b;
	size_t n;

	assert_accepted(boot_walk(log, &b, m, MEASURED_MAX, &n, &err), &err);
	story_tell(&story, m, n, &b.pcrs);
	assert_int_equal(story.explained, PCR_MASK);
	struct state s = {.pcrs = &b.pcrs, .secure_boot = b.secure_boot, .ev = m, .nev = n, .story = &story};
	return reference_match(r, &s, &err);
}

static void each_real_log_teaches_a_set_that_approves_it(void **s)
{
	(void)s;
	for (size_t i = 0; i < COUNT(logs); i++) {
		AUTO(mem_free) char *owner = NULL;
		uint8_t *p;
		size_t n;

		if (!have(logs[i].path, &p, &n))
			continue;
		owner = (char *)p;
		AUTO(reference_free) struct reference *r = learnt(VIEW(p, n));
		if (logs[i].refusal ? r || !strstr(err.text, logs[i].refusal) : !r || approves(r, VIEW(p, n)))
			fail_msg("%s: %s", logs[i].path, err.text);
	}
}

/* The sets of our three captures each approve one of them. */
static void no_set_approves_the_boot_of_another(void **s)
{
	(void)s;
	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < 3; k++) {
			uint8_t *a, *b;
			size_t na, nb;
			assert_true(have(logs[i].path, &a, &na) && have(logs[k].path, &b, &nb));
			AUTO(reference_free) struct reference *r = learnt(VIEW(a, na));
			assert_non_null(r);
			assert_int_equal(approves(r, VIEW(b, nb)), i == k ? 0 : -1);
			mem_free(a);
			mem_free(b);
		}
}

/* A52: one bit of a payload that a rule would read, its digest kept. */
static void attack_A52_nothing_is_learnt_from_an_unbound_payload(void **s)
{
	uint8_t *p;
	size_t n;
	struct eventlog l;
	struct event ev;

	(void)s;
	assert_true(have(OURS "ovmf-secureboot-sdboot.eventlog", &p, &n));
	assert_accepted(eventlog_open(&l, VIEW(p, n), &err), &err);
	while (eventlog_next(&l, &ev, &err) == 1) {
		if (ev.pcr != 12)
			continue;
		p[ev.data.p - p] ^= 1;
		assert_null(learnt(VIEW(p, n)));
		assert_int_equal(err.why, WHY_FORGED);
		assert_non_null(strstr(err.text, "event 26 (EV_IPL on PCR 12): its payload is not what was measured"));
	}
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_real_log_teaches_a_set_that_approves_it),
	        cmocka_unit_test(no_set_approves_the_boot_of_another),
	        cmocka_unit_test(attack_A52_nothing_is_learnt_from_an_unbound_payload),
	};
	return cmocka_run_group_tests_name("learn", tests, NULL, NULL);
}
