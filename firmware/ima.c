#include "firmware/firmware.h"

#include <stdio.h>
#include <string.h>

#include "base/rd.h"
#include "base/sha.h"

enum {
	TEMPLATE_NAME_MAX = 16,
	OLD_NAME_LEN = 256, /* IMA_OLD hashes its name padded to this */
	ALG_NAME_MAX = 16,
};

/* Fields in order: d digest with its algorithm, D with its type too, n name, s signature, b buffer, x read by nobody. */
static const struct {
	const char *name, *fields;
} templates[IMA_TEMPLATES] = {
        [IMA_OLD] = {"ima", ""},
        [IMA_NG] = {"ima-ng", "dn"},
        [IMA_SIG] = {"ima-sig", "dns"},
        [IMA_BUF] = {"ima-buf", "dnb"},
        [IMA_MODSIG] = {"ima-modsig", "dnsxx"},
        [IMA_NGV2] = {"ima-ngv2", "Dn"},
        [IMA_SIGV2] = {"ima-sigv2", "Dns"},
        [IMA_EVMSIG] = {"evm-sig", "dnxxxxxxx"},
};

static const uint8_t zeros[OLD_NAME_LEN];

struct ima ima_open(struct view list, uint64_t before)
{
	return (struct ima){.rest = list, .number = before};
}

static struct view view_le32(struct rd *r, size_t max)
{
	return rd_view(r, rd_upto(r, rd_le32(r), max));
}

/* The bytes up to c, which is skipped; the reader is bad when there is none within max. */
static struct view upto_byte(struct rd *r, uint8_t c, size_t max)
{
	size_t left = rd_left(r);
	const uint8_t *from = left > 0 ? r->p + r->at : NULL, *at = from ? memchr(from, c, left) : NULL;

	rd_require(r, at && (size_t)(at - from) <= max);
	struct view v = rd_view(r, at ? (size_t)(at - from) : 0);
	(void)rd_u8(r);
	return v;
}

static size_t length_of(struct view alg)
{
	static const struct {
		const char *alg;
		size_t n;
	} known[] = {{"sha256", 32}, {"sha1", 20}, {"sha512", 64}, {"sha384", 48}};

	for (size_t i = 0; i < COUNT(known); i++)
		if (view_is(alg, known[i].alg))
			return known[i].n;
	return 0;
}

/* "sha256:" NUL digest; of version 2 with "ima:" or "verity:" in front. */
static void read_digest(struct rd *r, bool typed, struct ima_entry *x)
{
	struct view v = view_le32(r, IMA_DIGEST_MAX + 2 * ALG_NAME_MAX);
	struct rd d = rd_of(v);

	if (typed) {
		struct view type = upto_byte(&d, ':', ALG_NAME_MAX);
		x->verity = view_is(type, "verity");
		rd_require(&d, x->verity || view_is(type, "ima"));
	}
	x->alg = upto_byte(&d, ':', ALG_NAME_MAX);
	rd_require(&d, rd_u8(&d) == 0 && x->alg.n > 0);
	x->digest = rd_view(&d, rd_upto(&d, rd_left(&d), IMA_DIGEST_MAX));
	size_t n = length_of(x->alg);
	rd_require(r, rd_end(&d) && (n > 0 ? x->digest.n == n : x->digest.n >= 16));
}

/* Its NUL is counted in its length, and is its only one: two names that read alike are hashed alike. */
static void read_name(struct rd *r, struct ima_entry *x)
{
	struct view v = view_le32(r, IMA_NAME_MAX + 1);

	rd_require(r, v.n > 0 && memchr(v.p, 0, v.n) == v.p + v.n - 1);
	x->name = rd_ok(r) ? VIEW(v.p, v.n - 1) : VIEW(NULL, 0);
}

static void read_fields(struct rd *r, const char *fields, struct ima_entry *x)
{
	for (; *fields && rd_ok(r); fields++) {
		if (*fields == 'd' || *fields == 'D')
			read_digest(r, *fields == 'D', x);
		else if (*fields == 'n')
			read_name(r, x);
		else if (*fields == 's')
			x->sig = view_le32(r, IMA_ENTRY_MAX);
		else if (*fields == 'b')
			x->buf = view_le32(r, IMA_ENTRY_MAX);
		else
			(void)view_le32(r, IMA_ENTRY_MAX);
	}
}

