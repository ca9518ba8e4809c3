/* Which machines may take an update now: pure, default no. */
#include <string.h>

#include "policy/policy.h"

static uint32_t start_of(const struct doc_update *u, uint32_t wave)
{
	return wave == 0 ? 0 : u->ends[wave - 1];
}

static bool is_done(const struct doc_update *u, const enum wave_machine *state, uint32_t wave)
{
	for (uint32_t i = start_of(u, wave); i < u->ends[wave]; i++)
		if (state[i] == WAVE_PENDING || state[i] == WAVE_FAILED)
			return false;
	return true;
}

void waves_look(const struct doc_update *u, const enum wave_machine *state, bool failed, struct waves *out)
{
	out->open = 0;
	out->halted = failed;
	for (uint32_t i = 0; i < u->nmachines; i++)
		if (state[i] == WAVE_FAILED)
			out->halted = true;
	while (out->open < u->nwaves && is_done(u, state, out->open))
		out->open++;
}

uint32_t waves_of(const struct doc_update *u, const char *machine)
{
	for (uint32_t wave = 0; wave < u->nwaves; wave++)
		for (uint32_t i = start_of(u, wave); i < u->ends[wave]; i++)
			if (strcmp(u->machines[i], machine) == 0)
				return wave;
	return u->nwaves;
}

bool waves_may(const struct doc_update *u, const struct waves *w, const char *machine)
{
	return !w->halted && waves_of(u, machine) <= w->open;
}
