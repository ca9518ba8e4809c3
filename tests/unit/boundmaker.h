/* boundmaker: a landmark and a machine that meet in memory, with a clock of the test's own. */
#ifndef TESTS_BOUNDMAKER_H
#define TESTS_BOUNDMAKER_H

#include <string.h>

#include "attest/landmark.h"
#include "tests/unit/unit.h"

struct meeting {
	struct es256 *key, *own; /* the landmark's and the prover's */
	struct landmark l;
	struct prove p;
	struct endpoint from;
	struct landmark_now now;
	uint64_t away_ns; /* there and back */
	struct landmark_out out;
};

static inline void boundmaker_open(struct meeting *m)
{
	struct err e;
	struct prove_target t = {.name = "tower"};
	uint8_t context[SHA_LEN];

	memset(m, 0, sizeof *m);
	m->key = es256_generate(&e);
	m->own = es256_generate(&e);
	assert_true(m->key && m->own);
	assert_accepted(landmark_open(&m->l, "tower", m->key, &e), &e);
	assert_accepted(endpoint_parse("192.0.2.7:5000", &m->from, &e), &e);
	memcpy(t.key, m->key->pub, ES256_PUB);
	memset(context, 0xc0, sizeof context);
	prove_open(&m->p, &t, m->own, context);
	m->now = (struct landmark_now){.ns = UINT64_C(5000000000000), .wall_s = 1800000000};
	m->away_ns = 30000;
}

static inline void boundmaker_close(struct meeting *m)
{
	landmark_close(&m->l);
	prove_close(&m->p);
	es256_free(m->key);
	es256_free(m->own);
}

/* A datagram reaches the landmark, and its answer leaves at once. */
static inline void boundmaker_reach(struct meeting *m, struct view v)
{
	landmark_take(&m->l, &m->from, v, m->now, &m->out);
	if (m->out.timed)
		m->out.timed->sent_ns = m->now.ns;
}

/* The prover's last datagram and the answer to it. False when one of the two had nothing to say. */
static inline bool boundmaker_step(struct meeting *m)
{
	boundmaker_reach(m, VIEW(m->p.last, m->p.nlast));
	m->now.ns += m->away_ns;
	return m->out.n > 0 && prove_take(&m->p, VIEW(m->out.bytes, m->out.n));
}

/* cookie, hello, start: the prover has answered round 0, and the landmark has not seen it */
static inline void boundmaker_start(struct meeting *m)
{
	assert_true(boundmaker_step(m));
	assert_true(boundmaker_step(m));
	assert_true(m->p.started);
}

#endif
