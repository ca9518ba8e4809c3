#include "base/hex.h"
#include "tests/unit/bootmaker.h"

static struct err err;
static struct bootmaker_booted x;
static const struct bootmaker usual;

/* A set learnt from one boot, perhaps changed, against another boot. */
static int against(json_t *body, const struct bootmaker *b)
{
	AUTO(json_free) json_t *mine = body;
	AUTO(reference_free) struct reference *r = bootmaker_import(mine);

	err = (struct err){0};
	bootmaker_boot(&x, b);
	return reference_match(r, &x.state, &err);
}

static void approved(json_t *body, const struct bootmaker *b)
{
	assert_accepted(against(body, b), &err);
}

static void denied(json_t *body, const struct bootmaker *b, const char *sentence)
{
	assert_refused(against(body, b), &err, WHY_UNTRUSTED);
	if (!strstr(err.text, sentence))
		fail_msg("\"%s\" does not say \"%s\"", err.text, sentence);
	assert_true(err.hint[0] != 0);
}

static json_t *learnt(void)
{
	return bootmaker_learn(&usual);
}

static json_t *with(const char *key, json_t *value)
{
	json_t *body = learnt();

	json_object_set_new(body, key, value);
	return body;
}

static json_t *hex_list(const char *text)
{
	uint8_t digest[32];
	char hex[65];

	sha256(digest, bootmaker_text(text));
	return json_pack("[s]", hex_put(hex, digest, 32));
}

static void a_boot_is_approved_by_what_was_learnt_from_it(void **s)
{
	(void)s;
	approved(learnt(), &usual);
	approved(bootmaker_learn(&(struct bootmaker){.off = true}), &(struct bootmaker){.off = true});
	approved(bootmaker_learn(&(struct bootmaker){.late = "quiet debug"}),
	        &(struct bootmaker){.late = "quiet debug"});
}

static void each_part_that_differs_is_named(void **s)
{
	(void)s;
	denied(learnt(), &(struct bootmaker){.loader = "grub"},
	        "PCR 4: event 19 (EV_EFI_BOOT_SERVICES_APPLICATION): a boot loader has digest ");
	denied(learnt(), &(struct bootmaker){.driver = "implant"},
	        "PCR 2: event 8 (EV_EFI_BOOT_SERVICES_DRIVER): a driver or option ROM has digest ");
	denied(learnt(), &(struct bootmaker){.db = "attacker"},
	        "PCR 7: event 6 (EV_EFI_VARIABLE_DRIVER_CONFIG): db has entry ");
	denied(learnt(), &(struct bootmaker){.authority = "attacker"}, "the loader's signature is by authority ");
	denied(learnt(), &(struct bootmaker){.initrd = "implant"}, "an initial RAM disk or file has digest ");
	denied(learnt(), &(struct bootmaker){.section = ".dtb"},
	        "PCR 11: event 24 (EV_IPL): the kernel image has a section that");
	denied(learnt(), &(struct bootmaker){.line = "quiet root=a init=/bin/sh"}, "section .cmdline has digest ");
	denied(learnt(), &(struct bootmaker){.extra_variable = true}, "a variable that no rule reads has digest ");
	denied(learnt(), &(struct bootmaker){.off = true}, "Secure Boot is off, the reference has it on");
}

static void a_database_with_fewer_keys_is_approved(void **s)
{
	json_t *body = learnt(), *db = json_object_get(json_object_get(body, "secure_boot_keys"), "db");

	AUTO(json_free) json_t *another = hex_list("another vendor");

	(void)s;
	json_array_extend(db, another);
	approved(body, &usual);
}

/* A66: an old dbx, or none. */
static void attack_A66_dbx_rollback(void **s)
{
	(void)s;
	denied(learnt(), &(struct bootmaker){.dbx = "something else"}, "PCR 7: dbx lacks ");
}

static void attack_A66_sbat_below_minimum(void **s)
{
	const struct bootmaker old = {.sbat = "sbat,1,2021030218\n"}, new = {.sbat = "sbat,1,2024010900\nshim,4\n"};

	(void)s;
	approved(bootmaker_learn(&old), &old);
	approved(bootmaker_learn(&old), &new);
	denied(bootmaker_learn(&new), &old, "shim's SBAT level is 2021030218, the reference demands 2024010900");
	denied(bootmaker_learn(&new), &(struct bootmaker){.sbat = "sbat"}, "shim's SBAT level is 0");
	denied(learnt(), &new, "shim's SBAT level is 2024010900, the reference demands 0");
}

