/* PE images: sections lie in the file, one behind the other, and the digest covers each byte of them once. */
#include <stdlib.h>

#include "firmware/image/predict.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct pe pe;
	static struct predicted out;
	uint8_t digest[SHA_LEN];
	const uint8_t *end = p;
	struct err e;

	if (pe_parse(VIEW(p, n), &pe, &e) != 0) {
		if (e.why != WHY_MALFORMED)
			abort();
		return 0;
	}
	for (size_t i = 0; i < pe.n; i++) {
		const struct pe_section *s = &pe.section[i];
		if (s->data.n > s->raw.n || s->name.n > 8)
			abort();
		if (s->raw.n == 0)
			continue;
		if (s->raw.p < end || s->raw.p + s->raw.n > p + n)
			abort();
		end = s->raw.p + s->raw.n;
	}
	pe_authenticode(&pe, digest);
	const struct image_parts parts = {.uki = VIEW(p, n)};
	(void)predict(&parts, &out, &e);
	(void)predict_sealed(VIEW(p, n), digest, &e);
	return 0;
}
