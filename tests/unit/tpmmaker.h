/* tpmmaker: a TPM's structures made with software keys, right ones and wrong ones, for tests. */
#ifndef UNIT_TPMMAKER_H
#define UNIT_TPMMAKER_H

#include <stdlib.h>
#include <string.h>

#include "attest/attest.h"
#include "tests/unit/unit.h"

enum {
	TPMMAKER_AK = 0x00050472,
	TPMMAKER_EK = 0x000300b2,
	TPMMAKER_SRK = 0x00030472,
	TPMMAKER_ID = 0x00040472,
	TPMMAKER_QUOTE = 0x8018,
	TPMMAKER_CERTIFY = 0x8017,
	TPMMAKER_NV = 0x8014,
};

static const uint8_t tpmmaker_policy_a[SHA_LEN] = {0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc,
        0x8d, 0x46, 0xa5, 0xd7, 0x24, 0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33,
        0x14, 0x69, 0xaa};

struct tpm_key { /* a software key and the public area a TPM would show of it */
	struct es256 *key;
	uint8_t public[TPM_PUBLIC_MAX];
	size_t n;
	struct tpm_pub pub;
};

/* TPMT_PUBLIC of a P-256 key; aes: AES-128-CFB; ecdsa: scheme ECDSA with SHA-256. */
static inline void tpmmaker_public(
        struct wr *w, uint32_t attributes, struct view policy, bool aes, bool ecdsa, const uint8_t xy[ES256_PUB])
{
	wr_be16(w, 0x0023);
	wr_be16(w, 0x000b);
	wr_be32(w, attributes);
	wr_view16(w, policy);
	if (aes)
		wr_bytes(w, "\x00\x06\x00\x80\x00\x43", 6);
	else
		wr_be16(w, 0x0010);
	if (ecdsa)
		wr_bytes(w, "\x00\x18\x00\x0b", 4);
	else
		wr_be16(w, 0x0010);
	wr_be16(w, 0x0003);
	wr_be16(w, 0x0010);
	wr_view16(w, VIEW(xy, 32));
	wr_view16(w, VIEW(xy + 32, 32));
}

static inline struct view tpmmaker_view(const struct tpm_key *k)
{
	return VIEW(k->public, k->n);
}

/* What a template would give: the policy of L-2 for an EK, AES for whatever decrypts, ECDSA for what is restricted and
 * signs. */
static inline void tpmmaker_key(struct tpm_key *k, uint32_t attributes)
{
	struct err e = {0};
	struct wr w = wr_to(k->public, sizeof k->public);
	bool decrypt = attributes & 0x20000, restricted = attributes & 0x10000, admin = attributes & 0x80;

	if (!k->key)
		k->key = es256_generate(&e);
	assert_non_null(k->key);
	tpmmaker_public(&w, attributes, decrypt && admin ? VIEW_OF(tpmmaker_policy_a) : VIEW(NULL, 0), decrypt,
	        restricted && !decrypt, k->key->pub);
	k->n = wr_done(&w).n;
	assert_accepted(tpmpub_parse(tpmmaker_view(k), &k->pub, &e), &e);
}

static inline void tpmmaker_drop(struct tpm_key *k)
{
	es256_free(k->key);
	k->key = NULL;
}

struct attest_shape { /* a TPMS_ATTEST; tpmmaker_shape() fills in what is right */
	uint32_t magic;
	uint16_t type;
	struct view signer, extra;
	struct tpm_clock clock;
	uint8_t safe;
	uint32_t banks;
	uint16_t bank;
	uint8_t select_size;
	uint32_t mask;
	struct view digest;          /* of the registers */
	struct view name, qualified; /* of a certified key; of an NV index the Name, and digest is what it holds */
	uint16_t offset;
	uint8_t signer_room[TPM_NAME_LEN], qualified_room[TPM_NAME_LEN], digest_room[SHA_LEN];
};