static void attack_A67_firmware_in_debug_mode(void **s)
{
	struct wr w = wr_to(x.log, sizeof x.log);
	static uint8_t log[16384];

	(void)s;
	denied(learnt(), &(struct bootmaker){.debug = true},
	        "PCR 7: event 8 (EV_EFI_ACTION): the firmware says that it can be debugged");
	assert_refused(
	        reference_learn_meaning(bootmaker_log(log, sizeof log, &(struct bootmaker){.debug = true}), &w, &err),
	        &err, WHY_UNTRUSTED);
	assert_int_equal(w.n, 0);
}

/* ---- Command lines ---- */

static void a_command_line_that_differs_is_shown_where(void **s)
{
	const struct bootmaker late = {.late = "quiet root=a"};

	(void)s;
	denied(bootmaker_learn(&late), &(struct bootmaker){.late = "quiet root=b init=/bin/sh"},
	        "the kernel command line differs at character 12: it has \"b init=/bin/sh\", the reference has \"a\"");
	assert_non_null(strstr(err.hint, "merestone reference put"));
	assert_non_null(strstr(err.text, "PCR 12: event 24 (EV_IPL)"));
}

static void a_pattern_lets_one_word_vary_and_no_second_one_in(void **s)
{
	const struct bootmaker late = {.late = "quiet root=a"};
	json_t *rule = json_pack("{s:[s]}", "pattern", "quiet root=*");

	(void)s;
	for (int i = 0; i < 2; i++) {
		json_t *body = bootmaker_learn(&late);
		json_object_set(body, "command_line", rule);
		json_object_set_new(json_object_get(body, "allowed_events"), "9", json_array());
		if (i == 0)
			approved(body, &(struct bootmaker){.late = "quiet root=/dev/sda1"});
		else
			denied(body, &(struct bootmaker){.late = "quiet root=/dev/sda1 init=/bin/sh"},
			        "fits no pattern");
	}
	json_decref(rule);
}

/* Of the kernel's load options only the digest is logged: it must be that of an approved text. */
static void load_options_are_known_by_the_digest_of_an_approved_text(void **s)
{
	json_t *body = with("command_line", json_pack("{s:[s]}", "exact", "quiet root=a"));

	(void)s;
	json_object_set_new(json_object_get(body, "allowed_events"), "9", json_array());
	json_object_del(json_object_get(body, "uki"), ".cmdline");
	approved(json_incref(body), &usual);
	denied(json_incref(body), &(struct bootmaker){.line = "quiet root=b"}, "section .cmdline has digest ");
	denied(body, &(struct bootmaker){.late = "quiet root=b"}, "PCR 12: ");
}

static void a_boot_that_measures_no_command_line_is_denied_where_one_is_ruled(void **s)
{
	json_t *body = with("command_line", json_pack("{s:[s]}", "exact", "quiet root=a"));

	(void)s;
	denied(body, &(struct bootmaker){.no_options = true}, "no kernel command line was measured");
}

/* ---- Other rules ---- */

static void loaders_may_be_approved_by_who_signed_them(void **s)
{
	(void)s;
	approved(with("loaders", json_string("signed")), &(struct bootmaker){.loader = "a new kernel"});
	denied(with("loaders", json_string("signed")), &(struct bootmaker){.loader = "evil", .authority = "attacker"},
	        "the loader's signature is by authority ");
}

static void an_authority_must_be_in_db_when_no_list_names_it(void **s)
{
	json_t *body = learnt();

	(void)s;
	json_object_del(body, "authority");
	approved(json_incref(body), &usual);
	denied(body, &(struct bootmaker){.authority = "attacker"}, "the loader's signature is by authority ");
}

static void firmware_is_approved_by_version_and_code(void **s)
{
	json_t *body = learnt();

	(void)s;
	json_array_append_new(json_object_get(body, "by_meaning"), json_integer(0));
	json_object_del(json_object_get(body, "pcrs"), "0");
	json_object_set_new(body, "firmware", hex_list("code"));
	json_object_set_new(body, "firmware_versions", json_pack("[s,s]", "0.9", "1.0"));
	approved(json_incref(body), &usual);
	denied(json_incref(body), &(struct bootmaker){.version = "0.1"},
	        "PCR 0: event 1 (EV_S_CRTM_VERSION): firmware version \"0.1\" is none of those");
	json_object_set_new(body, "firmware", hex_list("other code"));
	denied(body, &usual, "the firmware has code with digest ");
}

