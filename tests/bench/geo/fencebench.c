/* fencebench: nanoseconds a question, ours beside GEOS and S2 in the same run, one thread. Rows go to a file, a table to
 * the terminal. usage: fencebench ROWS.json [ATLAS]   ATLAS: made by atlas.mjs; without it the countries are left out */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "tests/bench/geo/geobench.h"

enum { QUESTIONS = 200000, RAYS = 2000, RUNS = 3, RADIUS_M = 1000 };

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

static int by_time(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* ns for one, the median run */
static double time_owner(const struct peer *p, void *built, const struct question *q, size_t n)
{
	double t[RUNS];

	for (int run = 0; run < RUNS; run++) {
		double start = now();
		for (size_t i = 0; i < n; i++)
			sum += p->owner(built, q[i].lon, q[i].lat);
		t[run] = (now() - start) / (double)n * 1e9;
	}
	qsort(t, RUNS, sizeof *t, by_time);
	return t[RUNS / 2];
}

static double time_decide(
        int (*decide)(void *, double, double, double), void *built, const struct question *q, size_t n)
{
	double t[RUNS];

	for (int run = 0; run < RUNS; run++) {
		double start = now();
		for (size_t i = 0; i < n; i++)
			sum += decide(built, q[i].lon, q[i].lat, RADIUS_M);
		t[run] = (now() - start) / (double)n * 1e9;
	}
	qsort(t, RUNS, sizeof *t, by_time);
	return t[RUNS / 2];
}

struct built {
	void *ours, *geos, *s2;
};

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
	char what[64];
	double ours = time_owner(&engine_grid, b->ours, q, QUESTIONS);
	double rays = time_owner(&engine_rays, b->ours, q, RAYS);
	double geos = time_owner(&peer_geos, b->geos, q, QUESTIONS / 4);
	double s2 = time_owner(&peer_s2, b->s2, q, QUESTIONS);
	double decided = time_decide(engine_grid.decide, b->ours, q, QUESTIONS);
	double s2_decided = time_decide(peer_s2.decide, b->s2, q, QUESTIONS / 4);
	double explained = time_decide(engine_explain, b->ours, q, RAYS);

	snprintf(what, sizeof what, "%s, member", kind);
	row(set, what, ours, "ns", rays, geos < s2 ? geos : s2, geos < s2 ? "GEOS" : "S2");
	snprintf(what, sizeof what, "%s, decision", kind);
	row(set, what, decided, "ns", 0, s2_decided, "S2");
	snprintf(what, sizeof what, "%s, explained", kind);
	row(set, what, explained, "ns", 0, 0, "");
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
