/* The ring when it is given nonsense, when its judge dies and when its disk is full: nothing is released, and nothing that
 * was answered is lost. */
#include <sys/ioctl.h>
#include <sys/resource.h>

#include "tests/unit/authoritymaker.h"

/* ---- Bytes that are no asks ---- */

static void nonsense(enum ask_kind kind)
{
	static const char *const said[] = {"", "x", "{}", "a.b.c", "list", "list/fences/../trust.db", "MSTE"};
	uint8_t noise[QUERY_MAX];

	for (size_t i = 0; i < COUNT(said); i++) {
		ringmaker_ask(r, kind, ROLE_OFFICER, "officer", VIEW(said[i], strlen(said[i])));
		assert_int_not_equal(r->answer.why, WHY_NONE);
		releases_nothing();
	}
	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (uint8_t)(i * i + i / 7);
	ringmaker_ask(r, kind, ROLE_CLOUDLET, "berlin-1", VIEW_OF(noise));
	assert_answered(r, WHY_MALFORMED);
}

static void attack_X004_nonsense_of_every_kind_is_refused_and_the_ring_goes_on(void **s)
{
	(void)s;
	need_ring();
	for (unsigned kind = ASK_ENROL; kind < ASK_KINDS; kind++)
		nonsense((enum ask_kind)kind);
	/* one kind's body under the other kinds; for a query it is too long */
	struct view v = recorded(evidence_of(&a));
	for (unsigned kind = ASK_ENROL; kind < ASK_QUERY; kind++)
		if (kind != ASK_ATTEST) {
			ringmaker_ask(r, (enum ask_kind)kind, ROLE_CLOUDLET, "berlin-1", v);
			assert_answered(r, WHY_MALFORMED);
			releases_nothing();
		}
	is_well(&a);
}

/* Says it, and then nothing more: the ring ends without an answer. Bytes that are cut short are no fault of the judge.
 */
static void broken(struct view bytes, bool cut)
{
	int status[BEHIND_COUNT] = {0};

	assert_int_equal(fd_write_all(r->to, bytes.p, bytes.n), 0);
	fd_close(r->to);
	r->to = -1;
	assert_int_equal(ringmaker_hear(r), 0);
	ringmaker_stop(r, status);
	assert_true(cut || status[BEHIND_JUDGE] != 0);
	assert_int_equal(status[BEHIND_DECIDER], 0);
	assert_int_equal(status[BEHIND_KEEPER], 0);
	ringmaker_start(r);
}

static void attack_X004_broken_frames_end_the_ring_and_lose_nothing(void **s)
{
	uint8_t unknown[32] = {0, 0, 0, 28, [12] = ASK_KINDS};

	(void)s;
	need_ring();
	broken(VIEW("\xff\xff\xff\xff", 4), false);
	broken(VIEW("\0\0\0\0", 4), false);
	broken(VIEW_OF(unknown), false);
	broken(VIEW("\0\0\1\0cut short", 13), true);
	broken(VIEW("\0", 1), true);
	is_well(&a);
	is_well(&b);
}

/* ---- A judge that dies, a disk that is full ---- */

static pid_t child_of(pid_t parent)
{
	char path[64];
	int child = 0;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	if (fscanf(f, "%d", &child) != 1)
		child = 0;
	fclose(f);
	return child;
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* The worker stands still until the supervisor has given it the case, and then it is killed. */
static void a_worker_killed_over_its_case_is_a_refusal_and_the_next_case_works(void **s)
{
	int left = 1;

	(void)s;
	need_ring();
	pid_t worker = child_of(r->pid[BEHIND_JUDGE]);
	assert_true(worker > 0);
	assert_int_equal(kill(worker, SIGSTOP), 0);
	ringmaker_send(r, ASK_ATTEST, ROLE_CLOUDLET, "berlin-1", recorded(evidence_of(&a)));
	for (int i = 0; i < 1000 && left > 0; i++) {
		pause_ms(5);
		assert_int_equal(ioctl(r->to, FIONREAD, &left), 0);
	}
	pause_ms(50);
	assert_int_equal(kill(worker, SIGKILL), 0);
	assert_int_equal(ringmaker_hear(r), 1);
	assert_answered(r, WHY_MALFORMED);
	assert_string_equal(ringmaker_sentence(r), "evidence killed its judge");
	releases_nothing();
	is_well(&a);
	assert_int_not_equal(child_of(r->pid[BEHIND_JUDGE]), worker);
}

static void limit_files(rlim_t most)
{
	struct rlimit l = {most, RLIM_INFINITY};

	assert_int_equal(prlimit(r->pid[BEHIND_DECIDER], RLIMIT_FSIZE, &l, NULL), 0);
}

static void no_record_no_key(void **s)
{
	(void)s;
	need_ring();
	struct view v = recorded(evidence_of(&a));
	limit_files(0);
	give_evidence("berlin-1", v);
	assert_answered(r, WHY_SYSTEM);
	assert_non_null(strstr(ringmaker_sentence(r), "the record could not be written"));
	releases_nothing();
	assert_null(json_object_get(r->json, "nonce"));
	ringmaker_document(r, ringmaker_sign(r, r->officer, DOC_FENCE, "berlin", 2, FENCE("90000")));
	assert_answered(r, WHY_SYSTEM);
	enrol(&b);
	assert_answered(r, WHY_SYSTEM);
	assert_null(json_object_get(r->json, "credential"));
	/* with room again, the same evidence is good: its nonce was never used */
	limit_files(RLIM_INFINITY);
	give_evidence("berlin-1", v);
	assert_answered(r, WHY_NONE);
	take_nonce(&a);
	ringmaker_put(r, DOC_FENCE, "berlin", 2, FENCE("90000"));
	is_well(&a);
	is_well(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        SENTENCE(attack_X004_nonsense_of_every_kind_is_refused_and_the_ring_goes_on),
	        SENTENCE(attack_X004_broken_frames_end_the_ring_and_lose_nothing),
	        SENTENCE(a_worker_killed_over_its_case_is_a_refusal_and_the_next_case_works),
	        SENTENCE(no_record_no_key),
	};
	return cmocka_run_group_tests_name("hurt_ring", tests, NULL, NULL);
}
