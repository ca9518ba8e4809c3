/* The agent that stays: it attests before its leases end, opens its data, and takes the updates it is offered. */
#include <poll.h>
#include <signal.h>
#include <sys/random.h>
#include <time.h>

#include "base/hex.h"
#include "base/log.h"
#include "cmd/agentloop.h"

enum { RETRY_MIN_S = 2, RETRY_MAX_S = 300, RENEW_MIN_S = 1, RENEW_MAX_S = 3600, LEASES_MAX = 256, UPDATE_LOOK_S = 20 };

static volatile sig_atomic_t stopped;

static void on_stop(int sig)
{
	(void)sig;
	stopped = 1;
}

/* Half of what is left of the shortest lease; a minute when there is none. */
static unsigned renew_in_s(struct agent *a)
{
	static char names[LEASES_MAX][NAME_CAP];
	static uint64_t deadlines_ms[LEASES_MAX];
	size_t n = state_leases(a->dir, names, deadlines_ms, LEASES_MAX);
	struct quoter_status s;
	struct err ignored = {0};
	uint64_t left_ms = 120000, half_s;

	if (n > 0 && quoter_status(a->quoter, &s, &ignored) == 0)
		for (size_t i = 0; i < n; i++) {
			uint64_t end = deadlines_ms[i], left = end > s.clock.clock_ms ? end - s.clock.clock_ms : 0;

			left_ms = i == 0 || left < left_ms ? left : left_ms;
		}
	half_s = left_ms / 2000;
	return half_s < RENEW_MIN_S ? RENEW_MIN_S : half_s > RENEW_MAX_S ? RENEW_MAX_S : (unsigned)half_s;
}

/* Doubles, with up to half as much again at random, so that a fleet does not come back as one. */
static unsigned back_off(unsigned *delay)
{
	unsigned jitter = 0, now = *delay;

	if (getrandom(&jitter, sizeof jitter, 0) != (ssize_t)sizeof jitter)
		jitter = 0;
	*delay = now * 2 > RETRY_MAX_S ? RETRY_MAX_S : now * 2;
	return now + jitter % (now / 2 + 1);
}

/* Once, as soon as it is known: who admits this machine by its TPM needs it. */
static void tell_ek(const struct agent *a)
{
	static bool told;
	AUTO(mem_free) char *ek = told ? NULL : state_text(a->dir, "ek.sha256");

	if (!ek)
		return;
	log_info("endorsement key %s", ek);
	told = true;
}

/* After a refusal, or without a network, only what is open is opened again: so it ends with its lease. */
static void open_data(struct agent *a, bool attested)
{
	char hex[2 * SHA_LEN + 1];
	uint8_t digest[SHA_LEN];
	uint64_t size;

	for (size_t i = 0; i < a->config.ndata; i++) {
		struct err e = {0};

		if (!attested && !agent_data_is_open(a, a->config.data[i]))
			continue;
		if (agent_open_data(a, a->config.data[i], &size, digest, &e) == 0)
			log_info("dataset %s opened: %llu bytes, sha256 %s", a->config.data[i],
			        (unsigned long long)size, hex_put(hex, digest, sizeof digest));
		else
			log_err(&e);
	}
}

/* Until the time is over, or a doubt of the receiver wants to be told. */
static void doze(const struct agent *a, unsigned s)
{
	struct pollfd alarm = {.fd = a->locator ? locator_alarm_fd(a->locator) : -1, .events = POLLIN};

	(void)poll(&alarm, 1, (int)s * 1000);
}

/* Who started us can start all of us again. */
static bool helper_ended(const struct agent *a)
{
	return quoter_ended(a->quoter) || (a->locator && locator_alarm_fd(a->locator) < 0);
}

/* After an attestation; how long to wait for the next one. The authority is not asked as often as short leases end. */
static unsigned look_for_update(struct agent *a, const json_t *answer, unsigned wait_s)
{
	static time_t due;
	struct timespec now = {0};
	struct err why = {0};
	int got;

	if (!a->config.variant[0])
		return wait_s;
	if (strcmp(json_text(answer, "decision"), "allow") == 0 && agent_update_attested(a, &why))
		log_err(&why);
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	if (due > now.tv_sec)
		return wait_s;
	got = agent_update(a, &why);
	if (got < 0)
		log_err(&why);
	if (got == 1)
		return RENEW_MIN_S; /* the rest, with fresh leases */
	due = now.tv_sec + UPDATE_LOOK_S;
	return wait_s;
}

int agentloop_run(struct cli *c, struct agent *a, struct err *e)
{
	struct sigaction sa = {.sa_handler = on_stop};
	unsigned delay = RETRY_MIN_S, wait_s;

	if (!cli_args(c, 0, 0, e))
		return CLI_USAGE;
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	while (!stopped) {
		AUTO(json_free) json_t *answer = NULL;
		struct err refused = {0};

		if (a->locator && locator_alarmed(a->locator, &refused) > 0)
			log_info("the receiver has a doubt: the authority is told now");
		if (agent_renew(a, NULL, &answer, &refused) == 0) {
			delay = RETRY_MIN_S;
			wait_s = renew_in_s(a);
			log_info("case %lld, again in %u s",
			        (long long)json_integer_value(json_object_get(answer, "case")), wait_s);
			open_data(a, true);
			wait_s = look_for_update(a, answer, wait_s);
		} else if (helper_ended(a)) {
			*e = refused;
			return -1;
		} else {
			log_err(&refused);
			open_data(a, false);
			wait_s = back_off(&delay);
		}
		tell_ek(a);
		if (!stopped)
			doze(a, wait_s);
	}
	return 0;
}
