/* A frame, also with its checksum put right. */
#include <stdlib.h>
#include <string.h>

#include "geofence/gnsswatch.h"
#include "tests/unit/ubxmaker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(struct view frame)
{
	struct gnss_report r = {.kind = REPORT_FIX};
	struct err e;

	if (ubx_read(frame, &r, &e) != 0) {
		if (r.kind != REPORT_FIX || e.why != WHY_MALFORMED)
			abort();
		return;
	}
	if (r.receiver.spoofing > 3 || r.receiver.jamming > 3 ||
	        (r.kind == REPORT_RECEIVER) != (r.receiver.has_spoofing || r.receiver.has_jamming))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	look(VIEW(data, size));
	if (size < 2 || size > 2 + 100)
		return 0;
	struct ubx_made m = ubxmaker((uint16_t)(data[0] << 8 | data[1]), VIEW(data + 2, size - 2));
	look(ubxmaker_view(&m));
	return 0;
}