static void boot_variables_may_be_any_where_the_set_says_so(void **s)
{
	json_t *body = learnt();

	(void)s;
	json_array_append_new(json_object_get(body, "by_meaning"), json_integer(1));
	json_object_del(json_object_get(body, "pcrs"), "1");
	json_object_set_new(body, "boot_variables", json_string("any"));
	approved(body, &usual);
}

static void what_is_forbidden_is_denied_whatever_else_holds(void **s)
{
	char hex[65];
	uint8_t digest[32];

	(void)s;
	sha256(digest, bootmaker_text("shim"));
	hex_put(hex, digest, 32);
	denied(with("forbidden", json_pack("[{s:i,s:s}]", "pcr", 4, "digest", hex)), &usual,
	        "the reference forbids this event");
	approved(with("forbidden", json_pack("[{s:i,s:s}]", "pcr", 2, "digest", hex)), &usual);
	denied(with("forbidden", json_pack("[{s:i,s:I}]", "pcr", 2, "type", (json_int_t)EV_EFI_BOOT_SERVICES_DRIVER)),
	        &usual, "PCR 2: event 8");
}

static void a_set_is_valid_in_its_time_only(void **s)
{
	(void)s;
	approved(with("valid_from", json_integer(1000)), &usual);
	approved(with("valid_until", json_integer(1000)), &usual);
	assert_refused(against(with("valid_from", json_integer(1001)), &usual), &err, WHY_STALE);
	assert_non_null(strstr(err.text, "valid in 1 s"));
	assert_refused(against(with("valid_until", json_integer(998)), &usual), &err, WHY_STALE);
	assert_non_null(strstr(err.text, "not been valid for 2 s"));
}

/* ---- What is not believed ---- */

/* Whoever tells the events cannot invent one: extended again, they must give what the TPM signed. */
static void events_that_do_not_give_the_quoted_value_explain_nothing(void **s)
{
	AUTO(json_free) json_t *body = learnt();
	AUTO(reference_free) struct reference *r = bootmaker_import(body);

	(void)s;
	bootmaker_boot(&x, &(struct bootmaker){.loader = "evil"});
	for (size_t i = 0; i < x.n; i++)
		if (x.ev[i].pcr == 4 && x.ev[i].type == EV_EFI_BOOT_SERVICES_APPLICATION)
			sha256(x.ev[i].digest, bootmaker_text("shim"));
	story_tell(&x.story, x.ev, x.n, &x.boot.pcrs);
	assert_false(x.story.explained & 1u << 4);
	assert_true(x.story.explained & 1u << 7);
	assert_refused(reference_match(r, &x.state, &err), &err, WHY_UNTRUSTED);
	assert_non_null(strstr(err.text, "PCR 4: we have no events that give the quoted value"));
	x.state.story = NULL;
	assert_refused(reference_match(r, &x.state, &err), &err, WHY_UNTRUSTED);
}

/* Nor lend an event another payload. */
static void attack_A52_keys_that_were_not_measured_are_not_read(void **s)
{
	AUTO(json_free) json_t *body = learnt();
	AUTO(reference_free) struct reference *r = bootmaker_import(body);
	static uint8_t good[1024];
	struct view lie = {NULL, 0};

	(void)s;
	bootmaker_boot(&x, &usual);
	for (size_t i = 0; i < x.n; i++)
		if (x.ev[i].number == 6) {
			memcpy(good, x.ev[i].data.p, x.ev[i].data.n);
			lie = VIEW(good, x.ev[i].data.n);
		}
	bootmaker_boot(&x, &(struct bootmaker){.db = "attack"});
	for (size_t i = 0; i < x.n; i++)
		if (x.ev[i].number == 6)
			x.ev[i].data = lie;
	story_tell(&x.story, x.ev, x.n, &x.boot.pcrs);
	assert_refused(reference_match(r, &x.state, &err), &err, WHY_UNTRUSTED);
	assert_non_null(strstr(
	        err.text, "PCR 7: event 6 (EV_EFI_VARIABLE_DRIVER_CONFIG): its payload is not what was measured"));
}

