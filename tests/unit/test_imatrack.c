/* Runtime lists from evidence to decision: every attack goes through the real judge and the real decider. */
#include <time.h>

#include "tests/unit/imabox.h"

static const char *const names[] = {"/bin/a", "/bin/b", "/bin/c", NULL};

struct bench {
	struct rig *r;
	struct imabox *x;
};

static int set_up(void **s)
{
	struct bench *b = calloc(1, sizeof *b);

	b->r = rig_open();
	b->x = imabox_join(b->r, names, 1 << 20);
	*s = b;
	return 0;
}

static int tear_down(void **s)
{
	struct bench *b = *s;

	imabox_close(b->x);
	rig_close(b->r);
	free(b);
	return 0;
}

static void what_ran_and_is_approved_gets_a_lease_and_the_best_claim(void **s)
{
	struct bench *b = *s;

	imabox_ran(b->x, "/bin/a");
	imabox_extend(b->x);
	assert_true(imabox_attest(b->r, b->x));
	assert_says(b->r, "");
	assert_allows(b->r, true);
	assert_int_equal(b->x->entries, 2);
	AUTO(json_free) json_t *claims = rig_claims(b->r);
	const json_t *inner = json_object_get(json_object_get(claims, "submods"), "inner");
	const json_t *vector = json_object_get(inner, "ear_trustworthiness_vector");
	assert_int_equal(json_integer_value(json_object_get(vector, "executables")), 2);
	const json_t *ids = json_object_get(inner, "ear_appraisal_policy_ids");
	assert_string_equal(json_string_value(json_array_get(ids, json_array_size(ids) - 1)), "runtime:files@1");
}

static void a_renewal_sends_only_what_is_new(void **s)
{
	struct bench *b = *s;

	imabox_ran(b->x, "/bin/a");
	imabox_extend(b->x);
	assert_true(imabox_attest(b->r, b->x));
	size_t before = b->x->at;
	imabox_ran(b->x, "/bin/b");
	imabox_extend(b->x);
	b->x->b.sends_log = false;
	assert_true(imabox_attest(b->r, b->x));
	assert_allows(b->r, true);
	assert_int_equal(b->x->entries, 3);
	assert_true(b->x->f.attest.ima.n == b->x->nlist - before);
	assert_true(imabox_attest(b->r, b->x)); /* nothing new */
	assert_allows(b->r, true);
	assert_int_equal(b->x->f.attest.ima.n, 0);
}

static void a_lease_is_for_the_boot_registers_alone(void **s)
{
	struct bench *b = *s;
	uint8_t before[SHA_LEN], expected[SHA_LEN];

	imabox_extend(b->x);
	assert_true(imabox_attest(b->r, b->x));
	memcpy(before, b->r->v.pcr_digest, SHA_LEN);
	imabox_ran(b->x, "/bin/a");
	imabox_extend(b->x);
	assert_true(imabox_attest(b->r, b->x));
	assert_memory_equal(before, b->r->v.pcr_digest, SHA_LEN);
	quote_pcr_digest(expected, &b->x->pcrs, PCR_MASK);
	assert_memory_equal(before, expected, SHA_LEN);
}

static void entries_behind_the_quoted_register_wait_for_the_next_quote(void **s)
{
	struct bench *b = *s;

	imabox_ran(b->x, "/bin/a");
	imabox_extend(b->x);
	imabox_ran(b->x, "/bin/evil"); /* after the quote */
	assert_true(imabox_attest(b->r, b->x));
	assert_allows(b->r, true);
	assert_int_equal(b->x->entries, 2);
	imabox_extend(b->x);
	assert_true(imabox_attest(b->r, b->x));
	assert_says(b->r, "entry 3 (/bin/evil): no runtime set knows it");
}

static void a_domain_that_demands_a_list_denies_a_machine_without_one(void **s)
{
	struct bench *b = *s;

	rig_attest(b->r, &b->x->b);
	assert_says(b->r, "north sends no list of what it ran, and domain inner demands one");
	assert_int_equal(b->r->v.ngrants, 0);
}

static void a_kernel_that_measures_nothing_is_denied(void **s)
{
	struct bench *b = *s;

	b->x->nlist = 0;
	assert_true(imabox_attest(b->r, b->x));
	assert_says(b->r, "the runtime list is empty");
	assert_int_equal(b->r->v.ngrants, 0);
}

