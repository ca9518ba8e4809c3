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
	MEASURED_MAX = 512,        /* events of quoted registers that are told on; a log with more is refused */
	SAID_MAX = 64 * 1024,      /* bytes of their payloads: the dbx that vendors ship has 24 KiB */
	EVENT_TEXT_MAX = 4096,     /* a command line; the kernel's own limit is 2048 */
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
	EV_ACTION = 0x5,
	EV_EVENT_TAG = 0x6,
	EV_S_CRTM_VERSION = 0x8,
	EV_IPL = 0xd,
};
#define EV_EFI_VARIABLE_DRIVER_CONFIG    0x80000001u
#define EV_EFI_VARIABLE_BOOT             0x80000002u
#define EV_EFI_BOOT_SERVICES_APPLICATION 0x80000003u
#define EV_EFI_BOOT_SERVICES_DRIVER      0x80000004u
#define EV_EFI_RUNTIME_SERVICES_DRIVER   0x80000005u
#define EV_EFI_ACTION                    0x80000007u
#define EV_EFI_PLATFORM_FIRMWARE_BLOB    0x80000008u
#define EV_EFI_PLATFORM_FIRMWARE_BLOB2   0x8000000au
#define EV_EFI_VARIABLE_BOOT2            0x8000000cu
#define EV_EFI_HCRTM_EVENT               0x80000010u
#define EV_EFI_VARIABLE_AUTHORITY        0x800000e0u

const char *event_type_name(uint32_t type); /* "EV_SEPARATOR"; "unknown type"; never NULL */

/* ---- eventlog.c ---- */

struct event {
	uint32_t pcr;            /* below PCR_COUNT */
	uint32_t type;           /* not covered by the digest */
	uint32_t number;         /* from 1; the header record is 0, as tpm2_eventlog counts */
	uint8_t digest[PCR_LEN]; /* sha256 bank; zero in a log that has none */
	struct view digests;     /* all banks, as logged: eventlog_digest() */
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
	bool old; /* of the SHA-1 form */
	bool refused;
};

/* Reads the header. A log of the old SHA-1 form, or one without a sha256 bank, is WHY_MALFORMED. */
int eventlog_open(struct eventlog *l, struct view log, struct err *e);
/* 1: *ev is the next event. 0: the end; pure padding (0x00 or 0xff, at least a record's first 12 bytes) counts as the
 * end. -1: WHY_MALFORMED with the event's number and the clause; every later call refuses too. */
int eventlog_next(struct eventlog *l, struct event *ev, struct err *e);
/* For people, who also want to see what proves nothing: logs of the SHA-1 form, and without a sha256 bank. */
int eventlog_open_any(struct eventlog *l, struct view log, struct err *e);
/* The digest of an event of this log in bank l->alg[at]. */
struct view eventlog_digest(const struct eventlog *l, const struct event *ev, uint32_t at);

/* ---- uefivar.c ---- */

enum { UEFI_GUID_LEN = 16 };
/* EFI_GLOBAL_VARIABLE, EFI_IMAGE_SECURITY_DATABASE and shim's, as stored */
extern const uint8_t UEFI_GLOBAL[UEFI_GUID_LEN], UEFI_SECURITY[UEFI_GUID_LEN], UEFI_SHIM[UEFI_GUID_LEN];

struct uefivar {                      /* UEFI_VARIABLE_DATA, TCG PFP 10.2.6 */
	struct view guid, name, data; /* name: UTF-16LE, no NUL */
};

/* Exactly one UEFI_VARIABLE_DATA, not a byte more. */
int uefivar_parse(struct view v, struct uefivar *out, struct err *e);
bool uefivar_is(const struct uefivar *u, const uint8_t guid[UEFI_GUID_LEN], const char *ascii);

/* ---- siglist.c: what PK, KEK, db and dbx hold ---- */

struct siglist { /* a cursor over EFI_SIGNATURE_LISTs, one behind the other: UEFI 2.10 32.4.1. The fields are its own */
	struct view rest, entries;
	struct view type;
	size_t size;
	bool refused;
};
enum signature_kind { SIGNATURE_OTHER, SIGNATURE_X509, SIGNATURE_SHA256 };
struct signature {
	enum signature_kind kind;
	struct view owner, data;
	uint8_t name
	        [PCR_LEN]; /* of a certificate its SHA-256, of a hash the hash itself, of others SHA-256 of the data */
};

