/* Datasets: ciphertext travels and is cached by anybody; it is opened and closed in the quoter alone. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/sha.h"
#include "federation/agent.h"

/* A new file beside `path`, to be renamed over it when it is whole. */
static int open_beside(const char *path, char tmp[AGENT_PATH_MAX], struct err *e)
{
	int fd;

	if (snprintf(tmp, AGENT_PATH_MAX, "%s.XXXXXX", path) >= AGENT_PATH_MAX)
		return err_set(e, WHY_MALFORMED, "the path of the output is too long");
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		err_sys(e, "%s", tmp);
	return fd;
}

/* The end of such a file: in place of `path` when all went well, otherwise gone. */
static int finish(int bad, int fd, const char *tmp, const char *path, struct err *e)
{
	if (!bad && (fsync(fd) || rename(tmp, path)))
		bad = err_sys(e, "%s", path);
	if (bad)
		unlink(tmp);
	return bad ? -1 : 0;
}

static int cache_path(const struct agent *a, const char *dataset, char out[AGENT_PATH_MAX], struct err *e)
{
	if (!name_ok(dataset))
		return err_set(e, WHY_MALFORMED, "\"%s\" is not the name of a dataset", dataset);
	if (snprintf(out, AGENT_PATH_MAX, "%s/cache/%s", a->config.state, dataset) >= AGENT_PATH_MAX)
		return err_set(e, WHY_MALFORMED, "the path of the cache is too long");
	return 0;
}

/* The lease, or why the last result gave none. */
static int find_lease(const struct agent *a, const char *dataset, struct lease_use *out, struct err *e)
{
	if (state_lease(a->dir, dataset, out, e) == 0)
		return 0;
	return e->why == WHY_UNKNOWN ? agent_why_not(a, dataset, e) : -1;
}

