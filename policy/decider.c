/* decider: facts in, verdicts out. Reads what it can take at once, decides, commits, and only then answers. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/ring.h"
#include "base/sandbox.h"
#include "policy/decider.h"

enum { REST_NS = 500 * 1000 }; /* as long as two cases take to get here */

/* Below its own directory files may be opened: the store needs its journal. Nothing connects, executes or forks. */
static const char *const allowed[] = {"read", "write", "writev", "poll", "close", "openat", "pread64", "pwrite64",
        "fdatasync", "fsync", "ftruncate", "fallocate", "fcntl", "lseek", "newfstatat", "fstat", "stat", "lstat",
        "access", "unlink", "fchmod", "fchown", "readlink", "getcwd", "geteuid", "getpid", "brk", "mmap", "munmap",
        "mremap", "madvise", "futex", "getrandom", "clock_gettime", "clock_nanosleep", "gettimeofday", NULL};

static int give_up_powers(struct err *e)
{
	AUTO(fd_close) int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool enforced;

	if (here < 0)
		return err_sys(e, "cannot open the decider's directory");
	if (sandbox_files(here, &enforced, e))
		return -1;
	if (!enforced)
		log_warn("this kernel has no Landlock; files are guarded by their owner alone");
	return sandbox_calls(allowed, e);
}

/* Fills a group while more is ready, so that one fsync serves many. Where cases came together others are on their way: a
 * short rest lets them catch up. Who asks alone does not wait. */
static int loop(struct decider *d, struct batch *b, struct ring_in *in, struct err *e)
{
	const struct timespec rest = {.tv_nsec = REST_NS};
	struct view message;
	bool crowd = false;
	int got;

	while ((got = ring_read(in, &message, e)) == 1) {
		if (crowd)
			(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, NULL);
		d->now = (int64_t)time(NULL);
		do
			batch_add(b, message);
		while (!batch_full(b) && ring_ready(in) && (got = ring_read(in, &message, e)) == 1);
		crowd = b->n > 1;
		if (batch_end(b, RING_OUT, e))
			return -1;
		if (got != 1)
			break;
	}
	return got < 0 ? -1 : 0;
}

static int serve(const char *trust_domain, struct err *e)
{
	struct batch b = {.anchor = -1};
	struct ring_in in;

	if (sandbox_early(e))
		return -1;
	AUTO(decider_close) struct decider *d = decider_open(trust_domain, e);
	if (!d)
		return -1;
	AUTO(fd_close) int anchor = anchor_open(&d->store, &d->head, e);
	if (anchor < 0 || batch_open(&b, d, anchor, e))
		return -1;
	ring_open(&in, RING_IN);
	int bad = give_up_powers(e) || loop(d, &b, &in, e);
	ring_close(&in);
	batch_close(&b);
	return bad ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct err e = {0};

	log_name("merestone-decider");
	if (argc != 3 || strcmp(argv[1], "--trust-domain") != 0) {
		err_set(&e, WHY_SYSTEM, "usage: decider --trust-domain NAME; merestoned starts it");
		log_err(&e);
		return 2;
	}
	sha_init();
	if (serve(argv[2], &e) == 0)
		return EXIT_SUCCESS;
	log_err(&e);
	return EXIT_FAILURE;
}
