#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "federation/agent.h"

enum { CONFIG_MAX = 16 * 1024 };
#define KERNEL_EVENTLOG "/sys/kernel/security/tpm0/binary_bios_measurements"
#define KERNEL_IMA      "/sys/kernel/security/ima/binary_runtime_measurements"
#define DEFAULT_TCTI    "device:/dev/tpmrm0"

/* A path in the file is absolute or starts at the directory of the file. */
static int path_from(char out[AGENT_PATH_MAX], const char *config, const char *path, struct err *e)
{
	const char *slash = strrchr(config, '/');
	int dir = path[0] != '/' && slash ? (int)(slash - config + 1) : 0;

	if (snprintf(out, AGENT_PATH_MAX, "%.*s%s", dir, config, path) >= AGENT_PATH_MAX)
		return err_set(e, WHY_MALFORMED, "the path %.64s... is too long", path);
	return 0;
}

static int member(const json_t *j, const char *key, const char *otherwise, const char **out, struct err *e)
{
	if (otherwise && !json_object_get(j, key)) {
		*out = otherwise;
		return 0;
	}
	return json_get_str(j, key, out, e);
}

static int read_location(const json_t *j, struct agent_config *out, struct err *e)
{
	static const char *const members[] = {"latitude_deg", "longitude_deg", "uncertainty_m", NULL};
	const json_t *place = json_object_get(j, "location");

	if (!place)
		return 0;
	if (!json_is_object(place))
		return err_set(e, WHY_MALFORMED, "location: expected an object");
	if (json_only(place, members, e) || json_get_num(place, "latitude_deg", -90, 90, &out->fix.lat_deg, e) ||
	        json_get_num(place, "longitude_deg", -180, 180, &out->fix.lon_deg, e) ||
	        json_get_num(place, "uncertainty_m", 0, FIX_UNCERTAINTY_MAX_M, &out->fix.uncertainty_m, e))
		return err_in(e, "location");
	out->has_fix = true;
	return 0;
}

static int read_data(const json_t *j, const char *path, struct agent_config *out, struct err *e)
{
	static const char *const members[] = {"directory", "datasets", NULL};
	const json_t *data = json_object_get(j, "data"), *names = json_object_get(data, "datasets");
	const char *directory;

	if (!data)
		return 0;
	if (!json_is_object(data) || !json_is_array(names) || json_array_size(names) > AGENT_DATA_MAX)
		return err_set(e, WHY_MALFORMED, "data: expected a directory and at most %d datasets", AGENT_DATA_MAX);
	if (json_only(data, members, e) || json_get_str(data, "directory", &directory, e) ||
	        path_from(out->data_dir, path, directory, e))
		return err_in(e, "data");
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));

		if (!name || !name_ok(name))
			return err_set(e, WHY_MALFORMED, "data: expected names of datasets");
		(void)snprintf(out->data[out->ndata++], NAME_CAP, "%s", name);
	}
	return 0;
}

static int read_update(const json_t *j, const char *path, struct agent_config *out, struct err *e)
{
	static const char *const members[] = {"variant", "spool", NULL};
	const json_t *update = json_object_get(j, "update");
	const char *spool;

	if (!update)
		return 0;
	if (!json_is_object(update))
		return err_set(e, WHY_MALFORMED, "update: expected an object");
	if (json_only(update, members, e) || json_get_name(update, "variant", out->variant, e) ||
	        json_get_str(update, "spool", &spool, e) || path_from(out->spool, path, spool, e))
		return err_in(e, "update");
	return 0;
}

