/* Tests of the geo tag on a real software TPM, through the quoter: asked for, permitted, written, certified. */
#include <sys/stat.h>

#include "base/file.h"
#include "tests/unit/nvtag.h"
#include "tests/unit/swtpm.h"

#define LIBEXEC "build/san/libexec"

struct bench {
	struct swtpm machine;
	char state[96];
	struct quoter *q;
	struct es256 *officer;
	struct made_tag tag;
	uint8_t *bytes; /* of the last evidence */
	struct err e;
};

static void start(struct bench *b)
{
	b->q = quoter_start(LIBEXEC, b->state, b->machine.tcti, "/nonexistent", "", &b->e);
	if (!b->q)
		fail_msg("%s", b->e.text);
}

static void restart(struct bench *b)
{
	quoter_stop(b->q);
	start(b);
}

static int setup(void **s)
{
	struct bench *b = calloc(1, sizeof(*b));
	*s = b;
	if (!b || !swtpm_installed())
		return 0;
	assert_int_equal(swtpm_new(&b->machine), 0);
	(void)snprintf(b->state, sizeof(b->state), "%s/state", b->machine.dir);
	b->officer = es256_generate(&b->e);
	start(b);
	return 0;
}

static int teardown(void **s)
{
	struct bench *b = *s;
	quoter_stop(b->q);
	swtpm_free(&b->machine);
	es256_free(b->officer);
	free(b->bytes);
	free(b);
	return 0;
}

static struct bench *bench(void **s)
{
	if (!swtpm_installed())
		skip();
	return *s;
}

static void asks(struct bench *b, struct quoter_tag *out)
{
	assert_accepted(quoter_tag_request(b->q, out, &b->e), &b->e);
}

/* The officer's tag for the machine that asked, and his permission to write it. */
static void signs(struct bench *b, const struct es256 *officer, const struct quoter_tag *q, uint64_t serial,
        uint8_t permission[ES256_SIG])
{
	struct tag t = tagmaker_plain("cloudlet1", NULL, serial, 1800000000);
	memcpy(t.ek, q->ek, SHA_LEN);
	tagmaker_sign(&b->tag, officer, &t);
	nvtag_permit(officer, q, &b->tag, permission);
}

static int writes(struct bench *b, const uint8_t permission[ES256_SIG])
{
	b->e = (struct err){0};
	return quoter_tag_write(b->q, tagmaker_view(&b->tag), permission, &b->e);
}

static void given(struct bench *b, const struct es256 *officer, uint64_t serial)
{
	uint8_t permission[ES256_SIG];
	struct quoter_tag q;
	asks(b, &q);
	signs(b, officer, &q, serial, permission);
	assert_accepted(writes(b, permission), &b->e);
}

static void evidence(struct bench *b, struct view tag, struct evidence *ev)
{
	static const char claims[] = "{}";
	const uint8_t nonce[NONCE_LEN] = {6};
	size_t n = 0;
	free(b->bytes);
	b->bytes = NULL;
	assert_accepted(
	        quoter_evidence(b->q, 0, nonce, 0, 0, VIEW(claims, 2), tag, VIEW(NULL, 0), &b->bytes, &n, &b->e),
	        &b->e);
	assert_accepted(evidence_parse(VIEW(b->bytes, n), ev, &b->e), &b->e);
}

/* What an authority would say of the certification. */
static int certified(struct bench *b, struct view tag, const struct made_tag *as)
{
	const uint8_t nonce[NONCE_LEN] = {6};
	uint8_t extra[SHA_LEN], name[TPM_NAME_LEN];
	struct evidence ev;
	struct tpm_pub ak;
	evidence(b, tag, &ev);
	assert_true(view_equal(ev.part[PART_TAG], tag));
	evidence_binding(extra, nonce, &ev);
	assert_accepted(tpmpub_parse(ev.part[PART_AK], &ak, &b->e), &b->e);
	tagindex_name(name, as->t.officer, true);
	return certify_nv(
	        ev.part[PART_TAG_CERTIFY], ev.part[PART_TAG_CERTIFY_SIG], &ak, extra, name, as->t.digest, &b->e);
}