static inline void tpmmaker_shape(struct attest_shape *a, const struct tpm_key *ak, struct view extra)
{
	memset(a, 0, sizeof *a);
	a->magic = 0xff544347;
	a->type = TPMMAKER_QUOTE;
	tpmpub_qualified(a->signer_room, 0x4000000b, ak->pub.name);
	a->signer = VIEW_OF(a->signer_room);
	a->extra = extra;
	a->clock = (struct tpm_clock){.clock_ms = 123456, .reset_count = 7, .restart_count = 2, .safe = true};
	a->safe = 1;
	a->banks = 1;
	a->bank = 0x000b;
	a->select_size = 3;
	a->mask = QUOTE_MASK;
	a->digest = VIEW_OF(a->digest_room);
}

static inline void tpmmaker_registers(struct attest_shape *a, const struct pcrs *p)
{
	quote_pcr_digest(a->digest_room, p, QUOTE_MASK);
}

static inline void tpmmaker_subject(struct attest_shape *a, const struct tpm_key *subject)
{
	a->type = TPMMAKER_CERTIFY;
	a->name = VIEW_OF(subject->pub.name);
	tpmpub_qualified(a->qualified_room, 0x40000001, subject->pub.name);
	a->qualified = VIEW_OF(a->qualified_room);
}

/* An NV index of that Name with those contents. */
static inline void tpmmaker_index(struct attest_shape *a, struct view name, struct view contents)
{
	a->type = TPMMAKER_NV;
	a->name = name;
	a->digest = contents;
	a->offset = 0;
}

/* The revocation counter at that value, which room holds. */
static inline void tpmmaker_counter(
        struct attest_shape *a, uint64_t value, uint8_t name[TPM_NAME_LEN], uint8_t room[COUNTER_LEN])
{
	struct wr w = wr_to(room, COUNTER_LEN);

	wr_be64(&w, value);
	counter_name(name);
	tpmmaker_index(a, VIEW(name, TPM_NAME_LEN), wr_done(&w));
}

static inline struct view tpmmaker_attest(struct wr *w, const struct attest_shape *a)
{
	size_t from = w->n;

	wr_be32(w, a->magic);
	wr_be16(w, a->type);
	wr_view16(w, a->signer);
	wr_view16(w, a->extra);
	wr_be64(w, a->clock.clock_ms);
	wr_be32(w, a->clock.reset_count);
	wr_be32(w, a->clock.restart_count);
	wr_u8(w, a->safe);
	wr_be64(w, 0x2019102300163636);
	if (a->type == TPMMAKER_CERTIFY) {
		wr_view16(w, a->name);
		wr_view16(w, a->qualified);
	} else if (a->type == TPMMAKER_NV) {
		wr_view16(w, a->name);
		wr_be16(w, a->offset);
		wr_view16(w, a->digest);
	} else {
		wr_be32(w, a->banks);
		for (uint32_t i = 0; i < a->banks && i < 4; i++) {
			wr_be16(w, a->bank);
			wr_u8(w, a->select_size);
			for (uint32_t b = 0; b < a->select_size; b++)
				wr_u8(w, (uint8_t)(b < 3 ? a->mask >> 8 * b : 0));
		}
		wr_view16(w, a->digest);
	}
	assert_true(wr_ok(w));
	return VIEW(w->p + from, w->n - from);
}

static inline struct view tpmmaker_signature(struct wr *w, const uint8_t rs[ES256_SIG])
{
	size_t from = w->n;

	wr_bytes(w, "\x00\x18\x00\x0b", 4);
	wr_view16(w, VIEW(rs, 32));
	wr_view16(w, VIEW(rs + 32, 32));
	assert_true(wr_ok(w));
	return VIEW(w->p + from, w->n - from);
}

static inline struct view tpmmaker_sign(struct wr *w, const struct tpm_key *ak, struct view attest)
{
	uint8_t rs[ES256_SIG];
	struct err e = {0};

	assert_accepted(es256_sign(ak->key, attest, rs, &e), &e);
	return tpmmaker_signature(w, rs);
}

#endif
