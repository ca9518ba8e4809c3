/* first: the only program of the initramfs, /init. Static, without a shell beside it. Private to firmware/init. */
#ifndef FIRMWARE_INIT_FIRST_H
#define FIRMWARE_INIT_FIRST_H

#include <stdio.h>

#include "firmware/init/init.h"

/* ---- modules (firstmodules.c) ---- */

/* Loads what /modules/list names, a file of /modules a line, in that order, and removes the files. A driver whose device
 * is not here is no error; of others there is a sentence in RUN_TROUBLE, and the next one is loaded. */
int firstmodules_load(struct err *e);

/* ---- partitions (firstparts.c) ---- */

enum { PART_NAME_MAX = 40 };

struct part {
	char label[PART_NAME_MAX];  /* of the GPT entry */
	char device[PART_NAME_MAX]; /* below /dev */
	char disk[PART_NAME_MAX];
};

/* The partitions whose label is `label`, on `disk` when that is not NULL; how many were written to out. */
size_t firstparts_find(const char *label, const char *disk, struct part *out, size_t cap);
/* The slot whose hash tree has the root of the command line, and its letter. Waits for slow disks. WHY_UNKNOWN without a
 * partition of that label, WHY_UNTRUSTED when none fits. */
int firstparts_slot(const struct bootline *b, struct part *out, char *letter, struct err *e);

/* ---- the root (firstroot.c) ---- */

int firstroot_mounts(struct err *e);                                                  /* proc, sys, dev, run */
int firstroot_open(const struct bootline *b, const struct part *slot, struct err *e); /* verified, mounted on /root */
int firstroot_enter(struct err *e); /* does not come back when all goes well */

/* ---- what is handed on (firsthand.c) ---- */

/* The firmware's log, without padding, to RUN_EVENTLOG; the signature of register 11 to RUN_PCRSIG. */
int firsthand_evidence(struct err *e);
/* Where the slots, the ESP and the state are, to RUN_BOOT. */
int firsthand_places(const struct part *slot, char letter, struct err *e);
/* The site file of this disk's ESP: measured, then to RUN_SITE. */
int firsthand_site(const char *disk, struct err *e);

/* ---- sentences (firstsay.c) ---- */

void firstsay(FILE *to, const char *before, const struct err *e);
/* On the console, and in RUN_TROUBLE for the supervisor. */
void firstsay_trouble(const struct err *e);

#endif
