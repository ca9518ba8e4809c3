/* load: plays machines against an authority that runs. Rows go to standard output, one JSON object each.
 *
 *   load enrol   AUTHORITY FLEET LOG N              until N machines are enrolled
 *   load connect AUTHORITY FLEET LOG PID N          N connections, one renewal on each; they stay
 *   load attest  AUTHORITY FLEET LOG PID COUNT full|renewal CONNECTIONS
 *                                                  three times COUNT, with or without the boot log; the median
 *   load memory  AUTHORITY FLEET LOG PID            what its processes hold
 *   load floors  AUTHORITY FLEET LOG DIR            what this machine can do at best
 *
 * AUTHORITY: its directory. FLEET: the file of those who are enrolled. PID: merestoned. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "cmd/kit.h"
#include "tests/bench/bench.h"

enum {
	TURNS = 3,
	RECRUITERS = 16,
	ACTORS_MAX = 8,   /* of one worker: it plays them in turn */
	PER_ADDRESS = 50, /* enrolments from one address, well below what the door admits at once */
	CONNECTORS = 8,
	IDLE_MAX = 128, /* connections of one connector */
};

struct job {
	struct scene scene;
	struct fleet fleet;
	pid_t pid;
	unsigned n, workers; /* n: machines or attestations of all workers */
	enum actor_log with;
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The k-th machine of a worker, of at most max: every workers-th from its number on, spread over the whole fleet. */
static struct player *player_of(const struct job *j, unsigned number, unsigned k, unsigned max)
{
	if (k >= max)
		return NULL;
	size_t each = j->fleet.n / j->workers, step = each > max ? each / max : 1;
	return k * step < each ? &j->fleet.player[number + k * step * j->workers] : NULL;
}

/* ---- enrol ---- */

struct recruiter {
	struct kit kit;
	struct es256 *officer;
	struct wire *wire;
	unsigned used, addresses;
};

/* Each site comes from its own address, as sites do: 127.16.0.1 and so on. */
static int fresh_wire(struct recruiter *r, const struct scene *s, unsigned number, struct err *e)
{
	const struct wire_to to = {.ca_file = s->ca_file,
	        .port = s->port,
	        .source = 0x7f000001u + ((16u + number) << 16) + (r->addresses++ << 8)};

	wire_close(TAKE(r->wire));
	r->wire = wire_open(&to, e);
	r->used = 0;
	return r->wire ? 0 : -1;
}

static int enrol_one(struct recruiter *r, const struct job *j, unsigned number, size_t i, struct err *e)
{
	AUTO(recruit_drop) struct recruit *x = &(struct recruit){0};
	struct player *p = &j->fleet.player[i];

	snprintf(p->name, sizeof p->name, "edge-%05zu", i);
	if ((!r->wire || r->used++ >= PER_ADDRESS) && fresh_wire(r, &j->scene, number, e) != 0)
		return -1;
	return recruit_make(x, &j->scene, p, e) != 0 || recruit_admit(x, &r->kit, r->officer, e) != 0
	               ? -1
	               : recruit_enrol(x, r->wire, e);
}

static int enrol_work(struct crew *c, unsigned number, void *arg, struct err *e)
{
	const struct job *j = arg;
	struct recruiter r = {0};
	int bad = kit_open(j->scene.kit, &r.kit, e);

	if (!bad && !(r.officer = kit_officer(&r.kit, e)))
		bad = -1;
	for (size_t i = number; !bad && i < j->fleet.n; i += j->workers)
		if (!j->fleet.player[i].certificate[0])
			bad = enrol_one(&r, j, number, i, e);
	wire_close(r.wire);
	es256_free(r.officer);
	kit_close(&r.kit);
	return bad ? bad : crew_meet(c, e);
}

static int enrol(struct job *j, struct err *e)
{
	struct crew c;

	if (crew_start(&c, j->workers, enrol_work, j, e) != 0)
		return -1;
	int bad = crew_gather(&c, e);
	crew_release(&c);
	return crew_end(&c, e) != 0 ? -1 : bad;
}

/* ---- connect ---- */

static int connect_one(struct actor *a, const struct scene *s, struct player *p, struct err *e)
{
	if (actor_open(a, s, p, e) != 0 || actor_connect(a, e) != 0)
		return -1;
	if (actor_attest(a, ACTOR_WITHOUT_LOG, e) == 0)
		return 0;
	return e->why == WHY_STALE ? actor_rehearse(a, e) : -1; /* an earlier run was cut short */
}

static int connect_work(struct crew *c, unsigned number, void *arg, struct err *e)
{
	static struct actor actor[IDLE_MAX];
	const struct job *j = arg;
	struct player *p;

	if (crew_meet(c, e) != 0)
		return -1;
	for (unsigned k = 0; (p = player_of(j, number, k, IDLE_MAX)); k++)
		if (k * j->workers + number < j->n && connect_one(&actor[k], &j->scene, p, e) != 0)
			return -1;
	return crew_meet(c, e);
}

struct turn {
	double cpu_us[GAUGE_COUNT], total_us, wall_s;
	double door_mib[2]; /* before and after */
};

/* One part of the crew's work, from all waiting to all waiting again. */
static int measure(struct job *j, struct crew *c, struct turn *t, struct err *e)
{
	struct gauge before, after;

	if (gauge_read(j->pid, &before, e) != 0)
		return -1;
	double from = now_s();
	crew_release(c);
	if (crew_gather(c, e) != 0)
		return -1;
	*t = (struct turn){.wall_s = now_s() - from};
	if (gauge_read(j->pid, &after, e) != 0)
		return -1;
	for (int i = 0; i < GAUGE_COUNT; i++) {
		t->cpu_us[i] = after.of[i].cpu_us - before.of[i].cpu_us;
		t->total_us += t->cpu_us[i];
	}
	t->door_mib[0] = before.of[GAUGE_DOOR].rss_mib;
	t->door_mib[1] = after.of[GAUGE_DOOR].rss_mib;
	return 0;
}

static int by_total(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;

	return (x->total_us > y->total_us) - (x->total_us < y->total_us);
}

/* The median of some turns of a crew. */
static int play_crew(struct job *j, int (*work)(struct crew *, unsigned, void *, struct err *), unsigned turns,
        struct turn *median, struct err *e)
{
	struct turn t[TURNS];
	struct crew c;

