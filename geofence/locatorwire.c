#include "geofence/locatorwire.h"

enum { HAS_FIX = 1, HAS_ALT = 2, HAS_EPH = 4, HAS_EPV = 8, HAS_ALL = 15 };

void locatorwire_put_site(struct wr *w, const struct fix *site)
{
	wr_u8(w, site != NULL);
	if (site == NULL)
		return;
	wr_double(w, site->lat_deg);
	wr_double(w, site->lon_deg);
	wr_double(w, site->uncertainty_m);
}

bool locatorwire_get_site(struct rd *r, struct fix *site)
{
	bool has = rd_upto(r, rd_u8(r), 1) == 1;

	if (!has)
		return false;
	site->lat_deg = rd_double(r);
	site->lon_deg = rd_double(r);
	site->uncertainty_m = rd_double(r);
	return rd_ok(r);
}

void locatorwire_put_gnss(struct wr *w, const struct gnss *g)
{
	wr_u8(w, (uint8_t)((g->has_fix ? HAS_FIX : 0) | (g->has_alt ? HAS_ALT : 0) | (g->has_eph ? HAS_EPH : 0) |
	                   (g->has_epv ? HAS_EPV : 0)));
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

void locatorwire_get_gnss(struct rd *r, struct gnss *g)
{
	uint64_t has = rd_upto(r, rd_u8(r), HAS_ALL);

	*g = (struct gnss){
	        .has_fix = has & HAS_FIX, .has_alt = has & HAS_ALT, .has_eph = has & HAS_EPH, .has_epv = has & HAS_EPV};
	g->time_ms = (int64_t)rd_be64(r);
	g->lat_deg = rd_double(r);
	g->lon_deg = rd_double(r);
	g->alt_m = rd_double(r);
	g->eph_m = rd_double(r);
	g->epv_m = rd_double(r);
	g->age_ms = rd_be32(r);
	g->satellites = rd_be32(r);
	g->doubts = rd_be32(r);
}
