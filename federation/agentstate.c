/* What a cloudlet keeps: a nonce, a certificate, leases and sealed keys. None of it is a secret that its TPM does not
 * guard. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/b64.h"
#include "base/file.h"
#include "base/hex.h"
#include "federation/agent.h"

enum { STATE_FILE_MAX = 256 * 1024 };

int state_open(const char *path, int *dir, struct err *e)
{
	static const char *const dirs[] = {"lease", "key", "cache", "quoter"};
	AUTO(fd_close) int fd = -1;

	if (file_mkdir(AT_FDCWD, path, 0700, e))
		return err_in(e, "state directory");
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "state directory %s", path);
	for (size_t i = 0; i < COUNT(dirs); i++)
		if (file_mkdir(fd, dirs[i], 0700, e))
			return err_in(e, "state directory %s", path);
	*dir = fd;
	fd = -1;
	return 0;
}

char *state_text(int dir, const char *name)
{
	struct err ignored = {0};
	uint8_t *p = NULL;
	size_t n = 0;

	if (file_read(dir, name, STATE_FILE_MAX, &p, &n, &ignored))
		return NULL;
	return (char *)p;
}

int state_put(int dir, const char *name, struct view v, struct err *e)
{
	return file_write(dir, name, v, 0600, e);
}

int state_drop(int dir, const char *name, struct err *e)
{
	if (unlinkat(dir, name, 0) && errno != ENOENT)
		return err_sys(e, "%s", name);
	return 0;
}

bool state_take_nonce(int dir, uint8_t nonce[NONCE_LEN], struct err *e)
{
	AUTO(mem_free) char *text = state_text(dir, "next.nonce");

	return text && state_drop(dir, "next.nonce", e) == 0 && hex_get(nonce, NONCE_LEN, text) == 0;
}

int state_put_nonce(int dir, const uint8_t nonce[NONCE_LEN], struct err *e)
{
	char text[2 * NONCE_LEN + 1];

	hex_put(text, nonce, NONCE_LEN);
	return state_put(dir, "next.nonce", VIEW(text, 2 * NONCE_LEN), e);
}

/* NULL when name is not one: what is asked for by name never leaves its directory. */
static json_t *read_json(int dir, const char *sub, const char *name)
{
	struct err ignored = {0};
	char path[NAME_CAP + 32];

	if (!name_ok(name))
		return NULL;
	snprintf(path, sizeof path, "%s/%s.json", sub, name);
	return json_file(dir, path, STATE_FILE_MAX, &ignored);
}