static void a_domain_that_asks_nothing_of_what_runs_is_not_touched_by_it(void **s)
{
	struct bench *b = *s;

	rig_accept(b->r, DOC_DOMAIN, "inner", 3,
	        "{\"fence\":\"berlin\",\"references\":[\"edge\"],\"lease_s\":60,\"location_level\":1}");
	imabox_ran(b->x, "/bin/evil");
	imabox_extend(b->x);
	assert_true(imabox_attest(b->r, b->x));
	assert_allows(b->r, true);
}

static void a_set_that_nobody_has_published_approves_nothing(void **s)
{
	struct bench *b = *s;

	rig_accept(b->r, DOC_DOMAIN, "inner", 3,
	        "{\"fence\":\"berlin\",\"references\":[\"edge\"],\"lease_s\":60,\"location_level\":1,\"runtimes\":["
	        "\"none\"]}");
	imabox_ran(b->x, "/bin/a");
	imabox_extend(b->x);
	assert_true(imabox_attest(b->r, b->x));
	assert_says(b->r, "entry 2 (/bin/a): no runtime set knows it");
}

static void attack_A71_an_altered_list_is_forged_and_nothing_of_it_is_kept(void **s)
{
	struct bench *b = *s;
	uint8_t good[4096];

	imabox_ran(b->x, "/bin/a");
	imabox_ran(b->x, "/bin/b");
	imabox_extend(b->x);
	size_t n = b->x->nlist;
	memcpy(good, b->x->list, n);
	for (size_t at = n - 59; at < n; at++) { /* in the last entry's data: digest, name, lengths */
		b->x->list[at] ^= 1;
		(void)imabox_attest(b->r, b->x);
		if (b->r->v.kind == VERDICT_RESULT) { /* a length that reaches behind the end: more must follow */
			assert_says(b->r, "and goes on");
			assert_int_equal(b->r->v.ngrants, 0);
		} else {
			assert_true(b->r->v.refusal.why == WHY_FORGED || b->r->v.refusal.why == WHY_MALFORMED);
		}
		b->x->entries = b->x->at = 0;
		b->x->list[at] ^= 1;
	}
	assert_true(imabox_attest(b->r, b->x));
	assert_allows(b->r, true);
}

static void attack_A71_a_removed_or_moved_entry_is_forged(void **s)
{
	struct bench *b = *s;
	size_t one = b->x->nlist;

	imabox_ran(b->x, "/bin/a");
	size_t two = b->x->nlist;
	imabox_ran(b->x, "/bin/b");
	imabox_extend(b->x);
	b->x->nlist = two; /* the last is left out */
	assert_false(imabox_attest(b->r, b->x));
	assert_denied(b->r, WHY_FORGED, "PCR 10: the runtime list of 2 entries gives");
	b->x->nlist = one;
	imabox_ran(b->x, "/bin/b");
	imabox_ran(b->x, "/bin/a");
	assert_false(imabox_attest(b->r, b->x));
	assert_denied(b->r, WHY_FORGED, "PCR 10: the runtime list of 3 entries gives");
}

static void attack_A72_a_violation_is_denied_and_cannot_be_hidden(void **s)
{
	struct bench *b = *s;
	size_t before = b->x->nlist;
	struct wr w = imabox_list(b->x);

	imamaker_violation(&w, "/bin/a");
	b->x->nlist = w.n;
	imabox_extend(b->x);
	assert_true(imabox_attest(b->r, b->x));
	assert_says(b->r, "entry 2 (/bin/a): a violation");
	assert_int_equal(b->r->v.ngrants, 0);
	/* left out */
	b->x->entries = b->x->at = 0;
	b->x->nlist = before;
	assert_false(imabox_attest(b->r, b->x));
	assert_denied(b->r, WHY_FORGED, "PCR 10");
	/* dressed up with a hash */
	b->x->nlist = w.n;
	memset(b->x->list + before + 4, 1, IMA_SHA1);
	assert_false(imabox_attest(b->r, b->x));
	assert_denied(b->r, WHY_FORGED, "PCR 10");
	/* an honest entry dressed as a violation */
	imabox_reboot(b->x);
	imabox_ran(b->x, "/bin/a");
	imabox_extend(b->x);
	memset(b->x->list + before + 4, 0, IMA_SHA1);
	assert_false(imabox_attest(b->r, b->x));
	assert_denied(b->r, WHY_FORGED, "PCR 10");
}

