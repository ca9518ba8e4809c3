/* merestone-agent: the cloudlet. Outbound HTTPS only; the TPM belongs to the quoter. Exit 0 yes, 1 no, 2 usage, 3 could
 * not ask. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "cmd/cli.h"
#include "cmd/libexec.h"
#include "federation/agent.h"

enum { RETRY_MIN_S = 2, RETRY_MAX_S = 300, RENEW_MIN_S = 1, RENEW_MAX_S = 3600, LEASES_MAX = 256, UPDATE_LOOK_S = 20 };

static volatile sig_atomic_t stopped;

static void on_stop(int sig)
{
	(void)sig;
	stopped = 1;
}

/* ---- what is said ---- */

static json_t *domains_of(const json_t *result)
{
	json_t *out = json_object(), *sub;
	const char *name;

	json_object_foreach(json_object_get(result, "submods"), name, sub)
	{
		json_t *d = json_object_get(sub, "merestone_decision");

		if (d)
			json_object_set(out, name, d);
	}
	return out;
}

/* The leases that are here: `run` and `status` ask, one at a time. */
static struct {
	char names[LEASES_MAX][NAME_CAP];
	uint64_t deadlines_ms[LEASES_MAX];
} here;

static size_t find_leases(const struct agent *a)
{
	return state_leases(a->dir, here.names, here.deadlines_ms, LEASES_MAX);
}

static json_t *leases_of(const struct agent *a)
{
	size_t n = find_leases(a);
	json_t *out = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(out, json_pack("{s:s, s:I}", "dataset", here.names[i], "deadline_ms",
		                                   (json_int_t)here.deadlines_ms[i]));
	return out;
}

/* As the authority says it: yes when something is granted, or when there was nothing to deny. */
static bool admitted(const json_t *leases, const json_t *domains)
{
	const char *name;
	json_t *d;

	if (json_array_size(leases) > 0)
		return true;
	json_object_foreach(
	        (json_t *)(uintptr_t)domains, name, d) if (!json_is_true(json_object_get(d, "allow"))) return false;
	return true;
}

/* The last result with its leases, as JSON. */
static json_t *summary(const struct agent *a, const json_t *result)
{
	json_t *leases = leases_of(a), *domains = domains_of(result);

	return json_pack("{s:O?, s:s, s:o, s:o}", "case", json_object_get(result, "merestone_case"), "decision",
	        admitted(leases, domains) ? "allow" : "deny", "domains", domains, "leases", leases);
}

static void print_domains(const json_t *result)
{
	const char *name;
	json_t *sub;

	json_object_foreach(json_object_get(result, "submods"), name, sub)
	{
		const json_t *d = json_object_get(sub, "merestone_decision");

		if (json_is_true(json_object_get(d, "allow")))
			printf("%-16s allowed\n", name);
		else
			printf("%-16s denied   %s\n", name, json_text(d, "sentence"));
		if (*json_text(d, "hint"))
			printf("%-16s          the way out: %s\n", "", json_text(d, "hint"));
	}
}

static int tell_result(const struct cli *c, const struct agent *a, struct err *e)
{
	AUTO(json_free) json_t *result = agent_result(a, e);
	AUTO(json_free) json_t *s = result ? summary(a, result) : NULL;

	if (!result)
		return -1;
	if (c->json)
		cli_print_json(s);
	else
		print_domains(result);
	if (strcmp(json_string_value(json_object_get(s, "decision")), "allow") == 0)
		return 0;
	return err_set(e, WHY_REFUSED, "no domain admits this machine in case %lld",
	        (long long)json_integer_value(json_object_get(result, "merestone_case")));
}

/* A refusal for programs; the sentence for people goes to standard error as always. */
static int tell_refusal(const struct cli *c, const json_t *answer, const struct err *e)
{
	if (c->json) {
		AUTO(json_free)
		json_t *j = json_pack("{s:O?, s:{s:s, s:s, s:s}}", "case", json_object_get(answer, "case"), "error",
		        "reason", why_name(e->why), "sentence", e->text, "hint", e->hint);

		cli_print_json(j);
	}
	return -1;
}

/* ---- the verbs ---- */

