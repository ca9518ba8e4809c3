/* A map becomes a fence: read what was chosen, lint it, merge it, and see what else the map says about the same ground. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "geofence/lint.h"
#include "geofence/mapbody.h"
#include "geofence/mapread.h"
#include "geofence/overlap.h"

enum { BODY_MAX = 64 << 20 };

struct making {
	const struct fence_wish *w;
	struct fence_report *report;
	struct pick pick;
	struct draft chosen; /* as read, with what has to be taken out behind it */
	struct draft drawn;  /* the rings of the fence */
	char *body;
	struct fence *fence;
};

static void making_free(struct making *m)
{
	draft_free(m->chosen);
	draft_free(m->drawn);
	free(m->body);
	fence_free(m->fence);
}
AUTO_DEFINE(struct making *, making_free)

/* Said here, before work that grows faster than the rings do. */
static int check_size(const struct draft *d, struct err *e)
{
	if (d->n_rings == 0)
		return err_set(e, WHY_MALFORMED, "nothing is left of what was chosen");
	if (d->n_rings <= FENCE_RINGS_MAX && d->n_spots <= FENCE_VERTICES_MAX)
		return 0;
	err_set(e, WHY_MALFORMED, "what was chosen has %zu rings and %zu vertices, more than the %d and %d of a fence",
	        d->n_rings, d->n_spots, FENCE_RINGS_MAX, FENCE_VERTICES_MAX);
	return err_hint(e, "choose less with --where, or a coarser map");
}

static int draw(struct making *m, struct fence_report *r, struct err *e)
{
	AUTO(draft_free) struct draft clean = {0};
	AUTO(draft_free) struct draft crossed = {0};
	AUTO(soup_free) struct soup soup = {0};

	draft_clear(&m->drawn);
	if (lint_rings(m->w, &m->chosen, &clean, r, e) != 0 || lint_crossings(&clean, &crossed, r, e) != 0)
		return -1;
	if (soup_of(&crossed, &soup, e) != 0 || seam_close(&soup, &crossed, e) != 0)
		return -1;
	if (stitch_rings(&soup, &crossed, &m->drawn, e) != 0 || check_size(&m->drawn, e) != 0 ||
	        lint_loops(m->w, &m->drawn, r, e) != 0)
		return -1;
	return check_size(&m->drawn, e);
}

/* What was written is read back as the authority will read it. */
static int publish(struct making *m, struct fence_report *r, struct err *e)
{
	size_t n = 0;
	struct nested *order = calloc(m->drawn.n_rings, sizeof(*order));
	int rc = order == NULL ? err_set(e, WHY_SYSTEM, "no memory for the fence")
	                       : nest_rings(&m->drawn, m->w->map_accuracy_m, order, &n, r, e);

	free(m->body);
	fence_free(m->fence);
	m->body = NULL;
	m->fence = NULL;
	if (rc == 0)
		rc = mapbody_write(m->w, &m->drawn, order, n, &m->body, e);
	free(order);
	if (rc != 0)
		return -1;
	AUTO(json_free) json_t *j = json_read(VIEW(m->body, strlen(m->body)), BODY_MAX, e);
	m->fence = j != NULL ? fence_import(j, e) : NULL;
	return m->fence != NULL ? 0 : err_in(e, "the fence that the map gives");
}

static struct map_reader reader_of(struct making *m)
{
	return (struct map_reader){.pick = &m->pick, .layer = m->w->layer, .wrapped = m->w->seam == SEAM_SPHERICAL};
}

static int read_chosen(struct making *m, struct err *e)
{
	struct map_reader reader = reader_of(m);

	reader.draft = &m->chosen;
	reader.report = m->report;
	if (mapread(&reader, m->w->map, e) != 0 || pick_all_found(&m->pick, e) != 0)
		return -1;
	m->report->features = m->pick.found;
	return 0;
}

/* Everything that was not chosen. Gives what lies whole in the fence to holes. */
static int read_others(struct making *m, struct draft *holes, struct fence_report *r, struct err *e)
{
	AUTO(draft_free) struct draft other = {0};
	struct map_reader reader = reader_of(m);

	if (m->pick.n_countries == 0 && m->pick.property.n == 0)
		return 0; /* everything was */
	struct overlap o = {.fence = m->fence,
	        .n_boxes = m->drawn.n_rings,
	        .boxes = calloc(m->drawn.n_rings, sizeof(*o.boxes)),
	        .other = &other,
	        .holes = holes,
	        .report = r};
	if (o.boxes == NULL)
		return err_set(e, WHY_SYSTEM, "no memory for the map");
	for (size_t i = 0; i < o.n_boxes; i++)
		o.boxes[i] = draft_box(&m->drawn, &m->drawn.rings[i]);
	reader.draft = &other;
	reader.others = true;
	reader.each = overlap_check;
	reader.ctx = &o;
	int rc = mapread(&reader, m->w->map, e);
	free(o.boxes);
	return rc;
}

static int append(struct draft *to, const struct draft *from, struct err *e)
{
	for (size_t i = 0; i < from->n_rings; i++) {
		const struct draft_ring *g = &from->rings[i];
		if (draft_begin(to, g->feature, g->polygon, g->ring, e) != 0)
			return -1;
		to->rings[to->n_rings - 1].taken_out = g->taken_out;
		for (uint32_t k = 0; k < g->count; k++)
			if (draft_put(to, from->spots[g->first + k], e) != 0)
				return -1;
	}
	return 0;
}

/* Again with the enclaves cut out; what is in the fence even then lies in several of the chosen polygons. */
static int cut_out(struct making *m, const struct draft *holes, struct err *e)
{
	AUTO(draft_free) struct draft more = {0};
	struct fence_report ignored = {0};

	if (append(&m->chosen, holes, e) != 0 || draw(m, &ignored, e) != 0 || publish(m, &ignored, e) != 0 ||
	        read_others(m, &more, NULL, e) != 0)
		return -1;
	if (more.n_rings == 0)
		return 0;
	err_set(e, WHY_MALFORMED, "lies in several of the chosen features, which overlap");
	return draft_in(&more.rings[0], 0, e);
}

int fence_from_map(const struct fence_wish *w, char **body, struct fence_report *r, struct err *e)
{
	struct making m = {.w = w, .report = r};
	AUTO(making_free) struct making *owned = &m;
	AUTO(draft_free) struct draft holes = {0};

	*r = (struct fence_report){0};
	if (pick_of(w, &m.pick, e) != 0 || read_chosen(&m, e) != 0 || draw(&m, r, e) != 0 || publish(&m, r, e) != 0 ||
	        read_others(&m, &holes, r, e) != 0)
		return -1;
	if (holes.n_rings > 0 && cut_out(&m, &holes, e) != 0)
		return -1;
	r->vertices = fence_vertices(m.fence);
	memcpy(r->digest, fence_digest(m.fence), sizeof r->digest);
	*body = TAKE(owned->body);
	return 0;
}
