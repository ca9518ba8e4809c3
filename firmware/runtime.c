#include "firmware/runtime.h"

#include <string.h>

#include "base/hex.h"
#include "base/json.h"
#include "base/sha.h"

enum { SHORT = 8 };                      /* bytes of a digest that name it in a sentence */
#define ODD UINT64_C(0x9e3779b97f4a7c15) /* 2^64 over the golden ratio: spreads what differs little */

int runtime_order(const uint8_t *bytes, const struct runtime_file *f, struct view name)
{
	size_t n = f->name_n < name.n ? f->name_n : name.n;
	int order = memcmp(bytes + f->name_at, name.p, n);

	return order != 0 ? order : f->name_n < name.n ? -1 : f->name_n > name.n;
}

uint32_t runtime_hash(struct view name)
{
	uint64_t h = name.n, word;
	size_t at = 0;

	for (; name.n - at >= sizeof word; at += sizeof word) {
		memcpy(&word, name.p + at, sizeof word);
		h = (h ^ word) * ODD;
		h ^= h >> 29;
	}
	word = 0;
	if (at < name.n)
		memcpy(&word, name.p + at, name.n - at);
	return (uint32_t)((h ^ word) * ODD >> 32);
}

static const struct runtime_file *halve(const struct runtime *r, struct view name)
{
	uint32_t lo = 0, hi = r->files;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (runtime_order(r->bytes, &r->file[mid], name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < r->files && runtime_order(r->bytes, &r->file[lo], name) == 0 ? &r->file[lo] : NULL;
}

/* The first of that name, or NULL. */
static const struct runtime_file *find(const struct runtime *r, struct view name)
{
	uint32_t hash = runtime_hash(name);

	if (!r->slot)
		return halve(r, name);
	for (uint32_t i = 0; i < RUNTIME_PROBES; i++) {
		const struct runtime_slot *s = &r->slot[(hash + i) & (r->slots - 1)];
		if (s->file == 0)
			break;
		if (s->hash == hash && runtime_order(r->bytes, &r->file[s->file - 1], name) == 0)
			return &r->file[s->file - 1];
	}
	return NULL;
}

static bool is_approved(const struct runtime *r, const struct runtime_file *f, const struct ima_entry *x)
{
	for (; f < r->file + r->files && runtime_order(r->bytes, f, x->name) == 0; f++)
		if (f->digest_n == x->digest.n && f->verity == x->verity &&
		        memcmp(r->bytes + f->digest_at, x->digest.p, x->digest.n) == 0)
			return true;
	return false;
}

static bool is_excluded(const struct runtime *r, struct view name)
{
	for (uint32_t i = 0; i < r->excludes; i++)
		if (pathglob_match(&r->exclude[i], name))
			return true;
	return false;
}

struct search {                           /* of all sets for one entry */
	const struct runtime_file *other; /* the name, with another digest */
	const struct runtime *of;
	bool excluded;
	struct err signature;
};

/* A digest of fewer bits than SHA-256 approves nothing: 20 bytes match no digest of a set. */
static bool search(const struct runtime *r, const struct ima_entry *x, struct search *s)
{
	const struct runtime_file *f = find(r, x->name);

	if (!x->violation && f && is_approved(r, f, x))
		return true;
	if (!x->violation && x->sig.n > 0 && r->keys > 0 && imasig_check(r, x, &s->signature) == 0)
		return true;
	s->excluded = s->excluded || is_excluded(r, x->name);
	if (f && !s->other) {
		s->other = f;
		s->of = r;
	}
	return false;
}

static int in_entry(const struct ima_entry *x, struct err *e)
{
	return err_in(e, "entry %llu (%s)", (unsigned long long)x->number, ima_text(x->name).s);
}

static int refuse(const struct ima_entry *x, const struct search *s, struct err *e)
{
	char got[2 * SHORT + 1], want[2 * SHORT + 1];

	hex_put(got, x->digest.p, SHORT);
	if (x->violation)
		err_set(e, WHY_UNTRUSTED, "a violation: the file was written while it was measured or read");
	else if (s->other)
		err_set(e, WHY_UNTRUSTED, "its digest is %s.., the runtime set has %s..", got,
		        hex_put(want, s->of->bytes + s->other->digest_at, SHORT));
	else if (s->signature.why != WHY_NONE)
		*e = s->signature;
	else
		err_set(e, WHY_UNKNOWN, "no runtime set knows it; its digest is %s..", got);
	in_entry(x, e);
	return err_hint(e, "a restart without it clears the list; if it is meant, sign a runtime set that approves it");
}

/* The kernel says what it hashed; where the bytes came along they are held to it. */
static int buffer_is_bound(const struct ima_entry *x, struct err *e)
{
	uint8_t digest[SHA_LEN];

	if (x->template != IMA_BUF || x->violation || !view_is(x->alg, "sha256"))
		return 0;
	sha256(digest, x->buf);
	if (memcmp(digest, x->digest.p, SHA_LEN) == 0)
		return 0;
	err_set(e, WHY_UNTRUSTED, "its bytes are not those that were measured");
	return in_entry(x, e);
}

int runtime_allows(const struct runtime *const sets[], size_t n, const struct ima_entry *x, struct err *e)
{
	struct search s; /* a sentence is long: it is not cleared for each entry */

	s.other = NULL;
	s.of = NULL;
	s.excluded = false;
	s.signature.why = WHY_NONE;
	if (buffer_is_bound(x, e))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (sets[i] && search(sets[i], x, &s))
			return 0;
	/* A name that a set does approve with some digest cannot be excluded by another pattern. */
	return s.excluded && !s.other ? 0 : refuse(x, &s, e);
}
