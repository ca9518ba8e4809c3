/* A denial takes effect on the machine at once: its TPM honours no lease of before, whoever kept a copy of one. */
#include "federation/agent.h"

enum { DOMAINS = 64 };

static bool denied(const json_t *result, const char *domain)
{
	const json_t *submod = json_object_get(json_object_get(result, "submods"), domain);

	return json_is_false(json_object_get(json_object_get(submod, "merestone_decision"), "allow"));
}

int agent_renew(struct agent *a, const char *save, json_t **answer, struct err *e)
{
	char domains[DOMAINS][NAME_CAP];
	size_t n = state_lease_domains(a->dir, domains, DOMAINS), no = 0;

	if (agent_attest(a, save, answer, e))
		return -1;
	if (n == 0)
		return 0;
	AUTO(json_free) json_t *result = agent_result(a, e);
	if (!result)
		return -1; /* nobody knows what was denied */
	for (size_t i = 0; i < n; i++)
		no += denied(result, domains[i]);
	if (no == 0)
		return 0;
	json_decref(TAKE(*answer));
	return agent_end_leases(a, e) || agent_attest(a, save, answer, e) ? -1 : 0;
}