static int attest(struct cli *c, struct agent *a, bool anew, struct err *e)
{
	AUTO(json_free) json_t *answer = NULL;
	const char *save = NULL;
	int rc;

	(void)cli_option(c, "--save-evidence", &save);
	if (!cli_args(c, 0, 0, e))
		return CLI_USAGE;
	rc = anew ? agent_enrol(a, save, &answer, e) : agent_renew(a, save, &answer, e);
	return rc ? tell_refusal(c, answer, e) : tell_result(c, a, e);
}

static int verb_attest(struct cli *c, struct agent *a, struct err *e)
{
	return attest(c, a, false, e);
}

static int verb_enrol(struct cli *c, struct agent *a, struct err *e)
{
	return attest(c, a, true, e);
}

static int verb_status(struct cli *c, struct agent *a, struct err *e)
{
	return cli_args(c, 0, 0, e) ? tell_result(c, a, e) : CLI_USAGE;
}

static int tell_data(const struct cli *c, const struct agent *a, const char *dataset, int rc, const struct err *e)
{
	if (c->json) {
		struct err none = {0};
		AUTO(json_free) json_t *result = agent_result(a, &none);
		AUTO(json_free)
		json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:O?}", "dataset", dataset, "decision",
		        rc ? "deny" : "allow", "reason", why_name(rc ? e->why : WHY_NONE), "sentence",
		        rc ? e->text : "", "case", json_object_get(result, "merestone_case"));

		cli_print_json(j);
	}
	return rc;
}

static int verb_data(struct cli *c, struct agent *a, struct err *e)
{
	int rc;

	if (!cli_args(c, 3, 3, e))
		return CLI_USAGE;
	if (strcmp(c->argv[0], "put") == 0)
		rc = agent_put(a, c->argv[1], c->argv[2], e);
	else if (strcmp(c->argv[0], "get") == 0)
		rc = agent_get(a, c->argv[1], c->argv[2], e);
	else
		return CLI_USAGE;
	return tell_data(c, a, c->argv[1], rc, e);
}

static int verb_tag(struct cli *c, struct agent *a, struct err *e)
{
	if (!cli_args(c, 2, 2, e))
		return CLI_USAGE;
	if (strcmp(c->argv[0], "request") == 0)
		return agent_tag_request(a, c->argv[1], e);
	if (strcmp(c->argv[0], "write") == 0)
		return agent_tag_write(a, c->argv[1], e);
	return CLI_USAGE;
}

static int verb_lease(struct cli *c, struct agent *a, struct err *e)
{
	if (!cli_args(c, 1, 1, e) || strcmp(c->argv[0], "end") != 0)
		return CLI_USAGE;
	return agent_end_leases(a, e);
}

static int verb_post(struct cli *c, struct agent *a, struct err *e)
{
	AUTO(mem_free) char *text = NULL;
	uint8_t *bytes = NULL;
	struct reply r;
	size_t n = 0;

	if (!cli_args(c, 2, 2, e))
		return CLI_USAGE;
	if (cli_read(c->argv[1], &bytes, &n, e))
		return -1;
	text = (char *)bytes;
	if (agent_connect(a, e) ||
	        client_call(a->client, "POST", c->argv[0], "application/octet-stream", VIEW(bytes, n), &r, e))
		return -1;
	fwrite(r.body.p, 1, r.body.n, stdout);
	putchar('\n');
	return client_refusal(&r, e);
}

/* ---- the loop ---- */

/* Half of what is left of the shortest lease; a minute when there is none. */
static unsigned renew_in_s(struct agent *a)
{
	size_t n = find_leases(a);
	struct quoter_status s;
	struct err ignored = {0};
	uint64_t left_ms = 120000, half_s;

	if (n > 0 && quoter_status(a->quoter, &s, &ignored) == 0)
		for (size_t i = 0; i < n; i++) {
			uint64_t end = here.deadlines_ms[i], left = end > s.clock.clock_ms ? end - s.clock.clock_ms : 0;

			left_ms = i == 0 || left < left_ms ? left : left_ms;
		}
	half_s = left_ms / 2000;
	return half_s < RENEW_MIN_S ? RENEW_MIN_S : half_s > RENEW_MAX_S ? RENEW_MAX_S : (unsigned)half_s;
}

