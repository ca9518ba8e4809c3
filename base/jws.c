#include "base/jws.h"

#include <string.h>

#include "base/b64.h"

enum {
	KID_LEN = 43,     /* a SHA-256 as base64url */
	HEADER_MAX = 160, /* {"alg":"ES256","kid":"43 characters","typ":"at most 47"} is 125 */
};

/* A typ needs no escape in JSON and no thought anywhere else. */
static bool typ_ok(struct view v)
{
	if (v.n == 0 || v.n >= sizeof((struct jws *)0)->typ)
		return false;
	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == '/'))
			return false;
	}
	return true;
}

/* The one form of a protected header, encoded. */
static void put_header(struct wr *w, struct view kid, struct view typ)
{
	uint8_t text[HEADER_MAX];
	struct wr h = wr_to(text, sizeof text);

	wr_str(&h, "{\"alg\":\"ES256\",\"kid\":\"");
	wr_view(&h, kid);
	wr_str(&h, "\",\"typ\":\"");
	wr_view(&h, typ);
	wr_str(&h, "\"}");
	b64_put(w, wr_done(&h));
}

static void digest_of(uint8_t out[SHA_LEN], struct view header, struct view payload)
{
	sha256_n(out, (struct view[]){header, VIEW(".", 1), payload}, 3);
}

int jws_sign(struct wr *w, const struct es256 *k, const char *typ, struct view payload, struct err *e)
{
	size_t start = w->n;
	uint8_t sig[ES256_SIG];

	if (!typ_ok(VIEW(typ, strlen(typ))))
		return err_set(e, WHY_SYSTEM, "a JWS cannot have the type %s", typ);
	put_header(w, VIEW(k->kid, KID_LEN), VIEW(typ, strlen(typ)));
	wr_u8(w, '.');
	b64_put(w, payload);
	if (!wr_ok(w))
		return err_set(e, WHY_SYSTEM, "a JWS does not fit its buffer");
	if (es256_sign(k, VIEW(w->p + start, w->n - start), sig, e) != 0)
		return -1;
	wr_u8(w, '.');
	b64_put(w, VIEW_OF(sig));
	return wr_ok(w) ? 0 : err_set(e, WHY_SYSTEM, "a JWS does not fit its buffer");
}

int jws_flat_sign(struct wr *w, const struct es256 *k, const char *typ, struct view payload, struct err *e)
{
	uint8_t header[B64_LEN(HEADER_MAX)], digest[SHA_LEN], sig[ES256_SIG];
	struct wr h = wr_to(header, sizeof header);

	if (!typ_ok(VIEW(typ, strlen(typ))))
		return err_set(e, WHY_SYSTEM, "a JWS cannot have the type %s", typ);
	put_header(&h, VIEW(k->kid, KID_LEN), VIEW(typ, strlen(typ)));
	wr_str(w, "{\"payload\":\"");
	size_t start = w->n;
	b64_put(w, payload);
	if (!wr_ok(w))
		return err_set(e, WHY_SYSTEM, "a JWS does not fit its buffer");
	digest_of(digest, wr_done(&h), VIEW(w->p + start, w->n - start));
	if (es256_sign_digest(k, digest, sig, e) != 0)
		return -1;
	wr_str(w, "\",\"protected\":\"");
	wr_view(w, wr_done(&h));
	wr_str(w, "\",\"signature\":\"");
	b64_put(w, VIEW_OF(sig));
	wr_str(w, "\"}\n");
	return wr_ok(w) ? 0 : err_set(e, WHY_SYSTEM, "a JWS does not fit its buffer");
}

/* Reads kid and typ where our form has them, then writes that form and compares: there is no second parser to disagree.
 */