static void a_tag_is_asked_for_permitted_written_and_certified(void **s)
{
	struct bench *b = bench(s);
	struct quoter_tag q;
	asks(b, &q);
	assert_int_equal(q.nindex, 0);
	given(b, b->officer, 1);
	assert_accepted(certified(b, tagmaker_view(&b->tag), &b->tag), &b->e);
	asks(b, &q);
	assert_int_equal(q.nindex, TPM_NAME_LEN);
}

static void a_new_tag_takes_the_place_of_the_old_one(void **s)
{
	struct bench *b = bench(s);
	given(b, b->officer, 1);
	struct made_tag first = b->tag;
	given(b, b->officer, 2);
	assert_accepted(certified(b, tagmaker_view(&b->tag), &b->tag), &b->e);
	assert_refused(certified(b, tagmaker_view(&first), &first), &b->e, WHY_FORGED);
}

static void the_request_waits_while_the_quoter_does_not_run(void **s)
{
	struct bench *b = bench(s);
	uint8_t permission[ES256_SIG];
	struct quoter_tag q;
	asks(b, &q);
	restart(b);
	signs(b, b->officer, &q, 1, permission);
	restart(b);
	assert_accepted(writes(b, permission), &b->e);
}

static void a_restarted_tpm_ends_the_request(void **s)
{
	struct bench *b = bench(s);
	uint8_t permission[ES256_SIG];
	struct quoter_tag q;
	asks(b, &q);
	signs(b, b->officer, &q, 1, permission);
	quoter_stop(b->q);
	swtpm_off(&b->machine);
	assert_int_equal(swtpm_on(&b->machine), 0);
	start(b);
	assert_refused(writes(b, permission), &b->e, WHY_STALE);
	given(b, b->officer, 2);
}

static void attack_A111_a_permission_works_once(void **s)
{
	struct bench *b = bench(s);
	uint8_t permission[ES256_SIG], again[ES256_SIG];
	struct quoter_tag q;
	asks(b, &q);
	signs(b, b->officer, &q, 1, permission);
	struct made_tag first = b->tag;
	assert_accepted(writes(b, permission), &b->e);
	given(b, b->officer, 2);
	b->tag = first;
	assert_refused(writes(b, permission), &b->e, WHY_STALE); /* nothing waits */
	asks(b, &q);
	assert_refused(writes(b, permission), &b->e, WHY_STALE); /* another nonce waits */
	asks(b, &q);
	signs(b, b->officer, &q, 3, again);
	b->tag = first;
	assert_refused(writes(b, again), &b->e, WHY_STALE); /* another tag is permitted */
}

static void attack_A110_a_tag_of_another_tpm_is_not_written(void **s)
{
	struct bench *b = bench(s);
	uint8_t permission[ES256_SIG];
	struct quoter_tag q;
	asks(b, &q);
	q.ek[0] ^= 1;
	signs(b, b->officer, &q, 1, permission);
	assert_refused(writes(b, permission), &b->e, WHY_UNTRUSTED);
}

static void a_tag_that_the_tpm_holds_needs_no_new_permission(void **s)
{
	struct bench *b = bench(s);
	const uint8_t none[ES256_SIG] = {0};
	given(b, b->officer, 1);
	assert_accepted(writes(b, none), &b->e);
}

static void another_officers_tag_gets_an_index_of_its_own(void **s)
{
	struct bench *b = bench(s);
	AUTO(es256_free) struct es256 *second = es256_generate(&b->e);
	given(b, b->officer, 1);
	given(b, second, 2);
	assert_accepted(certified(b, tagmaker_view(&b->tag), &b->tag), &b->e);
}

