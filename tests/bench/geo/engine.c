/* geofence/ from rings in memory, which is what the peers are built from: reading documents is another measurement. */
#include <math.h>
#include <stdlib.h>

#include "geofence/shape.h"
#include "tests/bench/geo/geobench.h"

struct engine {
	struct fence *f;
	const uint32_t *owner;
};

static struct box box_around(const struct point *v, size_t n)
{
	struct box b = {v[0].at.lon, v[0].at.lon, v[0].at.lat, v[0].at.lat};

	for (size_t i = 1; i < n; i++) {
		b.west = fmin(b.west, v[i].at.lon);
		b.east = fmax(b.east, v[i].at.lon);
		b.south = fmin(b.south, v[i].at.lat);
		b.north = fmax(b.north, v[i].at.lat);
	}
	return b;
}

static void fill_polygons(struct fence *f, const struct rings *r)
{
	for (size_t k = 0; k < r->n_rings; k++) {
		uint32_t first = r->first[k], count = r->first[k + 1] - first;
		f->loops[k] = (struct loop){first, count, box_around(f->points + first, count)};
	}
	for (size_t i = 0; i < r->n_polygons; i++) {
		uint32_t first = r->ring_of[i], count = r->ring_of[i + 1] - first;
		f->polygons[i] = (struct polygon){first, count, f->loops[first].box};
	}
}

static void *build(const struct rings *r)
{
	struct engine *g = calloc(1, sizeof *g);
	struct fence *f = calloc(1, sizeof *f);
	struct err e = {0};

	if (g == NULL || f == NULL)
		abort();
	*g = (struct engine){f, r->owner};
	f->n_points = f->n_positions = r->n_points;
	f->n_loops = r->n_rings;
	f->n_polygons = r->n_polygons;
	f->points = calloc(f->n_points, sizeof(*f->points));
	f->loops = calloc(f->n_loops, sizeof(*f->loops));
	f->polygons = calloc(f->n_polygons, sizeof(*f->polygons));
	for (size_t i = 0; i < r->n_points; i++) {
		struct lonlat p = {r->lonlat[2 * i], r->lonlat[2 * i + 1]};
		f->points[i] = (struct point){p, earth_at(p)};
	}
	fill_polygons(f, r);
	if (seam_find(f, &e) != 0 || border_make(f, &e) != 0 || grid_build(f, &e) != 0)
		abort();
	return g;
}

static long owner(void *built, double lon, double lat)
{
	const struct engine *g = built;
	long polygon = fence_polygon(g->f, lat, lon);

	return polygon < 0 ? -1 : (long)g->owner[polygon];
}

static int as_number(enum place p)
{
	return p == PLACE_AMBIGUOUS ? -1 : p == PLACE_INSIDE;
}

static int decide(void *built, double lon, double lat, double r_m)
{
	const struct engine *g = built;
	struct fix x = {lat, lon, r_m};
	struct err e;
	enum place p;

	return fence_place(g->f, &x, &p, &e) == 0 ? as_number(p) : -2;
}

int engine_explain(void *built, double lon, double lat, double r_m)
{
	const struct engine *g = built;
	struct fix x = {lat, lon, r_m};
	struct place_result r;
	struct err e;

	return fence_decide(g->f, &x, &r, &e) == 0 ? as_number(r.place) : -2;
}

static void drop(void *built)
{
	struct engine *g = built;

	fence_free(g->f);
	free(g);
}

static long by_rays(void *built, double lon, double lat)
{
	const struct engine *g = built;
	uint32_t polygon;

	return ringwalk(g->f, (struct lonlat){lon, lat}, &polygon) == PLACE_INSIDE ? (long)g->owner[polygon] : -1;
}

const struct peer engine_grid = {"grid", build, owner, decide, drop};
const struct peer engine_rays = {"rays", build, by_rays, NULL, drop};
