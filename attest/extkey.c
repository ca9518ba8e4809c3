#include "attest/attest.h"

void extkey_public(uint8_t out[EXTKEY_PUBLIC], const uint8_t xy[ES256_PUB])
{
	static const uint8_t head[] = {
	        0x00, 0x23,             /* ECC */
	        0x00, 0x0b,             /* nameAlg SHA-256 */
	        0x00, 0x04, 0x00, 0x40, /* sign, userWithAuth */
	        0x00, 0x00,             /* no policy */
	        0x00, 0x10,             /* symmetric NULL */
	        0x00, 0x18, 0x00, 0x0b, /* ECDSA with SHA-256 */
	        0x00, 0x03,             /* P-256 */
	        0x00, 0x10,             /* kdf NULL */
	};
	struct wr w = wr_to(out, EXTKEY_PUBLIC);

	wr_bytes(&w, head, sizeof head);
	wr_view16(&w, VIEW(xy, 32));
	wr_view16(&w, VIEW(xy + 32, 32));
}

void extkey_name(uint8_t out[TPM_NAME_LEN], const uint8_t xy[ES256_PUB])
{
	uint8_t pub[EXTKEY_PUBLIC];

	extkey_public(pub, xy);
	out[0] = 0x00;
	out[1] = 0x0b;
	sha256(out + 2, VIEW_OF(pub));
}
