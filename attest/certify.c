#include "attest/quote.h"

/* TPMS_CERTIFY_INFO: TPM 2.0 Part 2 10.12.3. */
static int read_subject(struct rd *r, const struct tpm_pub *subject, struct err *e)
{
	struct view name = rd_view16(r), qualified = rd_view16(r);

	if (!rd_end(r) || qualified.n != TPM_NAME_LEN)
		return err_set(e, WHY_MALFORMED,
		        "certification: cut short, too long or of wrong lengths (TPM 2.0 Part 2 10.12.3)");
	if (!view_equal(name, VIEW_OF(subject->name)))
		return err_set(e, WHY_FORGED, "certification: it is about another key");
	return 0;
}

/* TPMS_NV_CERTIFY_INFO: TPM 2.0 Part 2 10.12.9. Attributes and policy of an index are in its Name (A111). */
static int read_index(struct rd *r, const uint8_t name[TPM_NAME_LEN], struct view *held, struct err *e)
{
	struct view index = rd_view16(r);
	uint16_t offset = rd_be16(r);
	struct view whole = rd_view16(r);

	if (!rd_end(r))
		return err_set(e, WHY_MALFORMED,
		        "certification: cut short, too long or of wrong lengths (TPM 2.0 Part 2 10.12.9)");
	if (!view_equal(index, VIEW(name, TPM_NAME_LEN)))
		return err_set(e, WHY_FORGED, "certification: the NV index is another one, or has other attributes");
	if (offset != 0)
		return err_set(e, WHY_FORGED, "certification: it is of a part of the NV index");
	*held = whole;
	return 0;
}

static int read_head(struct rd *r, struct view attest, uint16_t type, struct attest_head *h, struct err *e)
{
	if (attest.n > TPM_ATTEST_MAX)
		return err_set(
		        e, WHY_MALFORMED, "certification: %zu bytes, at most %d are read", attest.n, TPM_ATTEST_MAX);
	*r = rd_of(attest);
	return quote_head(r, type, h, e);
}

/* By this key, under this binding. */
static int check_signature(struct view attest, struct view sig, const struct attest_head *h, const struct tpm_pub *ak,
        const uint8_t extra[SHA_LEN], struct err *e)
{
	uint8_t hash[SHA_LEN], raw[ES256_SIG], signer[TPM_NAME_LEN];

	if (quote_signature(sig, raw, e) != 0)
		return -1;
	sha256(hash, attest);
	if (es256_verify_pub(ak->xy, hash, raw, e) != 0)
		return err_in(e, "certification");
	tpmpub_qualified(signer, TPM_RH_ENDORSEMENT, ak->name);
	if (!mem_equal(signer, h->signer, sizeof signer))
		return err_set(e, WHY_FORGED, "certification: it names another signer than the attestation key");
	if (!mem_equal(extra, h->extra, SHA_LEN))
		return err_set(e, WHY_STALE, "certification: it does not answer this nonce with these claims");
	return 0;
}

int certify_check(struct view attest, struct view sig, const struct tpm_pub *ak, const struct tpm_pub *subject,
        const uint8_t extra[SHA_LEN], struct err *e)
{
	struct attest_head h;
	struct rd r;

	if (read_head(&r, attest, ST_ATTEST_CERTIFY, &h, e) != 0 || read_subject(&r, subject, e) != 0)
		return -1;
	return check_signature(attest, sig, &h, ak, extra, e);
}

/* What the index holds. */
static int check_index(struct view attest, struct view sig, const struct tpm_pub *ak, const uint8_t extra[SHA_LEN],
        const uint8_t name[TPM_NAME_LEN], struct view *held, struct err *e)
{
	struct attest_head h;
	struct rd r;

	if (read_head(&r, attest, ST_ATTEST_NV, &h, e) != 0 || read_index(&r, name, held, e) != 0)
		return -1;
	return check_signature(attest, sig, &h, ak, extra, e);
}

int certify_nv(struct view attest, struct view sig, const struct tpm_pub *ak, const uint8_t extra[SHA_LEN],
        const uint8_t name[TPM_NAME_LEN], const uint8_t contents[SHA_LEN], struct err *e)
{
	struct view held;

	if (check_index(attest, sig, ak, extra, name, &held, e) != 0)
		return -1;
	if (held.n != SHA_LEN || !mem_equal(held.p, contents, SHA_LEN))
		return err_set(e, WHY_FORGED, "certification: the NV index holds something else than was sent");
	return 0;
}

int certify_counter(struct view attest, struct view sig, const struct tpm_pub *ak, const uint8_t extra[SHA_LEN],
        uint64_t *value, struct err *e)
{
	uint8_t name[TPM_NAME_LEN];
	struct view held;

	counter_name(name);
	if (check_index(attest, sig, ak, extra, name, &held, e) != 0)
		return err_in(e, "revocation counter");
	struct rd r = rd_of(held);
	uint64_t v = rd_be64(&r);
	if (!rd_end(&r) || v == 0 || v > INT64_MAX)
		return err_set(e, WHY_FORGED, "revocation counter: no counter of a TPM stands at that");
	*value = v;
	return 0;
}
