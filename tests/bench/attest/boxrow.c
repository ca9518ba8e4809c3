#include <stdlib.h>
#include <string.h>

#include "tests/bench/attest/attestbench.h"

enum { LOG = EVENTLOG_MAX };

struct box {
	const uint8_t *nonce;
	uint8_t *bytes;
	size_t n;
};

static void parse(void *arg)
{
	const struct box *b = arg;
	struct evidence ev;
	struct err e;

	if (evidence_parse(VIEW(b->bytes, b->n), &ev, &e) != 0 || !ev.part[PART_EVENTLOG].p)
		abort();
}

static void bind(void *arg)
{
	const struct box *b = arg;
	struct evidence ev;
	uint8_t extra[SHA_LEN];
	struct err e;

	if (evidence_parse(VIEW(b->bytes, b->n), &ev, &e) != 0)
		abort();
	evidence_binding(extra, b->nonce, &ev);
}

static void hash(void *arg)
{
	const struct box *b = arg;
	uint8_t digest[SHA_LEN];

	bare_sha256(digest, VIEW(b->bytes, b->n), VIEW(NULL, 0));
}

int boxrow_print(const struct softbox *m, struct err *e)
{
	static uint8_t log[LOG];
	struct boot boot = {0};
	struct softbox_sends s = {.log = VIEW_OF(log), .boot = &boot};
	struct softbox_asks asks = {0};
	struct ask a;

	memset(log, 0x33, sizeof log);
	if (softbox_asks(m, &s, &asks, e) != 0 || ask_read(asks.ask[0], &a, e) != 0) {
		softbox_forget(&asks);
		return -1;
	}
	struct box b = {.nonce = m->nonce, .bytes = (uint8_t *)(uintptr_t)a.body.p, .n = a.body.n};
	struct racer r[] = {{.once = parse, .arg = &b, .times = 20000}, {.once = bind, .arg = &b, .times = 50},
	        {.once = hash, .arg = &b, .times = 50}};
	race_run(r, COUNT(r));
	double kb = (double)b.n / 1e3; /* per microsecond: GB/s */
	race_row(&(struct race_row){.unit = "GB/s", .value = kb / r[0].us, .goal = 1},
	        "container of %zu bytes, parsed into views", b.n);
	race_row(&(struct race_row){.unit = "GB/s", .value = kb / r[1].us, .floor = kb / r[2].us, .goal = 1},
	        "container of %zu bytes, parsed and bound to the nonce", b.n);
	softbox_forget(&asks);
	return 0;
}