static void attack_A73_a_document_with_a_pattern_for_everything_is_refused(void **s)
{
	struct bench *b = *s;
	char text[4096];
	struct wr w = wr_to(text, sizeof text);

	assert_refused(document_sign(&w, b->r->officer, DOC_RUNTIME, "files", 2, NOW,
	                       VIEW("{\"exclude\":[\"/**\"],\"files\":{}}", 30), &b->r->e),
	        &b->r->e, WHY_MALFORMED);
	imabox_ran(b->x, "/var/log/x");
	imabox_ran(b->x, "/opt/var/log/x"); /* anchored */
	imabox_extend(b->x);
	assert_true(imabox_attest(b->r, b->x));
	assert_says(b->r, "entry 3 (/opt/var/log/x)");
}

static void attack_A74_a_name_with_a_line_or_an_escape_in_it_is_shown_escaped(void **s)
{
	struct bench *b = *s;

	imabox_ran(b->x, "/tmp/a\nentry 9 (/bin/a): fine\x1b[2J");
	imabox_extend(b->x);
	assert_true(imabox_attest(b->r, b->x));
	assert_says(b->r, "entry 2 (/tmp/a\\x0aentry\\x209\\x20(/bin/a):\\x20fine\\x1b[2J): no runtime set");
}

static void attack_A74_a_name_past_its_limit_is_malformed(void **s)
{
	struct bench *b = *s;
	static char longer[IMA_NAME_MAX + 2];

	memset(longer, 'a', sizeof longer - 1);
	imabox_ran(b->x, longer);
	imabox_extend(b->x);
	assert_false(imabox_attest(b->r, b->x));
	assert_denied(b->r, WHY_MALFORMED, "runtime list: entry 2");
}

static void attack_A75_a_file_in_memory_is_denied(void **s)
{
	struct bench *b = *s;

	imabox_ran(b->x, "/memfd:payload (deleted)");
	imabox_extend(b->x);
	assert_true(imabox_attest(b->r, b->x));
	assert_says(b->r, "entry 2 (/memfd:payload\\x20(deleted))");
}

static void attack_A76_a_key_that_is_not_listed_is_denied(void **s)
{
	struct bench *b = *s;
	struct wr w = imabox_list(b->x);
	uint8_t digest[SHA_LEN];

	sha256(digest, VIEW("certificate", 11));
	imamaker_more(&w, "ima-buf", ".ima", digest, VIEW("certificate", 11));
	b->x->nlist = w.n;
	imabox_extend(b->x);
	assert_true(imabox_attest(b->r, b->x));
	assert_says(b->r, "entry 2 (.ima): no runtime set knows it");
}

static void attack_A78_a_list_of_another_boot_is_denied(void **s)
{
	struct bench *b = *s;
	struct pcrs other = b->x->pcrs;
	struct wr w = wr_to(b->x->list, b->x->cap);

	other.v[4][0] ^= 1;
	imamaker_aggregate(&w, &other);
	b->x->nlist = w.n;
	imabox_extend(b->x);
	assert_true(imabox_attest(b->r, b->x));
	assert_says(b->r, "entry 1 (boot_aggregate)");
	assert_says(b->r, "the list is of another boot");
	imabox_reboot(b->x);
	b->x->nlist = 0;
	imabox_ran(b->x, "/bin/a"); /* none at all */
	imabox_extend(b->x);
	assert_true(imabox_attest(b->r, b->x));
	assert_says(b->r, "does not begin with boot_aggregate");
}

