/* updater: the one process of a machine that may write to its slots and its boot partition. It believes the update key
 * alone: what the agent brought, or a stick, is checked here. It never talks to anybody. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "firmware/init/init.h"
#include "firmware/update/update.h"

enum {
	LOOK_S = 5,    /* between two looks at what is there */
	RETRY_S = 300, /* after a fault */
	TRIAL_S = 900, /* a new version that no authority has seen by then is started again, and at last given up */
	TEXT_MAX = 16 * 1024,
	SOURCES = 2
};

struct updater {
	const char *from[SOURCES];
	const char *esp, *slot, *os_release, *key_file;
	struct es256 *key;
	struct runningimage image;
	struct updatedisk disk;
	struct updateio io;
	uint8_t refused[SOURCES][SHA_LEN]; /* of each, the manifest that was refused last: it is not looked at again */
	int64_t not_before_s;
	bool kept, asked;
};

static int64_t uptime_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec;
}

/* ---- what this machine is ---- */

static int read_image(struct updater *u, struct err *e)
{
	uint8_t *text = NULL, *pem = NULL;
	size_t n = 0, npem = 0;
	int bad = file_read(AT_FDCWD, u->os_release, TEXT_MAX, &text, &n, e) ||
	          runningimage_parse(VIEW(text, n), &u->image, e);

	mem_free(text);
	if (bad || file_read(AT_FDCWD, u->key_file, TEXT_MAX, &pem, &npem, e))
		return -1;
	u->key = es256_from_pem(VIEW(pem, npem), VIEW("", 0), e);
	mem_free(pem);
	return u->key ? 0 : err_in(e, "%s", u->key_file);
}

