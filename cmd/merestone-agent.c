/* merestone-agent: the cloudlet. Outbound HTTPS only; the TPM belongs to the quoter. Exit 0 yes, 1 no, 2 usage, 3 could
 * not ask. */
#include <arpa/inet.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/sandbox.h"
#include "cmd/agentloop.h"
#include "cmd/agentsay.h"
#include "cmd/libexec.h"

static int attest(struct cli *c, struct agent *a, bool anew, struct err *e)
{
	AUTO(json_free) json_t *answer = NULL;
	const char *save = NULL;
	int rc;

	(void)cli_option(c, "--save-evidence", &save);
	if (!cli_args(c, 0, 0, e))
		return CLI_USAGE;
	rc = anew ? agent_enrol(a, save, &answer, e) : agent_renew(a, save, &answer, e);
	return rc ? agentsay_refusal(c, answer, e) : agentsay_result(c, a, e);
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
	return cli_args(c, 0, 0, e) ? agentsay_result(c, a, e) : CLI_USAGE;
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
	return agentsay_data(c, a, c->argv[1], rc, e);
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

static const struct verb {
	const char *name, *args;
	int (*run)(struct cli *c, struct agent *a, struct err *e);
} verbs[] = {
        {"run", "", agentloop_run},
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
		rc = agentsay_closed(c, &e);
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
