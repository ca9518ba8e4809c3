/* Does the border come within some distance of a fix? A cell without edges has no border, so only the leaves that the
 * circle reaches are looked at, first in the plane.
 *
 * The plane is longitude times kx, latitude times ky, with kx and ky below the metres per degree of every place whose
 * latitude is within r of the fix. So a way over the ground that stays in that band is longer than it is in the plane,
 * and a way that leaves the band is longer than r anyway: what is farther than r in the plane is farther than r. With
 * kx and ky above those metres, the line in the plane is a way that is shorter over the ground. What is farther in one
 * plane and nearer in the other is measured in space. */
#include "geofence/shape.h"

#include <math.h>

#define RADIUS_MAX_M 50e3 /* beyond, the balls are faster */
#define LATITUDE_MAX 89.0
#define CELLS_MAX    256.0                                       /* of the root */
#define KY_LEAST     (EARTH_A * (1.0 - EARTH_E2) * (1.0 - 1e-9)) /* m per radian: at the equator, at a pole */
#define KY_MOST      (EARTH_A / (1.0 - EARTH_F) * (1.0 + 1e-9))

struct plane { /* m per degree, with p at the origin */
	double kx, ky;
	double r2; /* the square of the radius, with a little to the safe side */
};

struct around {
	const struct grid *g;
	struct lonlat p;
	double r_m;
	struct plane far, near; /* what is farther than r in far, or nearer in near, is so over the ground */
	double west, south, east, north;
};

/* The series of the cosine, stopped behind a negative term, is below it. */
static double cosine_below(double x)
{
	double y = x * x;

	return 1.0 - y / 2.0 * (1.0 - y / 12.0 * (1.0 - y / 30.0));
}

static double cosine_above(double x)
{
	double y = x * x;

	return 1.0 - y / 2.0 * (1.0 - y / 12.0 * (1.0 - y / 30.0 * (1.0 - y / 56.0)));
}

static bool set_up(struct around *o, const struct grid *g, struct lonlat p, double r_m)
{
	double dlat = r_m / earth_radians(KY_LEAST), widest = fabs(p.lat) + dlat, narrowest = fabs(p.lat) - dlat;

	if (g->cols == 0 || r_m > RADIUS_MAX_M || widest > LATITUDE_MAX)
		return false;
	double kx = earth_radians(EARTH_A * (1.0 - 1e-9)) * cosine_below(earth_radians(widest));
	double kx_most = earth_radians(KY_MOST) * cosine_above(earth_radians(narrowest > 0 ? narrowest : 0));
	if (!(kx > 0))
		return false;
	double dlon = r_m / kx + GRID_SLACK_DEG;
	dlat += GRID_SLACK_DEG;
	*o = (struct around){g, p, r_m, {kx, earth_radians(KY_LEAST), r_m * r_m * (1.0 + 1e-6)},
	        {kx_most, earth_radians(KY_MOST), r_m * r_m * (1.0 - 1e-6)}, p.lon - dlon, p.lat - dlat, p.lon + dlon,
	        p.lat + dlat};
	return o->west > -180 && o->east < 180;
}

/* The segment from a to b and the circle of a plane. */
static inline bool meets(const struct plane *k, struct lonlat p, struct lonlat a, struct lonlat b)
{
	double ax = (a.lon - p.lon) * k->kx, ay = (a.lat - p.lat) * k->ky;
	double bx = (b.lon - p.lon) * k->kx, by = (b.lat - p.lat) * k->ky;
	double dx = bx - ax, dy = by - ay;
	double from_a = -(ax * dx + ay * dy), length2 = dx * dx + dy * dy;

	if (from_a <= 0)
		return ax * ax + ay * ay <= k->r2;
	if (from_a >= length2)
		return bx * bx + by * by <= k->r2;
	double cross = ax * dy - ay * dx;
	return cross * cross <= k->r2 * length2;
}

