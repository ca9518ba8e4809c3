/* Tests of rollout: an approved update on its way through a fleet of two. */
#include "tests/unit/unit.h"

#include "tests/unit/policymaker.h"
#include "tests/unit/releasemaker.h"

static struct rig *r;
static struct box canary, other, later; /* later: what a machine with the new image has measured */
static struct es256 *update_key;

static int before(void **s)
{
	struct err e;

	(void)s;
	r = rig_open();
	update_key = es256_generate(&e);
	box_make(&canary, "canary");
	box_make(&other, "other");
	box_make(&later, "later");
	box_tamper(&later);
	rig_domain(r, &canary);
	rig_join(r, &canary);
	rig_join(r, &other);
	return update_key ? 0 : -1;
}

static int after(void **s)
{
	(void)s;
	box_drop(&canary);
	box_drop(&other);
	box_drop(&later);
	es256_free(update_key);
	rig_close(r);
	return 0;
}

/* ---- the officer ---- */

static struct releasemaker release_of(uint32_t version)
{
	struct releasemaker m = releasemaker_of(version);

	m.pcrs = &later.pcrs;
	return m;
}

static const char *body_of(const struct releasemaker *m, const char *waves)
{
	static char body[2 * MANIFEST_MAX];
	char manifest[MANIFEST_MAX];
	struct view v = releasemaker_sign(m, update_key, TYP_UPDATE, manifest, sizeof manifest);

	snprintf(body, sizeof body, "{\"manifest\":\"%.*s\"%s%s}", (int)v.n, (const char *)v.p,
	        waves ? ",\"waves\":" : "", waves ? waves : "");
	return body;
}

static void approve(uint32_t document, uint32_t version, const char *waves)
{
	struct releasemaker m = release_of(version);

	rig_accept(r, DOC_UPDATE, "cloud", document, body_of(&m, waves));
}

/* Both images are approved from now on. */
static void approve_state(void)
{
	struct wr w = wr_to(r->reference, sizeof r->reference);

	assert_accepted(reference_learn(VIEW(later.log, later.nlog), &w, &r->e), &r->e);
	wr_u8(&w, 0);
	rig_accept(r, DOC_REFERENCE, "edge-2", 1, (const char *)r->reference);
	rig_accept(r, DOC_DOMAIN, "inner", 2,
	        "{\"fence\":\"berlin\",\"references\":[\"edge\",\"edge-2\"],\"lease_s\":60,\"location_level\":1}");
}

/* ---- the machines ---- */

static json_t *asks_for(const char *machine, const char *question)
{
	struct facts f = facts_of_text(ASK_QUERY, ROLE_CLOUDLET, VIEW(question, strlen(question)));

	snprintf(f.peer, sizeof f.peer, "%s", machine);
	rig_case(r, &f);
	if (r->v.kind != VERDICT_SIGNED)
		return NULL;
	return json_read(r->v.body, LISTING_MAX, &r->e);
}

static void assert_answer(const char *machine, const char *state)
{
	AUTO(json_free) json_t *j = asks_for(machine, "update/cloud");

	assert_non_null(j);
	assert_string_equal(json_text(j, "state"), state);
	assert_true((*json_text(j, "manifest") != 0) == (strcmp(state, "offered") == 0));
}

static void starts_with(struct box *b, const struct box *image)
{
	memcpy(b->log, image->log, sizeof b->log);
	b->nlog = image->nlog;
	box_boot(b);
	b->clock.reset_count++;
	b->sends_log = true;
	rig_attest(r, b);
	assert_verdict(r, VERDICT_RESULT);
}

static void nothing_is_offered_that_nobody_approved(void **s)
{
	(void)s;
	assert_answer("canary", "none");
	approve(1, 2, NULL);
	assert_answer("nobody", "none");
	AUTO(json_free) json_t *j = asks_for("canary", "update/generic");
	assert_string_equal(json_text(j, "state"), "none");
}

static void all_are_offered_it_when_there_are_no_waves(void **s)
{
	(void)s;
	approve(1, 2, NULL);
	assert_answer("canary", "offered");
	assert_answer("other", "offered");
	assert_answer("canary", "offered"); /* the answer may be lost */
}

static void the_rest_waits_for_the_first_wave(void **s)
{
	(void)s;
	approve(1, 2, "[[\"canary\"]]");
	approve_state();
	assert_answer("other", "waiting");
	assert_answer("canary", "offered");
	rig_attest(r, &canary);
	assert_answer("other", "waiting"); /* it has not been started */
	starts_with(&canary, &later);
	assert_answer("canary", "current");
	assert_answer("other", "offered");
}

static void a_machine_that_is_refused_with_it_halts_it(void **s)
{
	(void)s;
	approve(1, 2, "[[\"canary\"]]");
	assert_answer("canary", "offered");
	starts_with(&canary, &later); /* no reference set has it */
	assert_answer("canary", "halted");
	assert_answer("other", "halted");
	canary.clock.reset_count++;
	starts_with(&canary, &other); /* back on the old image, and well */
	assert_answer("other", "halted");
	approve(2, 3, "[[\"canary\"]]"); /* mended */
	assert_answer("canary", "offered");
}

static void a_machine_that_went_back_halts_it(void **s)
{
	(void)s;
	approve(1, 2, NULL);
	assert_answer("canary", "offered");
	canary.clock.reset_count += TRIAL_STARTS - 1;
	starts_with(&canary, &other);
	assert_answer("other", "offered"); /* started often enough for a trial, not for its end */
	starts_with(&canary, &other);
	assert_answer("other", "halted");
}