extern const uint8_t SIGLIST_X509[UEFI_GUID_LEN]; /* EFI_CERT_X509_GUID: the type of a list of certificates */
struct siglist siglist_of(struct view lists);
/* 1: *s is the next entry; 0: the end; -1: WHY_MALFORMED, now and ever after. */
int siglist_next(struct siglist *l, struct signature *s, struct err *e);
/* EFI_SIGNATURE_DATA as an authority event has it: owner and certificate, or owner and hash. */
void siglist_authority(struct view data, struct signature *s);

/* ---- text16.c ---- */

/* UTF-16LE to UTF-8 with a NUL behind; one NUL at the end is left out. -1: not text, or it does not fit. */
int text16_get(char *out, size_t cap, struct view wide);
/* UTF-8 to UTF-16LE without a NUL: bytes written, or -1. */
int text16_put(uint8_t *out, size_t cap, const char *text);

/* ---- glob.c ---- */

/* The whole text. '*' is any run of characters but blanks, '?' one of them, '\\' takes what follows literally; there is
 * nothing else, and time is at most the product of both lengths. */
bool glob_match(const char *pattern, const char *text);
bool glob_ok(const char *pattern); /* says something besides '*' and '?', and no '\\' stands at its end */

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
	struct view data; /* the payload, where rules read it; proves nothing until it is bound to the digest */
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
/* The measured events of the registers in PCR_MASK, in log order, after the checks of boot_read; their data are views
 * into the log, at most SAID_MAX bytes of them.
 * More than cap of them is WHY_MALFORMED. On a refusal out is undefined and *n untouched. */
int boot_measured(struct view log, struct measured *out, size_t cap, size_t *n, struct err *e);
/* Both in one pass. */
int boot_walk(struct view log, struct boot *out, struct measured *m, size_t cap, size_t *n, struct err *e);
/* Every register in mask must equal the replay. WHY_FORGED: "PCR 4: the event log gives ab.., the quote has cd..". */
int boot_explains(const struct boot *b, const struct pcrs *quoted, uint32_t mask, struct err *e);

struct measured boot_event(const struct event *ev); /* with its whole payload */
bool boot_separates(const uint8_t digest[PCR_LEN]); /* a separator's digest, whatever its type says */

/* ---- meaning.c: what a measured event says ---- */

enum meaning_kind {
	MEANS_UNKNOWN, /* nothing that we read */
	MEANS_SEPARATOR,
	MEANS_FIRMWARE_VERSION, /* said: text */
	MEANS_FIRMWARE,         /* code, by its digest */
	MEANS_BOOT_VARIABLE,    /* BootOrder, Boot0001..: said is the whole structure */
	MEANS_DRIVER,           /* by Authenticode digest */
	MEANS_LOADER,           /* by Authenticode digest; said: UEFI_IMAGE_LOAD_EVENT, never bound */
	MEANS_ACTION,           /* said: text */
	MEANS_DEBUGGER,         /* firmware can be debugged */
	MEANS_SECURE_BOOT,      /* said: 0 or 1 byte */
	MEANS_KEYS,             /* which: enum key_list; said: signature lists */
	MEANS_VARIABLE,         /* another variable */
	MEANS_AUTHORITY,        /* said: EFI_SIGNATURE_DATA, or a certificate alone */
	MEANS_SBAT_LEVEL,       /* said: text */
	MEANS_MOK,              /* a list of shim, by its digest; said: its name, never bound */
	MEANS_SECTION_NAME,     /* which: meaning_section() */
	MEANS_SECTION,          /* which: the same; the contents of the section named before, by digest */
	MEANS_COMMAND_LINE,     /* said: text */
	MEANS_LOAD_OPTIONS,     /* a command line, by its digest */
	MEANS_INITRD,           /* by digest */
	MEANS_GRUB_COMMAND,     /* said: text */
	MEANS_GRUB_FILE,        /* by digest; said: its name, never bound */
};
enum key_list { KEYS_PK, KEYS_KEK, KEYS_DB, KEYS_DBX, KEYS_COUNT };
enum { SECTIONS = 14, SECTION_NONE = 255 };

