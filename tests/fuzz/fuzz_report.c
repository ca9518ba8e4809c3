#include <stdlib.h>

#include "policy/policy.h"

/* The fuzzer cannot sign, so the key is its own: the payload is what it writes, the signature is ours. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static uint8_t file[2 << 20], text[1 << 20];
	static struct es256 *key;
	struct wr f = wr_to(file, sizeof file), w = wr_to(text, sizeof text);
	struct err e;

	if (!key && !(key = es256_generate(&e)))
		abort();
	report_verify(VIEW(p, n), key, &w, &e);
	if (jws_flat_sign(&f, key, TYP_REPORT, VIEW(p, n), &e) == 0)
		report_verify(wr_done(&f), key, &w, &e);
	for (size_t i = 0; i < w.n; i++)
		if (text[i] < 0x20 && text[i] != '\n')
			__builtin_trap();
	return 0;
}
