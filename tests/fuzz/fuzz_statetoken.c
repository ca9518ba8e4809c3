/* Headers of volumes and the tokens in them: what anybody can have written to a disk. */
#include <stdlib.h>

#include "firmware/state/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct sealedkey k;
	uint8_t box[RECOVERY_BOX];
	struct err e;

	if (statetoken_recovery_read(VIEW(p, n), box, &e) != 0 && e.why == WHY_NONE)
		abort();
	if (statetoken_sealed_read(VIEW(p, n), &k, &e) == 0 &&
	        (k.npublic > SEALED_PART_MAX || k.nprivate > SEALED_PART_MAX))
		abort();
	return 0;
}
