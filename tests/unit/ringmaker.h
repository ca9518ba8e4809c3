/* ringmaker: a whole authority with a door that is ours: judge, decider and keeper as merestoned starts them, in
 * directories of their own, and a pipe at either end. */
#ifndef UNIT_RINGMAKER_H
#define UNIT_RINGMAKER_H

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/jws.h"
#include "base/ring.h"
#include "keystore/keystore.h"
#include "policy/policy.h"
#include "tests/unit/tpmmaker.h"

enum { RINGMAKER_MS = 20 * 1000, RINGMAKER_HEARD = 4 * 1024 * 1024 };
enum behind { BEHIND_JUDGE, BEHIND_DECIDER, BEHIND_KEEPER, BEHIND_COUNT };

static const char *const ringmaker_names[BEHIND_COUNT] = {"judge", "decider", "keeper"};

struct ringmaker {
	char dir[64], libexec[4096];
	struct es256 *officer;
	pid_t pid[BEHIND_COUNT];
	int to; /* asks */
	struct ring_in from;
	uint64_t ticket;
	struct answer answer; /* the last one */
	json_t *json;         /* and its body */
	uint8_t message[RING_MAX], text[DOCUMENT_MAX];
	uint8_t *heard; /* all that ever came */
	size_t nheard;
	struct err e;
};

/* ---- Its directories ---- */

static inline void ringmaker_write(struct ringmaker *r, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", r->dir, name);
	assert_accepted(file_write(AT_FDCWD, path, VIEW(text, strlen(text)), 0600, &r->e), &r->e);
}

static inline int ringmaker_open_keys(const struct ringmaker *r, struct keyring *out, struct err *e)
{
	char path[128];

	snprintf(path, sizeof path, "%s/keeper", r->dir);
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_DIRECTORY);
	return keyring_open(fd, VIEW("", 0), out, e);
}

static inline void ringmaker_keys(struct ringmaker *r)
{
	AUTO(mem_free) char *ca = NULL;
	AUTO(mem_free) char *officer = NULL;
	struct keyring k;
	char path[128];
	size_t n;

	snprintf(path, sizeof path, "%s/keeper", r->dir);
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_DIRECTORY);
	r->officer = es256_generate(&r->e);
	assert_non_null(r->officer);
	assert_accepted(keyring_create(fd, VIEW("", 0), &r->e), &r->e);
	assert_accepted(keyring_open(fd, VIEW("", 0), &k, &r->e), &r->e);
	assert_accepted(ca_self(k.ca, "edge.example", time(NULL), &ca, &r->e), &r->e);
	keyring_close(&k);
	assert_accepted(es256_public_pem(r->officer, &officer, &n, &r->e), &r->e);
	ringmaker_write(r, "keeper/ca.pem", ca);
	ringmaker_write(r, "decider/officers.pem", officer);
}

/* NULL where the programs are not built: in build/libexec, or with BUILD=build/san those with sanitizers. */
static inline struct ringmaker *ringmaker_new(void)
{
	const char *build = getenv("BUILD");
	struct ringmaker *r = calloc(1, sizeof *r);
	AUTO(mem_free) char *top = realpath(build ? build : "build", NULL);
	char path[4200];

	assert_non_null(r);
	assert_non_null(top);
	snprintf(r->libexec, sizeof r->libexec, "%s/libexec", top);
	for (size_t i = 0; i < BEHIND_COUNT; i++) {
		snprintf(path, sizeof path, "%s/%s", r->libexec, ringmaker_names[i]);
		if (access(path, X_OK) != 0) {
			free(r);
			return NULL;
		}
	}
	snprintf(r->dir, sizeof r->dir, "/tmp/merestone-ring-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	for (size_t i = 0; i < BEHIND_COUNT; i++) {
		snprintf(path, sizeof path, "%s/%s", r->dir, ringmaker_names[i]);
		assert_accepted(file_mkdir(AT_FDCWD, path, 0700, &r->e), &r->e);
	}
	r->heard = malloc(RINGMAKER_HEARD);
	assert_non_null(r->heard);
	ringmaker_keys(r);
	return r;
}

static inline int ringmaker_remove(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st, (void)type, (void)walk;
	return remove(path);
}

/* ---- Its processes ---- */

/* In the child. Files that may grow no further are an error to a writer, not its end. */
static inline void ringmaker_become(const struct ringmaker *r, enum behind who, int in, int out)
{
	char *judge[] = {"judge", "--workers", "1", NULL}, *env[] = {NULL};
	char *other[] = {(char *)(uintptr_t)ringmaker_names[who], "--trust-domain", "edge.example", NULL};
	char path[4200], dir[128];

	snprintf(path, sizeof path, "%s/%s", r->libexec, ringmaker_names[who]);
	snprintf(dir, sizeof dir, "%s/%s", r->dir, ringmaker_names[who]);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGXFSZ, SIG_IGN);
	if (chdir(dir) == 0 && dup2(in, 100) >= 0 && dup2(out, 101) >= 0 && dup2(100, RING_IN) >= 0 &&
	        dup2(101, RING_OUT) >= 0) {
		close_range(5, ~0U, 0);
		execve(path, who == BEHIND_JUDGE ? judge : other, env);
	}
	_exit(127);
}

