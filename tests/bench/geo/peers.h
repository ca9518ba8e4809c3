/* peers: the engines that geofence/ is compared with, behind one table. C, so that only peers.cc is C++. */
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rings { /* degrees; polygon i has rings ring_of[i] .. ring_of[i + 1], ring k has points first[k] .. first[k + 1] */
	const double *lonlat; /* pairs */
	const uint32_t *first, *ring_of, *owner;
	size_t n_polygons, n_rings, n_points;
};

struct peer {
	const char *name;
	void *(*build)(const struct rings *r);
	long (*owner)(void *built, double lon, double lat); /* of the polygon that holds the point; -1 */
	/* NULL: has none that ends in time. 1 inside, 0 outside, -1 within r_m of a border. */
	int (*decide)(void *built, double lon, double lat, double r_m);
	void (*drop)(void *built);
};

extern const struct peer peer_geos, peer_s2;

#ifdef __cplusplus
}
#endif

#endif
