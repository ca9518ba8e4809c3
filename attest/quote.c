#include "attest/quote.h"

#include <string.h>

#define GENERATED 0xff544347u /* TPM_GENERATED: no restricted key of a TPM signs other data that begins so */

enum {
	ALG_SHA256 = 0x000b,
	ALG_ECDSA = 0x0018,
	SELECT_LEN = 3, /* sizeofSelect of a TPM with 24 registers */
	HALF = ES256_SIG / 2,
};

static const char *type_name(uint16_t type)
{
	static const char *const names[] = {"an NV certification", "a command audit", "a session audit",
	        "a key certification", "a quote", "a time attestation", "a creation certification"};

	return type >= 0x8014 && type <= 0x801a ? names[type - 0x8014] : "not an attestation";
}

static int short_form(struct err *e)
{
	return err_set(
	        e, WHY_MALFORMED, "TPM attestation: cut short, or a length in it is wrong (TPM 2.0 Part 2 10.12.12)");
}

static int read_clock(struct rd *r, struct tpm_clock *c, struct err *e)
{
	c->clock_ms = rd_be64(r);
	c->reset_count = rd_be32(r);
	c->restart_count = rd_be32(r);
	uint8_t safe = rd_u8(r);
	if (safe > 1)
		return err_set(e, WHY_MALFORMED, "TPM attestation: safe is %u, neither yes nor no", safe);
	c->safe = safe == 1;
	return 0;
}

int quote_head(struct rd *r, uint16_t type, struct attest_head *out, struct err *e)
{
	struct attest_head h;

	uint32_t magic = rd_be32(r);
	if (rd_ok(r) && magic != GENERATED)
		return err_set(e, WHY_FORGED, "TPM attestation: it does not begin with ff544347, so no TPM made it");
	uint16_t got = rd_be16(r);
	if (rd_ok(r) && got != type)
		return err_set(e, WHY_FORGED, "TPM attestation: this is %s (type 0x%04x), not %s", type_name(got), got,
		        type_name(type));
	struct view signer = rd_view16(r), extra = rd_view16(r);
	if (!rd_ok(r))
		return short_form(e);
	if (signer.n != TPM_NAME_LEN || signer.p[0] != ALG_SHA256 >> 8 || signer.p[1] != ALG_SHA256)
		return err_set(e, WHY_MALFORMED, "TPM attestation: its signer is not named by SHA-256");
	if (extra.n != SHA_LEN)
		return err_set(e, WHY_MALFORMED, "TPM attestation: extraData has %zu bytes, not %d", extra.n, SHA_LEN);
	memcpy(h.signer, signer.p, TPM_NAME_LEN);
	memcpy(h.extra, extra.p, SHA_LEN);
	if (read_clock(r, &h.clock, e) != 0)
		return -1;
	h.firmware = rd_be64(r);
	if (!rd_ok(r))
		return short_form(e);
	*out = h;
	return 0;
}

/* TPML_PCR_SELECTION: one bank, SHA-256, exactly mask (A01, A14, A17). */
static int read_selection(struct rd *r, uint32_t mask, struct err *e)
{
	uint32_t banks = rd_be32(r);
	if (rd_ok(r) && banks != 1)
		return err_set(e, WHY_FORGED, "quote: %u banks are selected, not one", banks);
	uint16_t alg = rd_be16(r);
	if (rd_ok(r) && alg != ALG_SHA256)
		return err_set(e, WHY_FORGED, "quote: the selected bank is 0x%04x, not SHA-256", alg);
	uint8_t size = rd_u8(r);
	if (rd_ok(r) && size != SELECT_LEN)
		return err_set(e, WHY_MALFORMED, "quote: a selection of %u bytes, not %d", size, SELECT_LEN);
	uint32_t got = rd_u8(r);
	got |= (uint32_t)rd_u8(r) << 8;
	got |= (uint32_t)rd_u8(r) << 16;
	if (rd_ok(r) && got != mask)
		return err_set(e, WHY_FORGED, "quote: registers 0x%06x are selected, not 0x%06x", got, mask);
	return 0;
}