static bool read_template(struct rd *r, struct ima_entry *x)
{
	struct view v = view_le32(r, TEMPLATE_NAME_MAX);

	for (unsigned t = 0; t < IMA_TEMPLATES; t++)
		if (view_is(v, templates[t].name)) {
			x->template = (enum ima_template)t;
			return true;
		}
	return false;
}

/* No length in front, the name without its NUL. */
static void read_old(struct rd *r, struct ima_entry *x)
{
	x->alg = VIEW("sha1", 4);
	x->digest = rd_view(r, IMA_SHA1);
	x->name = view_le32(r, OLD_NAME_LEN - 1);
	rd_require(r, x->name.n > 0 && !memchr(x->name.p, 0, x->name.n));
}

static void read_body(struct rd *r, struct ima_entry *x)
{
	if (x->template == IMA_OLD) {
		read_old(r, x);
		return;
	}
	x->data = view_le32(r, IMA_ENTRY_MAX);
	struct rd d = rd_of(x->data);
	read_fields(&d, templates[x->template].fields, x);
	rd_require(r, rd_end(&d));
}

static int refuse(struct ima *l, struct err *e, const char *what)
{
	l->refused = true;
	return err_set(e, WHY_MALFORMED, "runtime list: entry %llu %s", (unsigned long long)l->number + 1, what);
}

int ima_next(struct ima *l, struct ima_entry *x, struct err *e)
{
	struct rd r = rd_of(l->rest);
	struct ima_entry got = {.number = l->number + 1};

	if (l->refused)
		return refuse(l, e, "follows one that was refused");
	if (l->rest.n == 0)
		return 0;
	uint32_t pcr = rd_le32(&r);
	got.sha1 = rd_view(&r, IMA_SHA1);
	if (!rd_ok(&r))
		return refuse(l, e, "is cut short");
	if (pcr != IMA_PCR)
		return refuse(l, e, "is not of PCR 10");
	if (!read_template(&r, &got))
		return refuse(l, e, "is of a template that is not known");
	read_body(&r, &got);
	if (!rd_ok(&r))
		return refuse(l, e, "is cut short, or a length or a name in it is wrong");
	got.violation = memcmp(got.sha1.p, zeros, IMA_SHA1) == 0;
	l->rest = VIEW(l->rest.p + r.at, l->rest.n - r.at);
	l->number++;
	*x = got;
	return 1;
}

size_t ima_whole(struct view v)
{
	struct rd r = rd_of(v);
	size_t whole = 0;

	while (rd_left(&r) > 0) {
		(void)rd_view(&r, 4 + IMA_SHA1);
		struct view name = view_le32(&r, TEMPLATE_NAME_MAX);
		if (view_is(name, templates[IMA_OLD].name))
			(void)rd_view(&r, IMA_SHA1);
		(void)view_le32(&r, IMA_ENTRY_MAX);
		if (!rd_ok(&r))
			break;
		whole = r.at;
	}
	return whole;
}

/* What the template hash is over: one view, or for IMA_OLD digest, name and padding. */
static size_t hashed(const struct ima_entry *x, struct view parts[3])
{
	parts[0] = x->template == IMA_OLD ? x->digest : x->data;
	if (x->template != IMA_OLD)
		return 1;
	parts[1] = x->name;
	parts[2] = VIEW(zeros, OLD_NAME_LEN - x->name.n);
	return 3;
}

void ima_sha1(uint8_t out[IMA_SHA1], const struct ima_entry *x)
{
	struct view parts[3];

	sha1_n(out, parts, hashed(x, parts));
}

void ima_sha256(uint8_t out[PCR_LEN], const struct ima_entry *x)
{
	struct view parts[3];

	sha256_n(out, parts, hashed(x, parts));
}

struct ima_text ima_text(struct view name)
{
	struct ima_text t = {""};
	struct wr w = wr_to(t.s, sizeof t.s - 3); /* room for ".." and NUL */

	for (size_t i = 0; i < name.n; i++) {
		struct wr before = w;
		uint8_t c = name.p[i];
		if (c > 0x20 && c < 0x7f && c != '\\')
			wr_u8(&w, c);
		else
			wr_fmt(&w, "\\x%02x", c);
		if (!wr_ok(&w)) {
			memcpy(t.s + before.n, "..", 3);
			return t;
		}
	}
	t.s[w.n] = 0;
	return t;
}
