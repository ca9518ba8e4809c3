/* Updates: the agent brings what the authority offers to where the updater looks. It believes and installs nothing; the
 * updater does, with the update key. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/b64.h"
#include "base/file.h"
#include "federation/agent.h"

enum {
	PARTS_AT_ONCE = 16, /* of BLOB_PART_MAX: leases are renewed in between */
	ANSWER_MAX = 64 * 1024,
	BOOT_ID_MAX = 64
};
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

static int open_spool(const struct agent *a, struct err *e)
{
	int dir = open(a->config.spool, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0)
		err_sys(e, "%s", a->config.spool);
	return dir;
}

/* ---- what is offered ---- */

/* The payload of the signed answer; TLS brought it, and the updater asks for another signature. */
static json_t *payload_of(struct view answer, struct err *e)
{
	AUTO(json_free) json_t *flat = json_read(answer, ANSWER_MAX, e);
	AUTO(mem_free) char *payload = malloc(ANSWER_MAX);
	const char *text;
	long n;

	if (!flat || !payload || json_get_str(flat, "payload", &text, e))
		return NULL;
	n = b64_get(payload, ANSWER_MAX, VIEW(text, strlen(text)));
	if (n >= 0)
		return json_read(VIEW(payload, (size_t)n), ANSWER_MAX, e);
	err_set(e, WHY_MALFORMED, "payload: expected base64url");
	return NULL;
}

/* 1: *manifest is offered, the caller frees; 0: nothing is. */
static int ask(struct agent *a, char **manifest, struct err *e)
{
	AUTO(json_free) json_t *j = NULL;
	char target[TARGET_MAX];
	const char *state, *text;
	struct reply r;

	(void)snprintf(target, sizeof target, "/v1/update/%s", a->config.variant);
	if (agent_connect(a, e) || client_call(a->client, "GET", target, NULL, VIEW("", 0), &r, e) ||
	        client_refusal(&r, e))
		return -1;
	j = payload_of(r.body, e);
	if (!j || json_get_str(j, "state", &state, e))
		return err_in(e, "the authority's answer");
	if (strcmp(state, "offered") != 0)
		return 0;
	if (json_get_str(j, "manifest", &text, e))
		return err_in(e, "the authority's answer");
	*manifest = strdup(text);
	return *manifest ? 1 : err_sys(e, "no memory for a manifest");
}

/* The file holds exactly that. */
static bool is_here(int dir, const char *name, struct view wanted)
{
	uint8_t *text = NULL;
	size_t n = 0;
	struct err ignored;
	bool same = faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
	            file_read(dir, name, MANIFEST_MAX, &text, &n, &ignored) == 0 && view_equal(VIEW(text, n), wanted);

	mem_free(text);
	return same;
}

/* ---- its payload ---- */

struct fetch {
	struct agent *a;
	int dir;
	const struct release *release;
	unsigned parts; /* that may still be fetched at once */
};

