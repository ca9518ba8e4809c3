/* What gpsd sends, as it comes. Every byte is taken once, and what is understood has numbers that mean something. */
#include <math.h>
#include <stdlib.h>

#include "geofence/gnsswatch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void understand(const struct gpsd_item *item, struct gnss_watch *w, int64_t ms)
{
	struct gnss_report r;
	struct gnss_moment now = {.wall_ms = INT64_C(1795608000000) + ms, .mono_ms = ms};
	struct gnss g;
	struct err e;
	int bad = item->kind == GPSD_JSON ? gpsdjson_read(item->v, &r, &e) : ubx_read(item->v, &r, &e);

	if (bad != 0)
		return;
	gnss_feed(w, &r, now);
	gnss_now(w, now, &g);
	if (gnss_ok(&g, &e) != 0 || (!g.has_fix && !(g.doubts & GNSS_BIT(GNSS_NO_FIX))))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gnss_watch w;
	struct gpsd_item item;
	size_t at = 0, n;

	gnss_watch_start(&w, true);
	while ((n = gpsdstream_next(VIEW(data + at, size - at), &item)) > 0) {
		if (n > size - at || item.v.n > n)
			abort();
		at += n;
		if (item.kind != GPSD_NOTHING)
			understand(&item, &w, (int64_t)at);
	}
	if (size - at >= GPSD_LINE_MAX)
		abort();
	return 0;
}