/* The device of the slot that does not run, as the first program found it. */
static int open_slot(struct updater *u, struct err *e)
{
	AUTO(json_free) json_t *boot = u->slot ? NULL : json_file(AT_FDCWD, RUN_BOOT, TEXT_MAX, e);
	const char *device = u->slot;

	if (!device && (!boot || json_get_str(boot, "idle", &device, e)))
		return err_in(e, "the idle slot");
	u->disk.slot = open(device, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	return u->disk.slot < 0 ? err_sys(e, "cannot open the idle slot %s", device) : 0;
}

static int open_disk(struct updater *u, struct err *e)
{
	if (open_slot(u, e))
		return -1;
	u->disk.esp = open(u->esp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (u->disk.esp < 0)
		return err_sys(e, "cannot open %s", u->esp);
	u->io = updatedisk_io(&u->disk);
	return 0;
}

/* ---- requests to the supervisor, whose files they are ---- */

static int request(const char *path, const char *text, struct err *e)
{
	AUTO(fd_close) int fd = open(path, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 || fd_write_all(fd, text, strlen(text)) ? err_sys(e, "%s", path) : 0;
}

static int ask_reboot(struct updater *u, const char *what_for, struct err *e)
{
	log_info("%s", what_for);
	u->asked = true;
	return request(RUN_REBOOT, what_for, e);
}

/* ---- taking a release ---- */

/* 1: a manifest is in the directory, 0: none. */
static int read_manifest(const char *from, int *dir, uint8_t **text, size_t *n, struct err *e)
{
	*dir = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*dir < 0 || faccessat(*dir, UPDATE_MANIFEST, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return 0;
	return file_read(*dir, UPDATE_MANIFEST, MANIFEST_MAX, text, n, e) ? -1 : 1;
}

static int install(struct updater *u, int dir, const struct release *r, struct err *e)
{
	AUTO(fd_close) int uki = openat(dir, UPDATE_UKI, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	AUTO(fd_close) int root = openat(dir, UPDATE_ROOT, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	const struct install x = {.release = r, .running = u->image.version, .uki = uki, .root = root};

	if (uki < 0 || root < 0)
		return err_sys(e, "the payload of version %u", r->version);
	return install_release(&u->io, &x, e);
}

/* 1: a release was written, 0: there is none, or the machine has it. */
static int take(struct updater *u, size_t source, struct err *e)
{
	AUTO(fd_close) int dir = -1;
	uint8_t *text = NULL, digest[SHA_LEN] = {0};
	struct release r;
	size_t n = 0;
	int got = read_manifest(u->from[source], &dir, &text, &n, e);

	if (got == 1)
		sha256(digest, VIEW(text, n));
	if (got == 1 && memcmp(digest, u->refused[source], SHA_LEN) == 0)
		got = 0;
	if (got == 1)
		got = release_open(VIEW(text, n), u->key, &r, e) ? -1 : r.version == u->image.version ? 0 : 1;
	mem_free(text);
	if (got == 1 && (release_fits(&r, u->image.variant, u->image.version, e) || install(u, dir, &r, e)))
		got = -1;
	if (got < 0 && e->why != WHY_SYSTEM)
		memcpy(u->refused[source], digest, SHA_LEN);
	return got;
}

/* One that is refused does not stand in the way of another; the first sentence is told. */
static int take_any(struct updater *u, struct err *e)
{
	int got = 0;

	for (size_t i = 0; i < SOURCES; i++) {
		struct err why = {0};
		int one = take(u, i, &why);

		if (one == 1)
			return 1;
		if (one < 0 && got == 0)
			*e = why;
		got = one < 0 ? -1 : got;
	}
	return got;
}

/* ---- keeping it ---- */

/* Whether the authority gave a lease in this boot. */
static bool attested(const struct updater *u)
{
	uint8_t *boot = NULL, *mark = NULL;
	size_t nboot = 0, nmark = 0;
	struct err ignored;
	AUTO(fd_close) int dir = open(u->from[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool yes = dir >= 0 && faccessat(dir, UPDATE_ATTESTED, F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
	           file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", TEXT_MAX, &boot, &nboot, &ignored) == 0 &&
	           file_read(dir, UPDATE_ATTESTED, TEXT_MAX, &mark, &nmark, &ignored) == 0 &&
	           view_equal(VIEW(boot, nboot), VIEW(mark, nmark));

	mem_free(boot);
	mem_free(mark);
	return yes;
}

/* The manifest that this version came by, when it is still where it came from. */
static bool came_by(const struct updater *u, const char *from, struct release *out)
{
	AUTO(fd_close) int dir = -1;
	uint8_t *text = NULL;
	size_t n = 0;
	struct err ignored;
	bool ours = read_manifest(from, &dir, &text, &n, &ignored) == 1 &&
	            release_open(VIEW(text, n), u->key, out, &ignored) == 0 &&
	            strcmp(out->variant, u->image.variant) == 0 && out->version == u->image.version;

	mem_free(text);
	return ours;
}

static int raise_floor(const struct updater *u, struct err *e)
{
	struct release r = {0};
	char floor[16];

	for (size_t i = 0; i < SOURCES; i++)
		if (came_by(u, u->from[i], &r) && r.requires_floor > 0) {
			(void)snprintf(floor, sizeof floor, "%u\n", r.requires_floor);
			return request(RUN_FLOOR, floor, e);
		}
	return 0;
}

static int keep(struct updater *u, struct err *e)
{
	int got = install_keep(&u->io, u->image.version, e);

	if (got == 1)
		log_info("version %u is kept", u->image.version);
	return got < 0 ? -1 : got;
}

/* ---- the loop ---- */

static int step(struct updater *u, struct err *e)
{
	int got;

	if (!u->kept && attested(u)) {
		if (keep(u, e) < 0 || raise_floor(u, e))
			return -1;
		u->kept = true;
	}
	if (!u->kept && uptime_s() > TRIAL_S && install_trial(&u->io, u->image.version, e) == 1)
		return ask_reboot(u, "the new version was not attested in time", e);
	if (u->asked || uptime_s() < u->not_before_s)
		return 0;
	got = take_any(u, e);
	if (got < 0)
		u->not_before_s = uptime_s() + RETRY_S;
	return got == 1 ? ask_reboot(u, "an update is written and waits for its start", e) : got;
}

static int run(struct updater *u, struct err *e)
{
	static const char *const calls[] = {"brk", "clock_gettime", "clock_nanosleep", "close", "faccessat",
	        "faccessat2", "fadvise64", "fcntl", "fstat", "fsync", "futex", "getdents64", "getpid", "getrandom",
	        "ioctl", "lseek", "madvise", "mmap", "mremap", "munmap", "newfstatat", "openat", "pread64", "pwrite64",
	        "read", "renameat", "rt_sigprocmask", "unlinkat", "write", NULL};

	if (sandbox_calls(calls, e))
		return -1;
	while (!u->asked) {
		struct err why = {0};

		if (step(u, &why))
			log_err(&why);
		sleep(LOOK_S);
	}
	for (;;) /* the supervisor ends us, and the machine */
		sleep(RETRY_S);
}

/* ---- start ---- */

static int usage(void)
{
	fputs("usage: updater [--from DIR] [--stick DIR] [--esp DIR] [--slot DEVICE] [--os-release FILE] [--key FILE] "
	      "run|apply|keep\n",
	        stderr);
	return 2;
}

static int parse(int argc, char **argv, struct updater *u)
{
	static const struct option known[] = {{"from", required_argument, NULL, 'f'},
	        {"stick", required_argument, NULL, 't'}, {"esp", required_argument, NULL, 'e'},
	        {"slot", required_argument, NULL, 's'}, {"os-release", required_argument, NULL, 'o'},
	        {"key", required_argument, NULL, 'k'}, {0}};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		const char **to = c == 'f'   ? &u->from[0]
		                  : c == 't' ? &u->from[1]
		                  : c == 'e' ? &u->esp
		                  : c == 's' ? &u->slot
		                  : c == 'o' ? &u->os_release
		                             : &u->key_file;
		if (c == '?')
			return -1;
		*to = optarg;
	}
	return optind + 1 == argc ? 0 : -1;
}

/* 0 yes, 1 no or nothing to do, 3 could not. */
static int once(int got, const struct err *e)
{
	if (got < 0)
		log_err(e);
	return got == 1 ? 0 : got < 0 && e->why == WHY_SYSTEM ? 3 : 1;
}

int main(int argc, char **argv)
{
	struct updater u = {.from = {UPDATE_SPOOL, "/run/merestone/stick/update"},
	        .esp = "/esp/EFI/Linux",
	        .os_release = "/etc/os-release",
	        .key_file = "/etc/merestone/update.pub",
	        .disk = {.slot = -1, .esp = -1}};
	struct err e = {0};
	int status;

	log_name("merestone-updater");
	if (parse(argc, argv, &u))
		return usage();
	const char *verb = argv[optind];
	sha_init();
	if (sandbox_early(&e) || read_image(&u, &e) || open_disk(&u, &e))
		status = once(-1, &e);
	else if (strcmp(verb, "run") == 0)
		status = once(run(&u, &e), &e);
	else if (strcmp(verb, "apply") == 0)
		status = once(take_any(&u, &e), &e);
	else if (strcmp(verb, "keep") == 0)
		status = once(keep(&u, &e), &e);
	else
		status = usage();
	es256_free(u.key);
	fd_close(u.disk.slot);
	fd_close(u.disk.esp);
	return status;
}
