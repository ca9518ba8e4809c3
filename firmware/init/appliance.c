#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "firmware/init/appliance.h"
#include "firmware/update/update.h"

#define STATE_PROGRAM "/usr/libexec/merestone/state"
#define STATE_DEVICE  "/dev/mapper/" STATE_MAPPED
#define TPM_MAJOR     "/sys/class/tpm/tpm0/tpm_version_major"
enum { SMALL_MAX = 4096, GIVE_MAX = 64 };
static const unsigned long CLOSED = MS_NOSUID | MS_NODEV | MS_NOEXEC;

/* The caller frees; NULL when it cannot be read. */
static char *text_of(const char *path, size_t max, size_t *n)
{
	uint8_t *p = NULL;
	struct err ignored;

	*n = 0;
	return file_read(AT_FDCWD, path, max, &p, n, &ignored) == 0 ? (char *)p : NULL;
}

/* ---- facts ---- */

static void first_said(struct screen *s)
{
	size_t n;
	AUTO(mem_free) char *text = text_of(RUN_TROUBLE, SMALL_MAX, &n);

	for (char *at = text; at && *at;) {
		char *end = at + strcspn(at, "\n");
		char *next = *end ? end + 1 : end;

		*end = 0;
		if (strncmp(at, "error: ", 7) == 0)
			(void)snprintf(s->sentence, sizeof s->sentence, "%s", at + 7);
		at = next;
	}
}

static bool has_tpm(void)
{
	return access(TPM_DEVICE, F_OK) == 0;
}

static int tpm_check(struct err *e)
{
	size_t n;
	AUTO(mem_free) char *major = text_of(TPM_MAJOR, 16, &n);

	if (!has_tpm()) {
		err_set(e, WHY_SYSTEM, "this machine has no TPM, or its firmware hides it");
		return err_hint(e, "switch the TPM (also called PTT or fTPM) on in the firmware's setup");
	}
	if (major && major[0] != '2') {
		err_set(e, WHY_SYSTEM, "the TPM of this machine is of version 1.2, which cannot attest; 2.0 is needed");
		return err_hint(e, "some can be changed to 2.0 in the firmware's setup");
	}
	return 0;
}

void appliance_facts(struct screen *s)
{
	size_t n;
	AUTO(mem_free) char *version = text_of("/etc/merestone/version", sizeof s->version, &n);
	struct err e;

	(void)snprintf(s->version, sizeof s->version, "%.*s", version ? (int)strcspn(version, "\n") : 0,
	        version ? version : "");
	(void)snprintf(s->network, sizeof s->network, "none");
	first_said(s);
	if (clockset_check(&e) != 0)
		screen_trouble(s, &e);
	if (tpm_check(&e) != 0)
		screen_trouble(s, &e);
}

/* ---- the state ---- */

static int state_open(struct err *e)
{
	const char *const argv[] = {STATE_PROGRAM, "open", NULL};

	if (access(STATE_PROGRAM, X_OK) != 0)
		return err_set(e, WHY_SYSTEM, "this image has no program that opens the state");
	if (minder_run(argv, e) != 0)
		return err_in(e, "the state stays closed");
	return mount(STATE_DEVICE, "/state", "ext4", CLOSED, NULL) != 0 ? err_sys(e, "cannot mount the state") : 0;
}

/* Each directory is its user's alone; the updater reads what the agent fetched. */
static int state_fill(struct err *e)
{
	static const struct {
		const char *path;
		uid_t uid;
		gid_t gid;
		mode_t mode;
	} dirs[] = {
	        {AGENT_STATE, UID_AGENT, UID_AGENT, 0700},
	        {QUOTER_STATE, UID_QUOTER, UID_QUOTER, 0700},
	        {UPDATE_SPOOL, UID_AGENT, UID_UPDATER, 02750},
	        {RUN_DATA, UID_AGENT, UID_AGENT, 0700},
	        {RUN_STICK, UID_UPDATER, UID_UPDATER, 0500},
	};

	for (size_t i = 0; i < COUNT(dirs); i++)
		if ((mkdir(dirs[i].path, 0700) != 0 && errno != EEXIST) ||
		        chown(dirs[i].path, dirs[i].uid, dirs[i].gid) != 0 || chmod(dirs[i].path, dirs[i].mode) != 0)
			return err_sys(e, "%s", dirs[i].path);
	return 0;
}

/* The machine is up: register 11 moves away from the value that opens anything. */
static int state_cap(struct err *e)
{
	struct pcrevent ev = {.pcr = PCR_UP, .data = VIEW(UP_EVENT, strlen(UP_EVENT))};
	struct err tpm;

	sha2_256(ev.digest, &ev.data, 1);
	if (tpm_check(&tpm) != 0)
		return 0; /* there is nothing that could unseal */
	return pcrextend(TPM_DEVICE, RUN_EVENTLOG, &ev, e);
}

int appliance_state(struct screen *s, struct err *e)
{
	struct err closed;
	bool open = state_open(&closed) == 0;

	if (!open) {
		screen_trouble(s, &closed);
		if (mount("tmpfs", "/state", "tmpfs", CLOSED, "mode=0755,size=128m") != 0)
			return err_sys(e, "cannot mount a state in memory");
	}
	(void)snprintf(s->state, sizeof s->state, "%s", open ? "open" : "in memory only");
	(void)mount("tmpfs", "/tmp", "tmpfs", CLOSED, "mode=1777,size=16m");
	return state_fill(e) != 0 ? -1 : state_cap(e);
}

void appliance_close(void)
{
	(void)umount("/esp");
	(void)umount("/state");
}

/* ---- the site ---- */