static bool edge_near(const struct around *o, struct lonlat a, struct lonlat b)
{
	double limit = o->r_m * (1.0 + 1e-9);

	if (!meets(&o->far, o->p, a, b))
		return false;
	if (meets(&o->near, o->p, a, b))
		return true;
	double straight = near_edge(earth_at(o->p), a, b, limit);
	return straight < limit && earth_shortest(straight) <= o->r_m;
}

static bool chain_near(const struct around *o, const union word *vertex, size_t count)
{
	struct lonlat a = {vertex[0].d, vertex[1].d};

	for (size_t i = 1; i < count; i++) {
		struct lonlat b = {vertex[2 * i].d, vertex[2 * i + 1].d};
		if (edge_near(o, a, b))
			return true;
		a = b;
	}
	return false;
}

static bool leaf_near(const struct around *o, const union word *leaf)
{
	const union word *at = leaf + 2;
	uint64_t chain;

	do {
		chain = at->u;
		size_t count = chain >> CHAIN_COUNT_SHIFT & CHAIN_COUNT_MAX;
		if (count > 0 && chain_near(o, at + 1, count))
			return true;
		at += 1 + 2 * count;
	} while (!(chain & CHAIN_LEAF_ENDS));
	return false;
}

struct window { /* columns and rows, both ends included; none when lo > hi */
	int64_t west, east, south, north;
};

struct frame { /* a block or the root: where it begins and how large its cells are, in degrees */
	double west, south, lon, lat;
	uint32_t cols, rows;
};

static int64_t clamp_floor(double x, uint32_t n, int64_t below, int64_t above)
{
	return x < 0 ? below : x >= n ? above : (int64_t)x;
}

static struct window window_of(const struct around *o, const struct frame *f)
{
	double per_lon = 1.0 / f->lon, per_lat = 1.0 / f->lat; /* the slack is far more than their rounding */

	return (struct window){
	        clamp_floor((o->west - f->west) * per_lon, f->cols, 0, f->cols),
	        clamp_floor((o->east - f->west) * per_lon, f->cols, -1, f->cols - 1),
	        clamp_floor((o->south - f->south) * per_lat, f->rows, 0, f->rows),
	        clamp_floor((o->north - f->south) * per_lat, f->rows, -1, f->rows - 1),
	};
}

static bool cells_near(const struct around *o, const struct frame *f, const uint32_t *cells, int depth)
{
	struct window w = window_of(o, f);

	for (int64_t row = w.south; row <= w.north; row++) {
		for (int64_t col = w.west; col <= w.east; col++) {
			uint32_t cell = cells[row * f->cols + col];
			const uint32_t *block = &o->g->cells[cell & CELL_VALUE];
			switch (cell >> CELL_SHIFT) {
			case CELL_LEAF:
				if (leaf_near(o, &o->g->leaves[cell & CELL_VALUE]))
					return true;
				break;
			case CELL_BLOCK:;
				double k = block[0];
				struct frame in = {f->west + (double)col * f->lon, f->south + (double)row * f->lat,
				        f->lon / k, f->lat / k, block[0], block[0]};
				if (depth == GRID_DEPTH_MAX || cells_near(o, &in, block + 1, depth + 1))
					return true;
				break;
			default:
				break;
			}
		}
	}
	return false;
}

bool around_border(const struct fence *f, struct lonlat p, double r_m)
{
	const struct grid *g = &f->grid;
	struct frame root = {g->west, g->south, g->cell_lon, g->cell_lat, g->cols, g->rows};
	struct around o;

	if (set_up(&o, g, p, r_m) && (o.east - o.west) / g->cell_lon * ((o.north - o.south) / g->cell_lat) < CELLS_MAX)
		return cells_near(&o, &root, g->cells, 0);
	double limit = r_m * (1.0 + 1e-9);
	double straight = near_find(f, earth_at(p), limit).straight_m;
	return straight < limit && earth_shortest(straight) <= r_m;
}
