/* state: the volume on which an appliance keeps what it may lose, encrypted to its own TPM and to images that were signed
 * for it: merestone-appliance(7). */
#ifndef FIRMWARE_STATE_STATE_H
#define FIRMWARE_STATE_STATE_H

#include "attest/attest.h"

/* ---- statepolicy.c, pure: which images open the volume ----
 * The key is sealed with PolicyAuthorize(pcr key, no reference), then PolicyPCR(7) of the boot that sealed it. What the pcr
 * key approves for one image is PolicyPCR(11) of its boot, and PolicyNV of the version floor: for each floor index from the
 * image's own on, that no bit of a later version is set. So a newer image opens what an older one sealed, an image below
 * the floor opens nothing, and no re-sealing is ever needed. */

/* NV_BITS: anybody may set a bit, nobody can clear one. Bit v of all indices together stands for version v. */
enum { FLOOR_INDICES = 4, FLOOR_BITS = 64, FLOOR_VERSION_MAX = FLOOR_INDICES * FLOOR_BITS - 1 };
#define FLOOR_INDEX      0x01800110u
#define FLOOR_ATTRIBUTES 0x02040024u /* AUTHREAD, AUTHWRITE, NO_DA, bits */

void floor_name(uint8_t out[TPM_NAME_LEN], unsigned k); /* of index FLOOR_INDEX + k, written */
/* What PolicyNV compares with BITCLEAR for an image of that version: bits that must not be set in index k. False: that
 * index is not asked. */
bool floor_operand(uint8_t out[8], unsigned k, uint32_t version);
/* The policy that the pcr key signs for an image: register 11 when the volume opens, and its version. */
void statepolicy_approved(uint8_t out[SHA_LEN], const uint8_t pcr11[PCR_LEN], uint32_t version);
/* The policy of the sealed key itself; pcr_key: x || y. */
void statepolicy_sealed(uint8_t out[SHA_LEN], const uint8_t pcr_key[64], const uint8_t pcr7[PCR_LEN]);

/* ---- pcrsig.c, pure but for JSON: the section .pcrsig, in the shape of systemd's tpm2-pcr-signature.json ---- */

/* {"sha256":[{"pcrs":[11],"pkfp":HEX,"pol":HEX,"sig":BASE64URL}]}: pkfp is SHA-256 of x || y, sig r || s over pol, the same
 * each time (RFC 6979). */
int pcrsig_write(struct wr *w, const struct es256 *key, const uint8_t policy[SHA_LEN], struct err *e);
/* The signature that is for this policy by this key: WHY_UNTRUSTED when there is none, WHY_FORGED when it is wrong. */
int pcrsig_find(
        struct view json, const struct es256 *key, const uint8_t policy[SHA_LEN], uint8_t sig[64], struct err *e);

/* ---- recovery.c: the way in without the machine's TPM ----
 * A second keyslot takes a phrase of 64 hexadecimal digits, and the volume keeps that phrase for the holder of the recovery
 * key: ECIES of SEC 1 5.1 with P-256, HKDF-SHA256, a key stream as long as the message, and HMAC-SHA256. */

enum { RECOVERY_LEN = 32, RECOVERY_BOX = 64 + RECOVERY_LEN + SHA_LEN, RECOVERY_PHRASE = 2 * RECOVERY_LEN };
/* box: ephemeral x || y, ciphertext, MAC. */
int recovery_put(const uint8_t to[64], const struct secret *phrase, uint8_t box[RECOVERY_BOX], struct err *e);
/* WHY_FORGED: it was made for another key, or changed. The caller frees. */
int recovery_get(const struct es256 *key, const uint8_t box[RECOVERY_BOX], struct secret **out, struct err *e);
void recovery_phrase(const struct secret *phrase, char out[RECOVERY_PHRASE + 1]); /* the caller wipes */

/* ---- statetoken.c: what the volume's header keeps beside the slots, LUKS2 tokens of our own types ---- */

#define STATE_LABEL    "merestone-state"
#define TOKEN_SEALED   "merestone-sealed"
#define TOKEN_RECOVERY "merestone-recovery"
enum { TOKEN_MAX = 2048, SEALED_PART_MAX = 512, STATE_HEADER_MAX = 16 * 1024 };

struct sealedkey { /* contents of TPM2B_PUBLIC and TPM2B_PRIVATE, and the register they were sealed under */
	size_t npublic, nprivate;
	uint8_t public[SEALED_PART_MAX], private[SEALED_PART_MAX];
	uint8_t pcr7[PCR_LEN];
};
void statetoken_sealed(struct wr *w, const struct sealedkey *k);
int statetoken_sealed_read(struct view json, struct sealedkey *out, struct err *e);
void statetoken_recovery(struct wr *w, const uint8_t box[RECOVERY_BOX]);
/* json: the token alone, or the first STATE_HEADER_MAX bytes of a volume. */
int statetoken_recovery_read(struct view v, uint8_t box[RECOVERY_BOX], struct err *e);

#endif
