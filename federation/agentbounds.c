/* What landmarks measure for the next evidence. */
#include "federation/agent.h"

/* A prover that has ended is started again; one that cannot be is an error, for its silence would look like distance. */
static int measure(
        struct agent *a, const uint8_t context[SHA_LEN], uint8_t buf[BOUNDS_PART_MAX], size_t *n, struct err *e)
{
	if (!a->prover)
		a->prover = prover_start(a->libexec, e);
	if (!a->prover)
		return -1;
	if (prover_measure(a->prover, context, a->config.landmark, a->config.nlandmarks, buf, n, e) == 0)
		return 0;
	prover_stop(TAKE(a->prover));
	return -1;
}

int agent_bounds(struct agent *a, const uint8_t nonce[NONCE_LEN], const struct quoter_status *s,
        uint8_t buf[BOUNDS_PART_MAX], struct view *out, struct err *e)
{
	uint8_t tls_key[SHA_LEN], context[SHA_LEN];
	size_t n = 0;

	*out = VIEW(buf, 0);
	if (a->config.nlandmarks == 0)
		return 0;
	sha256(tls_key, VIEW_OF(s->id));
	bound_context(context, nonce, tls_key, a->config.name);
	if (measure(a, context, buf, &n, e))
		return -1;
	*out = VIEW(buf, n);
	return 0;
}
