/* The landmarks' statements that came with evidence: the decider's own look at them. */
#include <stdlib.h>
#include <string.h>

#include "policy/decider.h"

/* The quote is over these digests: what the judge shows must be what the TPM signed for. */
static bool quoted(const struct facts_attest *a)
{
	uint8_t digest[SHA_LEN];

	sha256(digest, a->bounds);
	for (size_t i = 0; i < a->ndigests; i++)
		if (memcmp(a->digests[i], digest, SHA_LEN) == 0)
			return true;
	return false;
}

/* 0: a landmark of ours measured this machine, for this evidence, just now. */
static int counts(const struct decider *d, const struct bound *b, const uint8_t prover[ES256_PUB],
        const uint8_t context[SHA_LEN], struct disc *out, struct err *why)
{
	const struct document *doc = book_find(&d->book, DOC_LANDMARK, b->landmark);
	int64_t age = d->now - b->time;

	if (!doc) {
		err_set(why, WHY_UNKNOWN, "no officer has named a landmark %s", b->landmark);
		return err_hint(why, "merestone landmark put %s FILE", b->landmark);
	}
	if (bound_signed(b, doc->landmark.key, why))
		return -1;
	if (memcmp(b->prover, prover, ES256_PUB) != 0)
		return err_set(why, WHY_FORGED, "landmark %s measured another key than the machine's", b->landmark);
	if (memcmp(b->context, context, SHA_LEN) != 0)
		return err_set(
		        why, WHY_STALE, "landmark %s measured for another evidence, or another machine", b->landmark);
	if (age > BOUND_AGE_MAX_S || age < -BOUND_AGE_MAX_S)
		return err_set(why, WHY_STALE, "landmark %s measured %lld s %s", b->landmark, llabs((long long)age),
		        age > 0 ? "ago" : "from now");
	*out = (struct disc){.name = doc->name, .at = doc->landmark.fix, .radius_m = bound_m(b)};
	return 0;
}

int bounds_check(struct decider *d, const struct facts_attest *a, const uint8_t nonce[NONCE_LEN], struct err *e)
{
	struct measured_by *m = &d->measured_by;
	struct bounds b;
	uint8_t context[SHA_LEN];

	memset(m, 0, sizeof *m);
	if (a->bounds.n == 0)
		return 0;
	if (!quoted(a))
		return err_set(e, WHY_FORGED, "the landmarks' statements are not those that the TPM signed for");
	if (bounds_parse(a->bounds, &b, e))
		return -1;
	bound_context(context, nonce, a->claims.tls_key, a->claims.machine);
	for (size_t i = 0; i < b.n; i++) {
		if (counts(d, &b.bound[i], b.prover, context, &m->disc[i], &m->why)) {
			m->n = 0;
			return 0;
		}
		m->n = i + 1;
	}
	return 0;
}
