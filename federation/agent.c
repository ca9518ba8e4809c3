/* Opening and connecting an agent: its configuration, its state, its quoter, its TLS identity. */
#include <stdlib.h>
#include <string.h>

#include "base/b64.h"
#include "base/file.h"
#include "federation/agent.h"

enum { RESULT_MAX = 256 * 1024 };

int agent_open(struct agent *a, const char *config, const char *libexec, int quoter_fd, struct err *e)
{
	memset(a, 0, sizeof *a);
	a->dir = -1;
	if (agentconfig_read(config, &a->config, e) || state_open(a->config.state, &a->dir, e))
		return -1;
	a->quoter = quoter_fd >= 0 ? quoter_attach(quoter_fd, e)
	                           : quoter_start(libexec, a->config.state, a->config.tcti, a->config.eventlog,
	                                     a->config.ima, e);
	if (!a->quoter)
		return -1;
	if (a->config.gpsd[0] && !(a->locator = locator_start(libexec, a->config.gpsd, a->config.fixed, e)))
		return -1;
	if (a->config.nlandmarks > 0 && !(a->prover = prover_start(libexec, e)))
		return -1;
	return 0;
}

void agent_close(struct agent *a)
{
	client_close(a->client);
	prover_stop(a->prover);
	locator_stop(a->locator);
	quoter_stop(a->quoter);
	fd_close(a->dir);
	memset(a, 0, sizeof *a);
	a->dir = -1;
}

static int sign(void *arg, struct view content, uint8_t sig[ES256_SIG], struct err *e)
{
	struct agent *a = arg;

	return quoter_sign(a->quoter, content, sig, e);
}

int agent_connect(struct agent *a, struct err *e)
{
	const struct client_config c = {.url = a->config.authority, .ca_file = a->config.ca};
	AUTO(mem_free) char *pem = state_text(a->dir, "certificate.pem");
	struct tlskey key = {.sign = sign, .arg = a};
	struct quoter_status status;

	if (a->client)
		return 0;
	a->client = client_open(&c, e);
	if (!a->client)
		return -1;
	if (!pem)
		return 0;
	if (quoter_status(a->quoter, &status, e))
		return -1;
	memcpy(key.pub, status.id, sizeof key.pub);
	return client_use_key(a->client, pem, &key, e);
}

int agent_end_leases(struct agent *a, struct err *e)
{
	if (quoter_end_leases(a->quoter, e))
		return -1;
	state_drop_leases(a->dir);
	return 0;
}

/* TLS brought it from the authority; nothing is granted by it here, so its signature is for others to verify. */
static json_t *payload_of(const char *jwt)
{
	AUTO(mem_free) char *payload = malloc(RESULT_MAX);
	const char *from = strchr(jwt, '.'), *to = from ? strchr(from + 1, '.') : NULL;
	struct err ignored = {0};
	long n;

	if (!payload || !to)
		return NULL;
	n = b64_get(payload, RESULT_MAX, VIEW(from + 1, (size_t)(to - from - 1)));
	return n < 0 ? NULL : json_read(VIEW(payload, (size_t)n), RESULT_MAX, &ignored);
}

json_t *agent_result(const struct agent *a, struct err *e)
{
	AUTO(mem_free) char *jwt = state_text(a->dir, "result.jwt");
	json_t *j = jwt ? payload_of(jwt) : NULL;

	if (!j) {
		err_set(e, WHY_UNKNOWN, "this machine has no attestation result yet");
		err_hint(e, "merestone-agent --config FILE attest");
	}
	return j;
}
