/* gpsd sends JSON lines, and between them the frames of the receiver as they are (?WATCH "raw":2). */
#include <string.h>

#include "base/rd.h"
#include "geofence/gnsswatch.h"

enum { UBX_SYNC_1 = 0xb5, UBX_SYNC_2 = 0x62, UBX_AROUND = 8 }; /* u-blox M8 protocol 32.2 */

static size_t nothing(size_t n, struct gpsd_item *out)
{
	*out = (struct gpsd_item){.kind = GPSD_NOTHING};
	return n;
}

static size_t line(struct view v, struct gpsd_item *out)
{
	size_t most = v.n < GPSD_LINE_MAX ? v.n : GPSD_LINE_MAX;
	const uint8_t *end = memchr(v.p, '\n', most);

	if (end == NULL)
		return v.n < GPSD_LINE_MAX ? 0 : nothing(1, out);
	size_t n = (size_t)(end - v.p);
	*out = (struct gpsd_item){GPSD_JSON, VIEW(v.p, n > 0 && v.p[n - 1] == '\r' ? n - 1 : n)};
	return n + 1;
}

static size_t frame(struct view v, struct gpsd_item *out)
{
	struct rd r = rd_of(v);

	if (v.n > 1 && v.p[1] != UBX_SYNC_2)
		return nothing(1, out);
	(void)rd_view(&r, 4);
	size_t payload = rd_le16(&r);
	if (!rd_ok(&r))
		return 0;
	if (rd_upto(&r, payload, UBX_PAYLOAD_MAX) != payload)
		return nothing(1, out);
	if (v.n < payload + UBX_AROUND)
		return 0;
	*out = (struct gpsd_item){GPSD_UBX, VIEW(v.p, payload + UBX_AROUND)};
	return payload + UBX_AROUND;
}

size_t gpsdstream_next(struct view v, struct gpsd_item *out)
{
	size_t n = 0;

	if (v.n == 0)
		return 0;
	if (v.p[0] == '{')
		return line(v, out);
	if (v.p[0] == UBX_SYNC_1)
		return frame(v, out);
	while (n < v.n && v.p[n] != '{' && v.p[n] != UBX_SYNC_1)
		n++;
	return nothing(n, out);
}
