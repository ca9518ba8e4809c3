/* quoter: owns the machine's TPM and its boot log. It knows no network; the agent that started it is its only client. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "attest/quoterops.h"
#include "base/file.h"
#include "base/log.h"
#include "base/sandbox.h"

struct options {
	const char *state, *tcti, *eventlog, *ima;
};

static int options_read(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {
	        {"state", required_argument, NULL, 's'},
	        {"tcti", required_argument, NULL, 't'},
	        {"eventlog", required_argument, NULL, 'e'},
	        {"ima", required_argument, NULL, 'i'},
	        {NULL, 0, NULL, 0},
	};
	int c;
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 's')
			o->state = optarg;
		else if (c == 't')
			o->tcti = optarg;
		else if (c == 'e')
			o->eventlog = optarg;
		else if (c == 'i')
			o->ima = optarg;
		else
			return -1;
	}
	return optind == argc && o->state && o->tcti && o->eventlog ? 0 : -1;
}

/* The agent's state directory holds ours; each may be new. */
static int state_open(const char *path, int *dirfd, struct quoterops *q, struct err *e)
{
	if (file_mkdir(AT_FDCWD, path, 0700, e) != 0)
		return -1;
	AUTO(fd_close) int agents = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (agents < 0)
		return err_sys(e, "cannot open %s", path);
	if (file_mkdir(agents, "quoter", 0700, e) != 0)
		return err_in(e, "%s", path);
	*dirfd = openat(agents, "quoter", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*dirfd < 0)
		return err_sys(e, "cannot open %s/quoter", path);
	q->lock = openat(*dirfd, "tpm.lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	q->session = openat(*dirfd, "tag.session", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return q->lock < 0 || q->session < 0 ? err_sys(e, "cannot open the files in %s/quoter", path) : 0;
}

/* Everything that opens a file or loads a library, before the sandbox. */
static int prepare(const struct options *o, struct quoterops *q, struct err *e)
{
	AUTO(fd_close) int dirfd = -1;
	uint8_t warm[SHA_LEN];
	sha_init();
	(void)RAND_bytes(warm, sizeof(warm));
	EVP_CIPHER_free(EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL));
	q->log_path = o->eventlog;
	q->log = open(o->eventlog, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (q->log < 0 && errno != ENOENT)
		return err_sys(e, "event log %s", o->eventlog);
	q->ima = o->ima && o->ima[0] ? open(o->ima, O_RDONLY | O_CLOEXEC | O_NOCTTY) : -1;
	if (q->ima < 0 && o->ima && o->ima[0] && errno != ENOENT)
		return err_sys(e, "runtime list %s", o->ima);
	if (state_open(o->state, &dirfd, q, e) != 0 || tpm_open(&q->tpm, o->tcti, e) != 0)
		return -1;
	if (flock(q->lock, LOCK_EX) != 0)
		return err_sys(e, "cannot lock the TPM");
	int bad = tpmkeys_open(&q->tpm, dirfd, &q->keys, e);
	(void)flock(q->lock, LOCK_UN);
	return bad;
}

static int reply_send(const struct wr *reply)
{
	struct view body = wr_done(reply);
	uint8_t head[4];
	struct wr h = wr_to(head, sizeof(head));
	wr_be32(&h, (uint32_t)body.n);
	return fd_write_all(QUOTER_SOCKET, head, sizeof(head)) == 0 ? fd_write_all(QUOTER_SOCKET, body.p, body.n) : -1;
}

/* 1: a request; 0: the agent is gone; -1: it sends nonsense. */
static int request_read(uint8_t buf[QUOTER_REQUEST_MAX], size_t *n)
{
	uint8_t head[4];
	int got = fd_read_all(QUOTER_SOCKET, head, sizeof(head));
	if (got != 1)
		return got;
	struct rd r = rd_of(VIEW_OF(head));
	*n = rd_upto(&r, rd_be32(&r), QUOTER_REQUEST_MAX);
	return rd_end(&r) ? fd_read_all(QUOTER_SOCKET, buf, *n) : -1;
}

/* The powers of the loop below. The link to a software TPM is a new Unix socket for each command; a real TPM and the
 * boot log are descriptors that are open. No file is opened any more. */
static const char *const powers[] = {"brk", "clock_gettime", "close", "connect", "flock", "ftruncate", "futex",
        "getpid", "getrandom", "madvise", "mlock", "mmap", "mremap", "munmap", "poll", "pread64", "pwrite64", "read",
        "recvmsg", "socket", "write", NULL};

static int confine(struct err *e)
{
	bool enforced;
	return sandbox_files(-1, &enforced, e) == 0 ? sandbox_calls(powers, e) : -1;
}

static int serve(struct quoterops *q)
{
	static uint8_t request[QUOTER_REQUEST_MAX], out[QUOTER_REPLY_MAX];
	struct wr reply = wr_to(out, sizeof(out));
	size_t n = 0;
	int got;
	wr_u8(&reply, WHY_NONE); /* ready */
	while (reply_send(&reply) == 0 && (got = request_read(request, &n)) == 1) {
		reply = wr_to(out, sizeof(out));
		quoterops_answer(q, VIEW(request, n), &reply);
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct quoterops q = {.lock = -1, .session = -1, .log = -1, .ima = -1, .socket = QUOTER_SOCKET};
	struct options o = {0};
	struct err e = {0};
	log_name("merestone-quoter");
	if (options_read(argc, argv, &o) != 0) {
		log_warn("usage: quoter --state DIR --tcti TCTI --eventlog FILE [--ima FILE], with a socket as "
		         "descriptor 3");
		return 2;
	}
	if (sandbox_early(&e) == 0 && prepare(&o, &q, &e) == 0 && confine(&e) == 0)
		return serve(&q);
	uint8_t out[1024];
	struct wr reply = wr_to(out, sizeof(out));
	quoterops_refuse(&reply, &e);
	/* Who started us says it; without one, the log does. */
	if (reply_send(&reply) != 0)
		log_err(&e);
	tpm_close(&q.tpm);
	return 3;
}
