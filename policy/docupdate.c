/* The approval of an update: the manifest as it was signed, and who takes it when. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "policy/policy.h"

static bool is_named(const struct doc_update *u, const char *machine)
{
	for (uint32_t i = 0; i < u->nmachines; i++)
		if (strcmp(u->machines[i], machine) == 0)
			return true;
	return false;
}

static int take_machine(const json_t *name, struct doc_update *u, struct err *e)
{
	const char *s = json_string_value(name);
	char machine[NAME_CAP];

	if (!s || !name_get(machine, VIEW(s, strlen(s))))
		return err_set(e, WHY_MALFORMED, "expected the name of a machine");
	if (u->nmachines == WAVE_MACHINES_MAX)
		return err_set(e, WHY_MALFORMED, "they name more than %d machines; who is not named is the last wave",
		        WAVE_MACHINES_MAX);
	if (is_named(u, machine))
		return err_set(e, WHY_MALFORMED, "%s stands there twice", machine);
	memcpy(u->machines[u->nmachines++], machine, NAME_CAP);
	return 0;
}

static int take_wave(const json_t *names, struct doc_update *u, struct err *e)
{
	const json_t *name;
	size_t i;

	if (json_array_size(names) == 0)
		return err_set(e, WHY_MALFORMED, "expected an array of names");
	json_array_foreach(names, i, name) if (take_machine(name, u, e)) return -1;
	u->ends[u->nwaves++] = u->nmachines;
	return 0;
}

/* Left out: all machines at once. */
static int take_waves(const json_t *body, struct doc_update *u, struct err *e)
{
	const json_t *waves = json_object_get(body, "waves"), *wave;
	size_t i;

	if (!waves)
		return 0;
	if (json_array_size(waves) == 0 || json_array_size(waves) > WAVES_MAX)
		return err_set(e, WHY_MALFORMED, "waves: expected an array of 1 to %d waves", WAVES_MAX);
	u->machines = calloc(WAVE_MACHINES_MAX, sizeof u->machines[0]);
	if (!u->machines)
		return err_sys(e, "no memory for the waves of an update");
	json_array_foreach(waves, i, wave) if (take_wave(wave, u, e)) return err_in(e, "wave %zu", i + 1);
	return 0;
}

int docupdate_parse(const json_t *body, const char *name, struct doc_update *out, struct err *e)
{
	static const char *const members[] = {"manifest", "waves", NULL};
	const char *manifest;

	if (json_only(body, members, e) || json_get_str(body, "manifest", &manifest, e) ||
	        release_open(VIEW(manifest, strlen(manifest)), NULL, &out->release, e))
		return -1;
	if (strcmp(out->release.product, RELEASE_PRODUCT) != 0)
		return err_set(e, WHY_MALFORMED, "the manifest is of product %s", out->release.product);
	if (strcmp(out->release.variant, name) != 0)
		return err_set(e, WHY_MALFORMED, "the manifest is of variant %s", out->release.variant);
	out->manifest = strdup(manifest);
	return out->manifest ? take_waves(body, out, e) : err_sys(e, "no memory for a manifest");
}

void docupdate_free(struct doc_update *u)
{
	free(u->manifest);
	free(u->machines);
	*u = (struct doc_update){0};
}
