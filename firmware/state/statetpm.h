/* statetpm: the TPM's part in the state. Private to firmware/state. */
#ifndef FIRMWARE_STATE_STATETPM_H
#define FIRMWARE_STATE_STATETPM_H

#include "attest/attest.h"
#include "firmware/state/state.h"

struct stateboot {               /* what this boot has to show */
	uint32_t version;        /* of the image */
	struct view pcrsig;      /* what is signed for it */
	const struct es256 *pcr; /* by this key */
};

/* A primary key for t->srk, made anew; statetpm_end() flushes it. */
int statetpm_begin(struct tpm *t, struct err *e);
void statetpm_end(struct tpm *t);
/* Registers 7 and 11 as they are now. */
int statetpm_registers(struct tpm *t, struct pcrs *out, struct err *e);

/* To register 7 as it is now and to images that the pcr key signs. */
int statetpm_seal(
        struct tpm *t, const struct es256 *pcr, const struct secret *key, struct sealedkey *out, struct err *e);
/* WHY_UNTRUSTED: nothing is signed for register 11, register 7 is another, or another TPM sealed it. WHY_STALE: the image
 * is below the version floor, or the floor is gone. The caller frees *out. */
int statetpm_unseal(
        struct tpm *t, const struct stateboot *b, const struct sealedkey *k, struct secret **out, struct err *e);

/* ---- the version floor (statefloor.c) ---- */

/* Makes the indices that are missing; what is there stays. */
int statefloor_make(struct tpm *t, struct err *e);
/* The highest version that was ever raised to; 0 when none was. WHY_STALE: an index is gone. */
int statefloor_read(struct tpm *t, uint32_t *version, struct err *e);
int statefloor_raise(struct tpm *t, uint32_t version, struct err *e);
/* PolicyNV for each index that statepolicy_approved() names. */
int statefloor_prove(struct tpm *t, uint32_t session, uint32_t version, struct err *e);

#endif