static int parse_header(struct view encoded, const char *typ, struct jws *out, struct err *e)
{
	static const char before[] = "{\"alg\":\"ES256\",\"kid\":\"", between[] = "\",\"typ\":\"", after[] = "\"}";
	const size_t kid_at = sizeof before - 1, typ_at = kid_at + KID_LEN + sizeof between - 1;
	uint8_t text[HEADER_MAX], kid[SHA_LEN], again[B64_LEN(HEADER_MAX)];
	struct wr w = wr_to(again, sizeof again);
	long n = b64_get(text, sizeof text, encoded);

	if (n < (long)(typ_at + sizeof after))
		return err_set(e, WHY_MALFORMED, "the JWS header is not {\"alg\":\"ES256\",\"kid\":...,\"typ\":...}");
	struct view k = VIEW(text + kid_at, KID_LEN), t = VIEW(text + typ_at, (size_t)n - typ_at - (sizeof after - 1));
	put_header(&w, k, t);
	if (!view_equal(wr_done(&w), encoded) || !typ_ok(t) || b64_get(kid, sizeof kid, k) != SHA_LEN)
		return err_set(e, WHY_MALFORMED, "the JWS header is not {\"alg\":\"ES256\",\"kid\":...,\"typ\":...}");
	if (typ && !view_is(t, typ))
		return err_set(e, WHY_MALFORMED, "the JWS is of type %.*s where %s is expected", (int)t.n,
		        (const char *)t.p, typ);
	memcpy(out->kid, k.p, k.n);
	memcpy(out->typ, t.p, t.n);
	return 0;
}

struct parts { /* still encoded */
	struct view header, payload, signature;
};

static int parse_parts(
        const struct parts *p, const char *typ, void *scratch, size_t cap, struct jws *out, struct err *e)
{
	struct jws j = {0};

	if (parse_header(p->header, typ, &j, e) != 0)
		return -1;
	if (b64_get(j.sig, sizeof j.sig, p->signature) != ES256_SIG)
		return err_set(e, WHY_MALFORMED, "the JWS signature is not 64 bytes of base64url");
	long n = b64_get(scratch, cap, p->payload);
	if (n < 0)
		return err_set(e, WHY_MALFORMED, "the JWS payload is not base64url, or longer than %zu bytes", cap);
	j.payload = VIEW(scratch, (size_t)n);
	digest_of(j.digest, p->header, p->payload);
	*out = j;
	return 0;
}

/* What stands before the mark; rest moves behind it. False, and nothing moves, when there is no mark. */
static bool cut(struct view *rest, const char *mark, struct view *before)
{
	size_t n = strlen(mark);
	const uint8_t *at = rest->n > 0 ? memmem(rest->p, rest->n, mark, n) : NULL;

	if (!at)
		return false;
	*before = VIEW(rest->p, (size_t)(at - rest->p));
	*rest = VIEW(at + n, rest->n - before->n - n);
	return true;
}

int jws_parse(struct view text, const char *typ, void *scratch, size_t cap, struct jws *out, struct err *e)
{
	struct parts p = {.signature = text};

	/* A third dot would stand in the signature, where base64url has none. */
	if (!cut(&p.signature, ".", &p.header) || !cut(&p.signature, ".", &p.payload))
		return err_set(e, WHY_MALFORMED, "not a JWS of three parts");
	return parse_parts(&p, typ, scratch, cap, out, e);
}

int jws_flat_parse(struct view text, const char *typ, void *scratch, size_t cap, struct jws *out, struct err *e)
{
	struct view nothing;
	struct parts p;

	/* The marks hold characters that base64url has not, so each can only be found in its place. */
	if (!cut(&text, "{\"payload\":\"", &nothing) || nothing.n != 0 ||
	        !cut(&text, "\",\"protected\":\"", &p.payload) || !cut(&text, "\",\"signature\":\"", &p.header) ||
	        !cut(&text, "\"}\n", &p.signature) || text.n != 0)
		return err_set(
		        e, WHY_MALFORMED, "not {\"payload\":..,\"protected\":..,\"signature\":..} and a newline");
	return parse_parts(&p, typ, scratch, cap, out, e);
}

int jws_verify(const struct jws *j, const struct es256 *k, struct err *e)
{
	if (strcmp(j->kid, k->kid) != 0)
		return err_set(e, WHY_UNKNOWN, "the JWS is signed by key %s, not by %s", j->kid, k->kid);
	return es256_verify_digest(k, j->digest, j->sig, e);
}
