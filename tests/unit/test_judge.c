#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/ring.h"
#include "tests/unit/machinemaker.h"

/* The process itself: build/libexec/judge, as merestoned starts it. */

static char program[4096], dir[] = "/tmp/merestone-judge.XXXXXX";
static struct machine m;
static const uint8_t nonce[NONCE_LEN] = {5};
static uint8_t message[RING_MAX];
static struct facts f;
static struct err e;

struct process {
	pid_t pid;
	int to;
	struct ring_in from;
};
static struct process j;

static void child(int in, int out, const char *option)
{
	if (chdir(dir) == 0 && dup2(in, 100) >= 0 && dup2(out, 101) >= 0 && dup2(100, RING_IN) >= 0 &&
	        dup2(101, RING_OUT) >= 0) {
		close_range(5, ~0U, 0);
		execl(program, "judge", "--workers", "2", option, (char *)NULL);
	}
	_exit(127);
}

static void start_with(const char *option)
{
	int to[2], from[2];

	assert_int_equal(pipe2(to, O_CLOEXEC) | pipe2(from, O_CLOEXEC), 0);
	j.pid = fork();
	assert_true(j.pid >= 0);
	if (j.pid == 0)
		child(to[0], from[1], option);
	close(to[0]);
	close(from[1]);
	j.to = to[1];
	ring_open(&j.from, from[0]);
}

static int start(void **s)
{
	(void)s;
	if (access(program, X_OK) == 0)
		start_with(NULL);
	return 0;
}

/* The exit status once its input has ended. */
static int ended(void)
{
	int status = -1;

	close(j.to);
	assert_int_equal(waitpid(j.pid, &status, 0), j.pid);
	close(j.from.fd);
	ring_close(&j.from);
	j.pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int stop(void **s)
{
	(void)s;
	if (j.pid > 0) {
		kill(j.pid, SIGKILL);
		ended();
	}
	return 0;
}

static int make(void **s)
{
	char cwd[2048];

	(void)s;
	machinemaker_new(&m);
	if (!getcwd(cwd, sizeof cwd) || !mkdtemp(dir))
		return -1;
	snprintf(program, sizeof program, "%s/build/libexec/judge", cwd);
	return 0;
}

static int drop(void **s)
{
	(void)s;
	machinemaker_drop(&m);
	return rmdir(dir);
}

static void need_judge(void)
{
	if (j.pid > 0)
		return;
	print_message("no build/libexec/judge: skipped\n");
	skip();
}

static void send_ask(uint64_t ticket, enum ask_kind kind, struct view body)
{
	struct wr w = wr_to(message, sizeof message);
	struct ask a = {.ticket = ticket, .kind = kind, .role = ROLE_CLOUDLET, .peer = "cloudlet1", .body = body};

	assert_int_equal(ask_write(&w, &a), 0);
	assert_accepted(ring_write(j.to, wr_done(&w), &e), &e);
}

static void send_query(uint64_t ticket)
{
	send_ask(ticket, ASK_QUERY, VIEW("list/fences", 11));
}

static void send_evidence(uint64_t ticket)
{
	static uint8_t body[64 * 1024];
	struct wr w = wr_to(body, sizeof body);

	machinemaker_attest(&m, nonce, true);
	evidence_write(&w, &m.ev);
	send_ask(ticket, ASK_ATTEST, wr_done(&w));
}

static void receive(void)
{
	struct view v;

	assert_int_equal(ring_read(&j.from, &v, &e), 1);
	assert_accepted(facts_read(v, &f, &e), &e);
}

/* The judge's workers, in the order they were started. */
static size_t workers(pid_t out[8])
{
	char path[64], text[256] = "";
	size_t n = 0;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)j.pid, (int)j.pid);
	int fd = open(path, O_RDONLY);
	ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	fd_close(fd);
	if (got <= 0)
		return 0;
	for (char *p = text; *p && n < 8; p += strspn(p, " "))
		out[n++] = (pid_t)strtol(p, &p, 10);
	return n;
}

static void wait_for_workers(pid_t out[8], size_t n)
{
	while (workers(out) != n)
		usleep(1000);
}

static void each_ask_becomes_facts(void **s)
{
	bool seen[20] = {false};
	uint8_t digest[SHA_LEN];

	(void)s;
	need_judge();
	sha256(digest, VIEW("list/fences", 11));
	for (uint64_t i = 0; i < 20; i++) {
		if (i % 2)
			send_evidence(i);
		else
			send_query(i);
	}
	for (size_t i = 0; i < 20; i++) {
		receive();
		assert_int_equal(f.refusal.why, WHY_NONE);
		assert_true(f.ticket < 20 && !seen[f.ticket]);
		assert_int_equal(f.kind, f.ticket % 2 ? ASK_ATTEST : ASK_QUERY);
		assert_int_equal(memcmp(f.ask_digest, digest, SHA_LEN) == 0, f.kind == ASK_QUERY);
		seen[f.ticket] = true;
	}
	assert_int_equal(ended(), 0);
}

