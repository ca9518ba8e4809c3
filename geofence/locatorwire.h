/* locatorwire: what the agent and the locator say to each other: packets over a socketpair, one thing each. */
#ifndef GEOFENCE_LOCATORWIRE_H
#define GEOFENCE_LOCATORWIRE_H

#include "base/rd.h"
#include "base/wr.h"
#include "geofence/geofence.h"

enum {
	LOCATOR_SOCKET = 3,       /* the locator's end */
	LOCATOR_PACKET_MAX = 512, /* the longest packet is a fix: 86 bytes */
};

enum locator_ask { LOCATOR_FIX = 1, LOCATOR_SITE = 2 };                      /* the first byte of what the agent says */
enum locator_say { LOCATOR_READY = 1, LOCATOR_HERE = 2, LOCATOR_ALARM = 3 }; /* and of what the locator says */

/* LOCATOR_SITE: 1 and a fix, or 0. */
void locatorwire_put_site(struct wr *w, const struct fix *site);
bool locatorwire_get_site(struct rd *r, struct fix *site); /* false: it was taken back, or the packet is bad */
/* LOCATOR_HERE: fixwire_put_gnss(). */

#endif