struct meaning {
	enum meaning_kind kind;
	uint8_t which;
	bool bound;       /* the payload is what was measured: without it, said is a mere claim */
	struct view said; /* into the payload */
};

/* Fills *out. *section is SECTION_NONE before the first event of PCR 11, and then the caller's to keep: names and
 * contents of sections come in turn. Nothing is refused; what we do not understand is MEANS_UNKNOWN. */
void meaning_of(const struct measured *ev, uint8_t *section, struct meaning *out);
bool meaning_read(uint32_t pcr, uint32_t type); /* rules read the payload of such an event */
/* What was said as text: UTF-8, NUL behind. -1 when it is no text. 16 bytes that are none are written as a GUID. */
int meaning_text(const struct meaning *m, char *out, size_t cap);
const char *meaning_section(uint8_t which);   /* ".linux"; NULL past the last */
uint8_t meaning_section_of(const char *name); /* SECTION_NONE when there is no such section */
const char *meaning_keys(enum key_list k);    /* "PK" */
uint32_t meaning_sbat(struct view said);      /* the date of a SBAT level, 2021030218; 0: it is none */

/* ---- story.c: a whole boot, told by its measured events ---- */

struct story {
	const struct measured *ev; /* n of them, borrowed */
	size_t n;
	uint32_t explained; /* registers whose quoted value these events give, extended again */
	struct meaning meaning[MEASURED_MAX];
};

void story_tell(struct story *s, const struct measured *ev, size_t n, const struct pcrs *quoted);

/* ---- reference*.c, rules*.c: merestone-reference(5) ---- */

struct json_t;
struct reference;

/* What is compared with a reference set. */
struct state {
	const struct pcrs *pcrs;
	enum secure_boot secure_boot;
	const struct measured *ev; /* only words sentences: it is never a reason to approve */
	size_t nev;
	const struct story *story; /* NULL: nothing is approved by meaning */
	int64_t now;               /* seconds since the epoch */
};

/* From the body of a reference document. WHY_MALFORMED, also for an empty set and for one that leaves a quoted register
 * without a value or a rule: no reference ever means "no check" (A64). The caller frees. */
struct reference *reference_import(const struct json_t *body, struct err *e);
void reference_free(struct reference *r);
AUTO_DEFINE(struct reference *, reference_free)
/* 0: the set is valid now, each quoted register has an approved value or is explained by rules event by event, nothing
 * forbidden was measured, and Secure Boot is as required.
 * -1: WHY_STALE before or after the set's time, else WHY_UNTRUSTED; the sentence names register, event, type, expected
 * and found. */
int reference_match(const struct reference *r, const struct state *s, struct err *e);
int64_t reference_until(const struct reference *r);       /* the last second that it is valid in */
uint32_t reference_by_meaning(const struct reference *r); /* registers that need a story */
/* Writes the body of a reference document that approves exactly what the log says. WHY_SYSTEM when out is too small. */
int reference_learn(struct view log, struct wr *out, struct err *e);
/* The same by meaning: registers 2, 4, 7, 9, 11 and 12 by rules, the others by value. WHY_FORGED for a payload that a rule
 * would read and that was not measured. */
int reference_learn_meaning(struct view log, struct wr *out, struct err *e);

/* ---- refstate.c ---- */

/* A measured-boot reference state of Keylime as the body of a reference document. It says nothing of registers 3, 11
 * and 12 and little of others: log (which may be empty) stands in, else nothing but separators and boot variables may be
 * measured where it is silent. */
int refstate_import(const struct json_t *state, struct view log, struct wr *out, struct err *e);

/* ---- corim_import.c ---- */

/* A CoRIM as the body of a reference document. Quoted registers of which it says nothing get their value from log, the
 * boot of a machine whose other registers are as the CoRIM says; when log is empty they are refused by name. To notes
 * goes one line for each thing that the officer should know. */
int corim_import(struct view file, struct view log, struct wr *out, struct wr *notes, struct err *e);

#include "firmware/ima.h"

#endif
