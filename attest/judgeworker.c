#include "attest/judgeworker.h"

#include <jansson.h>
#include <time.h>

#include "base/log.h"
#include "base/ring.h"
#include "base/sandbox.h"

/* Fetches algorithms, reads OpenSSL's configuration, the time zone and /dev/urandom. */
int judgeworker_warm(struct err *e)
{
	static const uint8_t digest[SHA_LEN] = {1};
	uint8_t sig[ES256_SIG];

	sha_init();
	tzset();
	json_object_seed(0);
	AUTO(es256_free) struct es256 *k = es256_generate(e);
	if (!k || es256_sign_digest(k, digest, sig, e) != 0 || es256_verify_pub(k->pub, digest, sig, e) != 0)
		return err_in(e, "cannot prepare OpenSSL");
	return 0;
}

static int one_case(struct view ask, int out, bool *malformed, struct err *e)
{
	static uint8_t message[RING_MAX];
	static struct facts f;
	struct wr w = wr_to(message, sizeof message);

	if (judge_ask(ask, &f, e) != 0)
		return -1;
	if (facts_write(&w, &f) != 0)
		return err_set(e, WHY_SYSTEM, "facts do not fit a message");
	*malformed = f.refusal.why == WHY_MALFORMED;
	return ring_write(out, wr_done(&w), e);
}

/* Everything that a case may do to the system: read, write, compute. Nothing opens, connects or executes. */
static const char *const worker_calls[] = {"read", "write", "writev", "poll", "brk", "mmap", "munmap", "mremap",
        "madvise", "futex", "getpid", "getrandom", "clock_gettime", NULL};

int judgeworker_run(int in, int out)
{
	struct ring_in asks;
	struct view ask;
	struct err e;
	bool malformed = false;
	int more = -1;

	ring_open(&asks, in);
	if (sandbox_calls(worker_calls, &e) == 0)
		while (!malformed && (more = ring_read(&asks, &ask, &e)) == 1)
			if (one_case(ask, out, &malformed, &e) != 0) {
				more = -1;
				break;
			}
	ring_close(&asks);
	if (more < 0)
		log_err(&e);
	return more < 0;
}
