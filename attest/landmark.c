/* The measuring end. One session is a cookie, a start and some rounds; the state of all of them is in one small table. */
#include "attest/landmark.h"

#include <openssl/rand.h>
#include <string.h>

#define MS_NS UINT64_C(1000000)

int landmark_open(struct landmark *l, const char *name, struct es256 *key, struct err *e)
{
	memset(l, 0, sizeof *l);
	if (!name_get(l->name, VIEW(name, strlen(name))))
		return err_set(e, WHY_MALFORMED, "the landmark has no proper name");
	l->key = key;
	return RAND_bytes(l->cookie_key, sizeof l->cookie_key) == 1 ? 0 : err_set(e, WHY_SYSTEM, "no random numbers");
}

static void end(struct landmark_session *s)
{
	mem_wipe(s, sizeof *s);
}

void landmark_close(struct landmark *l)
{
	mem_wipe(l, sizeof *l);
}

/* ---- Sending ---- */

static void put(struct landmark_out *out, const struct endpoint *to, const struct boundmsg *m)
{
	struct wr w = wr_to(out->bytes, sizeof out->bytes);

	boundmsg_write(&w, m);
	out->n = wr_done(&w).n;
	out->to = *to;
}

/* Round 0 goes with the start, so that only who has the key can be in time. */
static void challenge(struct landmark_session *s, struct landmark_out *out)
{
	struct boundmsg m = {
	        .kind = s->round == 0 ? BOUND_START : BOUND_CHALLENGE, .session = s->id, .round = s->round};

	memcpy(m.key, s->own, sizeof m.key);
	memcpy(m.value, s->challenge, sizeof m.value);
	put(out, &s->peer, &m);
	out->timed = s;
}

static void statement(struct landmark_session *s, struct landmark_out *out)
{
	const struct boundmsg m = {
	        .kind = BOUND_STATEMENT, .session = s->id, .statement = VIEW(s->statement, s->nstatement)};

	put(out, &s->peer, &m);
}

/* ---- HELLO ---- */

/* Nothing is kept of who has not shown that he gets what is sent to his address, and a cookie is no longer than what it
 * answers. */
static void cookie(const struct landmark *l, const struct endpoint *from, const struct boundmsg *m, int64_t period,
        uint8_t out[BOUND_COOKIE_LEN])
{
	uint8_t tail[2 + 8];
	struct wr w = wr_to(tail, sizeof tail);

	wr_be16(&w, from->port);
	wr_be64(&w, (uint64_t)period);
	const struct view parts[] = {VIEW_OF(from->ip), VIEW_OF(m->key), VIEW_OF(m->context), VIEW_OF(tail)};
	hmac256(out, VIEW_OF(l->cookie_key), parts, COUNT(parts));
}

static bool shows_cookie(
        const struct landmark *l, const struct endpoint *from, const struct boundmsg *m, struct landmark_now now)
{
	uint8_t good[BOUND_COOKIE_LEN];
	int64_t period = (int64_t)(now.ns / (MS_NS * 1000)) / LANDMARK_COOKIE_S;

	for (int64_t p = period; p >= period - 1; p--) {
		cookie(l, from, m, p, good);
		if (mem_equal(good, m->cookie, sizeof good))
			return true;
	}
	return false;
}

static void give_cookie(const struct landmark *l, const struct endpoint *from, const struct boundmsg *m,
        struct landmark_now now, struct landmark_out *out)
{
	struct boundmsg answer = {.kind = BOUND_COOKIE};

	cookie(l, from, m, (int64_t)(now.ns / (MS_NS * 1000)) / LANDMARK_COOKIE_S, answer.cookie);
	put(out, from, &answer);
}

static bool same_host(const struct endpoint *a, const struct endpoint *b)
{
	return memcmp(a->ip, b->ip, endpoint_is_v4(a) ? sizeof a->ip : sizeof a->ip / 2) == 0;
}