int agentdata_hash(int fd, uint8_t out[SHA_LEN], uint64_t *size, struct err *e)
{
	uint8_t buf[64 * 1024];
	struct sha s;
	ssize_t n;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(e, "seek");
	sha_start(&s);
	*size = 0;
	while ((n = read(fd, buf, sizeof buf)) > 0) {
		sha_add(&s, VIEW(buf, (size_t)n));
		*size += (uint64_t)n;
	}
	sha_end(&s, out);
	if (n < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(e, "read");
	return 0;
}

/* ---- up ---- */

static int put_part(struct agent *a, const char *target, struct view part, struct err *e)
{
	struct reply r;

	if (client_call(a->client, "PUT", target, "application/octet-stream", part, &r, e))
		return -1;
	return client_refusal(&r, e);
}

static int upload(struct agent *a, const char *dataset, int fd, struct err *e)
{
	AUTO(mem_free) char *part = malloc(BLOB_PART_MAX);
	char id[17], sum[2 * SHA_LEN + 1], target[TARGET_MAX];
	uint8_t digest[SHA_LEN], random[8];
	uint64_t size, at = 0;

	if (!part || getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return err_sys(e, "upload");
	if (agent_connect(a, e) || agentdata_hash(fd, digest, &size, e))
		return -1;
	hex_put(id, random, sizeof random);
	hex_put(sum, digest, SHA_LEN);
	while (at < size) {
		size_t n = size - at < BLOB_PART_MAX ? (size_t)(size - at) : BLOB_PART_MAX;
		bool last = at + n == size;

		if (fd_read_all(fd, part, n) != 1)
			return err_set(e, WHY_SYSTEM, "the ciphertext became shorter while it was sent");
		snprintf(target, sizeof target, "/v1/blobs/%s?upload=%s&offset=%llu%s%s", dataset, id,
		        (unsigned long long)at, last ? "&last=1&sha256=" : "", last ? sum : "");
		if (put_part(a, target, VIEW(part, n), e))
			return -1;
		at += n;
	}
	return 0;
}

int agent_put(struct agent *a, const char *dataset, const char *file, struct err *e)
{
	AUTO(fd_close) int in = open(file, O_RDONLY | O_CLOEXEC);
	AUTO(fd_close) int out = -1;
	char cache[AGENT_PATH_MAX], tmp[AGENT_PATH_MAX];
	struct lease_use use;
	int bad;

	if (in < 0)
		return err_sys(e, "%s", file);
	if (cache_path(a, dataset, cache, e) || find_lease(a, dataset, &use, e))
		return -1;
	out = open_beside(cache, tmp, e);
	if (out < 0)
		return -1;
	bad = quoter_stream(a->quoter, true, in, out, &use, e) || upload(a, dataset, out, e);
	return finish(bad, out, tmp, cache, e);
}

/* ---- down ---- */

static bool cached(int fd, const char *sum)
{
	char have[2 * SHA_LEN + 1];
	uint8_t digest[SHA_LEN];
	struct err ignored = {0};
	uint64_t size;

	return fd >= 0 && agentdata_hash(fd, digest, &size, &ignored) == 0 &&
	       strcmp(hex_put(have, digest, SHA_LEN), sum) == 0;
}

static int fetch_rest(struct agent *a, const char *dataset, int fd, const struct reply *first, struct err *e)
{
	char target[TARGET_MAX], sum[65];
	uint64_t total = first->total_size, at = 0;
	struct reply r = *first;

	memcpy(sum, first->sha256, sizeof sum);
	for (;;) {
		if (fd_write_all(fd, r.body.p, r.body.n))
			return err_sys(e, "cache of %s", dataset);
		at += r.body.n;
		if (at >= total)
			break;
		snprintf(target, sizeof target, "/v1/blobs/%s?offset=%llu", dataset, (unsigned long long)at);
		if (client_call(a->client, "GET", target, NULL, VIEW("", 0), &r, e) || client_refusal(&r, e))
			return -1;
		if (r.body.n == 0 || strcmp(r.sha256, sum) != 0)
			return err_set(e, WHY_STALE, "dataset %s was replaced while it was fetched", dataset);
	}
	if (!cached(fd, sum))
		return err_set(e, WHY_FORGED, "what came of dataset %s does not have its digest", dataset);
	return 0;
}

/* Brings the cache up to date. */
static int refresh(struct agent *a, const char *dataset, const char *cache, int old, struct err *e)
{
	AUTO(fd_close) int fd = -1;
	char target[TARGET_MAX], tmp[AGENT_PATH_MAX];
	struct reply r;

	snprintf(target, sizeof target, "/v1/blobs/%s?offset=0", dataset);
	if (agent_connect(a, e) || client_call(a->client, "GET", target, NULL, VIEW("", 0), &r, e) ||
	        client_refusal(&r, e))
		return -1;
	if (cached(old, r.sha256))
		return 0;
	fd = open_beside(cache, tmp, e);
	if (fd < 0)
		return -1;
	return finish(fetch_rest(a, dataset, fd, &r, e), fd, tmp, cache, e);
}

/* An authority that can not be reached is not an error while there is a cache. */
static int refresh_or_keep(struct agent *a, const char *dataset, const char *cache, struct err *e)
{
	AUTO(fd_close) int old = open(cache, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (refresh(a, dataset, cache, old, e) == 0)
		return 0;
	return old >= 0 && e->why == WHY_SYSTEM ? 0 : -1;
}

/* Which domain holds a dataset the authority alone knows: the result names it for those that were denied. */
int agent_why_not(const struct agent *a, const char *dataset, struct err *e)
{
	AUTO(json_free) json_t *result = agent_result(a, e);
	const char *domain = json_text(json_object_get(result, "merestone_datasets"), dataset);
	const json_t *submod = json_object_get(json_object_get(result, "submods"), domain);
	const json_t *d = json_object_get(submod, "merestone_decision");
	enum why why = why_parse(json_text(d, "reason"));

	if (!result)
		return -1;
	if (why == WHY_NONE || why == WHY_COUNT) {
		err_set(e, WHY_UNKNOWN, "there is no lease for dataset %s, and the last result does not know it",
		        dataset);
		return err_hint(e, "merestone-agent --config FILE attest, if the dataset is new");
	}
	err_set(e, why, "%s", json_text(d, "sentence"));
	return *json_text(d, "hint") ? err_hint(e, "%s", json_text(d, "hint")) : -1;
}

static int open_into(struct agent *a, const struct lease_use *use, const char *cache, const char *file, struct err *e)
{
	AUTO(fd_close) int in = open(cache, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	AUTO(fd_close) int out = -1;
	char tmp[AGENT_PATH_MAX];

	if (in < 0)
		return err_sys(e, "%s", cache);
	out = open_beside(file, tmp, e);
	if (out < 0)
		return -1;
	/* nothing of an unauthenticated whole is left */
	return finish(quoter_stream(a->quoter, false, in, out, use, e), out, tmp, file, e);
}

int agent_get(struct agent *a, const char *dataset, const char *file, struct err *e)
{
	char cache[AGENT_PATH_MAX];
	struct lease_use use;

	if (cache_path(a, dataset, cache, e) || refresh_or_keep(a, dataset, cache, e) ||
	        find_lease(a, dataset, &use, e))
		return -1;
	return open_into(a, &use, cache, file, e);
}

/* ---- what the configuration names ---- */

static int data_path(const struct agent *a, const char *dataset, char out[AGENT_PATH_MAX], struct err *e)
{
	if (snprintf(out, AGENT_PATH_MAX, "%s/%s", a->config.data_dir, dataset) >= AGENT_PATH_MAX)
		return err_set(e, WHY_MALFORMED, "the path of dataset %s is too long", dataset);
	return 0;
}

bool agent_data_is_open(const struct agent *a, const char *dataset)
{
	char file[AGENT_PATH_MAX];
	struct err ignored;
	AUTO(fd_close)
	int fd = data_path(a, dataset, file, &ignored) == 0 ? open(file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;

	return fd >= 0;
}

int agent_open_data(struct agent *a, const char *dataset, uint64_t *size, uint8_t digest[SHA_LEN], struct err *e)
{
	char file[AGENT_PATH_MAX];

	if (data_path(a, dataset, file, e) != 0)
		return -1;
	if (agent_get(a, dataset, file, e) != 0) {
		if (e->why != WHY_SYSTEM) /* somebody said no: what was opened before is not kept */
			(void)unlink(file);
		return -1;
	}
	AUTO(fd_close) int fd = open(file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "%s", file) : agentdata_hash(fd, digest, size, e);
}
