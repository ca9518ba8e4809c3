/* state: opens the appliance's encrypted volume, once in each boot and before the machine is up; tells of it and of the
 * version floor, and raises that. It runs as root, shortly, and knows no network. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "firmware/init/init.h"
#include "firmware/state/statedisk.h"
#include "firmware/state/statetpm.h"
#include "firmware/update/update.h"

#define MAPPED "/dev/mapper/" STATE_MAPPED
#define KEYS   "/etc/merestone"
enum { SMALL_MAX = 4096 };

struct machine {
	struct tpm tpm;
	struct runningimage image;
};

static void machine_close(struct machine m)
{
	if (m.tpm.esys)
		statetpm_end(&m.tpm);
	tpm_close(&m.tpm);
}
AUTO_DEFINE(struct machine, machine_close)

/* The caller frees. */
static char *text_of(const char *path, size_t max, size_t *n, struct err *e)
{
	uint8_t *p = NULL;

	return file_read(AT_FDCWD, path, max, &p, n, e) == 0 ? (char *)p : NULL;
}

static struct es256 *key_of(const char *path, struct err *e)
{
	size_t n;
	AUTO(mem_free) char *pem = text_of(path, SMALL_MAX, &n, e);

	return pem ? es256_from_pem(VIEW(pem, n), VIEW(NULL, 0), e) : NULL;
}

static int machine_open(struct machine *m, struct err *e)
{
	size_t n;
	AUTO(mem_free) char *release = text_of("/etc/os-release", SMALL_MAX, &n, e);

	if (!release || runningimage_parse(VIEW(release, n), &m->image, e))
		return -1;
	return tpm_open(&m->tpm, "device:" TPM_SHARED, e);
}

/* ---- open ---- */

/* The log counts where the TPM's register 7 says the same. */
static int secure_boot_is_on(struct machine *m, struct err *e)
{
	static struct boot boot;
	size_t n;
	AUTO(mem_free) char *log = text_of(RUN_EVENTLOG, EVENTLOG_MAX, &n, e);
	struct pcrs now;

	if (!log || boot_read(VIEW(log, n), &boot, e) || statetpm_registers(&m->tpm, &now, e) ||
	        boot_explains(&boot, &now, 1u << 7, e))
		return err_in(e, "how this machine started");
	if (boot.secure_boot == SECURE_BOOT_ON)
		return 0;
	err_set(e, WHY_UNTRUSTED, "Secure Boot is %s", secure_boot_name(boot.secure_boot));
	return err_hint(e, "switch it on in the firmware's setup, with this image's keys");
}

static int run(char *const argv[], struct err *e)
{
	char *const environment[] = {NULL};
	int status = -1;
	pid_t pid;

	if (posix_spawn(&pid, argv[0], NULL, NULL, argv, environment) != 0)
		return err_sys(e, "cannot start %s", argv[0]);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(e, WHY_SYSTEM, "%s could not make a file system", argv[0]);
	return 0;
}

static int make_files(struct err *e)
{
	char *const argv[] = {"/usr/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-L", "state", "-m", "0", MAPPED, NULL};

	return run(argv, e);
}

struct fresh { /* of a first boot */
	struct secret *key, *phrase;
	struct sealedkey sealed;
	uint8_t box[RECOVERY_BOX];
};

static void fresh_free(struct fresh f)
{
	secret_free(f.key);
	secret_free(f.phrase);
}
AUTO_DEFINE(struct fresh, fresh_free)

static int fresh_make(struct machine *m, const struct es256 *pcr, struct fresh *f, struct err *e)
{
	AUTO(es256_free) struct es256 *recovery = key_of(KEYS "/recovery.pub", e);

	if (!recovery)
		return err_in(e, "recovery key");
	f->key = secret_new();
	f->phrase = secret_new();
	if (!f->key || !f->phrase || RAND_priv_bytes(f->key->b, SECRET_LEN) != 1 ||
	        RAND_priv_bytes(f->phrase->b, SECRET_LEN) != 1)
		return err_set(e, WHY_SYSTEM, "no memory or randomness for keys");
	if (statefloor_make(&m->tpm, e) || statetpm_seal(&m->tpm, pcr, f->key, &f->sealed, e))
		return -1;
	return recovery_put(recovery->pub, f->phrase, f->box, e);
}

/* The tokens come last: a volume without them never held anything. What was sealed must come out again in this same boot,
 * or the next one would find a state that nobody opens. */