/* The type is not covered by the digest: a loader that measures text into register 7 makes no authority of it. */
static void unsigned_authority(struct wr *w)
{
	logmaker_event(w, 7, EV_EFI_VARIABLE_AUTHORITY, bootmaker_text("vendor"));
}

static void late_keys(struct wr *w)
{
	bootmaker_keys(w, UEFI_SECURITY, "db", bootmaker_x509, bootmaker_text("vendor"));
}

static void relabelled_loader(struct wr *w)
{
	bootmaker_hashed(w, 4, EV_EFI_ACTION, bootmaker_text("evil"),
	        bootmaker_text("Calling EFI Application from Boot Option"));
}

static void attack_A55_an_event_under_another_type(void **s)
{
	(void)s;
	denied(learnt(), &(struct bootmaker){.more = unsigned_authority}, "a variable that no rule reads");
	denied(learnt(), &(struct bootmaker){.more = late_keys}, "said twice, or too late");
	denied(learnt(), &(struct bootmaker){.more = relabelled_loader}, "this is no action that a boot is made of");
}

static void repeated_section(struct wr *w)
{
	bootmaker_section(w, ".linux", "kernel");
}

static void broken_keys(struct wr *w)
{
	uint8_t buf[256];
	struct wr v = wr_to(buf, sizeof buf);

	logmaker_event(w, 7, EV_EFI_VARIABLE_AUTHORITY,
	        logmaker_variable(
	                &v, UEFI_SECURITY, "dbx", bootmaker_text("no signature list, but 28 bytes and more")));
}

static void what_is_measured_twice_or_has_no_form_is_denied(void **s)
{
	(void)s;
	denied(learnt(), &(struct bootmaker){.more = repeated_section},
	        "a section of the kernel image is measured twice");
	denied(learnt(), &(struct bootmaker){.more = broken_keys}, "a variable that no rule reads");
}

static void kexec(struct wr *w)
{
	logmaker_event(w, 9, EV_IPL, bootmaker_text("unknown file"));
}

static void attack_A63_every_event_must_be_explained(void **s)
{
	(void)s;
	denied(learnt(), &(struct bootmaker){.more = kexec}, "PCR 9: event 26 (EV_IPL)");
}

/* A69: with root file system and command line in the image's sections, register 11 decides; nothing about it is optional. */
static void attack_A69_an_image_without_its_sections(void **s)
{
	json_t *body = learnt();

	(void)s;
	json_object_set_new(json_object_get(body, "uki"), ".initrd", hex_list("initrd"));
	denied(body, &usual, "PCR 11: the kernel image's section .initrd was not measured");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_boot_is_approved_by_what_was_learnt_from_it),
	        cmocka_unit_test(each_part_that_differs_is_named),
	        cmocka_unit_test(a_database_with_fewer_keys_is_approved),
	        cmocka_unit_test(attack_A66_dbx_rollback),
	        cmocka_unit_test(attack_A66_sbat_below_minimum),
	        cmocka_unit_test(attack_A67_firmware_in_debug_mode),
	        cmocka_unit_test(a_command_line_that_differs_is_shown_where),
	        cmocka_unit_test(a_pattern_lets_one_word_vary_and_no_second_one_in),
	        cmocka_unit_test(load_options_are_known_by_the_digest_of_an_approved_text),
	        cmocka_unit_test(a_boot_that_measures_no_command_line_is_denied_where_one_is_ruled),
	        cmocka_unit_test(loaders_may_be_approved_by_who_signed_them),
	        cmocka_unit_test(an_authority_must_be_in_db_when_no_list_names_it),
	        cmocka_unit_test(firmware_is_approved_by_version_and_code),
	        cmocka_unit_test(boot_variables_may_be_any_where_the_set_says_so),
	        cmocka_unit_test(what_is_forbidden_is_denied_whatever_else_holds),
	        cmocka_unit_test(a_set_is_valid_in_its_time_only),
	        cmocka_unit_test(events_that_do_not_give_the_quoted_value_explain_nothing),
	        cmocka_unit_test(attack_A52_keys_that_were_not_measured_are_not_read),
	        cmocka_unit_test(attack_A55_an_event_under_another_type),
	        cmocka_unit_test(what_is_measured_twice_or_has_no_form_is_denied),
	        cmocka_unit_test(attack_A63_every_event_must_be_explained),
	        cmocka_unit_test(attack_A69_an_image_without_its_sections),
	};
	return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
