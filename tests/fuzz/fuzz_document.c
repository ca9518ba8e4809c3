#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct document d;
	struct err e;

	if (document_parse(VIEW(p, n), &d, &e) != 0)
		return 0;
	if (!name_ok(d.name) || d.version == 0 || d.kind >= DOC_KINDS || d.domain.nreferences > REFERENCES_MAX)
		__builtin_trap();
	document_free(&d);
	return 0;
}