int quote_parse(struct view attest, uint32_t mask, struct quote *out, struct err *e)
{
	struct attest_head h;
	struct quote q;

	if (attest.n > TPM_ATTEST_MAX)
		return err_set(e, WHY_MALFORMED, "quote: %zu bytes, at most %d are read", attest.n, TPM_ATTEST_MAX);
	struct rd r = rd_of(attest);
	if (quote_head(&r, ST_ATTEST_QUOTE, &h, e) != 0 || read_selection(&r, mask, e) != 0)
		return -1;
	struct view digest = rd_view16(&r);
	if (!rd_ok(&r))
		return short_form(e);
	if (digest.n != SHA_LEN)
		return err_set(e, WHY_MALFORMED, "quote: a register digest of %zu bytes, not %d", digest.n, SHA_LEN);
	if (!rd_end(&r))
		return err_set(e, WHY_MALFORMED, "quote: %zu bytes left over", rd_left(&r));
	memcpy(q.signer, h.signer, TPM_NAME_LEN);
	memcpy(q.extra, h.extra, SHA_LEN);
	memcpy(q.pcr_digest, digest.p, SHA_LEN);
	q.mask = mask;
	q.clock = h.clock;
	q.firmware = h.firmware;
	sha256(q.hash, attest);
	*out = q;
	return 0;
}

static void read_half(struct rd *r, uint8_t out[HALF])
{
	struct view v = rd_view16(r);

	rd_require(r, v.n > 0 && v.n <= HALF);
	memset(out, 0, HALF);
	if (rd_ok(r))
		memcpy(out + HALF - v.n, v.p, v.n);
}

int quote_signature(struct view sig, uint8_t out[ES256_SIG], struct err *e)
{
	uint8_t both[ES256_SIG];

	if (sig.n > TPM_SIGNATURE_MAX)
		return err_set(
		        e, WHY_MALFORMED, "TPM signature: %zu bytes, at most %d are read", sig.n, TPM_SIGNATURE_MAX);
	struct rd r = rd_of(sig);
	uint16_t alg = rd_be16(&r), hash = rd_be16(&r);
	if (rd_ok(&r) && (alg != ALG_ECDSA || hash != ALG_SHA256))
		return err_set(e, WHY_FORGED,
		        "TPM signature: algorithm 0x%04x with hash 0x%04x, not ECDSA with SHA-256", alg, hash);
	read_half(&r, both);
	read_half(&r, both + HALF);
	if (!rd_end(&r))
		return err_set(e, WHY_MALFORMED,
		        "TPM signature: cut short, too long or of wrong lengths (TPM 2.0 Part 2 11.3.4)");
	memcpy(out, both, sizeof both);
	return 0;
}

void quote_pcr_digest(uint8_t out[SHA_LEN], const struct pcrs *p, uint32_t mask)
{
	struct view parts[PCR_COUNT];
	size_t n = 0;

	for (size_t i = 0; i < PCR_COUNT; i++)
		if (mask >> i & 1)
			parts[n++] = VIEW_OF(p->v[i]);
	sha256_n(out, parts, n);
}

int quote_signed(const struct quote *q, const uint8_t sig[ES256_SIG], const struct tpm_pub *ak, struct err *e)
{
	uint8_t signer[TPM_NAME_LEN];

	if (es256_verify_pub(ak->xy, q->hash, sig, e) != 0)
		return err_in(e, "quote");
	tpmpub_qualified(signer, TPM_RH_ENDORSEMENT, ak->name);
	if (!mem_equal(signer, q->signer, sizeof signer))
		return err_set(e, WHY_FORGED,
		        "quote: it names another signer than the attestation key in the endorsement hierarchy");
	return 0;
}

int quote_registers(const struct quote *q, const struct pcrs *pcrs, struct err *e)
{
	uint8_t digest[SHA_LEN];

	quote_pcr_digest(digest, pcrs, q->mask);
	if (!mem_equal(digest, q->pcr_digest, sizeof digest))
		return err_set(e, WHY_FORGED, "quote: the register values sent along are not those that were signed");
	return 0;
}

int quote_check(const struct quote *q, const uint8_t sig[ES256_SIG], const struct tpm_pub *ak,
        const uint8_t extra[SHA_LEN], const struct pcrs *pcrs, struct err *e)
{
	if (quote_signed(q, sig, ak, e) != 0)
		return -1;
	if (!mem_equal(extra, q->extra, SHA_LEN))
		return err_set(e, WHY_STALE, "quote: it does not answer this nonce with these claims");
	return quote_registers(q, pcrs, e);
}
