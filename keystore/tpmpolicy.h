/* tpmpolicy: the steps by which a TPM gives out what was sealed to it, each with its sentence on a refusal. For unseal.c and
 * for the appliance's state. ESAPI's types are those of attest/tpm.h. */
#ifndef KEYSTORE_TPMPOLICY_H
#define KEYSTORE_TPMPOLICY_H

#include <tss2/tss2_esys.h>

#include "keystore/keystore.h"

/* The ticket that PolicyAuthorize takes, for a signature over `digest`; the caller frees it with Esys_Free(). refusal: the
 * sentence when the signature is not that key's. */
int tpmpolicy_verify(struct tpm *t, const uint8_t key[ES256_PUB], const uint8_t digest[SHA_LEN],
        const uint8_t sig[ES256_SIG], TPMT_TK_VERIFIED **ticket, const char *refusal, struct err *e);
/* Imports under t->srk; the caller flushes. WHY_UNTRUSTED: it was sealed for another TPM. */
int tpmpolicy_load(struct tpm *t, const struct sealed *from, ESYS_TR *object, struct err *e);

/* Steps in a session of tpm_session(): the TPM's code, for a sentence of the caller's. digest: NULL for the registers as they
 * are, which the policy then tells. ref: of SHA_LEN bytes, or empty. */
TSS2_RC tpmpolicy_pcr(struct tpm *t, ESYS_TR session, uint32_t mask, const uint8_t *digest);
/* An index that authorises itself with an empty password. */
TSS2_RC tpmpolicy_nv(struct tpm *t, ESYS_TR session, uint32_t place, struct view operand, TPM2_EO op);
TSS2_RC tpmpolicy_authorize(struct tpm *t, ESYS_TR session, const uint8_t approved[SHA_LEN], struct view ref,
        const uint8_t key[ES256_PUB], const TPMT_TK_VERIFIED *ticket);
/* *fits: it is a key's length, and in `to`. Nothing of it stays in ESAPI. */
TSS2_RC tpmpolicy_unseal(struct tpm *t, ESYS_TR session, ESYS_TR object, struct secret *to, bool *fits);

#endif