	if (crew_start(&c, j->workers, work, j, e) != 0)
		return -1;
	int bad = crew_gather(&c, e);
	for (unsigned i = 0; !bad && i < turns; i++)
		bad = measure(j, &c, &t[i], e);
	crew_release(&c);
	if (crew_end(&c, e) != 0 || bad)
		return -1;
	qsort(t, turns, sizeof t[0], by_total);
	*median = t[turns / 2];
	return 0;
}

static int connect_all(struct job *j, struct err *e)
{
	struct turn t;

	if (play_crew(j, connect_work, 1, &t, e) != 0)
		return -1;
	row_print(t.total_us / j->n, "us", "connection and renewal cpu");
	row_print(t.door_mib[0], "MiB", "door, no connection");
	row_print(t.door_mib[1], "MiB", "door, %u connections", j->n);
	row_print((t.door_mib[1] - t.door_mib[0]) * 1024 / j->n, "KiB", "door, each connection");
	return 0;
}

/* ---- attest ---- */

static int attest_work(struct crew *c, unsigned number, void *arg, struct err *e)
{
	const struct job *j = arg;
	struct actor actor[ACTORS_MAX] = {0};
	unsigned n = 0, times = j->n / j->workers;
	struct player *p;
	int bad = 0;

	while (!bad && (p = player_of(j, number, n, ACTORS_MAX))) {
		struct actor *a = &actor[n++];
		bad = actor_open(a, &j->scene, p, e) != 0 || actor_connect(a, e) != 0 || actor_rehearse(a, e) != 0;
	}
	bad = bad || crew_meet(c, e) != 0;
	for (unsigned i = 0; !bad && i < TURNS * times; i++)
		bad = actor_attest(&actor[i % n], j->with, e) != 0 || ((i + 1) % times == 0 && crew_meet(c, e) != 0);
	for (unsigned i = 0; i < n; i++)
		actor_close(&actor[i]);
	return bad ? -1 : 0;
}

static void print_attest(const struct job *j, const struct turn *t)
{
	const char *what = j->with == ACTOR_WITH_LOG ? "attestation" : "renewal";
	unsigned done = j->n / j->workers * j->workers;
	size_t n = j->fleet.n;

	row_print(t->total_us / done, "us", "%s cpu, %zu machines, %u at once", what, n, j->workers);
	for (int i = 0; i < GAUGE_COUNT; i++)
		row_print(t->cpu_us[i] / done, "us", "%s cpu, %zu machines, %u at once: %s", what, n, j->workers,
		        gauge_name((enum gauge_of)i));
	row_print(done / t->wall_s, "1/s", "%s rate, %zu machines, %u at once on the same cores", what, n, j->workers);
}

static int memory(const struct job *j, struct err *e)
{
	struct gauge g;

	if (gauge_read(j->pid, &g, e) != 0)
		return -1;
	for (int i = 0; i < GAUGE_COUNT; i++)
		row_print(g.of[i].rss_mib, "MiB", "%s, %zu machines", gauge_name((enum gauge_of)i), j->fleet.n);
	return 0;
}

static int attest_all(struct job *j, struct err *e)
{
	struct turn t;

	if (play_crew(j, attest_work, TURNS, &t, e) != 0)
		return -1;
	print_attest(j, &t);
	return 0;
}

/* ---- floors ---- */

static int floors(struct job *j, const char *authority, const char *dir, struct err *e)
{
	AUTO(actor_close) struct actor *a = &(struct actor){0};
	double us;

	if (actor_open(a, &j->scene, &j->fleet.player[0], e) != 0 || actor_connect(a, e) != 0 ||
	        actor_rehearse(a, e) != 0)
		return -1;
	row_print((double)a->sent, "bytes", "evidence with the boot log");
	row_print((double)a->received, "bytes", "result");
	if (floor_print(dir, a->sent, e) != 0 || raw_cpu(&j->scene, authority, a->sent, a->received, &us, e) != 0)
		return -1;
	row_print(us, "us", "floor: the evidence over bare OpenSSL");
	return 0;
}

/* ---- Command line ---- */

static int usage(void)
{
	fputs("usage: load enrol|connect|attest|memory|floors AUTHORITY FLEET LOG ...\n", stderr);
	return 2;
}

static unsigned least(size_t a, unsigned b)
{
	return a < b ? (unsigned)a : b;
}

static int play(struct job *j, int argc, char **argv, struct err *e)
{
	bool enrols = strcmp(argv[1], "enrol") == 0;
	unsigned long number = strtoul(argv[5 + (argc > 6)], NULL, 10);

	if (scene_open(&j->scene, argv[2], argv[4], e) != 0 ||
	        fleet_open(argv[3], enrols ? number : 0, &j->fleet, e) != 0)
		return -1;
	j->n = (unsigned)number;
	j->pid = (pid_t)strtol(argv[5], NULL, 10);
	j->workers = least(j->fleet.n, RECRUITERS);
	if (enrols)
		return enrol(j, e);
	if (strcmp(argv[1], "memory") == 0)
		return memory(j, e);
	if (strcmp(argv[1], "floors") == 0)
		return floors(j, argv[2], argv[5], e);
	if (argc == 7) {
		j->workers = least(j->fleet.n, CONNECTORS);
		j->n = least(j->fleet.n, least(number, CONNECTORS * IDLE_MAX));
		return connect_all(j, e);
	}
	j->workers = least(j->fleet.n, least(strtoul(argv[8], NULL, 10), CREW_MAX));
	j->with = strcmp(argv[7], "full") == 0 ? ACTOR_WITH_LOG : ACTOR_WITHOUT_LOG;
	return attest_all(j, e);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *verb;
		int argc;
	} verbs[] = {{"enrol", 6}, {"connect", 7}, {"attest", 9}, {"memory", 6}, {"floors", 6}};
	struct job j = {0};
	struct err e = {0};
	size_t i = 0;

	log_name("load");
	(void)signal(SIGPIPE, SIG_IGN);
	while (i < COUNT(verbs) && (argc < 2 || strcmp(argv[1], verbs[i].verb) != 0 || argc != verbs[i].argc))
		i++;
	if (i == COUNT(verbs))
		return usage();
	int bad = play(&j, argc, argv, &e);
	if (bad)
		log_err(&e);
	fleet_close(&j.fleet);
	scene_close(&j.scene);
	return bad ? 1 : 0;
}
