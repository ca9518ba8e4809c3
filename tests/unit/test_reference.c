#include <stdlib.h>

#include "base/json.h"
#include "tests/unit/logmaker.h"
#include "tests/unit/mangle.h"
#include "tests/unit/unit.h"

static uint8_t text[64 * 1024];
static struct err err;

#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define ONE  "1111111111111111111111111111111111111111111111111111111111111111"

/* A body that says: each register is ZERO, PCR 4 is what is given. */
#define BODY(four, more)                                                                                               \
	"{\"pcrs\":{\"0\":[\"" ZERO "\"],\"1\":[\"" ZERO "\"],\"2\":[\"" ZERO "\"],\"3\":[\"" ZERO "\"],\"4\":" four   \
	",\"7\":[\"" ZERO "\"],\"9\":[\"" ZERO "\"],\"11\":[\"" ZERO "\"],\"12\":[\"" ZERO "\"]}" more "}"

static struct reference *imported(const char *body)
{
	err = (struct err){0};
	AUTO(json_free) json_t *j = json_read(VIEW(body, strlen(body)), 1 << 20, &err);
	if (!j)
		fail_msg("%s", err.text);
	return reference_import(j, &err);
}

static void refused(const char *body, const char *sentence)
{
	assert_null(imported(body));
	assert_int_equal(err.why, WHY_MALFORMED);
	if (!strstr(err.text, sentence))
		fail_msg("\"%s\" does not say \"%s\"", err.text, sentence);
}

static void mismatched(int rc, const char *sentence)
{
	assert_int_equal(rc, -1);
	assert_int_equal(err.why, WHY_UNTRUSTED);
	if (!strstr(err.text, sentence))
		fail_msg("\"%s\" does not say \"%s\"", err.text, sentence);
}

static int matching(const struct reference *r, const struct pcrs *pcrs, enum secure_boot sb, const struct measured *ev,
        size_t nev, struct err *e)
{
	const struct state state = {.pcrs = pcrs, .secure_boot = sb, .ev = ev, .nev = nev};

	return reference_match(r, &state, e);
}

static void every_value_of_a_register_is_approved_and_no_other(void **s)
{
	AUTO(reference_free) struct reference *r = imported(BODY("[\"" ZERO "\",\"" ONE "\"]", ""));
	struct pcrs p = {0};

	(void)s;
	assert_non_null(r);
	assert_int_equal(matching(r, &p, SECURE_BOOT_UNKNOWN, NULL, 0, &err), 0);
	memset(p.v[4], 0x11, 32);
	assert_int_equal(matching(r, &p, SECURE_BOOT_UNKNOWN, NULL, 0, &err), 0);
	memset(p.v[4], 0x22, 32);
	mismatched(matching(r, &p, SECURE_BOOT_UNKNOWN, NULL, 0, &err),
	        "PCR 4: 2222222222222222.. is none of the 2 values of the reference, the first is 0000000000000000..");
	assert_true(err.hint[0] != 0);
	memset(p.v[4], 0, 32);
	memset(p.v[5], 0x22, 32);
	assert_int_equal(matching(r, &p, SECURE_BOOT_UNKNOWN, NULL, 0, &err), 0); /* not quoted */
}

static void each_quoted_register_is_compared(void **s)
{
	AUTO(reference_free) struct reference *r = imported(BODY("[\"" ZERO "\"]", ""));

	(void)s;
	assert_non_null(r);
	for (uint32_t pcr = 0; pcr < PCR_COUNT; pcr++) {
		struct pcrs p = {0};
		p.v[pcr][31] = 1;
		assert_int_equal(matching(r, &p, SECURE_BOOT_ON, NULL, 0, &err), PCR_MASK & 1u << pcr ? -1 : 0);
	}
}

static void attack_A64_an_empty_reference_never_means_no_check(void **s)
{
	(void)s;
	refused("{}", "pcrs: expected an object");
	refused("{\"pcrs\":{}}", "PCR 0 has no value");
	refused("{\"pcrs\":[]}", "pcrs: expected an object");
	refused("{\"pcrs\":{\"0\":[\"" ZERO "\"]}}", "PCR 1 has no value");
	refused(BODY("[]", ""), "PCR 4 has no value");
	refused(BODY("null", ""), "PCR 4 has no value");
	refused(BODY("\"" ZERO "\"", ""), "PCR 4 has no value");
}

static void what_is_not_a_digest_is_refused(void **s)
{
	(void)s;
	refused(BODY("[\"00\"]", ""), "value 1 of PCR 4 is not a sha256");
	refused(BODY("[\"" ZERO "\",\"" ZERO "0\"]", ""), "value 2 of PCR 4 is not a sha256");
	refused(BODY("[\"" ZERO "\",0]", ""), "value 2 of PCR 4 is not a sha256");
}

