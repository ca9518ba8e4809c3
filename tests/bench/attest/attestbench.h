/* attestbench: what it costs to judge evidence, beside the bare primitives of OpenSSL that no verifier can do without. */
#ifndef BENCH_ATTESTBENCH_H
#define BENCH_ATTESTBENCH_H

#include "tests/bench/bench.h"

/* ---- race.c: medians of turns that all contenders take in alternation ---- */

struct racer {
	void (*once)(void *arg);
	void *arg;
	unsigned times; /* in each turn */
	bool child;     /* it is another process that works */
	double us;      /* CPU time of one, once race_run() is back */
};
void race_run(struct racer *r, size_t n);

struct race_row { /* 0: there is none */
	const char *unit;
	double value, floor, peer;
	double goal; /* of the ratio, or of the value when nothing stands beside it */
};
/* One line of JSON. The ratio is what we cost, in times of the floor (of the peer where there is no floor). */
void race_row(const struct race_row *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- bare.c: OpenSSL's low-level functions, which its manual no longer advises: nothing is faster ---- */

struct bare;
struct bare *bare_open(const struct es256 *k, struct err *e);
void bare_free(struct bare *b);
AUTO_DEFINE(struct bare *, bare_free)
void bare_sign(struct bare *b);   /* a fixed digest */
void bare_verify(struct bare *b); /* what bare_sign() made last; once at opening */
void bare_sha256(uint8_t out[SHA_LEN], struct view a, struct view b);

/* ---- softbox.c: a machine of software, and what it sends ---- */

struct softbox {
	struct softtpm_key ak, id;
	uint8_t nonce[NONCE_LEN];
};
int softbox_make(struct softbox *m, struct err *e);
void softbox_drop(struct softbox *m);

enum { SOFTBOX_ASKS = 12 };

struct softbox_sends { /* .p NULL: not sent */
	struct view log, ima;
	const struct boot *boot; /* of the log, sent or not */
	const uint8_t *pcr10;    /* NULL: no runtime list */
	uint64_t before;         /* entries that were sent earlier */
};
struct softbox_asks { /* a long runtime list takes several */
	size_t n, bytes;
	struct view ask[SOFTBOX_ASKS]; /* owned */
};
/* Appends to *out, which is the caller's to forget also when this fails. */
int softbox_asks(const struct softbox *m, const struct softbox_sends *s, struct softbox_asks *out, struct err *e);
void softbox_forget(struct softbox_asks *a);

/* ---- runlist.c: a runtime list of usual entries ---- */

struct runlist {
	uint8_t *bytes; /* owned, as is set */
	size_t n;
	unsigned entries;
	struct runtime *set; /* approves them all */
	uint8_t pcr10[PCR_LEN];
};
int runlist_make(struct runlist *l, unsigned entries, struct err *e);
void runlist_drop(struct runlist *l);
void runlist_hash(void *runlist);    /* bare: the two hashes of each entry, and nothing else */
void runlist_approve(void *runlist); /* what the decider does with each entry */

/* ---- The rows ---- */

int quoterow_print(const struct softbox *m, const char *dir, struct err *e);
int bootrow_print(const struct softbox *m, struct view log, struct err *e); /* and with runtime lists */
int runrow_print(const struct softbox *m, struct view log, struct err *e);
int ekrow_print(struct err *e);
int boxrow_print(const struct softbox *m, struct err *e);

#endif
