/* Opening and connecting an agent: its configuration, its state, its quoter, its TLS identity. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/b64.h"
#include "base/file.h"
#include "federation/agent.h"

enum { RESULT_MAX = 256 * 1024 };

int agent_open(struct agent *a, const char *config, const char *libexec, struct err *e)
{
	memset(a, 0, sizeof *a);
	a->dir = -1;
	if (agentconfig_read(config, &a->config, e) || state_open(a->config.state, &a->dir, e))
		return -1;
	a->quoter = quoter_start(libexec, a->config.state, a->config.tcti, a->config.eventlog, e);
	return a->quoter ? 0 : -1;
}

void agent_close(struct agent *a)
{
	client_close(a->client);
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

json_t *agent_result(const struct agent *a)
{
	AUTO(mem_free) char *jwt = state_text(a->dir, "result.jwt");
	AUTO(mem_free) char *payload = NULL;
	const char *from = jwt ? strchr(jwt, '.') : NULL, *to = from ? strchr(from + 1, '.') : NULL;
	struct err ignored = {0};
	long n;

	payload = to ? malloc(RESULT_MAX) : NULL;
	if (!payload)
		return NULL;
	n = b64_get(payload, RESULT_MAX, VIEW(from + 1, (size_t)(to - from - 1)));
	return n < 0 ? NULL : json_read(VIEW(payload, (size_t)n), RESULT_MAX, &ignored);
}
