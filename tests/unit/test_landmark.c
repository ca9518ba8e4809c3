#include "tests/unit/boundmaker.h"
#include "tests/unit/mangle.h"

static struct meeting m;
static struct err e;

static int open_one(void **s)
{
	(void)s;
	boundmaker_open(&m);
	return 0;
}

static int close_one(void **s)
{
	(void)s;
	boundmaker_close(&m);
	return 0;
}

static struct landmark_session *only_session(void)
{
	for (size_t i = 0; i < LANDMARK_SESSIONS; i++)
		if (m.l.session[i].used)
			return &m.l.session[i];
	return NULL;
}

static void run_to_the_end(void)
{
	while (boundmaker_step(&m))
		;
}

static void a_machine_is_measured_and_gets_a_signed_statement(void **s)
{
	struct bound b;

	(void)s;
	run_to_the_end();
	assert_true(m.p.done);
	assert_accepted(bound_parse(VIEW(m.p.statement, m.p.nstatement), &b, &e), &e);
	assert_accepted(bound_signed(&b, m.key->pub, &e), &e);
	assert_string_equal(b.landmark, "tower");
	assert_int_equal(b.rounds, LANDMARK_ROUNDS);
	assert_int_equal(b.rtt_ns, 30000);
	assert_int_equal(b.time, 1800000000);
	assert_memory_equal(b.prover, m.own->pub, ES256_PUB);
	assert_true(bound_m(&b) > 4496 && bound_m(&b) < 4498);
}

static void the_fastest_round_counts(void **s)
{
	struct bound b;

	(void)s;
	boundmaker_start(&m);
	for (int i = 0; !m.p.done && i < 100; i++) {
		m.away_ns = i == 7 ? 20000 : 90000 + 1000 * (uint64_t)i;
		(void)boundmaker_step(&m);
	}
	assert_true(m.p.done);
	assert_accepted(bound_parse(VIEW(m.p.statement, m.p.nstatement), &b, &e), &e);
	assert_int_equal(b.rtt_ns, 20000);
}

/* A relay that waits makes the machine farther, never nearer. */
static void a_relay_that_adds_delay_makes_the_machine_farther(void **s)
{
	struct bound near, far;

	(void)s;
	run_to_the_end();
	assert_accepted(bound_parse(VIEW(m.p.statement, m.p.nstatement), &near, &e), &e);
	boundmaker_close(&m);
	boundmaker_open(&m);
	m.away_ns = 30000 + 5000000;
	run_to_the_end();
	assert_accepted(bound_parse(VIEW(m.p.statement, m.p.nstatement), &far, &e), &e);
	assert_true(bound_m(&far) > bound_m(&near) + 749000);
}

static void nothing_is_kept_before_a_cookie_was_shown(void **s)
{
	(void)s;
	boundmaker_reach(&m, VIEW(m.p.last, m.p.nlast));
	assert_true(m.out.n > 0 && m.out.n <= m.p.nlast); /* it amplifies nothing */
	assert_null(only_session());
	assert_true(prove_take(&m.p, VIEW(m.out.bytes, m.out.n)));
	m.from.port++; /* the cookie is of another address */
	boundmaker_reach(&m, VIEW(m.p.last, m.p.nlast));
	assert_null(only_session());
	m.from.port--;
	m.now.ns += UINT64_C(2000000000) * LANDMARK_COOKIE_S; /* or too old */
	boundmaker_reach(&m, VIEW(m.p.last, m.p.nlast));
	assert_null(only_session());
}

static void a_host_has_its_share_of_sessions_and_others_go_on(void **s)
{
	struct prove p;
	struct prove_target t = m.p.target;
	uint8_t context[SHA_LEN] = {0};
	unsigned used = 0;

	(void)s;
	for (uint8_t i = 0; i < 20; i++) {
		context[0] = i;
		prove_open(&p, &t, m.own, context);
		boundmaker_reach(&m, VIEW(p.last, p.nlast));
		assert_true(prove_take(&p, VIEW(m.out.bytes, m.out.n)));
		boundmaker_reach(&m, VIEW(p.last, p.nlast));
	}
	for (size_t i = 0; i < LANDMARK_SESSIONS; i++)
		used += m.l.session[i].used;
	assert_int_equal(used, LANDMARK_HOST_SESSIONS);
	assert_accepted(endpoint_parse("198.51.100.1:5000", &m.from, &e), &e);
	run_to_the_end();
	assert_true(m.p.done);
	prove_close(&p);
}

static void who_was_measured_takes_nobodys_place(void **s)
{
	struct prove_target t = m.p.target;
	uint8_t context[SHA_LEN] = {0};

	(void)s;
	for (int i = 0; i < 2 * LANDMARK_SESSIONS; i++) {
		context[0] = (uint8_t)i;
		prove_open(&m.p, &t, m.own, context);
		run_to_the_end();
		assert_true(m.p.done);
	}
}

