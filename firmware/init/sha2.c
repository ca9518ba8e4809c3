/* SHA-256 for the initramfs, which has no library for it. */
#include <string.h>

#include "base/rd.h"
#include "firmware/init/init.h"

enum { BLOCK = 64, ROUNDS = 64, LENGTH_AT = 56 };

struct sha2 {
	uint32_t h[8];
	uint64_t bytes;
	uint8_t block[BLOCK];
};

static const uint32_t K[ROUNDS] = {0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
        0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152,
        0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138,
        0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70,
        0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5,
        0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa,
        0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t turn(uint32_t x, unsigned by)
{
	return x >> by | x << (32 - by);
}

/* FIPS 180-4 6.2.2, step 1 */
static void schedule(uint32_t w[ROUNDS], const uint8_t block[BLOCK])
{
	struct rd r = rd_of(VIEW(block, BLOCK));

	for (int i = 0; i < 16; i++)
		w[i] = rd_be32(&r);
	for (int i = 16; i < ROUNDS; i++) {
		uint32_t a = w[i - 15], b = w[i - 2];

		w[i] = w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) + w[i - 7] +
		       (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
	}
}

static void compress(struct sha2 *s)
{
	uint32_t w[ROUNDS], v[8];

	schedule(w, s->block);
	memcpy(v, s->h, sizeof v);
	for (int i = 0; i < ROUNDS; i++) {
		uint32_t e = v[4], a = v[0];
		uint32_t t1 = v[7] + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & v[5]) ^ (~e & v[6])) + K[i] +
		              w[i];
		uint32_t t2 = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));

		memmove(v + 1, v, 7 * sizeof v[0]);
		v[4] += t1;
		v[0] = t1 + t2;
	}
	for (int i = 0; i < 8; i++)
		s->h[i] += v[i];
}

static void add(struct sha2 *s, struct view v)
{
	for (size_t i = 0; i < v.n; i++) {
		s->block[s->bytes++ % BLOCK] = v.p[i];
		if (s->bytes % BLOCK == 0)
			compress(s);
	}
}

void sha2_256(uint8_t out[SHA_LEN], const struct view *parts, size_t n)
{
	static const uint8_t one[1] = {0x80}, zero[1] = {0};
	struct sha2 s = {
	        .h = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
	uint8_t length[8];
	struct wr l = wr_to(length, sizeof length), w = wr_to(out, SHA_LEN);

	for (size_t i = 0; i < n; i++)
		add(&s, parts[i]);
	wr_be64(&l, s.bytes * 8);
	add(&s, VIEW_OF(one));
	while (s.bytes % BLOCK != LENGTH_AT)
		add(&s, VIEW_OF(zero));
	add(&s, VIEW_OF(length));
	for (int i = 0; i < 8; i++)
		wr_be32(&w, s.h[i]);
}
