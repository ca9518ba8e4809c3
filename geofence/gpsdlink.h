/* gpsdlink: the locator's connection to gpsd, which comes and goes. Never blocks. */
#ifndef GEOFENCE_GPSDLINK_H
#define GEOFENCE_GPSDLINK_H

#include "geofence/gnsswatch.h"
#include "geofence/gpsdaddress.h"

enum gpsdlink_state { LINK_DOWN, LINK_CONNECTING, LINK_ASKED }; /* asked: WATCH was sent */

struct gpsdlink {
	struct gpsdaddress to;
	int fd; /* -1 when down */
	enum gpsdlink_state state;
	int64_t again_ms; /* when to try again, or to give a try up; mono */
	size_t have;
	uint8_t buf[2 * GPSD_LINE_MAX];
};

/* To gpsd at address text; WHY_MALFORMED. It is down until the first tick. */
int gpsdlink_start(struct gpsdlink *l, const char *text, struct err *e);
/* Connects when it is time. */
void gpsdlink_tick(struct gpsdlink *l, int64_t mono_ms);
short gpsdlink_events(const struct gpsdlink *l); /* for poll() */
/* After poll() said so. -1: the connection was lost, with the reason; it is down then. */
int gpsdlink_ready(struct gpsdlink *l, int64_t mono_ms, struct err *e);
/* The next report that came; false when there is none yet. What can not be read is passed over. */
bool gpsdlink_report(struct gpsdlink *l, struct gnss_report *out);

#endif
