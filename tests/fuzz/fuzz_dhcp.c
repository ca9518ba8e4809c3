/* An answer of whoever is on the wire. What is taken is an address that a machine can have. */
#include <stdlib.h>
#include <string.h>

#include "firmware/init/supervisor.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct dhcp d = {0};
	struct err e;

	if (n >= 28 + MAC_LEN) { /* so that it is for us */
		memcpy(d.mac, p + 28, MAC_LEN);
		d.xid = (uint32_t)p[4] << 24 | (uint32_t)p[5] << 16 | (uint32_t)p[6] << 8 | p[7];
	}
	enum dhcp_type type = dhcp_read(VIEW(p, n), &d);
	if ((type == DHCP_OFFER || type == DHCP_ACK) && (netconf_check(&d.conf, &e) != 0 || d.conf.lease_s < 60))
		abort();
	return 0;
}
