/* reference: what an imported reference set holds. Private to reference*.c and rules*.c. */
#ifndef FIRMWARE_REFERENCE_H
#define FIRMWARE_REFERENCE_H

#include "firmware/firmware.h"

enum {
	RULES_MAX = 4096,         /* digests: a dbx has 430 entries */
	RULE_TEXTS_MAX = 64,      /* command lines, patterns, versions */
	RULE_TEXT_BYTES = 262144, /* all of them, each with its NUL */
	FORBIDDEN_MAX = 256,
};

enum rule_kind { /* what a digest is approved as */
	RULE_PK,
	RULE_KEK,
	RULE_DB,
	RULE_DBX, /* not approved: demanded */
	RULE_AUTHORITY,
	RULE_FIRMWARE,
	RULE_DRIVER,
	RULE_LOADER,
	RULE_INITRD,
	RULE_SECTION,      /* which: meaning_section() */
	RULE_COMMAND_LINE, /* which: the text; its digest in one of the forms that loaders measure */
	RULE_EVENT,        /* which: the register */
};

struct rule { /* compared as bytes: sorted, and without padding */
	uint8_t kind, which;
	uint8_t digest[PCR_LEN];
};

enum rule_text_kind { TEXT_VERSION, TEXT_EXACT, TEXT_PATTERN };

struct rule_text {
	enum rule_text_kind kind;
	uint32_t at; /* in reference.pool */
};

struct forbidden {
	uint8_t pcr;
	bool has_type, has_digest;
	uint32_t type;
	uint8_t digest[PCR_LEN];
};

struct reference {
	uint32_t values[PCR_COUNT]; /* how many; at least one for each register of PCR_MASK that has no rules */
	uint8_t value[PCR_COUNT][REFERENCE_VALUES_MAX][PCR_LEN];
	enum secure_boot secure_boot; /* SECURE_BOOT_UNKNOWN: nothing is required */
	int64_t from, until;          /* seconds since the epoch, both included */

	uint32_t by_meaning; /* mask of registers */
	bool has_authority;  /* else an authority must be in db */
	bool signed_loaders; /* any loader that an approved authority signed */
	bool any_boot_variables;
	uint32_t sections;   /* mask: each of these must be there */
	uint32_t sbat_level; /* the least; 0: none may be measured */
	struct rule *rule;   /* owned, sorted */
	size_t nrules;
	struct rule_text text[RULE_TEXTS_MAX];
	size_t ntexts;
	char *pool; /* owned */
	size_t npool;
	struct forbidden forbidden[FORBIDDEN_MAX];
	size_t nforbidden;

	size_t events;
	struct measured event[]; /* in log order; their numbers are 0 */
};

/* ---- rules_import.c ---- */

/* The members that approve by meaning, and those that forbid. */
int rules_import(struct reference *r, const struct json_t *body, struct err *e);
extern const char *const rules_members[]; /* NULL behind the last */

/* ---- rules.c ---- */

/* Nothing that is forbidden was measured. */
int rules_forbid(const struct reference *r, const struct state *s, struct err *e);
/* Every event of the registers of r->by_meaning is approved by a rule, and what must be there is. */
int rules_hold(const struct reference *r, const struct state *s, struct err *e);
int rules_order(const void *a, const void *b); /* of struct rule, for qsort */

/* ---- reference.c ---- */

struct brief { /* a digest as sentences show it */
	char hex[17];
};
struct brief reference_brief(const uint8_t digest[PCR_LEN]);

#endif