static void without_an_index_the_tag_is_left_out(void **s)
{
	struct bench *b = bench(s);
	struct tag t = tagmaker_plain("cloudlet1", NULL, 1, 1800000000);
	struct evidence ev;
	tagmaker_sign(&b->tag, b->officer, &t);
	evidence(b, tagmaker_view(&b->tag), &ev);
	assert_null(ev.part[PART_TAG].p);
	assert_null(ev.part[PART_TAG_CERTIFY].p);
}

static void requests_leave_no_sessions_behind(void **s)
{
	struct bench *b = bench(s);
	struct quoter_tag q;
	struct tpm t;
	for (int i = 0; i < 70; i++) /* a TPM has 64 places */
		asks(b, &q);
	given(b, b->officer, 1);
	quoter_stop(b->q);
	b->q = NULL;
	assert_accepted(tpm_open(&t, b->machine.tcti, &b->e), &b->e);
	assert_int_equal(swtpm_left(&t), 0);
	tpm_close(&t);
}

/* ---- The end of leases ---- */

/* What an authority reads of counter and register. */
static uint64_t counter_now(struct bench *b, uint8_t ended[PCR_LEN])
{
	const uint8_t nonce[NONCE_LEN] = {6};
	uint8_t extra[SHA_LEN];
	struct evidence ev;
	struct tpm_pub ak;
	uint64_t value = 0;
	evidence(b, VIEW(NULL, 0), &ev);
	evidence_binding(extra, nonce, &ev);
	assert_accepted(tpmpub_parse(ev.part[PART_AK], &ak, &b->e), &b->e);
	assert_accepted(certify_counter(ev.part[PART_COUNTER_CERTIFY], ev.part[PART_COUNTER_CERTIFY_SIG], &ak, extra,
	                        &value, &b->e),
	        &b->e);
	struct view pcrs = ev.part[PART_PCRS]; /* register 14 is the last of them */
	memcpy(ended, pcrs.p + pcrs.n - PCR_LEN, PCR_LEN);
	return value;
}

static void enrols(struct bench *b)
{
	size_t n = 0;
	free(b->bytes);
	b->bytes = NULL;
	assert_accepted(quoter_keys(b->q, VIEW("{}", 2), &b->bytes, &n, &b->e), &b->e);
}

static void an_end_of_leases_is_in_the_next_evidence(void **s)
{
	struct bench *b = bench(s);
	uint8_t before[PCR_LEN], after[PCR_LEN], mark[SHA_LEN], expected[PCR_LEN];
	enrols(b);
	uint64_t was = counter_now(b, before);
	assert_accepted(quoter_end_leases(b->q, &b->e), &b->e);
	assert_int_equal(counter_now(b, after), was + 1);
	counter_mark(mark, was + 1);
	sha256_2(expected, VIEW_OF(before), VIEW_OF(mark));
	assert_memory_equal(after, expected, PCR_LEN);
}

/* Known to stand there: whether the evidence says so all the same. */
static bool shown(struct bench *b, uint64_t known)
{
	const uint8_t nonce[NONCE_LEN] = {6};
	struct evidence ev;
	size_t n = 0;
	free(b->bytes);
	b->bytes = NULL;
	assert_accepted(quoter_evidence(b->q, 0, nonce, 0, known, VIEW("{}", 2), VIEW(NULL, 0), VIEW(NULL, 0),
	                        &b->bytes, &n, &b->e),
	        &b->e);
	assert_accepted(evidence_parse(VIEW(b->bytes, n), &ev, &b->e), &b->e);
	return ev.part[PART_COUNTER_CERTIFY].p != NULL;
}

static void the_counter_is_shown_where_the_authority_does_not_know_it(void **s)
{
	struct bench *b = bench(s);
	uint8_t ended[PCR_LEN];
	enrols(b);
	uint64_t known = counter_now(b, ended);
	assert_false(shown(b, known));
	assert_true(shown(b, known - 1));
	assert_true(shown(b, known + 1));
	assert_accepted(quoter_end_leases(b->q, &b->e), &b->e);
	assert_true(shown(b, known));
	assert_false(shown(b, known + 1));
}

