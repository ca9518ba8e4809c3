/* logmaker: writes event logs, right ones and wrong ones, for tests. */
#ifndef UNIT_LOGMAKER_H
#define UNIT_LOGMAKER_H

#include <string.h>

#include "base/sha.h"
#include "base/wr.h"
#include "firmware/firmware.h"

enum { LOGMAKER_SHA1 = 0x4, LOGMAKER_SHA256 = 0xb, LOGMAKER_SHA384 = 0xc };

static const uint8_t logmaker_zero[4];

static inline void logmaker_le16(struct wr *w, uint16_t v)
{
	wr_u8(w, (uint8_t)v);
	wr_u8(w, (uint8_t)(v >> 8));
}

static inline void logmaker_le32(struct wr *w, uint32_t v)
{
	logmaker_le16(w, (uint16_t)v);
	logmaker_le16(w, (uint16_t)(v >> 16));
}

static inline void logmaker_le64(struct wr *w, uint64_t v)
{
	logmaker_le32(w, (uint32_t)v);
	logmaker_le32(w, (uint32_t)(v >> 32));
}

/* The header record around any TCG_EfiSpecIDEvent. */
static inline void logmaker_first(struct wr *w, struct view data)
{
	static const uint8_t digest[20];

	logmaker_le32(w, 0);
	logmaker_le32(w, EV_NO_ACTION);
	wr_bytes(w, digest, sizeof digest);
	logmaker_le32(w, (uint32_t)data.n);
	wr_view(w, data);
}

/* pairs: n times bank and size of its digests; claimed: what the header says n is. */
static inline void logmaker_header(struct wr *w, const uint16_t *pairs, size_t n, uint32_t claimed)
{
	uint8_t buf[256];
	struct wr s = wr_to(buf, sizeof buf);

	wr_bytes(&s, "Spec ID Event03", 16);
	logmaker_le32(&s, 0);
	wr_bytes(&s, "\x00\x02\x00\x02", 4);
	logmaker_le32(&s, claimed);
	for (size_t i = 0; i < 2 * n; i++)
		logmaker_le16(&s, pairs[i]);
	wr_u8(&s, 0);
	logmaker_first(w, wr_done(&s));
}

static inline void logmaker_open(struct wr *w)
{
	static const uint16_t sha256_only[] = {LOGMAKER_SHA256, 32};

	logmaker_header(w, sha256_only, 1, 1);
}

/* A record of a log that has the sha256 bank alone. */
static inline void logmaker_raw(struct wr *w, uint32_t pcr, uint32_t type, const uint8_t digest[32], struct view data)
{
	logmaker_le32(w, pcr);
	logmaker_le32(w, type);
	logmaker_le32(w, 1);
	logmaker_le16(w, LOGMAKER_SHA256);
	wr_bytes(w, digest, 32);
	logmaker_le32(w, (uint32_t)data.n);
	wr_view(w, data);
}

/* The same, bound: its digest is that of its payload. */
static inline void logmaker_event(struct wr *w, uint32_t pcr, uint32_t type, struct view data)
{
	uint8_t digest[32];

	sha256(digest, data);
	logmaker_raw(w, pcr, type, digest, data);
}

static inline void logmaker_locality(struct wr *w, uint32_t pcr, uint8_t locality)
{
	static const uint8_t digest[32];
	uint8_t data[17] = "StartupLocality";

	data[16] = locality;
	logmaker_raw(w, pcr, EV_NO_ACTION, digest, VIEW_OF(data));
}

static inline struct view logmaker_variable(struct wr *w, const uint8_t guid[16], const char *name, struct view data)
{
	wr_bytes(w, guid, 16);
	logmaker_le64(w, strlen(name));
	logmaker_le64(w, data.n);
	for (const char *c = name; *c; c++)
		logmaker_le16(w, (uint8_t)*c);
	wr_view(w, data);
	return wr_done(w);
}

/* A SecureBoot variable of n bytes, each of them value, measured into a register. */
static inline void logmaker_secure_boot(struct wr *w, uint32_t pcr, uint8_t value, size_t n)
{
	uint8_t buf[96], data[2] = {value, value};
	struct wr v = wr_to(buf, sizeof buf);

	logmaker_event(
	        w, pcr, EV_EFI_VARIABLE_DRIVER_CONFIG, logmaker_variable(&v, UEFI_GLOBAL, "SecureBoot", VIEW(data, n)));
}

static inline void logmaker_version(struct wr *w)
{
	logmaker_event(w, 0, 0x8, VIEW("v\0001\0", 4));
}

static inline void logmaker_separator(struct wr *w, uint32_t pcr)
{
	logmaker_event(w, pcr, EV_SEPARATOR, VIEW_OF(logmaker_zero));
}

/* Separators of all registers of mask. */
static inline void logmaker_separators(struct wr *w, uint32_t mask)
{
	for (uint32_t pcr = 0; pcr < 8; pcr++)
		if (mask & 1u << pcr)
			logmaker_separator(w, pcr);
}

/* A whole boot with Secure Boot on. */
static inline void logmaker_boot(struct wr *w)
{
	logmaker_open(w);
	logmaker_version(w);
	logmaker_secure_boot(w, 7, 1, 1);
	logmaker_separators(w, 0xff);
	logmaker_event(w, 4, 0x80000003, VIEW("loader", 6));
}

#endif