static void unknown_members_are_refused(void **s)
{
	(void)s;
	refused(BODY("[\"" ZERO "\"],\"5\":[\"" ZERO "\"]", ""), "5");
	refused(BODY("[\"" ZERO "\"],\"04\":[\"" ZERO "\"]", ""), "04");
	refused(BODY("[\"" ZERO "\"]", ",\"comment\":\"\""), "comment");
	refused(BODY("[\"" ZERO "\"]", ",\"secure_boot\":\"yes\""), "secure_boot");
	refused(BODY("[\"" ZERO "\"]", ",\"secure_boot\":null"), "secure_boot");
	refused(BODY("[\"" ZERO "\"]", ",\"events\":{}"), "events");
	refused(BODY("[\"" ZERO "\"]", ",\"events\":[1]"), "events: entry 1");
	refused(BODY("[\"" ZERO "\"]", ",\"events\":[{\"pcr\":4,\"type\":1}]"), "events: entry 1");
	refused(BODY("[\"" ZERO "\"]", ",\"events\":[{\"pcr\":5,\"type\":1,\"digest\":\"" ZERO "\"}]"), "PCR 5");
	refused(BODY("[\"" ZERO "\"]", ",\"events\":[{\"pcr\":4,\"type\":3,\"digest\":\"" ZERO "\"}]"), "EV_NO_ACTION");
}

static void too_many_values_are_refused(void **s)
{
	struct wr w = wr_to(text, sizeof text);

	(void)s;
	wr_str(&w, "{\"pcrs\":{\"0\":[\"" ZERO "\"");
	for (int i = 0; i < REFERENCE_VALUES_MAX; i++)
		wr_str(&w, ",\"" ONE "\"");
	wr_str(&w, "]}}");
	wr_u8(&w, 0);
	refused((const char *)text, "65 values, the most is 64");
}

static void secure_boot_must_be_as_required(void **s)
{
	AUTO(reference_free) struct reference *on = imported(BODY("[\"" ZERO "\"]", ",\"secure_boot\":true"));
	AUTO(reference_free) struct reference *off = imported(BODY("[\"" ZERO "\"]", ",\"secure_boot\":false"));
	struct pcrs p = {0};

	(void)s;
	assert_non_null(on);
	assert_non_null(off);
	assert_int_equal(matching(on, &p, SECURE_BOOT_ON, NULL, 0, &err), 0);
	mismatched(matching(on, &p, SECURE_BOOT_OFF, NULL, 0, &err), "Secure Boot is off, the reference has it on");
	mismatched(matching(on, &p, SECURE_BOOT_UNKNOWN, NULL, 0, &err), "Secure Boot is unknown");
	assert_int_equal(matching(off, &p, SECURE_BOOT_OFF, NULL, 0, &err), 0);
	mismatched(matching(off, &p, SECURE_BOOT_ON, NULL, 0, &err), "Secure Boot is on, the reference has it off");
}

/* A boot whose last events of PCR 4 are the given texts. */
static struct view boot_log(uint8_t *buf, size_t cap, const char *const loaders[])
{
	struct wr w = wr_to(buf, cap);

	logmaker_boot(&w);
	for (; *loaders; loaders++)
		logmaker_event(&w, 4, 0x80000003, VIEW(*loaders, strlen(*loaders)));
	assert_true(wr_ok(&w));
	return wr_done(&w);
}

static struct reference *learnt(struct view log)
{
	struct wr w = wr_to(text, sizeof text);

	err = (struct err){0};
	if (reference_learn(log, &w, &err))
		fail_msg("%s", err.text);
	wr_u8(&w, 0);
	return imported((const char *)text);
}

static int matched(const struct reference *r, struct view log)
{
	struct measured m[64];
	struct boot b;
	size_t n;

	assert_accepted(boot_walk(log, &b, m, COUNT(m), &n, &err), &err);
	return matching(r, &b.pcrs, b.secure_boot, m, n, &err);
}

static void what_is_learnt_approves_what_it_was_learnt_from(void **s)
{
	uint8_t a[4096];
	struct view log = boot_log(a, sizeof a, (const char *const[]){"kernel", NULL});
	AUTO(reference_free) struct reference *r = learnt(log);

	(void)s;
	assert_non_null(r);
	assert_int_equal(matched(r, log), 0);
	assert_non_null(strstr((const char *)text, "\"secure_boot\":true"));
}

