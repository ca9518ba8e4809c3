/* ubxmaker: frames of a u-blox receiver. */
#ifndef TESTS_UBXMAKER_H
#define TESTS_UBXMAKER_H

#include <string.h>

#include "base/wr.h"

struct ubx_made {
	uint8_t b[160];
	size_t n;
};

/* Sync, class and id, length, payload, checksum. */
static inline struct ubx_made ubxmaker(uint16_t id, struct view payload)
{
	struct ubx_made m = {0};
	struct wr w = wr_to(m.b, sizeof m.b);
	uint8_t a = 0, b = 0;

	wr_be16(&w, 0xb562);
	wr_be16(&w, id);
	wr_u8(&w, (uint8_t)payload.n);
	wr_u8(&w, (uint8_t)(payload.n >> 8));
	wr_view(&w, payload);
	for (size_t i = 2; i < w.n; i++) {
		a = (uint8_t)(a + m.b[i]);
		b = (uint8_t)(b + a);
	}
	wr_u8(&w, a);
	wr_u8(&w, b);
	m.n = w.n;
	return m;
}

static inline struct ubx_made ubxmaker_status(uint8_t spoofing)
{
	uint8_t payload[16] = {0};

	payload[4] = 3;
	payload[7] = (uint8_t)(spoofing << 3 | 0xc1); /* and bits that say other things */
	return ubxmaker(0x0103, VIEW_OF(payload));
}

/* Of two antennas. */
static inline struct ubx_made ubxmaker_rf(uint8_t jamming_1, uint8_t jamming_2)
{
	uint8_t payload[4 + 2 * 24] = {0};

	payload[1] = 2;
	payload[5] = jamming_1;
	payload[4 + 24 + 1] = jamming_2;
	return ubxmaker(0x0a38, VIEW_OF(payload));
}

static inline struct view ubxmaker_view(const struct ubx_made *m)
{
	return VIEW(m->b, m->n);
}

#endif
