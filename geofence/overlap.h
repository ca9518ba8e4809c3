/* overlap: features that were not chosen but lie in the fence: an enclave that the map did not cut out, or two countries
 * that claim one place. Internal to the import. */
#ifndef GEOFENCE_OVERLAP_H
#define GEOFENCE_OVERLAP_H

#include "geofence/draft.h"

struct overlap {
	const struct fence *fence;
	struct draft_box *boxes; /* around the rings of the fence */
	size_t n_boxes;
	struct draft *other;         /* one feature, as it was read; cleared */
	struct draft *holes;         /* gets what has to be cut out */
	struct fence_report *report; /* NULL when it is said already */
};

/* For mapread's each(): ctx is a struct overlap. WHY_MALFORMED for what lies partly in the fence, deeper than the accuracy. */
int overlap_check(void *ctx, struct err *e);

#endif
