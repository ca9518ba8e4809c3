#include "geofence/locatorwire.h"

void locatorwire_put_site(struct wr *w, const struct fix *site)
{
	wr_u8(w, site != NULL);
	if (site != NULL)
		fixwire_put(w, site);
}

bool locatorwire_get_site(struct rd *r, struct fix *site)
{
	bool has = rd_upto(r, rd_u8(r), 1) == 1;

	if (!has)
		return false;
	fixwire_get(r, site);
	return rd_ok(r);
}
