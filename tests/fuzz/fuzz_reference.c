/* The body of a reference document. Whatever is imported compares every quoted register. */
#include <stdlib.h>

#include "base/json.h"
#include "firmware/firmware.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct measured m[] = {{.pcr = 4, .type = EV_SEPARATOR, .number = 1}, {.pcr = 7, .type = 1, .number = 2}};
	struct pcrs pcrs;
	struct err e;
	AUTO(json_free) json_t *body = json_read(VIEW(p, n), 1 << 20, &e);

	if (!body)
		return 0;
	AUTO(reference_free) struct reference *r = reference_import(body, &e);
	if (!r)
		return 0;
	for (size_t i = 0; i < sizeof pcrs; i++) /* in no document but one that was made for it */
		pcrs.v[i / PCR_LEN][i % PCR_LEN] = (uint8_t)(i * 167 + 13);
	static struct story story;
	struct state state = {.pcrs = &pcrs, .secure_boot = SECURE_BOOT_ON, .ev = m, .nev = COUNT(m), .story = &story};
	story_tell(&story, m, COUNT(m), &pcrs);
	if (reference_match(r, &state, &e) == 0)
		abort();
	if ((e.why != WHY_UNTRUSTED && e.why != WHY_STALE) || e.text[0] == 0)
		abort();
	return 0;
}
