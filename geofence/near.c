/* Distance to the border: straight through space to a piece of an edge, less how far that edge may bend away from its
 * piece. Both are lower bounds, so cutting an edge in two only ever makes the answer better; stopping early is safe. */
#include "geofence/shape.h"

#include <math.h>

#define CURVATURE_M 6.401e6 /* the largest second derivative of the surface along a meridian, m per radian^2 */
#define FINE_M      5e-4
#define FINE_RATIO  1e-5
enum { CUTS_MAX = 4096 }; /* in one search; a fence of ordinary borders needs about 20 */

struct search {
	struct vec from;
	double best;
	unsigned cuts;
};

/* A curve x(t), t in [0, 1], is within max |x''| / 8 of its chord. Here lat and lon are linear in t, and
 * |x''| <= CURVATURE_M (dlat^2 + 2 dlat dlon) + r dlon^2 with r the widest circle of latitude that the edge meets. */
double near_sag(const struct point *a, const struct point *b)
{
	double dlat = fabs(earth_radians(b->at.lat - a->at.lat));
	double dlon = fabs(earth_radians(b->at.lon - a->at.lon));
	const struct point *wide = fabs(a->at.lat) < fabs(b->at.lat) ? a : b;
	double r = hypot(wide->xyz.x, wide->xyz.y);

	if ((a->at.lat < 0) != (b->at.lat < 0))
		r = EARTH_A;
	return (CURVATURE_M * (dlat * dlat + 2.0 * dlat * dlon) + r * dlon * dlon) / 8.0;
}

/* Halves the edge until it is straight enough or too far to matter; nearer half first, so that most are. */
static void search_edge(struct search *s, const struct point *a, const struct point *b, double sag)
{
	double straight = earth_to_segment(s->from, a->xyz, b->xyz);

	if (straight - sag >= s->best)
		return;
	if (sag <= FINE_M + FINE_RATIO * straight || s->cuts == CUTS_MAX) {
		s->best = straight > sag ? straight - sag : 0;
		return;
	}
	s->cuts++;
	struct point mid = {.at = {(a->at.lon + b->at.lon) / 2, (a->at.lat + b->at.lat) / 2}};
	mid.xyz = earth_at(mid.at);
	bool a_first = earth_distance(s->from, a->xyz) < earth_distance(s->from, b->xyz);
	const struct point *near = a_first ? a : b, *far = a_first ? b : a;
	search_edge(s, near, &mid, near_sag(near, &mid));
	search_edge(s, &mid, far, near_sag(&mid, far));
}

static void search_one(struct search *s, const struct fence *f, size_t i)
{
	const struct edge *g = &f->edges[i];

	search_edge(s, &f->points[g->at], &f->points[g->at + 1], (double)g->sag_m);
}

static double bound(const struct search *s, const struct cluster *c)
{
	return earth_distance(s->from, c->centre) - c->radius;
}

static size_t nearest_edge(const struct search *s, const struct fence *f, size_t first, size_t end)
{
	size_t nearest = first;
	double least = INFINITY;

	for (size_t i = first; i < end; i++) {
		const struct point *a = &f->points[f->edges[i].at];
		double d = earth_to_segment(s->from, a[0].xyz, a[1].xyz) - (double)f->edges[i].sag_m;
		if (d < least) {
			least = d;
			nearest = i;
		}
	}
	return nearest;
}

static void search_cluster(struct search *s, const struct fence *f, size_t cluster)
{
	size_t first = cluster * CLUSTER_EDGES;
	size_t end = first + CLUSTER_EDGES < f->n_edges ? first + CLUSTER_EDGES : f->n_edges;

	search_one(s, f, nearest_edge(s, f, first, end));
	for (size_t i = first; i < end; i++)
		search_one(s, f, i);
}

double near_border(const struct fence *f, struct vec xyz)
{
	struct search s = {.from = xyz, .best = INFINITY};
	size_t nearest = 0;

	for (size_t i = 1; i < f->n_clusters; i++)
		if (bound(&s, &f->clusters[i]) < bound(&s, &f->clusters[nearest]))
			nearest = i;
	search_cluster(&s, f, nearest);
	for (size_t i = 0; i < f->n_clusters; i++)
		if (i != nearest && bound(&s, &f->clusters[i]) < s.best)
			search_cluster(&s, f, i);
	return earth_shortest(s.best);
}
