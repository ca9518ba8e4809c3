/* Boots that are approved by what they mean, in the decider: with the log, without it, and told by a judge that lies. */
#include "tests/unit/bootmaker.h"
#include "tests/unit/onebox.h"

static const struct bootmaker usual;

static void boots(const struct bootmaker *b)
{
	static uint8_t log[16384];
	struct view v = bootmaker_log(log, sizeof log, b);

	assert_true(v.n <= sizeof box.log);
	memcpy(box.log, v.p, v.n);
	box.nlog = v.n;
	box_boot(&box);
}

static void put(const char *name, uint32_t version, json_t *body)
{
	AUTO(json_free) json_t *mine = body;
	AUTO(mem_free) char *text = json_dumps(mine, JSON_COMPACT);

	rig_accept(r, DOC_REFERENCE, name, version, text);
}

static int before(void **s)
{
	onebox_new(s);
	boots(&usual);
	rig_accept(r, DOC_FENCE, "berlin", 1, BERLIN_FENCE);
	put("old", 1, bootmaker_learn(&usual));
	rig_accept(r, DOC_DOMAIN, "inner", 1,
	        "{\"fence\":\"berlin\",\"references\":[\"old\",\"new\"],\"lease_s\":60,\"location_level\":1}");
	rig_accept(r, DOC_DATASET, "maps", 1, "{\"domain\":\"inner\",\"epoch\":1}");
	rig_join(r, &box);
	return 0;
}

static void denied(const char *reason, const char *sentence)
{
	assert_verdict(r, VERDICT_RESULT);
	AUTO(json_free) json_t *claims = rig_claims(r);
	const json_t *d = decision_of(claims, "inner");

	assert_false(json_is_true(json_object_get(d, "allow")));
	assert_string_equal(json_text(d, "reason"), reason);
	if (!strstr(json_text(d, "sentence"), sentence))
		fail_msg("\"%s\" does not say \"%s\"", json_text(d, "sentence"), sentence);
	assert_int_equal(r->v.ngrants, 0);
}

static void a_machine_is_approved_with_its_log_and_renewed_without_it(void **s)
{
	(void)s;
	assert_allows(r, true);
	box.sends_log = false;
	rig_attest(r, &box);
	assert_allows(r, true);
}

static void rebooted(const struct bootmaker *b)
{
	boots(b);
	box.clock.reset_count++;
	box.sends_log = true;
	rig_attest(r, &box);
}

static void another_loader_is_denied_by_name(void **s)
{
	(void)s;
	rebooted(&(struct bootmaker){.loader = "evil"});
	denied("untrusted",
	        "reference old: PCR 4: event 19 (EV_EFI_BOOT_SERVICES_APPLICATION): a boot loader has digest");
}

static void another_disk_is_no_other_machine(void **s)
{
	AUTO(json_free) json_t *body = bootmaker_learn(&usual);

	(void)s;
	json_array_append_new(json_object_get(body, "by_meaning"), json_integer(1));
	json_object_del(json_object_get(body, "pcrs"), "1");
	json_object_set_new(body, "boot_variables", json_string("any"));
	put("old", 2, json_incref(body));
	rebooted(&usual);
	assert_allows(r, true);
}

static void both_images_of_an_update_are_approved_at_once(void **s)
{
	const struct bootmaker next = {.loader = "next kernel", .line = "quiet root=b"};

	(void)s;
	rebooted(&next);
	denied("untrusted", "reference old: ");
	put("new", 1, bootmaker_learn(&next));
	rebooted(&next);
	assert_allows(r, true);
	rebooted(&usual);
	assert_allows(r, true);
}

static void an_old_set_ends_in_time(void **s)
{
	json_t *body = bootmaker_learn(&usual);

	(void)s;
	json_object_set_new(body, "valid_until", json_integer(NOW + 10));
	put("old", 2, body);
	rig_attest(r, &box);
	assert_allows(r, true);
	assert_int_equal(r->v.grants[0].deadline_ms, box.clock.clock_ms + 11 * CLOCK_SLOWEST_PM);
	r->d->now = NOW + 11;
	rig_attest(r, &box);
	denied("stale", "reference old: the reference set has not been valid for 1 s");
}

