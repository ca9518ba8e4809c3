/* Tests of keeper: the real process with its real allowlist, keys under a passphrase, fed through the ring. A system call
 * that is missing from the list ends these tests at once. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/ring.h"
#include "keystore/keystore.h"
#include "tests/unit/publicmaker.h"

enum { FIRST_FREE = 20, PASSPHRASE_FD = 5 };

static const char *const FILES[] = {"ca.key", "lease.key", "result.key", "dataset.key", "ca.pem"};

struct process {
	char path[64];
	int program, dir, to, from;
	pid_t pid;
	struct ring_in in;
	uint8_t area[MADE_PUBLIC_MAX], id[MADE_PUBLIC_MAX], buf[64 * 1024];
	struct es256 *tpm;
	struct verdict v;
	struct err e;
};

static struct process p;

static int make_directory(void)
{
	struct wr w = wr_to(p.path, sizeof p.path);
	struct view pass = VIEW("correct horse", 13);
	struct keyring k;
	AUTO(mem_free) char *pem = NULL;
	wr_str(&w, "/tmp/keeper-XXXXXX");
	wr_u8(&w, 0);
	if (!mkdtemp(p.path) || (p.dir = open(p.path, O_RDONLY | O_DIRECTORY)) < 0)
		return -1;
	if (keyring_create(p.dir, pass, &p.e) != 0 || keyring_open(p.dir, pass, &k, &p.e) != 0)
		return -1;
	int result = ca_self(k.ca, "edge.example", time(NULL), &pem, &p.e);
	keyring_close(&k);
	return result == 0 ? file_write(p.dir, "ca.pem", VIEW(pem, strlen(pem)), 0600, &p.e) : -1;
}

/* In the child: nothing but the ring, the passphrase and standard error. */
static void become_keeper(int in, int out, int pass)
{
	char *argv[] = {"keeper", "--trust-domain", "edge.example", "--passphrase-fd", "5", NULL}, *env[] = {NULL};
	int fds[] = {fcntl(in, F_DUPFD, FIRST_FREE), fcntl(out, F_DUPFD, FIRST_FREE), fcntl(pass, F_DUPFD, FIRST_FREE)};
	int program = fcntl(p.program, F_DUPFD, FIRST_FREE);
	if (fchdir(p.dir) == 0 && dup2(fds[0], RING_IN) == RING_IN && dup2(fds[1], RING_OUT) == RING_OUT &&
	        dup2(fds[2], PASSPHRASE_FD) == PASSPHRASE_FD) {
		for (int fd = PASSPHRASE_FD + 1; fd < 64; fd++)
			if (fd != program)
				close(fd);
		fexecve(program, argv, env);
	}
	_exit(127);
}

static int start(const char *passphrase)
{
	int in[2], out[2], pass[2];
	if (pipe(in) != 0 || pipe(out) != 0 || pipe(pass) != 0)
		return -1;
	if (fd_write_all(pass[1], passphrase, strlen(passphrase)) != 0)
		return -1;
	close(pass[1]);
	p.pid = fork();
	if (p.pid == 0)
		become_keeper(in[0], out[1], pass[0]);
	close(in[0]);
	close(out[1]);
	close(pass[0]);
	p.to = in[1];
	p.from = out[0];
	ring_open(&p.in, p.from);
	return p.pid > 0 ? 0 : -1;
}

/* Ends the keeper's input, and gives its exit status; -1 when a signal ended it. */
static int stop(void)
{
	int status = 0;
	close(p.to);
	assert_int_equal(waitpid(p.pid, &status, 0), p.pid);
	ring_close(&p.in);
	close(p.from);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int setup(void **s)
{
	(void)s;
	p.program = open("build/libexec/keeper", O_RDONLY | O_CLOEXEC); /* not the sanitized one: it may do more */
	p.tpm = es256_generate(&p.e);
	return p.tpm ? make_directory() : -1;
}

static int teardown(void **s)
{
	(void)s;
	for (size_t i = 0; i < COUNT(FILES); i++)
		unlinkat(p.dir, FILES[i], 0);
	fd_close(p.dir);
	fd_close(p.program);
	es256_free(p.tpm);
	return rmdir(p.path);
}

static void need_program(void)
{
	if (p.program < 0)
		skip();
}

static void result_with_everything(void)
{
	p.v = (struct verdict){.ticket = 77,
	        .case_no = 3,
	        .kind = VERDICT_RESULT,
	        .machine = "berlin-1",
	        .has_nonce = true,
	        .counter = 1};
	p.v.srk = public_srk(p.area, p.tpm);
	p.v.id = public_make(p.id, MADE_ID, VIEW("", 0), false, p.tpm->pub);
	p.v.with_certificate = true;
	p.v.certificate_s = 3600;
	p.v.body = VIEW("{\"sub\":\"berlin-1\"}", 18);
	p.v.grants[0] = (struct grant){.domain = "geoa",
	        .dataset = "maps",
	        .epoch = 1,
	        .generation = 1,
	        .deadline_ms = 5000,
	        .with_key = true};
	p.v.ngrants = 1;
}

static struct answer ask(void)
{
	struct wr w = wr_to(p.buf, sizeof p.buf);
	struct view message = {0};
	struct answer a = {0};
	assert_int_equal(verdict_write(&w, &p.v), 0);
	assert_accepted(ring_write(p.to, wr_done(&w), &p.e), &p.e);
	assert_int_equal(ring_read(&p.in, &message, &p.e), 1);
	assert_accepted(answer_read(message, &a, &p.e), &p.e);
	return a;
}

static void has(struct view body, const char *text)
{
	assert_non_null(memmem(body.p, body.n, text, strlen(text)));
}

static void every_kind_of_work_is_done_within_the_allowlist(void **s)
{
	(void)s;
	need_program();
	assert_int_equal(start("correct horse\n"), 0);
	for (int i = 0; i < 3; i++) {
		result_with_everything();
		struct answer a = ask();
		assert_true(a.ticket == 77);
		assert_int_equal(a.why, WHY_NONE);
		has(a.body, "\"leases\":[{\"domain\":\"geoa\"");
		has(a.body, "BEGIN CERTIFICATE");
	}
	assert_int_equal(stop(), 0);
}

static void a_verdict_that_fails_is_answered_and_the_next_one_served(void **s)
{
	(void)s;
	need_program();
	assert_int_equal(start("correct horse"), 0);
	result_with_everything();
	p.v.srk = p.v.id;
	struct answer a = ask();
	assert_int_equal(a.why, WHY_UNTRUSTED);
	has(a.body, "\"nonce\":");
	result_with_everything();
	assert_int_equal(ask().why, WHY_NONE);
	assert_int_equal(stop(), 0);
}

static void bytes_that_are_no_verdict_end_the_keeper(void **s)
{
	(void)s;
	need_program();
	assert_int_equal(start("correct horse"), 0);
	assert_accepted(ring_write(p.to, VIEW("nonsense", 8), &p.e), &p.e);
	assert_int_equal(stop(), 1);
}

static void a_wrong_passphrase_starts_nothing(void **s)
{
	(void)s;
	need_program();
	assert_int_equal(start("correct house"), 0);
	assert_int_equal(stop(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_kind_of_work_is_done_within_the_allowlist),
	        cmocka_unit_test(a_verdict_that_fails_is_answered_and_the_next_one_served),
	        cmocka_unit_test(bytes_that_are_no_verdict_end_the_keeper),
	        cmocka_unit_test(a_wrong_passphrase_starts_nothing),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
