#include <stdio.h>
#include <string.h>

#include "firmware/update/update.h"

static const char PREFIX[] = "merestone_", SUFFIX[] = ".efi";

/* Decimal without a leading zero, at most nine digits; *s moves behind it. */
static bool number(const char **s, uint32_t *out)
{
	uint32_t v = 0;
	unsigned digits = 0;

	while (**s >= '0' && **s <= '9' && digits < 9) {
		v = v * 10 + (uint32_t)(**s - '0');
		digits++;
		(*s)++;
	}
	*out = v;
	return digits > 0;
}

bool uki_parse(const char *name, struct uki *out)
{
	struct uki u = {0};
	char again[UKI_NAME_MAX];
	const char *s = name + strlen(PREFIX);

	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0 || !number(&s, &u.version) || u.version == 0)
		return false;
	if (*s == '+') {
		u.counted = true;
		s++;
		if (!number(&s, &u.left))
			return false;
	}
	if (u.counted && *s == '-') {
		s++;
		if (!number(&s, &u.done))
			return false;
	}
	/* Two names of one thing would be two files of one version: only the form that we write is ours. */
	uki_name(&u, again);
	if (strcmp(again, name) != 0)
		return false;
	*out = u;
	return true;
}

void uki_name(const struct uki *u, char out[UKI_NAME_MAX])
{
	if (!u->counted)
		(void)snprintf(out, UKI_NAME_MAX, "%s%u%s", PREFIX, u->version, SUFFIX);
	else if (u->done == 0)
		(void)snprintf(out, UKI_NAME_MAX, "%s%u+%u%s", PREFIX, u->version, u->left, SUFFIX);
	else
		(void)snprintf(out, UKI_NAME_MAX, "%s%u+%u-%u%s", PREFIX, u->version, u->left, u->done, SUFFIX);
}

/* Of several files of one version, as a cut rename leaves them, the one that is kept counts. */
static const struct uki *find(const struct uki *there, size_t n, uint32_t version)
{
	const struct uki *found = NULL;

	for (size_t i = 0; i < n; i++)
		if (there[i].version == version && (!found || !there[i].counted))
			found = &there[i];
	return found;
}

static bool same(const struct uki *a, const struct uki *b)
{
	return a->version == b->version && a->counted == b->counted && a->left == b->left && a->done == b->done;
}

static int running_of(const struct uki *there, size_t n, uint32_t running, const struct uki **out, struct err *e)
{
	*out = find(there, n, running);
	return *out ? 0 : err_set(e, WHY_STALE, "version %u runs, but the boot partition has no file of it", running);
}

int slots_install(
        const struct uki *there, size_t n, uint32_t running, uint32_t version, struct slots_plan *out, struct err *e)
{
	struct slots_plan p = {.to = {.version = version, .counted = true, .left = TRIAL_STARTS}};
	const struct uki *runs, *before = find(there, n, version);

	if (running_of(there, n, running, &runs, e))
		return -1;
	if (runs->counted)
		return err_set(e, WHY_STALE, "version %u runs on trial; the next one comes when it is kept", running);
	if (before && before->counted && before->left == 0) {
		err_set(e, WHY_REFUSED, "version %u was started %u times and never became healthy", version,
		        before->done);
		return err_hint(e, "mend it and publish it as a later version");
	}
	for (size_t i = 0; i < n; i++)
		if (!same(&there[i], runs))
			p.remove[p.nremove++] = there[i];
	*out = p;
	return 0;
}

static uint32_t predecessor(const struct uki *there, size_t n, uint32_t running)
{
	uint32_t best = 0;

	for (size_t i = 0; i < n; i++)
		if (there[i].version < running && there[i].version > best)
			best = there[i].version;
	return best;
}

int slots_keep(const struct uki *there, size_t n, uint32_t running, struct slots_plan *out, struct err *e)
{
	struct slots_plan p = {.to = {.version = running}};
	uint32_t previous = predecessor(there, n, running);
	const struct uki *runs;

	if (running_of(there, n, running, &runs, e))
		return -1;
	p.renames = runs->counted;
	p.from = *runs;
	for (size_t i = 0; i < n; i++) {
		const struct uki *u = &there[i];
		bool failed = u->version > running && u->counted && u->left == 0;
		if (!same(u, runs) && u->version != previous && !failed)
			p.remove[p.nremove++] = *u;
	}
	*out = p;
	return 0;
}