/* Approving by meaning needs the events: when nobody kept them, the machine is asked for them. */
static void attack_A62_a_log_that_is_not_kept_is_asked_for(void **s)
{
	(void)s;
	assert_int_equal(sqlite3_exec(r->d->store.db, "DELETE FROM bootlog", NULL, NULL, NULL), SQLITE_OK);
	box.sends_log = false;
	rig_attest(r, &box);
	assert_denied(r, WHY_STALE, "send the event log of this boot: its events are not kept here");
	assert_true(r->v.has_nonce);
	box.sends_log = true;
	rig_attest(r, &box);
	assert_allows(r, true);
}

/* ---- A judge that was taken over ---- */

static void lied(void (*lie)(struct facts_attest *a))
{
	static struct facts f;

	boots(&(struct bootmaker){.loader = "evil", .db = "attack", .authority = "attack"});
	box.clock.reset_count++;
	box.sends_log = true;
	box_evidence(&box, &f, ASK_ATTEST);
	lie(&f.attest);
	rig_case(r, &f);
}

static struct measured *event_of(struct facts_attest *a, uint32_t number)
{
	for (uint32_t i = 0; i < a->nmeasured; i++)
		if (a->measured[i].number == number)
			return &a->measured[i];
	return NULL;
}

static void another_digest(struct facts_attest *a)
{
	sha256(event_of(a, 19)->digest, VIEW("shim", 4));
}

static void another_payload(struct facts_attest *a)
{
	static struct bootmaker_booted honest;

	bootmaker_boot(&honest, &usual);
	for (uint32_t i = 0; i < a->nmeasured; i++)
		a->measured[i].data = honest.ev[i].data;
}

static void no_events(struct facts_attest *a)
{
	a->nmeasured = 0;
}

static void the_events_of_another_boot(struct facts_attest *a)
{
	static struct bootmaker_booted honest;

	bootmaker_boot(&honest, &usual);
	memcpy(a->measured, honest.ev, honest.n * sizeof honest.ev[0]);
	a->nmeasured = (uint32_t)honest.n;
}

static void secure_boot_that_is_off(struct facts_attest *a)
{
	a->boot.secure_boot = SECURE_BOOT_OFF;
}

static void attack_A27_a_lying_judge_cannot_invent_events(void **s)
{
	(void)s;
	lied(another_digest);
	denied("untrusted", "PCR 4: we have no events that give the quoted value");
}

static void attack_A27_a_lying_judge_cannot_tell_another_boot(void **s)
{
	(void)s;
	lied(the_events_of_another_boot);
	denied("untrusted", "we have no events that give the quoted value");
}

static void attack_A27_a_lying_judge_cannot_leave_events_out(void **s)
{
	(void)s;
	lied(no_events);
	denied("untrusted", "we have no events that give the quoted value");
}

static void attack_A52_a_lying_judge_cannot_lend_a_payload(void **s)
{
	(void)s;
	lied(another_payload);
	denied("untrusted", "PCR 7: event 6 (EV_EFI_VARIABLE_DRIVER_CONFIG): its payload is not what was measured");
}

static void a_judge_that_denies_secure_boot_only_denies(void **s)
{
	(void)s;
	lied(secure_boot_that_is_off);
	denied("untrusted", "Secure Boot is off");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, before, onebox_drop)
	const struct CMUnitTest tests[] = {
	        T(a_machine_is_approved_with_its_log_and_renewed_without_it),
	        T(another_loader_is_denied_by_name),
	        T(another_disk_is_no_other_machine),
	        T(both_images_of_an_update_are_approved_at_once),
	        T(an_old_set_ends_in_time),
	        T(attack_A62_a_log_that_is_not_kept_is_asked_for),
	        T(attack_A27_a_lying_judge_cannot_invent_events),
	        T(attack_A27_a_lying_judge_cannot_tell_another_boot),
	        T(attack_A27_a_lying_judge_cannot_leave_events_out),
	        T(attack_A52_a_lying_judge_cannot_lend_a_payload),
	        T(a_judge_that_denies_secure_boot_only_denies),
	};
	return cmocka_run_group_tests_name("bymeaning", tests, NULL, NULL);
}
