/* shape: an imported fence from the inside. fence.c, rings.c, seam.c, border.c and gridbuild.c build it; the others read
 * it. */
#ifndef GEOFENCE_SHAPE_H
#define GEOFENCE_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "geofence/earth.h"
#include "geofence/geofence.h"

struct point {
	struct lonlat at;
	struct vec xyz;
};

struct box { /* degrees; closed */
	double west, east, south, north;
};

struct loop { /* a ring: points[first .. first + count), the last equal to the first */
	uint32_t first, count;
	struct box box;
};

struct polygon { /* loops[first .. first + count): inside where an odd number of them is around */
	uint32_t first, count;
	struct box box;
};

enum { BALL_MEMBERS = 16, BALL_LEVELS = 7 }; /* 16^6 runs are more than a fence may have */

struct ball { /* level 0: holds the edges from at[from] to at[from + count]; above: balls 16 i .. 16 i + 16 of the level
	       * below, and from and count are 0 */
	struct vec centre;
	double radius;
	uint32_t from, count;
};

struct balls {
	struct ball *b; /* all levels, lowest first; the last level has one ball */
	size_t n;
	uint32_t first[BALL_LEVELS + 1];
	uint32_t levels;
};

/* Four lines of the degree plane are no border by themselves: both sides of the antimeridian are one meridian, and
 * every longitude at a pole is one point. */
enum side { SIDE_WEST, SIDE_EAST, SIDE_SOUTH, SIDE_NORTH, SIDE_COUNT };

struct span {
	double lo, hi;
};

struct spans { /* ascending, apart */
	struct span *s;
	size_t n;
};

/* A cell of a grid: its kind in the two highest bits. A cell without edges needs no more than that. */
enum { CELL_OUT, CELL_IN, CELL_LEAF, CELL_BLOCK, CELL_SHIFT = 30 };
#define CELL_VALUE 0x3fffffffU /* IN: a polygon that holds it; LEAF: index in leaves; BLOCK: index in cells */

union word {
	uint64_t u;
	double d;
};

/* A leaf: a reference point (two words) that is on no edge, then chains: one word that describes it and `count` vertices
 * (two words each) with an edge between neighbours. Every edge that comes into the cell is in one chain of its polygon.
 */
enum {
	CHAIN_COUNT_SHIFT = 32, /* below: the polygon; above, 24 bits: vertices */
	CHAIN_COUNT_MAX = 0xffffff,
};
#define CHAIN_ODD          (1ULL << 56) /* the reference point is inside the polygon; in its first chain */
#define CHAIN_POLYGON_ENDS (1ULL << 57)
#define CHAIN_LEAF_ENDS    (1ULL << 58)

/* Cells over the fence. The root has cols x rows of them from the south-west, row by row; a block is a cell cut in k x k:
 * the word k, then k^2 cells. */
struct grid {
	double west, south, cell_lon, cell_lat; /* degrees; the lines of cells are not where map makers put vertices */
	uint32_t cols, rows;                    /* 0: no grid, see gridbuild.c */
	uint32_t *cells;
	union word *leaves;
	size_t n_cells, n_leaves;
};
#define GEODESIC_GAP_M 1.0
enum { GRID_DEPTH_MAX = 6, GRID_CUT_MAX = 16 };
#define GRID_SLACK_DEG 1e-9 /* a cell lists what comes this near to it: far more than rounding can move a point */

struct fence {
	uint8_t digest[FENCE_DIGEST_LEN];
	bool borrowed; /* opened: the arrays are in the caller's bytes */
	double map_accuracy_m;

	bool circle;
	struct lonlat centre;
	double radius_m;

	bool geodesic; /* edges were, and are now many that are straight in degrees */

	double half_width_m; /* a corridor: loops are lines, which need not close, and there are no polygons */

	struct fence **parts; /* a union: this fence has nothing but its parts */
	size_t n_parts;