/* Doubles, with up to half as much again at random, so that a fleet does not come back as one. */
static unsigned back_off(unsigned *delay)
{
	unsigned jitter = 0, now = *delay;

	if (getrandom(&jitter, sizeof jitter, 0) != (ssize_t)sizeof jitter)
		jitter = 0;
	*delay = now * 2 > RETRY_MAX_S ? RETRY_MAX_S : now * 2;
	return now + jitter % (now / 2 + 1);
}

/* Once, as soon as it is known: who admits this machine by its TPM needs it. */
static void tell_ek(const struct agent *a)
{
	static bool told;
	AUTO(mem_free) char *ek = told ? NULL : state_text(a->dir, "ek.sha256");

	if (!ek)
		return;
	log_info("endorsement key %s", ek);
	told = true;
}

/* After a refusal, or without a network, only what is open is opened again: so it ends with its lease. */
static void open_data(struct agent *a, bool attested)
{
	char hex[2 * SHA_LEN + 1];
	uint8_t digest[SHA_LEN];
	uint64_t size;

	for (size_t i = 0; i < a->config.ndata; i++) {
		struct err e = {0};

		if (!attested && !agent_data_is_open(a, a->config.data[i]))
			continue;
		if (agent_open_data(a, a->config.data[i], &size, digest, &e) == 0)
			log_info("dataset %s opened: %llu bytes, sha256 %s", a->config.data[i],
			        (unsigned long long)size, hex_put(hex, digest, sizeof digest));
		else
			log_err(&e);
	}
}

/* Until the time is over, or a doubt of the receiver wants to be told. */
static void doze(const struct agent *a, unsigned s)
{
	struct pollfd alarm = {.fd = a->locator ? locator_alarm_fd(a->locator) : -1, .events = POLLIN};

	(void)poll(&alarm, 1, (int)s * 1000);
}

/* Who started us can start all of us again. */
static bool helper_ended(const struct agent *a)
{
	return quoter_ended(a->quoter) || (a->locator && locator_alarm_fd(a->locator) < 0);
}

/* After an attestation; how long to wait for the next one. The authority is not asked as often as short leases end. */
static unsigned look_for_update(struct agent *a, const json_t *answer, unsigned wait_s)
{
	static time_t due;
	struct timespec now = {0};
	struct err why = {0};
	int got;

	if (!a->config.variant[0])
		return wait_s;
	if (strcmp(json_text(answer, "decision"), "allow") == 0 && agent_update_attested(a, &why))
		log_err(&why);
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	if (due > now.tv_sec)
		return wait_s;
	got = agent_update(a, &why);
	if (got < 0)
		log_err(&why);
	if (got == 1)
		return RENEW_MIN_S; /* the rest, with fresh leases */
	due = now.tv_sec + UPDATE_LOOK_S;
	return wait_s;
}

static int verb_run(struct cli *c, struct agent *a, struct err *e)
{
	struct sigaction sa = {.sa_handler = on_stop};
	unsigned delay = RETRY_MIN_S, wait_s;

	if (!cli_args(c, 0, 0, e))
		return CLI_USAGE;
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	while (!stopped) {
		AUTO(json_free) json_t *answer = NULL;
		struct err refused = {0};

		if (a->locator && locator_alarmed(a->locator, &refused) > 0)
			log_info("the receiver has a doubt: the authority is told now");
		if (agent_renew(a, NULL, &answer, &refused) == 0) {
			delay = RETRY_MIN_S;
			wait_s = renew_in_s(a);
			log_info("case %lld, again in %u s",
			        (long long)json_integer_value(json_object_get(answer, "case")), wait_s);
			open_data(a, true);
			wait_s = look_for_update(a, answer, wait_s);
		} else if (helper_ended(a)) {
			*e = refused;
			return -1;
		} else {
			log_err(&refused);
			open_data(a, false);
			wait_s = back_off(&delay);
		}
		tell_ek(a);
		if (!stopped)
			doze(a, wait_s);
	}
	return 0;
}

static const struct verb {
	const char *name, *args;
	int (*run)(struct cli *c, struct agent *a, struct err *e);
} verbs[] = {
        {"run", "", verb_run},
        {"attest", "[--save-evidence FILE]", verb_attest},
        {"enrol", "[--save-evidence FILE]", verb_enrol},
        {"status", "", verb_status},
        {"data", "put|get DATASET FILE", verb_data},
        {"tag", "request|write FILE", verb_tag},
        {"lease", "end", verb_lease},
        {"post", "PATH FILE", verb_post},
};

