#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "firmware/init/first.h"

#define FIRMWARE_LOG "/sys/kernel/security/tpm0/binary_bios_measurements"
#define SIGNATURE    "/.extra/tpm2-pcr-signature.json"
#define ESP          "/esp"
#define SITE_ON_ESP  ESP "/merestone/site.jws"

/* 1: there, 0: not there. */
static int take_file(const char *path, size_t max, char **out, size_t *n, struct err *e)
{
	uint8_t *p = NULL;

	if (file_read(AT_FDCWD, path, max, &p, n, e) != 0)
		return errno == ENOENT && e->why == WHY_SYSTEM ? 0 : -1;
	*out = (char *)p;
	return 1;
}

static int evidence_log(struct err *e)
{
	AUTO(mem_free) char *log = NULL;
	struct view whole;
	size_t n = 0;
	int got = take_file(FIRMWARE_LOG, EVENTLOG_MAX, &log, &n, e);

	if (got != 1)
		return got;
	if (pcrevent_whole(VIEW(log, n), &whole, e) != 0)
		return err_in(e, "the boot log of the firmware");
	return file_write(AT_FDCWD, RUN_EVENTLOG, whole, 0444, e);
}

int firsthand_evidence(struct err *e)
{
	AUTO(mem_free) char *signature = NULL;
	size_t n = 0;
	int got;

	if (evidence_log(e) != 0)
		return -1;
	got = take_file(SIGNATURE, PCRSIG_MAX, &signature, &n, e);
	return got == 1 ? file_write(AT_FDCWD, RUN_PCRSIG, VIEW(signature, n), 0444, e) : got;
}

static void place(struct wr *w, const char *key, const char *label, const char *disk)
{
	struct part p;

	if (firstparts_find(label, disk, &p, 1) == 1)
		wr_fmt(w, ",\"%s\":\"/dev/%s\"", key, p.device);
}

int firsthand_places(const struct part *slot, char letter, struct err *e)
{
	char text[512];
	struct wr w = wr_to(text, sizeof text);

	wr_fmt(&w, "{\"slot\":\"%c\",\"root\":\"/dev/%s\"", letter, slot->device);
	place(&w, "idle", letter == 'a' ? "root-b" : "root-a", slot->disk);
	place(&w, "esp", "esp", slot->disk);
	place(&w, "state", "state", slot->disk);
	wr_str(&w, "}\n");
	return wr_ok(&w) ? file_write(AT_FDCWD, RUN_BOOT, wr_done(&w), 0444, e)
	                 : err_set(e, WHY_SYSTEM, "the names of the partitions are too long");
}

/* ---- the site file ---- */

static int site_read(const char *device, char **out, size_t *n, struct err *e)
{
	char path[PART_NAME_MAX + 8];
	int got;

	(void)snprintf(path, sizeof path, "/dev/%s", device);
	if (mkdir(ESP, 0700) != 0 && errno != EEXIST)
		return err_sys(e, ESP);
	if (mount(path, ESP, "vfat", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0)
		return err_sys(e, "cannot mount the ESP %s", device);
	got = take_file(SITE_ON_ESP, SITE_MAX, out, n, e);
	(void)umount(ESP);
	return got;
}

/* Measured before anybody reads it: what it says is part of what booted. */
static int site_measure(struct view site, struct err *e)
{
	uint8_t data[sizeof SITE_EVENT + SHA_LEN];
	struct wr w = wr_to(data, sizeof data);
	struct pcrevent ev = {.pcr = PCR_SITE};

	sha2_256(ev.digest, &site, 1);
	wr_bytes(&w, SITE_EVENT, sizeof SITE_EVENT);
	wr_bytes(&w, ev.digest, SHA_LEN);
	ev.data = wr_done(&w);
	return pcrextend(TPM_DEVICE, RUN_EVENTLOG, &ev, e);
}

int firsthand_site(const char *disk, struct err *e)
{
	AUTO(mem_free) char *site = NULL;
	struct part esp;
	size_t n = 0;
	int got;

	if (firstparts_find("esp", disk, &esp, 1) != 1)
		return err_set(e, WHY_UNKNOWN, "the disk %s has no partition esp", disk);
	got = site_read(esp.device, &site, &n, e);
	if (got < 0)
		return err_in(e, "the site file");
	if (got == 0) {
		err_set(e, WHY_UNKNOWN, "the ESP has no site file");
		return err_hint(e, "merestone image site writes one; it belongs to merestone/site.jws on the ESP");
	}
	if (site_measure(VIEW(site, n), e) != 0)
		return err_in(e, "the site file is not used, because it was not measured");
	return file_write(AT_FDCWD, RUN_SITE, VIEW(site, n), 0444, e);
}