	struct polygon *polygons;
	struct loop *loops;
	struct point *points; /* while importing: those of the loops, then two for each piece of border that runs along
	                         the antimeridian */
	struct lonlat *at;    /* the same without xyz, when imported */
	struct balls balls;
	size_t n_polygons, n_loops, n_points;
	size_t n_positions;              /* points in loops */
	struct spans inside[SIDE_COUNT]; /* the latitudes (east, west) or longitudes (poles) just inside which the fence
	                                    is */
	struct grid grid;
};

/* seam.c: fills f->inside and appends the pieces of border along the antimeridian to f->points. */
int seam_find(struct fence *f, struct err *e);
bool seam_runs_along(enum side s, struct lonlat a, struct lonlat b);

/* rings.c: fills polygons, loops and points from GeoJSON coordinates; every refusal names polygon, ring and vertex. */
int rings_read(struct fence *f, const json_t *coordinates, bool multi, struct err *e);
/* The same for one line, as a loop that need not close. */
int rings_line(struct fence *f, const json_t *coordinates, struct err *e);

/* border.c: balls and at from points, which go. */
int border_make(struct fence *f, struct err *e);
/* How many levels of balls n_runs have, and where each begins; first[levels] is their number. */
uint32_t border_levels(size_t n_runs, uint32_t first[BALL_LEVELS + 1]);

/* gridbuild.c: fills f->grid from f->at. It stays empty when no reference point can be found (the fence was made for
 * that); then every ring is walked. */
int grid_build(struct fence *f, struct err *e);

/* densify.c: puts vertices into edges that are geodesics, so that straight in degrees they are within GEODESIC_GAP_M. */
int densify(struct fence *f, struct err *e);

/* digest.c: fills f->digest from what was read, f->points or the digests of the parts. */
void digest_fence(struct fence *f);

/* flat.c: the arrays of a fence that is not a union, in the order of merestone-fence-compiled(5). */
struct flat {
	void **array;
	size_t *n; /* elements */
	size_t size;
};
enum { FLAT_ARRAYS = 10 };
void flat_arrays(struct fence *f, struct flat out[FLAT_ARRAYS]);
/* flatcheck.c: that no decision can leave the arrays, or go on without end. */
int flatcheck(const struct fence *f, struct err *e);

/* near.c: how far the points of an edge that is straight in degrees may be from the straight line in space, m. */
double near_sag(const struct point *a, const struct point *b);
struct nearest {
	double straight_m;  /* a lower bound of the way through space to the border */
	struct lonlat foot; /* a point of the border about that near; nothing when straight_m is the limit */
};
/* The border within limit_m (may be INFINITY) of xyz, through space. */
struct nearest near_find(const struct fence *f, struct vec xyz, double limit_m);
/* The same for one edge. */
double near_edge(struct vec xyz, struct lonlat a, struct lonlat b, double limit_m);
/* A lower bound of the distance over the ground from xyz to the border; its shortfall is stated at struct place_result.
 */
double near_border(const struct fence *f, struct vec xyz);

/* around.c: whether the border comes within r_m of p over the ground; p is neither at a pole nor on the antimeridian. */
bool around_border(const struct fence *f, struct lonlat p, double r_m);

/* ringwalk.c: every ring, edge by edge; AMBIGUOUS exactly on a line. */
enum place ringwalk(const struct fence *f, struct lonlat p, uint32_t *polygon);

/* locate.c: the point alone, for polygons: AMBIGUOUS exactly on a line of a ring (on the antimeridian and at a pole:
 * where the two sides, or the longitudes, differ). polygon, when not NULL, is set when inside. */
enum place locate(const struct fence *f, struct lonlat p, uint32_t *polygon);

/* place.c: the fix must be fix_ok(). */
void place_decide(const struct fence *f, const struct fix *x, struct place_result *out);
enum place place_quick(const struct fence *f, const struct fix *x); /* the same place, without the distance */
enum place place_covers(const struct fence *f, struct lonlat p);

/* matchrate.c: which part of the circle's area the fence holds, from 0 to 1, within about 0.02. */
double matchrate(const struct fence *f, struct lonlat p, double radius_m);

/* The point alone, for polygons. */
enum place place_of(const struct fence *f, struct lonlat p);

#endif
