/* imamaker: entries of a kernel's runtime list, and the register that they extend. */
#ifndef UNIT_IMAMAKER_H
#define UNIT_IMAMAKER_H

#include <string.h>

#include "base/sha.h"
#include "firmware/firmware.h"

static inline void imamaker_field(struct wr *w, struct view v)
{
	wr_le32(w, (uint32_t)v.n);
	wr_view(w, v);
}

static inline void imamaker_digest(struct wr *w, const char *head, const uint8_t digest[SHA_LEN])
{
	wr_le32(w, (uint32_t)(strlen(head) + 1 + SHA_LEN));
	wr_bytes(w, head, strlen(head) + 1);
	wr_bytes(w, digest, SHA_LEN);
}

static inline void imamaker_name(struct wr *w, const char *name)
{
	imamaker_field(w, VIEW(name, strlen(name) + 1));
}

/* The record around template data; its SHA-1 is right, or zero for a violation. */
static inline void imamaker_record(struct wr *w, const char *template, struct view data, bool violation)
{
	uint8_t sha1[IMA_SHA1];

	sha1_n(sha1, &data, 1);
	if (violation)
		memset(sha1, 0, sizeof sha1);
	wr_le32(w, IMA_PCR);
	wr_bytes(w, sha1, sizeof sha1);
	imamaker_field(w, VIEW(template, strlen(template)));
	imamaker_field(w, data);
}

static inline void imamaker_ng(struct wr *w, const char *name, const uint8_t digest[SHA_LEN])
{
	uint8_t data[IMA_ENTRY_MAX];
	struct wr d = wr_to(data, sizeof data);

	imamaker_digest(&d, "sha256:", digest);
	imamaker_name(&d, name);
	imamaker_record(w, "ima-ng", wr_done(&d), false);
}

/* A file whose content is its name. */
static inline void imamaker_file(struct wr *w, const char *name)
{
	uint8_t digest[SHA_LEN];

	sha256(digest, VIEW(name, strlen(name)));
	imamaker_ng(w, name, digest);
}

/* ima-sig, ima-buf: a third field. */
static inline void imamaker_more(
        struct wr *w, const char *template, const char *name, const uint8_t digest[SHA_LEN], struct view more)
{
	uint8_t data[IMA_ENTRY_MAX];
	struct wr d = wr_to(data, sizeof data);

	imamaker_digest(&d, "sha256:", digest);
	imamaker_name(&d, name);
	imamaker_field(&d, more);
	imamaker_record(w, template, wr_done(&d), false);
}

static inline void imamaker_violation(struct wr *w, const char *name)
{
	static const uint8_t zero[SHA_LEN];
	uint8_t data[IMA_ENTRY_MAX];
	struct wr d = wr_to(data, sizeof data);

	imamaker_digest(&d, "sha256:", zero);
	imamaker_name(&d, name);
	imamaker_record(w, "ima-ng", wr_done(&d), true);
}

static inline void imamaker_aggregate(struct wr *w, const struct pcrs *pcrs)
{
	uint8_t digest[SHA_LEN];

	sha256(digest, VIEW(pcrs->v, 10 * PCR_LEN));
	imamaker_ng(w, "boot_aggregate", digest);
}

/* Register 10 after the whole list. */
static inline void imamaker_register(struct view list, uint8_t pcr[PCR_LEN])
{
	struct ima l = ima_open(list, 0);
	struct ima_run r = imarun_start();
	struct ima_entry x;
	struct err e;

	r.banks = IMA_OWN;
	while (ima_next(&l, &x, &e) == 1)
		imarun_add(&r, &x);
	memcpy(pcr, r.pcr[0], PCR_LEN);
}

#endif