static void attack_A79_a_million_entries_go_in_parts_through_bounded_memory(void **s)
{
	enum { MILLION = 1000 * 1000, PATHS = 97 };
	struct bench *b = *s;
	char name[64];
	size_t parts = 0;

	imabox_close(b->x);
	rig_close(b->r);
	b->r = rig_open();
	b->x = imabox_join(b->r, names, (size_t)MILLION * 128);
	for (uint32_t i = 1; i < MILLION; i++) {
		struct wr w = imabox_list(b->x);
		uint8_t digest[SHA_LEN] = {(uint8_t)i, (uint8_t)(i >> 8), (uint8_t)(i >> 16)};
		snprintf(name, sizeof name, "/var/log/%u", i % PATHS); /* excluded: each is asked of every rule */
		imamaker_ng(&w, name, digest);
		assert_true(wr_ok(&w));
		b->x->nlist = w.n;
	}
	imabox_extend(b->x);
	while (!imabox_attest(b->r, b->x)) {
		assert_says(b->r, "and goes on");
		assert_true(b->x->f.attest.ima.n <= IMA_PART_MAX);
		b->x->b.sends_log = false;
		parts++;
	}
	assert_true(parts > 100 && parts < 1000);
	assert_int_equal(b->x->entries, MILLION);
	assert_allows(b->r, true);
}

static void attack_A99_a_failure_stays_until_the_next_boot(void **s)
{
	struct bench *b = *s;

	imabox_ran(b->x, "/bin/evil");
	imabox_extend(b->x);
	assert_true(imabox_attest(b->r, b->x));
	assert_says(b->r, "entry 2 (/bin/evil)");
	for (int i = 0; i < 3; i++) { /* good things do not make it good, nor does a new beginning */
		imabox_ran(b->x, "/bin/a");
		imabox_extend(b->x);
		if (i == 2)
			b->x->entries = b->x->at = 0;
		assert_true(imabox_attest(b->r, b->x));
		assert_says(b->r, "entry 2 (/bin/evil)");
		assert_int_equal(b->r->v.ngrants, 0);
		if (i == 1) { /* nor does a restart of the authority */
			rig_stop(b->r);
			rig_start(b->r);
		}
	}
	imabox_reboot(b->x);
	imabox_extend(b->x);
	assert_true(imabox_attest(b->r, b->x));
	assert_allows(b->r, true);
}

static void attack_A100_a_changed_set_is_asked_about_everything_again(void **s)
{
	static const char *const fewer[] = {"/bin/b", NULL};
	struct bench *b = *s;
	char body[1024];

	imabox_ran(b->x, "/bin/a");
	imabox_extend(b->x);
	assert_true(imabox_attest(b->r, b->x));
	assert_allows(b->r, true);
	runtime_body(body, sizeof body, fewer, "");
	rig_accept(b->r, DOC_RUNTIME, "files", 2, body);
	assert_false(imabox_attest(b->r, b->x));
	assert_denied(b->r, WHY_STALE, "send the runtime list of this boot from its beginning");
	assert_true(b->r->v.has_nonce);
	b->x->entries = b->x->at = 0;
	assert_true(imabox_attest(b->r, b->x));
	assert_says(b->r, "entry 2 (/bin/a)");
}

static void a_place_in_the_list_that_is_not_known_is_stale(void **s)
{
	struct bench *b = *s;

	imabox_ran(b->x, "/bin/a");
	imabox_extend(b->x);
	b->x->entries = 1; /* nothing was sent yet */
	assert_false(imabox_attest(b->r, b->x));
	assert_denied(b->r, WHY_STALE, "nothing is known of it");
	b->x->entries = 0;
	assert_true(imabox_attest(b->r, b->x));
	b->x->entries--;
	assert_false(imabox_attest(b->r, b->x));
	assert_denied(b->r, WHY_STALE, "another number of its entries");
	b->x->entries++;
	b->x->b.clock.restart_count++;
	assert_false(imabox_attest(b->r, b->x));
	assert_denied(b->r, WHY_STALE, "the machine was started anew");
}

static void a_list_that_goes_on_forever_is_never_approved(void **s)
{
	struct bench *b = *s;
	struct evidence ev;
	uint8_t part[4096] = {1};

	imabox_ran(b->x, "/bin/a");
	memset(b->x->pcrs.v[IMA_PCR], 9, PCR_LEN);
	imabox_evidence(b->x, &ev);
	memcpy(part + 1, b->x->list, b->x->nlist);
	ev.part[PART_IMA] = VIEW(part, 1 + b->x->nlist);
	imabox_judge(b->x, &ev);
	rig_case(b->r, &b->x->f);
	assert_says(b->r, "is known up to entry 2, and goes on");
	assert_int_equal(b->r->v.ngrants, 0);
}

