/* geobench: what the parts of the benchmark of geofence/ share. */
#ifndef BENCH_GEOBENCH_H
#define BENCH_GEOBENCH_H

#include "base/err.h"
#include "tests/bench/geo/peers.h"

/* ---- ringset.c: what is asked about ---- */

struct ringset { /* owns what rings borrows */
	struct rings r;
	double *lonlat;
	uint32_t *first, *ring_of, *owner;
	size_t cap_points, cap_rings, cap_polygons;
};
void ringset_drop(struct ringset *s);
/* The file that atlas.mjs writes. */
int ringset_read(struct ringset *s, const char *path, struct err *e);
/* One ring like a coast, of 2^steps points and some more, about 60 x 30 degrees. */
int ringset_coast(struct ringset *s, unsigned steps, struct err *e);
/* The same with n lakes of six points. */
int ringset_lakes(struct ringset *s, unsigned steps, size_t n, struct err *e);

/* ---- questions.c: where ---- */

struct question {
	double lon, lat;
};
uint64_t questions_bits(uint64_t *state);
double questions_between(uint64_t *state, double lo, double hi);
void questions_uniform(struct question *q, size_t n);
void questions_in(struct question *q, size_t n, const struct peer *p, void *built); /* of the uniform ones, inside */
void questions_border(struct question *q, size_t n, const struct rings *r);         /* within 1 km of an edge */

/* ---- engine.c: ours, and the floor of naivety, as if they were peers ---- */

extern const struct peer engine_grid, engine_rays;
/* fence_decide() too, which also tells distance, rate and nearest point; like peer.decide. */
int engine_explain(void *built, double lon, double lat, double r_m);

#endif
