/* state: the volume on which an appliance keeps what it may lose, encrypted to its own TPM and to images that were signed
 * for it: merestone-appliance(7). */
#ifndef FIRMWARE_STATE_STATE_H
#define FIRMWARE_STATE_STATE_H

#include "base/err.h"
#include "base/sha.h"
#include "base/wr.h"
#include "firmware/firmware.h"

/* ---- statepolicy.c, pure: which images open the volume ----
 * The key is sealed with PolicyAuthorize(pcr key, no reference), then PolicyPCR(7) of the boot that sealed it. What the pcr
 * key approves for one image is PolicyPCR(11) of its boot, and PolicyNV of the version floor: for each floor index from the
 * image's own on, that no bit of a later version is set. So a newer image opens what an older one sealed, an image below
 * the floor opens nothing, and no re-sealing is ever needed. */

/* NV_BITS: anybody may set a bit, nobody can clear one. Bit v of all indices together stands for version v. */
enum { FLOOR_INDICES = 4, FLOOR_BITS = 64, FLOOR_VERSION_MAX = FLOOR_INDICES * FLOOR_BITS - 1 };
#define FLOOR_INDEX      0x01800110u
#define FLOOR_ATTRIBUTES 0x02040024u /* AUTHREAD, AUTHWRITE, NO_DA, bits */
#define FLOOR_WRITTEN    0x20000000u

enum { STATE_NAME_LEN = 34 };
void floor_name(uint8_t out[STATE_NAME_LEN], unsigned k); /* of index FLOOR_INDEX + k, written */
/* What PolicyNV compares with BITCLEAR for an image of that version: bits that must not be set in index k. False: that
 * index is not asked. */
bool floor_operand(uint8_t out[8], unsigned k, uint32_t version);
/* The policy that the pcr key signs for an image: register 11 when the volume opens, and its version. */
void statepolicy_approved(uint8_t out[SHA_LEN], const uint8_t pcr11[PCR_LEN], uint32_t version);

/* ---- pcrsig.c, pure but for JSON: the section .pcrsig, in systemd's form of tpm2-pcr-signature.json ---- */

struct es256;
/* {"sha256":[{"pcrs":[11],"pkfp":HEX,"pol":HEX,"sig":BASE64}]}: pkfp is SHA-256 of x || y, sig r || s over pol. */
int pcrsig_write(struct wr *w, const struct es256 *key, const uint8_t policy[SHA_LEN], struct err *e);
/* The signature that is for this policy by this key: WHY_UNTRUSTED when there is none, WHY_FORGED when it is wrong. */
int pcrsig_find(
        struct view json, const struct es256 *key, const uint8_t policy[SHA_LEN], uint8_t sig[64], struct err *e);

#endif
