/* soup: the border as directed edges, the inside on their left. Rings become edges, shared edges vanish, what ends at the
 * antimeridian is joined along it, and edges become rings again. Internal to the import. */
#ifndef GEOFENCE_SOUP_H
#define GEOFENCE_SOUP_H

#include "geofence/draft.h"

struct piece {
	struct lonlat a, b; /* in [-180, 180] */
	uint32_t ring;      /* of the draft, where it came from */
	bool used;
};

struct soup {
	struct piece *pieces;
	size_t n, cap;
};

void soup_free(struct soup s);
AUTO_DEFINE(struct soup, soup_free)

int soup_put(struct soup *s, struct piece p, struct err *e);
/* Cuts at the antimeridian; where two polygons meet the border vanishes. */
int soup_of(const struct draft *d, struct soup *s, struct err *e);
int soup_order(struct lonlat a, struct lonlat b); /* by longitude, then latitude: -1, 0, 1 */

/* seamclose.c: along the antimeridian and around the poles. */
int seam_close(struct soup *s, const struct draft *d, struct err *e);
/* stitch.c: a new draft of closed rings; uses the pieces up. */
int stitch_rings(struct soup *s, const struct draft *from, struct draft *to, struct err *e);

struct nested { /* ring `ring` of a draft; outlines come before their holes */
	uint32_t outline, ring;
};
/* nest.c: which outline each ring belongs to; fills out[d->n_rings], sorted; *n are left. A hole outside every outline is dropped
 * when it is smaller than the accuracy of the map. */
/* 1 when p is inside the ring, -1 outside, 0 on it. */
int nest_side(const struct draft *d, const struct draft_ring *r, struct lonlat p);
int nest_rings(
        struct draft *d, double accuracy_m, struct nested *out, size_t *n, struct fence_report *r, struct err *e);

#endif
