/* The payload of a site file, in an envelope that holds. */
#include <stdlib.h>

#include "base/jws.h"
#include "firmware/init/init.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct es256 *key;
	static uint8_t text[SITE_MAX], config[64 * 1024];
	static struct site site;
	struct wr w = wr_to(text, sizeof text), c = wr_to(config, sizeof config);
	struct err e = {0};

	if (!key && !(key = es256_generate(&e)))
		abort();
	if (jws_sign(&w, key, SITE_TYP, VIEW(p, n), &e) != 0 || site_parse(wr_done(&w), VIEW("", 0), &site, &e) != 0)
		return 0;
	site_agent(&site, "cloud", &c);
	if (!wr_ok(&c) || !name_ok(site.name) || site.port == 0 ||
	        (!site.dhcp && netconf_check(&site.network, &e) != 0))
		abort();
	return 0;
}