static int own(const char *path, uid_t uid, mode_t mode, struct err *e)
{
	return chown(path, uid, uid) != 0 || chmod(path, mode) != 0 ? err_sys(e, "%s", path) : 0;
}

/* The quoter has the TPM and the kernel's list to itself. */
static int quoter_prepare(struct err *e)
{
	if (has_tpm() && own(TPM_SHARED, UID_QUOTER, 0600, e) != 0)
		return -1;
	return access(IMA_LIST, F_OK) == 0 ? own(IMA_LIST, UID_QUOTER, 0400, e) : 0;
}

static int agent_prepare(const struct site *site, struct err *e)
{
	char text[SMALL_MAX];
	struct wr w = wr_to(text, sizeof text);
	size_t n;
	AUTO(mem_free) char *release = text_of("/etc/os-release", SMALL_MAX, &n);
	struct runningimage image;
	bool known = release && runningimage_parse(VIEW(release, n), &image, e) == 0;

	site_agent(site, known ? image.variant : NULL, &w);
	if (!wr_ok(&w))
		return err_set(e, WHY_MALFORMED, "the agent's configuration is too long");
	if (file_write(AT_FDCWD, RUN_CA, VIEW(site->ca, strlen(site->ca)), 0444, e) != 0)
		return -1;
	return file_write(AT_FDCWD, RUN_DIR "/agent.json", wr_done(&w), 0444, e);
}

static int site_read(struct site *site, struct err *e)
{
	size_t n, nofficer;
	AUTO(mem_free) char *text = text_of(RUN_SITE, SITE_MAX, &n);
	AUTO(mem_free) char *officer = text_of("/etc/merestone/officer.pub", SMALL_MAX, &nofficer);

	if (!text)
		return err_set(e, WHY_UNKNOWN, "without a site file this machine belongs nowhere, and waits");
	return site_parse(VIEW(text, n), VIEW(officer, nofficer), site, e);
}

bool appliance_site(struct screen *s)
{
	static struct site site;
	struct err e;
	bool good = site_read(&site, &e) == 0;

	if (!good)
		screen_trouble(s, &e);
	if (lockdown_packets(good ? &site : NULL, &e) != 0) {
		screen_trouble(s, &e);
		return false;
	}
	if (network_loopback(&e) != 0)
		screen_trouble(s, &e);
	if (!good)
		return false;
	(void)snprintf(s->name, sizeof s->name, "%s", site.name);
	(void)snprintf(s->authority, sizeof s->authority, "%s", site.authority);
	appliance_network(&site);
	if (quoter_prepare(&e) == 0 && agent_prepare(&site, &e) == 0)
		return true;
	screen_trouble(s, &e);
	return false;
}

/* ---- the slots, and what the updater asks for ---- */

static int esp_mount(const char *device, struct err *e)
{
	char options[GIVE_MAX];

	(void)snprintf(options, sizeof options, "uid=%d,gid=%d,umask=077", UID_UPDATER, UID_UPDATER);
	return mount(device, "/esp", "vfat", CLOSED, options) != 0 ? err_sys(e, "cannot mount the ESP %s", device) : 0;
}

static int slots_give(const json_t *boot, struct err *e)
{
	const char *idle, *esp;

	if (json_get_str(boot, "idle", &idle, e) || json_get_str(boot, "esp", &esp, e))
		return err_set(e, WHY_UNKNOWN, "this disk has no second slot, so the machine cannot be updated");
	if (own(idle, UID_UPDATER, 0600, e) || esp_mount(esp, e) ||
	        file_write(AT_FDCWD, RUN_REBOOT, VIEW("", 0), 0600, e) ||
	        file_write(AT_FDCWD, RUN_FLOOR, VIEW("", 0), 0600, e))
		return -1;
	return own(RUN_REBOOT, UID_UPDATER, 0600, e) || own(RUN_FLOOR, UID_UPDATER, 0600, e) ? -1 : 0;
}

bool appliance_slots(struct screen *s)
{
	struct err e;
	AUTO(json_free) json_t *boot = json_file(AT_FDCWD, RUN_BOOT, SMALL_MAX, &e);

	if (boot && slots_give(boot, &e) == 0)
		return true;
	screen_trouble(s, &e);
	return false;
}

/* Digits alone, and no floor above what runs: what is handed on to a program that is root. */
static void floor_raise(struct screen *s, const char *text)
{
	char floor[16];
	const char *const argv[] = {STATE_PROGRAM, "floor", floor, NULL};
	size_t n = strspn(text, "0123456789");
	struct err e;

	if (n == 0 || n >= sizeof floor || (text[n] && strcmp(text + n, "\n") != 0))
		return;
	(void)snprintf(floor, sizeof floor, "%.*s", (int)n, text);
	if (strtoul(floor, NULL, 10) > strtoul(s->version, NULL, 10))
		return;
	if (minder_run(argv, &e) == 0)
		return;
	err_in(&e, "the version floor was not raised to %s", floor);
	screen_trouble(s, &e);
}

bool appliance_request(char why[SCREEN_LINE_MAX], struct screen *s)
{
	size_t nfloor, nwhy;
	AUTO(mem_free) char *floor = text_of(RUN_FLOOR, GIVE_MAX, &nfloor);
	AUTO(mem_free) char *reboot = text_of(RUN_REBOOT, GIVE_MAX * 4, &nwhy);

	if (floor && nfloor > 0 && truncate(RUN_FLOOR, 0) == 0)
		floor_raise(s, floor);
	if (!reboot || nwhy == 0)
		return false;
	(void)snprintf(why, SCREEN_LINE_MAX, "%s", reboot);
	return true;
}
