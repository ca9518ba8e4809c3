/* How far into this boot's runtime list the authority is: it says so in each result. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "federation/agent.h"

struct ima_mark agentima_mark(const struct agent *a, const struct quoter_status *s)
{
	AUTO(mem_free) char *text = state_text(a->dir, "ima.sent");
	unsigned long long entries, bytes;
	unsigned reset, restart;

	if (text && sscanf(text, "%u %u %llu %llu", &reset, &restart, &entries, &bytes) == 4 &&
	        reset == s->clock.reset_count && restart == s->clock.restart_count)
		return (struct ima_mark){.entries = entries, .bytes = bytes};
	return (struct ima_mark){0};
}

/* Bytes of the first n entries of what was sent; *n becomes fewer when there are fewer. */
static size_t length_of(struct view container, uint64_t *n)
{
	struct evidence ev;
	struct ima_entry x;
	struct err ignored;
	uint64_t found = 0;

	if (evidence_parse(container, &ev, &ignored) || ev.part[PART_IMA].n < 1) {
		*n = 0;
		return 0;
	}
	struct view list = VIEW(ev.part[PART_IMA].p + 1, ev.part[PART_IMA].n - 1);
	struct ima l = ima_open(list, 0);
	while (found < *n && ima_next(&l, &x, &ignored) == 1)
		found++;
	*n = found;
	return list.n - l.rest.n;
}

int agentima_advance(struct agent *a, const struct quoter_status *s, const struct ima_mark *was, struct view container,
        bool *more, struct err *e)
{
	AUTO(json_free) json_t *result = agent_result(a, e);
	const json_t *ran = json_object_get(result, "merestone_runtime");
	json_int_t entries = json_integer_value(json_object_get(ran, "entries"));
	uint64_t n = entries > 0 && (uint64_t)entries > was->entries ? (uint64_t)entries - was->entries : 0;
	char text[96];

	*more = false;
	if (!result)
		return -1;
	if (!ran)
		return 0;
	size_t bytes = length_of(container, &n);
	*more = n > 0 && json_is_false(json_object_get(ran, "complete"));
	snprintf(text, sizeof text, "%u %u %llu %llu", s->clock.reset_count, s->clock.restart_count,
	        (unsigned long long)(was->entries + n), (unsigned long long)(was->bytes + bytes));
	return state_put(a->dir, "ima.sent", VIEW(text, strlen(text)), e);
}
