/* logread: a boot log as an engineer wants to see it, also one that no authority would accept. */
#ifndef CMD_LOGREAD_H
#define CMD_LOGREAD_H

#include "base/err.h"
#include "firmware/firmware.h"

enum { LOGREAD_DIGEST_MAX = 64, LOGREAD_WARNINGS_MAX = 64 };

struct logread_bank {
	uint16_t alg;
	size_t size;
	uint32_t extended; /* mask of registers */
	uint8_t value[PCR_COUNT][LOGREAD_DIGEST_MAX];
};

struct logread_line { /* one event */
	struct event ev;
	struct measured m;
	struct meaning means;
};

struct logread {
	struct view log;
	struct eventlog head; /* banks and form */
	struct logread_line *line;
	size_t n;
	uint8_t locality; /* start value of PCR 0 */
	struct logread_bank *bank;
	struct boot boot; /* not of a log of the SHA-1 form, which has sha1 alone */
	char warning[LOGREAD_WARNINGS_MAX][160];
	size_t nwarnings;
};

/* Reads and replays, or says why the log is refused. Views point into log; logread_free() gives back the rest. */
int logread_open(struct logread *l, struct view log, struct err *e);
void logread_free(struct logread *l); /* what it owns, not l */
const char *logread_bank_name(uint16_t alg);
/* What an event says, in words; text it quotes is as it was, control characters and all. */
void logread_meaning(const struct logread_line *line, char *out, size_t cap);
/* The name of a loader's file, or of an image's section; "" for others. It is only said, never measured. */
void logread_file(const struct logread_line *line, char *out, size_t cap);
/* Whether this event's payload is one that should be what was measured. */
bool logread_binds(const struct logread_line *line);

/* ---- logwarn.c ---- */

void logwarn_all(struct logread *l);

/* ---- logjson.c ---- */

void logjson_print(const struct logread *l, const char *name);

#endif
