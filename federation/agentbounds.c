/* What landmarks measure for the next evidence. */
#include "federation/agent.h"

int agent_bounds(struct agent *a, const uint8_t nonce[NONCE_LEN], const struct quoter_status *s,
        uint8_t buf[BOUNDS_PART_MAX], struct view *out, struct err *e)
{
	uint8_t tls_key[SHA_LEN], context[SHA_LEN];
	size_t n = 0;

	*out = VIEW(buf, 0);
	if (!a->prover)
		return 0;
	sha256(tls_key, VIEW_OF(s->id));
	bound_context(context, nonce, tls_key, a->config.name);
	if (prover_measure(a->prover, context, a->config.landmark, a->config.nlandmarks, buf, &n, e))
		return -1;
	*out = VIEW(buf, n);
	return 0;
}
