/* predict: what a boot of an image will measure, from its files alone. Pure. The order of events is that of OVMF,
 * systemd-boot and systemd's stub 252 and of the kernel's own EFI stub, with Secure Boot on. */
#ifndef FIRMWARE_IMAGE_PREDICT_H
#define FIRMWARE_IMAGE_PREDICT_H

#include "base/sha.h"
#include "firmware/firmware.h"

/* ---- pe.c: PE/COFF images, as far as Secure Boot and the stub read them ---- */

enum { PE_SECTIONS_MAX = 32 }; /* systemd's stub has 8, a kernel 5 */

struct pe_section {
	struct view name; /* without its NULs */
	struct view data; /* as it is loaded: VirtualSize bytes of the file */
	struct view raw;  /* as it lies in the file */
};

struct pe {
	struct view file;
	size_t checksum, certificates; /* where those fields are */
	size_t headers;                /* bytes of all headers */
	size_t ncertificates;          /* bytes of signatures at the end of the file */
	size_t n;
	struct pe_section section[PE_SECTIONS_MAX]; /* in the order of the file's bytes */
};

/* A PE32+ image whose sections lie in the file one behind the other. WHY_MALFORMED. */
int pe_parse(struct view file, struct pe *out, struct err *e);
/* Microsoft, Windows Authenticode Portable Executable Signature Format, 2008: the digest with SHA-256, without checksum and
 * signatures. */
void pe_authenticode(const struct pe *p, uint8_t out[SHA_LEN]);
/* NULL without a section of that name. */
const struct pe_section *pe_section(const struct pe *p, const char *name);

/* ---- stubcpio.c: what the stub puts behind the initrd ---- */

enum { STUBCPIO_EXTRA = 512 }; /* more than heads and names take */
/* The archive with .extra/tpm2-pcr-signature.json that carries the section .pcrsig to the initrd. */
void stubcpio_write(struct wr *w, struct view pcrsig);

/* ---- predict.c ---- */

enum {
	PREDICT_EVENTS_MAX = 40,  /* ours has 23; each section has two */
	PREDICT_SITES_MAX = 1024, /* digests of one reference set, which takes 4096 */
};

#define PREDICT_MASK (1u << 4 | 1u << 7 | 1u << 9 | 1u << 11 | 1u << 12)

struct image_parts {
	struct view loader;      /* systemd-boot, signed; empty when the firmware starts the UKI itself */
	struct view uki;         /* signed */
	struct view pk, kek, db; /* EFI_SIGNATURE_LISTs, as they are enrolled */
};

struct predicted {
	struct measured event[PREDICT_EVENTS_MAX]; /* without payloads; separators included, in the order of the boot */
	size_t n;
	struct pcrs pcrs;        /* PREDICT_MASK; of register 12 what is the same on every site */
	uint8_t sealed[PCR_LEN]; /* register 11 when the state volume opens: before UP_EVENT of init.h */
};

/* WHY_MALFORMED when a file is not what it should be; WHY_UNKNOWN for a section that this stub would measure and we do not
 * model. */
int predict(const struct image_parts *parts, struct predicted *out, struct err *e);
/* Register 11 at unsealing, of a UKI that may yet be without .pcrsig and signature. */
int predict_sealed(struct view uki, uint8_t out[PCR_LEN], struct err *e);

#endif
