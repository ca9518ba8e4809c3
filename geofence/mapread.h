/* mapread: the rings of a GeoJSON or TopoJSON text. Internal to the import. */
#ifndef GEOFENCE_MAPREAD_H
#define GEOFENCE_MAPREAD_H

#include "geofence/draft.h"
#include "geofence/geotext.h"
#include "geofence/pick.h"

struct map_reader {
	struct pick *pick;
	const char *layer;
	bool others;                           /* read the features that are not meant */
	bool wrapped;                          /* longitudes may be up to 540: the seam is spherical */
	struct draft *draft;                   /* where rings go */
	struct fence_report *report;           /* NULL: say nothing */
	int (*each)(void *ctx, struct err *e); /* after each feature that was read; may be NULL */
	void *ctx;
	uint32_t feature; /* the one being read, from 1; 0 before the first */
};

/* The whole map, whichever form it has. */
int mapread(struct map_reader *m, struct view map, struct err *e);

/* geojson.c and topojson.c, from the whole text; type is its member. */
int geojson_read(struct map_reader *m, struct view top, struct view type, struct err *e);
int topojson_read(struct map_reader *m, struct view top, struct err *e);

/* Begins the next feature: *wanted when its geometry is to be read. */
int mapread_feature(struct map_reader *m, struct view id, struct view properties, bool *wanted, struct err *e);
int mapread_feature_end(struct map_reader *m, struct err *e);
/* For a geometry without area: a line of the report. */
void mapread_skip(struct map_reader *m, struct view type);
/* Into the last ring; refuses what is no place on earth. */
int mapread_put(struct map_reader *m, struct lonlat p, struct err *e);
/* Goes around an array with each() for every element, numbered from 1; "WHAT n" is put before a refusal. */
int mapread_array(struct geotext *t, const char *what,
        int (*each)(void *ctx, struct geotext *t, uint32_t n, struct err *e), void *ctx, struct err *e);

#endif
