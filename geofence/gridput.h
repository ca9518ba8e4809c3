/* gridput: the cells and leaves of a grid as it is being built. For gridbuild.c. */
#ifndef GEOFENCE_GRIDPUT_H
#define GEOFENCE_GRIDPUT_H

#include "geofence/shape.h"

struct walker {
	const struct fence *f;
	struct grid *g;
	uint32_t *polygon_of; /* by loop point */
	struct lonlat at;
	bool *in;          /* by polygon: it holds `at` */
	uint32_t *holding; /* those */
	size_t n_holding;
	size_t cap_cells, cap_leaves, most_leaves;
};

struct list { /* edges, ascending */
	const uint32_t *e;
	size_t n;
};

/* Room for n more cells. */
int gridput_room(struct walker *w, size_t n, struct err *e);
/* A leaf with these edges, whose reference point is where the walker is. */
int gridput_leaf(struct walker *w, struct list l, uint32_t *cell, struct err *e);
/* Gives back what was reserved and not used; to fail at that does no harm. */
void gridput_trim(struct grid *g);
void gridput_drop(struct grid *g);

#endif
