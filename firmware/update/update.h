/* update: from a signed release to a machine that runs it, merestone-update(5) and merestone-updater(8). A release is
 * written beside the one that runs, tried with a count, and kept once the authority has seen it. At each moment one
 * version that can be booted is whole. */
#ifndef FIRMWARE_UPDATE_UPDATE_H
#define FIRMWARE_UPDATE_UPDATE_H

#include "base/jws.h"
#include "base/name.h"
#include "firmware/firmware.h"

/* Where the agent puts what it fetched, and what it calls it. The manifest comes last. */
#define UPDATE_SPOOL    "/state/update"
#define UPDATE_MANIFEST "manifest.jws"
#define UPDATE_UKI      "uki"
#define UPDATE_ROOT     "root"
#define UPDATE_ATTESTED "attested" /* the boot, by the kernel's boot_id, in which a lease was last given */

/* ---- the release manifest (release.c) ---- */

#define TYP_UPDATE      "merestone-update+jws"
#define RELEASE_PRODUCT "merestone"

enum {
	MANIFEST_MAX = 8 * 1024,            /* ours has 1,200 bytes */
	RELEASE_UKI_MAX = 48 * 1024 * 1024, /* two fit on the boot partition of 128 MiB, beside the boot loader */
	RELEASE_ROOT_MAX = 1024 * 1024 * 1024,
};

struct payload {       /* "uki" and "root" */
	uint64_t size; /* bytes, at least 1 */
	uint8_t sha256[SHA_LEN];
};

struct release {
	char product[NAME_CAP], variant[NAME_CAP];
	uint32_t version; /* from 1; the file of its kernel image is merestone_VERSION.efi */
	int64_t issued;
	struct payload uki, root;
	uint8_t root_hash[SHA_LEN];
	uint32_t
	        pcr_mask; /* of the registers that the manifest predicts; 11, which tells images apart, is always one */
	struct pcrs pcrs;
	uint32_t
	        requires_floor; /* the machine's version floor is raised to it once the release is kept; at most version */
};

/* The payload of a manifest whose signature was checked, or will be by someone else. */
int release_parse(struct view payload, struct release *out, struct err *e);
/* A compact JWS of typ TYP_UPDATE. Signature by `key`, which NULL leaves to someone else. */
int release_open(struct view jws, const struct es256 *key, struct release *out, struct err *e);
/* Whether a machine that runs `running` of `variant` may take it: WHY_REFUSED for another product or variant, WHY_STALE
 * for a version that is not newer. The machine's floor is never above what it runs, so it is not asked. */
int release_fits(const struct release *r, const char *variant, uint32_t running, struct err *e);
/* Whether registers are those of a machine that runs it. */
bool release_runs(const struct release *r, const struct pcrs *pcrs);

/* ---- names on the boot partition (slots.c), pure ---- */

enum {
	UKI_NAME_MAX = 64,
	UKIS_MAX = 16,    /* files of ours on one boot partition; three is usual */
	TRIAL_STARTS = 3, /* of a new version, before the boot loader goes back to the old one */
};

/* merestone_2.efi is kept; merestone_2+3.efi may be started three times, merestone_2+1-2.efi was started twice:
 * systemd-boot counts in the name before it starts the file. */
struct uki {
	uint32_t version;
	bool counted;
	uint32_t left, done;
};
bool uki_parse(const char *name, struct uki *out); /* false: not one of ours, in exactly our form */
void uki_name(const struct uki *u, char out[UKI_NAME_MAX]);

struct slots_plan {
	struct uki remove[UKIS_MAX];
	size_t nremove;
	bool renames;
	struct uki from, to; /* installing: only `to`; keeping: from -> to when renames */
};
/* What must be gone before the idle slot is written, and the name of the new file. WHY_STALE: what runs is itself on
 * trial, or is not there; WHY_REFUSED: this version was tried and did not start. */
int slots_install(
        const struct uki *there, size_t n, uint32_t running, uint32_t version, struct slots_plan *out, struct err *e);
/* What runs is kept: its count goes, and all but it, its predecessor and versions that did not start. WHY_STALE when it
 * is not there. */
int slots_keep(const struct uki *there, size_t n, uint32_t running, struct slots_plan *out, struct err *e);

/* ---- writing (install.c) ---- */

/* What a release is written to. Each call does one thing whose durability the next sync brings; a power cut may come
 * between any two and within each. updatedisk.c is the real one. */
struct updateio {
	void *arg;
	int (*slot_write)(void *arg, uint64_t at, struct view v, struct err *e);
	int (*slot_sync)(void *arg, struct err *e);
	int (*slot_read)(
	        void *arg, uint64_t at, void *p, size_t n, struct err *e); /* from the device, not from memory */
	int (*esp_list)(void *arg, char names[][UKI_NAME_MAX], size_t cap, size_t *n, struct err *e);
	int (*esp_write)(void *arg, const char *name, uint64_t at, struct view v, struct err *e); /* at 0: a new file */
	int (*esp_read)(void *arg, const char *name, uint64_t at, void *p, size_t n, struct err *e);
	int (*esp_sync)(void *arg, const char *name, struct err *e); /* the file, or the directory when NULL */
	int (*esp_rename)(void *arg, const char *from, const char *to, struct err *e);
	int (*esp_remove)(void *arg, const char *name, struct err *e);
};

struct install {
	const struct release *release;
	uint32_t running;
	int uki, root; /* what came, open for reading */
};
/* Checks what came, writes it to the idle slot and reads it back, then gives the new version its place on the boot
 * partition. WHY_FORGED: bytes of another digest; nothing was written. */
int install_release(const struct updateio *io, const struct install *x, struct err *e);
/* Keeps what runs; 1 when it was on trial, 0 when it was kept already. */
int install_keep(const struct updateio *io, uint32_t running, struct err *e);
/* 1: what runs is on trial, 0: it is kept. */
int install_trial(const struct updateio *io, uint32_t running, struct err *e);

/* ---- this machine (runningimage.c) ---- */

struct runningimage {
	uint32_t version;
	char variant[NAME_CAP];
};
/* An os-release(5) file with IMAGE_ID, IMAGE_VERSION and VARIANT_ID of ours. WHY_MALFORMED. */
int runningimage_parse(struct view text, struct runningimage *out, struct err *e);

/* ---- the devices (updatedisk.c) ---- */

struct updatedisk {
	int slot; /* the idle slot, or -1 */
	int esp;  /* the directory EFI/Linux of the boot partition */
};
struct updateio updatedisk_io(struct updatedisk *d);

#endif
