/* The measured end of one exchange. It answers at once and keeps no time: the landmark does. */
#include <string.h>

#include "attest/landmark.h"

static void put(struct prove *p, const struct boundmsg *m)
{
	struct wr w = wr_to(p->last, sizeof p->last);

	boundmsg_write(&w, m);
	p->nlast = wr_done(&w).n;
}

static void hello(struct prove *p)
{
	struct boundmsg m = {.kind = BOUND_HELLO};

	memcpy(m.key, p->own->pub, sizeof m.key);
	memcpy(m.context, p->context, sizeof m.context);
	memcpy(m.cookie, p->cookie, sizeof m.cookie);
	put(p, &m);
}

void prove_open(struct prove *p, const struct prove_target *t, const struct es256 *own, const uint8_t context[SHA_LEN])
{
	*p = (struct prove){.target = *t, .own = own};
	memcpy(p->context, context, SHA_LEN);
	hello(p);
}

void prove_close(struct prove *p)
{
	mem_wipe(p, sizeof *p);
}

static void answer(struct prove *p, uint16_t round, const uint8_t challenge[BOUND_CHALLENGE_LEN])
{
	struct boundmsg m = {.kind = BOUND_ANSWER, .session = p->session, .round = round};

	bound_answer(m.value, p->session_key, round, challenge);
	put(p, &m);
}

static bool start(struct prove *p, const struct boundmsg *m)
{
	struct err e;

	if (p->started && p->session != m->session)
		return false;
	if (!p->started && bound_key(p->own, p->own->pub, m->key, p->context, p->session_key, &e) != 0)
		return false;
	p->session = m->session;
	p->started = true;
	answer(p, 0, m->value);
	return true;
}

/* Nobody else's statement is taken, nor one of another measurement: the authority would refuse the evidence for it. */
static bool finish(struct prove *p, struct view v)
{
	struct bound b;
	struct err e;

	if (bound_parse(v, &b, &e) != 0 || bound_signed(&b, p->target.key, &e) != 0 ||
	        strcmp(b.landmark, p->target.name) != 0 || memcmp(b.context, p->context, sizeof b.context) != 0 ||
	        memcmp(b.prover, p->own->pub, sizeof b.prover) != 0)
		return false;
	memcpy(p->statement, v.p, v.n);
	p->nstatement = v.n;
	p->done = true;
	return false;
}

bool prove_take(struct prove *p, struct view datagram)
{
	struct boundmsg m;

	if (p->done || !boundmsg_read(datagram, &m))
		return false;
	if (m.kind == BOUND_COOKIE && !p->started) {
		bool again = memcmp(p->cookie, m.cookie, sizeof m.cookie) == 0;
		memcpy(p->cookie, m.cookie, sizeof m.cookie);
		hello(p);
		return !again;
	}
	if (m.kind == BOUND_START)
		return start(p, &m);
	if (!p->started || m.session != p->session)
		return false;
	if (m.kind == BOUND_STATEMENT)
		return finish(p, m.statement);
	if (m.kind != BOUND_CHALLENGE)
		return false;
	answer(p, m.round, m.value);
	return true;
}
