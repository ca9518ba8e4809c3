/* Datagrams of a distance measurement, to a landmark and to a prover. What is read has one form. */
#include <stdlib.h>

#include "attest/landmark.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct landmark l;
	static struct landmark_now now = {.wall_s = 1800000000};
	static struct es256 *key;
	static struct prove prove;
	static const struct endpoint from = {.port = 5000};
	const struct prove_target target = {.name = "tower"};
	const uint8_t context[SHA_LEN] = {0};
	uint8_t again[BOUNDMSG_MAX];
	struct wr w = wr_to(again, sizeof again);
	struct landmark_out out;
	struct boundmsg m;
	struct err e;

	if (!key && (!(key = es256_generate(&e)) || landmark_open(&l, "tower", key, &e) != 0))
		abort();
	if (boundmsg_read(VIEW(p, n), &m) && n <= sizeof again) {
		boundmsg_write(&w, &m);
		if (!view_equal(wr_done(&w), VIEW(p, n)))
			abort();
	}
	now.ns += 1000000;
	landmark_take(&l, &from, VIEW(p, n), now, &out);
	landmark_late(&l, now, &out);
	prove_open(&prove, &target, key, context);
	(void)prove_take(&prove, VIEW(p, n));
	return 0;
}