static inline void ringmaker_start(struct ringmaker *r)
{
	int ends[BEHIND_COUNT + 1][2];

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < COUNT(ends); i++)
		assert_int_equal(pipe2(ends[i], O_CLOEXEC), 0);
	for (size_t i = 0; i < BEHIND_COUNT; i++) {
		r->pid[i] = fork();
		assert_true(r->pid[i] >= 0);
		if (r->pid[i] == 0)
			ringmaker_become(r, (enum behind)i, ends[i][0], ends[i + 1][1]);
	}
	for (size_t i = 0; i < BEHIND_COUNT; i++) {
		close(ends[i][0]);
		close(ends[i + 1][1]);
	}
	r->to = ends[0][1];
	ring_open(&r->from, ends[BEHIND_COUNT][0]);
}

/* No more asks. Waits for the three; status[i] is 0 where one ended well. */
static inline void ringmaker_stop(struct ringmaker *r, int status[BEHIND_COUNT])
{
	fd_close(r->to);
	for (size_t i = 0; i < BEHIND_COUNT; i++)
		if (r->pid[i] > 0) {
			assert_int_equal(waitpid(r->pid[i], &status[i], 0), r->pid[i]);
			r->pid[i] = 0;
		}
	fd_close(r->from.fd);
	ring_close(&r->from);
	r->to = -1;
}

static inline void ringmaker_drop(struct ringmaker *r)
{
	int status[BEHIND_COUNT];

	for (size_t i = 0; r && i < BEHIND_COUNT; i++)
		if (r->pid[i] > 0)
			kill(r->pid[i], SIGKILL);
	if (!r)
		return;
	ringmaker_stop(r, status);
	(void)nftw(r->dir, ringmaker_remove, 8, FTW_DEPTH | FTW_PHYS);
	es256_free(r->officer);
	json_free(r->json);
	free(r->heard);
	free(r);
}

/* ---- Asks and answers ---- */

/* 1: an answer came; 0: the ring has ended. */
static inline int ringmaker_hear(struct ringmaker *r)
{
	struct pollfd p = {.fd = r->from.fd, .events = POLLIN};
	struct view v;

	json_free(TAKE(r->json));
	if (!ring_ready(&r->from) && poll(&p, 1, RINGMAKER_MS) != 1)
		fail_msg("no answer");
	int got = ring_read(&r->from, &v, &r->e);
	if (got != 1)
		return 0;
	assert_true(r->nheard + v.n <= RINGMAKER_HEARD);
	memcpy(r->heard + r->nheard, v.p, v.n);
	r->nheard += v.n;
	assert_accepted(answer_read(v, &r->answer, &r->e), &r->e);
	r->json = json_read(r->answer.body, ANSWER_BODY_MAX, &r->e);
	assert_non_null(r->json);
	return 1;
}

static inline void ringmaker_send(
        struct ringmaker *r, enum ask_kind kind, enum role role, const char *peer, struct view body)
{
	struct wr w = wr_to(r->message, sizeof r->message);
	struct ask a = {.ticket = ++r->ticket, .kind = kind, .role = role, .body = body};

	snprintf(a.peer, sizeof a.peer, "%s", peer);
	assert_int_equal(ask_write(&w, &a), 0);
	assert_accepted(ring_write(r->to, wr_done(&w), &r->e), &r->e);
}

static inline void ringmaker_ask(
        struct ringmaker *r, enum ask_kind kind, enum role role, const char *peer, struct view body)
{
	ringmaker_send(r, kind, role, peer, body);
	assert_int_equal(ringmaker_hear(r), 1);
	assert_int_equal(r->answer.ticket, r->ticket);
}

static inline const char *ringmaker_sentence(const struct ringmaker *r)
{
	const char *s = json_string_value(json_object_get(json_object_get(r->json, "error"), "sentence"));

	return s ? s : "";
}

#define assert_answered(r, reason)                                                                                     \
	do {                                                                                                           \
		if ((r)->answer.why != (reason))                                                                       \
			fail_msg("%s: %s", why_name((r)->answer.why), ringmaker_sentence(r));                          \
	} while (0)

static inline void ringmaker_document(struct ringmaker *r, struct view jws)
{
	ringmaker_ask(r, ASK_DOCUMENT, ROLE_OFFICER, "officer", jws);
}

static inline struct view ringmaker_sign(struct ringmaker *r, const struct es256 *by, enum doc_kind kind,
        const char *name, uint32_t version, const char *body)
{
	struct wr w = wr_to(r->text, sizeof r->text);

	assert_accepted(document_sign(&w, by, kind, name, version, time(NULL), VIEW(body, strlen(body)), &r->e), &r->e);
	return wr_done(&w);
}

static inline void ringmaker_put(
        struct ringmaker *r, enum doc_kind kind, const char *name, uint32_t version, const char *body)
{
	ringmaker_document(r, ringmaker_sign(r, r->officer, kind, name, version, body));
	assert_answered(r, WHY_NONE);
}

/* What a listing says; the caller frees. */
static inline json_t *ringmaker_list(struct ringmaker *r, const char *what)
{
	struct jws j;

	ringmaker_ask(r, ASK_QUERY, ROLE_AUDITOR, "auditor", VIEW(what, strlen(what)));
	assert_answered(r, WHY_NONE);
	assert_accepted(jws_flat_parse(r->answer.body, TYP_LISTING, r->text, sizeof r->text, &j, &r->e), &r->e);
	json_t *list = json_read(j.payload, LISTING_MAX, &r->e);
	assert_non_null(list);
	return list;
}

#endif