/* A place, if this host has not its share of those that are measured now. One that is done only waits for its statement to
 * be lost, and makes room. */
static struct landmark_session *room(struct landmark *l, const struct endpoint *from)
{
	struct landmark_session *best = NULL;
	unsigned theirs = 0;

	for (size_t i = 0; i < LANDMARK_SESSIONS; i++) {
		struct landmark_session *s = &l->session[i];
		if (!s->used || (s->done && !best))
			best = s;
		else if (!s->done && same_host(&s->peer, from))
			theirs++;
	}
	if (!best || theirs >= LANDMARK_HOST_SESSIONS)
		return NULL;
	end(best);
	return best;
}

static int begin(struct landmark_session *s, const struct endpoint *from, const struct boundmsg *m, struct err *e)
{
	AUTO(es256_free) struct es256 *own = es256_generate(e);

	if (!own || bound_key(own, m->key, own->pub, m->context, s->key, e) != 0)
		return -1;
	if (RAND_bytes((uint8_t *)&s->id, sizeof s->id) != 1 || RAND_bytes(s->challenge, sizeof s->challenge) != 1)
		return err_set(e, WHY_SYSTEM, "no random numbers");
	s->peer = *from;
	memcpy(s->prover, m->key, sizeof s->prover);
	memcpy(s->context, m->context, sizeof s->context);
	memcpy(s->own, own->pub, sizeof s->own);
	const struct view parts[] = {VIEW_OF(s->prover), VIEW_OF(s->own), VIEW_OF(s->context)};
	sha256_n(s->transcript, parts, COUNT(parts));
	return 0;
}

static struct landmark_session *of_hello(struct landmark *l, const struct endpoint *from, const struct boundmsg *m)
{
	for (size_t i = 0; i < LANDMARK_SESSIONS; i++) {
		struct landmark_session *s = &l->session[i];
		if (s->used && endpoint_equal(&s->peer, from) && memcmp(s->prover, m->key, sizeof m->key) == 0 &&
		        memcmp(s->context, m->context, sizeof m->context) == 0)
			return s;
	}
	return NULL;
}

/* A start that was lost is asked for by the same HELLO; what is timed then is the first one, which is only longer. */
static void hello(struct landmark *l, const struct endpoint *from, const struct boundmsg *m, struct landmark_now now,
        struct landmark_out *out)
{
	struct landmark_session *s = of_hello(l, from, m);
	struct err e;

	if (!shows_cookie(l, from, m, now)) {
		give_cookie(l, from, m, now, out);
		return;
	}
	if (s) {
		if (s->round == 0 && !s->done)
			challenge(s, out);
		out->timed = NULL;
		return;
	}
	s = room(l, from);
	if (!s)
		return;
	if (begin(s, from, m, &e) != 0) {
		end(s);
		return;
	}
	s->used = true;
	s->began_ns = s->sent_ns = now.ns;
	challenge(s, out);
}

/* ---- Rounds ---- */

static void note(struct landmark_session *s, const uint8_t answer[BOUND_CHALLENGE_LEN], uint64_t rtt_ns)
{
	uint8_t head[2 + 8];
	struct wr w = wr_to(head, sizeof head);

	wr_be16(&w, s->round);
	wr_be64(&w, rtt_ns);
	const struct view parts[] = {
	        VIEW_OF(s->transcript), VIEW_OF(head), VIEW_OF(s->challenge), VIEW(answer, BOUND_CHALLENGE_LEN)};
	sha256_n(s->transcript, parts, COUNT(parts));
	s->rtt_ns = s->rounds == 0 || rtt_ns < s->rtt_ns ? rtt_ns : s->rtt_ns;
	s->rounds++;
}

static int next_round(struct landmark_session *s, struct landmark_now now, struct landmark_out *out)
{
	s->round++;
	s->sent_ns = now.ns;
	if (RAND_bytes(s->challenge, sizeof s->challenge) != 1)
		return -1;
	challenge(s, out);
	return 0;
}

