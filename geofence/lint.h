/* lint: what may be wrong with a map. What is larger than its accuracy is refused, what is smaller is repaired and told.
 * Internal to the import. */
#ifndef GEOFENCE_LINT_H
#define GEOFENCE_LINT_H

#include "geofence/draft.h"

/* Each ring by itself, into a new draft: closed, within the seam that was declared, without repeated vertices, with an
 * area. */
int lint_rings(
        const struct fence_wish *w, const struct draft *from, struct draft *to, struct fence_report *r, struct err *e);
/* Puts a vertex into both edges wherever two cross, into a new draft, and marks the rings that cross themselves. */
int lint_crossings(const struct draft *from, struct draft *to, struct fence_report *r, struct err *e);
/* What the crossings made: loops that are inside out, or inside twice. Small ones are taken out of d. */
int lint_loops(const struct fence_wish *w, struct draft *d, struct fence_report *r, struct err *e);

/* lintedge.c: one edge of a ring. Gives the turn that it makes, or says what is wrong. */
int lint_edge(const struct fence_wish *w, const struct spot *a, const struct spot *b, int *turn, struct err *e);

struct crossing {
	uint32_t ring_a, edge_a, ring_b, edge_b; /* edge i is from vertex i to i + 1, from 0; a before b */
};
/* crossing.c: calls found() for each pair of edges that cross in a point inside both. found() stops it with -1. */
int crossing_find(const struct draft *d, int (*found)(void *ctx, const struct crossing *c, struct err *e), void *ctx,
        struct err *e);

#endif
