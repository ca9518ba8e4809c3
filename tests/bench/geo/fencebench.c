/* fencebench: nanoseconds a question, ours beside GEOS and S2 in the same run, one thread. Rows go to a file, a table to
 * the terminal. usage: fencebench ROWS.json [ATLAS]   ATLAS: made by atlas.mjs; without it the countries are left out */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "tests/bench/geo/geobench.h"

enum { QUESTIONS = 200000, FEW = 2000, RUNS = 4, RADIUS_M = 1000 };

static json_t *rows;
static volatile long sum; /* so that no question is left out */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* floor and peer: 0 when there is none. */
static void row(const char *set, const char *what, double value, const char *unit, double floor, double peer,
        const char *peer_name)
{
	char name[96];
	json_t *j;

	snprintf(name, sizeof name, "%s: %s", set, what);
	j = json_pack("{s:s, s:f, s:s, s:o, s:o, s:o}", "name", name, "value", value, "unit", unit, "floor",
	        floor > 0 ? json_real(floor) : json_null(), "peer", peer > 0 ? json_real(peer) : json_null(), "ratio",
	        peer > 0 ? json_real(value / peer) : json_null());
	json_array_append_new(rows, j);
	printf("%-44s %10.1f %-3s", name, value, unit);
	if (floor > 0)
		printf("  rays %10.0f", floor);
	if (peer > 0)
		printf("  %s %8.0f (%.1f times ours)", peer_name, peer, peer / value);
	printf("\n");
	fflush(stdout);
}

struct built {
	void *ours, *geos, *s2;
};

struct turn { /* one engine, one kind of question */
	long (*owner)(void *, double, double);
	int (*decide)(void *, double, double, double); /* instead */
	void *built;
	size_t n;
	double ns; /* for one question, in the least disturbed run */
};

static double run(const struct turn *t, const struct question *q)
{
	double start = now();

	for (size_t i = 0; i < t->n; i++)
		sum += t->owner != NULL ? t->owner(t->built, q[i].lon, q[i].lat)
		                        : t->decide(t->built, q[i].lon, q[i].lat, RADIUS_M);
	return (now() - start) / (double)t->n * 1e9;
}

/* In turns, so that whatever else the machine does hits all alike. */
static void run_all(struct turn *t, size_t n, const struct question *q)
{
	for (int i = 0; i < RUNS; i++) {
		for (size_t k = 0; k < n; k++) {
			double ns = run(&t[k], q);
			if (i == 0 || ns < t[k].ns)
				t[k].ns = ns;
		}
	}
}

static size_t in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static void *build(const struct peer *p, const struct rings *r, double *ms, double *mb)
{
	size_t before = in_use();
	double start = now();
	void *built = p->build(r);

	*ms = 1e3 * (now() - start);
	*mb = (double)(in_use() - before) / 1e6;
	return built;
}

static void build_all(const char *set, const struct rings *r, struct built *b)
{
	double ms, mb, peer_ms, peer_mb, s2_ms, s2_mb;

	b->ours = build(&engine_grid, r, &ms, &mb);
	b->geos = build(&peer_geos, r, &peer_ms, &peer_mb);
	b->s2 = build(&peer_s2, r, &s2_ms, &s2_mb);
	row(set, "build", ms, "ms", 0, s2_ms, "S2");
	row(set, "memory", mb, "MB", 0, s2_mb, "S2");
}

static void drop_all(struct built *b)
{
	engine_grid.drop(b->ours);
	peer_geos.drop(b->geos);
	peer_s2.drop(b->s2);
}

static void ask(const char *set, const char *kind, struct built *b, const struct question *q)
{
	enum { GRID, RAY, GEOS, S2, DECIDED, S2_DECIDED, EXPLAINED, TURNS };
	struct turn t[TURNS] = {
	        [GRID] = {.owner = engine_grid.owner, .built = b->ours, .n = QUESTIONS},
	        [RAY] = {.owner = engine_rays.owner, .built = b->ours, .n = FEW / 10},
	        [GEOS] = {.owner = peer_geos.owner, .built = b->geos, .n = QUESTIONS / 4},
	        [S2] = {.owner = peer_s2.owner, .built = b->s2, .n = QUESTIONS},
	        [DECIDED] = {.decide = engine_grid.decide, .built = b->ours, .n = QUESTIONS},
	        [S2_DECIDED] = {.decide = peer_s2.decide, .built = b->s2, .n = QUESTIONS / 4},
	        [EXPLAINED] = {.decide = engine_explain, .built = b->ours, .n = FEW},
	};
	char what[64];

	run_all(t, TURNS, q);
	bool geos = t[GEOS].ns < t[S2].ns;
	snprintf(what, sizeof what, "%s, member", kind);
	row(set, what, t[GRID].ns, "ns", t[RAY].ns, t[geos ? GEOS : S2].ns, geos ? "GEOS" : "S2");
	snprintf(what, sizeof what, "%s, decision", kind);
	row(set, what, t[DECIDED].ns, "ns", 0, t[S2_DECIDED].ns, "S2");
	snprintf(what, sizeof what, "%s, explained", kind);
	row(set, what, t[EXPLAINED].ns, "ns", 0, 0, "");
}

/* Points on an edge aside, GEOS and the grid must say the same. */
static void compare(const char *set, struct built *b, const struct question *q)
{
	int differ = 0;

	for (size_t i = 0; i < QUESTIONS; i++)
		differ += engine_grid.owner(b->ours, q[i].lon, q[i].lat) !=
		          peer_geos.owner(b->geos, q[i].lon, q[i].lat);
	row(set, "differences from GEOS in 200,000", differ, "", 0, 0, "");
}

static void measure(const char *set, struct ringset *s)
{
	static struct question q[QUESTIONS];
	struct built b;

	build_all(set, &s->r, &b);
	questions_uniform(q, QUESTIONS);
	ask(set, "anywhere", &b, q);
	questions_in(q, QUESTIONS, &engine_grid, b.ours);
	ask(set, "inside", &b, q);
	questions_border(q, QUESTIONS, &s->r);
	ask(set, "border", &b, q);
	compare(set, &b, q);
	drop_all(&b);
	ringset_drop(s);
}

int main(int argc, char **argv)
{
	struct ringset s = {0};
	struct err e = {0};

	if (argc < 2)
		return 2;
	rows = json_array();
	if (argc > 2) {
		if (ringset_read(&s, argv[2], &e) != 0) {
			fprintf(stderr, "fencebench: error: %s\n", e.text);
			return 1;
		}
		measure("countries", &s);
	}
	ringset_coast(&s, 17, &e);
	measure("one ring", &s);
	ringset_lakes(&s, 17, 140000, &e);
	measure("lakes", &s);
	int rc = json_dump_file(rows, argv[1], JSON_INDENT(1));
	json_decref(rows);
	return rc == 0 ? 0 : 1;
}
