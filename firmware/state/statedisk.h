/* statedisk: the encrypted volume itself, by libcryptsetup. Private to firmware/state. */
#ifndef FIRMWARE_STATE_STATEDISK_H
#define FIRMWARE_STATE_STATEDISK_H

#include "base/err.h"
#include "base/mem.h"
#include "firmware/state/state.h"

enum statedisk_kind {
	STATEDISK_BLANK, /* zeros, from end to end */
	STATEDISK_HALF,  /* ours, but the first boot was cut off before it was whole: nothing was ever kept in it */
	STATEDISK_OURS,
	STATEDISK_OTHER, /* somebody's data, perhaps ours and damaged: never written */
};

struct crypt_device;
struct statedisk {
	struct crypt_device *volume;
	enum statedisk_kind kind;
	struct sealedkey sealed; /* when OURS */
};

int statedisk_open(const char *device, struct statedisk *out, struct err *e);
void statedisk_close(struct statedisk d);
AUTO_DEFINE(struct statedisk, statedisk_close)

/* A new volume with two slots, over whatever is there: for BLANK and HALF alone. It is OURS once statedisk_finish() has
 * written the tokens. */
int statedisk_format(struct statedisk *d, const struct secret *key, const struct secret *phrase, struct err *e);
/* Maps it to /dev/mapper/STATE_MAPPED. WHY_FORGED: the key does not fit. */
int statedisk_map(struct statedisk *d, const struct secret *key, struct err *e);
int statedisk_finish(struct statedisk *d, const struct sealedkey *k, const uint8_t box[RECOVERY_BOX], struct err *e);

#endif
