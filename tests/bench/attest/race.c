#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "tests/bench/attest/attestbench.h"

enum { TURNS = 9, RACERS_MAX = 4 };

static double own_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double children_us(void)
{
	struct rusage u;

	if (getrusage(RUSAGE_CHILDREN, &u) != 0)
		abort();
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double turn(const struct racer *r)
{
	double (*now)(void) = r->child ? children_us : own_us;
	double from = now();

	for (unsigned i = 0; i < r->times; i++)
		r->once(r->arg);
	return (now() - from) / r->times;
}

void race_run(struct racer *r, size_t n)
{
	double us[RACERS_MAX][TURNS];

	if (n > RACERS_MAX)
		abort();
	for (size_t i = 0; i < n; i++)
		r[i].once(r[i].arg); /* what is made at first use is made */
	for (int t = 0; t < TURNS; t++)
		for (size_t i = 0; i < n; i++)
			us[i][t] = turn(&r[i]);
	for (size_t i = 0; i < n; i++) {
		qsort(us[i], TURNS, sizeof us[i][0], compare);
		r[i].us = us[i][TURNS / 2];
	}
}

static void member(const char *name, double v)
{
	if (v > 0)
		printf(",\"%s\":%.5g", name, v);
	else
		printf(",\"%s\":null", name);
}

void race_row(const struct race_row *r, const char *fmt, ...)
{
	bool more_is_better = r->unit[0] == 'G';
	double best = r->floor > 0 ? r->floor : r->peer;
	va_list ap;

	printf("{\"name\":\"");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\",\"value\":%.5g,\"unit\":\"%s\"", r->value, r->unit);
	member("floor", r->floor);
	member("peer", r->peer);
	member("ratio", more_is_better ? best / r->value : best > 0 ? r->value / best : 0);
	member("goal", r->goal);
	printf("}\n");
	fflush(stdout);
}