static int finish(struct landmark *l, struct landmark_session *s, struct landmark_now now, struct landmark_out *out)
{
	struct bound b = {.rounds = s->rounds, .rtt_ns = s->rtt_ns > 0 ? s->rtt_ns : 1, .time = now.wall_s};
	struct wr w = wr_to(s->statement, sizeof s->statement);
	struct err e;

	memcpy(b.landmark, l->name, sizeof b.landmark);
	memcpy(b.context, s->context, sizeof b.context);
	memcpy(b.prover, s->prover, sizeof b.prover);
	memcpy(b.transcript, s->transcript, sizeof b.transcript);
	if (bound_sign(&w, l->key, &b, &e) != 0)
		return -1;
	s->nstatement = wr_done(&w).n;
	s->done = true;
	statement(s, out);
	return 0;
}

static struct landmark_session *of_answer(struct landmark *l, const struct endpoint *from, uint64_t id)
{
	for (size_t i = 0; i < LANDMARK_SESSIONS; i++) {
		struct landmark_session *s = &l->session[i];
		if (s->used && s->id == id && endpoint_equal(&s->peer, from))
			return s;
	}
	return NULL;
}

/* An old answer that comes again is the network's doing. One for a round that has not begun, or a wrong one, is a guess:
 * there is no second one. */
static void answer(struct landmark *l, const struct endpoint *from, const struct boundmsg *m, struct landmark_now now,
        struct landmark_out *out)
{
	struct landmark_session *s = of_answer(l, from, m->session);
	uint8_t right[BOUND_CHALLENGE_LEN];

	if (!s)
		return;
	if (s->done) {
		statement(s, out);
		return;
	}
	if (m->round < s->round)
		return;
	bound_answer(right, s->key, s->round, s->challenge);
	if (m->round > s->round || !mem_equal(right, m->value, sizeof right)) {
		end(s);
		return;
	}
	note(s, m->value, now.ns - s->sent_ns);
	if ((s->rounds == LANDMARK_ROUNDS ? finish(l, s, now, out) : next_round(s, now, out)) != 0)
		end(s);
}

void landmark_take(struct landmark *l, const struct endpoint *from, struct view datagram, struct landmark_now now,
        struct landmark_out *out)
{
	struct boundmsg m;

	out->n = 0;
	out->timed = NULL;
	if (!boundmsg_read(datagram, &m))
		return;
	if (m.kind == BOUND_HELLO)
		hello(l, from, &m, now, out);
	else if (m.kind == BOUND_ANSWER)
		answer(l, from, &m, now, out);
}

/* ---- Time ---- */

static uint64_t deadline(const struct landmark_session *s)
{
	uint64_t session = s->began_ns + LANDMARK_SESSION_MS * MS_NS, round = s->sent_ns + LANDMARK_ROUND_MS * MS_NS;

	return s->done || session < round ? session : round;
}

void landmark_late(struct landmark *l, struct landmark_now now, struct landmark_out *out)
{
	out->n = 0;
	out->timed = NULL;
	for (size_t i = 0; i < LANDMARK_SESSIONS && out->n == 0; i++) {
		struct landmark_session *s = &l->session[i];
		if (!s->used || now.ns < deadline(s))
			continue;
		if (s->done || now.ns >= s->began_ns + LANDMARK_SESSION_MS * MS_NS || ++s->lost > LANDMARK_LOST_MAX ||
		        next_round(s, now, out) != 0)
			end(s);
	}
}

int landmark_wait_ms(const struct landmark *l, uint64_t now_ns)
{
	uint64_t first = UINT64_MAX;

	for (size_t i = 0; i < LANDMARK_SESSIONS; i++)
		if (l->session[i].used && deadline(&l->session[i]) < first)
			first = deadline(&l->session[i]);
	if (first == UINT64_MAX)
		return -1;
	return first > now_ns ? (int)((first - now_ns) / MS_NS) + 1 : 0;
}
