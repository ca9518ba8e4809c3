/* What the agent says of the authority's answer: to people on lines, to programs as JSON. */
#include <stdio.h>
#include <string.h>

#include "cmd/agentsay.h"

enum { LEASES_MAX = 256 };

static json_t *domains_of(const json_t *result)
{
	json_t *out = json_object(), *sub;
	const char *name;

	json_object_foreach(json_object_get(result, "submods"), name, sub)
	{
		json_t *d = json_object_get(sub, "merestone_decision");

		if (d)
			json_object_set(out, name, d);
	}
	return out;
}

static json_t *leases_of(const struct agent *a)
{
	static char names[LEASES_MAX][NAME_CAP];
	static uint64_t deadlines_ms[LEASES_MAX];
	size_t n = state_leases(a->dir, names, deadlines_ms, LEASES_MAX);
	json_t *out = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(
		        out, json_pack("{s:s, s:I}", "dataset", names[i], "deadline_ms", (json_int_t)deadlines_ms[i]));
	return out;
}

/* As the authority says it: yes when something is granted, or when there was nothing to deny. */
static bool admitted(const json_t *leases, const json_t *domains)
{
	const char *name;
	json_t *d;

	if (json_array_size(leases) > 0)
		return true;
	json_object_foreach(
	        (json_t *)(uintptr_t)domains, name, d) if (!json_is_true(json_object_get(d, "allow"))) return false;
	return true;
}

/* The last result with its leases, as JSON. */
static json_t *summary(const struct agent *a, const json_t *result)
{
	json_t *leases = leases_of(a), *domains = domains_of(result);

	return json_pack("{s:O?, s:s, s:o, s:o}", "case", json_object_get(result, "merestone_case"), "decision",
	        admitted(leases, domains) ? "allow" : "deny", "domains", domains, "leases", leases);
}

static void print_domains(const json_t *result)
{
	const char *name;
	json_t *sub;

	json_object_foreach(json_object_get(result, "submods"), name, sub)
	{
		const json_t *d = json_object_get(sub, "merestone_decision");

		if (json_is_true(json_object_get(d, "allow")))
			printf("%-16s allowed\n", name);
		else
			printf("%-16s denied   %s\n", name, json_text(d, "sentence"));
		if (*json_text(d, "hint"))
			printf("%-16s          the way out: %s\n", "", json_text(d, "hint"));
	}
}

int agentsay_result(const struct cli *c, const struct agent *a, struct err *e)
{
	AUTO(json_free) json_t *result = agent_result(a, e);
	AUTO(json_free) json_t *s = result ? summary(a, result) : NULL;

	if (!result)
		return -1;
	if (c->json)
		cli_print_json(s);
	else
		print_domains(result);
	if (strcmp(json_string_value(json_object_get(s, "decision")), "allow") == 0)
		return 0;
	return err_set(e, WHY_REFUSED, "no domain admits this machine in case %lld",
	        (long long)json_integer_value(json_object_get(result, "merestone_case")));
}

int agentsay_refusal(const struct cli *c, const json_t *answer, const struct err *e)
{
	if (c->json) {
		AUTO(json_free)
		json_t *j = json_pack("{s:O?, s:{s:s, s:s, s:s}}", "case", json_object_get(answer, "case"), "error",
		        "reason", why_name(e->why), "sentence", e->text, "hint", e->hint);

		cli_print_json(j);
	}
	return -1;
}

int agentsay_data(const struct cli *c, const struct agent *a, const char *dataset, int rc, const struct err *e)
{
	if (c->json) {
		struct err none = {0};
		AUTO(json_free) json_t *result = agent_result(a, &none);
		AUTO(json_free)
		json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:O?}", "dataset", dataset, "decision",
		        rc ? "deny" : "allow", "reason", why_name(rc ? e->why : WHY_NONE), "sentence",
		        rc ? e->text : "", "case", json_object_get(result, "merestone_case"));

		cli_print_json(j);
	}
	return rc;
}

int agentsay_closed(const struct cli *c, const struct err *e)
{
	if (c->json) {
		AUTO(json_free)
		json_t *j = json_pack("{s:s, s:s, s:s, s:s}", "decision", "deny", "reason", why_name(e->why),
		        "sentence", e->text, "hint", e->hint);

		cli_print_json(j);
	}
	return -1;
}
