/* ekpolicy: the policies in the templates of endorsement keys. Private to attest/. */
#ifndef ATTEST_EKPOLICY_H
#define ATTEST_EKPOLICY_H

#include "base/mem.h"

struct ekpolicy { /* a: of the low range; b: of the high range, with its branches a and c */
	struct view a, b, c;
};

extern const struct ekpolicy ekpolicy_sha256, ekpolicy_sha384;

#endif