/* Calls each with the names of sub/NAME.json. */
static void each_name(int dir, const char *sub, void (*each)(void *arg, const char *name), void *arg)
{
	int fd = openat(dir, sub, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	char name[NAME_CAP];

	if (!d) {
		fd_close(fd);
		return;
	}
	while ((entry = readdir(d)) != NULL) {
		size_t n = strlen(entry->d_name);

		if (n > 5 && strcmp(entry->d_name + n - 5, ".json") == 0 && name_get(name, VIEW(entry->d_name, n - 5)))
			each(arg, name);
	}
	closedir(d);
}

/* A lease or key object names what it is for; together they give the policy reference. */
static int terms_of(const json_t *j, struct lease_use *u, struct err *e)
{
	int64_t epoch, generation;

	if (json_get_name(j, "domain", u->domain, e) || json_get_name(j, "dataset", u->dataset, e) ||
	        json_get_int(j, "epoch", 1, UINT32_MAX, &epoch, e) ||
	        json_get_int(j, "generation", 1, UINT32_MAX, &generation, e))
		return -1;
	u->epoch = (uint32_t)epoch;
	u->generation = (uint32_t)generation;
	return 0;
}

struct holds {
	int dir;
	uint8_t (*refs)[SHA_LEN];
	size_t n;
};

static void add_hold(void *arg, const char *name)
{
	struct holds *h = arg;
	AUTO(json_free) json_t *j = read_json(h->dir, "key", name);
	struct lease_use u;
	struct err ignored = {0};

	if (j && h->n < CLAIMS_HOLDS_MAX && terms_of(j, &u, &ignored) == 0)
		policyref(h->refs[h->n++], u.domain, u.dataset, u.epoch, u.generation);
}

size_t state_holds(int dir, uint8_t refs[CLAIMS_HOLDS_MAX][SHA_LEN])
{
	struct holds h = {.dir = dir, .refs = refs};

	each_name(dir, "key", add_hold, &h);
	return h.n;
}

static int put_json(int dir, const char *sub, const json_t *j, const char *lease_key, struct err *e)
{
	AUTO(json_free) json_t *copy = json_copy((json_t *)j);
	AUTO(mem_free) char *text = NULL;
	char name[NAME_CAP], path[NAME_CAP + 32];

	if (json_get_name(j, "dataset", name, e))
		return -1;
	if (lease_key)
		json_object_set_new(copy, "lease_key", json_string(lease_key));
	text = json_dumps(copy, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
	if (!text)
		return err_set(e, WHY_SYSTEM, "memory for %s", name);
	snprintf(path, sizeof path, "%s/%s.json", sub, name);
	return state_put(dir, path, VIEW(text, strlen(text)), e);
}

struct kept {
	int dir;
	const json_t *leases;
};

static void drop_unless_granted(void *arg, const char *name)
{
	struct kept *k = arg;
	struct err ignored = {0};
	char path[NAME_CAP + 32];
	json_t *lease;
	size_t i;

	json_array_foreach(k->leases, i, lease)
	{
		const char *s = json_string_value(json_object_get(lease, "dataset"));

		if (s && strcmp(s, name) == 0)
			return;
	}
	snprintf(path, sizeof path, "lease/%s.json", name);
	(void)state_drop(k->dir, path, &ignored);
}

void state_drop_leases(int dir)
{
	struct kept none = {.dir = dir};

	each_name(dir, "lease", drop_unless_granted, &none);
}

static int read_sealed(const json_t *j, struct sealed *s, struct err *e)
{
	if (json_get_b64(j, "public", s->public, sizeof s->public, &s->npublic, e) ||
	        json_get_b64(j, "duplicate", s->duplicate, sizeof s->duplicate, &s->nduplicate, e) ||
	        json_get_b64(j, "seed", s->seed, sizeof s->seed, &s->nseed, e))
		return -1;
	return 0;
}

static int read_exact(const json_t *j, const char *key, uint8_t *out, size_t n, struct err *e)
{
	size_t got = 0;

	if (json_get_b64(j, key, out, n, &got, e))
		return -1;
	return got == n ? 0 : err_set(e, WHY_MALFORMED, "%s: %zu bytes, expected %zu", key, got, n);
}

/* Both or neither. */
static int read_tag(const json_t *j, struct lease_terms *t, struct err *e)
{
	t->has_tag = json_object_get(j, "tag") || json_object_get(j, "tag_name");
	if (!t->has_tag)
		return 0;
	if (json_get_hex(j, "tag", t->tag, SHA_LEN, e) || json_get_hex(j, "tag_name", t->tag_name, TPM_NAME_LEN, e))
		return -1;
	return 0;
}

static int read_terms(const json_t *j, struct lease_use *u, struct err *e)
{
	int64_t reset, restart, counter, deadline;

	if (terms_of(j, u, e) || json_get_hex(j, "pcr_digest", u->terms.pcr_digest, SHA_LEN, e) ||
	        json_get_int(j, "reset_count", 0, UINT32_MAX, &reset, e) ||
	        json_get_int(j, "restart_count", 0, UINT32_MAX, &restart, e) ||
	        json_get_int(j, "counter", 1, INT64_MAX, &counter, e) ||
	        json_get_int(j, "deadline_ms", 0, INT64_MAX, &deadline, e) ||
	        read_exact(j, "signature", u->signature, ES256_SIG, e) || read_tag(j, &u->terms, e))
		return -1;
	u->terms.pcr_mask = PCR_MASK;
	u->terms.reset_count = (uint32_t)reset;
	u->terms.restart_count = (uint32_t)restart;
	u->terms.counter = (uint64_t)counter;
	u->terms.deadline_ms = (uint64_t)deadline;
	return 0;
}

/* All of it is read before any of it is kept: half a result would leave keys and leases of two epochs. */
static int check_result(const json_t *answer, struct err *e)
{
	const json_t *leases = json_object_get(answer, "leases"), *keys = json_object_get(answer, "keys");
	const char *result;
	uint8_t lease_key[ES256_PUB];
	struct lease_use u;
	json_t *item;
	size_t i;

	if (json_get_str(answer, "result", &result, e) ||
	        read_exact(answer, "lease_key", lease_key, sizeof lease_key, e))
		return -1;
	if (!json_is_array(leases) || !json_is_array(keys))
		return err_set(e, WHY_MALFORMED, "leases and keys: expected arrays");
	json_array_foreach(leases, i, item) if (read_terms(item, &u, e)) return err_in(e, "lease %zu", i + 1);
	json_array_foreach(keys, i, item) if (terms_of(item, &u, e) || read_sealed(item, &u.sealed, e)) return err_in(
	        e, "key %zu", i + 1);
	return 0;
}

int state_put_result(int dir, const json_t *answer, struct err *e)
{
	const char *lease_key = json_string_value(json_object_get(answer, "lease_key"));
	const char *result = json_string_value(json_object_get(answer, "result"));
	struct kept kept = {.dir = dir, .leases = json_object_get(answer, "leases")};
	json_t *item;
	size_t i;

	if (check_result(answer, e))
		return err_in(e, "the authority's answer");
	json_array_foreach(json_object_get(answer, "keys"), i, item) if (put_json(dir, "key", item, NULL, e)) return -1;
	json_array_foreach(kept.leases, i, item) if (put_json(dir, "lease", item, lease_key, e)) return -1;
	each_name(dir, "lease", drop_unless_granted, &kept);
	return state_put(dir, "result.jwt", VIEW(result, strlen(result)), e);
}

int state_lease(int dir, const char *dataset, struct lease_use *out, struct err *e)
{
	AUTO(json_free) json_t *lease = read_json(dir, "lease", dataset);
	AUTO(json_free) json_t *key = read_json(dir, "key", dataset);
	struct lease_use u = {0}, k = {0};

	if (!lease || !key)
		return err_set(e, WHY_UNKNOWN, "there is no lease for dataset %s here", dataset);
	if (read_terms(lease, &u, e) || read_exact(lease, "lease_key", u.lease_key, ES256_PUB, e) ||
	        read_sealed(key, &u.sealed, e) || terms_of(key, &k, e))
		return err_in(e, "lease of %s", dataset);
	if (strcmp(u.dataset, dataset) != 0 || strcmp(k.dataset, dataset) != 0)
		return err_set(e, WHY_MALFORMED, "the lease or the sealed key of %s is of another dataset", dataset);
	if (k.epoch != u.epoch || k.generation != u.generation || strcmp(k.domain, u.domain) != 0)
		return err_set(e, WHY_STALE, "the sealed key of %s is of another epoch than its lease", dataset);
	*out = u;
	return 0;
}

struct domains {
	int dir;
	char (*names)[NAME_CAP];
	size_t n, cap;
};

static void add_domain(void *arg, const char *name)
{
	struct domains *d = arg;
	AUTO(json_free) json_t *j = read_json(d->dir, "lease", name);
	struct err ignored = {0};

	if (!j || d->n == d->cap || json_get_name(j, "domain", d->names[d->n], &ignored))
		return;
	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->names[i], d->names[d->n]) == 0)
			return;
	d->n++;
}

size_t state_lease_domains(int dir, char domains[][NAME_CAP], size_t cap)
{
	struct domains d = {.dir = dir, .names = domains, .cap = cap};

	each_name(dir, "lease", add_domain, &d);
	return d.n;
}

struct leases {
	int dir;
	char (*names)[NAME_CAP];
	uint64_t *deadlines_ms;
	size_t n, cap;
};

static void add_lease(void *arg, const char *name)
{
	struct leases *l = arg;
	AUTO(json_free) json_t *j = read_json(l->dir, "lease", name);
	json_int_t deadline = json_integer_value(json_object_get(j, "deadline_ms"));

	if (l->n == l->cap || deadline <= 0)
		return;
	memcpy(l->names[l->n], name, strlen(name) + 1);
	l->deadlines_ms[l->n++] = (uint64_t)deadline;
}

size_t state_leases(int dir, char names[][NAME_CAP], uint64_t *deadlines_ms, size_t cap)
{
	struct leases l = {.dir = dir, .names = names, .deadlines_ms = deadlines_ms, .cap = cap};

	each_name(dir, "lease", add_lease, &l);
	return l.n;
}