static void attack_A114_an_answer_before_its_challenge_ends_the_measurement(void **s)
{
	struct boundmsg guess = {.kind = BOUND_ANSWER};
	uint8_t buf[BOUNDMSG_MAX];
	struct wr w = wr_to(buf, sizeof buf);

	(void)s;
	boundmaker_start(&m);
	guess.session = m.p.session;
	guess.round = 1; /* round 0 is not answered yet */
	boundmsg_write(&w, &guess);
	boundmaker_reach(&m, wr_done(&w));
	assert_int_equal(m.out.n, 0);
	assert_null(only_session());
}

static void attack_A114_a_wrong_answer_is_the_last_one(void **s)
{
	(void)s;
	boundmaker_start(&m);
	m.p.last[m.p.nlast - 1] ^= 1;
	boundmaker_reach(&m, VIEW(m.p.last, m.p.nlast));
	assert_int_equal(m.out.n, 0);
	assert_null(only_session());
	m.p.last[m.p.nlast - 1] ^= 1; /* the right one is too late */
	boundmaker_reach(&m, VIEW(m.p.last, m.p.nlast));
	assert_int_equal(m.out.n, 0);
}

/* Whoever stands near the landmark has not the machine's key: what he answers is wrong, and what the landmark signs for a
 * key of his own names that key. */
static void attack_A114_a_helper_near_the_landmark_cannot_answer_for_the_machine(void **s)
{
	uint8_t key[SHA_LEN] = {0}, value[BOUND_CHALLENGE_LEN];
	struct landmark_session *at;

	(void)s;
	boundmaker_start(&m);
	at = only_session();
	assert_non_null(at);
	AUTO(es256_free) struct es256 *helper = es256_generate(&e);
	assert_accepted(bound_key(helper, helper->pub, at->own, at->context, key, &e), &e);
	bound_answer(value, key, 0, at->challenge);
	memcpy(m.p.last + m.p.nlast - sizeof value, value, sizeof value);
	boundmaker_reach(&m, VIEW(m.p.last, m.p.nlast));
	assert_null(only_session());
}

static void an_answer_that_comes_twice_counts_once(void **s)
{
	uint8_t first[BOUNDMSG_MAX];
	size_t n;

	(void)s;
	boundmaker_start(&m);
	n = m.p.nlast;
	memcpy(first, m.p.last, n);
	assert_true(boundmaker_step(&m));
	boundmaker_reach(&m, VIEW(first, n));
	assert_int_equal(m.out.n, 0);
	assert_int_equal(only_session()->rounds, 1);
	run_to_the_end();
	assert_true(m.p.done);
}

static void a_lost_round_is_asked_again_with_another_challenge(void **s)
{
	uint8_t before[BOUND_CHALLENGE_LEN];

	(void)s;
	boundmaker_start(&m);
	memcpy(before, only_session()->challenge, sizeof before);
	assert_true(landmark_wait_ms(&m.l, m.now.ns) > 0);
	m.now.ns += UINT64_C(1000000) * (LANDMARK_ROUND_MS + 1);
	assert_int_equal(landmark_wait_ms(&m.l, m.now.ns), 0);
	landmark_late(&m.l, m.now, &m.out);
	assert_true(m.out.n > 0 && m.out.timed);
	assert_memory_not_equal(before, only_session()->challenge, sizeof before);
	assert_true(prove_take(&m.p, VIEW(m.out.bytes, m.out.n)));
	run_to_the_end();
	assert_true(m.p.done);
}

static void who_answers_no_more_is_forgotten(void **s)
{
	unsigned asked = 0;

	(void)s;
	boundmaker_start(&m);
	for (int i = 0; only_session() && i < 1000; i++) {
		m.now.ns += UINT64_C(1000000) * (LANDMARK_ROUND_MS + 1);
		landmark_late(&m.l, m.now, &m.out);
		asked += m.out.n > 0;
	}
	assert_null(only_session());
	assert_int_equal(asked, LANDMARK_LOST_MAX);
	assert_int_equal(landmark_wait_ms(&m.l, m.now.ns), -1);
}

static void a_lost_statement_comes_again(void **s)
{
	(void)s;
	boundmaker_start(&m);
	while (!only_session()->done)
		assert_true(boundmaker_step(&m) || only_session()->done);
	m.p.done = false;
	assert_false(boundmaker_step(&m));
	assert_true(m.p.done);
}

static void a_statement_of_another_landmark_is_not_taken(void **s)
{
	(void)s;
	m.p.target.key[0] ^= 1;
	run_to_the_end();
	assert_false(m.p.done);
	boundmaker_close(&m);
	boundmaker_open(&m);
	memcpy(m.p.target.name, "tovwer", 7);
	run_to_the_end();
	assert_false(m.p.done);
}

