#include "firmware/reference.h"

#include <stdlib.h>

#include "base/hex.h"
#include "base/json.h"

/* The registers of PCR_MASK, and their names as members of "pcrs". */
static const uint8_t quoted[PCR_QUOTED] = {0, 1, 2, 3, 4, 7, 9, 11, 12};
static const char *const quoted_name[PCR_QUOTED + 1] = {"0", "1", "2", "3", "4", "7", "9", "11", "12", NULL};

static int values_import(struct reference *r, uint32_t pcr, const json_t *list, struct err *e)
{
	size_t n = json_array_size(list); /* 0 when it is not an array, or not there */

	if (n == 0)
		return err_set(e, WHY_MALFORMED, "pcrs: PCR %u has no value, and no value never means any value", pcr);
	if (n > REFERENCE_VALUES_MAX)
		return err_set(
		        e, WHY_MALFORMED, "pcrs: PCR %u has %zu values, the most is %d", pcr, n, REFERENCE_VALUES_MAX);
	for (size_t i = 0; i < n; i++) {
		const char *hex = json_string_value(json_array_get(list, i));
		if (!hex || hex_get(r->value[pcr][i], PCR_LEN, hex))
			return err_set(e, WHY_MALFORMED, "pcrs: value %zu of PCR %u is not a sha256 in hexadecimal",
			        i + 1, pcr);
	}
	r->values[pcr] = (uint32_t)n;
	return 0;
}

static int pcrs_import(struct reference *r, const json_t *body, struct err *e)
{
	const json_t *pcrs = json_object_get(body, "pcrs");

	if (!pcrs && r->by_meaning == PCR_MASK)
		return 0;
	if (!json_is_object(pcrs))
		return err_set(e, WHY_MALFORMED, "pcrs: expected an object with the values of each quoted register");
	if (json_only(pcrs, quoted_name, e))
		return err_in(e, "pcrs");
	for (size_t i = 0; i < PCR_QUOTED; i++) {
		const json_t *list = json_object_get(pcrs, quoted_name[i]);
		bool ruled = r->by_meaning & 1u << quoted[i];
		if (ruled && list)
			return err_set(e, WHY_MALFORMED,
			        "pcrs: PCR %u is decided by meaning, and may not have values too", quoted[i]);
		if (!ruled && values_import(r, quoted[i], list, e))
			return -1;
	}
	return 0;
}

static int event_import(struct measured *m, const json_t *o, struct err *e)
{
	static const char *const members[] = {"pcr", "type", "digest", NULL};
	int64_t pcr, type;

	if (!json_is_object(o))
		return err_set(e, WHY_MALFORMED, "expected an object");
	if (json_only(o, members, e) || json_get_int(o, "pcr", 0, PCR_COUNT - 1, &pcr, e) ||
	        json_get_int(o, "type", 0, UINT32_MAX, &type, e) || json_get_hex(o, "digest", m->digest, PCR_LEN, e))
		return -1;
	if (!(PCR_MASK & 1u << pcr) || type == EV_NO_ACTION)
		return err_set(e, WHY_MALFORMED, "PCR %d with %s is not measured into a quote", (int)pcr,
		        event_type_name((uint32_t)type));
	m->pcr = (uint8_t)pcr;
	m->type = (uint32_t)type;
	return 0;
}

static int events_import(struct reference *r, const json_t *list, struct err *e)
{
	for (size_t i = 0; i < r->events; i++)
		if (event_import(&r->event[i], json_array_get(list, i), e))
			return err_in(e, "events: entry %zu", i + 1);
	return 0;
}

static int secure_boot_import(struct reference *r, const json_t *body, struct err *e)
{
	bool on;

	if (!json_object_get(body, "secure_boot"))
		return 0;
	if (json_get_bool(body, "secure_boot", &on, e))
		return -1;
	r->secure_boot = on ? SECURE_BOOT_ON : SECURE_BOOT_OFF;
	return 0;
}

/* Members of the plain form, and those of rules. */
static int only_known(const json_t *body, struct err *e)
{
	static const char *const plain[] = {"pcrs", "secure_boot", "events"};
	const char *members[32] = {plain[0], plain[1], plain[2]};

	for (size_t i = 0; rules_members[i] && COUNT(plain) + i + 1 < COUNT(members); i++)
		members[COUNT(plain) + i] = rules_members[i];
	return json_only(body, members, e);
}

struct reference *reference_import(const struct json_t *body, struct err *e)
{
	const json_t *list = json_object_get(body, "events");
	size_t n = json_array_size(list);

	if (only_known(body, e))
		return NULL;
	if ((list && !json_is_array(list)) || n > EVENT_MAX) {
		err_set(e, WHY_MALFORMED, "events: expected an array of at most %d entries", EVENT_MAX);
		return NULL;
	}
	AUTO(reference_free) struct reference *r = calloc(1, sizeof *r + n * sizeof r->event[0]);
	if (!r) {
		err_sys(e, "no memory for a reference set");
		return NULL;
	}
	r->events = n;
	if (secure_boot_import(r, body, e) || rules_import(r, body, e) || pcrs_import(r, body, e) ||
	        events_import(r, list, e))
		return NULL;
	return TAKE(r);
}
