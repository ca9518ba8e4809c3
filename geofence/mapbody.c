/* The body of a fence document as text. */
#include "geofence/mapbody.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

enum { POSITION_TEXT_MAX = 64, HEAD_TEXT_MAX = 8192 };

/* The fewest digits that read back the same. */
static void put_degrees(struct wr *w, double x)
{
	char text[32];

	for (int digits = 9; digits <= 17; digits += digits < 15 ? 3 : 2) {
		snprintf(text, sizeof text, "%.*g", digits, x);
		if (strtod(text, NULL) == x)
			break;
	}
	wr_str(w, text);
}

static void put_ring(struct wr *w, const struct draft *d, const struct draft_ring *g)
{
	for (uint32_t i = 0; i < g->count; i++) {
		struct lonlat p = d->spots[g->first + i].at;
		wr_str(w, i > 0 ? ",[" : "[[");
		put_degrees(w, p.lon);
		wr_u8(w, ',');
		put_degrees(w, p.lat);
		wr_u8(w, ']');
	}
	wr_u8(w, ']');
}

static void put_rings(struct wr *w, const struct draft *d, const struct nested *order, size_t n)
{
	wr_u8(w, '[');
	for (size_t i = 0; i < n; i++) {
		bool first = i == 0 || order[i].outline != order[i - 1].outline;
		wr_str(w, first && i > 0 ? "],\n[" : first ? "[" : ",");
		put_ring(w, d, &d->rings[order[i].ring]);
	}
	wr_str(w, "]]");
}

static void put_text(struct jw *j, const char *key, const char *text)
{
	if (text != NULL)
		jw_str(j, key, text);
}

static void put_body(
        struct wr *w, const struct fence_wish *wish, const struct draft *d, const struct nested *order, size_t n)
{
	struct jw j = jw_to(w);

	jw_obj(&j, NULL);
	put_text(&j, "id", wish->id);
	put_text(&j, "provenance", wish->provenance);
	put_text(&j, "licence", wish->licence);
	jw_num(&j, "map_accuracy_m", wish->map_accuracy_m);
	jw_str(&j, "edges", wish->edges == EDGES_GEODESIC ? "geodesic" : "rfc7946");
	jw_str(&j, "seam", wish->seam == SEAM_SPHERICAL ? "spherical" : "rfc7946");
	jw_obj(&j, "geometry");
	jw_str(&j, "type", "MultiPolygon");
	jw_raw(&j, "coordinates", VIEW(NULL, 0));
	put_rings(w, d, order, n);
	jw_end_obj(&j);
	jw_end_obj(&j);
	wr_str(w, "\n");
}

int mapbody_write(const struct fence_wish *wish, const struct draft *d, const struct nested *order, size_t n,
        char **out, struct err *e)
{
	size_t cap = HEAD_TEXT_MAX + POSITION_TEXT_MAX * (d->n_spots + d->n_rings);
	AUTO(mem_free) char *text = malloc(cap);

	if (text == NULL)
		return err_set(e, WHY_SYSTEM, "no memory for the fence");
	struct wr w = wr_to(text, cap - 1);
	put_body(&w, wish, d, order, n);
	if (!wr_ok(&w))
		return err_set(e, WHY_MALFORMED, "id, provenance and licence are lines of at most %d bytes each",
		        FENCE_TEXT_MAX);
	text[w.n] = 0;
	*out = TAKE(text);
	return 0;
}
