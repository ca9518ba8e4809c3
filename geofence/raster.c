#include "geofence/raster.h"

#include <math.h>
#include <stdlib.h>

struct raster raster_inside(const struct raster *r, uint32_t col, uint32_t row, uint32_t k)
{
	return (struct raster){
	        r->west + col * r->cell_lon, r->south + row * r->cell_lat, r->cell_lon / k, r->cell_lat / k, k, k};
}

void raster_lists_free(struct raster_lists t)
{
	free(t.first);
	free(t.edges);
}

/* Not fmin() and fmax(), which are calls: there is no NaN here. */
static inline double least(double a, double b)
{
	return a < b ? a : b;
}

static inline double greatest(double a, double b)
{
	return a < b ? b : a;
}

struct range { /* of columns or rows; none when lo > hi */
	int64_t lo, hi;
};

static inline int64_t cell_at(double x, uint32_t n)
{
	return x < 0 ? 0 : x >= n ? (int64_t)n - 1 : (int64_t)x;
}

/* Cells of size s from `from` on that [lo, hi] touches; what is outside the raster is none. */
static inline struct range touched(double lo, double hi, double from, double s, uint32_t n)
{
	double a = (lo - GRID_SLACK_DEG - from) / s, b = (hi + GRID_SLACK_DEG - from) / s;

	if (a >= n || b < 0)
		return (struct range){0, -1};
	return (struct range){cell_at(a, n), cell_at(b, n)};
}

/* The longitudes that the edge has between two latitudes. */
static void clip(struct lonlat a, struct lonlat b, double south, double north, double *west, double *east)
{
	double lo = greatest(south, least(a.lat, b.lat)), hi = least(north, greatest(a.lat, b.lat));
	double slope = (b.lon - a.lon) / (b.lat - a.lat);
	double x = a.lon + (lo - a.lat) * slope, y = a.lon + (hi - a.lat) * slope;

	*west = greatest(least(x, y), least(a.lon, b.lon));
	*east = least(greatest(x, y), greatest(a.lon, b.lon));
}

static struct range in_row(const struct raster *r, struct lonlat a, struct lonlat b, int64_t row)
{
	double west = least(a.lon, b.lon), east = greatest(a.lon, b.lon);

	/* a rounding error of the latitude grows with the slope: flat edges are not clipped */
	if (fabs(b.lat - a.lat) * 1e3 > fabs(b.lon - a.lon) && fabs(b.lat - a.lat) > r->cell_lat) {
		double south = r->south + (double)row * r->cell_lat;
		clip(a, b, south - GRID_SLACK_DEG, south + r->cell_lat + GRID_SLACK_DEG, &west, &east);
	}
	return touched(west, east, r->west, r->cell_lon, r->cols);
}

/* Counts the edge in count or, with edges, puts it into the lists and counts back. Gives the number of cells. */
static size_t put(const struct raster *r, const struct lonlat *at, uint32_t edge, uint32_t *count, uint32_t *edges)
{
	struct lonlat a = at[edge], b = at[edge + 1];
	struct range rows = touched(least(a.lat, b.lat), greatest(a.lat, b.lat), r->south, r->cell_lat, r->rows);
	size_t n = 0;

	for (int64_t row = rows.lo; row <= rows.hi; row++) {
		struct range cols = in_row(r, a, b, row);
		uint32_t *cell = count + row * r->cols;
		for (int64_t col = cols.lo; col <= cols.hi; col++) {
			if (edges == NULL)
				cell[col]++;
			else
				edges[--cell[col]] = edge;
			n++;
		}
	}
	return n;
}

int raster_lists_make(const struct raster *r, const struct lonlat *at, const uint32_t *edges, size_t n, size_t most,
        struct raster_lists *out, struct err *e)
{
	AUTO(raster_lists_free) struct raster_lists t = {0};
	size_t cells = (size_t)r->cols * r->rows, sum = 0;

	t.first = calloc(cells + 1, sizeof(*t.first));
	if (t.first == NULL)
		return err_set(e, WHY_SYSTEM, "no memory for the fence");
	for (size_t i = 0; i < n && sum <= most; i++)
		sum += put(r, at, edges[i], t.first, NULL);
	if (sum > most)
		return 1;
	for (size_t i = 0; i < cells; i++)
		t.first[i + 1] += t.first[i];
	t.edges = malloc((sum + 1) * sizeof(*t.edges));
	if (t.edges == NULL)
		return err_set(e, WHY_SYSTEM, "no memory for the fence");
	for (size_t i = n; i-- > 0;)
		put(r, at, edges[i], t.first, t.edges);
	*out = t;
	t = (struct raster_lists){0};
	return 0;
}