static void a_key_that_is_no_point_starts_nothing(void **s)
{
	(void)s;
	assert_true(boundmaker_step(&m));
	struct boundmsg hello;
	uint8_t buf[BOUNDMSG_MAX];
	struct wr w = wr_to(buf, sizeof buf), again = wr_to(buf, sizeof buf);
	assert_true(boundmsg_read(VIEW(m.p.last, m.p.nlast), &hello));
	memset(hello.key, 5, sizeof hello.key);
	boundmsg_write(&w, &hello);
	boundmaker_reach(&m, wr_done(&w));
	struct boundmsg cookie;
	assert_true(boundmsg_read(VIEW(m.out.bytes, m.out.n), &cookie));
	memcpy(hello.cookie, cookie.cookie, sizeof cookie.cookie);
	boundmsg_write(&again, &hello);
	boundmaker_reach(&m, wr_done(&again));
	assert_int_equal(m.out.n, 0);
	assert_null(only_session());
}

/* ---- Datagrams ---- */

static void one_form(struct view v, void *arg)
{
	struct boundmsg x;
	uint8_t buf[BOUNDMSG_MAX];
	struct wr w = wr_to(buf, sizeof buf);

	(void)arg;
	if (!boundmsg_read(v, &x))
		return;
	boundmsg_write(&w, &x);
	assert_true(view_equal(v, wr_done(&w)));
}

static void a_datagram_has_one_form_however_it_is_hurt(void **s)
{
	uint8_t words[] = {1, 2, 3};
	struct boundmsg x = {.session = 7, .round = 3, .statement = VIEW_OF(words)};

	(void)s;
	for (int kind = BOUND_HELLO; kind < BOUND_KINDS; kind++) {
		uint8_t buf[BOUNDMSG_MAX];
		struct wr w = wr_to(buf, sizeof buf);
		x.kind = (enum boundmsg_kind)kind;
		boundmsg_write(&w, &x);
		assert_true(boundmsg_read(wr_done(&w), &x));
		mangle_each(wr_done(&w), one_form, NULL);
	}
}

static void hurt_for_the_landmark(struct view v, void *arg)
{
	(void)arg;
	boundmaker_reach(&m, v);
}

static void hurt_datagrams_leave_a_landmark_at_work(void **s)
{
	(void)s;
	mangle_each(VIEW(m.p.last, m.p.nlast), hurt_for_the_landmark, NULL);
	run_to_the_end();
	assert_true(m.p.done);
}

static void an_address_is_an_address_and_a_port(void **s)
{
	static const char *const bad[] = {"", ":", "1.2.3.4", "1.2.3.4:", ":5", "1.2.3.4:65536", "1.2.3.4:-1", "[::1]",
	        "::1:5", "[::1]:x", "1.2.3:5", "host:5", "[1.2.3.4]:5", "1.2.3.4:5 "};
	struct endpoint p, back;
	struct sockaddr_storage to;

	(void)s;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_refused(endpoint_parse(bad[i], &p, &e), &e, WHY_MALFORMED);
	assert_accepted(endpoint_parse("[2001:db8::1]:65535", &p, &e), &e);
	assert_false(endpoint_is_v4(&p));
	(void)endpoint_sockaddr(&p, &to);
	assert_true(endpoint_of(&to, &back) && endpoint_equal(&p, &back));
	assert_accepted(endpoint_parse("127.0.0.1:9", &p, &e), &e);
	assert_true(endpoint_is_v4(&p));
	(void)endpoint_sockaddr(&p, &to);
	assert_true(endpoint_of(&to, &back) && endpoint_equal(&p, &back));
}

int main(void)
{
#define EACH(f) cmocka_unit_test_setup_teardown(f, open_one, close_one)
	const struct CMUnitTest tests[] = {
	        EACH(a_machine_is_measured_and_gets_a_signed_statement),
	        EACH(the_fastest_round_counts),
	        EACH(a_relay_that_adds_delay_makes_the_machine_farther),
	        EACH(nothing_is_kept_before_a_cookie_was_shown),
	        EACH(a_host_has_its_share_of_sessions_and_others_go_on),
	        EACH(who_was_measured_takes_nobodys_place),
	        EACH(attack_A114_an_answer_before_its_challenge_ends_the_measurement),
	        EACH(attack_A114_a_wrong_answer_is_the_last_one),
	        EACH(attack_A114_a_helper_near_the_landmark_cannot_answer_for_the_machine),
	        EACH(an_answer_that_comes_twice_counts_once),
	        EACH(a_lost_round_is_asked_again_with_another_challenge),
	        EACH(who_answers_no_more_is_forgotten),
	        EACH(a_lost_statement_comes_again),
	        EACH(a_statement_of_another_landmark_is_not_taken),
	        EACH(a_key_that_is_no_point_starts_nothing),
	        EACH(a_datagram_has_one_form_however_it_is_hurt),
	        EACH(hurt_datagrams_leave_a_landmark_at_work),
	        EACH(an_address_is_an_address_and_a_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