static int usage(void)
{
	fputs("usage:\n", stderr);
	for (size_t i = 0; i < COUNT(verbs); i++)
		fprintf(stderr, "  merestone-agent --config FILE [--json] %s %s\n", verbs[i].name, verbs[i].args);
	return CLI_USAGE;
}

/* Nothing could be asked: programs get the same members as of a refusal. */
static int tell_closed(const struct cli *c, const struct err *e)
{
	if (c->json) {
		AUTO(json_free)
		json_t *j = json_pack("{s:s, s:s, s:s, s:s}", "decision", "deny", "reason", why_name(e->why),
		        "sentence", e->text, "hint", e->hint);

		cli_print_json(j);
	}
	return -1;
}

/* What the verbs need once the quoter runs: files, one connection, the quoter. Nothing can be executed any more. */
static const char *const CALLS[] = {"brk", "clock_gettime", "clock_nanosleep", "close", "connect", "faccessat",
        "faccessat2", "fchmod", "fcntl", "fstat", "fsync", "futex", "getdents64", "getpeername", "getpid", "getrandom",
        "getsockname", "getsockopt", "gettimeofday", "ioctl", "kill", "lseek", "madvise", "mmap", "mremap", "munmap",
        "newfstatat", "openat", "poll", "read", "recvfrom", "recvmsg", "rename", "renameat", "rt_sigaction",
        "rt_sigprocmask", "sendmsg", "sendto", "setsockopt", "shutdown", "socket", "socketpair", "sysinfo", "unlink",
        "unlinkat", "wait4", "write", "writev", NULL};

/* An authority that is named, and not numbered, is looked up by threads and libraries of the system's choice, for which
 * no list can be made: that agent keeps its system calls. */
static int confine(const struct agent *a, struct err *e)
{
	const char *host = a->config.authority + strlen("https://"), *colon = strchr(host, ':');
	char text[64] = "";
	struct in_addr v4;
	size_t n = colon ? (size_t)(colon - host) : strlen(host);

	if (n < sizeof text)
		memcpy(text, host, n);
	return host[0] == '[' || inet_pton(AF_INET, text, &v4) == 1 ? sandbox_calls(CALLS, e) : 0;
}

/* A descriptor that was given to this process; -1 when the text says none. */
static int descriptor(const char *text)
{
	uint64_t fd;
	struct err ignored;

	return text && cli_whole(text, INT_MAX, "--quoter-fd", &fd, &ignored) == 0 ? (int)fd : -1;
}

static int run(const struct verb *v, struct cli *c, const char *config, int quoter_fd)
{
	char libexec[PATH_MAX];
	struct err e = {0};
	struct agent a = {.dir = -1};
	int rc;

	libexec_find(libexec);
	if (sandbox_early(&e) || agent_open(&a, config, libexec, quoter_fd, &e) || confine(&a, &e))
		rc = tell_closed(c, &e);
	else
		rc = v->run(c, &a, &e);
	agent_close(&a);
	if (rc == 0)
		return 0;
	if (e.why != WHY_NONE)
		log_err(&e);
	if (rc == CLI_USAGE)
		return usage();
	return e.why == WHY_SYSTEM ? 3 : 1;
}

int main(int argc, char **argv)
{
	struct cli c = {.argc = argc - 1, .argv = argv + 1};
	const char *config = "/etc/merestone/agent.json", *quoter = NULL;

	log_name("merestone-agent");
	c.json = cli_flag(&c, "--json");
	(void)cli_option(&c, "--config", &config);
	(void)cli_option(&c, "--quoter-fd", &quoter);
	if (c.argc < 1 || (quoter && descriptor(quoter) < 0))
		return usage();
	if (strcmp(c.argv[0], "--version") == 0 || strcmp(c.argv[0], "version") == 0)
		return puts("merestone-agent " MERESTONE_VERSION) == EOF;
	for (size_t i = 0; i < COUNT(verbs); i++)
		if (strcmp(verbs[i].name, c.argv[0]) == 0) {
			c.argc--;
			c.argv++;
			return run(&verbs[i], &c, config, descriptor(quoter));
		}
	return usage();
}
