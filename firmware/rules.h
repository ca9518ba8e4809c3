/* rules: one reference set weighed against one boot. Private to rules.c and rulespolicy.c. */
#ifndef FIRMWARE_RULES_H
#define FIRMWARE_RULES_H

#include "firmware/reference.h"

enum { LINES_MAX = 8 }; /* command lines approved by a pattern, kept until the kernel measures them again */

struct weighing { /* one reference set against one boot */
	const struct reference *r;
	const struct state *s;
	uint32_t separated; /* mask of registers */
	uint32_t keys;      /* mask of enum key_list */
	bool secure_boot;
	uint32_t authorities, loaders, firmware, lines, sections;
	uint8_t line[LINES_MAX][PCR_LEN]; /* digests with a NUL, as the kernel measures its load options */
	uint32_t nlines;
	uint8_t revoked[RULES_MAX / 8]; /* bit for each rule: this entry of dbx is there */
};

/* ---- rules.c ---- */

const struct rule *rules_find(
        const struct reference *r, enum rule_kind kind, uint8_t which, const uint8_t digest[PCR_LEN]);
/* Each of these words a refusal and gives -1. "PCR 4: event 7 (EV_IPL): " in front of the sentence that is there; the
 * same with a sentence; */
int rules_where(const struct measured *ev, struct err *e);
int rules_no(const struct measured *ev, const char *sentence, struct err *e);
/* the same, with what was found and what the set has instead; */
int rules_unlisted(const struct weighing *w, const struct measured *ev, const char *what, enum rule_kind kind,
        uint8_t which, const uint8_t found[PCR_LEN], struct err *e);
/* and what is not there at all. */
int rules_absent(unsigned pcr, const char *what, struct err *e);

/* ---- rulespolicy.c ---- */

int rulespolicy_holds(struct weighing *w, const struct measured *ev, const struct meaning *m, struct err *e);
int rulespolicy_whole(const struct weighing *w, struct err *e);

#endif
