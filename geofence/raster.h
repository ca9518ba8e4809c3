/* raster: which edges come into which cells of a grid. For gridbuild.c. */
#ifndef GEOFENCE_RASTER_H
#define GEOFENCE_RASTER_H

#include "geofence/shape.h"

struct raster {
	double west, south, cell_lon, cell_lat; /* degrees */
	uint32_t cols, rows;
};

/* The cell cut in k x k. */
struct raster raster_inside(const struct raster *r, uint32_t col, uint32_t row, uint32_t k);

/* For cell i, row by row: edges[first[i] .. first[i + 1]), ascending. */
struct raster_lists {
	uint32_t *first, *edges;
};
void raster_lists_free(struct raster_lists t);
AUTO_DEFINE(struct raster_lists, raster_lists_free)

/* Edge i goes from at[edges[i]] to the next point. Each is listed in every cell that it comes within GRID_SLACK_DEG of.
 * 1, and no lists, when they would have more than `most` entries. */
int raster_lists_make(const struct raster *r, const struct lonlat *at, const uint32_t *edges, size_t n, size_t most,
        struct raster_lists *out, struct err *e);

#endif
