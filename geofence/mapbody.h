/* mapbody: writes what a map gave as the body of a fence document. Internal to the import. */
#ifndef GEOFENCE_MAPBODY_H
#define GEOFENCE_MAPBODY_H

#include "geofence/soup.h"

/* Rings in the order that nest_rings() gave. *out is text for the caller to free. */
int mapbody_write(const struct fence_wish *wish, const struct draft *d, const struct nested *order, size_t n,
        char **out, struct err *e);

#endif
