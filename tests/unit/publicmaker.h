/* publicmaker: TPMT_PUBLIC of P-256 keys as this project uses them, around a software key. */
#ifndef TESTS_PUBLICMAKER_H
#define TESTS_PUBLICMAKER_H

#include "attest/attest.h"

enum {
	MADE_AK = 0x00050472,  /* restricted sign, noDA, userWithAuth, of this TPM */
	MADE_SRK = 0x00030472, /* restricted decrypt, noDA, userWithAuth, of this TPM */
	MADE_ID = 0x00040472,  /* sign, noDA, userWithAuth, of this TPM */
	MADE_EK = 0x000300b2,  /* template L-2 */
	MADE_PUBLIC_MAX = 128,
};

/* storage: AES-128-CFB and no scheme; otherwise ECDSA with SHA-256. Gives a view of buf. */
static inline struct view public_make(uint8_t buf[MADE_PUBLIC_MAX], uint32_t attributes, struct view policy,
        bool storage, const uint8_t xy[ES256_PUB])
{
	struct wr w = wr_to(buf, MADE_PUBLIC_MAX);
	wr_be16(&w, 0x0023);
	wr_be16(&w, 0x000b);
	wr_be32(&w, attributes);
	wr_view16(&w, policy);
	wr_be16(&w, storage ? 0x0006 : 0x0010);
	if (storage)
		wr_be32(&w, 0x00800043);
	wr_be16(&w, storage ? 0x0010 : 0x0018);
	if (!storage)
		wr_be16(&w, 0x000b);
	wr_be32(&w, 0x00030010);
	wr_view16(&w, VIEW(xy, 32));
	wr_view16(&w, VIEW(xy + 32, 32));
	return wr_done(&w);
}

static inline struct view public_srk(uint8_t buf[MADE_PUBLIC_MAX], const struct es256 *k)
{
	return public_make(buf, MADE_SRK, (struct view){0}, true, k->pub);
}

#endif
