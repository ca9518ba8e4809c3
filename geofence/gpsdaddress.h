/* gpsdaddress: where gpsd is. Numbers only: the locator asks no resolver. Pure. */
#ifndef GEOFENCE_GPSDADDRESS_H
#define GEOFENCE_GPSDADDRESS_H

#include <sys/socket.h>

#include "base/err.h"
#include "base/mem.h"

struct gpsdaddress {
	struct sockaddr_storage at;
	socklen_t n;
};

/* "IP:PORT" or "[IPV6]:PORT"; WHY_MALFORMED. */
int gpsdaddress_read(const char *text, struct gpsdaddress *out, struct err *e);

#endif
