#include <string.h>

#include "base/hex.h"
#include "firmware/init/init.h"

bool verity_fits(const struct bootline *b, const uint8_t top[VERITY_BLOCK])
{
	const struct view parts[] = {{b->salt, b->nsalt}, {top, VERITY_BLOCK}};
	uint8_t digest[SHA_LEN];

	sha2_256(digest, parts, COUNT(parts));
	return memcmp(digest, b->root, SHA_LEN) == 0;
}

void verity_table(const struct bootline *b, const char *device, struct wr *out)
{
	char root[2 * SHA_LEN + 1], salt[2 * SALT_MAX + 1];
	unsigned long long blocks = b->blocks;

	wr_fmt(out, "1 %s %s %d %d %llu %llu sha256 %s %s 1 panic_on_corruption", device, device, VERITY_BLOCK,
	        VERITY_BLOCK, blocks, blocks, hex_put(root, b->root, SHA_LEN), hex_put(salt, b->salt, b->nsalt));
	wr_u8(out, 0);
}
