/* firmware: what booted. Event logs, their replay, and reference sets. Pure, but for reference_import.
 * Clauses are those of the TCG PC Client Platform Firmware Profile 1.06 ("TCG PFP"). */
#ifndef FIRMWARE_FIRMWARE_H
#define FIRMWARE_FIRMWARE_H

#include "base/err.h"
#include "base/mem.h"
#include "base/wr.h"

enum {
	PCR_COUNT = 24,
	PCR_LEN = 32,
	EVENT_MAX = 4096,          /* events in a log: the longest real one we know has 121 */
	EVENTLOG_MAX = 256 * 1024, /* bytes in a log: the longest real one we know has 72817 */
	EVENTLOG_ALGS = 16,        /* banks named in a log's header; TPM2_NUM_PCR_BANKS of the reference code */
	REFERENCE_VALUES_MAX = 64, /* approved values of one register */
};

/* The registers we quote: sha256 0-4, 7, 9, 11, 12. */
#define PCR_MASK 0x1a9fu
enum { PCR_QUOTED = 9 };

struct pcrs {
	uint8_t v[PCR_COUNT][PCR_LEN];
};

/* ---- eventtype.c ---- */

enum event_type { /* TCG PFP 10.4.1; only those the code asks about */
	EV_NO_ACTION = 0x3,
	EV_SEPARATOR = 0x4,
};
#define EV_EFI_VARIABLE_DRIVER_CONFIG 0x80000001u
#define EV_EFI_HCRTM_EVENT            0x80000010u

const char *event_type_name(uint32_t type); /* "EV_SEPARATOR"; "unknown type"; never NULL */

/* ---- eventlog.c ---- */

struct event {
	uint32_t pcr;            /* below PCR_COUNT */
	uint32_t type;           /* not covered by the digest */
	uint32_t number;         /* from 1; the header record is 0, as tpm2_eventlog counts */
	uint8_t digest[PCR_LEN]; /* sha256 bank */
	struct view data;        /* into the log; proves nothing until it is bound to the digest */
};

/* A cursor over a TCG PFP crypto-agile log; allocates nothing. The fields are eventlog.c's own. */
struct eventlog {
	struct view rest;
	uint32_t number;
	uint32_t algs;
	struct {
		uint16_t id, size;
	} alg[EVENTLOG_ALGS];
	bool refused;
};

/* Reads the header. A log of the old SHA-1 form, or one without a sha256 bank, is WHY_MALFORMED. */
int eventlog_open(struct eventlog *l, struct view log, struct err *e);
/* 1: *ev is the next event. 0: the end; pure padding (0x00 or 0xff, at least a record's first 12 bytes) counts as the
 * end. -1: WHY_MALFORMED with the event's number and the clause; every later call refuses too. */
int eventlog_next(struct eventlog *l, struct event *ev, struct err *e);

/* ---- uefivar.c ---- */

enum { UEFI_GUID_LEN = 16 };
extern const uint8_t
        UEFI_GLOBAL[UEFI_GUID_LEN]; /* EFI_GLOBAL_VARIABLE, 8be4df61-93ca-11d2-aa0d-00e098032b8c, as stored */

struct uefivar {                      /* UEFI_VARIABLE_DATA, TCG PFP 10.2.6 */
	struct view guid, name, data; /* name: UTF-16LE, no NUL */
};

/* Exactly one UEFI_VARIABLE_DATA, not a byte more. */
int uefivar_parse(struct view v, struct uefivar *out, struct err *e);
bool uefivar_is(const struct uefivar *u, const uint8_t guid[UEFI_GUID_LEN], const char *ascii);

/* ---- boot.c ---- */

/* UNKNOWN: the log has no SecureBoot variable, or an empty one (firmware that knows no Secure Boot). Never good enough
 * for ON. */
enum secure_boot { SECURE_BOOT_UNKNOWN, SECURE_BOOT_OFF, SECURE_BOOT_ON };

const char *secure_boot_name(enum secure_boot sb); /* "unknown", "off", "on" */

/* What a log says, once replayed: fixed size, no pointers. */
struct boot {
	struct pcrs pcrs; /* replayed; what no event extended keeps its start value of zero */
	uint32_t events;  /* records after the header */
	enum secure_boot secure_boot;
	uint8_t digest[32]; /* SHA-256 of the whole log */
};

/* One measured event of a quoted register: what a reference set compares. */
struct measured {
	uint8_t pcr;
	uint32_t type;
	uint32_t number;
	uint8_t digest[PCR_LEN];
};

/* Replays a log and checks its structure:
 *  - PCR 0-7 have exactly one separator each, normal and bound to its digest; no event of another type has a
 * separator's digest;
 *  - PCR 0 is measured before its separator; StartupLocality is 0, 3 or 4, said at most once and before PCR 0 is
 * extended;
 *  - EV_NO_ACTION never extends, and nothing else in it is believed;
 *  - each payload that is read is bound to its digest; SecureBoot is said at most once, before the separator of PCR 7.
 * WHY_MALFORMED for structure, WHY_FORGED for a payload that was not measured, WHY_UNTRUSTED when firmware itself says
 * it failed. */
int boot_read(struct view log, struct boot *out, struct err *e);
/* The measured events of the registers in PCR_MASK, in log order, after the checks of boot_read.
 * More than cap of them is WHY_MALFORMED. On a refusal out is undefined and *n untouched. */
int boot_measured(struct view log, struct measured *out, size_t cap, size_t *n, struct err *e);
/* Both in one pass. */
int boot_walk(struct view log, struct boot *out, struct measured *m, size_t cap, size_t *n, struct err *e);
/* Every register in mask must equal the replay. WHY_FORGED: "PCR 4: the event log gives ab.., the quote has cd..". */
int boot_explains(const struct boot *b, const struct pcrs *quoted, uint32_t mask, struct err *e);

/* ---- reference.c, reference_import.c: merestone-reference(5) ---- */

struct json_t;
struct reference;

/* From the body of a reference document. WHY_MALFORMED, also for an empty set and for one that leaves a quoted register
 * without a value: no reference ever means "no check" (A64). The caller frees. */
struct reference *reference_import(const struct json_t *body, struct err *e);
void reference_free(struct reference *r);
AUTO_DEFINE(struct reference *, reference_free)
/* 0: each quoted register has an approved value, and Secure Boot is as required.
 * -1: WHY_UNTRUSTED; the sentence names register, event, type, expected and found digest when the set lists its events.
 * ev only words the sentence: it is never a reason to approve. */
int reference_match(const struct reference *r, const struct pcrs *pcrs, enum secure_boot sb, const struct measured *ev,
        size_t nev, struct err *e);
/* Writes the body of a reference document that approves exactly what the log says. WHY_SYSTEM when out is too small. */
int reference_learn(struct view log, struct wr *out, struct err *e);

#endif
