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
	struct lonlat foot; /* where best was found */
	unsigned cuts;
};

struct piece { /* an edge, and a lower bound of the way to it */
	struct point a, b;
	double sag, least;
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
		double t = earth_along(s->from, a->xyz, b->xyz);
		s->best = straight > sag ? straight - sag : 0;
		s->foot = (struct lonlat){
		        a->at.lon + t * (b->at.lon - a->at.lon), a->at.lat + t * (b->at.lat - a->at.lat)};
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

static struct point point_at(struct lonlat p)
{
	return (struct point){p, earth_at(p)};
}

static void take_piece(struct search *s, const struct piece *p)
{
	if (p->least < s->best)
		search_edge(s, &p->a, &p->b, p->sag);
}

static void search_run(struct search *s, const struct fence *f, const struct ball *run)
{
	struct piece p[BALL_MEMBERS];
	size_t nearest = 0, i = 0;

	do {
		struct piece *q = &p[i];
		q->a = i > 0 ? p[i - 1].b : point_at(f->at[run->from]);
		q->b = point_at(f->at[run->from + i + 1]);
		q->sag = near_sag(&q->a, &q->b);
		q->least = earth_to_segment(s->from, q->a.xyz, q->b.xyz) - q->sag;
		if (q->least < p[nearest].least)
			nearest = i;
	} while (++i < run->count);
	take_piece(s, &p[nearest]);
	p[nearest].least = INFINITY;
	for (i = 0; i < run->count; i++)
		take_piece(s, &p[i]);
}

/* The members of ball i of a level, nearest first, as long as they may hold something better. Each level is one call
 * deeper: at most BALL_LEVELS. */
static void search_ball(struct search *s, const struct fence *f, uint32_t level, size_t i)
{
	const struct balls *t = &f->balls;
	double least[BALL_MEMBERS] = {0};

	if (level == 0) {
		search_run(s, f, &t->b[i]);
		return;
	}
	size_t first = i * BALL_MEMBERS, below = t->first[level] - t->first[level - 1];
	size_t n = below - first < BALL_MEMBERS ? below - first : BALL_MEMBERS;
	const struct ball *b = t->b + t->first[level - 1] + first;
	for (size_t k = 0; k < n; k++)
		least[k] = earth_distance(s->from, b[k].centre) - b[k].radius;
	for (;;) {
		size_t next = 0;
		for (size_t k = 1; k < n; k++)
			if (least[k] < least[next])
				next = k;
		if (least[next] >= s->best)
			return;
		search_ball(s, f, level - 1, first + next);
		least[next] = INFINITY;
	}
}

struct nearest near_find(const struct fence *f, struct vec xyz, double limit_m)
{
	struct search s = {.from = xyz, .best = limit_m};

	search_ball(&s, f, f->balls.levels - 1, 0);
	return (struct nearest){s.best, s.foot};
}

double near_edge(struct vec xyz, struct lonlat a, struct lonlat b, double limit_m)
{
	struct search s = {.from = xyz, .best = limit_m};
	struct point p = point_at(a), q = point_at(b);

	search_edge(&s, &p, &q, near_sag(&p, &q));
	return s.best;
}

double near_border(const struct fence *f, struct vec xyz)
{
	return earth_shortest(near_find(f, xyz, INFINITY).straight_m);
}
