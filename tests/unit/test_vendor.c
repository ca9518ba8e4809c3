#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "tests/unit/swtpm.h"

/* Two machines of tests/tools/factory.sh, and the roots of their vendor. */
static char dir[] = "/tmp/merestone-vendor-XXXXXX";
static const char *const machines[] = {"one", "two"};

static int run(const char *program, const char *a, const char *b)
{
	int status = -1;
	pid_t pid = fork();
	if (pid == 0) {
		execl(program, program, a, b, (char *)NULL);
		_exit(3);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void in_dir(char out[128], const char *name)
{
	(void)snprintf(out, 128, "%s/%s", dir, name);
}

static bool installed(void)
{
	return swtpm_installed() && access("/usr/bin/swtpm_localca", X_OK) == 0;
}

static int setup(void **s)
{
	char machine[128], ca[128];
	(void)s;
	if (!installed())
		return 0;
	assert_non_null(mkdtemp(dir));
	in_dir(ca, "ca");
	for (size_t i = 0; i < COUNT(machines); i++) {
		in_dir(machine, machines[i]);
		assert_int_equal(run("tests/tools/factory.sh", machine, ca), 0);
	}
	return 0;
}

static int teardown(void **s)
{
	char machine[128];
	(void)s;
	for (size_t i = 0; installed() && i < COUNT(machines); i++) {
		in_dir(machine, machines[i]);
		(void)run("tests/tools/swtpm-stop.sh", "--kill", machine);
	}
	(void)nftw(dir, swtpm_remove, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

static struct ekroots *roots(const char *path)
{
	struct err e = {0};
	uint8_t *pem = NULL;
	size_t n = 0;
	assert_int_equal(file_read(AT_FDCWD, path, 64 * 1024, &pem, &n, &e), 0);
	struct ekroots *r = ekroots_read(VIEW(pem, n), &e);
	if (!r)
		fail_msg("%s", e.text);
	free(pem);
	return r;
}

/* An enrolment as the agent sends it, and what the judge says to it. */
static void enrolment(const char *name, struct evidence *ev, uint8_t **bytes, size_t *n)
{
	char machine[128], state[192], tcti[192];
	uint8_t buf[CLAIMS_MAX];
	struct claims c = {.version = "1"};
	struct quoter_status st;
	struct err e = {0};
	in_dir(machine, name);
	(void)snprintf(state, sizeof(state), "%s/state", machine);
	(void)snprintf(tcti, sizeof(tcti), "swtpm:path=%s/sock", machine);
	AUTO(quoter_stop) struct quoter *q = quoter_start("build/san/libexec", state, tcti, "/nonexistent", "", &e);
	if (!q || quoter_status(q, &st, &e) != 0)
		fail_msg("%s", e.text);
	(void)snprintf(c.machine, sizeof(c.machine), "%s", name);
	sha256(c.tls_key, VIEW_OF(st.id));
	struct wr w = wr_to(buf, sizeof(buf));
	assert_int_equal(claims_write(&w, &c, &e), 0);
	if (quoter_keys(q, wr_done(&w), bytes, n, &e) != 0)
		fail_msg("%s", e.text);
	assert_int_equal(evidence_parse(VIEW(*bytes, *n), ev, &e), 0);
}

static void judge(struct view body, struct facts *out)
{
	static uint8_t buf[EVIDENCE_MAX];
	const struct ask a = {.ticket = 1, .kind = ASK_ENROL, .body = body};
	struct wr w = wr_to(buf, sizeof(buf));
	struct err e = {0};
	assert_int_equal(ask_write(&w, &a), 0);
	assert_int_equal(judge_ask(wr_done(&w), out, &e), 0);
}

/* What the decider does with the certificate in the judge's facts. */
static void believe(const struct facts *f, const struct ekroots *r)
{
	struct view chain[EK_CHAIN_MAX];
	struct ek_pub ek;
	struct err e = {0};
	bool expired;
	size_t n = 0;
	assert_int_equal(ekpub_parse(f->enrol.ek, &ek, &e), 0);
	assert_int_equal(ekcert_chain(f->enrol.ek_chain, chain, &n, &e), 0);
	if (ekcert_check(r, f->enrol.ek_cert, chain, n, &ek, time(NULL), &expired, &e) != 0)
		fail_msg("%s", e.text);
}

static void a_machine_from_the_vendor_is_believed(void **s)
{
	static struct facts f;
	struct evidence ev;
	uint8_t *bytes = NULL;
	size_t n = 0;
	char path[128];
	(void)s;
	if (!installed())
		skip();
	in_dir(path, "ca/roots.pem");
	AUTO(ekroots_free) struct ekroots *r = roots(path);
	for (size_t i = 0; i < COUNT(machines); i++) {
		enrolment(machines[i], &ev, &bytes, &n);
		assert_non_null(ev.part[PART_EK_CERT].p);
		judge(VIEW(bytes, n), &f);
		if (f.refusal.why != WHY_NONE)
			fail_msg("%s", f.refusal.text);
		assert_string_equal(f.enrol.machine, machines[i]);
		believe(&f, r);
		free(bytes);
	}
}

static void attack_A07_the_certificate_of_another_machine_is_refused(void **s)
{
	static struct facts f;
	struct evidence one, two;
	uint8_t *bytes1 = NULL, *bytes2 = NULL, *mixed = malloc(EVIDENCE_MAX);
	size_t n = 0;
	(void)s;
	if (!installed())
		skip();
	enrolment(machines[0], &one, &bytes1, &n);
	enrolment(machines[1], &two, &bytes2, &n);
	one.part[PART_EK_CERT] = two.part[PART_EK_CERT];
	struct wr w = wr_to(mixed, EVIDENCE_MAX);
	evidence_write(&w, &one);
	judge(wr_done(&w), &f);
	assert_int_equal(f.refusal.why, WHY_FORGED);
	free(bytes1);
	free(bytes2);
	free(mixed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_machine_from_the_vendor_is_believed),
	        cmocka_unit_test(attack_A07_the_certificate_of_another_machine_is_refused),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