static void hostile_parts_are_malformed(void **s)
{
	struct bench *b = *s;
	struct evidence ev;
	static uint8_t part[IMA_PART_MAX + 64];

	imabox_extend(b->x);
	for (int i = 0; i < 4; i++) {
		static const size_t lengths[] = {1, 2, IMA_PART_MAX + 2, 100};
		imabox_evidence(b->x, &ev);
		memset(part, 0, sizeof part);
		part[0] = i == 3 ? 2 : 0;
		ev.part[PART_IMA] = VIEW(part, lengths[i]);
		imabox_judge(b->x, &ev);
		assert_int_equal(b->x->f.refusal.why, WHY_MALFORMED);
	}
}

/* The decider does not take the judge's word for the form, nor for the place. */
static void a_judge_that_lies_about_the_list_is_found_out(void **s)
{
	struct bench *b = *s;
	struct evidence ev;
	uint8_t other[4096];
	struct wr w = wr_to(other, sizeof other);

	imabox_ran(b->x, "/bin/evil");
	imabox_extend(b->x);
	imamaker_aggregate(&w, &b->x->pcrs);
	imamaker_file(&w, "/bin/a");
	imabox_evidence(b->x, &ev);
	imabox_judge(b->x, &ev);
	b->x->f.attest.ima = wr_done(&w);
	rig_case(b->r, &b->x->f);
	assert_denied(b->r, WHY_FORGED, "PCR 10");
	b->x->f.attest.ima = VIEW("nonsense", 8);
	rig_case(b->r, &b->x->f);
	assert_denied(b->r, WHY_MALFORMED, "runtime list");
	b->x->f.attest.ima_more = true; /* it goes on, for ever */
	b->x->f.attest.ima = wr_done(&w);
	rig_case(b->r, &b->x->f);
	assert_says(b->r, "goes on");
}

static void an_enrolment_forgets_the_list_of_the_one_before(void **s)
{
	struct bench *b = *s;

	imabox_ran(b->x, "/bin/evil");
	imabox_extend(b->x);
	assert_true(imabox_attest(b->r, b->x));
	assert_says(b->r, "entry 2");
	rig_enrol(b->r, &b->x->b);
	rig_evidence(b->r, &b->x->b, ASK_ACTIVATE);
	assert_says(b->r, "sends no list");
	b->x->entries = b->x->at = 0;
	assert_true(imabox_attest(b->r, b->x));
	assert_says(b->r, "entry 2");
}

#define test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        test(what_ran_and_is_approved_gets_a_lease_and_the_best_claim),
	        test(a_renewal_sends_only_what_is_new),
	        test(a_lease_is_for_the_boot_registers_alone),
	        test(entries_behind_the_quoted_register_wait_for_the_next_quote),
	        test(a_domain_that_demands_a_list_denies_a_machine_without_one),
	        test(a_kernel_that_measures_nothing_is_denied),
	        test(a_domain_that_asks_nothing_of_what_runs_is_not_touched_by_it),
	        test(a_set_that_nobody_has_published_approves_nothing),
	        test(attack_A71_an_altered_list_is_forged_and_nothing_of_it_is_kept),
	        test(attack_A71_a_removed_or_moved_entry_is_forged),
	        test(attack_A72_a_violation_is_denied_and_cannot_be_hidden),
	        test(attack_A73_a_document_with_a_pattern_for_everything_is_refused),
	        test(attack_A74_a_name_with_a_line_or_an_escape_in_it_is_shown_escaped),
	        test(attack_A74_a_name_past_its_limit_is_malformed),
	        test(attack_A75_a_file_in_memory_is_denied),
	        test(attack_A76_a_key_that_is_not_listed_is_denied),
	        test(attack_A78_a_list_of_another_boot_is_denied),
	        test(attack_A99_a_failure_stays_until_the_next_boot),
	        test(attack_A100_a_changed_set_is_asked_about_everything_again),
	        test(a_place_in_the_list_that_is_not_known_is_stale),
	        test(a_list_that_goes_on_forever_is_never_approved),
	        test(hostile_parts_are_malformed),
	        test(a_judge_that_lies_about_the_list_is_found_out),
	        test(an_enrolment_forgets_the_list_of_the_one_before),
	        test(attack_A79_a_million_entries_go_in_parts_through_bounded_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
