/* A fix, and what a receiver says of one, between processes of ours: big endian, doubles as their bits. */
#include "geofence/geofence.h"

enum { HAS_FIX = 1, HAS_ALT = 2, HAS_EPH = 4, HAS_EPV = 8, HAS_ALL = 15 };

void fixwire_put(struct wr *w, const struct fix *x)
{
	wr_double(w, x->lat_deg);
	wr_double(w, x->lon_deg);
	wr_double(w, x->uncertainty_m);
}

void fixwire_get(struct rd *r, struct fix *x)
{
	struct err e;

	x->lat_deg = rd_double(r);
	x->lon_deg = rd_double(r);
	x->uncertainty_m = rd_double(r);
	rd_require(r, fix_ok(x, &e) == 0);
}

void fixwire_put_gnss(struct wr *w, const struct gnss *g)
{
	wr_u8(w, (uint8_t)(g->has_fix * HAS_FIX | g->has_alt * HAS_ALT | g->has_eph * HAS_EPH | g->has_epv * HAS_EPV));
	wr_be64(w, (uint64_t)g->time_ms);
	wr_double(w, g->lat_deg);
	wr_double(w, g->lon_deg);
	wr_double(w, g->alt_m);
	wr_double(w, g->eph_m);
	wr_double(w, g->epv_m);
	wr_be32(w, g->age_ms);
	wr_be32(w, g->satellites);
	wr_be32(w, g->doubts);
}

void fixwire_get_gnss(struct rd *r, struct gnss *g)
{
	uint64_t has = rd_upto(r, rd_u8(r), HAS_ALL);
	struct err e;

	*g = (struct gnss){
	        .has_fix = has & HAS_FIX, .has_alt = has & HAS_ALT, .has_eph = has & HAS_EPH, .has_epv = has & HAS_EPV};
	g->time_ms = (int64_t)rd_upto(r, rd_be64(r), INT64_MAX);
	g->lat_deg = rd_double(r);
	g->lon_deg = rd_double(r);
	g->alt_m = rd_double(r);
	g->eph_m = rd_double(r);
	g->epv_m = rd_double(r);
	g->age_ms = rd_be32(r);
	g->satellites = rd_be32(r);
	g->doubts = rd_be32(r);
	rd_require(r, gnss_ok(g, &e) == 0);
}