static void a_machine_that_was_not_offered_it_halts_nothing(void **s)
{
	(void)s;
	approve(1, 2, "[[\"canary\"]]");
	starts_with(&other, &later);
	assert_answer("canary", "offered");
}

static void a_revoked_machine_is_not_waited_for_and_gets_nothing(void **s)
{
	(void)s;
	approve(1, 2, "[[\"canary\"]]");
	rig_accept(r, DOC_CLOUDLET, "canary", 2, "{\"state\":\"revoked\"}");
	assert_answer("canary", "none");
	assert_answer("other", "offered");
}

static void a_downgrade_is_not_approved(void **s)
{
	struct releasemaker m = release_of(2);

	(void)s;
	approve(1, 3, NULL);
	rig_put(r, DOC_UPDATE, "cloud", 2, body_of(&m, NULL));
	assert_denied(r, WHY_STALE, "version 3 of cloud was approved already");
	approve(2, 3, "[[\"canary\"]]"); /* the same again, in other waves */
	assert_answer("other", "waiting");
}

static void refused_here(const char *name, const char *body, const char *says)
{
	struct wr w = wr_to(r->text, sizeof r->text);
	struct err e;

	assert_refused(document_sign(&w, r->officer, DOC_UPDATE, name, 1, NOW, VIEW(body, strlen(body)), &e), &e,
	        WHY_MALFORMED);
	if (!strstr(e.text, says))
		fail_msg("%s", e.text);
}

static void an_approval_that_says_something_else_is_refused_before_it_is_signed(void **s)
{
	struct releasemaker good = release_of(2), product = good;

	(void)s;
	product.product = "milestone";
	refused_here("cloud", body_of(&product, NULL), "product milestone");
	refused_here("generic", body_of(&good, NULL), "variant cloud");
	refused_here("cloud", "{\"manifest\":\"a.b.c\"}", "update manifest");
	refused_here("cloud", "{}", "manifest");
	refused_here("cloud", body_of(&good, "[]"), "waves");
	refused_here("cloud", body_of(&good, "[[]]"), "wave 1");
	refused_here("cloud", body_of(&good, "[[\"a\"],[\"b\",\"a\"]]"), "a stands there twice");
	refused_here("cloud", body_of(&good, "[[\"a b\"]]"), "name of a machine");
	refused_here("cloud", body_of(&good, "[\"a\"]"), "wave 1");
	refused_here("cloud", body_of(&good, "null"), "waves");
	refused_here("cloud", body_of(&good, "[[\"a\"]],\"more\":1"), "more");
}

static void a_machine_asks_for_updates_and_nothing_else(void **s)
{
	(void)s;
	assert_null(asks_for("canary", "list/cloudlets"));
	assert_denied(r, WHY_REFUSED, "machines ask for updates");
	assert_null(asks_for("canary", "update/"));
	assert_null(asks_for("canary", "update/cloud/other"));
	assert_denied(r, WHY_MALFORMED, "variant");
	rig_ask(r, "update/cloud");
	assert_denied(r, WHY_REFUSED, "only people");
}

static void people_see_how_far_it_is(void **s)
{
	const json_t *item;

	(void)s;
	approve(1, 2, "[[\"canary\"]]");
	approve_state();
	assert_answer("canary", "offered");
	starts_with(&canary, &later);
	rig_ask(r, "list/updates");
	AUTO(json_free) json_t *updates = rig_claims(r);
	item = json_array_get(json_object_get(updates, "items"), 0);
	assert_string_equal(json_text(item, "name"), "cloud");
	assert_int_equal(json_integer_value(json_object_get(item, "update")), 2);
	assert_int_equal(json_integer_value(json_object_get(item, "waves")), 2);
	assert_int_equal(json_integer_value(json_object_get(item, "open")), 2);
	assert_true(json_is_false(json_object_get(item, "halted")));
	rig_ask(r, "list/rollouts");
	AUTO(json_free) json_t *rollouts = rig_claims(r);
	item = json_array_get(json_object_get(rollouts, "items"), 0);
	assert_string_equal(json_text(item, "name"), "canary");
	assert_string_equal(json_text(item, "state"), "done");
	assert_int_equal(json_integer_value(json_object_get(item, "runs")), 2);
	assert_int_equal(json_integer_value(json_object_get(item, "wave")), 1);
	item = json_array_get(json_object_get(rollouts, "items"), 1);
	assert_string_equal(json_text(item, "state"), "waiting");
}

static void an_approval_is_there_after_a_restart(void **s)
{
	(void)s;
	approve(1, 2, "[[\"canary\"]]");
	assert_answer("canary", "offered");
	rig_stop(r);
	rig_start(r);
	assert_answer("canary", "offered");
	assert_answer("other", "waiting");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, before, after)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(nothing_is_offered_that_nobody_approved),
	        TEST(all_are_offered_it_when_there_are_no_waves),
	        TEST(the_rest_waits_for_the_first_wave),
	        TEST(a_machine_that_is_refused_with_it_halts_it),
	        TEST(a_machine_that_went_back_halts_it),
	        TEST(a_machine_that_was_not_offered_it_halts_nothing),
	        TEST(a_revoked_machine_is_not_waited_for_and_gets_nothing),
	        TEST(a_downgrade_is_not_approved),
	        TEST(an_approval_that_says_something_else_is_refused_before_it_is_signed),
	        TEST(a_machine_asks_for_updates_and_nothing_else),
	        TEST(people_see_how_far_it_is),
	        TEST(an_approval_is_there_after_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