/* What came of it so far; the updater, another user, reads it. */
static int open_part(const struct fetch *f, const char *name, uint64_t *size, struct err *e)
{
	int fd = openat(f->dir, name, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat st;

	if (fd >= 0 && fchmod(fd, 0644) == 0 && fstat(fd, &st) == 0) {
		*size = (uint64_t)st.st_size;
		return fd;
	}
	err_sys(e, "%s", name);
	fd_close(fd);
	return -1;
}

static int fetch_part(
        struct fetch *f, const char *part, uint64_t at, const struct payload *p, int fd, size_t *n, struct err *e)
{
	char target[TARGET_MAX];
	struct reply r;

	(void)snprintf(target, sizeof target, "/v1/updates/%s-%u-%s?offset=%llu", f->release->variant,
	        f->release->version, part, (unsigned long long)at);
	if (client_call(f->a->client, "GET", target, NULL, VIEW("", 0), &r, e) || client_refusal(&r, e))
		return -1;
	if (r.total_size != p->size || r.body.n == 0 || r.body.n > p->size - at)
		return err_set(e, WHY_FORGED, "the authority has other bytes than the manifest says");
	if (fd_write_all(fd, r.body.p, r.body.n))
		return err_sys(e, "%s", f->a->config.spool);
	*n = r.body.n;
	return 0;
}

/* 0: it is whole; 1: more is to come. What turns out to be something else is thrown away. */
static int fetch(struct fetch *f, const char *part, const struct payload *p, struct err *e)
{
	char name[16];
	uint8_t digest[SHA_LEN];
	uint64_t size = 0, at = 0;
	size_t n = 0;

	(void)snprintf(name, sizeof name, "%s.part", part);
	AUTO(fd_close) int fd = open_part(f, name, &at, e);
	if (fd < 0)
		return -1;
	for (; at < p->size; at += n) {
		if (f->parts == 0)
			return 1;
		f->parts--;
		if (fetch_part(f, part, at, p, fd, &n, e))
			return -1;
	}
	if (agentdata_hash(fd, digest, &size, e))
		return -1;
	if (size == p->size && mem_equal(digest, p->sha256, SHA_LEN))
		return fsync(fd) ? err_sys(e, "%s", name) : 0;
	(void)unlinkat(f->dir, name, 0);
	return err_set(e, WHY_FORGED, "what came of the update does not have its digest");
}

static int put_in_place(const struct fetch *f, const char *manifest, struct err *e)
{
	if (renameat(f->dir, UPDATE_UKI ".part", f->dir, UPDATE_UKI) != 0 ||
	        renameat(f->dir, UPDATE_ROOT ".part", f->dir, UPDATE_ROOT) != 0)
		return err_sys(e, "the update");
	return file_write(f->dir, UPDATE_MANIFEST, VIEW(manifest, strlen(manifest)), 0644, e);
}

/* The one before: the state has no room for two. */
static int drop_old(int dir, struct err *e)
{
	static const char *const names[] = {UPDATE_MANIFEST, UPDATE_UKI, UPDATE_ROOT};

	for (size_t i = 0; i < COUNT(names); i++)
		if (unlinkat(dir, names[i], 0) != 0 && errno != ENOENT)
			return err_sys(e, "%s", names[i]);
	return 0;
}

static int bring(struct agent *a, int dir, const char *manifest, struct err *e)
{
	struct release r;
	struct fetch f = {.a = a, .dir = dir, .release = &r, .parts = PARTS_AT_ONCE};
	int more;

	if (release_open(VIEW(manifest, strlen(manifest)), NULL, &r, e) || drop_old(dir, e))
		return -1;
	more = fetch(&f, UPDATE_UKI, &r.uki, e);
	if (more == 0)
		more = fetch(&f, UPDATE_ROOT, &r.root, e);
	return more == 0 ? put_in_place(&f, manifest, e) : more;
}

int agent_update(struct agent *a, struct err *e)
{
	AUTO(fd_close) int dir = open_spool(a, e);
	AUTO(mem_free) char *manifest = NULL;
	int got = dir < 0 ? -1 : ask(a, &manifest, e);

	if (got == 1)
		got = is_here(dir, UPDATE_MANIFEST, VIEW(manifest, strlen(manifest))) ? 0 : bring(a, dir, manifest, e);
	return got < 0 ? err_in(e, "update") : got;
}

int agent_update_attested(const struct agent *a, struct err *e)
{
	AUTO(fd_close) int dir = open_spool(a, e);
	uint8_t *boot = NULL;
	size_t n = 0;
	int bad = dir < 0 || file_read(AT_FDCWD, BOOT_ID, BOOT_ID_MAX, &boot, &n, e);

	if (!bad && !is_here(dir, UPDATE_ATTESTED, VIEW(boot, n)))
		bad = file_write(dir, UPDATE_ATTESTED, VIEW(boot, n), 0644, e);
	mem_free(boot);
	return bad ? -1 : 0;
}
