/* ima: what was run and read after the boot, by the kernel's word, and what of it is approved. Part of firmware.h. */
#ifndef FIRMWARE_IMA_H
#define FIRMWARE_IMA_H

#include "firmware/firmware.h"

/* With a runtime list the quote also covers PCR 10, and 5, 6 and 8, which the list's boot_aggregate is made of: 0-12. */
#define IMA_MASK 0x1fffu
enum { IMA_PCR = 10, IMA_QUOTED = 13 };

/* ---- ima.c, imaascii.c, imarun.c: the kernel's list of what was run and read. Linux: Documentation/security/
 * IMA-templates.rst; little-endian, as every machine we know writes it ---- */

enum {
	IMA_ENTRY_MAX = 16 * 1024, /* template data: a path of 4096, a signature, a key or a device-mapper table */
	IMA_NAME_MAX = 4096,       /* PATH_MAX; the names of keyrings are shorter */
	IMA_DIGEST_MAX = 64,
	IMA_PART_MAX = 256 * 1024, /* entries in one evidence: a longer list takes several */
};

enum ima_template { IMA_OLD, IMA_NG, IMA_SIG, IMA_BUF, IMA_MODSIG, IMA_NGV2, IMA_SIGV2, IMA_EVMSIG, IMA_TEMPLATES };

struct ima_entry {       /* views into the list */
	uint64_t number; /* from 1 */
	enum ima_template template;
	bool violation;   /* the list shows a hash of zeros: the register got ones */
	bool verity;      /* the digest is fs-verity's, not of the file's bytes */
	struct view sha1; /* the template hash that the list shows; proves nothing by itself */
	struct view data; /* what the template hash is over, but for IMA_OLD */
	struct view alg;  /* "sha256" */
	struct view digest, name;
	struct view sig; /* security.ima as it was, or empty */
	struct view buf; /* IMA_BUF: a key, a command line */
};

/* A cursor over a binary list; allocates nothing. The fields are ima.c's own. */
struct ima {
	struct view rest;
	uint64_t number;
	bool refused;
};

struct ima ima_open(struct view list, uint64_t before); /* before: entries that came earlier */
/* 1: *x is the next entry; 0: the end; -1: WHY_MALFORMED with the entry's number; every later call refuses too. */
int ima_next(struct ima *l, struct ima_entry *x, struct err *e);
/* How many bytes of whole entries stand in front of v, which may end in the middle of one. */
size_t ima_whole(struct view v);
/* The template hash, as SHA-1 and as SHA-256. */
enum { IMA_SHA1 = 20 };
void ima_sha1(uint8_t out[IMA_SHA1], const struct ima_entry *x);
void ima_sha256(uint8_t out[PCR_LEN], const struct ima_entry *x);
/* A name for sentences: printable ASCII, the rest as \xNN, a long one cut (A74). */
struct ima_text {
	char s[160];
};
struct ima_text ima_text(struct view name);

/* One line of an ASCII list to the record of a binary one. 1: written; 0: the end; -1: WHY_MALFORMED. *rest moves on
 * behind the line. A name that holds a line's end cannot be told from two lines: binary lists are for proving. */
int imaascii_next(struct view *rest, uint64_t number, struct wr *out, struct err *e);

/* What a kernel extended the sha256 register with: its own hash of each bank (5.8 and later), or SHA-1 and zeros. */
enum { IMA_OWN = 1, IMA_PADDED = 2 };
struct ima_run {
	uint64_t entries;
	uint8_t banks; /* which of the two it may still be; one of them from the first match on, for this boot */
	uint8_t pcr[2][PCR_LEN];
};
struct ima_run imarun_start(void);
void imarun_add(struct ima_run *r, const struct ima_entry *x);
bool imarun_reaches(struct ima_run *r, const uint8_t quoted[PCR_LEN]); /* forgets the other bank when it does */
/* The first entry says of which boot the list is: H(PCR 0-9), or H(PCR 0-7) of some older kernels. WHY_UNTRUSTED when
 * the registers are another boot's (A78), or SHA-1 ones, which are not quoted. */
int imarun_aggregate(const struct ima_entry *x, const struct pcrs *quoted, struct err *e);

/* ---- pathglob.c: names with * (within a directory), ** (anything) and ?; anchored at both ends; linear time (A73) ---- */

enum { PATHGLOB_PREFIX_MAX = 256, PATHGLOB_TOKENS_MAX = 63 };
struct pathglob {
	uint32_t prefix, tokens;
	uint64_t stars; /* bit per token */
	char literal[PATHGLOB_PREFIX_MAX];
	uint16_t token[PATHGLOB_TOKENS_MAX];
};
/* WHY_MALFORMED: not absolute, too long, or with a wildcard in its first directory. */
int pathglob_parse(const char *text, struct pathglob *out, struct err *e);
bool pathglob_match(const struct pathglob *g, struct view name);

/* ---- runtime.c, runtime_import.c, imasig.c: merestone-runtime(5) ---- */

enum {
	RUNTIME_FILES_MAX = 128 * 1024, /* a large distribution has 10^5 */
	RUNTIME_EXCLUDES_MAX = 64,
	RUNTIME_KEYS_MAX = 16,
};
struct runtime;

/* From the body of a runtime document; an empty one is refused (A64). The caller frees. */
struct runtime *runtime_import(const struct json_t *body, struct err *e);
void runtime_free(struct runtime *r);
AUTO_DEFINE(struct runtime *, runtime_free)
/* 0: some set approves the entry. WHY_UNKNOWN: no set knows its name; WHY_UNTRUSTED: another digest, a violation, a
 * signature that is none. The sentence has the entry's number and name. */
int runtime_allows(const struct runtime *const sets[], size_t n, const struct ima_entry *x, struct err *e);
/* Body of a runtime document that approves what the list, binary or ASCII, has: all but boot_aggregate and violations.
 * WHY_MALFORMED for a list that is none, or has a name that JSON cannot hold. The caller frees. */
struct json_t *runtime_learn(struct view list, struct err *e);

#endif