static void the_first_event_that_differs_is_named(void **s)
{
	uint8_t a[4096], b[4096];
	AUTO(reference_free)
	struct reference *r = learnt(boot_log(a, sizeof a, (const char *const[]){"kernel", "module", NULL}));

	(void)s;
	assert_non_null(r);
	mismatched(matched(r, boot_log(b, sizeof b, (const char *const[]){"Kernel", "module", NULL})),
	        "PCR 4: event 12 (EV_EFI_BOOT_SERVICES_APPLICATION) has digest 8a716159a6854658.., the reference has ");
	mismatched(matched(r, boot_log(b, sizeof b, (const char *const[]){"kernel", NULL})), "is missing at the end");
	mismatched(matched(r, boot_log(b, sizeof b, (const char *const[]){"kernel", "module", "more", NULL})),
	        "PCR 4: event 14 (EV_EFI_BOOT_SERVICES_APPLICATION) has digest ");
	assert_non_null(strstr(err.text, "the reference has no such event"));
}

static void an_event_of_another_type_is_named(void **s)
{
	uint8_t a[4096], b[4096];
	struct view log = boot_log(a, sizeof a, (const char *const[]){NULL});
	AUTO(reference_free) struct reference *r = learnt(log);
	struct wr w = wr_to(b, sizeof b);

	(void)s;
	assert_non_null(r);
	wr_view(&w, log);
	w.n -= 6 + 4 + 32 + 2 + 4 + 4 + 4; /* without the loader's event */
	logmaker_event(&w, 4, 0xd, VIEW("menu", 4));
	mismatched(matched(r, wr_done(&w)), "(EV_IPL) has digest ");
	assert_non_null(strstr(err.text, "the reference has EV_EFI_BOOT_SERVICES_APPLICATION "));
}

static void events_that_are_shown_never_approve(void **s)
{
	uint8_t a[4096];
	struct view log = boot_log(a, sizeof a, (const char *const[]){NULL});
	AUTO(reference_free) struct reference *r = learnt(log);
	struct measured m[64];
	struct boot b;
	size_t n;

	(void)s;
	assert_non_null(r);
	assert_accepted(boot_walk(log, &b, m, COUNT(m), &n, &err), &err);
	b.pcrs.v[4][0] ^= 1; /* the right events, the wrong register */
	mismatched(matching(r, &b.pcrs, b.secure_boot, m, n, &err), "is none of the 1 values");
}

static void a_log_that_is_refused_teaches_nothing(void **s)
{
	uint8_t a[4096];
	struct view log = boot_log(a, sizeof a, (const char *const[]){NULL});
	struct wr w = wr_to(text, sizeof text);

	(void)s;
	assert_refused(reference_learn(VIEW(log.p, log.n - 1), &w, &err), &err, WHY_MALFORMED);
	assert_int_equal(w.n, 0);
	w = wr_to(text, 1000);
	assert_refused(reference_learn(log, &w, &err), &err, WHY_SYSTEM);
	assert_int_equal(w.n, 0);
	assert_false(w.full);
}

/* A document is signed, so a changed digit is only another value; but no mangling makes a set that approves anything.
 */
static void approves_little(struct view body, void *state)
{
	AUTO(json_free) json_t *j = json_read(body, 1 << 20, &err);
	AUTO(reference_free) struct reference *r = j ? reference_import(j, &err) : NULL;

	if (r)
		mismatched(matching(r, state, SECURE_BOOT_ON, NULL, 0, &err), "the reference");
}

static void a_mangled_reference_is_refused_or_still_compares(void **s)
{
	static const char good[] = BODY("[\"" ZERO "\"]", ",\"secure_boot\":true");
	struct pcrs p;

	(void)s;
	memset(&p, 0x22, sizeof p);
	mangle_each(VIEW(good, sizeof good - 1), approves_little, &p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_value_of_a_register_is_approved_and_no_other),
	        cmocka_unit_test(each_quoted_register_is_compared),
	        cmocka_unit_test(attack_A64_an_empty_reference_never_means_no_check),
	        cmocka_unit_test(what_is_not_a_digest_is_refused),
	        cmocka_unit_test(unknown_members_are_refused),
	        cmocka_unit_test(too_many_values_are_refused),
	        cmocka_unit_test(secure_boot_must_be_as_required),
	        cmocka_unit_test(what_is_learnt_approves_what_it_was_learnt_from),
	        cmocka_unit_test(the_first_event_that_differs_is_named),
	        cmocka_unit_test(an_event_of_another_type_is_named),
	        cmocka_unit_test(events_that_are_shown_never_approve),
	        cmocka_unit_test(a_log_that_is_refused_teaches_nothing),
	        cmocka_unit_test(a_mangled_reference_is_refused_or_still_compares),
	};
	return cmocka_run_group_tests_name("reference", tests, NULL, NULL);
}
