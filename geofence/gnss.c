/* What a fix may say at all, and the names of doubts. */
#include <string.h>

#include "geofence/geofence.h"

static const char *const names[GNSS_DOUBTS] = {
        [GNSS_NO_FIX] = "no-fix",
        [GNSS_NO_ESTIMATE] = "no-estimate",
        [GNSS_SIMULATED] = "simulated",
        [GNSS_STALE] = "stale",
        [GNSS_JUMP] = "jump",
        [GNSS_FROZEN] = "frozen",
        [GNSS_FLAT] = "flat",
        [GNSS_FEW] = "few",
        [GNSS_CLOCK] = "clock",
        [GNSS_ALTITUDE] = "altitude",
        [GNSS_SPOOFED] = "spoofed",
        [GNSS_JAMMED] = "jammed",
        [GNSS_MOVED] = "moved",
};

const char *gnss_doubt_name(enum gnss_doubt d)
{
	return (unsigned)d < GNSS_DOUBTS ? names[d] : "unknown";
}

enum gnss_doubt gnss_doubt_parse(const char *name)
{
	unsigned d = 0;

	while (d < GNSS_DOUBTS && strcmp(names[d], name) != 0)
		d++;
	return (enum gnss_doubt)d;
}

/* Written so that NaN is out of range. */
static int in_range(bool has, const char *what, double x, double min, double max, struct err *e)
{
	if (!has || (x >= min && x <= max))
		return 0;
	return err_set(e, WHY_MALFORMED, "GNSS fix: %s %.9g is not between %.9g and %.9g", what, x, min, max);
}

int gnss_ok(const struct gnss *g, struct err *e)
{
	if (g->doubts >> GNSS_DOUBTS != 0)
		return err_set(e, WHY_MALFORMED, "GNSS fix: unknown doubts 0x%x", (unsigned)g->doubts);
	if (g->satellites > GNSS_SATELLITES_MAX)
		return err_set(e, WHY_MALFORMED, "GNSS fix: %u satellites are in use", (unsigned)g->satellites);
	if (g->has_fix && (g->time_ms < 0 || g->time_ms > GNSS_TIME_MAX_MS))
		return err_set(e, WHY_MALFORMED, "GNSS fix: its time is of no year before 10000");
	if (in_range(g->has_fix, "latitude", g->lat_deg, -90, 90, e) != 0 ||
	        in_range(g->has_fix, "longitude", g->lon_deg, -180, 180, e) != 0 ||
	        in_range(g->has_alt, "altitude in metres", g->alt_m, GNSS_ALT_MIN_M, GNSS_ALT_MAX_M, e) != 0)
		return -1;
	if (in_range(g->has_eph, "horizontal error in metres", g->eph_m, 0, FIX_UNCERTAINTY_MAX_M, e) != 0)
		return -1;
	return in_range(g->has_epv, "vertical error in metres", g->epv_m, 0, FIX_UNCERTAINTY_MAX_M, e);
}
