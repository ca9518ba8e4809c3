/* What is left of a ring that crossed itself: the part that is clearly inside, and loops that are inside out or inside twice.
 * Loops smaller than the accuracy are noise; larger ones mean that nobody can say what is inside. */
#include <math.h>

#include "geofence/lint.h"
#include "geofence/soup.h"

/* How often the rings with a crossing go around p, holes against. */
static int winding(const struct draft *d, struct lonlat p)
{
	int sum = 0;
	double size;

	for (size_t i = 0; i < d->n_rings; i++) {
		const struct draft_ring *g = &d->rings[i];
		if (g->crossed != 0 && nest_side(d, g, p) > 0)
			sum += draft_area(d, g, &size) > 0 ? 1 : -1;
	}
	return sum;
}

static int refuse(const struct draft_ring *g, const char *what, double loop, struct err *e)
{
	err_set(e, WHY_MALFORMED, "the ring crosses itself: it makes a loop, up to %.3g km deep, that is %s",
	        loop / 1000, what);
	return draft_in(g, g->crossed, e);
}

static int judge(
        const struct fence_wish *w, const struct draft *d, const struct draft_ring *g, bool *drop, struct err *e)
{
	struct lonlat p;
	double loop = draft_depth(d, g);

	*drop = false;
	if (g->crossed == 0 || !draft_inner(d, g, &p))
		return 0;
	int times = winding(d, p);
	if (times == 0 || times == 1)
		return 0;
	*drop = loop <= w->map_accuracy_m;
	return *drop ? 0 : refuse(g, times < 0 ? "inside out" : "inside twice", loop, e);
}

int lint_loops(const struct fence_wish *w, struct draft *d, struct fence_report *r, struct err *e)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->n_rings; i++) {
		struct draft_ring *g = &d->rings[i];
		if (judge(w, d, g, &g->dropped, e) != 0)
			return -1;
		if (g->dropped)
			report_add(r, FINDING_REPAIRED, g, g->crossed,
			        "the ring crosses itself in a loop up to %.0f m deep, less than the map is accurate",
			        draft_depth(d, g));
	}
	for (size_t i = 0; i < d->n_rings; i++)
		if (!d->rings[i].dropped)
			d->rings[kept++] = d->rings[i];
	d->n_rings = kept;
	return 0;
}