static int read_gnss(const json_t *j, struct agent_config *out, struct err *e)
{
	static const char *const members[] = {"gpsd", "fixed", NULL};
	const json_t *gnss = json_object_get(j, "gnss");
	const char *gpsd = "127.0.0.1:2947";

	if (!gnss)
		return 0;
	if (!json_is_object(gnss))
		return err_set(e, WHY_MALFORMED, "gnss: expected an object");
	out->fixed = true;
	if (json_only(gnss, members, e) || member(gnss, "gpsd", gpsd, &gpsd, e) ||
	        (json_object_get(gnss, "fixed") && json_get_bool(gnss, "fixed", &out->fixed, e)))
		return err_in(e, "gnss");
	if (!gpsd[0] || snprintf(out->gpsd, sizeof out->gpsd, "%s", gpsd) >= (int)sizeof out->gpsd)
		return err_set(e, WHY_MALFORMED, "gnss: gpsd: expected \"IP:PORT\"");
	return 0;
}

static int read_landmark(const json_t *j, struct prover_landmark *out, struct err *e)
{
	static const char *const members[] = {"name", "address", "key", NULL};
	const char *address;

	if (!json_is_object(j))
		return err_set(e, WHY_MALFORMED, "expected an object");
	if (json_only(j, members, e) || json_get_name(j, "name", out->name, e) ||
	        json_get_str(j, "address", &address, e) || json_get_hex(j, "key", out->key, sizeof out->key, e))
		return -1;
	if (snprintf(out->address, sizeof out->address, "%s", address) >= (int)sizeof out->address)
		return err_set(e, WHY_MALFORMED, "address: expected \"IP:PORT\"");
	return 0;
}

static int read_landmarks(const json_t *j, struct agent_config *out, struct err *e)
{
	const json_t *list = json_object_get(j, "landmarks");

	if (!list)
		return 0;
	if (!json_is_array(list) || json_array_size(list) > BOUNDS_MAX)
		return err_set(e, WHY_MALFORMED, "landmarks: expected an array of at most %d", BOUNDS_MAX);
	for (size_t i = 0; i < json_array_size(list); i++)
		if (read_landmark(json_array_get(list, i), &out->landmark[out->nlandmarks++], e))
			return err_in(e, "landmarks: entry %zu", i + 1);
	return 0;
}

static int parse(const json_t *j, const char *path, struct agent_config *out, struct err *e)
{
	static const char *const members[] = {"name", "authority", "ca", "state", "tcti", "eventlog", "ima", "location",
	        "gnss", "landmarks", "data", "update", NULL};
	const char *authority, *ca, *state, *tcti, *eventlog, *ima;

	/* The kernel's list speaks of the kernel's own TPM: with another boot log it is another TPM. */
	bool kernels = !json_object_get(j, "eventlog");

	if (json_only(j, members, e) || json_get_name(j, "name", out->name, e) ||
	        json_get_str(j, "authority", &authority, e) || json_get_str(j, "ca", &ca, e) ||
	        json_get_str(j, "state", &state, e) || member(j, "tcti", DEFAULT_TCTI, &tcti, e) ||
	        member(j, "eventlog", KERNEL_EVENTLOG, &eventlog, e) ||
	        member(j, "ima", kernels ? KERNEL_IMA : "", &ima, e) || read_location(j, out, e) ||
	        read_gnss(j, out, e) || read_landmarks(j, out, e) || read_data(j, path, out, e) ||
	        read_update(j, path, out, e))
		return -1;
	if (path_from(out->ca, path, ca, e) || path_from(out->state, path, state, e) ||
	        path_from(out->eventlog, path, eventlog, e) || (ima[0] && path_from(out->ima, path, ima, e)))
		return -1;
	if (snprintf(out->authority, sizeof out->authority, "%s", authority) >= (int)sizeof out->authority ||
	        snprintf(out->tcti, sizeof out->tcti, "%s", tcti) >= (int)sizeof out->tcti)
		return err_set(e, WHY_MALFORMED, "authority or tcti is too long");
	return 0;
}

int agentconfig_read(const char *path, struct agent_config *out, struct err *e)
{
	AUTO(json_free) json_t *j = json_file(AT_FDCWD, path, CONFIG_MAX, e);

	memset(out, 0, sizeof *out);
	if (!j)
		return -1;
	return parse(j, path, out, e) ? err_in(e, "%s", path) : 0;
}
