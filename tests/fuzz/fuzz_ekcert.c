/* An endorsement certificate or its chain, as hostile DER. No root is pinned, so nothing may be trusted. */
#include <stdlib.h>
#include <time.h>

#include "attest/attest.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct ekroots *none;
	struct view chain[EK_CHAIN_MAX];
	struct ek_pub ek = {.nkey = 64};
	struct err e;
	bool expired;
	size_t nchain = 0;

	if (!none && !(none = ekroots_read(VIEW("", 0), &e)))
		abort();
	if (!ekcert_check(none, VIEW(p, n), NULL, 0, &ek, time(NULL), &expired, &e))
		abort();
	if (ekcert_chain(VIEW(p, n), chain, &nchain, &e) || nchain == 0)
		return 0;
	if (!ekcert_check(none, chain[0], chain, nchain, &ek, time(NULL), &expired, &e))
		abort();
	return 0;
}
