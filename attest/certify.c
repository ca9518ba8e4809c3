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

int certify_check(struct view attest, struct view sig, const struct tpm_pub *ak, const struct tpm_pub *subject,
        const uint8_t extra[SHA_LEN], struct err *e)
{
	uint8_t hash[SHA_LEN], raw[ES256_SIG], signer[TPM_NAME_LEN];
	struct attest_head h;

	if (attest.n > TPM_ATTEST_MAX)
		return err_set(
		        e, WHY_MALFORMED, "certification: %zu bytes, at most %d are read", attest.n, TPM_ATTEST_MAX);
	struct rd r = rd_of(attest);
	if (quote_head(&r, ST_ATTEST_CERTIFY, &h, e) != 0 || read_subject(&r, subject, e) != 0 ||
	        quote_signature(sig, raw, e) != 0)
		return -1;
	sha256(hash, attest);
	if (es256_verify_pub(ak->xy, hash, raw, e) != 0)
		return err_in(e, "certification");
	tpmpub_qualified(signer, TPM_RH_ENDORSEMENT, ak->name);
	if (!mem_equal(signer, h.signer, sizeof signer))
		return err_set(e, WHY_FORGED, "certification: it names another signer than the attestation key");
	if (!mem_equal(extra, h.extra, SHA_LEN))
		return err_set(e, WHY_STALE, "certification: it does not answer this nonce with these claims");
	return 0;
}
