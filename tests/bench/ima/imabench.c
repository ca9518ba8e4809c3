/* imabench: what a runtime list costs, beside the same bytes through SHA-256 and nothing else. Rows of the benchmark on
 * standard output: CPU time, median of turns that take one and the other in alternation. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hex.h"
#include "base/json.h"
#include "base/rd.h"
#include "base/sha.h"
#include "firmware/firmware.h"

enum { TURNS = 9, ENTRY = 192, SIZES = 3 };

static const unsigned sizes[SIZES] = {100, 1000, 10000};

struct bench {
	uint8_t *list;
	size_t n;
	const struct runtime *set;
};

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void field(struct wr *w, struct view v)
{
	wr_le32(w, (uint32_t)v.n);
	wr_view(w, v);
}

/* An ima-ng entry of a usual length; its digest is in files under its name. */
static void put_entry(struct wr *w, unsigned i, json_t *files)
{
	uint8_t room[ENTRY], head[8] = "sha256:", digest[SHA_LEN], sha1[IMA_SHA1];
	char name[96], hex[2 * SHA_LEN + 1];
	struct wr d = wr_to(room, sizeof room);
	int n = snprintf(name, sizeof name, "/usr/lib/x86_64-linux-gnu/directory-%u/library-%u.so", i % 53, i);

	sha256(digest, VIEW(name, (size_t)n));
	wr_le32(&d, sizeof head + SHA_LEN);
	wr_bytes(&d, head, sizeof head);
	wr_bytes(&d, digest, SHA_LEN);
	field(&d, VIEW(name, (size_t)n + 1));
	struct view data = wr_done(&d);
	sha1_n(sha1, &data, 1);
	wr_le32(w, IMA_PCR);
	wr_bytes(w, sha1, sizeof sha1);
	field(w, VIEW("ima-ng", 6));
	field(w, data);
	json_object_set_new(files, name, json_string(hex_put(hex, digest, SHA_LEN)));
}

/* What the decider does with each new entry. */
static void appraise(const struct bench *b)
{
	struct ima l = ima_open(VIEW(b->list, b->n), 0);
	struct ima_run r = imarun_start();
	uint8_t quoted[PCR_LEN] = {1};
	struct ima_entry x;
	struct err e;

	while (!imarun_reaches(&r, quoted) && ima_next(&l, &x, &e) == 1) {
		imarun_add(&r, &x);
		if (runtime_allows(&b->set, 1, &x, &e))
			abort();
	}
}

/* The two hashes of an entry: no less can follow a list to its register. */
static void hash(const struct bench *b)
{
	uint8_t pcr[PCR_LEN] = {0}, with[PCR_LEN];
	struct rd r = rd_of(VIEW(b->list, b->n));

	while (rd_left(&r) > 0) {
		(void)rd_view(&r, 4 + IMA_SHA1 + 4 + 6);
		struct view data = rd_view(&r, rd_le32(&r));
		sha256(with, data);
		sha256_2(pcr, VIEW_OF(pcr), VIEW_OF(with));
	}
}

static double once(void (*work)(const struct bench *b), const struct bench *b, unsigned times)
{
	double from = cpu_us();

	for (unsigned i = 0; i < times; i++)
		work(b);
	return (cpu_us() - from) / times;
}

static void measure(const struct bench *b, unsigned entries)
{
	unsigned times = 200000 / entries;
	double ours[TURNS], floors[TURNS];

	for (int i = 0; i < TURNS; i++) {
		ours[i] = once(appraise, b, times);
		floors[i] = once(hash, b, times);
	}
	qsort(ours, TURNS, sizeof ours[0], compare);
	qsort(floors, TURNS, sizeof floors[0], compare);
	double mine = ours[TURNS / 2], least = floors[TURNS / 2];
	printf("{\"name\":\"runtime list, %u entries\",\"value\":%.3f,\"unit\":\"us\",\"floor\":%.3f,\"ratio\":%.2f}\n",
	        entries, mine, least, mine / least);
	printf("{\"name\":\"a new entry beyond its hashes, of %u\",\"value\":%.3f,\"unit\":\"us\",\"goal\":0.6}\n",
	        entries, (mine - least) / entries);
}

int main(void)
{
	AUTO(json_free) json_t *body = json_object();
	json_t *files = json_object();
	struct err e = {0};

	json_object_set_new(body, "files", files);
	for (int k = 0; k < SIZES; k++) {
		struct wr w = wr_to(malloc((size_t)sizes[k] * ENTRY), (size_t)sizes[k] * ENTRY);
		if (!w.p)
			return 1;
		for (unsigned i = 0; i < sizes[k]; i++)
			put_entry(&w, i, files);
		AUTO(runtime_free) struct runtime *set = runtime_import(body, &e);
		if (!set || !wr_ok(&w)) {
			fprintf(stderr, "imabench: error: %s\n", e.text);
			return 1;
		}
		struct bench b = {.list = w.p, .n = w.n, .set = set};
		measure(&b, sizes[k]);
		free(w.p);
	}
	return 0;
}
