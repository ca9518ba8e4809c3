/* fencesource: the fence that a person names: one that the authority holds, a document body or its compiled form. */
#ifndef CMD_FENCESOURCE_H
#define CMD_FENCESOURCE_H

#include "cmd/cli.h"
#include "cmd/filemap.h"
#include "geofence/geofence.h"

struct fencesource {
	struct fence *fence;
	json_t *body;       /* NULL for the compiled form, which has none */
	struct view mapped; /* the compiled form, in use as long as the fence is */
};

/* `name` is a fence of the authority, or else a file. -1 with the sentence; the caller closes. */
int fencesource_open(struct cli *c, const char *name, struct fencesource *out, struct err *e);
void fencesource_close(struct fencesource s);
AUTO_DEFINE(struct fencesource, fencesource_close)

#endif
