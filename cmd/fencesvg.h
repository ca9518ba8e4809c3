/* fencesvg: a fence, a fix and its circle as a picture: the whole fence, and the neighbourhood of the fix. */
#ifndef CMD_FENCESVG_H
#define CMD_FENCESVG_H

#include "base/json.h"
#include "geofence/geofence.h"

struct fencesvg {
	const json_t *body; /* of the fence */
	const char *title;  /* any text: it is escaped */
	struct fix fix;
	struct place_result result;
};

/* Writes an SVG 1.1 document: no script, no links, nothing to fetch. */
int fencesvg_write(const struct fencesvg *s, const char *path, struct err *e);

#endif
