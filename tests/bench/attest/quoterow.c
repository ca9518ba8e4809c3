#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "tests/bench/attest/attestbench.h"

enum { KEYLIME_US = 600 }; /* its check_quote in process, measured on this kind of machine */

extern char **environ;

struct quoted {
	const struct softbox *m;
	struct pcrs pcrs;
	uint8_t extra[SHA_LEN];
	struct softtpm_signed by_tpm;
	char ak[256], message[256], sig[256], hex[2 * SHA_LEN + 1]; /* arguments of tpm2_checkquote */
};

static void verify(void *bare)
{
	bare_verify(bare);
}

/* As the decider does it: the key comes as bytes, from the store. */
static void ours(void *arg)
{
	const struct quoted *x = arg;
	struct tpm_pub ak;
	struct quote q;
	uint8_t sig[ES256_SIG];
	struct err e;

	if (tpmpub_parse(softtpm_view(&x->m->ak), &ak, &e) != 0 ||
	        quote_parse(VIEW(x->by_tpm.attest, x->by_tpm.nattest), QUOTE_MASK, &q, &e) != 0 ||
	        quote_signature(VIEW(x->by_tpm.sig, x->by_tpm.nsig), sig, &e) != 0 ||
	        quote_check(&q, sig, &ak, x->extra, &x->pcrs, &e) != 0)
		abort();
}

/* It is not even given the registers. */
static int checkquote(struct quoted *x)
{
	char *argv[] = {"tpm2_checkquote", "-u", x->ak, "-m", x->message, "-s", x->sig, "-q", x->hex, NULL};
	posix_spawn_file_actions_t to;
	int status = -1;
	pid_t pid;

	posix_spawn_file_actions_init(&to);
	posix_spawn_file_actions_addopen(&to, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&to, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	int bad = posix_spawnp(&pid, argv[0], &to, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&to);
	return !bad && waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

static void theirs(void *arg)
{
	if (checkquote(arg) != 0)
		abort();
}

static int put(const char *dir, const char *name, struct view v, char path[256], struct err *e)
{
	if (snprintf(path, 256, "%s/quoted.%s", dir, name) >= 256)
		return err_set(e, WHY_MALFORMED, "the path of the directory is too long");
	return file_write(AT_FDCWD, path, v, 0644, e);
}

static int for_them(struct quoted *x, const char *dir, struct err *e)
{
	AUTO(mem_free) char *pem = NULL;
	size_t n;

	hex_put(x->hex, x->extra, SHA_LEN);
	if (es256_public_pem(x->m->ak.key, &pem, &n, e) != 0 || put(dir, "pem", VIEW(pem, n), x->ak, e) != 0 ||
	        put(dir, "attest", VIEW(x->by_tpm.attest, x->by_tpm.nattest), x->message, e) != 0)
		return -1;
	return put(dir, "sig", VIEW(x->by_tpm.sig, x->by_tpm.nsig), x->sig, e);
}

int quoterow_print(const struct softbox *m, const char *dir, struct err *e)
{
	struct quoted x = {.m = m};
	AUTO(bare_free) struct bare *b = bare_open(m->ak.key, e);

	memset(&x.pcrs, 0x11, sizeof x.pcrs);
	memset(x.extra, 0x22, sizeof x.extra);
	if (!b || softtpm_quote(&m->ak, x.extra, &x.pcrs, QUOTE_MASK, &x.by_tpm, e) != 0 || for_them(&x, dir, e) != 0)
		return -1;
	bool there = checkquote(&x) == 0;
	struct racer r[] = {{.once = ours, .arg = &x, .times = 400}, {.once = verify, .arg = b, .times = 400},
	        {.once = theirs, .arg = &x, .times = 6, .child = true}};
	race_run(r, there ? 3 : 2);
	race_row(&(struct race_row){"us", r[0].us, r[1].us, KEYLIME_US, 1.25}, "quote alone, beside ECDSA_verify");
	if (there)
		race_row(&(struct race_row){"us", r[0].us, 0, r[2].us, 0.01}, "quote alone, beside tpm2_checkquote");
	else
		fprintf(stderr, "tpm2_checkquote is left out: it is not at hand, or does not take this quote\n");
	return 0;
}
