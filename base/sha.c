#include "base/sha.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { SHA_BLOCK = 64 };

/* A process is one thread; the context is reused because making one costs more than a small hash. */
static EVP_MD *md, *old;
static EVP_MD_CTX *shared;

/* A hash that could not be computed must never be compared: there is nothing to return to. */
static void must(int ok)
{
	if (!ok)
		abort();
}

void sha_init(void)
{
	if (md)
		return;
	md = EVP_MD_fetch(NULL, "SHA256", NULL);
	old = EVP_MD_fetch(NULL, "SHA1", NULL);
	shared = EVP_MD_CTX_new();
	must(md && old && shared && EVP_DigestInit_ex2(shared, md, NULL));
}

static void start(void)
{
	sha_init();
	must(EVP_DigestInit_ex2(shared, NULL, NULL));
}

static void add(struct view v)
{
	if (v.n > 0)
		must(EVP_DigestUpdate(shared, v.p, v.n));
}

static void end(uint8_t out[SHA_LEN])
{
	must(EVP_DigestFinal_ex(shared, out, NULL));
}

void sha256(uint8_t out[SHA_LEN], struct view v)
{
	sha256_n(out, &v, 1);
}

void sha256_2(uint8_t out[SHA_LEN], struct view a, struct view b)
{
	sha256_n(out, (struct view[]){a, b}, 2);
}

void sha256_n(uint8_t out[SHA_LEN], const struct view *parts, size_t n)
{
	start();
	for (size_t i = 0; i < n; i++)
		add(parts[i]);
	end(out);
}

void sha1_n(uint8_t out[SHA1_LEN], const struct view *parts, size_t n)
{
	sha_init();
	must(EVP_DigestInit_ex2(shared, old, NULL));
	for (size_t i = 0; i < n; i++)
		add(parts[i]);
	must(EVP_DigestFinal_ex(shared, out, NULL) && EVP_DigestInit_ex2(shared, md, NULL));
}

/* RFC 2104: block = key xored with the pad. The context has then eaten the block. */
static void keyed(uint8_t block[SHA_BLOCK], struct view key, uint8_t pad)
{
	memset(block, pad, SHA_BLOCK);
	for (size_t i = 0; i < key.n; i++)
		block[i] ^= key.p[i];
	start();
	add(VIEW(block, SHA_BLOCK));
	mem_wipe(block, SHA_BLOCK);
}

void hmac256(uint8_t out[SHA_LEN], struct view key, const struct view *parts, size_t n)
{
	uint8_t block[SHA_BLOCK], inner[SHA_LEN], shorter[SHA_LEN];

	if (key.n > SHA_BLOCK) {
		sha256(shorter, key);
		key = VIEW_OF(shorter);
	}
	keyed(block, key, 0x36);
	for (size_t i = 0; i < n; i++)
		add(parts[i]);
	end(inner);
	keyed(block, key, 0x5c);
	add(VIEW_OF(inner));
	end(out);
	start(); /* clears what the context remembers of the key */
	mem_wipe(inner, sizeof inner);
	mem_wipe(shorter, sizeof shorter);
}

void hkdf256(uint8_t out[SHA_LEN], struct view ikm, struct view info)
{
	static const uint8_t one = 1;
	uint8_t prk[SHA_LEN];

	hmac256(prk, VIEW(NULL, 0), &ikm, 1);
	hmac256(out, VIEW_OF(prk), (struct view[]){info, VIEW(&one, 1)}, 2);
	mem_wipe(prk, sizeof prk);
}

void sha_start(struct sha *s)
{
	sha_init();
	s->ctx = EVP_MD_CTX_new();
	must(s->ctx && EVP_DigestInit_ex2(s->ctx, md, NULL));
}

void sha_add(struct sha *s, struct view v)
{
	if (v.n > 0)
		must(EVP_DigestUpdate(s->ctx, v.p, v.n));
}

void sha_end(struct sha *s, uint8_t out[SHA_LEN])
{
	must(EVP_DigestFinal_ex(s->ctx, out, NULL));
	EVP_MD_CTX_free(s->ctx);
	s->ctx = NULL;
}
