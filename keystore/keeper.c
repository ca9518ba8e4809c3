/* The keeper: holds the keys, is fed only verdicts, answers the door. merestone-keeper is started by merestoned. */
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/ring.h"
#include "base/sandbox.h"
#include "keystore/keystore.h"

enum {
	CA_PEM_MAX = 16 * 1024,
	PASSPHRASE_MAX = 1024,
	SECURE_HEAP = 64 * 1024, /* OpenSSL puts private numbers of keys there: three keys and one at work */
	SECURE_MIN = 32,
	TOGETHER_MAX = 8, /* answers in one write; a signature each, so the first waits half a millisecond */
};

struct keeper {
	const char *trust_domain;
	int passphrase_fd;
	struct keyring keys;
	uint8_t *ca_pem;
	size_t ca_pem_n;
	struct ring_in in;
	struct verdict verdict;
	uint8_t body[ANSWER_BODY_MAX];
	uint8_t out[2 * (RING_MAX + RING_PREFIX)]; /* answers that wait to be written together */
	size_t used;
	unsigned waiting;
};

static struct keeper self = {.passphrase_fd = -1};

/* ---- Before the sandbox: everything that is ever read from a file ---- */

static int read_passphrase(int fd, uint8_t *buf, size_t cap, size_t *n, struct err *e)
{
	*n = 0;
	while (*n < cap) {
		ssize_t got = read(fd, buf + *n, cap - *n);
		if (got < 0)
			return err_sys(e, "cannot read the passphrase");
		if (got == 0)
			break;
		*n += (size_t)got;
	}
	if (*n == cap)
		return err_set(e, WHY_SYSTEM, "the passphrase has more than %d bytes", PASSPHRASE_MAX - 1);
	while (*n > 0 && (buf[*n - 1] == '\n' || buf[*n - 1] == '\r'))
		--*n;
	return 0;
}

static int open_keys(struct keeper *k, struct err *e)
{
	uint8_t pass[PASSPHRASE_MAX];
	size_t n = 0;
	int result = k->passphrase_fd >= 0 ? read_passphrase(k->passphrase_fd, pass, sizeof pass, &n, e) : 0;
	if (result == 0)
		result = keyring_open(AT_FDCWD, VIEW(pass, n), &k->keys, e);
	mem_wipe(pass, sizeof pass);
	fd_close(k->passphrase_fd);
	return result;
}

static int load(struct keeper *k, struct err *e)
{
	if (CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_MIN) != 1)
		return err_sys(e, "memory for keys can not be locked");
	sha_init();
	if (file_read(AT_FDCWD, "ca.pem", CA_PEM_MAX, &k->ca_pem, &k->ca_pem_n, e) != 0)
		return -1;
	if (open_keys(k, e) != 0)
		return -1;
	malloc_trim(0); /* scrypt took 16 MiB for a moment */
	tzset();        /* reads a file, and certificates have times */
	return 0;
}

/* ---- The allowlist, and the loop it guards ---- */

/* The ring and standard error; memory, locked where it holds secrets; what OpenSSL's generator asks. */
static const char *const CALLS[] = {"read", "write", "writev", "poll", "close", "brk", "mmap", "munmap", "mremap",
        "madvise", "mlock", "munlock", "getrandom", "getpid", "clock_gettime", "gettimeofday", "time", "futex", NULL};

static int enter_sandbox(struct err *e)
{
	bool enforced = false;
	if (sandbox_files(-1, &enforced, e) != 0)
		return -1;
	return sandbox_calls(CALLS, e);
}

/* A verdict that can not be carried out is answered too, and keeps its nonce unless that was to stay hidden. */
static void refuse(struct answer *a, struct wr *w, const struct verdict *v, const struct err *why)
{
	bool hidden = v->kind == VERDICT_CREDENTIAL;
	log_err(why);
	keeper_refuse(w, v->case_no, why, v->has_nonce && !hidden ? v->nonce : NULL);
	a->why = why->why;
}

static int handle(struct keeper *k, struct view message, struct err *e)
{
	uint8_t *frame = k->out + k->used;
	struct wr body = wr_to(k->body, sizeof k->body), out = wr_to(frame + RING_PREFIX, RING_MAX);
	struct verdict *v = &k->verdict;
	struct answer a = {0};
	struct err failed = {0};
	if (verdict_read(message, v, e) != 0)
		return err_in(e, "verdict");
	a.ticket = v->ticket;
	if (keeper_answer(&k->keys, VIEW(k->ca_pem, k->ca_pem_n), k->trust_domain, v, time(NULL), &body, &a.why,
	            &failed) != 0)
		refuse(&a, &body, v, &failed);
	a.body = wr_done(&body);
	if (answer_write(&out, &a) != 0)
		return err_set(e, WHY_SYSTEM, "an answer does not fit the ring");
	ring_frame(frame, out.n);
	k->used += RING_PREFIX + out.n;
	k->waiting++;
	return 0;
}

static int flush(struct keeper *k, struct err *e)
{
	size_t n = k->used;
	k->used = 0;
	k->waiting = 0;
	return ring_flush(RING_OUT, VIEW(k->out, n), e);
}

static bool full(const struct keeper *k)
{
	return k->waiting == TOGETHER_MAX || sizeof k->out - k->used < RING_MAX + RING_PREFIX;
}

static int loop(struct keeper *k, struct err *e)
{
	struct view message;
	int got;
	ring_open(&k->in, RING_IN);
	while ((got = ring_read(&k->in, &message, e)) == 1) {
		struct err unsent;
		int bad = handle(k, message, e);
		/* Verdicts that came together are answered together: the door wakes once. */
		if ((bad || full(k) || !ring_has(&k->in)) && flush(k, bad ? &unsent : e) != 0)
			return -1;
		if (bad)
			return -1;
	}
	return got;
}

static int usage(void)
{
	static const char text[] = "usage: keeper --trust-domain NAME [--passphrase-fd FD]\n";
	return write(STDERR_FILENO, text, sizeof text - 1) > 0 ? 2 : 3;
}

static bool options(struct keeper *k, int argc, char **argv)
{
	static const struct option known[] = {
	        {"trust-domain", required_argument, NULL, 't'},
	        {"passphrase-fd", required_argument, NULL, 'p'},
	        {0},
	};
	for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
		if (c == 't')
			k->trust_domain = optarg;
		else if (c == 'p' && optarg[0] >= '0' && optarg[0] <= '9' && !optarg[1])
			k->passphrase_fd = optarg[0] - '0';
		else
			return false;
	}
	return k->trust_domain && optind == argc;
}

int main(int argc, char **argv)
{
	struct err e = {0};
	log_name("merestone-keeper");
	if (!options(&self, argc, argv))
		return usage();
	if (sandbox_early(&e) != 0 || load(&self, &e) != 0 || enter_sandbox(&e) != 0 || loop(&self, &e) != 0) {
		log_err(&e);
		return 1;
	}
	ring_close(&self.in);
	keyring_close(&self.keys);
	free(self.ca_pem);
	return 0;
}