static int first_boot(struct machine *m, struct statedisk *d, const struct stateboot *boot, struct err *e)
{
	AUTO(fresh_free) struct fresh f = {0};
	AUTO(secret_free) struct secret *again = NULL;

	if (fresh_make(m, boot->pcr, &f, e) || statetpm_unseal(&m->tpm, boot, &f.sealed, &again, e))
		return -1;
	if (!mem_equal(again->b, f.key->b, SECRET_LEN))
		return err_set(e, WHY_SYSTEM, "the TPM gave back another key than it sealed");
	log_info("first boot: making the state, sealed to this machine");
	if (statedisk_format(d, f.key, f.phrase, e) || statedisk_map(d, f.key, e) || make_files(e))
		return -1;
	sync();
	return statedisk_finish(d, &f.sealed, f.box, e);
}

static int later_boot(struct machine *m, struct statedisk *d, const struct stateboot *boot, struct err *e)
{
	AUTO(secret_free) struct secret *key = NULL;

	return statetpm_unseal(&m->tpm, boot, &d->sealed, &key, e) || statedisk_map(d, key, e) ? -1 : 0;
}

static int disk_open(struct statedisk *d, struct err *e)
{
	AUTO(json_free) json_t *places = json_file(AT_FDCWD, RUN_BOOT, SMALL_MAX, e);
	const char *device;

	if (!places)
		return -1;
	if (json_get_str(places, "state", &device, e))
		return err_set(e, WHY_UNKNOWN, "this disk has no partition \"state\"");
	if (statedisk_open(device, d, e))
		return -1;
	if (d->kind != STATEDISK_OTHER)
		return 0;
	err_set(e, WHY_REFUSED,
	        "the partition \"state\" holds something that this machine did not write, or that is damaged");
	return err_hint(e, "keep what is in it, then write zeros over it: only a blank partition is ever formatted");
}

static int state_open(struct machine *m, struct err *e)
{
	AUTO(statedisk_close) struct statedisk d = {0};
	AUTO(es256_free) struct es256 *pcr = key_of(KEYS "/pcr.pub", e);
	size_t n;
	AUTO(mem_free) char *pcrsig = pcr ? text_of(RUN_PCRSIG, SMALL_MAX, &n, e) : NULL;
	const struct stateboot boot = {.version = m->image.version, .pcrsig = VIEW(pcrsig, pcrsig ? n : 0), .pcr = pcr};

	if (!pcr)
		return -1;
	if (!pcrsig)
		return err_set(
		        e, WHY_UNTRUSTED, "this image has no signature of register 11, so nothing is opened to it");
	if (secure_boot_is_on(m, e) || disk_open(&d, e) || statetpm_begin(&m->tpm, e))
		return -1;
	return d.kind == STATEDISK_OURS ? later_boot(m, &d, &boot, e) : first_boot(m, &d, &boot, e);
}

/* ---- status, floor ---- */

static int state_status(struct machine *m, struct err *e)
{
	uint32_t floor = 0;

	if (statefloor_read(&m->tpm, &floor, e))
		return -1;
	printf("{\"state\":\"%s\",\"version\":%u,\"floor\":%u}\n", access(MAPPED, F_OK) == 0 ? "open" : "closed",
	        m->image.version, floor);
	return 0;
}

/* Never above the image that runs: it would be the last boot of this machine. */
static int state_floor(struct machine *m, const char *text, struct err *e)
{
	char *end = NULL;
	unsigned long version = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || version == 0)
		return err_set(e, WHY_MALFORMED, "a version floor is a whole number from 1 on");
	if (version > m->image.version)
		return err_set(e, WHY_REFUSED, "a floor of %lu would shut out this image, which is version %u", version,
		        m->image.version);
	return statefloor_raise(&m->tpm, (uint32_t)version, e);
}

static int act(int argc, char **argv, struct err *e)
{
	AUTO(machine_close) struct machine m = {0};

	if (machine_open(&m, e))
		return -1;
	if (argc == 3)
		return state_floor(&m, argv[2], e);
	return strcmp(argv[1], "open") == 0 ? state_open(&m, e) : state_status(&m, e);
}

int main(int argc, char **argv)
{
	struct err e = {0};
	bool plain = argc == 2 && (strcmp(argv[1], "open") == 0 || strcmp(argv[1], "status") == 0);

	log_name("state");
	if (!plain && !(argc == 3 && strcmp(argv[1], "floor") == 0)) {
		fputs("usage: state open | state status | state floor VERSION\n", stderr);
		return 2;
	}
	sha_init();
	if (act(argc, argv, &e) == 0)
		return 0;
	log_err(&e);
	return 1;
}
