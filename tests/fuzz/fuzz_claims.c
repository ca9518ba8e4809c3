/* The JSON header. What is accepted can be written, and means the same when it is read again. */
#include <stdlib.h>
#include <string.h>

#include "attest/attest.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static uint8_t buf[CLAIMS_MAX];
	struct wr w = wr_to(buf, sizeof buf);
	struct claims c, again;
	struct err e;

	if (claims_parse(VIEW(p, n), &c, &e))
		return 0;
	if (claims_write(&w, &c, &e) || claims_parse(wr_done(&w), &again, &e))
		abort();
	if (strcmp(c.machine, again.machine) != 0 || strcmp(c.version, again.version) != 0 ||
	        c.has_fix != again.has_fix || c.nholds != again.nholds ||
	        memcmp(c.holds, again.holds, sizeof c.holds) != 0 || memcmp(c.tls_key, again.tls_key, SHA_LEN) != 0)
		abort();
	if (c.has_fix && (!(c.fix.lat_deg == again.fix.lat_deg) || !(c.fix.lon_deg == again.fix.lon_deg) ||
	                         !(c.fix.uncertainty_m == again.fix.uncertainty_m)))
		abort();
	return 0;
}
