/* reference: what an imported reference set holds. Private to reference.c and reference_import.c. */
#ifndef FIRMWARE_REFERENCE_H
#define FIRMWARE_REFERENCE_H

#include "firmware/firmware.h"

struct reference {
	uint32_t values[PCR_COUNT]; /* how many; at least one for each register of PCR_MASK, none for others */
	uint8_t value[PCR_COUNT][REFERENCE_VALUES_MAX][PCR_LEN];
	enum secure_boot secure_boot; /* SECURE_BOOT_UNKNOWN: nothing is required */
	size_t events;
	struct measured event[]; /* in log order; their numbers are 0 */
};

#endif
