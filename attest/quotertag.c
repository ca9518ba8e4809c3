/* The quoter's operations for the geo tag and the revocation counter. */
#include <string.h>

#include "attest/quoterops.h"

static int ek_digest(struct quoterops *q, uint8_t out[SHA_LEN], struct err *e)
{
	struct tpmek ek = {.key = ESYS_TR_NONE};
	if (tpmek_open(&q->tpm, &ek, e) != 0)
		return -1;
	tpm_flush(&q->tpm, &ek.key);
	sha256(out, TPMBLOB(ek.pub));
	return 0;
}

int quotertag_request(struct quoterops *q, struct rd *r, struct wr *w, struct err *e)
{
	struct quoter_tag t;
	if (!rd_end(r))
		return err_set(e, WHY_MALFORMED, "a tag request has no arguments");
	if (ek_digest(q, t.ek, e) != 0 || tpmtag_request(&q->tpm, q->session, &t, e) != 0)
		return -1;
	wr_bytes(w, t.ek, sizeof(t.ek));
	wr_bytes(w, t.nonce, sizeof(t.nonce));
	wr_view16(w, VIEW(t.index, t.nindex));
	return 0;
}

int quotertag_write(struct quoterops *q, struct rd *r, struct wr *w, struct err *e)
{
	uint8_t permission[ES256_SIG], ek[SHA_LEN];
	struct tag tag;
	struct view bytes = rd_view16(r);
	(void)w;
	rd_copy(r, permission, sizeof(permission));
	if (!rd_end(r))
		return err_set(e, WHY_MALFORMED, "a tag to write is a tag and a permission");
	if (tag_parse(bytes, &tag, e) != 0 || tag_signed(&tag, e) != 0 || ek_digest(q, ek, e) != 0)
		return -1;
	if (memcmp(ek, tag.ek, SHA_LEN) != 0)
		return err_set(e, WHY_UNTRUSTED, "the geo tag was made for another TPM");
	if (tpmtag_write(&q->tpm, q->session, &tag, permission, e) != 0)
		return -1;
	return tpmcounter_bump(&q->tpm, tag.digest, e); /* sessions that were prepared under the old tag end */
}

int quotertag_end_leases(struct quoterops *q, struct rd *r, struct wr *w, struct err *e)
{
	(void)w;
	if (!rd_end(r))
		return err_set(e, WHY_MALFORMED, "a request to end leases has no arguments");
	return tpmcounter_end_leases(&q->tpm, e);
}