static void a_counter_that_is_gone_is_told_before_the_authority_signs_for_it(void **s)
{
	struct bench *b = bench(s);
	const uint8_t nonce[NONCE_LEN] = {6};
	uint8_t *bytes = NULL;
	size_t n = 0;
	assert_refused(
	        quoter_evidence(b->q, 0, nonce, 0, 5, VIEW("{}", 2), VIEW(NULL, 0), VIEW(NULL, 0), &bytes, &n, &b->e),
	        &b->e, WHY_STALE);
	assert_non_null(strstr(b->e.text, "the TPM has lost its revocation counter"));
	assert_string_equal(b->e.hint, "merestone-agent enrol makes one");
	enrols(b);
	assert_true(shown(b, 5));
}

static void an_enrolment_leaves_the_counter_as_it_is(void **s)
{
	struct bench *b = bench(s);
	uint8_t ended[PCR_LEN];
	enrols(b);
	assert_accepted(quoter_end_leases(b->q, &b->e), &b->e);
	uint64_t was = counter_now(b, ended);
	enrols(b);
	assert_int_equal(counter_now(b, ended), was);
}

static void before_an_enrolment_there_is_no_counter_to_show(void **s)
{
	struct bench *b = bench(s);
	struct evidence ev;
	assert_accepted(quoter_end_leases(b->q, &b->e), &b->e);
	evidence(b, VIEW(NULL, 0), &ev);
	assert_null(ev.part[PART_COUNTER_CERTIFY].p);
}

static void a_tag_that_is_written_ends_sessions_of_the_old_one(void **s)
{
	struct bench *b = bench(s);
	uint8_t before[PCR_LEN], after[PCR_LEN];
	enrols(b);
	uint64_t was = counter_now(b, before);
	given(b, b->officer, 1);
	assert_int_equal(counter_now(b, after), was);
	assert_memory_not_equal(before, after, PCR_LEN);
}

static void a_damaged_session_file_is_no_request(void **s)
{
	struct bench *b = bench(s);
	uint8_t permission[ES256_SIG];
	char path[160];
	struct quoter_tag q;
	asks(b, &q);
	signs(b, b->officer, &q, 1, permission);
	(void)snprintf(path, sizeof(path), "%s/quoter/tag.session", b->state);
	int fd = open(path, O_RDWR);
	assert_int_equal(pwrite(fd, "damaged", 7, 40), 7);
	close(fd);
	assert_refused(writes(b, permission), &b->e, WHY_STALE);
}

int main(void)
{
#define IT(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	        IT(a_tag_is_asked_for_permitted_written_and_certified),
	        IT(a_new_tag_takes_the_place_of_the_old_one),
	        IT(the_request_waits_while_the_quoter_does_not_run),
	        IT(a_restarted_tpm_ends_the_request),
	        IT(attack_A111_a_permission_works_once),
	        IT(attack_A110_a_tag_of_another_tpm_is_not_written),
	        IT(a_tag_that_the_tpm_holds_needs_no_new_permission),
	        IT(another_officers_tag_gets_an_index_of_its_own),
	        IT(without_an_index_the_tag_is_left_out),
	        IT(requests_leave_no_sessions_behind),
	        IT(a_damaged_session_file_is_no_request),
	        IT(an_end_of_leases_is_in_the_next_evidence),
	        IT(the_counter_is_shown_where_the_authority_does_not_know_it),
	        IT(a_counter_that_is_gone_is_told_before_the_authority_signs_for_it),
	        IT(an_enrolment_leaves_the_counter_as_it_is),
	        IT(before_an_enrolment_there_is_no_counter_to_show),
	        IT(a_tag_that_is_written_ends_sessions_of_the_old_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