static void what_it_has_is_finished_when_the_door_leaves(void **s)
{
	struct view v;

	(void)s;
	need_judge();
	for (uint64_t i = 0; i < 10; i++)
		send_query(i);
	close(j.to);
	j.to = -1;
	for (uint64_t i = 0; i < 10; i++)
		receive();
	assert_int_equal(ring_read(&j.from, &v, &e), 0);
	assert_int_equal(ended(), 0);
}

static void a_malformed_case_is_refused_and_its_judge_replaced(void **s)
{
	pid_t before[8], after[8];

	(void)s;
	need_judge();
	wait_for_workers(before, 2);
	for (uint64_t i = 0; i < 5; i++) {
		send_ask(i, ASK_ATTEST, VIEW("garbage", 7));
		receive();
		assert_int_equal(f.refusal.why, WHY_MALFORMED);
		assert_non_null(strstr(f.refusal.text, "MSE1"));
	}
	wait_for_workers(after, 2);
	assert_true(before[0] != after[0] || before[1] != after[1]);
	send_query(9);
	receive();
	assert_int_equal(f.refusal.why, WHY_NONE);
	assert_int_equal(ended(), 0);
}

static void a_refusal_of_good_form_does_not_cost_a_judge(void **s)
{
	pid_t before[8], after[8];

	(void)s;
	need_judge();
	wait_for_workers(before, 2);
	m.claims.eventlog[0] ^= 1;
	send_evidence(1);
	m.claims.eventlog[0] ^= 1;
	receive();
	assert_int_equal(f.refusal.why, WHY_FORGED);
	wait_for_workers(after, 2);
	assert_memory_equal(before, after, 2 * sizeof before[0]);
	assert_int_equal(ended(), 0);
}

/* The judge has read what was sent; a moment later its workers have it. */
static void wait_until_taken(void)
{
	int n = 1;

	while (ioctl(j.to, FIONREAD, &n) == 0 && n > 0)
		usleep(1000);
	usleep(50000);
}

static void stop_workers(int signal_no)
{
	pid_t w[8];

	wait_for_workers(w, 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(kill(w[i], signal_no), 0);
}

static void a_judge_that_dies_is_a_refusal_and_others_go_on(void **s)
{
	(void)s;
	need_judge();
	send_query(1);
	receive();
	stop_workers(SIGSTOP);
	send_query(2);
	send_evidence(3);
	wait_until_taken();
	send_query(4);
	stop_workers(SIGSEGV);
	stop_workers(SIGCONT);
	for (size_t i = 0; i < 3; i++) {
		receive();
		if (f.ticket == 4) {
			assert_int_equal(f.refusal.why, WHY_NONE);
			continue;
		}
		assert_int_equal(f.refusal.why, WHY_MALFORMED);
		assert_string_equal(f.refusal.text, "evidence killed its judge");
		assert_string_equal(f.peer, "cloudlet1");
	}
	assert_int_equal(ended(), 0);
}

static void a_judge_that_takes_too_long_is_ended(void **s)
{
	(void)s;
	need_judge();
	send_query(1);
	receive();
	stop_workers(SIGSTOP);
	send_query(2);
	receive();
	assert_int_equal(f.ticket, 2);
	assert_string_equal(f.refusal.text, "evidence outlasted its judge");
	send_query(3);
	receive();
	assert_int_equal(f.refusal.why, WHY_NONE);
	assert_int_equal(ended(), 0);
}

static void in_fork_mode_no_judge_has_two_cases(void **s)
{
	pid_t before[8], after[8];

	(void)s;
	if (access(program, X_OK) != 0)
		skip();
	start_with("--fork");
	wait_for_workers(before, 2);
	for (uint64_t i = 0; i < 4; i++) {
		send_query(i);
		receive();
		assert_int_equal(f.refusal.why, WHY_NONE);
	}
	wait_for_workers(after, 2);
	/* The first idle one has them all: it is another each time, the second never gets a case. */
	assert_true(after[0] != before[0] && after[1] != before[0]);
	assert_int_equal(ended(), 0);
}

static void a_door_that_speaks_nonsense_is_not_listened_to(void **s)
{
	(void)s;
	need_judge();
	assert_accepted(ring_write(j.to, VIEW("nonsense", 8), &e), &e);
	assert_int_equal(ended(), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(each_ask_becomes_facts, start, stop),
	        cmocka_unit_test_setup_teardown(what_it_has_is_finished_when_the_door_leaves, start, stop),
	        cmocka_unit_test_setup_teardown(a_malformed_case_is_refused_and_its_judge_replaced, start, stop),
	        cmocka_unit_test_setup_teardown(a_refusal_of_good_form_does_not_cost_a_judge, start, stop),
	        cmocka_unit_test_setup_teardown(a_judge_that_dies_is_a_refusal_and_others_go_on, start, stop),
	        cmocka_unit_test_setup_teardown(a_judge_that_takes_too_long_is_ended, start, stop),
	        cmocka_unit_test_teardown(in_fork_mode_no_judge_has_two_cases, stop),
	        cmocka_unit_test_setup_teardown(a_door_that_speaks_nonsense_is_not_listened_to, start, stop),
	};
	return cmocka_run_group_tests(tests, make, drop);
}
