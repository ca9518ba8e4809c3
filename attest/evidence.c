#include "attest/attest.h"

#include <string.h>

static const uint8_t magic[4] = {'M', 'S', 'E', '1'};

/* Signed by itself, or through the quote's register digest: they cannot be in what the quote is bound to. */
static bool signed_by_itself(size_t kind)
{
	switch (kind) {
	case PART_QUOTE:
	case PART_QUOTE_SIG:
	case PART_PCRS:
	case PART_ID_CERTIFY:
	case PART_ID_CERTIFY_SIG:
	case PART_SRK_CERTIFY:
	case PART_SRK_CERTIFY_SIG:
	case PART_IMA: /* read after the quote, so that it reaches at least as far: PCR 10 speaks for it */
	case PART_TAG_CERTIFY:
	case PART_TAG_CERTIFY_SIG:
	case PART_COUNTER_CERTIFY:
	case PART_COUNTER_CERTIFY_SIG:
		return true;
	default:
		return false;
	}
}

static int read_part(struct rd *r, struct evidence *ev, uint8_t *last, struct err *e)
{
	uint8_t kind = rd_u8(r);
	struct view v = rd_view32(r);

	if (!rd_ok(r))
		return err_set(e, WHY_MALFORMED, "evidence: cut short after part %u", *last);
	if (kind == 0 || kind >= PART_COUNT)
		return err_set(e, WHY_MALFORMED, "evidence: there is no part %u", kind);
	if (kind <= *last)
		return err_set(e, WHY_MALFORMED, "evidence: part %u comes after part %u", kind, *last);
	if (*last == 0 && kind != PART_CLAIMS)
		return err_set(e, WHY_MALFORMED, "evidence: the first part is %u, not the claims", kind);
	if (v.n == 0)
		return err_set(e, WHY_MALFORMED, "evidence: part %u is empty", kind);
	ev->part[kind] = v;
	*last = kind;
	return 0;
}

int evidence_parse(struct view v, struct evidence *out, struct err *e)
{
	struct evidence ev = {0};
	uint8_t last = 0;

	if (v.n > EVIDENCE_MAX)
		return err_set(e, WHY_MALFORMED, "evidence: %zu bytes, at most %d are read", v.n, EVIDENCE_MAX);
	struct rd r = rd_of(v);
	if (!view_equal(rd_view(&r, sizeof magic), VIEW_OF(magic)))
		return err_set(e, WHY_MALFORMED, "evidence: it does not begin with MSE1");
	while (rd_left(&r) > 0)
		if (read_part(&r, &ev, &last, e) != 0)
			return -1;
	if (last == 0)
		return err_set(e, WHY_MALFORMED, "evidence: it has no parts");
	*out = ev;
	return 0;
}

void evidence_write(struct wr *w, const struct evidence *ev)
{
	wr_bytes(w, magic, sizeof magic);
	for (size_t kind = 1; kind < PART_COUNT; kind++) {
		if (!ev->part[kind].p)
			continue;
		wr_u8(w, (uint8_t)kind);
		wr_view32(w, ev->part[kind]);
	}
}

size_t evidence_digests(const struct evidence *ev, const uint8_t *log, uint8_t digests[PART_COUNT][SHA_LEN])
{
	size_t n = 0;

	for (size_t kind = 1; kind < PART_COUNT; kind++) {
		if (!ev->part[kind].p || signed_by_itself(kind))
			continue;
		if (kind == PART_EVENTLOG && log)
			memcpy(digests[n], log, SHA_LEN);
		else
			sha256(digests[n], ev->part[kind]);
		n++;
	}
	return n;
}

void evidence_binding_of(
        uint8_t out[SHA_LEN], const uint8_t nonce[NONCE_LEN], const uint8_t digests[][SHA_LEN], size_t n)
{
	sha256_2(out, VIEW(nonce, NONCE_LEN), VIEW(digests, n * SHA_LEN));
}

void evidence_binding(uint8_t out[SHA_LEN], const uint8_t nonce[NONCE_LEN], const struct evidence *ev)
{
	uint8_t digests[PART_COUNT][SHA_LEN];
	size_t n = evidence_digests(ev, NULL, digests);

	evidence_binding_of(out, nonce, (const uint8_t(*)[SHA_LEN])digests, n);
}
